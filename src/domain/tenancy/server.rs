//! What the server owner sees of the server itself.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::guard;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::time;
use crate::store::read_server_info;

/// Less free space than this is worth a warning.
const LOW_DISK: u64 = 1024 * 1024 * 1024;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    pub id: String,
    pub version: &'static str,
    pub started_at: String,
    pub uptime_seconds: i64,
    /// Where it answers.
    pub address: String,
    pub public_url: Option<String>,
    pub data_dir: String,
    /// Bytes of the data directory.
    pub data_size_bytes: u64,
    /// Bytes left on its disk, where the system tells.
    pub disk_free_bytes: Option<u64>,
    pub lock: Lock,
    pub warnings: Vec<String>,
}

/// Who holds the data directory.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Lock {
    pub held: bool,
    pub pid: u32,
    pub since: String,
}

impl Backend {
    /// `seen_as` is the address the caller reached the server at, for when it left none in its data directory.
    ///
    /// # Errors
    /// `management/forbidden` for everybody but the server owner.
    pub async fn server_status(self: &Arc<Self>, tenant: &Tenant, seen_as: &str) -> Result<ServerStatus> {
        guard::server_owner(tenant)?;
        let this = Arc::clone(self);
        let measure = move || (this.directory().size(), this.directory().free_space(), read_server_info(this.data_dir()));
        let (data_size_bytes, disk_free_bytes, info) = tokio::task::spawn_blocking(measure).await.map_err(Error::internal)?;
        Ok(ServerStatus {
            id: self.server_id().to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: time::iso(self.started_at()),
            uptime_seconds: (time::now() - self.started_at()).div_euclid(1000),
            address: info.map_or_else(|| seen_as.to_owned(), |info| info.url),
            public_url: self.options().public_url.clone(),
            data_dir: self.data_dir().display().to_string(),
            data_size_bytes,
            disk_free_bytes,
            lock: Lock { held: true, pid: std::process::id(), since: time::iso(self.started_at()) },
            warnings: self.warnings(disk_free_bytes),
        })
    }

    fn warnings(&self, disk_free: Option<u64>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(free) = disk_free.filter(|free| *free < LOW_DISK) {
            warnings.push(format!("Only {} MiB are left on the disk of the data directory", free / 1024 / 1024));
        }
        let https = self.options().public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        if !self.options().loopback_only && !https {
            warnings.push("The server is reachable from other machines without https; put a proxy before it and give its address with --public-url".to_owned());
        }
        warnings
    }
}
