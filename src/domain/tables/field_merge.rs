//! A definition that changes an existing field: its keywords are merged in (`02-data.md` §11).

use serde_json::{Map, Value};

use super::field::{Field, FieldKind};
use super::schema_parse::Parser;

impl Parser {
    /// Reads a definition that changes an existing field: its keywords are merged in, null removes one.
    pub(super) fn merge(&mut self, name: &str, old: &Field, definition: &Value) -> Field {
        let expanded = self.expand(name, definition, Some(old.kind));
        let Value::Object(mut keywords) = old.to_value() else { return old.clone() };
        let changed_type = expanded.keywords.get("bsonType").is_some_and(|t| *t != keywords["bsonType"]);
        if changed_type {
            self.forget_type(name, &expanded.keywords, &mut keywords);
        }
        self.merge_inner(&expanded.keywords, &mut keywords);
        for (key, value) in expanded.keywords {
            // The word `reference` alone does not take an existing target away.
            let keeps_target = key == "ref" && value == "" && keywords.get("ref").is_some_and(|t| t != "");
            if value.is_null() && key != "bsonType" {
                keywords.shift_remove(&key);
            } else if !keeps_target {
                keywords.insert(key, value);
            }
        }
        let mut field = self.build(name, &keywords, 0);
        field.required = expanded.required.unwrap_or(old.required);
        field
    }

    /// A `required` list outlives new `properties` as far as its names are still declared.
    fn merge_inner(&self, new: &Map<String, Value>, old: &mut Map<String, Value>) {
        let Some(properties) = new.get("properties").filter(|_| !new.contains_key("required")) else { return };
        let declared = |name: &Value| match properties {
            Value::Object(map) => name.as_str().is_some_and(|n| map.contains_key(n)),
            Value::Array(list) => list.iter().any(|entry| entry.get("name") == Some(name)),
            _ => false,
        };
        if let Some(Value::Array(required)) = old.get_mut("required") {
            required.retain(declared);
        }
    }

    /// Keywords of the old type mean nothing to the new one; a default or enum that still reads is kept.
    fn forget_type(&mut self, name: &str, new: &Map<String, Value>, old: &mut Map<String, Value>) {
        let target = Field::of(new.get("bsonType").and_then(Value::as_str).and_then(FieldKind::parse).unwrap_or_default());
        let keys: Vec<String> = old.keys().filter(|k| !new.contains_key(*k) && *k != "bsonType").cloned().collect();
        for key in keys {
            let kept = match key.as_str() {
                "default" => super::convert::convert(&old[&key], &target).ok(),
                "enum" => {
                    old[&key].as_array().and_then(|l| l.iter().map(|v| super::convert::convert(v, &target).ok()).collect::<Option<Vec<_>>>()).map(Value::from)
                }
                _ => super::field_build::applies(&key, target.kind).then(|| old[&key].clone()),
            };
            match kept {
                Some(value) => {
                    old.insert(key, value);
                }
                None => {
                    old.shift_remove(&key);
                    self.warn(format!("{name}: {key} does not apply to {} and was dropped", target.kind.name()));
                }
            }
        }
    }
}
