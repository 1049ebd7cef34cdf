//! Which tables a table refers to, and which refer to it.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::field::Field;
use super::table::Table;

/// A field that holds ids of another table's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Relation {
    /// The table the field belongs to.
    pub from: String,
    /// Nested with dots.
    pub field: String,
    /// The table it refers to.
    pub to: String,
    /// It is an array of ids.
    pub many: bool,
    /// Whether there is a table `to` now.
    pub exists: bool,
}

/// Reference fields both ways.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Relations {
    pub references: Vec<Relation>,
    pub referenced_by: Vec<Relation>,
}

impl Relations {
    /// Of one table among all of its environment.
    pub fn of(table: &Table, all: &[Arc<Table>]) -> Self {
        let exists = |name: &str| all.iter().any(|t| t.name == name);
        let others = all.iter().flat_map(|other| outgoing(other, &exists));
        Self { references: outgoing(table, &exists), referenced_by: others.filter(|relation| relation.to == table.name).collect() }
    }
}

fn outgoing(table: &Table, exists: &dyn Fn(&str) -> bool) -> Vec<Relation> {
    let mut out = Vec::new();
    collect(&table.name, "", &table.schema.fields, exists, &mut out);
    out
}

fn collect(table: &str, prefix: &str, fields: &IndexMap<String, Field>, exists: &dyn Fn(&str) -> bool, out: &mut Vec<Relation>) {
    for (name, field) in fields {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let items = field.items.as_ref();
        let single = field.reference.as_deref().map(|to| (to, false));
        let several = items.and_then(|items| items.reference.as_deref()).map(|to| (to, true));
        if let Some((to, many)) = single.or(several).filter(|(to, _)| !to.is_empty()) {
            out.push(Relation { from: table.to_owned(), field: path.clone(), to: to.to_owned(), many, exists: exists(to) });
        }
        collect(table, &path, &field.properties, exists, out);
    }
}
