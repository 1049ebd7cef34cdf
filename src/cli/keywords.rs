//! How the fields of a schema document differ from those a table has.
//!
//! Field calls merge keywords into what is there; a document, though, is the whole definition of its fields. So keywords
//! that the table has and the document lacks are sent as `null`, which removes them.

use serde_json::{Map, Value, json};

/// `{ old: new }` for fields that say `renamedFrom` and whose rename is still to be done.
pub fn renames(fields: &Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let has = |name: &str| schema["properties"].get(name).is_some();
    let pending = |(new, definition): (&String, &Value)| {
        let old = definition["renamedFrom"].as_str()?;
        (has(old) && !has(new)).then(|| (old.to_owned(), json!(new)))
    };
    fields.iter().filter_map(pending).collect()
}

/// The fields without `renamedFrom`, which is a remark for this command and no keyword.
pub fn without_renames(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    for definition in fields.values_mut().filter_map(Value::as_object_mut) {
        definition.remove("renamedFrom");
    }
    fields
}

/// The fields as the whole truth: keywords of the present definition that are missing are set to `null`.
pub fn complete(fields: &Map<String, Value>, schema: &Value, renamed: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = without_renames(fields);
    for (name, definition) in &mut fields {
        let old_name = renamed.iter().find(|(_, new)| *new == name).map_or(name, |(old, _)| old);
        let (Some(present), Some(wanted)) = (schema["properties"][old_name].as_object(), definition.as_object_mut()) else { continue };
        let gone: Vec<_> = present.keys().filter(|keyword| !is_said(keyword, wanted)).cloned().collect();
        wanted.extend(gone.into_iter().map(|keyword| (keyword, Value::Null)));
        if is_required(schema, old_name) && !wanted.contains_key("required") {
            wanted.insert("required".to_owned(), json!(false));
        }
    }
    fields
}

/// Whether a canonical keyword stands in a definition, under its own or an accepted name (`02-data.md` §2).
fn is_said(keyword: &str, wanted: &Map<String, Value>) -> bool {
    let names: &[&str] = match keyword {
        "bsonType" => return true,
        "ref" => &["ref", "reference", "referenceTable", "table", "collection", "to"],
        "minimum" | "minLength" | "minItems" => &["min"],
        "maximum" | "maxLength" | "maxItems" => &["max"],
        "enum" => &["values", "options"],
        "default" => &["defaultValue"],
        // A type list with "null" is the type with nullable.
        "nullable" if wanted.get("type").or(wanted.get("bsonType")).is_some_and(Value::is_array) => return true,
        // `string[]` and the like carry their elements' type.
        "items" if wanted.get("type").or(wanted.get("bsonType")).is_some_and(|kind| !matches!(kind.as_str(), Some("array" | "list"))) => return true,
        _ => &[],
    };
    wanted.contains_key(keyword) || names.iter().any(|name| wanted.contains_key(*name))
}

/// Whether a stored schema requires a field.
pub fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|list| list.iter().any(|item| item == name))
}

/// Whether two sets of rights are the same: an operation that is not granted may be `false` or absent.
pub fn same_rights(a: &Value, b: &Value) -> bool {
    fn granted(value: &Value) -> Value {
        match value {
            Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), granted(v))).filter(|(k, v)| *v != json!(false) && k != "admin").collect(),
            other => other.clone(),
        }
    }
    granted(a) == granted(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_keyword_the_document_lacks_is_removed() {
        let schema = json!({ "properties": { "a": { "bsonType": "string", "maxLength": 3, "enum": ["x"] } }, "required": ["a"] });
        let fields = complete(&map(&json!({ "a": { "type": "string", "values": ["x"] } })), &schema, &Map::new());
        assert_eq!(Value::Object(fields), json!({ "a": { "type": "string", "values": ["x"], "maxLength": null, "required": false } }));
    }

    #[test]
    fn renamed_from_moves_once_and_is_ignored_once_done() {
        let fields = map(&json!({ "status": { "type": "string", "renamedFrom": "state" } }));
        let before = json!({ "properties": { "state": { "bsonType": "string", "maxLength": 9 } } });
        let renamed = renames(&fields, &before);
        assert_eq!(Value::Object(renamed.clone()), json!({ "state": "status" }));
        assert_eq!(Value::Object(complete(&fields, &before, &renamed)), json!({ "status": { "type": "string", "maxLength": null } }));
        assert!(renames(&fields, &json!({ "properties": { "status": {} } })).is_empty());
    }

    #[test]
    fn rights_that_are_not_granted_may_be_left_out() {
        assert!(same_rights(&json!({ "guest": { "read": true, "list": false } }), &json!({ "guest": { "read": true }, "admin": { "read": true } })));
        assert!(!same_rights(&json!({}), &json!(null)));
    }
}
