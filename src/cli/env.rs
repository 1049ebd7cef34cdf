//! `env`: its subcommands, and `list|create|delete`.

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::args::Confirm;
use super::completions;
use super::confirm;
use super::context::{Context, id_of};
use super::exit::{Failure, Result};
use super::output::{bytes, items, text};
use super::project::key_of;
use super::reach::Connection;
use super::{env_promote, env_state};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local env create staging --type staging\n  bkend-local env list")]
pub enum Env {
    /// List the environments with what they hold
    #[command(after_help = "Example:\n  bkend-local env list --project my-blog --json")]
    List,
    /// Make an empty environment and its publishable key
    Create(Create),
    /// Copy an environment as it is at one moment; the copy gets keys of its own
    Clone(env_state::Clone),
    /// Save the state of the environment
    Snapshot(env_state::Snapshot),
    /// List the saved states of the project
    #[command(after_help = "Example:\n  bkend-local env snapshots --json")]
    Snapshots,
    /// Put a saved state in place of what is there
    Restore(env_state::Restore),
    /// Remove all records, users and files
    Reset(env_state::Reset),
    /// Delete an environment with everything in it
    Delete(Delete),
    /// Show what would make B equal to A
    Compare(env_promote::Compare),
    /// Bring an environment in line with another
    Promote(env_promote::Promote),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env create staging --type staging")]
pub struct Create {
    /// A lower-case letter and up to 31 of a-z 0-9 -
    name: String,
    /// What it is for [default: dev, staging or prod when the name says so, else custom]
    #[arg(long = "type", value_enum)]
    kind: Option<Type>,
    /// Copy this environment
    #[arg(long, value_name = "ENV", add = ArgValueCompleter::new(completions::environments))]
    from: Option<String>,
    /// Of the copy, the tables only
    #[arg(long, requires = "from")]
    schema_only: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local env delete staging --confirm staging")]
pub struct Delete {
    /// Name or id of the environment
    #[arg(add = ArgValueCompleter::new(completions::environments))]
    name: String,
    #[command(flatten)]
    confirm: Confirm,
}

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Type {
    Dev,
    Staging,
    Prod,
    Custom,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
            Self::Custom => "custom",
        }
    }

    /// The type a name says by itself.
    pub fn of(name: &str) -> Self {
        match name {
            "dev" => Self::Dev,
            "staging" => Self::Staging,
            "prod" => Self::Prod,
            _ => Self::Custom,
        }
    }
}

pub async fn run(context: &Context, connection: &Connection, command: &Env) -> Result<()> {
    let project = id_of(&context.project(&connection.client).await?);
    match command {
        Env::List => list(context, connection, &project).await,
        Env::Create(create) => make(context, connection, &project, create).await,
        Env::Clone(clone) => env_state::clone(context, connection, &project, clone).await,
        Env::Snapshot(snapshot) => env_state::snapshot(context, connection, snapshot).await,
        Env::Snapshots => env_state::snapshots(context, connection, &project).await,
        Env::Restore(restore) => env_state::restore(context, connection, &project, restore).await,
        Env::Reset(reset) => env_state::reset(context, connection, reset).await,
        Env::Compare(compare) => env_promote::compare(context, connection, &project, compare).await,
        Env::Promote(promote) => env_promote::promote(context, connection, &project, promote).await,
        Env::Delete(delete) => remove(context, connection, &project, delete).await,
    }
}

/// The environments of a project with their `stats`, which lists may leave out.
pub async fn with_stats(connection: &Connection, project: &str) -> Result<Vec<Value>> {
    let mut environments = connection.client.list(&["projects", project, "environments"]).await?;
    for environment in &mut environments {
        if !environment["stats"].is_object() {
            *environment = connection.client.get(&["projects", project, "environments", &id_of(environment)]).await?;
        }
    }
    Ok(environments)
}

async fn list(context: &Context, connection: &Connection, project: &str) -> Result<()> {
    let environments = with_stats(connection, project).await?;
    context.output.result(&items(&environments), |output| output.table(&HEADER, environments.iter().map(row).collect()))
}

pub const HEADER: [&str; 6] = ["NAME", "TYPE", "TABLES", "ROWS", "USERS", "SIZE"];

/// An environment as a row under [`HEADER`].
pub fn row(environment: &Value) -> Vec<String> {
    let stats = &environment["stats"];
    let size = ["sizeBytes", "storageBytes"].into_iter().map(|name| &stats[name]).find(|value| value.is_number()).unwrap_or(&Value::Null);
    let counts = ["tables", "rows", "users"].map(|name| text(&stats[name]));
    [vec![text(&environment["environment"]), text(&environment["environmentType"])], counts.to_vec(), vec![bytes(size)]].concat()
}

async fn make(context: &Context, connection: &Connection, project: &str, create: &Create) -> Result<()> {
    let kind = create.kind.unwrap_or_else(|| Type::of(&create.name));
    let mut body = json!({ "environment": create.name, "environmentType": kind.name() });
    let path = ["projects", project, "environments"];
    let made = match &create.from {
        None => connection.client.post(&path, &body).await?,
        Some(from) => {
            let whole = !create.schema_only;
            body["cloneFrom"] = json!({ "environment": from, "data": whole, "users": whole, "files": whole });
            env_state::job(context, connection, &path, &[], &body).await?
        }
    };
    if made["alreadyExisted"] == true {
        context.output.hint(&format!("The environment {} existed already; nothing was changed", create.name));
    }
    context.output.result(&made, |output| {
        let existed = if made["alreadyExisted"] == true { " (existed already)" } else { "" };
        let mut rows = vec![("Environment", format!("{}{existed}", text(&made["environment"]))), ("Type", text(&made["environmentType"]))];
        if !made["publishableKey"].is_null() {
            rows.push(("Publishable key", key_of(&made)));
        }
        output.pairs(&rows)
    })
}

async fn remove(context: &Context, connection: &Connection, project: &str, delete: &Delete) -> Result<()> {
    let client = &connection.client;
    let environments = client.list(&["projects", project, "environments"]).await?;
    let environment = environments
        .iter()
        .find(|e| e["environment"] == *delete.name || e["id"] == *delete.name)
        .ok_or_else(|| Failure::not_found(format!("There is no environment {}; bkend-local env list shows those there are", delete.name)))?;
    let name = text(&environment["environment"]);
    confirm::by_name(context, &name, delete.confirm.confirm.as_deref(), &format!("Environment {name} goes with all its tables, records, users and files."))?;
    client.delete(&["projects", project, "environments", &name], Some(&name)).await?;
    context.output.result(&json!({ "id": environment["id"], "environment": name, "deleted": true }), |_| format!("Deleted {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_its_type_needs_no_flag() {
        assert_eq!([Type::of("prod"), Type::of("staging"), Type::of("dev"), Type::of("pr-12")].map(Type::name), ["prod", "staging", "dev", "custom"]);
    }
}
