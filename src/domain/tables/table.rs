//! A table as operations use it: its definition, and what is derived from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::index_def::IndexDef;
use super::permissions::Permissions;
use super::schema::Schema;
use crate::domain::error::{Error, Result};
use crate::store::data::TableRow;
use crate::store::query::ast::{Column, Kind, Path, Shape};

/// One table. Never changed in place: a change makes a new one.
#[derive(Debug, Clone)]
pub struct Table {
    pub id: String,
    pub name: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub schema: Schema,
    pub additional_fields: bool,
    pub indexes: Vec<IndexDef>,
    pub permissions: Permissions,
    pub schema_version: u32,
    pub index_version: u32,
    pub created_at: i64,
    pub updated_at: i64,
    /// A view of the server's own data; read-only, for admins.
    pub system: bool,
    pub shape: Shape,
    /// Moves around every commit that changes records; what is cached under one value holds until it moves.
    pub generation: Arc<AtomicU64>,
    /// What is cached of this table's data.
    pub totals: Arc<super::totals::Totals>,
    /// Another one for every definition, for keys of caches.
    pub definition_number: u64,
}

static DEFINITIONS: AtomicU64 = AtomicU64::new(1);

/// The number of a new definition.
pub(in crate::domain) fn next_definition() -> u64 {
    DEFINITIONS.fetch_add(1, Ordering::Relaxed)
}

impl Table {
    /// Reads a stored table.
    pub fn from_row(row: &TableRow) -> Result<Self> {
        let stored: Map<String, Value> = serde_json::from_str(&row.definition).map_err(Error::internal)?;
        let get = |key: &str| stored.get(key).cloned().unwrap_or(Value::Null);
        let text = |key: &str| stored.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| stored.get(key).and_then(Value::as_u64).unwrap_or(1) as u32;
        let indexes = get("indexes").as_array().map_or(Ok(Vec::new()), |list| list.iter().map(IndexDef::from_stored).collect())?;
        let columns: IndexMap<String, String> = serde_json::from_value(get("columns")).map_err(Error::internal)?;
        let mut table = Self {
            id: row.id.clone(),
            name: row.name.clone(),
            display_name: text("displayName"),
            description: text("description"),
            schema: Schema::from_stored(&get("schema"))?,
            additional_fields: stored.get("additionalFields").and_then(Value::as_bool).unwrap_or(true),
            indexes,
            permissions: Permissions::parse(&stored.get("permissions").cloned().unwrap_or_else(|| json!({})))?,
            schema_version: number("schemaVersion"),
            index_version: number("indexVersion"),
            created_at: row.created_at,
            updated_at: row.updated_at,
            system: false,
            shape: Shape { physical: row.physical.clone(), ..Shape::default() },
            generation: Arc::default(),
            totals: Arc::default(),
            definition_number: next_definition(),
        };
        table.shape.columns = columns.into_iter().map(|(field, name)| (field, Column { name, kind: Kind::Any })).collect();
        table.derive_shape();
        Ok(table)
    }

    /// A read-only view of the server's own data.
    pub fn system_view(name: &str) -> Self {
        Self {
            id: format!("_{name}"),
            name: name.to_owned(),
            display_name: None,
            description: None,
            schema: Schema::default(),
            additional_fields: true,
            indexes: Vec::new(),
            permissions: Permissions::default(),
            schema_version: 1,
            index_version: 1,
            created_at: 0,
            updated_at: 0,
            system: true,
            shape: Shape { physical: format!("_view_{name}"), ..Shape::default() },
            generation: Arc::default(),
            totals: Arc::default(),
            definition_number: next_definition(),
        }
    }

    /// The definition as it is stored.
    pub fn definition(&self) -> String {
        let columns: Map<String, Value> = self.shape.columns.iter().map(|(field, column)| (field.clone(), column.name.clone().into())).collect();
        json!({
            "displayName": self.display_name,
            "description": self.description,
            "schema": self.schema.to_value(),
            "additionalFields": self.additional_fields,
            "indexes": self.indexes.iter().map(IndexDef::to_value).collect::<Vec<_>>(),
            "permissions": self.permissions.to_value(),
            "schemaVersion": self.schema_version,
            "indexVersion": self.index_version,
            "columns": columns,
        })
        .to_string()
    }

    /// Brings the shape in line with the schema: kinds, order, nested scalars; new fields get a column name of their own.
    pub fn derive_shape(&mut self) {
        let known: HashMap<String, String> = self.shape.columns.iter().map(|(field, column)| (field.clone(), column.name.clone())).collect();
        let mut columns: IndexMap<String, Column> = IndexMap::new();
        let mut taken: Vec<String> = known.values().map(|name| name.to_ascii_lowercase()).collect();
        for (field, kind) in self.schema.columns() {
            let name = known.get(field).cloned().unwrap_or_else(|| free_column(field, &taken));
            taken.push(name.to_ascii_lowercase());
            columns.insert(field.to_owned(), Column { name, kind });
        }
        self.shape.columns = columns;
        self.shape.nested = self.schema.nested_scalars();
        self.shape.closed = !self.additional_fields;
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether answers may hold a top-level field that is not declared.
    pub fn shows(&self, field: &str) -> bool {
        self.additional_fields || self.schema.fields.contains_key(field)
    }

    /// The target table of a reference field; `None` when it is none, or names none.
    pub fn reference_target(&self, path: &Path) -> Option<&str> {
        let field = self.schema.field_at(&path.0)?;
        let target = field.reference.as_deref().or_else(|| field.items.as_ref().and_then(|i| i.reference.as_deref()));
        target.filter(|t| !t.is_empty())
    }
}

/// Names SQLite's table has already, or could not tell from a field in another case.
const RESERVED: [&str; 9] = ["seq", "id", "created_by", "created_at", "updated_at", "doc", "rowid", "oid", "_rowid_"];

fn free_column(field: &str, taken: &[String]) -> String {
    let lower = field.to_ascii_lowercase();
    let is_free = |name: &str| !RESERVED.contains(&name) && !taken.iter().any(|t| t == name);
    if is_free(&lower) {
        return field.to_owned();
    }
    (2..).map(|n| format!("{field}__{n}")).find(|name| is_free(&name.to_ascii_lowercase())).unwrap_or_else(|| field.to_owned())
}
