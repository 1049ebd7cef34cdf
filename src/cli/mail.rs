//! `mail list|latest`: what an environment's mailbox holds, for people and for end-to-end tests.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::context::{Context, EnvironmentPath};
use super::exit::{Failure, Result};
use super::output::{items, text, time};
use super::reach::{Connection, Place};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local mail latest --to mina@harbor.test --template magic_link --wait 10")]
pub enum Mail {
    /// List the mail, newest first
    #[command(after_help = "Example:\n  bkend-local mail list --to mina@harbor.test --json")]
    List(Which),
    /// Show the newest mail with its link, code and token
    #[command(
        after_help = "Example:\n  bkend-local mail latest --to mina@harbor.test --wait 10 --json\n\nExit code 3 when there is none in time. --wait waits for a mail that is not\nthere yet; to wait for another one, use another address or delete the first."
    )]
    Latest(Which),
}

#[derive(Debug, Args)]
pub struct Which {
    /// Only mail to this address
    #[arg(long, value_name = "ADDR")]
    to: Option<String>,
    /// Only this kind, such as magic_link
    #[arg(long, value_name = "T")]
    template: Option<String>,
    /// Wait up to so many seconds until there is one
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: Option<u64>,
}

pub async fn run(context: &Context, connection: &Connection, command: &Mail) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    match command {
        Mail::List(which) => list(context, connection, &environment, which).await,
        Mail::Latest(which) => latest(context, connection, &environment, which).await,
    }
}

async fn list(context: &Context, connection: &Connection, environment: &EnvironmentPath, which: &Which) -> Result<()> {
    if which.wait.is_some() {
        arrived(connection, environment, which).await?;
    }
    let mails = connection.client.list_with(&environment.to(&["mailbox"]), &which.query()).await?;
    context.output.result(&items(&mails), |output| {
        let secret = |m: &Value| if m["code"].is_null() { text(&m["link"]) } else { text(&m["code"]) };
        let row = |m: &Value| vec![time(&m["createdAt"]), text(&m["to"]), text(&m["template"]), text(&m["delivery"]), secret(m)];
        output.table(&["SENT", "TO", "TEMPLATE", "DELIVERY", "LINK OR CODE"], mails.iter().map(row).collect())
    })
}

async fn latest(context: &Context, connection: &Connection, environment: &EnvironmentPath, which: &Which) -> Result<()> {
    let mail = arrived(connection, environment, which).await?;
    context.output.result(&mail, |output| {
        let members = [("to", "To"), ("template", "Template"), ("subject", "Subject"), ("link", "Link"), ("code", "Code"), ("token", "Token")];
        let known = members.into_iter().filter(|(member, _)| !mail[member].is_null());
        let rows: Vec<_> = known.map(|(member, name)| (name, text(&mail[member]))).chain([("Sent", time(&mail["createdAt"]))]).collect();
        output.pairs(&rows)
    })
}

/// The newest mail, as soon as there is one.
async fn arrived(connection: &Connection, environment: &EnvironmentPath, which: &Which) -> Result<Value> {
    // Without a server nothing arrives, and this process must not keep one from starting.
    let patience = if matches!(connection.place, Place::Here(_)) { 0 } else { which.wait.unwrap_or(0) };
    let deadline = Instant::now() + Duration::from_secs(patience);
    let query = [which.query(), vec![("limit", "1")]].concat();
    loop {
        let path = environment.to(&["mailbox"]);
        let mut answer = connection.client.call(reqwest::Method::GET, &path, &query, None).await?;
        if let Some(newest) = answer.pointer_mut("/items/0") {
            return Ok(newest.take());
        }
        if Instant::now() >= deadline {
            return Err(which.none(patience));
        }
        tokio::time::sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
}

impl Which {
    fn query(&self) -> Vec<(&str, &str)> {
        let given = [("to", self.to.as_deref()), ("template", self.template.as_deref())];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn none(&self, waited: u64) -> Failure {
        let of = self.template.as_ref().map(|t| format!(" {t}")).unwrap_or_default();
        let to = self.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        let within = if waited > 0 { format!(" within {waited} s") } else { String::new() };
        Failure::not_found(format!("There is no mail{of}{to}{within}; --wait SECONDS waits for one, mail list shows what is there"))
    }
}
