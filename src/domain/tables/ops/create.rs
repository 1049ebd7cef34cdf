//! Making a table.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::versions::{self, Version};
use super::{MAX_TABLES, audit, make_index};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::id::new_id;
use crate::domain::tables::index_def::{IndexDef, system_indexes, with_mirrors};
use crate::domain::tables::name::TableName;
use crate::domain::tables::permissions::Permissions;
use crate::domain::tables::schema::{Mode, Schema};
use crate::domain::tables::table::{Table, next_definition};
use crate::domain::time;
use crate::store::data::{TableRow, VersionKind};
use crate::store::query::ast::Shape;
use crate::store::{Reader, Tx};

/// Characters of a display name and of a description (`02-data.md` §1).
const MAX_DISPLAY_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 1000;

/// A table to be made, read and checked.
#[derive(Debug, Clone)]
pub struct NewTable {
    name: TableName,
    display_name: Option<String>,
    description: Option<String>,
    schema: Schema,
    additional_fields: bool,
    indexes: Vec<IndexDef>,
    permissions: Permissions,
    pub warnings: Vec<String>,
}

impl NewTable {
    /// Reads `tableName, schema, displayName?, description?, indexes?, permissions?, additionalFields?` and the other
    /// parts of a permission set.
    ///
    /// # Errors
    /// `table/schema-validation-failed`, `data/system-table-access`, `data/validation-error` for permissions.
    pub fn parse(body: &Value, lenient: bool) -> Result<Self> {
        let name = body.get("tableName").or_else(|| body.get("name")).and_then(Value::as_str);
        let name = name.ok_or_else(|| invalid("tableName", "required", "tableName is required"))?;
        let name = TableName::parse(name)?;
        if name.is_system() {
            return Err(Error::new(Code::SYSTEM_TABLE_ACCESS, format!("{} is the name of a system table; choose another", name.as_str())));
        }
        let mode = if lenient { Mode::CREATE.lenient() } else { Mode::CREATE };
        let parsed = Schema::parse(body.get("schema").or_else(|| body.get("fields")).unwrap_or(&Value::Null), mode)?;
        let additional_fields = match body.get("additionalFields") {
            None | Some(Value::Null) => parsed.additional_fields.unwrap_or(true),
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(invalid("additionalFields", "type", "additionalFields must be true or false")),
        };
        let mut indexes = system_indexes();
        let mut warnings = parsed.warnings;
        match body.get("indexes") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for (i, index) in list.iter().enumerate() {
                    let index = IndexDef::read(index, &format!("indexes.{i}"), &mut warnings, lenient)?;
                    if indexes.iter().any(|i| i.name == index.name) {
                        return Err(Error::new(Code::INDEX_CONFLICT, format!("Two indexes are named {}", index.name)));
                    }
                    indexes.push(index);
                }
            }
            Some(_) => return Err(invalid("indexes", "type", "indexes must be an array of { name?, fields, unique?, sparse? }")),
        }
        Ok(Self {
            display_name: text(body, "displayName", MAX_DISPLAY_NAME)?,
            description: text(body, "description", MAX_DESCRIPTION)?,
            indexes: with_mirrors(&indexes, &parsed.schema)?,
            schema: parsed.schema,
            additional_fields,
            permissions: Permissions::parse(body)?,
            warnings,
            name,
        })
    }
}

/// An optional text of at most `max` characters.
pub(super) fn text(body: &Value, key: &str, max: usize) -> Result<Option<String>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= max => Ok(Some(text.clone())),
        Some(Value::String(_)) => Err(Error::invalid_parameter(key, format!("{key} is at most {max} characters"))),
        Some(_) => Err(Error::invalid_parameter(key, format!("{key} must be a text"))),
    }
}

fn invalid(field: &str, rule: &str, message: &str) -> Error {
    Error::with_details(Code::SCHEMA_VALIDATION_FAILED, vec![Detail::new(field, rule, message)])
}

impl Environment {
    /// Makes a table; its routes work as soon as this answers.
    ///
    /// # Errors
    /// 409 `table/already-exists`, 400 rule `limit` beyond 500 tables.
    pub async fn create_table(self: &Arc<Self>, actor: &Tenant, new: NewTable) -> Result<Arc<Table>> {
        let (environment, actor) = (Arc::clone(self), actor.clone());
        self.data().write_alone::<_, Error, _>(move |tx| environment.create_table_in(tx, &actor, new)).await
    }

    /// As [`Environment::create_table`], inside a transaction.
    pub(in crate::domain) fn create_table_in(self: &Arc<Self>, tx: &mut Tx<'_>, actor: &Tenant, new: NewTable) -> Result<Arc<Table>> {
        let name = new.name.as_str();
        if self.table(name).is_some() {
            return Err(Error::new(Code::TABLE_ALREADY_EXISTS, format!("A table named {name} exists already; choose another name or change that table")));
        }
        if self.all_tables().iter().filter(|t| !t.system).count() >= MAX_TABLES {
            return Err(invalid("tableName", "limit", "an environment holds at most 500 tables"));
        }
        let now = time::now();
        let mut table = Table {
            id: new_id(),
            name: name.to_owned(),
            display_name: new.display_name,
            description: new.description,
            schema: new.schema,
            additional_fields: new.additional_fields,
            indexes: new.indexes,
            permissions: new.permissions,
            schema_version: 1,
            index_version: 1,
            created_at: now,
            updated_at: now,
            system: false,
            shape: Shape { physical: free_name(&tx.reader(), name)?, ..Shape::default() },
            generation: Arc::default(),
            totals: Arc::default(),
            definition_number: next_definition(),
        };
        table.derive_shape();
        tx.create_physical_table(&table.shape.physical, table.shape.columns.iter().map(|(field, column)| (column.name.as_str(), field.as_str())))?;
        table.indexes.iter().try_for_each(|index| make_index(tx, &table, index))?;
        tx.insert_table(&TableRow {
            id: table.id.clone(),
            name: table.name.clone(),
            physical: table.shape.physical.clone(),
            definition: table.definition(),
            created_at: now,
            updated_at: now,
        })?;
        let fields: Vec<&String> = table.schema.fields.keys().collect();
        let first = Version { summary: "Table created".to_owned(), changes: json!({ "added": fields, "updated": [], "removed": [] }) };
        versions::note(tx, actor, &table, VersionKind::Schema, &first)?;
        let names: Vec<&String> = table.indexes.iter().map(|i| &i.name).collect();
        let first = Version { summary: "Table created".to_owned(), changes: json!({ "added": names, "updated": [], "removed": [] }) };
        versions::note(tx, actor, &table, VersionKind::Indexes, &first)?;
        audit(self, tx, actor, &table, "created", Map::new())?;
        let table = Arc::new(table);
        self.replace_table(tx, &table.name, Some(Arc::clone(&table)));
        Ok(table)
    }
}

/// The name SQLite's table gets: the same, unless it is taken in another case or reserved.
pub(super) fn free_name(reader: &Reader<'_>, name: &str) -> Result<String> {
    let reserved = name.to_ascii_lowercase().starts_with("sqlite_") || name.to_ascii_lowercase().starts_with("refinery_");
    if !reserved && !reader.has_physical_table(name)? {
        return Ok(name.to_owned());
    }
    for n in 2.. {
        let candidate = format!("t_{name}__{n}");
        if !reader.has_physical_table(&candidate)? {
            return Ok(candidate);
        }
    }
    Err(Error::internal("no free table name"))
}
