//! The newest changes of records, for streams that resume after a cut or a restart.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Row, params};

use super::records::Record;
use crate::store::{Reader, StoreResult, Tx};

/// Changes kept per environment (`02-data.md` §10).
pub const KEPT: i64 = 10_000;
const FLOOR: &str = "change_floor";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Create,
    Update,
    Delete,
    /// Everything of the table may have changed: import, truncation, conversion.
    Reset,
}

impl Op {
    fn number(self) -> i64 {
        match self {
            Self::Create => 1,
            Self::Update => 2,
            Self::Delete => 3,
            Self::Reset => 4,
        }
    }

    fn from_number(n: i64) -> Self {
        match n {
            1 => Self::Create,
            2 => Self::Update,
            3 => Self::Delete,
            _ => Self::Reset,
        }
    }
}

/// One change, with the record before it.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    pub seq: i64,
    pub table_id: String,
    pub record_id: String,
    pub op: Op,
    pub at: i64,
    /// `None` on create and reset.
    pub before: Option<Record>,
}

impl Reader<'_> {
    /// The highest change number ever used here.
    pub fn last_change(&self) -> StoreResult<i64> {
        let newest: Option<i64> = self.connection().query_row("SELECT max(seq) FROM _changes", [], |r| r.get(0))?;
        let floor: Option<i64> =
            self.connection().query_row("SELECT CAST(value AS INTEGER) FROM _settings WHERE key = ?1", [FLOOR], |r| r.get(0)).optional()?;
        Ok(newest.unwrap_or(0).max(floor.unwrap_or(0)))
    }

    /// The oldest change number kept, if any is.
    pub fn first_change(&self) -> StoreResult<Option<i64>> {
        Ok(self.connection().query_row("SELECT min(seq) FROM _changes", [], |r| r.get(0))?)
    }

    /// Changes of these tables after a number, in commit order.
    pub fn changes_after(&self, seq: i64, tables: &HashSet<String>) -> StoreResult<Vec<ChangeRow>> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT seq, table_id, record_id, op, at, created_by, created_at, updated_at, before FROM _changes WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = statement.query([seq])?;
        let mut changes = Vec::new();
        while let Some(row) = rows.next()? {
            if tables.contains(row.get_ref(1)?.as_str().unwrap_or_default()) {
                changes.push(read(row)?);
            }
        }
        Ok(changes)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    let record_id: String = row.get(2)?;
    let doc: Option<Vec<u8>> = row.get(8)?;
    let before = match doc {
        Some(doc) => Some(Record { id: record_id.clone(), created_by: row.get(5)?, created_at: row.get(6)?, updated_at: row.get(7)?, doc }),
        None => None,
    };
    Ok(ChangeRow { seq: row.get(0)?, table_id: row.get(1)?, record_id, op: Op::from_number(row.get(3)?), at: row.get(4)?, before })
}

impl Tx<'_> {
    pub fn insert_change(&mut self, seq: i64, table_id: &str, record_id: &str, op: Op, at: i64, before: Option<&Record>) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _changes (seq, table_id, record_id, op, at, created_by, created_at, updated_at, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                seq,
                table_id,
                record_id,
                op.number(),
                at,
                before.map(|b| &b.created_by),
                before.map(|b| b.created_at),
                before.map(|b| b.updated_at),
                before.map(|b| &b.doc)
            ])?;
        // Trimmed now and then, so that most writes pay nothing for it.
        if seq % 1024 == 0 {
            self.connection().prepare_cached("DELETE FROM _changes WHERE seq <= ?1")?.execute([seq - KEPT])?;
        }
        Ok(())
    }
}
