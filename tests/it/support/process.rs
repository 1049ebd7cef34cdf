//! The real binary as a process of its own, which a test may kill.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bkend_local::domain::tables::ops::NewTable;
use bkend_local::http::server::{Application, Settings};
use serde_json::Value;

use super::{Client, http_client};

/// A data directory with tables in it, and the keys to it.
pub struct DataDirectory {
    folder: tempfile::TempDir,
    pub publishable_key: String,
    pub secret_key: String,
    pub environment_id: String,
}

impl DataDirectory {
    /// Makes one with these tables, each the body of `POST {E}/tables`.
    pub async fn with_tables(tables: &[Value]) -> Self {
        Self::with_tables_in(&std::env::temp_dir(), tables).await
    }

    /// The same somewhere else than where temporary files are.
    pub async fn with_tables_in(parent: &Path, tables: &[Value]) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let settings = Settings { data_dir: folder.path().join(".bkend"), port: 0, workers: Some(1), log_requests: false, ..Settings::default() };
        let app = Application::build(settings).await.unwrap();
        let first = app.first_run().cloned().unwrap();
        let backend = Arc::clone(app.backend());
        let key = backend.keys().resolve(backend.control(), &first.publishable_key).await.unwrap();
        let environment = backend.environment(&key.environment_id).await.unwrap();
        for table in tables {
            environment.create_table(&super::owner(), NewTable::parse(table, false).unwrap()).await.unwrap();
        }
        let handle = app.handle();
        let running = actix_web::rt::spawn(app.run());
        handle.stop(true).await;
        running.await.unwrap().unwrap();
        Self { folder, publishable_key: first.publishable_key, secret_key: first.secret_key.unwrap(), environment_id: key.environment_id.clone() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join(".bkend")
    }

    /// `data.db` of the environment.
    pub fn database(&self) -> PathBuf {
        self.path().join("env").join(&self.environment_id).join("data.db")
    }
}

/// A running `bkend-local serve`; killed when dropped.
pub struct Process {
    child: Child,
    pub port: u16,
    http: reqwest::Client,
}

impl Process {
    /// Starts the program; does not wait for it.
    pub fn spawn(data_dir: &Path, ready_file: &Path) -> Child {
        Command::new(env!("CARGO_BIN_EXE_bkend-local"))
            .args(["--data-dir".as_ref(), data_dir.as_os_str(), "serve".as_ref(), "--port".as_ref(), "0".as_ref(), "--ready-file".as_ref()])
            .arg(ready_file)
            .args(["--no-log-requests", "--no-secrets"])
            .current_dir(data_dir.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    }

    /// Starts the program and waits until it answers requests.
    pub async fn start(data_dir: &Path) -> Self {
        Self::start_by(data_dir, Self::spawn).await
    }

    /// The same, with another way to start the program.
    pub async fn start_by(data_dir: &Path, spawn: impl Fn(&Path, &Path) -> Child) -> Self {
        let ready_file = data_dir.with_extension("ready");
        let _ = std::fs::remove_file(&ready_file);
        let mut child = spawn(data_dir, &ready_file);
        let begun = Instant::now();
        let text = loop {
            if let Ok(text) = std::fs::read_to_string(&ready_file) {
                break text;
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended while starting");
            assert!(begun.elapsed() < Duration::from_secs(60), "the server did not become ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let ready: Value = serde_json::from_str(&text).unwrap();
        let port = ready["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port, http: http_client() }
    }

    pub fn client(&self, key: &str) -> Client {
        let client = Client { base: format!("http://127.0.0.1:{}", self.port), http: self.http.clone(), headers: Vec::new() };
        client.header("X-API-Key", key)
    }

    /// Memory the process occupies, where the system tells.
    pub fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    }

    /// SIGKILL, as from a power cut.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
