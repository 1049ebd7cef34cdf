//! Reads a permission set; every fault is told with its place.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::check::{MAX_DETAILS, bad_key};
use super::expression::{Expression, is_role_name};
use super::name::is_system_field;
use super::permissions::{Column, Matrix, Permissions, RowFilter, RowFilterScope};
use super::value::describe;
use crate::domain::error::{Detail, clip};
use crate::domain::keys::scopes::Operation;
use crate::domain::records::query::{Undeclared, filter_from_json};

/// Row filters of one table.
const MAX_ROW_FILTERS: usize = 50;

#[derive(Default)]
pub(super) struct Reader {
    pub details: Vec<Detail>,
}

impl Reader {
    pub(super) fn fail(&mut self, field: &str, rule: &str, message: String) {
        if self.details.len() < MAX_DETAILS {
            self.details.push(Detail::new(field, rule, message));
        }
    }

    pub(super) fn set(&mut self, body: &Map<String, Value>, out: &mut Permissions) {
        if let Some(value) = body.get("permissions") {
            out.matrix = self.part("permissions", value, Self::matrix);
        }
        if let Some(value) = body.get("expressionPermissions") {
            out.expressions = self.part("expressionPermissions", value, Self::expressions);
        }
        if let Some(value) = body.get("columnPermissions") {
            out.columns = self.part("columnPermissions", value, Self::columns);
        }
        match body.get("rowFilters") {
            None => {}
            Some(Value::Null) => out.row_filters = None,
            Some(Value::Array(list)) if list.len() <= MAX_ROW_FILTERS => {
                out.row_filters = Some(list.iter().enumerate().filter_map(|(i, row)| self.row(&format!("rowFilters.{i}"), row)).collect());
            }
            Some(Value::Array(list)) => self.fail("rowFilters", "limit", format!("rowFilters has {} entries; a table may have {MAX_ROW_FILTERS}", list.len())),
            Some(other) => self.fail("rowFilters", "type", format!("rowFilters must be a list of {{ expression, filter }}, not {}", describe(other))),
        }
        match body.get("rowFilterScope").map(|v| (v, v.as_str())) {
            None => {}
            Some((Value::Null, _) | (_, Some("list"))) => out.row_filter_scope = RowFilterScope::List,
            Some((_, Some("all"))) => out.row_filter_scope = RowFilterScope::All,
            Some(_) => self.fail("rowFilterScope", "enum", "rowFilterScope must be \"list\" or \"all\"".to_owned()),
        }
    }

    /// A part that is an object, or null for "not stored".
    fn part<T>(&mut self, name: &str, value: &Value, read: fn(&mut Self, &Map<String, Value>) -> T) -> Option<T> {
        match value {
            Value::Null => None,
            Value::Object(map) => Some(read(self, map)),
            other => {
                self.fail(name, "type", format!("{name} must be an object or null, not {}", describe(other)));
                None
            }
        }
    }

    fn matrix(&mut self, map: &Map<String, Value>) -> Matrix {
        let mut out = Matrix::new();
        for (group, row) in map {
            let here = format!("permissions.{}", clip(group));
            if !matches!(group.as_str(), "admin" | "user" | "guest" | "self") && !group.strip_prefix("role:").is_some_and(is_role_name) {
                self.fail(&here, "key", format!("{here} is no group; groups are admin, user, guest, self and role:<name>"));
                continue;
            }
            let Some(row) = row.as_object() else {
                self.fail(&here, "type", format!("{here} must be an object of operations, not {}", describe(row)));
                continue;
            };
            let mut grants = IndexMap::new();
            for (operation, grant) in row {
                let here = format!("{here}.{}", clip(operation));
                match (Operation::parse(operation), grant.as_bool()) {
                    (None, _) => self.fail(&here, "key", format!("{here} is no operation; operations are create, read, list, update and delete")),
                    (_, None) => self.fail(&here, "type", format!("{here} must be true or false, not {}", describe(grant))),
                    (_, Some(grant)) => drop(grants.insert(operation.clone(), grant)),
                }
            }
            out.insert(group.clone(), grants);
        }
        out
    }

    fn expressions(&mut self, map: &Map<String, Value>) -> IndexMap<String, Expression> {
        let mut out = IndexMap::new();
        for (operation, text) in map {
            let here = format!("expressionPermissions.{}", clip(operation));
            if Operation::parse(operation).is_none() {
                self.fail(&here, "key", format!("{here} is no operation; operations are create, read, list, update and delete"));
            } else if let Some(expression) = self.expression(&here, text) {
                out.insert(operation.clone(), expression);
            }
        }
        out
    }

    fn expression(&mut self, here: &str, text: &Value) -> Option<Expression> {
        let Some(text) = text.as_str() else {
            self.fail(here, "type", format!("{here} must be an expression such as \"user & self\", not {}", describe(text)));
            return None;
        };
        match Expression::parse(text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let message = format!("{here} cannot be read at position {}: {}", error.position, error.message);
                let detail = Detail { position: Some(error.position), ..Detail::new(here, "syntax", message) };
                self.details.push(detail);
                None
            }
        }
    }

    fn columns(&mut self, map: &Map<String, Value>) -> IndexMap<String, Column> {
        let mut out = IndexMap::new();
        for (name, entry) in map {
            let here = format!("columnPermissions.{}", clip(name));
            if is_system_field(name) {
                self.fail(&here, "key", format!("{here}: system fields are always readable and never writable"));
                continue;
            }
            if let Some((rule, message)) = bad_key(name) {
                self.fail(&here, rule, message);
                continue;
            }
            let Some(entry) = entry.as_object() else {
                self.fail(&here, "type", format!("{here} must be {{ read, write }}, not {}", describe(entry)));
                continue;
            };
            let mut column = Column::default();
            for (side, text) in entry {
                let here = format!("{here}.{}", clip(side));
                match side.as_str() {
                    "read" | "write" if text.is_null() => {}
                    "read" => column.read = self.expression(&here, text),
                    "write" => column.write = self.expression(&here, text),
                    _ => self.fail(&here, "key", format!("{here} has no meaning; use read and write")),
                }
            }
            out.insert(name.clone(), column);
        }
        out
    }

    fn row(&mut self, here: &str, row: &Value) -> Option<RowFilter> {
        let Some(map) = row.as_object() else {
            self.fail(here, "type", format!("{here} must be {{ expression, filter }}, not {}", describe(row)));
            return None;
        };
        if let Some(key) = map.keys().find(|k| !matches!(k.as_str(), "expression" | "filter")) {
            self.fail(&format!("{here}.{}", clip(key)), "key", format!("{here}.{} has no meaning; use expression and filter", clip(key)));
        }
        let expression = self.expression(&format!("{here}.expression"), map.get("expression").unwrap_or(&Value::Null));
        let filter = map.get("filter").cloned().unwrap_or_default();
        if !filter.is_object() && !filter.is_array() {
            self.fail(
                &format!("{here}.filter"),
                "type",
                format!("{here}.filter must be a filter such as {{ \"status\": \"live\" }}, not {}", describe(&filter)),
            );
            return None;
        }
        if let Err(error) = filter_from_json(&format!("{here}.filter"), &filter, &Undeclared) {
            self.details.extend(error.detail_list().iter().cloned());
        }
        Some(RowFilter { expression: expression?, filter })
    }
}
