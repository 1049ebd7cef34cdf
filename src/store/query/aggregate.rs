//! Counts, sums and extremes by group (`02-data.md` §6.7).

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use serde_json::{Map, Value, json};

use super::ast::{Kind, Path, Shape};
use super::compile::Root;
use super::list::Query;
use super::order::key_value;
use super::sql::{Sql, path_literal, scalar_column};
use super::times;
use super::value::whole;

pub use super::times::Bucket;

/// What is asked of the records that match.
#[derive(Debug, Clone, Default)]
pub struct Grouping {
    /// Empty: all records are one group.
    pub groups: Vec<GroupKey>,
    pub sum: Vec<Path>,
    pub avg: Vec<Path>,
    pub min: Vec<Path>,
    pub max: Vec<Path>,
    /// How many different values, null and missing not counted.
    pub distinct: Vec<Path>,
    /// Ties, and everything if empty: by the groups, ascending.
    pub sort: Vec<AggregateSort>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKey {
    pub path: Path,
    pub bucket: Option<Bucket>,
    /// Its name in the answer's `group`.
    pub label: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateSort {
    pub by: SortBy,
    pub descending: bool,
}

/// The number is the position in the list of that name in [`Grouping`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    Count,
    Group(usize),
    Sum(usize),
    Avg(usize),
    Min(usize),
    Max(usize),
    Distinct(usize),
}

/// A compiled aggregation.
#[derive(Debug)]
pub struct Aggregation {
    sql: Sql,
    columns: Vec<Output>,
}

/// Where a column of the result goes, and how it is read.
#[derive(Debug)]
struct Output {
    section: &'static str,
    name: String,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// A number, a text or null as it is.
    Plain,
    Bool,
    /// Milliseconds.
    Time,
    /// A sort key.
    Key,
}

impl Query<'_> {
    /// Compiles an aggregation of the records that match; the order of the query is not looked at.
    pub fn aggregate(&self, grouping: &Grouping) -> Aggregation {
        let shape = self.shape;
        let mut selected: Vec<String> = Vec::new();
        let mut columns: Vec<Output> = Vec::new();
        let mut add = |section, name: String, (sql, form): (String, Form)| {
            selected.push(sql);
            columns.push(Output { section, name, form });
        };
        for key in &grouping.groups {
            add("group", key.label.clone(), group(shape, key));
        }
        add("count", String::new(), ("count(*)".to_owned(), Form::Plain));
        type Make = fn(&Shape, &Path) -> (String, Form);
        let sections: [(&'static str, &[Path], Make); 5] = [
            ("sum", &grouping.sum, sum),
            ("avg", &grouping.avg, avg),
            ("min", &grouping.min, |shape, path| extreme(shape, path, "min")),
            ("max", &grouping.max, |shape, path| extreme(shape, path, "max")),
            ("distinct", &grouping.distinct, distinct),
        ];
        for (section, paths, make) in sections {
            for path in paths {
                add(section, path.to_string(), make(shape, path));
            }
        }
        let mut sql = Sql::default();
        sql.push("SELECT ");
        sql.push(&selected.join(", "));
        self.push_source(&mut sql);
        if !grouping.groups.is_empty() {
            let numbers: Vec<String> = (1..=grouping.groups.len()).map(|n| n.to_string()).collect();
            sql.push(" GROUP BY ");
            sql.push(&numbers.join(", "));
            sql.push(" ORDER BY ");
            sql.push(&grouping.order(&columns).join(", "));
        }
        Aggregation { sql, columns }
    }
}

impl Grouping {
    fn order(&self, columns: &[Output]) -> Vec<String> {
        let place = |section: &str, at: usize| columns.iter().position(|column| column.section == section).map_or(1, |first| first + at + 1);
        let asked = self.sort.iter().map(|sort| {
            let place = match sort.by {
                SortBy::Count => place("count", 0),
                SortBy::Group(at) => place("group", at),
                SortBy::Sum(at) => place("sum", at),
                SortBy::Avg(at) => place("avg", at),
                SortBy::Min(at) => place("min", at),
                SortBy::Max(at) => place("max", at),
                SortBy::Distinct(at) => place("distinct", at),
            };
            format!("{}{}", place.min(columns.len()), if sort.descending { " DESC" } else { "" })
        });
        asked.chain((1..=self.groups.len()).map(|n| n.to_string())).collect()
    }
}

/// What a path is to SQL.
enum Source {
    Column(String, Kind),
    Time(&'static str),
    /// A literal for the functions that take a path.
    Path(String),
    Nowhere,
}

fn source(shape: &Shape, path: &Path) -> Source {
    match Root::of(path, shape) {
        Root::Id => Source::Column("id".to_owned(), Kind::String),
        Root::CreatedBy => Source::Column("created_by".to_owned(), Kind::String),
        Root::CreatedAt => Source::Time("created_at"),
        Root::UpdatedAt => Source::Time("updated_at"),
        Root::Missing => Source::Nowhere,
        Root::Doc => match (scalar_column(shape, path), path_literal(path)) {
            (Some((column, kind)), _) => Source::Column(column, kind),
            (None, Some(literal)) => Source::Path(literal),
            (None, None) => Source::Nowhere,
        },
    }
}

fn form(kind: Kind) -> Form {
    if kind == Kind::Bool { Form::Bool } else { Form::Plain }
}

fn group(shape: &Shape, key: &GroupKey) -> (String, Form) {
    match (source(shape, &key.path), key.bucket) {
        (Source::Nowhere, _) => ("NULL".to_owned(), Form::Plain),
        (Source::Column(column, kind), None) => (column, form(kind)),
        (Source::Time(column), None) => (column.to_owned(), Form::Time),
        (Source::Path(path), None) => (format!("bk_key(doc, {path})"), Form::Key),
        (Source::Column(column, _), Some(bucket)) => (format!("bk_bucket({column}, '{}')", bucket.name()), Form::Plain),
        (Source::Time(column), Some(bucket)) => (format!("bk_bucket({column}, '{}')", bucket.name()), Form::Plain),
        (Source::Path(path), Some(bucket)) => (format!("bk_bucket(doc, {path}, '{}')", bucket.name()), Form::Plain),
    }
}

fn sum(shape: &Shape, path: &Path) -> (String, Form) {
    let sql = match source(shape, path) {
        // SQLite's sum() fails where an integer sum leaves 64 bits.
        Source::Column(column, Kind::Int) => format!("bk_sum({column})"),
        Source::Column(column, Kind::Double) => format!("total({column})"),
        Source::Path(path) => format!("bk_sum(doc, {path})"),
        Source::Column(..) | Source::Time(_) | Source::Nowhere => "0".to_owned(),
    };
    (sql, Form::Plain)
}

fn avg(shape: &Shape, path: &Path) -> (String, Form) {
    let sql = match source(shape, path) {
        Source::Column(column, Kind::Int | Kind::Double) => format!("avg({column})"),
        Source::Path(path) => format!("bk_avg(doc, {path})"),
        Source::Column(..) | Source::Time(_) | Source::Nowhere => "NULL".to_owned(),
    };
    (sql, Form::Plain)
}

fn extreme(shape: &Shape, path: &Path, which: &str) -> (String, Form) {
    match source(shape, path) {
        Source::Column(column, kind) => (format!("{which}({column})"), form(kind)),
        Source::Time(column) => (format!("{which}({column})"), Form::Time),
        Source::Path(path) => (format!("bk_{which}(doc, {path})"), Form::Key),
        Source::Nowhere => ("NULL".to_owned(), Form::Plain),
    }
}

fn distinct(shape: &Shape, path: &Path) -> (String, Form) {
    let sql = match source(shape, path) {
        Source::Column(column, _) => format!("count(DISTINCT {column})"),
        Source::Time(column) => format!("count(DISTINCT {column})"),
        Source::Path(path) => format!("bk_distinct(doc, {path})"),
        Source::Nowhere => "0".to_owned(),
    };
    (sql, Form::Plain)
}

impl Aggregation {
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// The asked part of the groups, `{ "group": {…}, "count": n, "sum": {…}, … }` each, and how many there are in all.
    ///
    /// # Errors
    /// What SQLite answers.
    pub fn run(&self, db: &Connection, limit: u64, offset: u64) -> Result<(Vec<Value>, u64)> {
        let mut statement = db.prepare_cached(self.sql.text())?;
        let mut rows = statement.query(self.sql.params())?;
        let (mut items, mut total) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if total >= offset && (items.len() as u64) < limit {
                items.push(self.read(row)?);
            }
            total += 1;
        }
        Ok((items, total))
    }

    /// One group from a row of the statement.
    ///
    /// # Errors
    /// If the row comes from another statement.
    pub fn read(&self, row: &rusqlite::Row<'_>) -> Result<Value> {
        let mut item = Map::new();
        item.insert("group".to_owned(), json!({}));
        for (at, column) in self.columns.iter().enumerate() {
            let value = column.form.read(row.get_ref(at)?);
            if column.section == "count" {
                item.insert(column.section.to_owned(), value);
            } else if let Value::Object(section) = item.entry(column.section).or_insert_with(|| json!({})) {
                section.insert(column.name.clone(), value);
            }
        }
        Ok(Value::Object(item))
    }
}

impl Form {
    fn read(self, value: ValueRef<'_>) -> Value {
        match (self, value) {
            (Self::Bool, ValueRef::Integer(flag)) => (flag != 0).into(),
            (Self::Time, ValueRef::Integer(ms)) => times::iso(ms).into(),
            (Self::Key, ValueRef::Blob(key)) => key_value(key),
            (_, ValueRef::Integer(int)) => int.into(),
            (_, ValueRef::Real(float)) => serde_json::Number::from_f64(float.clamp(f64::MIN, f64::MAX)).map_or(Value::Null, |number| whole(&number)),
            (_, ValueRef::Text(text)) => String::from_utf8_lossy(text).into(),
            (_, ValueRef::Null | ValueRef::Blob(_)) => Value::Null,
        }
    }
}
