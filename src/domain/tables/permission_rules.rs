//! What a permission set lets a caller do (`02-data.md` §8.2–§8.4).

use serde_json::{Map, Value, json};

use super::expression::{Expression, Reach};
use super::name::is_system_field;
use super::permissions::{Matrix, Permissions, Subject};
use crate::domain::caller::Group;
use crate::domain::keys::scopes::Operation;

/// Whether an operation may be done, and on which records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// On records whose `createdBy` is the caller's own id; never for a create.
    OwnOnly,
    Denied,
}

/// What has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Admins pass every check.
    Admin,
    /// The row of the caller's group.
    Group,
    /// A `role:` row.
    Role,
    /// The row `self`.
    OwnRecord,
    /// An expression.
    Expression,
    /// Nothing grants it.
    Nothing,
}

impl Permissions {
    /// Whether a caller may do an operation.
    pub fn decide(&self, operation: Operation, subject: &Subject<'_>) -> Decision {
        self.ruling(operation, subject).0
    }

    /// As [`Permissions::decide`], with what has decided.
    pub fn ruling(&self, operation: Operation, subject: &Subject<'_>) -> (Decision, Rule) {
        if subject.group == Group::Admin {
            return (Decision::Allowed, Rule::Admin);
        }
        if self.expressions.is_some() {
            return match self.expression_for(operation).map_or(Reach::Never, |e| on_operation(e, operation, subject)) {
                Reach::Always => (Decision::Allowed, Rule::Expression),
                Reach::Own => (Decision::OwnOnly, Rule::Expression),
                Reach::Never => (Decision::Denied, Rule::Expression),
            };
        }
        let group = if subject.group == Group::User { "user" } else { "guest" };
        let grants = |row: &str| self.grants(row, operation);
        if grants(group) {
            return (Decision::Allowed, Rule::Group);
        }
        if let (Some(matrix), Some(role)) = (&self.matrix, subject.role)
            && matrix.iter().any(|(row, _)| row.strip_prefix("role:") == Some(role) && grants(row))
        {
            return (Decision::Allowed, Rule::Role);
        }
        if operation != Operation::Create && subject.own_id.is_some() && grants("self") {
            return (Decision::OwnOnly, Rule::OwnRecord);
        }
        (Decision::Denied, Rule::Nothing)
    }

    /// What a row of the matrix in force says; without a stored one the defaults hold.
    fn grants(&self, row: &str, operation: Operation) -> bool {
        match &self.matrix {
            Some(matrix) => stored_grant(matrix, row, operation),
            None => default_grant(row, operation),
        }
    }

    /// An unset `list` takes the expression of `read`.
    fn expression_for(&self, operation: Operation) -> Option<&Expression> {
        let map = self.expressions.as_ref()?;
        map.get(operation.name()).or_else(|| if operation == Operation::List { map.get("read") } else { None })
    }

    /// The matrix in force, for `/spec`: defaults and expressions worked out per group.
    pub fn effective_matrix(&self) -> Value {
        let mut rows: Vec<String> = ["guest", "user", "self", "admin"].map(str::to_owned).to_vec();
        match (&self.expressions, &self.matrix) {
            (Some(expressions), _) => {
                for name in expressions.values().flat_map(Expression::roles).filter(|n| !matches!(*n, "admin" | "user" | "guest")) {
                    let row = format!("role:{name}");
                    if !rows.contains(&row) {
                        rows.push(row);
                    }
                }
            }
            (None, Some(matrix)) => rows.extend(matrix.keys().filter(|row| row.starts_with("role:")).cloned()),
            (None, None) => {}
        }
        let row = |name: &String| {
            let operations = Operation::ALL.into_iter().filter(|o| name != "self" || *o != Operation::Create);
            let cells: Map<String, Value> = operations.map(|o| (o.name().to_owned(), self.cell(name, o).into())).collect();
            (name.clone(), Value::Object(cells))
        };
        Value::Object(rows.iter().map(row).collect())
    }

    fn cell(&self, row: &str, operation: Operation) -> bool {
        if row == "admin" {
            return true;
        }
        if self.expressions.is_none() {
            return self.grants(row, operation);
        }
        let subject = match row {
            "guest" => Subject { group: Group::Guest, role: None, own_id: None },
            "user" | "self" => Subject { group: Group::User, role: Some("user"), own_id: Some("") },
            role => Subject { group: Group::User, role: role.strip_prefix("role:"), own_id: Some("") },
        };
        let needed = if row == "self" { Reach::Own } else { Reach::Always };
        self.expression_for(operation).is_some_and(|e| on_operation(e, operation, &subject) >= needed)
    }

    /// In which records a caller may read a field.
    pub fn readable(&self, field: &str, subject: &Subject<'_>) -> Reach {
        if is_system_field(field) {
            return Reach::Always;
        }
        self.column(field, subject, false)
    }

    /// In which records a caller may write a field; a record that is being created will be its own.
    pub fn writable(&self, field: &str, subject: &Subject<'_>) -> Reach {
        self.column(field, subject, true)
    }

    fn column(&self, field: &str, subject: &Subject<'_>, write: bool) -> Reach {
        if subject.group == Group::Admin {
            return Reach::Always;
        }
        let column = self.columns.as_ref().and_then(|c| c.get(field));
        let expression = column.and_then(|c| if write { c.write.as_ref() } else { c.read.as_ref() });
        expression.map_or(Reach::Always, |e| e.reach(subject))
    }

    /// Fields that a caller cannot read in every record: no filter, sort or aggregate of its may name them.
    pub fn hidden_fields(&self, subject: &Subject<'_>) -> Vec<&str> {
        self.columns.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| self.readable(name, subject) != Reach::Always).collect()
    }

    /// The row filters that apply to a caller, one of which must hold; each is an object, or an array of objects that
    /// must all hold. `None`: rows are not filtered. An empty list: nothing is visible.
    pub fn row_filters_for(&self, subject: &Subject<'_>) -> Option<Vec<Value>> {
        let stored = self.row_filters.as_ref().filter(|list| !list.is_empty())?;
        if subject.group == Group::Admin {
            return None;
        }
        let applying = stored.iter().filter_map(|row| {
            let reach = row.expression.reach(subject);
            let mut filter = row.filter.clone();
            match substitute(&mut filter, subject.own_id) {
                true => narrowed(filter, reach, subject),
                false => None,
            }
        });
        Some(applying.collect())
    }
}

/// `self` on a create is any caller with an own id.
fn on_operation(expression: &Expression, operation: Operation, subject: &Subject<'_>) -> Reach {
    match expression.reach(subject) {
        Reach::Own if operation == Operation::Create => Reach::Always,
        reach => reach,
    }
}

fn stored_grant(matrix: &Matrix, row: &str, operation: Operation) -> bool {
    let Some(row) = matrix.get(row) else { return false };
    let inherited = || if operation == Operation::List { row.get("read") } else { None };
    row.get(operation.name()).or_else(inherited).copied().unwrap_or(false)
}

fn default_grant(row: &str, operation: Operation) -> bool {
    match operation {
        Operation::Create => row == "user",
        Operation::Read | Operation::List => matches!(row, "user" | "guest" | "self"),
        Operation::Update | Operation::Delete => row == "self",
    }
}

/// Puts the own id in place of `"$userId"`; `false` when one is asked for and there is none.
fn substitute(value: &mut Value, own_id: Option<&str>) -> bool {
    match value {
        Value::String(text) if text == "$userId" => match own_id {
            Some(id) => {
                *text = id.to_owned();
                true
            }
            None => false,
        },
        Value::Array(list) => list.iter_mut().all(|v| substitute(v, own_id)),
        Value::Object(map) => map.values_mut().all(|v| substitute(v, own_id)),
        _ => true,
    }
}

fn narrowed(filter: Value, reach: Reach, subject: &Subject<'_>) -> Option<Value> {
    match reach {
        Reach::Never => None,
        Reach::Always => Some(filter),
        Reach::Own => {
            let mut list = match filter {
                Value::Array(list) => list,
                one => vec![one],
            };
            list.push(json!({ "createdBy": subject.own_id? }));
            Some(Value::Array(list))
        }
    }
}
