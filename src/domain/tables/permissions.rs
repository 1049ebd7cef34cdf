//! The permission set of a table: matrix, expressions, columns, rows (`02-data.md` §8).

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::expression::Expression;
use crate::domain::caller::{Caller, Group};
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::keys::scopes::Operation;

/// Who asks, as far as permissions care (§8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'s> {
    pub group: Group,
    pub role: Option<&'s str>,
    pub own_id: Option<&'s str>,
}

impl<'s> Subject<'s> {
    pub fn of(caller: &'s Caller) -> Self {
        Self { group: caller.group(), role: caller.role(), own_id: caller.own_id() }
    }
}

/// Rows of the matrix: group to operation to grant, as sent.
pub type Matrix = IndexMap<String, IndexMap<String, bool>>;

/// Who may read and write one column; absent: as the table says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    pub read: Option<Expression>,
    pub write: Option<Expression>,
}

/// Rows a group of callers sees.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFilter {
    pub expression: Expression,
    /// An object, or an array of objects that must all hold.
    pub filter: Value,
}

/// Which operations row filters bind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowFilterScope {
    /// List, query, count, aggregate, export and changes.
    #[default]
    List,
    /// Read, update and delete too.
    All,
}

/// Everything that decides who may do what with a table. The default is what holds while nothing is stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Permissions {
    pub matrix: Option<Matrix>,
    /// When stored, the matrix is not consulted.
    pub expressions: Option<IndexMap<String, Expression>>,
    pub columns: Option<IndexMap<String, Column>>,
    pub row_filters: Option<Vec<RowFilter>>,
    pub row_filter_scope: RowFilterScope,
}

impl Permissions {
    /// Reads a whole set: `permissions`, `expressionPermissions`, `columnPermissions`, `rowFilters`, `rowFilterScope`.
    /// What is absent or null is not stored; other members are ignored.
    ///
    /// # Errors
    /// `data/validation-error`; a syntax error of an expression carries its `position`.
    pub fn parse(body: &Value) -> Result<Self> {
        Self::default().replaced(body)
    }

    /// A set that stores a matrix only.
    ///
    /// # Errors
    /// `data/validation-error`.
    pub fn from_matrix(matrix: &Value) -> Result<Self> {
        Self::parse(&json!({ "permissions": matrix }))
    }

    /// The set with those parts replaced that the body names.
    ///
    /// # Errors
    /// As [`Permissions::parse`].
    pub fn replaced(&self, body: &Value) -> Result<Self> {
        let mut reader = super::permissions_parse::Reader::default();
        let mut out = self.clone();
        match body {
            Value::Object(map) => reader.set(map, &mut out),
            other => reader.fail("permissions", "type", format!("a permission set is an object, not {}", super::value::describe(other))),
        }
        if reader.details.is_empty() { Ok(out) } else { Err(Error::with_details(Code::VALIDATION_ERROR, reader.details)) }
    }

    /// The whole set as it was sent; null for what is not stored.
    pub fn to_value(&self) -> Value {
        let expressions = self.expressions.as_ref().map(|map| map.iter().map(|(k, e)| (k.clone(), e.as_str().into())).collect::<Map<_, Value>>());
        let columns = self.columns.as_ref().map(|map| map.iter().map(|(name, column)| (name.clone(), column.to_value())).collect::<Map<_, _>>());
        let rows =
            self.row_filters.as_ref().map(|list| list.iter().map(|f| json!({ "expression": f.expression.as_str(), "filter": f.filter })).collect::<Vec<_>>());
        json!({
            "permissions": self.matrix,
            "expressionPermissions": expressions,
            "columnPermissions": columns,
            "rowFilters": rows,
            "rowFilterScope": match self.row_filter_scope { RowFilterScope::List => "list", RowFilterScope::All => "all" },
        })
    }

    /// Nothing is stored at all.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Column permissions and row filters follow the fields they name.
    pub fn rename_field(&mut self, old: &str, new: &str) {
        if let Some(columns) = &mut self.columns {
            *columns = std::mem::take(columns).into_iter().map(|(name, c)| (if name == old { new.to_owned() } else { name }, c)).collect();
        }
        for row in self.row_filters.iter_mut().flatten() {
            rename_in_filter(&mut row.filter, old, new);
        }
    }

    /// Column permissions of a removed field go with it.
    pub fn forget_field(&mut self, name: &str) {
        if let Some(columns) = &mut self.columns {
            columns.shift_remove(name);
        }
    }

    /// `data/permission-denied`, naming group, operation and table.
    pub fn refusal(operation: Operation, subject: &Subject<'_>, table: &str) -> Error {
        let who = match subject.group {
            Group::Admin => "admin".to_owned(),
            Group::User => subject.role.filter(|r| *r != "user").map_or_else(|| "user".to_owned(), |r| format!("user (role {})", clip(r))),
            Group::Guest => "guest".to_owned(),
        };
        Error::new(
            Code::PERMISSION_DENIED,
            format!("The permissions of table {} do not let {who} {operation} here; change them or call as somebody who may", clip(table)),
        )
    }
}

impl Column {
    fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, expression) in [("read", &self.read), ("write", &self.write)] {
            if let Some(expression) = expression {
                out.insert(key.to_owned(), expression.as_str().into());
            }
        }
        Value::Object(out)
    }
}

fn rename_in_filter(filter: &mut Value, old: &str, new: &str) {
    match filter {
        Value::Array(list) => list.iter_mut().for_each(|f| rename_in_filter(f, old, new)),
        Value::Object(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(key, mut value)| {
                    if key.starts_with('$') {
                        rename_in_filter(&mut value, old, new);
                        return (key, value);
                    }
                    match key.strip_prefix(old) {
                        Some(rest) if rest.is_empty() || rest.starts_with('.') => (format!("{new}{rest}"), value),
                        _ => (key, value),
                    }
                })
                .collect();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
