//! Lists: selection, order, and going on after a given record.

use rusqlite::types::Value as SqlValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ast::{Filter, Path, Search, Shape, SortKey};
use super::compile::{Node, Root, Step, steps};
use super::eval::{Row, walk};
use super::order::{Keys, path_key};
use super::sql::{Sql, number_value, path_literal, quoted, scalar_column};
use super::value::{Item, num};

/// What a list is made of.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub shape: &'a Shape,
    pub filter: &'a Filter,
    pub search: Option<&'a Search>,
    /// Empty: `id`, descending.
    pub sort: &'a [SortKey],
}

/// Where a list stands after a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// One for every sort key of the query, in order: opaque, but plain JSON. Wrong ones give a wrong place, no error.
    pub values: Vec<Value>,
    pub id: String,
}

impl Query<'_> {
    /// Selects `id, created_by, created_at, updated_at, doc` of the records that match, in order; those after a
    /// position if one is given.
    pub fn list_sql(&self, after: Option<&Position>, limit: u64, offset: u64) -> Sql {
        let mut sql = self.select("id, created_by, created_at, updated_at, doc");
        let terms = self.terms();
        if let Some(position) = after {
            sql.push(" AND ");
            continuation(&mut sql, &terms, position);
        }
        sql.push(" ORDER BY ");
        for (at, term) in terms.iter().enumerate() {
            sql.push(if at == 0 { "" } else { ", " });
            sql.push(&term.sql);
            sql.push(if term.descending { " DESC" } else { "" });
        }
        sql.push(" LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        if offset > 0 {
            sql.push(" OFFSET ");
            sql.bind(i64::try_from(offset).unwrap_or(i64::MAX));
        }
        sql
    }

    /// Counts the records that match.
    pub fn count_sql(&self) -> Sql {
        self.select("count(*)")
    }

    /// Selects these columns of the records that match, in no order. The condition comes last, so that more can be
    /// appended with [`Sql::push`].
    pub fn select(&self, columns: &'static str) -> Sql {
        let mut sql = Sql::default();
        sql.push("SELECT ");
        sql.push(columns);
        self.push_source(&mut sql);
        sql
    }

    pub(super) fn push_source(&self, sql: &mut Sql) {
        sql.push(" FROM ");
        sql.push(&quoted(&self.shape.physical));
        sql.push(" WHERE ");
        sql.node(&Node::filter(self.filter, self.shape), self.shape);
        if let Some(search) = self.search {
            sql.push(" AND ");
            sql.node(&Node::search(search, self.shape), self.shape);
        }
    }

    /// The position of a record in this list, to be given to [`list_sql`](Self::list_sql).
    pub fn position(&self, row: &Row<'_>) -> Position {
        let mut values = vec![Value::Null; self.sort.len()];
        for term in self.terms() {
            if let Some(slot) = values.get_mut(term.key) {
                *slot = term.source.value(row);
            }
        }
        Position { values, id: row.id.to_owned() }
    }

    /// Sort keys with the id behind them, in the direction of the last, so that no two records are equal.
    fn terms(&self) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        for (at, key) in self.sort.iter().enumerate() {
            if let Some((sql, source)) = source(self.shape, &key.path)
                && !terms.iter().any(|term| term.sql == sql)
            {
                let done = matches!(source, Source::Id);
                terms.push(Term { key: at, sql, source, descending: key.descending });
                if done {
                    return terms;
                }
            }
        }
        let descending = self.sort.last().is_none_or(|key| key.descending);
        terms.push(Term { key: self.sort.len(), sql: "id".to_owned(), source: Source::Id, descending });
        terms
    }
}

struct Term {
    /// Position among the sort keys; past the last for the id that settles ties.
    key: usize,
    sql: String,
    source: Source,
    descending: bool,
}

/// Where the value of a sort key comes from.
enum Source {
    Id,
    CreatedBy,
    CreatedAt,
    UpdatedAt,
    /// A declared scalar.
    Scalar(Vec<Step>),
    /// Anything: compared by its key.
    Key(Vec<Step>),
}

/// The SQL to order by, and where its value comes from; `None` for a path that no record has.
fn source(shape: &Shape, path: &Path) -> Option<(String, Source)> {
    let steps = || steps(path.0.iter().map(String::as_str));
    Some(match Root::of(path, shape) {
        Root::Id => ("id".to_owned(), Source::Id),
        Root::CreatedBy => ("created_by".to_owned(), Source::CreatedBy),
        Root::CreatedAt => ("created_at".to_owned(), Source::CreatedAt),
        Root::UpdatedAt => ("updated_at".to_owned(), Source::UpdatedAt),
        Root::Missing => return None,
        Root::Doc => match scalar_column(shape, path) {
            Some((column, _)) => (column, Source::Scalar(steps())),
            None => (format!("bk_sort(doc, {})", path_literal(path)?), Source::Key(steps())),
        },
    })
}

/// The SQL expression a list sorts this path by: an index over it serves sorting, and filters if it is a column.
/// `None` for a path that no record has.
pub fn sort_expr(shape: &Shape, path: &Path) -> Option<String> {
    source(shape, path).map(|(sql, _)| sql)
}

/// The SQL expression that is equal for equal values at this path and null for null and missing: for unique indexes.
pub fn unique_expr(shape: &Shape, path: &Path) -> Option<String> {
    Some(match source(shape, path)? {
        (_, Source::Key(_)) => format!("bk_key(doc, {})", path_literal(path)?),
        (sql, _) => sql,
    })
}

impl Source {
    fn value(&self, row: &Row<'_>) -> Value {
        match self {
            Self::Id => row.id.into(),
            Self::CreatedBy => row.created_by.into(),
            Self::CreatedAt => row.created_at.into(),
            Self::UpdatedAt => row.updated_at.into(),
            Self::Scalar(steps) => {
                let mut value = Value::Null;
                walk(row.doc, steps, &mut |item| {
                    value = match item {
                        Item::Bool(flag) => flag.into(),
                        Item::Num(number) => number.into(),
                        Item::Str(text) => text.into_owned().into(),
                        _ => Value::Null,
                    };
                    true
                });
                value
            }
            Self::Key(steps) => path_key(row.doc, steps, Keys::AsStored).map_or(Value::Null, |key| hex::encode(key).into()),
        }
    }

    /// The value as SQL compares it.
    fn bound(&self, value: &Value) -> SqlValue {
        match (self, value) {
            (Self::Key(_), Value::String(key)) => hex::decode(key).map_or(SqlValue::Null, SqlValue::Blob),
            (_, Value::String(text)) => SqlValue::Text(text.clone()),
            (_, Value::Number(number)) => number_value(num(number)),
            (_, Value::Bool(flag)) => SqlValue::Integer(i64::from(*flag)),
            _ => SqlValue::Null,
        }
    }

    fn never_null(&self) -> bool {
        !matches!(self, Self::Scalar(_) | Self::Key(_))
    }
}

/// Appends the condition that a record comes after the position: the first key is beyond it, or equal and the second
/// is beyond it, and so on. Null comes before everything.
fn continuation(sql: &mut Sql, terms: &[Term], position: &Position) {
    let id = Value::from(position.id.as_str());
    let mut equal = String::new();
    let mut cases = Vec::new();
    let mut range = None;
    for (at, term) in terms.iter().enumerate() {
        let value = if matches!(term.source, Source::Id) { &id } else { position.values.get(term.key).unwrap_or(&Value::Null) };
        let bound = match term.source.bound(value) {
            SqlValue::Null => None,
            value => Some(sql.param(value)),
        };
        let column = &term.sql;
        let beyond = match (&bound, term.descending) {
            (None, true) => None,
            (None, false) => Some(format!("{column} IS NOT NULL")),
            (Some(value), false) => Some(format!("{column} > {value}")),
            (Some(value), true) if term.source.never_null() => Some(format!("{column} < {value}")),
            (Some(value), true) => Some(format!("({column} < {value} OR {column} IS NULL)")),
        };
        cases.extend(beyond.map(|beyond| format!("({equal}{beyond})")));
        if at == 0
            && terms.len() > 1
            && let Some(value) = &bound
        {
            // Follows from the cases, but an index can start from it.
            range = match term.descending {
                false => Some(format!("{column} >= {value} AND ")),
                true if term.source.never_null() => Some(format!("{column} <= {value} AND ")),
                true => None,
            };
        }
        equal += &bound.map_or_else(|| format!("{column} IS NULL AND "), |value| format!("{column} = {value} AND "));
    }
    sql.push(&range.unwrap_or_default());
    sql.push(&if cases.is_empty() { "0".to_owned() } else { format!("({})", cases.join(" OR ")) });
}
