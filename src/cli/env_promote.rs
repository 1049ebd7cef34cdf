//! `env compare A B` and `env promote FROM TO`.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};

use super::completions;
use super::confirm;
use super::context::Context;
use super::exit::{Exit, Failure, Result};
use super::plan;
use super::reach::Connection;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env compare dev prod --exit-code")]
pub struct Compare {
    /// The environment as it should be
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    a: String,
    /// The environment that would be changed
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    b: String,
    /// Exit with 6 when the two differ
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env promote dev prod --tables posts,comments --dry-run")]
pub struct Promote {
    /// The environment whose state is taken
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    from: String,
    /// The environment that is changed
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    to: String,
    /// Only these tables
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    tables: Option<Vec<String>>,
    /// What is carried over: schema, indexes, permissions, auth [default: the first three]
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    parts: Option<Vec<String>>,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Stored values may be removed
    #[arg(long)]
    allow_destructive: bool,
}

pub async fn compare(context: &Context, connection: &Connection, project: &str, compare: &Compare) -> Result<()> {
    let query = [("from", compare.a.as_str()), ("to", compare.b.as_str())];
    let found = connection.client.call(Method::GET, &["projects", project, "compare"], &query, None).await?;
    let differ = !plan::list(&found, "changes").is_empty();
    context.output.result(&found, |_| if differ { plan::human(&found) } else { format!("{} and {} are equal", compare.a, compare.b) })?;
    if differ && compare.exit_code {
        return Err(Failure::new(Exit::Data, "cli/differ", format!("{} and {} differ", compare.a, compare.b)));
    }
    Ok(())
}

pub async fn promote(context: &Context, connection: &Connection, project: &str, promote: &Promote) -> Result<()> {
    let path = ["projects", project, "promotions"];
    let body = |hash: &Value| {
        json!({ "from": promote.from, "to": promote.to, "tables": promote.tables, "parts": promote.parts, "planHash": hash,
            "allowDestructive": promote.allow_destructive })
    };
    let found = connection.client.call(Method::POST, &path, &[("dryRun", "true")], Some(&body(&Value::Null))).await?;
    plan::refusals(&found)?;
    let changes = plan::list(&found, "changes");
    if promote.dry_run || changes.is_empty() {
        return plan::report(context, &found, false, plan::human);
    }
    if found["destructive"] == true && !promote.allow_destructive {
        return Err(plan::destructive(changes));
    }
    context.output.hint(&plan::human(&found));
    confirm::plainly(context, &format!("Apply this to {}?", promote.to))?;
    let done = connection.client.post(&path, &body(&found["hash"])).await?;
    plan::report(context, &done, true, |done| format!("Applied {} to {}", plan::count(plan::list(done, "changes").len(), "change"), promote.to))
}
