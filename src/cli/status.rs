//! `status`: what runs here and what it holds.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::context::{Context, all_projects, id_of};
use super::env;
use super::exit::{Exit, Failure, Result};
use super::output::{bytes, duration, text, write_stdout};
use super::reach::{self, Connection, Place};
use super::settings::shown;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bkend-local status --dotenv next > .env.local\n  bkend-local status --wait 30 && npm test\n\nExit code 3 when no server runs."
)]
pub struct Status {
    /// Print address and publishable key as environment variables, named as the framework wants them
    #[arg(long, value_enum, value_name = "FRAMEWORK", num_args = 0..=1, default_missing_value = "plain")]
    dotenv: Option<Framework>,
    /// Wait up to so many seconds until a server answers, then print
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Framework {
    Plain,
    Next,
    Vite,
    Expo,
}

impl Framework {
    fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Next => "NEXT_PUBLIC_",
            Self::Vite => "VITE_",
            Self::Expo => "EXPO_PUBLIC_",
        }
    }
}

/// Connects by itself, since it may have to wait for the server first.
pub async fn run(context: &Context, command: &Status) -> Result<()> {
    if let Some(seconds) = command.wait {
        wait(context, Duration::from_secs(seconds)).await?;
    }
    reach::with_connection(context, async |connection| show(context, connection, command).await).await
}

/// Waits until the server's `/readyz` answers.
async fn wait(context: &Context, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let client = match &context.url {
            Some(_) => Some(reach::connect(context).await?.client),
            None => reach::running(context, &context.data_dir.value).await?,
        };
        if let Some(client) = client
            && client.is_ready().await
        {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(no_server(context, &format!("No server answered within {} s", limit.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn no_server(context: &Context, what: &str) -> Failure {
    match &context.url {
        Some(url) => Failure::new(Exit::Network, "cli/unreachable", format!("{what} at {}", url.value)),
        None => Failure::not_found(format!("{what} for {}; start one: bkend-local serve", shown(&context.data_dir.value))),
    }
}

async fn show(context: &Context, connection: &Connection, command: &Status) -> Result<()> {
    let runs = !matches!(connection.place, Place::Here(_));
    if let Some(framework) = command.dotenv {
        if !runs {
            return Err(no_server(context, "No server runs"));
        }
        return dotenv(context, connection, framework).await;
    }
    let status = gather(context, connection, runs).await?;
    context.output.result(&status, |output| human(output, &status))?;
    if runs { Ok(()) } else { Err(Failure { code: SHOWN.to_owned(), ..no_server(context, "No server runs") }) }
}

/// The code of a failure whose result was printed all the same: with `--json` stderr stays empty then.
pub const SHOWN: &str = "cli/no-server";

async fn dotenv(context: &Context, connection: &Connection, framework: Framework) -> Result<()> {
    let client = &connection.client;
    let environment = context.environment(client).await?;
    let keys = client.list(&environment.to(&["keys"])).await?;
    let mut publishable: Vec<_> = keys.iter().filter(|key| key["type"] == "publishable" && key["key"].is_string()).collect();
    publishable.sort_by_key(|key| key["createdAt"].as_str());
    let missing = || Failure::not_found(format!("{} has no publishable key that can be shown; make one: bkend-local key create app", environment.environment));
    let key = publishable.first().and_then(|key| key["key"].as_str()).ok_or_else(missing)?;
    let server = client.get(&["server"]).await.unwrap_or_default();
    let base = public_url(connection, &server);
    let prefix = framework.prefix();
    let values = [(format!("{prefix}BKEND_API_URL"), format!("{base}/v1")), (format!("{prefix}BKEND_PUBLISHABLE_KEY"), key.to_owned())];
    let document: Value = values.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>().into();
    if context.output.json {
        return write_stdout(&document.to_string());
    }
    write_stdout(&values.map(|(name, value)| format!("{name}={value}")).join("\n"))
}

/// The address the server hands out, which may differ from the one used here.
fn public_url(connection: &Connection, server: &Value) -> String {
    let told = ["publicUrl", "address"].into_iter().find_map(|member| server[member].as_str()).map(|url| url.trim_end_matches('/').to_owned());
    told.filter(|url| !url.is_empty()).unwrap_or_else(|| connection.client.base().to_owned())
}

async fn gather(context: &Context, connection: &Connection, runs: bool) -> Result<Value> {
    let client = &connection.client;
    // A token of somebody who is not the server's owner sees projects, but not the server.
    let server = match client.get(&["server"]).await {
        Err(failure) if failure.exit == Exit::NotPermitted && context.url.is_some() => Value::Null,
        other => other?,
    };
    let mut projects = all_projects(client).await?;
    for project in &mut projects {
        project["environments"] = json!(env::with_stats(connection, &id_of(project)).await?);
    }
    let data_dir = context.url.is_none().then(|| context.data_dir.value.display().to_string());
    let url = if runs { json!(public_url(connection, &server)) } else { Value::Null };
    Ok(json!({ "running": runs, "url": url, "dataDir": data_dir, "server": server, "projects": projects }))
}

fn human(output: &super::output::Output, status: &Value) -> String {
    let server = &status["server"];
    let mut head = Vec::new();
    if status["running"] == true {
        head.push(("Server", text(&status["url"])));
        let uptime = server["uptimeSeconds"].as_u64();
        head.extend(uptime.map(|seconds| ("Uptime", duration(seconds))));
    } else {
        head.push(("Server", "none runs".to_owned()));
    }
    if server["version"].is_string() {
        head.push(("Version", text(&server["version"])));
    }
    if let Some(dir) = status["dataDir"].as_str() {
        let size = if server["dataSizeBytes"].is_number() { format!(" ({})", bytes(&server["dataSizeBytes"])) } else { String::new() };
        head.push(("Data", format!("{}{size}", shown(std::path::Path::new(dir)))));
    }
    let mut parts = vec![output.pairs(&head)];
    for project in status["projects"].as_array().into_iter().flatten() {
        let rows = project["environments"].as_array().into_iter().flatten().map(|e| {
            let mut row = env::row(e);
            row.push(text(&e["stats"]["files"]));
            row
        });
        let header = [&env::HEADER[..], &["FILES"]].concat();
        parts.push(format!("{} ({})\n{}", text(&project["name"]), text(&project["slug"]), output.table(&header, rows.collect())));
    }
    parts.join("\n\n")
}
