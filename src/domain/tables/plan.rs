//! What a change of schemas would do, before anybody does it (`06-console.md` B2, `Plan`).

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::field::Field;
use super::schema::Schema;
use crate::domain::error::Detail;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Add,
    Change,
    Remove,
    Rename,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    pub table: String,
    /// `fields.<name>`, `indexes.<name>`, `permissions`, `description` …; empty for the table itself.
    pub path: String,
    pub action: Action,
    #[schema(value_type = Option<Object>)]
    pub from: Value,
    #[schema(value_type = Option<Object>)]
    pub to: Value,
    /// It removes stored values.
    pub destructive: bool,
    /// Records whose values it touches.
    pub affected_rows: u64,
}

/// Something that stands in the way, or will be wrong afterwards.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    pub code: String,
    pub message: String,
    pub samples: Vec<Detail>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Plan {
    /// Stands for these changes of this state.
    pub hash: String,
    pub changes: Vec<PlannedChange>,
    pub problems: Vec<Problem>,
    pub destructive: bool,
}

impl Plan {
    /// A plan whose hash stands for its changes and for `state`, which names what they start from.
    pub fn new(changes: Vec<PlannedChange>, problems: Vec<Problem>, state: &str) -> Self {
        let text = json!({ "changes": changes, "state": state }).to_string();
        let hash = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        Self { hash, destructive: changes.iter().any(|c| c.destructive), changes, problems }
    }
}

impl PlannedChange {
    pub fn new(table: &str, path: impl Into<String>, action: Action, from: Value, to: Value) -> Self {
        Self { table: table.to_owned(), path: path.into(), action, from, to, destructive: false, affected_rows: 0 }
    }
}

/// The differences of fields; `renames` are old and new names.
pub fn field_changes(table: &str, old: &Schema, new: &Schema, renames: &[(String, String)]) -> Vec<PlannedChange> {
    let path = |name: &str| format!("fields.{name}");
    let mut changes: Vec<PlannedChange> =
        renames.iter().map(|(from, to)| PlannedChange::new(table, path(from), Action::Rename, from.as_str().into(), to.as_str().into())).collect();
    let before = old.renamed(renames);
    for (name, field) in &new.fields {
        match before.fields.get(name) {
            None => changes.push(PlannedChange::new(table, path(name), Action::Add, Value::Null, whole(field))),
            Some(was) if was != field => changes.push(PlannedChange::new(table, path(name), Action::Change, whole(was), whole(field))),
            Some(_) => {}
        }
    }
    for (name, was) in before.fields.iter().filter(|(name, _)| !new.fields.contains_key(*name)) {
        changes.push(PlannedChange::new(table, path(name), Action::Remove, whole(was), Value::Null));
    }
    changes
}

/// A definition with `required`, which schemas keep beside their fields.
fn whole(field: &Field) -> Value {
    let mut value = field.to_value();
    value["required"] = field.required.into();
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::tables::schema::Mode;

    #[test]
    fn differences_are_added_changed_removed_and_renamed_fields() {
        let schema = |value: Value| Schema::parse(&value, Mode::CREATE).unwrap().schema;
        let old = schema(json!({ "state": "string", "n": "int", "gone": "bool", "same": "date" }));
        let new = schema(json!({ "status": "string", "n": { "type": "int", "required": true }, "more": "string", "same": "date" }));
        let changes = field_changes("posts", &old, &new, &[("state".to_owned(), "status".to_owned())]);
        let shown: Vec<(&str, Action)> = changes.iter().map(|c| (c.path.as_str(), c.action)).collect();
        let expected = [("fields.state", Action::Rename), ("fields.n", Action::Change), ("fields.more", Action::Add), ("fields.gone", Action::Remove)];
        assert_eq!(shown, expected);
        let plan = Plan::new(changes.clone(), Vec::new(), "a");
        assert_eq!(plan.hash, Plan::new(changes.clone(), Vec::new(), "a").hash);
        assert_ne!(plan.hash, Plan::new(changes, Vec::new(), "b").hash);
        assert!(!plan.destructive);
    }
}
