//! The data directory: its lock, its databases and its secrets.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use super::copies::Copies;
use super::database::Database;
use super::error::{StoreError, StoreResult};
use super::lazy::LazyDatabase;
use super::migrations::{self, Kind};
use super::objects::Objects;
use super::pictures::PictureCache;

/// How long what a job made can be fetched.
const ARTIFACTS_KEPT: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// A data directory held by this process for as long as this value lives.
pub struct Directory {
    root: PathBuf,
    control: Arc<Database>,
    /// Made just now, by [`Directory::open`].
    new: bool,
    _lock: File,
}

/// What `server.json` says of the process that holds the directory.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Base of handed-out URLs.
    pub url: String,
    /// Where it is reached from this machine, whatever stands between it and its public URL.
    pub address: String,
    pub pid: u32,
    /// ISO 8601.
    pub started_at: String,
    pub version: String,
}

/// Why a directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory is in use")]
    InUse(Option<ServerInfo>),
    /// Not empty, yet nothing of ours in it.
    #[error("not a data directory of bkend-local")]
    NotOurs,
    #[error("format {found} is newer than {supported}, the newest this version reads")]
    Newer { found: u32, supported: u32 },
    #[error("the file system has no locks: {0}")]
    NoLocks(std::io::Error),
    #[error("{0}")]
    Migration(String),
    #[error("{0}")]
    Store(StoreError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Newer { found, supported } => Self::Newer { found, supported },
            StoreError::Io(error) => Self::Io(error),
            other => Self::Store(other),
        }
    }
}

impl Directory {
    /// Takes the directory, creating it when it is absent or empty, and brings its databases to the newest format.
    ///
    /// # Errors
    /// When another process holds it, when it is not ours, damaged, or newer than this program. Nothing is changed then.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let new = !root.join("control.db").exists();
        if new && has_foreign_content(root)? {
            return Err(OpenError::NotOurs);
        }
        private_dir(root)?;
        let lock = take_lock(root)?;
        if new {
            std::fs::write(root.join(".gitignore"), "*\n")?;
        }
        for folder in ["env", "snapshots", "secrets"] {
            private_dir(&root.join(folder))?;
        }
        if !new {
            copy_before_migration(root)?;
        }
        Copies::new(root.join("snapshots")).tidy()?;
        forget_incoming(root);
        let control = Database::open(&root.join("control.db"), true, |_| Ok(()), |c| migrations::migrate(c, Kind::Control))?;
        Ok(Self { root: root.to_owned(), control, new, _lock: lock })
    }

    /// Whether a server holds the directory, or something else is in it; creates and changes nothing.
    ///
    /// # Errors
    /// [`OpenError::InUse`], [`OpenError::NotOurs`].
    pub fn check_free(root: &Path) -> Result<(), OpenError> {
        if root.join("lock").exists() {
            take_lock(root)?;
        }
        if !root.join("control.db").exists() && has_foreign_content(root)? {
            return Err(OpenError::NotOurs);
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn is_new(&self) -> bool {
        self.new
    }

    pub fn control(&self) -> &Arc<Database> {
        &self.control
    }

    /// The directory of an environment; its databases and objects.
    pub fn environment(&self, id: &str) -> PathBuf {
        self.root.join("env").join(id)
    }

    /// Copies of tables taken before they were changed.
    pub fn copies(&self) -> Copies {
        Copies::new(self.root.join("snapshots"))
    }

    /// Pictures made from stored ones; what lies there may be deleted at any time.
    pub fn pictures(&self) -> PictureCache {
        PictureCache::new(self.root.join("cache").join("img"))
    }

    /// What a job made, to be fetched within a day.
    pub fn artifact(&self, job_id: &str) -> PathBuf {
        self.root.join("cache").join("artifacts").join(job_id)
    }

    /// Removes what jobs of more than a day ago made, and what they left half-made. Blocks.
    pub fn remove_artifacts(&self) {
        let folder = self.root.join("cache").join("artifacts");
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let half = entry.path().extension().is_some_and(|extension| extension == "part");
            if (age > ARTIFACTS_KEPT || half)
                && let Err(error) = std::fs::remove_file(entry.path())
            {
                tracing::warn!(%error, "the artifact of a job could not be removed");
            }
        }
    }

    /// The stored files of an environment.
    pub fn objects(&self, environment_id: &str) -> PathBuf {
        self.environment(environment_id).join("objects")
    }

    /// The stored files of an environment, to read and write.
    pub fn object_store(&self, environment_id: &str) -> Objects {
        Objects::new(self.objects(environment_id))
    }

    /// Adds the stored files of `from` to those of an environment, without copying bytes where the file system can.
    pub fn add_objects(&self, environment_id: &str, from: &Path) -> std::io::Result<()> {
        private_dir(&self.environment(environment_id))?;
        super::copies::link_tree(from, &self.objects(environment_id)).map(drop)
    }

    /// Removes the stored files of an environment that `wanted` has not; all of them without it.
    pub fn keep_objects(&self, environment_id: &str, wanted: Option<&Path>) -> std::io::Result<()> {
        super::copies::keep_only(&self.objects(environment_id), wanted)
    }

    /// Puts a prepared database in place for an environment that has none yet.
    pub fn place_data(&self, environment_id: &str, source: super::copies::Source) -> StoreResult<()> {
        let folder = self.environment(environment_id);
        private_dir(&folder)?;
        Ok(source.settle(&folder.join("data.db"))?)
    }

    /// Opens (or creates) the records database of an environment.
    pub fn open_data(&self, environment_id: &str) -> StoreResult<Arc<Database>> {
        let folder = self.environment(environment_id);
        private_dir(&folder)?;
        Database::open(&folder.join("data.db"), true, super::query::register_functions, |c| migrations::migrate(c, Kind::Data))
    }

    /// Whether an environment that is not open has mail left to send; without opening it for good. Blocks.
    pub fn has_queued_mail(&self, environment_id: &str) -> bool {
        let path = self.environment(environment_id).join("data.db");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let looked = rusqlite::Connection::open_with_flags(path, flags)
            .and_then(|connection| connection.query_row("SELECT EXISTS (SELECT 1 FROM _mail WHERE delivery = 'queued')", [], |row| row.get(0)));
        // Older formats have no mailbox.
        looked.unwrap_or(false)
    }

    /// The request log of an environment, opened (or created) at its first use; its last second may be lost in a power cut.
    pub fn log(&self, environment_id: &str) -> LazyDatabase {
        let folder = self.environment(environment_id);
        let path = folder.join("log.db");
        LazyDatabase::new(path.clone(), move || {
            private_dir(&folder)?;
            Database::open(&path, false, |_| Ok(()), |c| migrations::migrate(c, Kind::Log))
        })
    }

    /// Deletes the directory of an environment. It is renamed first, so that a crash never leaves half of one in place.
    pub fn remove_environment(&self, id: &str) -> std::io::Result<()> {
        let doomed = self.root.join("env").join(format!(".deleted-{id}"));
        match std::fs::rename(self.environment(id), &doomed) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        std::fs::remove_dir_all(doomed)
    }

    /// The server's own 32-byte secret, made at first use; keys and tokens are derived from it.
    pub fn server_secret(&self) -> std::io::Result<[u8; 32]> {
        let path = self.root.join("secrets").join("server");
        if let Ok(mut file) = File::open(&path) {
            let mut secret = [0u8; 32];
            file.read_exact(&mut secret)?;
            return Ok(secret);
        }
        let secret: [u8; 32] = rand::random();
        write_private(&path, &secret)?;
        Ok(secret)
    }

    /// A file in `secrets/` that only this user may read.
    pub fn secret_file(&self, name: &str) -> SecretFile {
        SecretFile(self.root.join("secrets").join(name))
    }

    /// Leaves the operator token for other commands of this machine's user (`08-cli.md` §1).
    pub fn write_operator_token(&self, token: &str) -> std::io::Result<()> {
        write_private(&self.root.join("secrets").join("operator"), token.as_bytes())
    }

    pub fn write_server_info(&self, info: &ServerInfo) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(info)?;
        write_private(&self.root.join("server.json"), &text)
    }

    /// Removes what only a running server leaves.
    pub fn remove_server_info(&self) {
        for path in [self.root.join("server.json"), self.root.join("secrets").join("operator")] {
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "could not remove");
            }
        }
    }

    /// Bytes left on the disk for this user, where the system tells.
    pub fn free_space(&self) -> Option<u64> {
        free_space(&self.root)
    }

    /// Bytes of everything in the directory.
    pub fn size(&self) -> u64 {
        size_of(&self.root)
    }
}

/// Removes what uploads left that an earlier run, cut off, was receiving.
fn forget_incoming(root: &Path) {
    let Ok(environments) = std::fs::read_dir(root.join("env")) else { return };
    for environment in environments.flatten() {
        let folder = environment.path().join("objects").join(super::objects::INCOMING);
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if let Err(error) = std::fs::remove_file(file.path()) {
                tracing::warn!(%error, "half an upload could not be removed");
            }
        }
    }
}

/// Bytes left for this user on the disk that holds a path, where the system tells.
pub(super) fn free_space(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// A secret in a file of its own.
#[derive(Debug, Clone)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// `None` when it was never written.
    pub fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    pub fn write(&self, content: &[u8]) -> std::io::Result<()> {
        write_private(&self.0, content)
    }
}

/// Who holds a directory, according to the file it left; tells nothing about whether it still does.
pub fn read_server_info(root: &Path) -> Option<ServerInfo> {
    serde_json::from_slice(&std::fs::read(root.join("server.json")).ok()?).ok()
}

/// Replaces a file by way of a temporary one beside it: owner-only, durable, never half-written.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // NamedTempFile is created 0600 on Unix.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn private_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether there is anything in the folder that a run of ours, cut off before `control.db` was there, would not leave.
fn has_foreign_content(root: &Path) -> std::io::Result<bool> {
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    for entry in entries {
        if !matches!(entry?.file_name().to_str(), Some("lock" | ".gitignore" | "cache" | "env" | "snapshots" | "secrets" | "server.json")) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn take_lock(root: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(read_server_info(root))),
        Err(TryLockError::Error(error)) => Err(OpenError::NoLocks(error)),
    }
}

/// Copies every database under `snapshots/` when one of them is of an older format; refuses newer ones before anything
/// is touched.
fn copy_before_migration(root: &Path) -> Result<(), OpenError> {
    let mut databases = vec![(root.join("control.db"), Kind::Control)];
    if let Ok(environments) = std::fs::read_dir(root.join("env")) {
        for folder in environments.flatten() {
            databases.push((folder.path().join("data.db"), Kind::Data));
            databases.push((folder.path().join("log.db"), Kind::Log));
        }
    }
    databases.retain(|(path, _)| path.exists());
    let mut older = false;
    for (path, kind) in &databases {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(StoreError::from)?;
        let (found, supported) = (migrations::format_of(&connection)?, kind.newest());
        if found > supported {
            return Err(OpenError::Newer { found, supported });
        }
        // A new one was cut off while it was made: there is nothing in it to be saved.
        older |= (1..supported).contains(&found);
    }
    if !older {
        return Ok(());
    }
    let target = root.join("snapshots").join(format!("before-migration-{}", jiff::Timestamp::now().as_second()));
    for (path, _) in &databases {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let copy = target.join(relative);
        private_dir(copy.parent().unwrap_or(&target))?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(StoreError::from)?;
        connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(StoreError::from)?;
    }
    migrate_all(root, &databases, &target)
}

/// Migrates every database; when one fails, puts all of them back.
fn migrate_all(root: &Path, databases: &[(PathBuf, Kind)], copies: &Path) -> Result<(), OpenError> {
    let outcome: StoreResult<()> = databases.iter().try_for_each(|(path, kind)| {
        let mut connection = Connection::open(path)?;
        super::query::register_functions(&connection)?;
        migrations::migrate(&mut connection, *kind)
    });
    let Err(error) = outcome else { return Ok(()) };
    for (path, _) in databases {
        let copy = copies.join(path.strip_prefix(root).unwrap_or(path));
        std::fs::copy(&copy, path)?;
        for suffix in ["-wal", "-shm"] {
            let mut side = path.clone().into_os_string();
            side.push(suffix);
            if let Err(error) = std::fs::remove_file(&side)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(error.into());
            }
        }
    }
    Err(OpenError::Migration(format!("{error}; the databases are as they were before")))
}

fn size_of(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries.flatten().map(|e| e.metadata().map_or(0, |m| if m.is_dir() { size_of(&e.path()) } else { m.len() })).sum()
}

#[cfg(test)]
mod tests;
