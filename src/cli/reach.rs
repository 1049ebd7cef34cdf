//! Where a command acts: the server at `--url`, the one that holds the data directory, or the directory itself.

use std::path::Path;
use std::time::{Duration, Instant};

use url::Url;

use super::client::{Client, is_loopback};
use super::context::Context;
use super::exit::{Exit, Failure, Result};
use super::inprocess::{self, InProcess};

/// A client, and what keeps its server alive.
pub struct Connection {
    pub client: Client,
    pub place: Place,
}

pub enum Place {
    /// `--url`.
    Elsewhere,
    /// The server that holds the data directory.
    Running,
    /// Nobody held the directory; this process does until the command ends.
    Here(InProcess),
}

impl Connection {
    /// Ends the server of [`Place::Here`], so that everything is written before the process ends.
    pub async fn close(self) {
        if let Place::Here(server) = self.place {
            server.stop().await;
        }
    }
}

/// Runs a command where it acts. A server that stops before it has carried out any call gives way to the next way to
/// reach the directory.
pub async fn with_connection(context: &Context, command: impl AsyncFn(&Connection) -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + context.timeout;
    loop {
        let connection = connect(context).await?;
        let outcome = command(&connection).await;
        let untouched = matches!(connection.place, Place::Running) && !connection.client.has_answered();
        connection.close().await;
        match outcome {
            Err(failure) if untouched && matches!(failure.code.as_str(), "cli/unreachable" | "common/unavailable") && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
}

/// Finds the server, or becomes one. `cli_08 §1`: results are the same wherever the command acts.
pub async fn connect(context: &Context) -> Result<Connection> {
    if let Some(url) = &context.url {
        return elsewhere(context, &url.value);
    }
    let dir = &context.data_dir.value;
    if !dir.join("control.db").exists() {
        inprocess::check_not_foreign(dir)?;
        let message = format!("There is no data directory at {}; start a server first: bkend-local serve", super::settings::shown(dir));
        return Err(Failure::new(Exit::NotFound, "cli/no-data-directory", message));
    }
    let deadline = Instant::now() + context.timeout;
    loop {
        match inprocess::start(context).await {
            Ok(server) => {
                let client = Client::local(&server.address, operator_token(dir)?, context.timeout, context.verbose)?;
                return Ok(Connection { client, place: Place::Here(server) });
            }
            Err(inprocess::Refusal::InUse(in_use)) => {
                if let Some(client) = running(context, dir).await? {
                    return Ok(Connection { client, place: Place::Running });
                }
                // Held, but not answering: it starts, stops, or is another short command. Its turn ends soon.
                if Instant::now() > deadline {
                    return Err(in_use);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(inprocess::Refusal::Other(failure)) => return Err(failure),
        }
    }
}

fn elsewhere(context: &Context, url: &Url) -> Result<Connection> {
    let missing = || Failure::new(Exit::NotPermitted, "cli/token-missing", "--url needs a personal access token: pass --token or set BKEND_TOKEN");
    let token = &context.token.as_ref().ok_or_else(missing)?.value;
    let token = if token == "-" { read_token()? } else { token.clone() };
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::new(
            Exit::NotPermitted,
            "cli/token-invalid",
            "The token is empty or has characters no token has; a token is pat_ and 64 hex characters",
        ));
    }
    if url.scheme() == "http" && !is_loopback(url) {
        context.output.hint(&format!("The token travels unencrypted to {url}; https would protect it"));
    }
    let client = Client::new(url.clone(), token, context.timeout, context.verbose)?;
    Ok(Connection { client, place: Place::Elsewhere })
}

fn read_token() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|e| Failure::unexpected("The token could not be read from stdin", e))?;
    Ok(line.trim().to_owned())
}

/// A client of the server that says it holds the directory, when something listens there.
pub async fn running(context: &Context, dir: &Path) -> Result<Option<Client>> {
    let Some(server) = inprocess::server_info(dir) else { return Ok(None) };
    let Ok(token) = operator_token(dir) else { return Ok(None) };
    let client = Client::local(&server.address, token, context.timeout, context.verbose)?;
    Ok(client.is_listening().await.then_some(client))
}

/// The proof that this person may read the data directory.
pub fn operator_token(dir: &Path) -> Result<String> {
    let path = dir.join("secrets").join("operator");
    let token = std::fs::read_to_string(&path).map_err(|e| {
        let what = format!("{} cannot be read ({e}); the directory belongs to another user, or its server is just starting", path.display());
        Failure::new(Exit::NotPermitted, "cli/operator-token", what)
    })?;
    Ok(token.trim().to_owned())
}
