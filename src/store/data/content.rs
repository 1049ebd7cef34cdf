//! The content of an environment as a whole: emptied, or replaced by that of another database attached as `source`. Both happen
//! inside one transaction, so that an interruption leaves all of the old content or all of the new.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::quoted;
use crate::store::migrations::{self, Kind};
use crate::store::{Database, Reader, StoreError, StoreResult, Tx};

/// Which parts of an environment are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Tables with their definitions, versions and indexes.
    pub tables: bool,
    /// Records; only with or in tables that are there.
    pub records: bool,
    /// Users, and how they sign in.
    pub users: bool,
    /// Sessions of users, and what was sent to them.
    pub sessions: bool,
    /// What is known about stored files.
    pub files: bool,
    /// Settings of the environment; its secrets only together with `sessions`.
    pub settings: bool,
}

impl Parts {
    pub const ALL: Self = Self { tables: true, records: true, users: true, sessions: true, files: true, settings: true };
    pub const NONE: Self = Self { tables: false, records: false, users: false, sessions: false, files: false, settings: false };
}

/// Tables of the server itself, by the part they belong to. A test finds a table that stands in none.
pub const USERS: &[&str] = &["_users", "_accounts", "_passwords", "_mfa", "_backup_codes", "_simulator_identities"];
pub const SESSIONS: &[&str] = &["_sessions", "_mail", "_one_time", "_invitations", "_auth_events"];
pub const FILES: &[&str] = &["_uploads", "_parts", "_files", "_file_shares"];
const CATALOGUE: &[&str] = &["_tables", "_table_versions"];
/// `_settings` itself is looked at key by key.
const SETTINGS: &[&str] = &["_mail_templates"];
/// What belongs to the database, not to its content: a restore keeps the outbox of the database it replaces, and change
/// numbers go on above the highest used; triggers keep the sum of stored bytes.
const KEPT: &[&str] = &["_outbox", "_changes", "_stored_bytes", "refinery_schema_history"];
/// Settings that stay with the database; and, in a copy for another environment, the secrets of the original.
const KEPT_SETTINGS: &str = "key = 'change_floor'";
const SECRET_SETTINGS: &str = "key GLOB 'secret.*'";

/// Every table of the server that is in none of the lists above.
pub fn unclassified(reader: &Reader<'_>) -> StoreResult<Vec<String>> {
    let known: Vec<&str> = [USERS, SESSIONS, FILES, CATALOGUE, SETTINGS, &["_settings"], KEPT].concat();
    let mut statement = reader.connection().prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name GLOB '_*' ORDER BY name")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names.into_iter().filter(|name| !known.contains(&name.as_str())).collect())
}

impl Tx<'_> {
    /// Removes these parts. Tables lose their records with `records`, and go with `tables`.
    pub fn empty(&mut self, parts: Parts) -> StoreResult<()> {
        self.connection().execute_batch("PRAGMA defer_foreign_keys = ON")?;
        for row in self.reader().tables()? {
            if parts.tables {
                self.drop_table(&row.id, &row.physical)?;
            } else if parts.records {
                self.truncate(&row.physical)?;
            }
        }
        for table in chosen(parts) {
            self.connection().execute(&format!("DELETE FROM main.{table}"), [])?;
        }
        if parts.settings {
            self.connection().execute(&format!("DELETE FROM main._settings WHERE NOT ({})", kept_settings(parts)), [])?;
        }
        Ok(())
    }

    /// Replaces these parts by what the attached database holds; `records` without `tables` means nothing here, since records
    /// come with the tables they are in.
    pub fn replace_from_source(&mut self, parts: Parts) -> StoreResult<()> {
        self.empty(parts)?;
        for table in chosen(parts).into_iter().filter(|table| parts.sessions || !SESSIONS.contains(table)) {
            self.copy_rows(table)?;
        }
        if parts.settings {
            self.connection().execute(&format!("INSERT INTO main._settings SELECT * FROM source._settings WHERE NOT ({})", kept_settings(parts)), [])?;
        }
        if !parts.tables {
            return Ok(());
        }
        let mut statement = self.connection().prepare("SELECT physical FROM source._tables ORDER BY id")?;
        let physical: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for name in &physical {
            self.copy_definitions(name, "table")?;
            if parts.records {
                self.copy_rows(name)?;
            }
            self.copy_definitions(name, "index")?;
        }
        CATALOGUE.iter().try_for_each(|table| self.copy_rows(table))
    }

    /// Makes the SQLite table, or its indexes, as they are in the attached database.
    fn copy_definitions(&mut self, table: &str, kind: &str) -> StoreResult<()> {
        let mut statement = self.connection().prepare("SELECT sql FROM source.sqlite_schema WHERE tbl_name = ?1 AND type = ?2 AND sql IS NOT NULL")?;
        let sql: Vec<String> = statement.query_map([table, kind], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        sql.iter().try_for_each(|sql| Ok(self.connection().execute_batch(sql)?))
    }

    fn copy_rows(&mut self, table: &str) -> StoreResult<()> {
        // Columns that are computed are not copied.
        let mut statement = self.connection().prepare("SELECT name FROM pragma_table_xinfo(?1, 'source') WHERE hidden = 0")?;
        let columns: Vec<String> = statement.query_map([table], |row| row.get::<_, String>(0).map(|name| quoted(&name)))?.collect::<rusqlite::Result<_>>()?;
        let (columns, table) = (columns.join(", "), quoted(table));
        self.connection().execute(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}"), [])?;
        Ok(())
    }

    /// Fills a table with the records of an attached copy of it alone; answers how many there are.
    pub fn fill_from_source(&mut self, physical: &str) -> StoreResult<u64> {
        let sql = format!(
            "INSERT INTO main.{} (id, created_by, created_at, updated_at, doc) SELECT id, created_by, created_at, updated_at, doc FROM source.records ORDER BY rowid",
            quoted(physical)
        );
        Ok(self.connection().execute(&sql, [])? as u64)
    }
}

fn kept_settings(parts: Parts) -> String {
    if parts.sessions { KEPT_SETTINGS.to_owned() } else { format!("{KEPT_SETTINGS} OR {SECRET_SETTINGS}") }
}

/// The tables that these parts empty: sessions go whenever their users do.
fn chosen(parts: Parts) -> Vec<&'static str> {
    let lists = [(parts.users, USERS), (parts.sessions || parts.users, SESSIONS), (parts.files, FILES), (parts.settings, SETTINGS)];
    lists.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, list)| list.iter().copied()).collect()
}

/// Writes a consistent copy of a whole database, committed writes only; writers and readers go on meanwhile. Blocks.
pub(in crate::store) fn copy_database(data: &Database, target: &Path) -> StoreResult<()> {
    let connection = Connection::open_with_flags(data.path(), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    data.set_up(&connection)?;
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
    std::fs::File::open(target)?.sync_all()?;
    Ok(())
}

/// Brings a copy to the newest format and takes away what a copy for another environment leaves behind: the outbox, and with
/// `parts` what is not wanted. Blocks.
pub(in crate::store) fn prepare_copy(path: &Path, parts: Parts) -> StoreResult<()> {
    let mut connection = Connection::open(path)?;
    crate::store::query::register_functions(&connection)?;
    migrations::migrate(&mut connection, Kind::Data)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; DELETE FROM _outbox; DELETE FROM _changes;")?;
    let unwanted = Parts {
        tables: !parts.tables,
        records: !parts.records,
        users: !parts.users,
        sessions: !parts.sessions && parts.users,
        files: !parts.files,
        settings: !parts.settings,
    };
    strip(&connection, unwanted)?;
    connection.execute_batch("COMMIT")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| StoreError::from(error))
}

fn strip(connection: &Connection, unwanted: Parts) -> StoreResult<()> {
    let mut tables: Vec<&str> = Vec::new();
    for (out, list) in [(unwanted.users, USERS), (unwanted.sessions || unwanted.users, SESSIONS), (unwanted.files, FILES), (unwanted.settings, SETTINGS)] {
        tables.extend(list.iter().copied().filter(|_| out));
    }
    tables.iter().rev().try_for_each(|table| connection.execute(&format!("DELETE FROM {table}"), []).map(drop))?;
    if unwanted.settings {
        connection.execute("DELETE FROM _settings", [])?;
    } else if unwanted.sessions {
        connection.execute(&format!("DELETE FROM _settings WHERE {SECRET_SETTINGS}"), [])?;
    }
    let mut statement = connection.prepare("SELECT id, physical FROM _tables")?;
    let own: Vec<(String, String)> = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for (id, physical) in own {
        if unwanted.tables {
            connection.execute("DELETE FROM _tables WHERE id = ?1", [id])?;
            connection.execute_batch(&format!("DROP TABLE {}", quoted(&physical)))?;
        } else if unwanted.records {
            connection.execute(&format!("DELETE FROM {}", quoted(&physical)), [])?;
        }
    }
    Ok(())
}

/// Rows of records and stored files in a copy of a whole environment. Blocks.
pub(in crate::store) fn counts(path: &Path) -> StoreResult<(u64, u64)> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    crate::store::query::register_functions(&connection)?;
    let mut statement = connection.prepare("SELECT physical FROM _tables")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut rows = 0;
    for name in names {
        rows += connection.query_row(&format!("SELECT count(*) FROM {}", quoted(&name)), [], |row| row.get::<_, u64>(0))?;
    }
    Ok((rows, connection.query_row("SELECT count(*) FROM _files", [], |row| row.get(0))?))
}

/// Names of the stored bytes that a copy of a whole environment knows. Blocks.
pub(in crate::store) fn object_names(path: &Path) -> StoreResult<Vec<String>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut names = Vec::new();
    Reader { connection: &connection }.object_names(|name| names.push(name))?;
    Ok(names)
}

/// The format of a database file; 0 for one that is none of ours.
pub(in crate::store) fn format_of(path: &Path) -> StoreResult<u32> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    migrations::format_of(&connection)
}
