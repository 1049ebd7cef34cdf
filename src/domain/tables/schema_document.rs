//! The schema document of an environment (`08-cli.md` §5): all tables in one text meant for version control. Keys come in a
//! stable order, so that two documents of one state are byte-identical.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::document::{DocumentFields, read_fields, write_fields};
use super::index_def::IndexDef;
use super::name::TableName;
use super::table::Table;
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// The five parts of a permission set.
pub const PERMISSION_PARTS: [&str; 5] = ["permissions", "expressionPermissions", "columnPermissions", "rowFilters", "rowFilterScope"];
const TABLE_KEYS: [&str; 5] = ["displayName", "description", "fields", "indexes", "additionalFields"];

/// One table of a document. What it does not name stays as it is.
#[derive(Debug, Clone)]
pub struct TableDocument {
    pub name: String,
    pub fields: Option<DocumentFields>,
    pub indexes: Option<Vec<IndexDef>>,
    pub additional_fields: Option<bool>,
    /// `displayName` and `description`, as they stand there.
    pub texts: Map<String, Value>,
    /// The parts of the permission set, as they stand there.
    pub permissions: Map<String, Value>,
}

/// The document of these tables; the server's own are left out.
pub fn write(tables: &[Arc<Table>]) -> Value {
    let mut own: Vec<&Arc<Table>> = tables.iter().filter(|t| !t.system).collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let tables: Map<String, Value> = own.into_iter().map(|table| (table.name.clone(), write_table(table))).collect();
    json!({ "version": 1, "tables": tables })
}

fn write_table(table: &Table) -> Value {
    let mut out = Map::new();
    for (key, text) in [("displayName", &table.display_name), ("description", &table.description)] {
        if let Some(text) = text {
            out.insert(key.to_owned(), text.as_str().into());
        }
    }
    out.insert("fields".to_owned(), write_fields(&table.schema));
    let indexes: Vec<Value> = table.indexes.iter().filter(|i| !i.system).map(write_index).collect();
    if !indexes.is_empty() {
        out.insert("indexes".to_owned(), indexes.into());
    }
    let rights = table.permissions.to_value();
    for part in PERMISSION_PARTS.into_iter().filter(|part| !rights[*part].is_null() && rights[*part] != "list") {
        out.insert(part.to_owned(), rights[part].clone());
    }
    if !table.additional_fields {
        out.insert("additionalFields".to_owned(), false.into());
    }
    Value::Object(out)
}

fn write_index(index: &IndexDef) -> Value {
    let mut out = json!({ "name": index.name, "fields": index.fields });
    for (key, flag) in [("unique", index.unique), ("sparse", index.sparse)] {
        if flag {
            out[key] = true.into();
        }
    }
    out
}

/// Reads a document.
///
/// # Errors
/// 400 `schema/invalid` with the path of each fault.
pub fn read(document: &Value) -> Result<Vec<TableDocument>> {
    let known = |key: &&String| matches!(key.as_str(), "version" | "tables" | "$schema");
    if let Some(unknown) = document.as_object().into_iter().flat_map(Map::keys).find(|key| !known(key)) {
        return Err(invalid(unknown, &format!("{} is no part of a document, which has version and tables; remove it", clip(unknown))));
    }
    if document.get("version") != Some(&json!(1)) {
        return Err(invalid("version", "version must be 1"));
    }
    let tables = document.get("tables").and_then(Value::as_object).ok_or_else(|| invalid("tables", "tables must be an object of tables by name"))?;
    tables.iter().map(|(name, body)| read_table(name, body)).collect()
}

fn read_table(name: &str, body: &Value) -> Result<TableDocument> {
    let path = format!("tables.{name}");
    let Some(members) = body.as_object() else { return Err(invalid(&path, &format!("{path} must be an object with fields"))) };
    let known = |key: &&String| TABLE_KEYS.contains(&key.as_str()) || PERMISSION_PARTS.contains(&key.as_str());
    if let Some(unknown) = members.keys().find(|key| !known(key)) {
        return Err(invalid(&format!("{path}.{unknown}"), &format!("{path}.{unknown} is no part of a table; remove it")));
    }
    let at = |part: &str| format!("{path}.{part}");
    let table = TableName::parse(name).map_err(|e| within(&path, e))?;
    if table.is_system() {
        return Err(invalid(&path, &format!("{name} is the name of a system table; choose another")));
    }
    let part = |key: &str| members.get(key).filter(|value| !value.is_null());
    let indexes = match part("indexes") {
        None => None,
        Some(Value::Array(list)) => Some(list.iter().map(IndexDef::parse).collect::<Result<Vec<_>>>().map_err(|e| within(&at("indexes"), e))?),
        Some(_) => return Err(invalid(&at("indexes"), &format!("{} must be an array", at("indexes")))),
    };
    let additional_fields = match part("additionalFields") {
        None => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => return Err(invalid(&at("additionalFields"), &format!("{} must be true or false", at("additionalFields")))),
    };
    let some = |keys: &[&str]| members.iter().filter(|(key, _)| keys.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(TableDocument {
        fields: part("fields").map(read_fields).transpose().map_err(|e| within(&at("fields"), e))?,
        indexes,
        additional_fields,
        texts: some(&TABLE_KEYS[..2]),
        permissions: some(&PERMISSION_PARTS),
        name: name.to_owned(),
    })
}

fn invalid(path: &str, message: &str) -> Error {
    Error::with_details(Code::SCHEMA_INVALID, vec![Detail::new(path, "document", message)])
}

/// A fault of a part, as one of the document.
pub fn within(path: &str, error: Error) -> Error {
    if error.code().status >= 500 {
        return error;
    }
    let mut details = error.detail_list().to_vec();
    if details.is_empty() {
        details.push(Detail::new("", "document", error.message()));
    }
    for detail in &mut details {
        detail.field = if detail.field.is_empty() { path.to_owned() } else { format!("{path}.{}", detail.field) };
    }
    Error::new(Code::SCHEMA_INVALID, format!("{path}: {}", error.message())).details(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_the_path_of_its_fault() {
        let good = json!({ "version": 1, "tables": { "posts": {
            "description": "Articles", "additionalFields": false,
            "fields": { "title": { "type": "string", "required": true }, "status": { "type": "string", "renamedFrom": "state" } },
            "indexes": [{ "name": "by_status", "fields": { "status": 1, "createdAt": -1 } }], "permissions": { "guest": { "read": true } } } } });
        let tables = read(&good).unwrap();
        assert_eq!(tables[0].fields.as_ref().unwrap().renamed_from, [("status".to_owned(), "state".to_owned())]);
        assert_eq!((tables[0].texts.len(), tables[0].permissions.len(), tables[0].additional_fields), (1, 1, Some(false)));
        for (path, bad) in [
            ("version", json!({ "tables": {} })),
            ("table", json!({ "version": 1, "tables": {}, "table": {} })),
            ("tables", json!({ "version": 1, "tables": [] })),
            ("tables.posts", json!({ "version": 1, "tables": { "posts": 1 } })),
            ("tables.posts.colour", json!({ "version": 1, "tables": { "posts": { "colour": 1 } } })),
            ("tables.users", json!({ "version": 1, "tables": { "users": {} } })),
            ("tables.posts.indexes", json!({ "version": 1, "tables": { "posts": { "indexes": {} } } })),
            ("tables.posts.additionalFields", json!({ "version": 1, "tables": { "posts": { "additionalFields": 1 } } })),
        ] {
            let error = read(&bad).unwrap_err();
            assert_eq!((error.code(), error.detail_list()[0].field.as_str()), (Code::SCHEMA_INVALID, path));
        }
        let field = read(&json!({ "version": 1, "tables": { "a": { "fields": { "x": { "type": "fish" } } } } })).unwrap_err();
        assert!(field.detail_list()[0].field.starts_with("tables.a.fields.x"), "{field}");
    }
}
