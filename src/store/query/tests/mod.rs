//! The same filters and orders through SQL, through the evaluator, and through a model written from the contract alone.

mod aggregates;
mod differential;
mod examples;
mod model;
mod plans;

use std::collections::HashMap;

use indexmap::IndexMap;
use rusqlite::Connection;
use serde_json::{Map, Value};

use super::ast::{Column, Filter, Kind, Path, Search, Shape, SortKey};
use super::eval::{Matcher, Row};
use super::list::{Position, Query};
use super::register_functions;
use crate::store::jsonb::{View, encode_map};

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub id: String,
    pub created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub doc: Map<String, Value>,
}

impl Record {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_map(&self.doc, &mut bytes);
        bytes
    }

    pub fn row<'a>(&'a self, bytes: &'a [u8]) -> Row<'a> {
        Row { id: &self.id, created_by: &self.created_by, created_at: self.created_at, updated_at: self.updated_at, doc: View::parse(bytes).unwrap() }
    }
}

pub(super) fn path(text: &str) -> Path {
    Path(text.split('.').map(str::to_owned).collect())
}

pub(super) fn sort(text: &str) -> Vec<SortKey> {
    let keys = text.split(',').filter(|key| !key.is_empty());
    keys.map(|key| SortKey { path: path(key.trim_start_matches('-')), descending: key.starts_with('-') }).collect()
}

pub(super) fn shape(columns: &[(&str, Kind)], nested: &[(&str, Kind)]) -> Shape {
    let column = |(at, (name, kind)): (usize, &(&str, Kind))| ((*name).to_owned(), Column { name: format!("c{at}_{name}"), kind: *kind });
    Shape {
        physical: "t \"1\"".to_owned(),
        columns: columns.iter().enumerate().map(column).collect::<IndexMap<_, _>>(),
        nested: nested.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect::<HashMap<_, _>>(),
        closed: false,
    }
}

/// A table as the store makes it.
pub(super) struct Table {
    pub db: Connection,
    pub shape: Shape,
    pub records: Vec<Record>,
}

impl Table {
    pub fn new(shape: Shape, records: Vec<Record>) -> Self {
        let db = Connection::open_in_memory().unwrap();
        register_functions(&db).unwrap();
        let columns: String =
            shape.columns.iter().map(|(field, column)| format!(", \"{}\" GENERATED ALWAYS AS (doc ->> '$.\"{field}\"') VIRTUAL", column.name)).collect();
        db.execute_batch(&format!(
            "CREATE TABLE \"t \"\"1\"\"\" (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, doc BLOB NOT NULL{columns})"
        ))
        .unwrap();
        for record in &records {
            db.prepare_cached("INSERT INTO \"t \"\"1\"\"\" (id, created_by, created_at, updated_at, doc) VALUES (?1, ?2, ?3, ?4, ?5)")
                .unwrap()
                .execute((&record.id, &record.created_by, record.created_at, record.updated_at, record.bytes()))
                .unwrap();
        }
        Self { db, shape, records }
    }

    /// Records made one second apart, ids rising.
    pub fn of(shape: Shape, docs: &[Value]) -> Self {
        let record = |(at, doc): (usize, &Value)| Record {
            id: format!("r{at:02}"),
            created_by: if at % 2 == 0 { "ana" } else { "" }.to_owned(),
            created_at: 1_768_473_000_000 + at as i64 * 1000,
            updated_at: 1_768_473_000_000,
            doc: doc.as_object().unwrap().clone(),
        };
        Self::new(shape, docs.iter().enumerate().map(record).collect())
    }

    pub fn query<'a>(&'a self, filter: &'a Filter, search: Option<&'a Search>, sort: &'a [SortKey]) -> Query<'a> {
        Query { shape: &self.shape, filter, search, sort }
    }

    pub fn ids(&self, query: &Query<'_>, after: Option<&Position>, limit: u64, offset: u64) -> Vec<String> {
        query.list_sql(after, limit, offset).rows(&self.db, |row| row.get(0)).unwrap()
    }

    pub fn count(&self, query: &Query<'_>) -> u64 {
        query.count_sql().rows(&self.db, |row| row.get::<_, i64>(0)).unwrap()[0] as u64
    }

    /// Ids the evaluator lets through, in the order of insertion.
    pub fn evaluated(&self, filter: &Filter, search: Option<&Search>) -> Vec<String> {
        let matcher = Matcher::new(&self.shape, filter, search);
        self.records.iter().filter(|record| matcher.matches(&record.row(&record.bytes()))).map(|record| record.id.clone()).collect()
    }

    /// The list read page by page, each from where the last one ended.
    pub fn walk(&self, query: &Query<'_>, page: u64) -> Vec<String> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let ids = self.ids(query, after.as_ref(), page, 0);
            let Some(last) = ids.last() else { return all };
            let record = self.records.iter().find(|record| record.id == *last).unwrap();
            let bytes = record.bytes();
            let position = serde_json::to_string(&query.position(&record.row(&bytes))).unwrap();
            after = Some(serde_json::from_str(&position).unwrap());
            all.extend(ids);
            assert!(all.len() <= self.records.len(), "the walk never ends");
        }
    }
}
