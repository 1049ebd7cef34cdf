//! A JSON configuration file that belongs to somebody else: one entry changes, everything else stays as it stands, and the
//! old file is kept beside it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;

use super::places::Tool;
use crate::cli::exit::{Exit, Failure, Result};
use crate::cli::settings::shown;

/// A file as read, or as it will be when it does not exist yet.
pub struct ConfigFile {
    path: PathBuf,
    /// `None`: there is none yet.
    before: Option<String>,
    root: CstRootNode,
    member: &'static str,
}

impl ConfigFile {
    /// # Errors
    /// Exit 6 for what is not valid JSON, or no object where one has to be.
    pub fn read(tool: Tool, path: &Path) -> Result<Self> {
        let before = match std::fs::read(path) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| invalid(path, "it is not UTF-8"))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(path, &error)),
        };
        let text = before.as_deref().unwrap_or_default();
        let blank = text.trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty();
        let root = CstRootNode::parse(if blank { "{}\n" } else { text }, &options(tool)).map_err(|error| invalid(path, &error.to_string()))?;
        if !blank && !tool.reads_comments() {
            // What the tool itself would not read is left to its owner.
            serde_json::from_str::<serde::de::IgnoredAny>(text.trim_start_matches('\u{feff}')).map_err(|error| invalid(path, &error.to_string()))?;
        }
        let file = Self { path: path.to_owned(), before, root, member: tool.member() };
        let object = file.root.object_value().ok_or_else(|| invalid(path, "it holds no object"))?;
        if object.get(file.member).is_some_and(|servers| servers.object_value().is_none()) {
            return Err(invalid(path, &format!("\"{}\" in it is no object", file.member)));
        }
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entries of all servers, by name.
    pub fn entries(&self) -> Vec<(String, Value)> {
        let servers = self.root.object_value().and_then(|object| object.object_value(self.member));
        let properties = servers.map(|servers| servers.properties()).unwrap_or_default();
        properties.iter().filter_map(|entry| Some((entry.decoded_name()?, entry.value()?.to_serde_value()?))).collect()
    }

    /// Puts an entry in place, behind the others when it is new.
    pub fn set(&self, name: &str, entry: &Value) {
        let servers: CstObject = self.root.object_value_or_set().object_value_or_set(self.member);
        match servers.get(name) {
            Some(known) => known.set_value(input(entry)),
            None => drop(servers.append(name, input(entry))),
        }
    }

    pub fn remove(&self, name: &str) {
        let servers = self.root.object_value().and_then(|object| object.object_value(self.member));
        if let Some(entry) = servers.and_then(|servers| servers.get(name)) {
            entry.remove();
        }
    }

    /// Writes the file if anything in it has changed; the old one is kept as `.bak`.
    pub fn save(&self) -> Result<()> {
        let mut text = self.root.to_string();
        if !text.ends_with('\n') && self.before.is_none() {
            text.push('\n');
        }
        if self.before.as_deref() == Some(text.as_str()) {
            return Ok(());
        }
        self.replace(text.as_bytes()).map_err(|error| unusable(&self.path, &error))
    }

    /// In one step, through links, with the old file's rights.
    fn replace(&self, text: &[u8]) -> std::io::Result<()> {
        let target = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = target.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        if self.before.is_some() {
            std::fs::copy(&target, backup(&self.path))?;
        }
        let mut file = tempfile::Builder::new().prefix(".bkend-mcp-").tempfile_in(folder)?;
        file.write_all(text)?;
        match std::fs::metadata(&target) {
            Ok(old) => file.as_file().set_permissions(old.permissions())?,
            Err(_) => readable_by_all(file.as_file())?,
        }
        file.as_file().sync_all()?;
        file.persist(&target).map(drop).map_err(|error| error.error)
    }
}

/// A temporary file starts out private; one that is shared by everybody who works in a folder is not.
fn readable_by_all(file: &std::fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

/// Where the old file is kept.
pub fn backup(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    PathBuf::from(name)
}

fn options(tool: Tool) -> ParseOptions {
    ParseOptions {
        allow_comments: tool.reads_comments(),
        allow_trailing_commas: tool.reads_comments(),
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(members) => CstInputValue::Object(members.iter().map(|(name, value)| (name.clone(), input(value))).collect()),
    }
}

fn invalid(path: &Path, why: &str) -> Failure {
    let message = format!("{} was left alone, since it is not valid: {why}. Correct it, or use --print and enter it by hand", shown(path));
    Failure::new(Exit::Data, "cli/config-file-invalid", message)
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unexpected, "cli/config-file-unusable", format!("{} cannot be changed: {error}; use --print and enter it by hand", shown(path)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(tool: Tool, text: &str, change: impl FnOnce(&ConfigFile)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.json");
        std::fs::write(&path, text).unwrap();
        let file = ConfigFile::read(tool, &path).unwrap();
        change(&file);
        file.save().unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn other_entries_comments_and_formatting_stay() {
        let text = "{\n    // mine\n    \"servers\": {\n        \"other\": {\"url\": \"x\"}, // kept\n    },\n    \"inputs\": []\n}\n";
        let after = changed(Tool::Vscode, text, |file| file.set("bkend", &json!({ "type": "http", "url": "u" })));
        assert!(after.starts_with("{\n    // mine\n    \"servers\": {\n        \"other\": {\"url\": \"x\"}, // kept\n"), "{after}");
        assert!(after.contains("        \"bkend\": {\n            \"type\": \"http\",\n            \"url\": \"u\""), "{after}");
        assert!(after.ends_with("    \"inputs\": []\n}\n"), "{after}");
        let back = changed(Tool::Vscode, &after, |file| file.remove("bkend"));
        assert!(back.contains("// kept") && !back.contains("bkend"), "{back}");
    }

    #[test]
    fn what_is_no_json_for_the_tool_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.json");
        for text in ["{", "[]", "{\"mcpServers\": []}", "{} // a comment", "{\"a\": 1,}"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(ConfigFile::read(Tool::ClaudeCode, &path).err().map(|failure| failure.exit), Some(Exit::Data), "{text}");
        }
    }
}
