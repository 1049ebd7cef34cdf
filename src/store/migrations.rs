//! The formats of the three kinds of database, and the way from older ones to the newest.

use rusqlite::{Connection, OptionalExtension};

use super::error::{StoreError, StoreResult};

mod control {
    refinery::embed_migrations!("src/store/migrations/control");
}
mod data {
    refinery::embed_migrations!("src/store/migrations/data");
}
mod log {
    refinery::embed_migrations!("src/store/migrations/log");
}

/// Which of the three a database file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Control,
    Data,
    Log,
}

impl Kind {
    fn runner(self) -> refinery::Runner {
        let runner = match self {
            Self::Control => control::migrations::runner(),
            Self::Data => data::migrations::runner(),
            Self::Log => log::migrations::runner(),
        };
        // In one transaction, so that a database that was cut off while it was made is still a new one.
        runner.set_grouped(true)
    }

    /// The newest format this program writes.
    pub fn newest(self) -> u32 {
        self.runner().get_migrations().iter().map(|m| m.version() as u32).max().unwrap_or(0)
    }
}

/// The newest formats of control.db, data.db and log.db.
pub fn formats() -> [u32; 3] {
    [Kind::Control, Kind::Data, Kind::Log].map(Kind::newest)
}

/// The format a database has; 0 when it is new.
pub fn format_of(connection: &Connection) -> StoreResult<u32> {
    let known: bool = connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'refinery_schema_history'", [], |r| r.get(0))?;
    if !known {
        return Ok(0);
    }
    Ok(connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |r| r.get::<_, Option<u32>>(0)).optional()?.flatten().unwrap_or(0))
}

/// Makes a database as an earlier version did.
#[cfg(test)]
pub fn migrate_to(connection: &mut Connection, kind: Kind, version: i32) {
    kind.runner().set_target(refinery::Target::Version(version)).run(connection).expect("the first migrations succeed");
}

/// Brings a database to the newest format.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program wrote it; nothing is changed then.
pub fn migrate(connection: &mut Connection, kind: Kind) -> StoreResult<()> {
    let (found, supported) = (format_of(connection)?, kind.newest());
    if found > supported {
        return Err(StoreError::Newer { found, supported });
    }
    if found < supported {
        kind.runner().run(connection).map_err(|e| StoreError::Other(format!("migration: {e}")))?;
    }
    Ok(())
}
