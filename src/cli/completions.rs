//! `completions`: the script that makes a shell ask this program, and its answers from a running server.

use std::ffi::OsStr;
use std::future::Future;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use serde_json::Value;

use super::args::{Globals, Shell};
use super::client::Client;
use super::context::{Context, all_projects};
use super::exit::{Failure, Result};
use super::output::write_stdout;
use super::reach;

/// The variable through which the shell asks for candidates.
pub const VARIABLE: &str = "BKEND_COMPLETE";

/// Prints the script.
pub fn run(shell: Shell) -> Result<()> {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
    };
    let shells = Shells::builtins();
    let completer = shells.completer(name).ok_or_else(|| Failure::usage(format!("No completion for {name}")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "bkend-local", "bkend-local", "bkend-local", &mut script)
        .map_err(|e| Failure::unexpected("The script could not be made", e))?;
    write_stdout(String::from_utf8_lossy(&script).trim_end())
}

/// Slugs of the projects.
pub fn projects(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, "slug", async |_, client| all_projects(&client).await)
}

/// Names of the environments of the project.
pub fn environments(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, "environment", async |context, client| {
        let project = context.project(&client).await?;
        client.list(&["projects", &super::context::id_of(&project), "environments"]).await
    })
}

/// Names of the tables of the environment.
pub fn tables(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, "tableName", async |context, client| client.list(&context.environment(&client).await?.to(&["tables"])).await)
}

/// Names of the keys of the environment.
pub fn keys(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, "name", async |context, client| client.list(&context.environment(&client).await?.to(&["keys"])).await)
}

/// Whatever goes wrong, a completion just has no candidates: the person is in the middle of typing.
fn candidates<F>(current: &OsStr, member: &str, find: impl FnOnce(Context, Client) -> F) -> Vec<CompletionCandidate>
where
    F: Future<Output = Result<Vec<Value>>>,
{
    let globals =
        Globals { data_dir: typed("--data-dir").map(Into::into), project: typed("--project"), env: typed("--env"), timeout: Some(1), ..Globals::default() };
    let Ok(context) = Context::new(&globals) else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let found = runtime.block_on(async {
        let client = reach::running(&context, &context.data_dir.value.clone()).await.ok().flatten()?;
        tokio::time::timeout(Duration::from_secs(1), find(context, client)).await.ok()?.ok()
    });
    let prefix = current.to_string_lossy();
    let names = found.unwrap_or_default().into_iter().filter_map(|item| item[member].as_str().map(str::to_owned));
    names.filter(|name| name.starts_with(&*prefix)).map(CompletionCandidate::new).collect()
}

/// The value of a flag that stands on the line being completed.
fn typed(flag: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).filter(|value| !value.is_empty()).cloned()
}
