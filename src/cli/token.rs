//! `token create|list|revoke`: personal access tokens.

use clap::{Args, Subcommand, ValueEnum};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::confirm;
use super::context::{Context, id_of};
use super::exit::{Failure, Result};
use super::output::{text, time};
use super::reach::Connection;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local token create ci --scope read --expires 30d")]
pub enum Token {
    /// Make a token; it is shown once
    Create(Create),
    /// List the tokens
    #[command(after_help = "Example:\n  bkend-local token list --json")]
    List,
    /// End a token at once
    #[command(after_help = "Example:\n  bkend-local token revoke 665f1c2e9b1d4a0012345678")]
    Revoke {
        /// Id or name of the token
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local token create claude --project-only --project my-blog --expires never")]
pub struct Create {
    /// What the token is for
    name: String,
    /// What it may do: read changes nothing
    #[arg(long, value_enum, default_value_t = Scope::Write)]
    scope: Scope,
    /// Lifetime in days (90d), or never
    #[arg(long, value_name = "DAYS", default_value = "90d")]
    expires: String,
    /// Only for this organization, by slug or id
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
    /// Only for the project of --project
    #[arg(long)]
    project_only: bool,
    /// May change environments of type prod over MCP
    #[arg(long)]
    allow_prod: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    Read,
    Write,
}

pub async fn run(context: &Context, connection: &Connection, command: &Token) -> Result<()> {
    match command {
        Token::Create(create) => make(context, connection, create).await,
        Token::List => list(context, connection).await,
        Token::Revoke { id } => revoke(context, connection, id).await,
    }
}

async fn make(context: &Context, connection: &Connection, create: &Create) -> Result<()> {
    let client = &connection.client;
    let mut body = json!({
        "name": create.name,
        "scope": if create.scope == Scope::Read { "read" } else { "write" },
        "expiresAt": expiry(&create.expires)?,
        "allowProd": create.allow_prod,
    });
    if let Some(org) = &create.org {
        body["organizationId"] = json!(organization(connection, org).await?);
    }
    if create.project_only {
        let project = context.project(client).await?;
        body["projectId"] = project["id"].clone();
        body["organizationId"] = project["organizationId"].clone();
    }
    let made = client.post(&["account", "tokens"], &body).await?;
    context.output.hint("This token is shown once and not stored. Keep it like a password.");
    context.output.result(&made, |_| text(&made["token"]))
}

async fn list(context: &Context, connection: &Connection) -> Result<()> {
    let tokens = connection.client.list(&["account", "tokens"]).await?;
    context.output.result(&super::output::items(&tokens), |output| {
        let row = |t: &Value| vec![text(&t["id"]), text(&t["name"]), text(&t["scope"]), never(&t["expiresAt"]), time(&t["lastUsedAt"])];
        output.table(&["ID", "NAME", "SCOPE", "EXPIRES", "LAST USE"], tokens.iter().map(row).collect())
    })
}

async fn revoke(context: &Context, connection: &Connection, wanted: &str) -> Result<()> {
    let client = &connection.client;
    let tokens = client.list(&["account", "tokens"]).await?;
    let token = tokens
        .iter()
        .find(|token| token["id"] == wanted)
        .or_else(|| tokens.iter().find(|token| token["name"] == wanted))
        .ok_or_else(|| Failure::not_found(format!("There is no token {wanted}; bkend-local token list shows those there are")))?;
    confirm::plainly(context, &format!("Revoke the token {}? Whoever uses it is refused from the next request on.", text(&token["name"])))?;
    client.delete(&["account", "tokens", &id_of(token)], None).await?;
    context.output.result(&json!({ "id": token["id"], "revoked": true }), |_| format!("Revoked {}", text(&token["name"])))
}

async fn organization(connection: &Connection, wanted: &str) -> Result<String> {
    let all = connection.client.list(&["organizations"]).await?;
    let found = all.iter().find(|o| o["id"] == wanted || o["slug"] == wanted);
    found.map(id_of).ok_or_else(|| Failure::not_found(format!("There is no organization {wanted}")))
}

fn never(value: &Value) -> String {
    if value.is_null() { "never".to_owned() } else { time(value) }
}

/// `90d` as the time it ends, `never` as null.
pub fn expiry(given: &str) -> Result<Value> {
    if given == "never" {
        return Ok(Value::Null);
    }
    let wrong = || Failure::usage(format!("--expires {given}: a lifetime is a number of days such as 90d, from 1d to 36500d, or never"));
    let days: i64 = given.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=36_500).contains(days)).ok_or_else(wrong)?;
    let at = Timestamp::now().checked_add((days * 24).hours()).map_err(|_| wrong())?;
    Ok(json!(format!("{:.3}", at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_days_or_never() {
        assert_eq!(expiry("never").unwrap(), Value::Null);
        let at = expiry("90d").unwrap();
        assert_eq!(at.as_str().unwrap().len(), "2026-01-15T10:30:00.000Z".len());
        for wrong in ["", "90", "0d", "-1d", "99999d", "1h", "d"] {
            assert_eq!(expiry(wrong).unwrap_err().exit.code(), 2, "{wrong}");
        }
    }
}
