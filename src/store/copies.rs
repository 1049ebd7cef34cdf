//! Copies under `snapshots/`: of single tables, taken before values are removed or converted, and of whole environments. Each is
//! a SQLite file with a JSON file beside it that tells what it is, and a folder of stored files when there are some.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use serde_json::{Map, Value};

use super::data::content::{self, Parts};
use super::data::quoted;
use super::data::rekey::{self, Move};
use super::database::Database;
use super::directory::write_private;
use super::error::{StoreError, StoreResult};
use super::migrations::Kind;

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
        let half = self.half(id);
        let rows = copy_table(data, physical, &half).inspect_err(|_| drop(std::fs::remove_file(&half)))?;
        std::fs::rename(&half, self.database(id))?;
        about.insert("rows".to_owned(), rows.into());
        about.insert("sizeBytes".to_owned(), std::fs::metadata(self.database(id))?.len().into());
        write_private(&self.about(id), Value::Object(about).to_string().as_bytes())?;
        Ok(())
    }

    /// Copies a whole environment at one moment, while others go on writing to it: `<id>.db`, with `objects`, on which the caller
    /// has a [`super::ObjectHold`], the stored files as `<id>.objects/`, and `<id>.json` with `rows`, `files` and `sizeBytes`, which comes last and makes the copy count. Blocks.
    pub fn take_environment(&self, data: &Database, objects: Option<&Path>, id: &str, mut about: Map<String, Value>) -> StoreResult<Map<String, Value>> {
        let written = self.write_environment(data, objects, id);
        let (rows, files, size) = written.inspect_err(|_| self.remove_files(id).unwrap_or_else(|error| tracing::warn!(%error, "half a copy is left")))?;
        for (key, value) in [("rows", rows), ("files", files), ("sizeBytes", size)] {
            about.insert(key.to_owned(), value.into());
        }
        write_private(&self.about(id), Value::Object(about.clone()).to_string().as_bytes())?;
        Ok(about)
    }

    fn write_environment(&self, data: &Database, objects: Option<&Path>, id: &str) -> StoreResult<(u64, u64, u64)> {
        let half = self.half(id);
        content::copy_database(data, &half)?;
        let linked = match objects {
            Some(objects) => link_named(objects, &self.objects(id), &content::object_names(&half)?)?,
            None => 0,
        };
        let (rows, files) = content::counts(&half)?;
        let size = std::fs::metadata(&half)?.len();
        std::fs::rename(&half, self.database(id))?;
        Ok((rows, files, size + linked))
    }

    /// What is told of every copy, oldest first; what can't be read is left out.
    pub fn list(&self) -> StoreResult<Vec<Map<String, Value>>> {
        let mut all: Vec<Map<String, Value>> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)?.flatten() {
            if let Some(about) = copy_id(&entry.path()).and_then(|id| self.read(&id)) {
                all.push(about);
            }
        }
        // Ids are ordered by time.
        all.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
        Ok(all)
    }

    /// What is told of one copy.
    pub fn read(&self, id: &str) -> Option<Map<String, Value>> {
        if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let about: Value = serde_json::from_slice(&std::fs::read(self.about(id)).ok()?).ok()?;
        about.as_object().filter(|about| about.get("id").and_then(Value::as_str) == Some(id)).cloned()
    }

    /// A database to attach: the copy itself, or one of the newest format made from it, which goes when the answer does. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a copy of a newer program.
    pub fn open(&self, id: &str, whole: bool) -> StoreResult<Source> {
        let path = self.database(id);
        let newest = Kind::Data.newest();
        if !whole {
            return Ok(Source { path, temporary: None });
        }
        let found = content::format_of(&path)?;
        if found > newest {
            return Err(StoreError::Newer { found, supported: newest });
        }
        if found == newest {
            return Ok(Source { path, temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix(".migrated-").tempdir_in(&self.folder)?;
        let copy = temporary.path().join("data.db");
        std::fs::copy(&path, &copy)?;
        content::prepare_copy(&copy, Parts::ALL)?;
        Ok(Source { path: copy, temporary: Some(temporary) })
    }

    /// A copy of another running environment, to be attached: without outbox, and without what `parts` leaves out. Blocks.
    pub fn of_environment(&self, data: &Database, parts: Parts) -> StoreResult<Source> {
        let temporary = tempfile::Builder::new().prefix(".copy-").tempdir_in(&self.folder)?;
        let path = temporary.path().join("data.db");
        content::copy_database(data, &path)?;
        content::prepare_copy(&path, parts)?;
        Ok(Source { path, temporary: Some(temporary) })
    }

    /// A copy of a copy for another environment, to be put in place. Blocks.
    ///
    /// # Errors
    /// As [`Copies::open`].
    pub fn copy_of(&self, id: &str, parts: Parts) -> StoreResult<Source> {
        let (found, supported) = (content::format_of(&self.database(id))?, Kind::Data.newest());
        if found > supported {
            return Err(StoreError::Newer { found, supported });
        }
        let temporary = tempfile::Builder::new().prefix(".copy-").tempdir_in(&self.folder)?;
        let path = temporary.path().join("data.db");
        std::fs::copy(self.database(id), &path)?;
        content::prepare_copy(&path, parts)?;
        Ok(Source { path, temporary: Some(temporary) })
    }

    /// The stored files of a copy, when it has some.
    pub fn objects_of(&self, id: &str) -> Option<PathBuf> {
        Some(self.objects(id)).filter(|path| path.is_dir())
    }

    /// Writes a copy as one `tar.gz`: the database, what is told of it, its stored files. Blocks.
    pub fn pack(&self, id: &str, out: impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(GzEncoder::new(out, Compression::fast()));
        archive.append_path_with_name(self.about(id), "snapshot.json")?;
        archive.append_path_with_name(self.database(id), "data.db")?;
        if let Some(objects) = self.objects_of(id) {
            archive.append_dir_all("objects", objects)?;
        }
        archive.into_inner()?.finish()?.flush()
    }

    /// Deletes a copy.
    pub fn remove(&self, id: &str) -> StoreResult<()> {
        self.remove_files(id)?;
        // What tells of the copy goes last, so that a half deleted one is found again.
        Ok(std::fs::remove_file(self.about(id)).or_else(absent_is_fine)?)
    }

    fn remove_files(&self, id: &str) -> io::Result<()> {
        std::fs::remove_dir_all(self.objects(id)).or_else(absent_is_fine)?;
        std::fs::remove_file(self.half(id)).or_else(absent_is_fine)?;
        std::fs::remove_file(self.database(id)).or_else(absent_is_fine)
    }

    /// Deletes an environment's automatic copies that have expired before `now` (ISO 8601), and the oldest beyond `kept`.
    pub fn trim(&self, environment_id: &str, now: &str, kept: usize) -> StoreResult<()> {
        let own = self.list()?.into_iter().rev().filter(|about| about["environmentId"] == environment_id && about["expiresAt"].is_string());
        for (at, about) in own.enumerate() {
            if at >= kept || about["expiresAt"].as_str().is_some_and(|at| at < now) {
                self.remove(about["id"].as_str().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Deletes every copy of these projects.
    pub fn remove_of_projects(&self, projects: &[String]) -> StoreResult<()> {
        for about in self.list()? {
            if projects.iter().any(|id| about.get("projectId").and_then(Value::as_str) == Some(id.as_str())) {
                self.remove(about["id"].as_str().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Removes what an earlier run, cut off, left half-written.
    pub(super) fn tidy(&self) -> io::Result<()> {
        for path in std::fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let unfinished = name.ends_with(".part") || name.starts_with(".migrated-") || name.starts_with(".copy-");
            let stray = path.extension().is_some_and(|e| e == "db" || e == "objects") && !path.with_extension("json").exists();
            if unfinished || stray {
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }?;
            }
        }
        Ok(())
    }

    fn about(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn database(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.db"))
    }

    fn half(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.db.part"))
    }

    fn objects(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.objects"))
    }
}

/// A database file that can be attached; a temporary one goes with this value.
pub struct Source {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Source {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rewrites the keys of files in a temporary copy, for the environment it is going to. Blocks.
    ///
    /// # Errors
    /// Failures of the store; [`StoreError::Other`] for a copy that is not temporary.
    pub fn move_keys(&self, moving: &Move<'_>) -> StoreResult<()> {
        if self.temporary.is_none() {
            return Err(StoreError::Other("a saved copy is never changed".to_owned()));
        }
        rekey::rewrite(&self.path, moving)
    }

    /// Moves a temporary copy to where a database is to be.
    pub fn settle(self, target: &Path) -> io::Result<()> {
        match self.temporary {
            Some(_) => std::fs::rename(&self.path, target),
            None => std::fs::copy(&self.path, target).map(drop),
        }
    }
}

fn copy_id(path: &Path) -> Option<String> {
    path.extension().filter(|e| *e == "json")?;
    path.file_stem()?.to_str().map(str::to_owned)
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Links every file of a folder into another one, without copying bytes where the file system can; answers the bytes linked.
/// Stored files never change once written, so a link is as good as a copy.
pub(super) fn link_tree(from: &Path, to: &Path) -> io::Result<u64> {
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    std::fs::create_dir_all(to)?;
    let mut bytes = 0;
    for entry in entries.flatten() {
        // What is still arriving belongs to no state of the environment.
        if entry.file_name() == super::objects::INCOMING {
            continue;
        }
        let target = to.join(entry.file_name());
        let Ok(kind) = entry.metadata() else { continue };
        if kind.is_dir() {
            bytes += link_tree(&entry.path(), &target)?;
            continue;
        }
        bytes += kind.len();
        link(&entry.path(), &target)?;
    }
    Ok(bytes)
}

/// The same for these files alone; one that was lost before is left out.
fn link_named(from: &Path, to: &Path, names: &[String]) -> io::Result<u64> {
    let mut bytes = 0;
    std::fs::create_dir_all(to)?;
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        let Ok(about) = source.metadata() else { continue };
        std::fs::create_dir_all(target.parent().unwrap_or(to))?;
        link(&source, &target)?;
        bytes += about.len();
    }
    Ok(bytes)
}

fn link(source: &Path, target: &Path) -> io::Result<()> {
    match std::fs::hard_link(source, target) {
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => Ok(()),
        Err(_) => std::fs::copy(source, target).map(drop),
        Ok(()) => Ok(()),
    }
}

/// Removes every file that another folder does not have.
pub(super) fn keep_only(folder: &Path, wanted: Option<&Path>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries.flatten() {
        if entry.file_name() == super::objects::INCOMING {
            continue;
        }
        let counterpart = wanted.map(|wanted| wanted.join(entry.file_name()));
        if entry.metadata()?.is_dir() {
            keep_only(&entry.path(), counterpart.as_deref())?;
        } else if counterpart.is_none_or(|path| !path.exists()) {
            std::fs::remove_file(entry.path()).or_else(absent_is_fine)?;
        }
    }
    Ok(())
}

/// Answers how many records there were.
fn copy_table(data: &Database, physical: &str, target: &Path) -> StoreResult<u64> {
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
