//! Fields as schema documents write them (`08-cli.md` §5): the abstract types of the console's field form.

use serde_json::{Map, Value};

use super::field::{Field, FieldKind};
use super::schema::{Mode, Parsed, Schema};
use crate::domain::error::{Code, Detail, Error, Result};

/// The fields of a document, and the renamings its `renamedFrom` ask for.
#[derive(Debug, Clone)]
pub struct DocumentFields {
    pub parsed: Parsed,
    /// New name and the one it had before.
    pub renamed_from: Vec<(String, String)>,
}

/// Reads the `fields` of one table: a flat map, in which a definition may name the field it was `renamedFrom`.
///
/// # Errors
/// `table/schema-validation-failed` with the path of each fault, `table/system-field-protected`.
pub fn read_fields(fields: &Value) -> Result<DocumentFields> {
    let mut fields = fields.clone();
    let mut renamed_from = Vec::new();
    for (name, definition) in fields.as_object_mut().into_iter().flatten() {
        match definition.as_object_mut().and_then(|d| d.shift_remove("renamedFrom")) {
            None | Some(Value::Null) => {}
            Some(Value::String(old)) => renamed_from.push((name.clone(), old)),
            Some(_) => {
                let detail = Detail::new(format!("{name}.renamedFrom"), "type", format!("{name}.renamedFrom must be the name the field had before"));
                return Err(Error::with_details(Code::SCHEMA_VALIDATION_FAILED, vec![detail]));
            }
        }
    }
    Ok(DocumentFields { parsed: Schema::parse(&fields, Mode::CHANGE)?, renamed_from })
}

/// The `fields` of a document, in declared order: a flat map with abstract types.
pub fn write_fields(schema: &Schema) -> Value {
    Value::Object(schema.fields.iter().map(|(name, field)| (name.clone(), abstract_field(field))).collect())
}

fn abstract_field(field: &Field) -> Value {
    let mut out = Map::new();
    let kind = match (&field.reference, field.kind) {
        (Some(_), _) => "reference",
        (None, FieldKind::Double) => "number",
        (None, FieldKind::Int) => "integer",
        (None, FieldKind::Bool) => "boolean",
        (None, kind) => kind.name(),
    };
    out.insert("type".to_owned(), kind.into());
    if let Some(table) = field.reference.as_ref().filter(|t| !t.is_empty()) {
        out.insert("table".to_owned(), table.as_str().into());
    }
    if field.required {
        out.insert("required".to_owned(), true.into());
    }
    if let Value::Object(canonical) = field.to_value() {
        for (key, value) in canonical {
            let value = match (key.as_str(), &field.items) {
                ("bsonType" | "ref" | "required", _) => continue,
                ("items", Some(items)) => abstract_field(items),
                ("properties", _) => Value::Object(field.properties.iter().map(|(name, inner)| (name.clone(), abstract_field(inner))).collect()),
                _ => value,
            };
            out.insert(key, value);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn abstract_types_are_written_and_read_back_to_the_same_schema() {
        let input = json!({
            "title": {"type": "string", "required": true, "maxLength": 200, "unique": true},
            "author": {"type": "reference", "table": "profiles"}, "any": "mixed", "n": "int", "x": "double", "b": "bool", "d": {"type": "date", "default": "$now"},
            "loose": "reference", "tags": ["reference"],
            "lines": [{"type": "object", "properties": {"qty": {"type": "int", "required": true}}, "additionalProperties": false}]});
        let schema = Schema::parse(&input, Mode::CREATE).unwrap().schema;
        let written = write_fields(&schema);
        assert_eq!(written["author"].to_string(), r#"{"type":"reference","table":"profiles"}"#);
        assert_eq!(written["title"].to_string(), r#"{"type":"string","required":true,"unique":true,"maxLength":200}"#);
        assert_eq!(written["n"]["type"], "integer");
        assert_eq!(written["x"]["type"], "number");
        assert_eq!(written["b"]["type"], "boolean");
        assert_eq!(written["lines"]["items"]["properties"]["qty"], json!({"type": "integer", "required": true}));
        let again = read_fields(&written).unwrap();
        assert_eq!(again.parsed.schema, schema);
        assert_eq!(write_fields(&again.parsed.schema).to_string(), written.to_string());
    }

    #[test]
    fn renamed_from_is_told_apart_from_the_definition() {
        let read =
            read_fields(&json!({"status": {"type": "string", "enum": ["draft", "live"], "default": "draft", "renamedFrom": "state"}, "a": "string"})).unwrap();
        assert_eq!(read.renamed_from, [("status".to_owned(), "state".to_owned())]);
        assert!(read_fields(&json!({"a": {"type": "string", "renamedFrom": 1}})).is_err());
        assert_eq!(read_fields(&json!({"id": "string"})).unwrap_err().code(), Code::SYSTEM_FIELD_PROTECTED);
    }
}
