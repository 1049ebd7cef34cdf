//! The command-line face: one file per subcommand; what several share is beside them.

mod announce;
mod args;
mod banner;
mod client;
mod completions;
mod config;
mod confirm;
mod context;
mod docs;
mod doctor;
mod env;
mod env_promote;
mod env_state;
mod exit;
mod inprocess;
mod key;
mod log;
mod login_link;
mod mail;
mod mcp;
mod output;
mod plan;
mod port_owner;
mod project;
mod reach;
mod schema_document;
mod serve;
mod settings;
mod signals;
mod start_failure;
mod status;
mod table;
mod table_apply;
mod token;
mod version;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use clap_complete::CompleteEnv;
use tracing_subscriber::filter::LevelFilter;

use args::{Cli, Command};
use context::Context;
use exit::{Failure, Result};
use reach::Connection;
use signals::Signals;

/// Runs one command line; answers its exit code (`08-cli.md` §1).
pub fn run(arguments: Vec<OsString>) -> u8 {
    // Installed explicitly so that HTTPS has one provider, whatever else is linked. Only a second call is refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    CompleteEnv::with_factory(Cli::command).var(completions::VARIABLE).complete();
    let as_json = wants_json(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, as_json),
    };
    let outcome = dispatch(&cli);
    log::flush();
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            if !(as_json && failure.code == status::SHOWN) {
                failure.print(as_json);
            }
            failure.exit.code()
        }
    }
}

/// Whether `--json` stands on the line, also when the line as a whole cannot be understood.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Help and version are results; everything else clap says is a mistake in the line.
fn refuse(error: &clap::Error, as_json: bool) -> u8 {
    let is_result = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_result || !as_json {
        let _ = error.print();
        return if is_result { 0 } else { exit::Exit::Usage.code() };
    }
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Failure::usage(message).print(true);
    exit::Exit::Usage.code()
}

fn dispatch(cli: &Cli) -> Result<()> {
    match &cli.command {
        None => {
            let help = Cli::command().color(color_choice(cli)).render_help();
            output::write_stdout(help.to_string().trim_end())
        }
        // These need neither a configuration nor a server.
        Some(Command::Completions { shell }) => completions::run(*shell),
        Some(Command::Version) => version::run(&output::Output::new(cli.globals.json, cli.globals.quiet, cli.globals.no_color)),
        Some(Command::Docs(docs)) => docs::run(&output::Output::new(cli.globals.json, cli.globals.quiet, cli.globals.no_color), docs),
        Some(command) => {
            let bare_config = cli.globals.config.as_ref().is_some_and(|file| file.is_empty());
            match command {
                Command::Doctor if cli.globals.config.is_none() => return Err(Failure::usage("doctor needs --config: bkend-local doctor --config")),
                Command::Doctor => {}
                _ if bare_config => return Err(Failure::usage("--config needs a FILE")),
                _ => {}
            }
            let context = Context::new(&cli.globals)?;
            actix_web::rt::System::new().block_on(interruptible(&context, command))
        }
    }
}

fn color_choice(cli: &Cli) -> clap::ColorChoice {
    if cli.globals.no_color { clap::ColorChoice::Never } else { clap::ColorChoice::Auto }
}

/// Runs the command; a signal cuts it off. `serve` handles its signals itself.
async fn interruptible(context: &Context, command: &Command) -> Result<()> {
    if let Command::Serve(serve) = command {
        return serve::run(context, serve).await;
    }
    if let Command::Mcp(arguments) = command
        && arguments.command.is_none()
    {
        return mcp::run(context, arguments).await;
    }
    log::start(log::Format::Pretty, if context.output.json { LevelFilter::OFF } else { LevelFilter::ERROR });
    let mut signals = Signals::new(false).map_err(|e| Failure::unexpected("Signals cannot be handled", e))?;
    tokio::select! {
        outcome = execute(context, command) => outcome,
        exit = signals.next() => Err(Failure::new(exit, "cli/interrupted", "Interrupted")),
    }
}

async fn execute(context: &Context, command: &Command) -> Result<()> {
    match command {
        Command::Status(status) => return status::run(context, status).await,
        Command::Doctor => return doctor::run(context),
        Command::Mcp(mcp::Mcp { command: Some(mcp::Command::Install(install)), .. }) => return mcp::install(context, install).await,
        _ => {}
    }
    reach::with_connection(context, async |connection| connected(context, connection, command).await).await
}

async fn connected(context: &Context, connection: &Connection, command: &Command) -> Result<()> {
    match command {
        Command::LoginLink(link) => login_link::run(context, connection, link).await,
        Command::Token(token) => token::run(context, connection, token).await,
        Command::Key(key) => key::run(context, connection, key).await,
        Command::Project(project) => project::run(context, connection, project).await,
        Command::Env(env) => env::run(context, connection, env).await,
        Command::Mail(mail) => mail::run(context, connection, mail).await,
        Command::Table(table) => table::run(context, connection, table).await,
        Command::Serve(_) | Command::Mcp(_) | Command::Status(_) | Command::Doctor | Command::Completions { .. } | Command::Docs(_) | Command::Version => {
            Ok(())
        }
    }
}
