//! `mcp`: MCP over stdin and stdout, relayed to a server; `mcp install` tells AI tools of it (`08-cli.md` §10).

mod config_file;
mod entry;
mod events;
mod install;
mod places;
mod relay;
mod upstream;
mod wire;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Failure, Result};
use super::signals::Signals;
use super::{log, serve};

pub use install::Install;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Example:\n  bkend-local mcp --read-only        one JSON message per line on stdin and stdout\n  bkend-local mcp install cursor     let an AI tool connect by itself"
)]
pub struct Mcp {
    /// Organization to work in, by id or slug [default: the oldest]
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// Offer tools that read only
    #[arg(long)]
    pub read_only: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the server into the configuration of AI tools, or take it out
    Install(Install),
}

/// Relays until stdin ends, or a signal comes.
pub async fn run(context: &Context, mcp: &Mcp) -> Result<()> {
    if context.token.as_ref().is_some_and(|token| token.value == "-") {
        return Err(Failure::usage("--token - cannot be used here: stdin carries MCP; set BKEND_TOKEN instead"));
    }
    let (format, level) = serve::log_settings(context)?;
    log::start(format, level);
    let mut signals = Signals::new(false).map_err(|e| Failure::unexpected("Signals cannot be handled", e))?;
    let upstream = upstream::Upstream::new(context, mcp.org.clone(), mcp.read_only);
    let outcome = tokio::select! {
        outcome = relay::until_end(&upstream) => outcome,
        exit = signals.next() => Err(Failure::new(exit, "cli/interrupted", "Interrupted")),
    };
    upstream.close().await;
    outcome
}

/// `mcp install`.
pub async fn install(context: &Context, arguments: &Install) -> Result<()> {
    install::run(context, arguments).await
}
