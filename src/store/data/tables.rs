//! The catalogue: tables a developer made, their versions, and the SQLite tables behind them.

use rusqlite::{OptionalExtension, Row, params};

use super::quoted;
use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, name, physical, definition, created_at, updated_at";

#[derive(Debug, Clone)]
pub struct TableRow {
    pub id: String,
    pub name: String,
    /// Name of the SQLite table: SQLite's names ignore case, ours do not.
    pub physical: String,
    /// JSON.
    pub definition: String,
    pub created_at: i64,
    pub updated_at: i64,
}

/// What a version is a version of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKind {
    Schema,
    Indexes,
}

impl VersionKind {
    fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Indexes => "indexes",
        }
    }
}

#[derive(Debug, Clone)]
pub struct VersionRow {
    pub id: String,
    pub table_id: String,
    pub version: u32,
    /// JSON: the schema, or the list of indexes.
    pub body: String,
    pub summary: String,
    /// JSON `{ added, updated, removed }`.
    pub changes: String,
    /// JSON actor.
    pub created_by: String,
    pub created_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<TableRow> {
    Ok(TableRow { id: row.get(0)?, name: row.get(1)?, physical: row.get(2)?, definition: row.get(3)?, created_at: row.get(4)?, updated_at: row.get(5)? })
}

fn read_version(row: &Row<'_>) -> rusqlite::Result<VersionRow> {
    Ok(VersionRow {
        id: row.get(0)?,
        table_id: row.get(1)?,
        version: row.get(2)?,
        body: row.get(3)?,
        summary: row.get(4)?,
        changes: row.get(5)?,
        created_by: row.get(6)?,
        created_at: row.get(7)?,
    })
}

const VERSION_COLUMNS: &str = "id, table_id, version, body, summary, changes, created_by, created_at";

impl Reader<'_> {
    /// Every table, oldest first.
    pub fn tables(&self) -> StoreResult<Vec<TableRow>> {
        self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM _tables ORDER BY id"))?.query_map([], read)?.map(|r| r.map_err(Into::into)).collect()
    }

    /// Whether SQLite has a table of this name, in any case.
    pub fn has_physical_table(&self, name: &str) -> StoreResult<bool> {
        Ok(self.connection().query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", [name], |r| r.get(0))?)
    }

    /// Versions, newest first, and how many there are.
    pub fn versions(&self, table_id: &str, kind: VersionKind, limit: u32, offset: u64) -> StoreResult<(Vec<VersionRow>, u64)> {
        let total = self
            .connection()
            .prepare_cached("SELECT count(*) FROM _table_versions WHERE table_id = ?1 AND kind = ?2")?
            .query_row([table_id, kind.name()], |r| r.get(0))?;
        let rows = self
            .connection()
            .prepare_cached(&format!(
                "SELECT {VERSION_COLUMNS} FROM _table_versions WHERE table_id = ?1 AND kind = ?2 ORDER BY version DESC LIMIT ?3 OFFSET ?4"
            ))?
            .query_map(params![table_id, kind.name(), limit, offset.min(i64::MAX as u64) as i64], read_version)?
            .collect::<rusqlite::Result<_>>()?;
        Ok((rows, total))
    }

    /// One version, by its number or its id.
    pub fn version(&self, table_id: &str, kind: VersionKind, number_or_id: &str) -> StoreResult<Option<VersionRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {VERSION_COLUMNS} FROM _table_versions WHERE table_id = ?1 AND kind = ?2 AND (version = CAST(?3 AS INTEGER) AND ?3 NOT GLOB '*[^0-9]*' OR id = ?3)"))?
            .query_row([table_id, kind.name(), number_or_id], read_version)
            .optional()?)
    }

    /// About how many bytes the records of a table and their system indexes take.
    pub fn table_bytes(&self, physical: &str) -> StoreResult<u64> {
        let sql = format!("SELECT coalesce(sum(length(doc) + length(id) * 4 + 80), 0) FROM {}", quoted(physical));
        Ok(self.connection().query_row(&sql, [], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    pub fn insert_table(&mut self, t: &TableRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO _tables ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?.execute(params![
            t.id,
            t.name,
            t.physical,
            t.definition,
            t.created_at,
            t.updated_at
        ])?;
        Ok(())
    }

    pub fn update_table(&mut self, id: &str, definition: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _tables SET definition = ?2, updated_at = ?3 WHERE id = ?1")?.execute(params![id, definition, now])?;
        Ok(())
    }

    /// Deletes the catalogue entry, its versions and the SQLite table.
    pub fn drop_table(&mut self, id: &str, physical: &str) -> StoreResult<()> {
        self.connection().execute("DELETE FROM _tables WHERE id = ?1", [id])?;
        self.connection().execute_batch(&format!("DROP TABLE {}", quoted(physical)))?;
        Ok(())
    }

    /// Drops the SQLite table alone; the catalogue entry stays.
    pub fn drop_physical_table(&mut self, physical: &str) -> StoreResult<()> {
        Ok(self.connection().execute_batch(&format!("DROP TABLE {}", quoted(physical)))?)
    }

    pub fn insert_version(&mut self, kind: VersionKind, v: &VersionRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _table_versions (id, table_id, kind, version, body, summary, changes, created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![v.id, v.table_id, kind.name(), v.version, v.body, v.summary, v.changes, v.created_by, v.created_at])?;
        Ok(())
    }

    /// Makes the SQLite table of a new table; `columns` are `(column, field)`.
    pub fn create_physical_table<'c>(&mut self, physical: &str, columns: impl Iterator<Item = (&'c str, &'c str)>) -> StoreResult<()> {
        let mut sql = format!(
            "CREATE TABLE {} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, doc BLOB NOT NULL",
            quoted(physical)
        );
        for (column, field) in columns {
            sql.push_str(&format!(", {}", column_definition(column, field)));
        }
        sql.push(')');
        self.connection().execute_batch(&sql)?;
        Ok(())
    }

    /// Declares a field: a virtual column over the document, which rewrites nothing.
    pub fn add_column(&mut self, physical: &str, column: &str, field: &str) -> StoreResult<()> {
        self.connection().execute_batch(&format!("ALTER TABLE {} ADD COLUMN {}", quoted(physical), column_definition(column, field)))?;
        Ok(())
    }

    pub fn drop_column(&mut self, physical: &str, column: &str) -> StoreResult<()> {
        self.connection().execute_batch(&format!("ALTER TABLE {} DROP COLUMN {}", quoted(physical), quoted(column)))?;
        Ok(())
    }
}

/// `"title" GENERATED ALWAYS AS (doc ->> '$."title"') VIRTUAL`; field names hold no quotes.
fn column_definition(column: &str, field: &str) -> String {
    format!("{} GENERATED ALWAYS AS (doc ->> '$.\"{}\"') VIRTUAL", quoted(column), field.replace(['"', '\''], ""))
}
