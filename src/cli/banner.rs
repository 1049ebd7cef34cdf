//! What `serve` prints once requests are answered, and the ready file: both made from one plain struct.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Everything the banner and the ready file tell.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    pub version: String,
    /// Base of handed-out URLs, without a slash at the end.
    pub url: String,
    pub pid: u32,
    pub project_name: String,
    pub project_id: String,
    pub environment: String,
    /// Absolute.
    pub data_dir: String,
    /// As people type it: `./.bkend`.
    pub data_dir_shown: String,
    /// Whether this start made the data directory.
    pub new: bool,
    pub publishable_key: Option<String>,
    /// On the first run only.
    pub secret_key: Option<String>,
    pub sign_in: Option<SignIn>,
    /// `--no-secrets`: no keys, links and codes in the banner. The ready file, being owner-only, keeps them.
    pub hide_secrets: bool,
}

/// A link that signs the owner in, once.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub url: String,
    /// Local time of day, `10:42:07`.
    pub until: String,
}

/// The banner in exactly the layout of `08-cli.md` §3, with a line break at the end.
pub fn text(ready: &Ready) -> String {
    let url = &ready.url;
    let mut lines = vec![format!("  bkend-local {}", ready.version), String::new()];
    let project = format!("{} · {}", ready.project_name, ready.environment);
    let new = if ready.new { "  (new)" } else { "" };
    lines.push(format!("  Project   {project:<23}  data in {}{new}", ready.data_dir_shown));
    lines.push(format!("  Console   {url}/console"));
    lines.push(match (&ready.sign_in, ready.hide_secrets) {
        (Some(link), false) => format!("  Sign in   {}     once, until {}", link.url, link.until),
        _ => "  Sign in   bkend-local login-link".to_owned(),
    });
    lines.push(format!("  REST      {url}/v1"));
    lines.push(format!("  MCP       {url}/mcp"));
    lines.push(format!("  API docs  {url}/docs"));
    lines.push(String::new());
    if !ready.hide_secrets {
        lines.extend(key_lines(ready));
    }
    lines.push("  Connect Claude Code".to_owned());
    lines.push(format!("    claude mcp add --scope user --transport http bkend {url}/mcp"));
    lines.push(String::new());
    lines.push("  Data from the cloud?  bkend-local import <folder>".to_owned());
    lines.push("  Ctrl+C stops.".to_owned());
    lines.join("\n") + "\n"
}

fn key_lines(ready: &Ready) -> Vec<String> {
    let publishable = ready.publishable_key.iter().map(|key| format!("  Publishable key   {key}"));
    let secret = ready.secret_key.iter().map(|key| format!("  Secret key        {key}      shown once, not stored"));
    let mut lines: Vec<_> = publishable.chain(secret).collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The banner as one line: `{"event":"ready",…}`, the fields of the ready file and `signInUrl`.
pub fn event(ready: &Ready) -> Value {
    let mut event = Map::new();
    event.insert("event".to_owned(), json!("ready"));
    let mut fields = fields(ready);
    if ready.hide_secrets {
        fields.remove("publishableKey");
        fields.remove("secretKey");
    } else if let Some(link) = &ready.sign_in {
        fields.insert("signInUrl".to_owned(), json!(link.url));
    }
    event.extend(fields);
    Value::Object(event)
}

fn fields(ready: &Ready) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("url", json!(ready.url));
    put("restUrl", json!(format!("{}/v1", ready.url)));
    put("mcpUrl", json!(format!("{}/mcp", ready.url)));
    put("pid", json!(ready.pid));
    put("dataDir", json!(ready.data_dir));
    put("projectId", json!(ready.project_id));
    put("environment", json!(ready.environment));
    put("publishableKey", json!(ready.publishable_key));
    if let Some(key) = &ready.secret_key {
        put("secretKey", json!(key));
    }
    fields
}

/// Writes the ready file: owner-only, and complete from the moment it exists under its name.
pub fn write_ready_file(path: &Path, ready: &Ready) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600, which renaming keeps.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", Value::Object(fields(ready)))?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_run() -> Ready {
        Ready {
            version: "1.0.0".into(),
            url: "http://localhost:4300".into(),
            pid: 4242,
            project_name: "my-blog".into(),
            project_id: "665f00000000000000000001".into(),
            environment: "dev".into(),
            data_dir: "/home/mina/my-blog/.bkend".into(),
            data_dir_shown: "./.bkend".into(),
            new: true,
            publishable_key: Some("pk_1".into()),
            secret_key: Some("sk_1".into()),
            sign_in: Some(SignIn { url: "http://localhost:4300/console/link#3f9c".into(), until: "10:42:07".into() }),
            hide_secrets: false,
        }
    }

    const FIRST: &str = "  bkend-local 1.0.0

  Project   my-blog · dev            data in ./.bkend  (new)
  Console   http://localhost:4300/console
  Sign in   http://localhost:4300/console/link#3f9c     once, until 10:42:07
  REST      http://localhost:4300/v1
  MCP       http://localhost:4300/mcp
  API docs  http://localhost:4300/docs

  Publishable key   pk_1
  Secret key        sk_1      shown once, not stored

  Connect Claude Code
    claude mcp add --scope user --transport http bkend http://localhost:4300/mcp

  Data from the cloud?  bkend-local import <folder>
  Ctrl+C stops.
";

    #[test]
    fn the_first_run_prints_exactly_this_layout() {
        assert_eq!(text(&first_run()), FIRST);
    }

    #[test]
    fn later_runs_print_the_same_without_new_and_the_secret_key() {
        let later = Ready { new: false, secret_key: None, sign_in: None, ..first_run() };
        let expected = FIRST
            .replace("  (new)", "")
            .replace("  Secret key        sk_1      shown once, not stored\n", "")
            .replace("http://localhost:4300/console/link#3f9c     once, until 10:42:07", "bkend-local login-link");
        assert_eq!(text(&later), expected);
    }

    #[test]
    fn no_secrets_leaves_keys_and_links_out_of_the_banner() {
        let hidden = Ready { hide_secrets: true, ..first_run() };
        for shown in [text(&hidden), event(&hidden).to_string()] {
            assert!(!shown.contains("pk_1") && !shown.contains("sk_1") && !shown.contains("#3f9c"), "{shown}");
        }
    }

    #[test]
    fn json_is_the_ready_file_and_the_sign_in_url() {
        let event = event(&first_run());
        assert_eq!(event["event"], "ready");
        assert_eq!(event["restUrl"], "http://localhost:4300/v1");
        assert_eq!(event["mcpUrl"], "http://localhost:4300/mcp");
        assert_eq!(event["secretKey"], "sk_1");
        assert_eq!(event["signInUrl"], "http://localhost:4300/console/link#3f9c");
    }

    #[test]
    fn the_ready_file_is_owner_only_and_holds_no_secret_on_later_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        write_ready_file(&path, &Ready { secret_key: None, ..first_run() }).unwrap();
        let content: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let names: Vec<_> = content.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["url", "restUrl", "mcpUrl", "pid", "dataDir", "projectId", "environment", "publishableKey"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
