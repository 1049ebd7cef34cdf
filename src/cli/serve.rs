//! `serve`: the flags, the start, the banner, and the way to a clean stop.

use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tempfile::TempDir;
use tokio::task::{JoinError, JoinHandle};
use tracing_subscriber::filter::LevelFilter;

use super::context::Context;
use super::exit::{Exit, Failure, Result};
use super::log::{self, Format};
use super::output::write_stdout;
use super::settings::{self, Setting, shown};
use super::signals::Signals;
use super::{announce, start_failure};
use crate::domain::tenancy::Outgoing;
use crate::http::server::{Application, Handle, Settings};

#[derive(Debug, Default, Args)]
#[command(after_help = "Example:\n  bkend-local serve --port 4301 --open\n  bkend-local serve --ephemeral --port 0 --ready-file ready.json      for tests\n\n\
                  Also read: BKEND_PUBLISHABLE_KEY and BKEND_SECRET_KEY, key values that the first run makes valid here;\n  BKEND_SMTP_URL, the relay for developers' mail: smtp://user:password@host:587?from=no-reply@host")]
pub struct Serve {
    /// Port; 0 = any free one, shown in the banner [env: BKEND_PORT] [default: 4300]
    #[arg(long, value_name = "N")]
    port: Option<String>,
    /// Address to listen on; repeatable [env: BKEND_HOST] [default: 127.0.0.1]
    #[arg(long, value_name = "ADDR")]
    host: Vec<String>,
    /// Base of handed-out URLs [env: BKEND_PUBLIC_URL] [default: that of the request]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Further Host names to answer to, e.g. my-laptop.local; repeatable [env: BKEND_ALLOW_HOSTS]
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Network whose X-Forwarded-* headers count; repeatable [env: BKEND_TRUST_PROXY]
    #[arg(long, value_name = "CIDR")]
    trust_proxy: Vec<String>,
    /// Keep data in a private temporary directory, deleted on exit
    #[arg(long)]
    ephemeral: bool,
    /// Open the console, signed in
    #[arg(long)]
    open: bool,
    /// Write addresses and keys to this file (owner-only) once requests are answered
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    ready_file: Option<PathBuf>,
    /// pretty or json [env: BKEND_LOG_FORMAT] [default: pretty on a terminal, else json]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug or trace [env: BKEND_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// No line per request
    #[arg(long)]
    no_log_requests: bool,
    /// No keys, links and codes in banner and log
    #[arg(long)]
    no_secrets: bool,
}

/// The flags, resolved.
struct Plan {
    settings: Settings,
    format: Format,
    level: LevelFilter,
    /// Deleted when dropped.
    ephemeral: Option<TempDir>,
}

pub async fn run(context: &Context, serve: &Serve) -> Result<()> {
    let plan = plan(context, serve)?;
    log::start(plan.format, plan.level);
    let mut signals = Signals::new(true).map_err(|e| Failure::unexpected("Signals cannot be handled", e))?;
    warn_of_the_network(context, &plan.settings);
    let data_dir = plan.settings.data_dir.clone();
    let app = Application::build(plan.settings.clone()).await.map_err(|error| start_failure::from(&error, &data_dir))?;
    let start = start_of(context, serve, &plan, &app);
    let outcome = until_stopped(context, app, &start, &mut signals, plan.ephemeral.as_ref()).await;
    let gone = plan.ephemeral.is_some();
    drop(plan.ephemeral);
    outcome?;
    say_goodbye(&data_dir, gone, start.json)
}

fn start_of(context: &Context, serve: &Serve, plan: &Plan, app: &Application) -> announce::Start {
    announce::Start {
        backend: Arc::clone(app.backend()),
        url: app.url().to_owned(),
        address: Settings { port: app.port(), ..plan.settings.clone() }.local_address(),
        first_run: app.first_run().cloned(),
        data_dir: plan.settings.data_dir.clone(),
        json: plan.format == Format::Json || context.output.json,
        hide_secrets: serve.no_secrets,
        ready_file: serve.ready_file.clone(),
        open: serve.open,
    }
}

/// Serves and announces, until a signal or a failure.
async fn until_stopped(context: &Context, app: Application, start: &announce::Start, signals: &mut Signals, ephemeral: Option<&TempDir>) -> Result<()> {
    let handle = app.handle();
    let mut running = actix_web::rt::spawn(app.run());
    let announced_then_serving = async {
        announce::announce(context, start).await?;
        std::future::pending::<Result<()>>().await
    };
    let (outcome, still_runs) = tokio::select! {
        failed = announced_then_serving => (failed, true),
        ended = &mut running => (ended_alone(ended), false),
        _ = signals.next() => (Ok(()), true),
    };
    if still_runs {
        stop(handle, &mut running, signals, ephemeral).await?;
    }
    outcome
}

fn ended_alone(ended: Result<std::io::Result<()>, JoinError>) -> Result<()> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::unexpected("The server stopped", error)),
        Err(error) => Err(Failure::unexpected("The server stopped", error)),
    }
}

/// Lets running requests finish; a second signal ends the process at once.
async fn stop(handle: Handle, running: &mut JoinHandle<std::io::Result<()>>, signals: &mut Signals, ephemeral: Option<&TempDir>) -> Result<()> {
    let stopping = async {
        handle.stop(true).await;
        running.await
    };
    tokio::select! {
        ended = stopping => ended_alone(ended),
        _ = signals.next() => {
            if let Some(folder) = ephemeral {
                // Leaving early is no reason to leave the data behind.
                let _ = std::fs::remove_dir_all(folder.path());
            }
            log::flush();
            std::process::exit(Exit::Interrupted.code().into());
        }
    }
}

fn say_goodbye(data_dir: &std::path::Path, gone: bool, as_json: bool) -> Result<()> {
    let message = if gone { "Stopped. The ephemeral data is deleted.".to_owned() } else { format!("Stopped. Data is safe in {}", shown(data_dir)) };
    let line = if as_json { serde_json::json!({ "event": "stopped", "message": message }).to_string() } else { message };
    write_stdout(&line)
}

/// How `serve` would serve with the present settings.
pub fn settings(context: &Context) -> Result<Settings> {
    Ok(plan(context, &Serve::default())?.settings)
}

/// How `serve` would log with the present settings.
pub fn log_settings(context: &Context) -> Result<(Format, LevelFilter)> {
    let plan = plan(context, &Serve::default())?;
    Ok((plan.format, plan.level))
}

/// Refuses what `serve` would refuse, without starting it.
pub fn check(context: &Context) -> Result<()> {
    plan(context, &Serve::default()).map(drop)
}

fn plan(context: &Context, serve: &Serve) -> Result<Plan> {
    let sources = &context.sources;
    if serve.ephemeral && matches!(context.data_dir.origin, settings::Origin::Flag(_)) {
        return Err(Failure::usage("--ephemeral keeps its data in a directory of its own; leave out --data-dir"));
    }
    if let Some(file) = &serve.ready_file
        && file.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        return Err(Failure::usage(format!("--ready-file {}: there is no such folder", file.display())));
    }
    let public_url = sources.one(settings::PUBLIC_URL, serve.public_url.clone(), settings::base_url)?;
    let ephemeral = serve.ephemeral.then(|| tempfile::Builder::new().prefix("bkend-local-").tempdir()).transpose();
    let ephemeral =
        ephemeral.map_err(|e| Failure::new(Exit::DataDirectory, "cli/data-directory-unusable", format!("No temporary directory can be made: {e}")))?;
    let settings = Settings {
        data_dir: ephemeral.as_ref().map_or_else(|| context.data_dir.value.clone(), |folder| folder.path().to_owned()),
        hosts: value(sources.many(settings::HOST, serve.host.clone(), settings::host)?, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        port: value(sources.one(settings::PORT, serve.port.clone(), settings::port)?, 4300),
        public_url: public_url.map(|url| url.value.as_str().trim_end_matches('/').to_owned()),
        allow_hosts: value(sources.many(settings::ALLOW_HOST, serve.allow_host.clone(), settings::host_name)?, Vec::new()),
        trust_proxy: value(sources.many(settings::TRUST_PROXY, serve.trust_proxy.clone(), settings::network)?, Vec::new()),
        log_requests: !serve.no_log_requests,
        log_secrets: !serve.no_secrets,
        relay: relay()?,
        project_name: project_name(context),
        adopt_publishable: settings::variable("BKEND_PUBLISHABLE_KEY"),
        adopt_secret: settings::variable("BKEND_SECRET_KEY"),
        ..Settings::default()
    };
    let format = sources.one(settings::LOG_FORMAT, serve.log_format.clone(), log::format)?;
    let by_terminal = if std::io::stderr().is_terminal() { Format::Pretty } else { Format::Json };
    let usual_level = match (context.quiet, context.verbose) {
        (true, _) => LevelFilter::WARN,
        (_, true) => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    };
    let level = sources.one(settings::LOG_LEVEL, serve.log_level.clone(), log::level)?;
    Ok(Plan { settings, format: value(format, by_terminal), level: value(level, usual_level), ephemeral })
}

/// The relay for developers' mail. A complaint leaves its text out: there may be a password in it.
fn relay() -> Result<Option<Outgoing>> {
    let parse = |text: String| Outgoing::parse(&text).map_err(|why| Failure::usage(format!("BKEND_SMTP_URL {why}")));
    settings::variable("BKEND_SMTP_URL").map(parse).transpose()
}

fn value<T>(setting: Option<Setting<T>>, default: T) -> T {
    setting.map_or(default, |setting| setting.value)
}

/// What `serve` would be reached at with the present settings: the base of URLs made while no server runs.
pub fn usual_url(context: &Context) -> Result<String> {
    let public = context.sources.one(settings::PUBLIC_URL, None, settings::base_url)?;
    if let Some(url) = public {
        return Ok(url.value.as_str().trim_end_matches('/').to_owned());
    }
    let port = value(context.sources.one(settings::PORT, None, settings::port)?, 4300);
    Ok(format!("http://localhost:{port}"))
}

/// The name in `bkend.toml`, else that of the folder the work is in.
fn project_name(context: &Context) -> String {
    if let Some(entry) = context.sources.file.as_ref().and_then(|file| file.get("project.name")) {
        return entry.texts.concat();
    }
    let folder = match &context.sources.file {
        Some(file) => Some(file.folder().to_owned()),
        None => std::env::current_dir().ok(),
    };
    folder.and_then(|folder| folder.file_name().map(|name| name.to_string_lossy().into_owned())).unwrap_or_default()
}

fn warn_of_the_network(context: &Context, settings: &Settings) {
    let open: Vec<_> = settings.hosts.iter().filter(|host| !host.is_loopback()).map(ToString::to_string).collect();
    let protected = settings.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if open.is_empty() || protected {
        return;
    }
    let text = format!(
        "Warning: listening on {}: everybody who reaches this machine reaches this server, unencrypted. \
         Simulated sign-in, console sign-up and links in the log are switched off.",
        open.join(", ")
    );
    if context.output.json { tracing::warn!("{text}") } else { eprintln!("{text}") }
}
