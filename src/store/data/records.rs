//! Records: one JSONB document each, in a table of its own per table.

use rusqlite::{OptionalExtension, Row as SqlRow, params};
use serde_json::{Map, Value};

use super::indexes::logical_name;
use super::quoted;
use crate::store::jsonb::{self, View};
use crate::store::query::ast::{Filter, Path, Search, Shape};
use crate::store::query::eval::Row;
use crate::store::query::list::{Position, Query};
use crate::store::{Reader, StoreError, StoreResult, Tx};

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub created_by: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch; every write moves it.
    pub updated_at: i64,
    /// JSONB object without the system fields.
    pub doc: Vec<u8>,
}

impl Record {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, created_by: row.get(1)?, created_at: row.get(2)?, updated_at: row.get(3)?, doc: row.get(4)? })
    }

    /// The record as filters see it.
    pub fn row(&self) -> Row<'_> {
        Row {
            id: &self.id,
            created_by: &self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            doc: View::parse(&self.doc).unwrap_or_else(|_| View::empty_object()),
        }
    }

    /// The document as a JSON object.
    pub fn document(&self) -> StoreResult<Map<String, Value>> {
        jsonb::decode_map(&self.doc).map_err(|_| StoreError::Other(format!("record {} holds a damaged document", self.id)))
    }

    /// The value at a path, system fields included; missing is null.
    pub fn value_at(&self, path: &Path) -> Value {
        match (path.root(), path.is_top_level()) {
            ("id", true) => return self.id.clone().into(),
            ("createdBy", true) => return self.created_by.clone().into(),
            ("createdAt", true) => return self.created_at.into(),
            ("updatedAt", true) => return self.updated_at.into(),
            _ => {}
        }
        let mut view = View::parse(&self.doc).ok();
        for step in &path.0 {
            view = view.and_then(|v| v.get(step).or_else(|| step.parse().ok().and_then(|i| v.index(i))));
        }
        view.and_then(|v| v.to_value().ok()).unwrap_or(Value::Null)
    }
}

const COLUMNS: &str = "id, created_by, created_at, updated_at, doc";

impl Reader<'_> {
    pub fn record(&self, physical: &str, id: &str) -> StoreResult<Option<Record>> {
        let sql = format!("SELECT {COLUMNS} FROM {} WHERE id = ?1", quoted(physical));
        Ok(self.connection().prepare_cached(&sql)?.query_row([id], Record::read).optional()?)
    }

    /// Hands the record to `read` without copying its document.
    pub fn with_record<T>(&self, physical: &str, id: &str, read: impl FnOnce(&Row<'_>) -> T) -> StoreResult<Option<T>> {
        let sql = format!("SELECT {COLUMNS} FROM {} WHERE id = ?1", quoted(physical));
        let mut statement = self.connection().prepare_cached(&sql)?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(|row| with_row(row, read)).transpose()
    }

    /// Hands each record of a list to `read`, in order.
    pub fn list(&self, query: &Query<'_>, after: Option<&Position>, limit: u64, offset: u64, mut read: impl FnMut(&Row<'_>)) -> StoreResult<()> {
        let sql = query.list_sql(after, limit, offset);
        let mut statement = self.connection().prepare_cached(sql.text())?;
        let mut rows = statement.query(sql.params())?;
        while let Some(row) = rows.next()? {
            with_row(row, &mut read)?;
        }
        Ok(())
    }

    /// The records of a list.
    pub fn records(&self, query: &Query<'_>, after: Option<&Position>, limit: u64, offset: u64) -> StoreResult<Vec<Record>> {
        Ok(query.list_sql(after, limit, offset).rows(self.connection(), Record::read)?)
    }

    /// As [`Reader::list`]; `read` ends the walk by answering false.
    pub fn walk(&self, query: &Query<'_>, mut read: impl FnMut(&Row<'_>) -> bool) -> StoreResult<()> {
        let sql = query.list_sql(None, i64::MAX as u64, 0);
        let mut statement = self.connection().prepare(sql.text())?;
        let mut rows = statement.query(sql.params())?;
        while let Some(row) = rows.next()? {
            if !with_row(row, &mut read)? {
                return Ok(());
            }
        }
        Ok(())
    }

    pub fn count(&self, query: &Query<'_>) -> StoreResult<u64> {
        let sql = query.count_sql();
        Ok(self.connection().prepare_cached(sql.text())?.query_row(sql.params(), |r| r.get(0))?)
    }

    /// The groups of an aggregation, the asked part of them, and how many there are.
    pub fn aggregate(&self, query: &Query<'_>, grouping: &crate::store::query::aggregate::Grouping, limit: u64, offset: u64) -> StoreResult<(Vec<Value>, u64)> {
        Ok(query.aggregate(grouping).run(self.connection(), limit, offset)?)
    }

    /// The ids of all records that match, in id order, at most `limit`.
    pub fn matching(&self, shape: &Shape, filter: &Filter, search: Option<&Search>, limit: u64) -> StoreResult<Vec<String>> {
        let query = Query { shape, filter, search, sort: &[] };
        let mut ids = Vec::new();
        self.list(&query, None, limit, 0, |row| ids.push(row.id.to_owned()))?;
        ids.reverse();
        Ok(ids)
    }
}

fn with_row<T>(row: &SqlRow<'_>, read: impl FnOnce(&Row<'_>) -> T) -> StoreResult<T> {
    let doc = row.get_ref(4)?.as_blob().map_err(|e| StoreError::Other(e.to_string()))?;
    let text = |i: usize| row.get_ref(i).and_then(|v| v.as_str().map_err(Into::into)).map_err(StoreError::from);
    Ok(read(&Row {
        id: text(0)?,
        created_by: text(1)?,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
        doc: View::parse(doc).unwrap_or_else(|_| View::empty_object()),
    }))
}

impl Tx<'_> {
    /// # Errors
    /// [`StoreError::Unique`]; see [`violation`].
    pub fn insert_record(&mut self, physical: &str, r: &Record) -> StoreResult<()> {
        let sql = format!("INSERT INTO {} ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)", quoted(physical));
        self.connection().prepare_cached(&sql)?.execute(params![r.id, r.created_by, r.created_at, r.updated_at, r.doc])?;
        Ok(())
    }

    /// Replaces owner, update time and document.
    ///
    /// # Errors
    /// [`StoreError::Unique`]; see [`violation`].
    pub fn update_record(&mut self, physical: &str, r: &Record) -> StoreResult<()> {
        let sql = format!("UPDATE {} SET created_by = ?2, updated_at = ?3, doc = ?4 WHERE id = ?1", quoted(physical));
        self.connection().prepare_cached(&sql)?.execute(params![r.id, r.created_by, r.updated_at, r.doc])?;
        Ok(())
    }

    pub fn delete_record(&mut self, physical: &str, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", quoted(physical)))?.execute([id])? > 0)
    }

    /// Deletes every record; answers how many there were.
    pub fn truncate(&mut self, physical: &str) -> StoreResult<u64> {
        Ok(self.connection().execute(&format!("DELETE FROM {}", quoted(physical)), [])? as u64)
    }

    /// Rewrites the documents of a table: `change` answers the new document, or `None` to leave it. Times stay.
    /// Answers how many were rewritten.
    pub fn rewrite<E: From<StoreError>>(&mut self, physical: &str, mut change: impl FnMut(&Record) -> Result<Option<Vec<u8>>, E>) -> Result<u64, E> {
        let select = format!("SELECT {COLUMNS}, seq FROM {} WHERE seq > ?1 ORDER BY seq LIMIT 500", quoted(physical));
        let update = format!("UPDATE {} SET doc = ?2 WHERE seq = ?1", quoted(physical));
        let (mut last, mut count) = (i64::MIN, 0);
        loop {
            let read = |row: &SqlRow<'_>| Ok((Record::read(row)?, row.get::<_, i64>(5)?));
            let batch: Vec<(Record, i64)> =
                self.connection().prepare_cached(&select).and_then(|mut s| s.query_map([last], read)?.collect()).map_err(StoreError::from)?;
            let Some((_, seq)) = batch.last() else { return Ok(count) };
            last = *seq;
            for (record, seq) in &batch {
                if let Some(doc) = change(record)? {
                    self.connection().prepare_cached(&update).and_then(|mut s| s.execute(params![seq, doc])).map_err(StoreError::from)?;
                    count += 1;
                }
            }
        }
    }
}

/// What a unique violation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The id.
    Id,
    /// The index of this name.
    Index(String),
    /// The index over these columns.
    Columns(Vec<String>),
}

/// Reads SQLite's message about a unique violation of a record table.
pub fn violation(message: &str, physical: &str) -> Violation {
    let text = message.rsplit("failed: ").next().unwrap_or(message);
    if let Some(name) = text.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        return Violation::Index(logical_name(physical, name).to_owned());
    }
    let prefix = format!("{physical}.");
    let columns: Vec<String> = text.split(", ").map(|c| c.strip_prefix(&prefix).unwrap_or(c).to_owned()).collect();
    if columns == ["id"] { Violation::Id } else { Violation::Columns(columns) }
}
