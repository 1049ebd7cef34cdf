//! The server application inside a command: the data directory is opened for as long as the command runs.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use tokio::task::JoinHandle;

use super::context::Context;
use super::exit::{Failure, Result};
use super::{serve, start_failure};
use crate::domain::data_directory::{self, OpenError, ServerInfo};
use crate::http::server::{Application, Handle, Settings, StartError};

/// A server of this process, on a loopback port of its own.
pub struct InProcess {
    pub address: String,
    handle: Handle,
    running: JoinHandle<std::io::Result<()>>,
}

/// Why the directory could not be opened.
pub enum Refusal {
    /// Another process holds it.
    InUse(Failure),
    Other(Failure),
}

/// Opens the data directory and serves it to this process.
pub async fn start(context: &Context) -> Result<InProcess, Refusal> {
    let data_dir = &context.data_dir.value;
    let settings = Settings {
        data_dir: data_dir.clone(),
        hosts: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        port: 0,
        // What is handed out, such as a login link, has to be right once the real server runs.
        public_url: Some(serve::usual_url(context).map_err(Refusal::Other)?),
        log_requests: false,
        log_secrets: false,
        workers: Some(1),
        private: true,
        ..Settings::default()
    };
    let app = Application::build(settings).await.map_err(|error| refusal(&error, data_dir))?;
    let address = format!("http://127.0.0.1:{}", app.port());
    Ok(InProcess { address, handle: app.handle(), running: actix_web::rt::spawn(app.run()) })
}

/// Opens the data directory and serves it to everybody, as `serve` would: on the usual port when that is free, else on
/// any on loopback.
pub async fn serve(context: &Context) -> Result<InProcess, Refusal> {
    let data_dir = &context.data_dir.value;
    let mut settings = serve::settings(context).map_err(Refusal::Other)?;
    let app = match Application::build(settings.clone()).await {
        Err(StartError::PortTaken { .. } | StartError::Bind { .. }) => {
            (settings.port, settings.hosts) = (0, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
            Application::build(settings.clone()).await
        }
        outcome => outcome,
    };
    let app = app.map_err(|error| refusal(&error, data_dir))?;
    let address = Settings { port: app.port(), ..settings }.local_address();
    tracing::info!("{} is served at {} until stdin ends", super::settings::shown(data_dir), app.url());
    Ok(InProcess { address, handle: app.handle(), running: actix_web::rt::spawn(app.run()) })
}

fn refusal(error: &StartError, data_dir: &Path) -> Refusal {
    let failure = start_failure::from(error, data_dir);
    if matches!(error, StartError::Directory(OpenError::InUse(_))) { Refusal::InUse(failure) } else { Refusal::Other(failure) }
}

impl InProcess {
    /// Finishes what runs, writes everything and gives the directory back.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "closing the data directory"),
            Err(error) => tracing::error!(%error, "closing the data directory"),
        }
    }
}

/// What `server.json` says; not whether that server still runs.
pub fn server_info(data_dir: &Path) -> Option<ServerInfo> {
    data_directory::read_server_info(data_dir)
}

/// A folder with other people's things in it is named as such rather than as an absent data directory.
pub fn check_not_foreign(data_dir: &Path) -> Result<()> {
    match data_directory::check_free(data_dir) {
        Err(error @ (OpenError::NotOurs | OpenError::Io(_))) => Err(start_failure::directory(&error, data_dir)),
        _ => Ok(()),
    }
}
