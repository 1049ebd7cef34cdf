//! Runs the samples of one page in order.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bkend_local::domain::docs::{Page, Placeholders, fences};
use serde_json::{Value, json};
use tokio::process::Command;

use super::compare::difference;
use super::curl::Request;
use super::fence::{As, Does, Sample};
use super::fixture;
use crate::support::authenticator::Authenticator;
use crate::support::{Answer, TestApp};

/// Longer than any sample takes on a busy machine; a hanging one must not hang the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stands for the code that an authenticator app shows.
const APP_CODE: &str = "{appCode}";

/// A sample that was sent.
struct Sent {
    request: Request,
    who: As,
    body: Value,
}

struct Run {
    app: TestApp,
    data_dir: PathBuf,
    folder: tempfile::TempDir,
    user_token: String,
    access_token: String,
    saved: Vec<(String, String)>,
    sent: HashMap<String, Sent>,
}

/// What is wrong with the samples of a page.
pub async fn page(page: &Page) -> Vec<String> {
    let blocks = fences(&page.markdown);
    if blocks.iter().all(|fence| matches!(Sample::parse(fence), Ok(Sample { does: Does::Nothing | Does::Skip, .. }))) {
        return Vec::new();
    }
    let mut run = Run::start(page.meta.fixture.as_deref()).await;
    let mut wrong = Vec::new();
    for fence in blocks {
        let outcome = match Sample::parse(&fence) {
            Ok(sample) => run.sample(&sample).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            wrong.push(format!("```{}\n{reason}", fence.info));
        }
    }
    wrong
}

impl Run {
    async fn start(fixture: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join(".bkend");
        let app = TestApp::start_with(|settings| settings.data_dir.clone_from(&data_dir)).await;
        let users = fixture::load(&app, fixture).await;
        let token = app.operator().post("/management/v1/account/tokens", json!({ "name": "samples", "scope": "write" })).await.assert(201);
        let access_token = token["token"].as_str().unwrap().to_owned();
        Self { data_dir, folder, user_token: users["ana"].token.clone(), access_token, saved: Vec::new(), sent: HashMap::new(), app }
    }

    async fn sample(&mut self, sample: &Sample<'_>) -> Result<(), String> {
        match &sample.does {
            Does::Send { name, status, who, save } => {
                let request = Request::parse(&self.filled(sample.code, *who)?)?;
                let answer = self.send(&request).await;
                for (variable, path) in save {
                    let value = path.split('.').fold(&answer.body, member);
                    let text = value.as_str().ok_or_else(|| format!("the answer has no {path}: {}", answer.text))?;
                    self.saved.push((variable.clone(), text.to_owned()));
                }
                let outcome = if answer.status == *status { Ok(()) } else { Err(format!("answers {} {}", answer.status, answer.text)) };
                self.sent.insert(name.clone(), Sent { request, who: *who, body: answer.body });
                outcome
            }
            Does::Answers { name } => {
                let sent = self.sent.get(name).ok_or_else(|| format!("no sample {name} before"))?;
                let shown: Value = serde_json::from_str(sample.code).map_err(|error| error.to_string())?;
                difference(&shown, &sent.body, "").map_or(Ok(()), Err)
            }
            Does::Same { name, run } => {
                let sent = self.sent.get(name).ok_or_else(|| format!("no sample {name} before"))?;
                let code = self.filled(sample.code, sent.who)?;
                same(&sent.request, &code)?;
                if *run { self.javascript(&code).await } else { Ok(()) }
            }
            Does::Tool { name } => self.tool(name, sample.code).await,
            Does::Console => self.console(sample.code).await,
            Does::File { name } => std::fs::write(self.folder.path().join(name), sample.code).map_err(|error| error.to_string()),
            Does::Skip | Does::Nothing => Ok(()),
        }
    }

    /// The block with this environment's addresses, keys and saved values.
    fn filled(&self, code: &str, who: As) -> Result<String, String> {
        let allowed: &[&str] = match who {
            As::Guest => &[],
            As::User | As::Token => &["@@TOKEN@@"],
            As::Secret => &["@@SK@@"],
        };
        if let Some(token) = ["@@TOKEN@@", "@@SK@@"].iter().find(|token| code.contains(**token) && !allowed.contains(token)) {
            return Err(format!("{token} does not fit as={who:?}"));
        }
        let token = if who == As::Token { &self.access_token } else { &self.user_token };
        let mut code = code.replace("@@SK@@", &self.app.secret_key).replace("@@TOKEN@@", token);
        for (name, value) in &self.saved {
            code = code.replace(&format!("${{{name}}}"), value).replace(&format!("{{{name}}}"), value);
        }
        if code.contains(APP_CODE) {
            code = code.replace(APP_CODE, &self.app_code()?);
        }
        let values = Placeholders {
            base: self.app.url.clone(),
            publishable_key: Some(self.app.publishable_key.clone()),
            project: Some(self.app.environment.project().id.clone()),
            environment: Some(self.app.environment.name().to_owned()),
        };
        values.replace(&code).map_err(|error| error.to_string())
    }

    /// What the authenticator app shows for the saved `secret`. Each code works once, so that the next one is shown after it.
    fn app_code(&self) -> Result<String, String> {
        let (_, secret) = self.saved.iter().rfind(|(name, _)| name == "secret").ok_or("no sample saved the secret of an authenticator app")?;
        let code = Authenticator::new(secret, Vec::new()).code(&self.app, 0);
        self.app.wait(30);
        Ok(code)
    }

    async fn send(&self, request: &Request) -> Answer {
        let client = crate::support::http_client();
        let method = request.method.parse().unwrap();
        let mut out = client.request(method, &request.url).timeout(PATIENCE);
        for (name, value) in &request.headers {
            out = out.header(name, value);
        }
        if let Some(body) = &request.body {
            out = out.body(body.clone());
        }
        Answer::of(out.send().await.unwrap()).await
    }

    /// Calls a tool over `/mcp`, each time in a session of its own.
    async fn tool(&self, name: &str, code: &str) -> Result<(), String> {
        let arguments: Value = serde_json::from_str(&self.filled(code, As::Guest)?).map_err(|error| error.to_string())?;
        let session = self.app.bearer(&self.access_token).mcp("2025-06-18").await;
        let answer = session.ask("tools/call", json!({ "name": name, "arguments": arguments })).await;
        let result = &answer.body["result"];
        let fine = answer.status == 200 && result["content"][0]["text"].is_string() && result["isError"] != true;
        if fine { Ok(()) } else { Err(format!("answers {} {}", answer.status, answer.text)) }
    }

    /// Runs a script where Node is present.
    async fn javascript(&self, code: &str) -> Result<(), String> {
        let file = self.folder.path().join("sample.mjs");
        std::fs::write(&file, code).map_err(|error| error.to_string())?;
        match finish(Command::new("node").arg(&file)).await {
            Err(reason) if reason.contains("No such file or directory (os error 2)") => Ok(()),
            outcome => outcome,
        }
    }

    async fn console(&self, code: &str) -> Result<(), String> {
        for line in code.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let words = shlex::split(line).ok_or("the quotes do not close")?;
            let Some(("bkend-local", arguments)) = words.split_first().map(|(name, rest)| (name.as_str(), rest)) else {
                return Err(format!("{line}: only bkend-local is run here"));
            };
            let mut command = Command::new(env!("CARGO_BIN_EXE_bkend-local"));
            command.args(arguments).current_dir(self.folder.path()).env("BKEND_DATA_DIR", &self.data_dir);
            finish(&mut command).await.map_err(|reason| format!("{line}: {reason}"))?;
        }
        Ok(())
    }
}

/// Waits for a program; what it printed is the reason when it fails.
async fn finish(command: &mut Command) -> Result<(), String> {
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.map_err(|_| "does not end")?.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))) }
}

/// A member by its name, or by its place in a list.
fn member<'a>(value: &'a Value, key: &str) -> &'a Value {
    match key.parse::<usize>() {
        Ok(place) if value.is_array() => &value[place],
        _ => &value[key],
    }
}

/// Whether the code names the request's method, path, parameters and body fields.
fn same(request: &Request, code: &str) -> Result<(), String> {
    if request.method != "GET" && !code.contains(&format!("'{}'", request.method)) {
        return Err(format!("does not name the method {}", request.method));
    }
    if !code.contains(request.path()) {
        return Err(format!("does not name the path {}", request.path()));
    }
    request.names().into_iter().find(|name| !code.contains(name.as_str())).map_or(Ok(()), |name| Err(format!("does not name {name}")))
}
