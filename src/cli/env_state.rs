//! `env clone|snapshot|snapshots|restore|reset`: states of environments, saved and put back.

use std::io::IsTerminal as _;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::Confirm;
use super::completions;
use super::confirm;
use super::context::{Context, EnvironmentPath, id_of};
use super::env::Type;
use super::exit::{Exit, Failure, Result, exit_for};
use super::output::{bytes, items, text, time};
use super::reach::Connection;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env clone dev review --no-users")]
pub struct Clone {
    /// Name or id of the environment to copy
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    from: String,
    /// Name of the new environment: a lower-case letter and up to 31 of a-z 0-9 -
    to: String,
    /// Leave the records behind
    #[arg(long)]
    no_data: bool,
    /// Leave the users behind
    #[arg(long)]
    no_users: bool,
    /// Leave the stored files behind
    #[arg(long)]
    no_files: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env snapshot before-refactoring\n  bkend-local env snapshot --env staging --no-files")]
pub struct Snapshot {
    /// What to call it [default: the time]
    name: Option<String>,
    /// Leave the stored files out
    #[arg(long)]
    no_files: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env restore 6650c0ffee0123456789abcd --confirm dev")]
pub struct Restore {
    /// Id or name of a snapshot of the project
    snapshot: String,
    #[command(flatten)]
    confirm: Confirm,
    /// Do not save what is there first
    #[arg(long)]
    no_snapshot: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env reset --confirm dev\n  bkend-local env reset --keep-users --env staging")]
pub struct Reset {
    #[command(flatten)]
    confirm: Confirm,
    /// Users and their sessions stay
    #[arg(long)]
    keep_users: bool,
    /// Tables go too, not only their records
    #[arg(long)]
    schema: bool,
    /// Do not save what is there first
    #[arg(long)]
    no_snapshot: bool,
}

/// Starts a job with `POST path` and follows it to its end; answers its result.
pub async fn job(context: &Context, connection: &Connection, path: &[&str], query: &[(&str, &str)], body: &Value) -> Result<Value> {
    let client = &connection.client;
    let mut job = client.call(Method::POST, path, query, Some(body)).await?;
    let mut told = String::new();
    while matches!(job["status"].as_str(), Some("queued" | "running")) {
        let stage = text(&job["progress"]["stage"]);
        if stage != told && std::io::stderr().is_terminal() {
            context.output.hint(&format!("{stage} …"));
            told = stage;
        }
        let id = id_of(&job);
        job = client.call(Method::GET, &["jobs", &id], &[("wait", "2")], None).await?;
    }
    match job["status"].as_str() {
        Some("succeeded") => Ok(job["result"].take()),
        Some("cancelled") => Err(Failure::new(Exit::Refused, "job/cancelled", "The job was cancelled by somebody; nothing was changed")),
        _ => {
            let error = &job["error"];
            let code = error["code"].as_str().unwrap_or("common/internal-error");
            let status = if code == "common/unavailable" { 503 } else { 409 };
            let details = error["details"].as_array().cloned().unwrap_or_default();
            Err(Failure::new(exit_for(code, status), code, text(&error["message"])).details(details))
        }
    }
}

pub async fn clone(context: &Context, connection: &Connection, project: &str, clone: &Clone) -> Result<()> {
    let from = json!({ "environment": clone.from, "data": !clone.no_data, "users": !clone.no_users, "files": !clone.no_files });
    let body = json!({ "environment": clone.to, "environmentType": Type::of(&clone.to).name(), "cloneFrom": from });
    let made = job(context, connection, &["projects", project, "environments"], &[], &body).await?;
    context.output.result(&made, |output| {
        let stats = &made["stats"];
        output.pairs(&[
            ("Environment", text(&made["environment"])),
            ("Copied from", clone.from.clone()),
            ("Tables, rows", format!("{}, {}", text(&stats["tables"]), text(&stats["rows"]))),
            ("Publishable key", text(&made["publishableKey"])),
        ])
    })
}

pub async fn snapshot(context: &Context, connection: &Connection, snapshot: &Snapshot) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let body = json!({ "name": snapshot.name, "includeFiles": !snapshot.no_files });
    let taken = job(context, connection, &environment.to(&["snapshots"]), &[], &body).await?;
    context.output.result(&taken, |output| {
        output.pairs(&[
            ("Snapshot", text(&taken["id"])),
            ("Name", text(&taken["name"])),
            ("Rows, files", format!("{}, {}", text(&taken["rows"]), text(&taken["files"]))),
            ("Size", bytes(&taken["sizeBytes"])),
        ])
    })
}

pub async fn snapshots(context: &Context, connection: &Connection, project: &str) -> Result<()> {
    let all = connection.client.list(&["projects", project, "snapshots"]).await?;
    let row = |s: &Value| {
        let what = if s["table"].is_null() { text(&s["environment"]) } else { format!("{}.{}", text(&s["environment"]), text(&s["table"])) };
        vec![text(&s["id"]), text(&s["name"]), text(&s["reason"]), what, text(&s["rows"]), bytes(&s["sizeBytes"]), time(&s["createdAt"])]
    };
    context.output.result(&items(&all), |output| output.table(&["ID", "NAME", "REASON", "OF", "ROWS", "SIZE", "CREATED"], all.iter().map(row).collect()))
}

pub async fn restore(context: &Context, connection: &Connection, project: &str, restore: &Restore) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let all = connection.client.list(&["projects", project, "snapshots"]).await?;
    let wanted = &restore.snapshot;
    let found = all.iter().find(|s| s["id"] == **wanted).or_else(|| all.iter().find(|s| s["name"] == **wanted));
    let found = found.ok_or_else(|| Failure::not_found(format!("There is no snapshot {wanted}; bkend-local env snapshots shows those there are")))?;
    let id = id_of(found);
    let name = name_of(connection, &environment).await?;
    let what = if found["table"].is_null() { "everything in it is".to_owned() } else { format!("its table {} is", text(&found["table"])) };
    let losses = format!("{name}: {what} replaced by the snapshot {} of {}.", text(&found["name"]), time(&found["createdAt"]));
    confirm::by_name(context, &name, restore.confirm.confirm.as_deref(), &losses)?;
    let query = [("confirm", name.as_str()), ("snapshot", if restore.no_snapshot { "false" } else { "true" })];
    let done = job(context, connection, &environment.to(&["snapshots", &id, "restore"]), &query, &json!({})).await?;
    tell(context, &done, &name, "Restored")
}

pub async fn reset(context: &Context, connection: &Connection, reset: &Reset) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let name = name_of(connection, &environment).await?;
    let goes = match (reset.keep_users, reset.schema) {
        (false, false) => "all records, users and files go; the tables stay",
        (true, false) => "all records and files go; tables and users stay",
        (false, true) => "all tables with their records, users and files go",
        (true, true) => "all tables with their records and files go; users stay",
    };
    confirm::by_name(context, &name, reset.confirm.confirm.as_deref(), &format!("{name}: {goes}."))?;
    let query = [("confirm", name.as_str()), ("snapshot", if reset.no_snapshot { "false" } else { "true" })];
    let body = json!({ "users": !reset.keep_users, "schema": reset.schema });
    let done = job(context, connection, &environment.to(&["reset"]), &query, &body).await?;
    tell(context, &done, &name, "Reset")
}

/// The name behind `--env`, which may be an id.
async fn name_of(connection: &Connection, environment: &EnvironmentPath) -> Result<String> {
    Ok(text(&connection.client.get(&environment.to(&[])).await?["environment"]))
}

/// What an environment holds now, and the command that undoes it.
fn tell(context: &Context, done: &Value, name: &str, verb: &str) -> Result<()> {
    context.output.result(done, |_| {
        let mut lines = format!("{verb} {name}: {} tables, {} rows, {} users", text(&done["tables"]), text(&done["rows"]), text(&done["users"]));
        if let Some(undo) = done["undoSnapshotId"].as_str() {
            lines.push_str(&format!("\nUndo: bkend-local env restore {undo} --env {name} --confirm {name}"));
        }
        lines
    })
}
