//! Everything kept: SQLite databases and the files beside them. Nothing outside this module names SQLite.

pub mod control;
mod copies;
pub mod data;
mod database;
mod directory;
mod error;
mod incoming;
pub mod jsonb;
mod lazy;
pub mod log;
mod migrations;
mod noted;
mod objects;
mod pictures;
pub mod query;
mod writer;

pub use copies::{Copies, Source};
pub use database::{Database, Hold, QUERY_DEADLINE, Reader};
pub use directory::{Directory, OpenError, SecretFile, ServerInfo, read_server_info, write_private};
pub use error::{StoreError, StoreResult};
pub use incoming::{Digests, Flusher, Incoming};
pub use lazy::LazyDatabase;
pub use migrations::formats;
pub use noted::{Noted, Touched};
pub use objects::{ObjectHold, Objects, Placed, Stored};
pub use pictures::PictureCache;
pub use writer::Tx;
