//! Binding, first run, serving and stopping.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::ServiceConfig;
use actix_web::{App, web};
use ipnet::IpNet;

use super::connection::Connection;
use super::outside::Outside;
use super::{State, console, context, health, img, log, management, mcp, metrics, oauth, openapi, rest, routing, storage};
use crate::domain::auth::social::Endpoints;
use crate::domain::backend::{Backend, Options};
use crate::domain::error::Error;
use crate::domain::tenancy::{FirstRun, Outgoing};
use crate::domain::time;
use crate::store::{Directory, OpenError, ServerInfo};

/// Seconds that running requests get to finish.
const SHUTDOWN_SECONDS: u64 = 10;
/// Connections that nobody uses stay open for this long.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A request's head has to be there after this long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How the server is to run (`08-cli.md` §3).
#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub hosts: Vec<IpAddr>,
    /// 0 = any free port.
    pub port: u16,
    pub public_url: Option<String>,
    pub allow_hosts: Vec<String>,
    pub trust_proxy: Vec<IpNet>,
    /// One line per request.
    pub log_requests: bool,
    /// Whether links and codes may stand in the log.
    pub log_secrets: bool,
    /// The relay for developers' mail, in place of the stored one.
    pub relay: Option<Outgoing>,
    /// Name of the project made on first run.
    pub project_name: String,
    pub adopt_publishable: Option<String>,
    pub adopt_secret: Option<String>,
    /// Threads that serve requests; `None` = one per core.
    pub workers: Option<usize>,
    /// Whether only the process itself is served: a command that opened the directory for a moment leaves no address, so
    /// that others wait for their turn instead of leaning on it.
    pub private: bool,
    /// An upload of which no byte comes for this long ends.
    pub upload_idle: Duration,
    /// Where Google and GitHub are; tests put something else in their place.
    pub providers: Endpoints,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(".bkend"),
            hosts: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            port: 4300,
            public_url: None,
            allow_hosts: Vec::new(),
            trust_proxy: Vec::new(),
            log_requests: true,
            log_secrets: true,
            relay: None,
            project_name: String::new(),
            adopt_publishable: None,
            adopt_secret: None,
            workers: None,
            private: false,
            upload_idle: Duration::from_secs(60),
            providers: Endpoints::default(),
        }
    }
}

impl Settings {
    /// An address at which this machine reaches the server, whatever the public URL is.
    pub fn local_address(&self) -> String {
        let (loopback, port) = (self.hosts.iter().find(|host| host.is_loopback()), self.port);
        match loopback.or(self.hosts.first()) {
            Some(IpAddr::V6(ip)) if ip.is_unspecified() => format!("http://[::1]:{port}"),
            Some(IpAddr::V6(ip)) => format!("http://[{ip}]:{port}"),
            Some(IpAddr::V4(ip)) if !ip.is_unspecified() => format!("http://{ip}:{port}"),
            _ => format!("http://127.0.0.1:{port}"),
        }
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {port} on {host} is in use")]
    PortTaken { host: IpAddr, port: u16 },
    #[error("cannot listen on {host}:{port}: {error}")]
    Bind { host: IpAddr, port: u16, error: std::io::Error },
    #[error(transparent)]
    Directory(#[from] OpenError),
    #[error(transparent)]
    Domain(#[from] Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A server that is listening.
pub struct Application {
    state: State,
    server: Server,
    port: u16,
    url: String,
    first_run: Option<FirstRun>,
}

impl Application {
    /// Takes port and data directory, fills an empty directory, and starts to answer.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was created then unless the first run itself failed.
    pub async fn build(mut settings: Settings) -> Result<Self, StartError> {
        Directory::check_free(&settings.data_dir)?;
        let listeners = bind(&settings)?;
        let port = listeners[0].local_addr()?.port();
        settings.port = port;
        let url = url_of(&settings);
        let options = Options {
            project_name: settings.project_name.clone(),
            adopt_publishable: settings.adopt_publishable.clone(),
            adopt_secret: settings.adopt_secret.clone(),
            loopback_only: settings.hosts.iter().all(IpAddr::is_loopback),
            public_url: settings.public_url.clone(),
            log_secrets: settings.log_secrets,
            allow_hosts: settings.allow_hosts.clone(),
            port,
            relay: settings.relay.clone(),
            web: Some(Arc::new(Outside::default())),
            providers: settings.providers.clone(),
            data_dir: settings.data_dir.clone(),
        };
        let backend = tokio::task::spawn_blocking(|| Backend::open(options)).await.map_err(std::io::Error::other)??;
        let backend = Arc::new(backend);
        let first_run = backend.first_run().await?;
        backend.finish_removals().await?;
        backend.discard_unfinished_environments().await?;
        backend.end_stale_jobs().await?;
        tokio::spawn(Backend::send_queued_mail(Arc::downgrade(&backend)));
        if !settings.private {
            let backend = Arc::clone(&backend);
            tokio::spawn(async move { backend.resume_mail().await });
        }
        // What a killed server left says nothing any more.
        backend.directory().remove_server_info();
        backend.directory().write_operator_token(backend.operator_token())?;
        if !settings.private {
            backend.directory().write_server_info(&info(&backend, &settings, &url))?;
        }
        let state = State::new(backend, settings);
        let server = serve(&state, listeners)?;
        Ok(Self { state, server, port, url, first_run })
    }

    pub fn backend(&self) -> &Arc<Backend> {
        self.state.backend()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://localhost:4300`, or the public URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the first run made; `None` on later runs.
    pub fn first_run(&self) -> Option<&FirstRun> {
        self.first_run.as_ref()
    }

    /// A handle to stop the server with: `handle.stop(true)` finishes what runs.
    pub fn handle(&self) -> Handle {
        Handle { state: self.state.clone(), server: self.server.handle() }
    }

    /// Serves until stopped, then checkpoints and closes the data directory.
    ///
    /// # Errors
    /// I/O failures of the accept loop.
    pub async fn run(self) -> std::io::Result<()> {
        let served = self.server.await;
        let backend = Arc::clone(self.state.backend());
        backend.directory().remove_server_info();
        let closed = tokio::task::spawn_blocking(move || {
            backend.close();
            log::flush();
        });
        closed.await.map_err(std::io::Error::other)?;
        served
    }
}

/// Stops a server.
#[derive(Clone)]
pub struct Handle {
    state: State,
    server: ServerHandle,
}

impl Handle {
    /// Refuses new requests, ends event streams and, when `graceful`, lets running requests finish (10 s at most). The stop
    /// is under way when this returns; the future ends with it.
    pub fn stop(&self, graceful: bool) -> impl Future<Output = ()> + use<> {
        self.refuse();
        self.server.stop(graceful)
    }

    /// Refuses new requests and ends event streams, without stopping to listen.
    pub fn refuse(&self) {
        self.state.stop();
    }
}

/// Everything the server answers.
fn routes(config: &mut ServiceConfig) {
    config
        .configure(health::routes)
        .configure(metrics::routes)
        .configure(openapi::routes)
        .configure(rest::routes)
        .configure(storage::routes)
        .configure(img::routes)
        .configure(management::routes)
        .configure(mcp::routes)
        .configure(oauth::routes)
        .configure(console::routes);
}

fn info(backend: &Backend, settings: &Settings, url: &str) -> ServerInfo {
    ServerInfo {
        url: url.to_owned(),
        address: settings.local_address(),
        pid: std::process::id(),
        started_at: time::iso(backend.started_at()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn url_of(settings: &Settings) -> String {
    match &settings.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if settings.hosts.iter().any(|host| host.is_loopback() || host.is_unspecified()) => format!("http://localhost:{}", settings.port),
        None => settings.local_address(),
    }
}

fn bind(settings: &Settings) -> Result<Vec<TcpListener>, StartError> {
    let mut port = settings.port;
    let mut listeners = Vec::new();
    for host in &settings.hosts {
        let listener = TcpListener::bind(SocketAddr::new(*host, port)).map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortTaken { host: *host, port },
            _ => StartError::Bind { host: *host, port, error },
        })?;
        // Every address gets the same port, also when the first one chose it.
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

fn serve(state: &State, listeners: Vec<TcpListener>) -> Result<Server, StartError> {
    let data = web::Data::new(state.clone());
    let workers = state.settings().workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    let mut server = Server::build().workers(workers).shutdown_timeout(SHUTDOWN_SECONDS).disable_signals();
    for listener in listeners {
        let (data, name, stopping) = (data.clone(), format!("http on {}", listener.local_addr()?), server.graceful_shutdown_signal());
        // Built from the parts of actix-web's own server, with connections of ours in the middle.
        server = server.listen(name, listener, move || {
            let app = App::new().app_data(data.clone()).wrap(from_fn(context::around)).configure(routes).default_service(web::to(routing::not_found));
            let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
            let stopping = stopping.clone();
            let http = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .on_connect_ext(|connection: &Connection, data| drop(data.insert(connection.exchange())))
                .expect(fn_service(|request: actix_http::Request| async {
                    storage::expect(&request);
                    Ok::<_, actix_http::Error>(request)
                }))
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .h1(map_config(app, |()| AppConfig::default()));
            let connect = fn_service(|io: TcpStream| async {
                let connection = Connection::new(io);
                let peer = connection.peer_addr();
                Ok((connection, peer))
            });
            connect.and_then(http)
        })?;
    }
    Ok(server.run())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(hosts: &[&str]) -> Settings {
        Settings { hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(), port: 1, ..Settings::default() }
    }

    #[test]
    fn a_server_is_reached_on_loopback_whenever_it_listens_there() {
        let cases = [
            (&["192.168.1.2", "127.0.0.1"][..], "http://127.0.0.1:1"),
            (&["192.168.1.2"], "http://192.168.1.2:1"),
            (&["0.0.0.0"], "http://127.0.0.1:1"),
            (&["::"], "http://[::1]:1"),
            (&["::1"], "http://[::1]:1"),
        ];
        for (hosts, expected) in cases {
            assert_eq!(on(hosts).local_address(), expected);
        }
    }

    #[test]
    fn a_server_that_does_not_listen_on_loopback_is_not_called_localhost() {
        assert_eq!(url_of(&on(&["192.168.1.2"])), "http://192.168.1.2:1");
        assert_eq!(url_of(&on(&["0.0.0.0"])), "http://localhost:1");
    }
}
