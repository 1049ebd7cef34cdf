//! Saved states of environments: taken by hand or before something removes data, listed, put back, copied to other environments
//! (`06-console.md` B1 "Safety" and "Copies", B3). One action per file.

mod clone;
mod list;
mod reset;
mod restore;
mod table;
mod take;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::error::{Code, Error};
use super::files::name::{self, FileName};
use super::time::Millis;
use crate::store::data::{Move, Parts};
use crate::store::{Source, StoreError};

pub use clone::{CloneFrom, CloneParts};
pub use list::SnapshotFile;
pub use reset::ResetParts;
pub use restore::{RestoreFrom, Restored};
pub use take::NewSnapshot;

/// Automatic snapshots are kept this long, and at most so many of one environment.
pub const KEPT_FOR: Millis = 7 * 24 * 60 * 60 * 1000;
pub const KEPT: usize = 10;

/// Why a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Manual,
    BeforeReset,
    BeforeRestore,
    BeforeDelete,
    BeforePromotion,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::BeforeReset => "before-reset",
            Self::BeforeRestore => "before-restore",
            Self::BeforeDelete => "before-delete",
            Self::BeforePromotion => "before-promotion",
        }
    }
}

/// A saved state of an environment, or of one table of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub id: String,
    pub name: String,
    /// `manual`, or what it was taken before: `before-reset`, `before-restore`, `before-delete`, `before-schema` …
    pub reason: String,
    /// Name of the environment it was taken of.
    pub environment: String,
    /// The one table it holds; absent for a whole environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    pub size_bytes: u64,
    /// Records.
    pub rows: u64,
    /// Stored files.
    pub files: u64,
    /// `{ type, id, name }`.
    #[schema(value_type = Object)]
    pub created_by: Value,
    pub created_at: String,
    /// When it goes by itself; null: when somebody deletes it.
    pub expires_at: Option<String>,
}

impl Snapshot {
    fn read(about: Map<String, Value>) -> Option<Self> {
        serde_json::from_value(Value::Object(about)).ok()
    }
}

/// What was counted in an environment after it was changed as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub tables: u64,
    pub rows: u64,
    pub users: u64,
    pub files: u64,
}

/// What goes into a copy for another environment: never sessions, never secrets.
const fn for_another(records: bool, users: bool, files: bool) -> Parts {
    Parts { tables: true, records, users, sessions: false, files, settings: true }
}

/// Failures of writing or reading a copy: a full disk is 503, a copy of a newer program 409.
fn copy_failed(error: StoreError) -> Error {
    match error {
        StoreError::Newer { found, supported } => {
            let message = format!("The snapshot has data format {found}, and this version reads up to {supported}; update bkend-local to restore it");
            Error::new(Code::SNAPSHOT_INCOMPATIBLE, message)
        }
        StoreError::Io(error) => Error::unavailable("The snapshot could not be written or read; see that the disk has room and try again").because(error),
        StoreError::Sqlite(error) => Error::unavailable("The snapshot could not be written or read; see that the disk has room and try again").because(error),
        other => other.into(),
    }
}

/// Makes the keys of files in a copy those of the environment it is for (`05-storage.md` §9). Blocks.
fn move_keys(source: &Source, from: &str, to: &str) -> Result<(), Error> {
    let new_key = |id: &str, text: &str| {
        // Imported names may be ones that nobody could choose here.
        let name = FileName::parse(text).or_else(|_| FileName::parse("file")).expect("file is a name");
        name::new_key(to, id, &name)
    };
    source.move_keys(&Move { from, to, new_key: &new_key }).map_err(copy_failed)
}

fn not_found() -> Error {
    Error::new(Code::SNAPSHOT_NOT_FOUND, "The project has no snapshot of this id; list its snapshots to see those there are")
}

/// Runs what blocks on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
