//! Copies of single tables, taken before values are removed or converted: each a SQLite file with a JSON file beside it that
//! tells what it is, under `snapshots/`.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::data::quoted;
use super::database::Database;
use super::directory::write_private;
use super::error::StoreResult;

/// The folder of copies.
#[derive(Debug, Clone)]
pub struct Copies {
    folder: PathBuf,
}

impl Copies {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes the committed records of a table to `<id>.db` and `about` to `<id>.json`, with `rows` and `sizeBytes`. Changes
    /// that are not committed yet are not in it.
    pub fn take(&self, data: &Database, physical: &str, id: &str, mut about: Map<String, Value>) -> StoreResult<()> {
        let (target, half) = (self.folder.join(format!("{id}.db")), self.folder.join(format!("{id}.db.part")));
        let rows = copy(data, physical, &half).inspect_err(|_| drop(std::fs::remove_file(&half)))?;
        std::fs::rename(&half, &target)?;
        about.insert("rows".to_owned(), rows.into());
        about.insert("sizeBytes".to_owned(), std::fs::metadata(&target)?.len().into());
        write_private(&self.about(id), Value::Object(about).to_string().as_bytes())?;
        Ok(())
    }

    /// Deletes an environment's copies that have expired before `now` (ISO 8601), and the oldest beyond `kept`.
    pub fn trim(&self, environment_id: &str, now: &str, kept: usize) -> StoreResult<()> {
        let mut own: Vec<(String, bool)> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)?.flatten() {
            let path = entry.path();
            let Some(id) = path.file_stem().and_then(|s| s.to_str()).filter(|_| path.extension().is_some_and(|e| e == "json")) else { continue };
            let about = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            if let Some(about) = about.filter(|a| a["environmentId"] == environment_id) {
                own.push((id.to_owned(), about["expiresAt"].as_str().is_some_and(|at| at < now)));
            }
        }
        // Ids are ordered by time.
        own.sort_by(|a, b| b.0.cmp(&a.0));
        for (_, (id, _)) in own.iter().enumerate().filter(|(at, (_, expired))| *at >= kept || *expired) {
            // What tells of the copy goes last, so that a half deleted one is found again.
            std::fs::remove_file(self.folder.join(format!("{id}.db"))).or_else(absent_is_fine)?;
            std::fs::remove_file(self.about(id)).or_else(absent_is_fine)?;
        }
        Ok(())
    }

    fn about(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Answers how many records there were.
fn copy(data: &Database, physical: &str, target: &Path) -> StoreResult<u64> {
    let connection = Connection::open(target)?;
    data.set_up(&connection)?;
    connection.execute("ATTACH ?1 AS source", [data.path().to_string_lossy()])?;
    connection.execute_batch("PRAGMA main.synchronous = FULL; CREATE TABLE records (id TEXT PRIMARY KEY, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, doc BLOB NOT NULL)")?;
    let sql = format!("INSERT INTO main.records SELECT id, created_by, created_at, updated_at, doc FROM source.{} ORDER BY id", quoted(physical));
    let rows = connection.execute(&sql, [])? as u64;
    connection.execute_batch("DETACH source")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(rows)
}
