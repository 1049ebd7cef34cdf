//! Reads a schema in any of the accepted forms (`02-data.md` §2.1).

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::check::MAX_DETAILS;
use super::field::Field;
use super::field_expand::{is_annotation, is_keyword};
use super::name::{bad_field_name, is_field_name, is_system_field};
use super::schema::{Mode, Parsed, Schema};
use super::value::describe;
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Declared fields of a table (§12).
pub const MAX_FIELDS: usize = 300;

/// What one reading has found wrong or worth telling.
pub(super) struct Parser {
    mode: Mode,
    details: Vec<Detail>,
    warnings: Vec<String>,
    /// System fields somebody tried to declare where that is refused.
    protected: Vec<String>,
}

impl Parser {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, details: Vec::new(), warnings: Vec::new(), protected: Vec::new() }
    }

    pub(super) fn lenient(&self) -> bool {
        self.mode.lenient
    }

    pub(super) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    pub(super) fn fail(&mut self, path: &str, rule: &str, message: String) {
        if self.details.len() < MAX_DETAILS {
            self.details.push(Detail::new(path, rule, message));
        }
    }

    /// The warnings, unless something was wrong.
    pub(super) fn finish(self) -> Result<Vec<String>> {
        if let Some(first) = self.protected.first() {
            let details = self.protected.iter().map(|n| Detail::new(n.as_str(), "system", protected(n))).collect();
            return Err(Error::new(Code::SYSTEM_FIELD_PROTECTED, protected(first)).details(details));
        }
        if self.details.is_empty() { Ok(self.warnings) } else { Err(Error::with_details(Code::SCHEMA_VALIDATION_FAILED, self.details)) }
    }

    pub(super) fn schema(mut self, input: &Value) -> Result<Parsed> {
        let mut schema = Schema::default();
        let mut additional_fields = None;
        match input {
            Value::Null => {}
            Value::Array(_) => schema.fields = self.fields("", input, 0),
            Value::Object(map) if is_full(map) => additional_fields = self.full(map, &mut schema),
            Value::Object(_) => schema.fields = self.fields("", input, 0),
            other => self.fail("schema", "type", format!("schema must be an object or a list of fields, not {}", describe(other))),
        }
        if schema.fields.len() > MAX_FIELDS {
            self.fail("schema", "limit", format!("a table may declare {MAX_FIELDS} fields, not {}", schema.fields.len()));
        }
        Ok(Parsed { schema, additional_fields, warnings: self.finish()? })
    }

    fn full(&mut self, map: &Map<String, Value>, schema: &mut Schema) -> Option<bool> {
        let mut additional = None;
        if let Some(properties) = map.get("properties").filter(|v| !v.is_null()) {
            schema.fields = self.fields("", properties, 0);
        }
        for (key, value) in map.iter().filter(|(_, v)| !v.is_null()) {
            match key.as_str() {
                "properties" => {}
                "bsonType" | "type" if value.as_str().is_some_and(|t| t.eq_ignore_ascii_case("object")) => {}
                "bsonType" | "type" => self.fail(key, "type", format!("{key} of a schema must be object")),
                "required" => self.required_list("required", value, &mut schema.fields, true),
                "additionalProperties" if value.is_boolean() => additional = value.as_bool(),
                "additionalProperties" => self.fail(key, "type", format!("{key} must be true or false")),
                _ if is_annotation(key) => {
                    schema.annotations.insert(key.clone(), value.clone());
                }
                _ => self.unknown_keyword("schema", key),
            }
        }
        additional
    }

    /// The fields of a flat map, a list or a `properties` object. `depth` 0 is the table itself.
    pub(super) fn fields(&mut self, path: &str, input: &Value, depth: usize) -> IndexMap<String, Field> {
        let mut fields = IndexMap::new();
        match input {
            Value::Object(map) => {
                for (name, definition) in map {
                    self.field(&mut fields, path, name, definition, depth);
                }
            }
            Value::Array(list) => {
                for (index, entry) in list.iter().enumerate() {
                    match list_entry(entry) {
                        Some((name, definition)) => self.field(&mut fields, path, name, &definition, depth),
                        None => self.fail(&join(path, &index.to_string()), "name", format!("entry {index} of the list needs a name and a type")),
                    }
                }
            }
            other => self.fail(if path.is_empty() { "properties" } else { path }, "type", format!("properties must be an object, not {}", describe(other))),
        }
        fields
    }

    fn field(&mut self, fields: &mut IndexMap<String, Field>, path: &str, name: &str, definition: &Value, depth: usize) {
        let here = join(path, &clip(name));
        if depth == 0 && self.is_system(name) {
            return;
        }
        if !is_field_name(name) {
            return self.fail(&here, "name", bad_field_name(name));
        }
        let expanded = self.expand(&here, definition, None);
        let mut field = self.build(&here, &expanded.keywords, depth);
        field.required = expanded.required == Some(true);
        if fields.insert(name.to_owned(), field).is_some() {
            self.fail(&here, "duplicate", format!("{here} is declared twice"));
        }
    }

    /// Tells of a system field and, when tables are made, drops it.
    pub(super) fn is_system(&mut self, name: &str) -> bool {
        if !is_system_field(name) {
            return false;
        }
        if self.mode.creating {
            self.warn(format!("{name} is a system field that every record has; its declaration was dropped"));
        } else if !self.protected.iter().any(|n| n == name) {
            self.protected.push(name.to_owned());
        }
        true
    }

    pub(super) fn required_list(&mut self, here: &str, list: &Value, fields: &mut IndexMap<String, Field>, top: bool) {
        let Some(names) = list.as_array() else {
            return self.fail(here, "required", format!("{here} must be a list of field names"));
        };
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            let Some(name) = name.as_str() else {
                self.fail(here, "required", format!("{here} must be a list of field names"));
                continue;
            };
            if seen.contains(&name) {
                self.fail(here, "duplicate", format!("{here} names {} twice", clip(name)));
                continue;
            }
            seen.push(name);
            if top && !fields.contains_key(name) && self.is_system(name) {
                continue;
            }
            match fields.get_mut(name) {
                Some(field) => field.required = true,
                None => self.fail(here, "required", format!("{here} names {}, which is not declared", clip(name))),
            }
        }
    }
}

fn protected(name: &str) -> String {
    format!("{name} is a system field: every record has it, and it cannot be declared, changed or removed")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A list entry of older tools: its name, and the definition without it.
pub(super) fn list_entry(entry: &Value) -> Option<(&str, Value)> {
    let map = entry.as_object()?;
    let name = map.get("name")?.as_str()?;
    let mut definition = map.clone();
    definition.shift_remove("name");
    Some((name, Value::Object(definition)))
}

/// Full form: says so, or has `properties` and no key besides schema keywords (§2.1).
pub(super) fn is_full(map: &Map<String, Value>) -> bool {
    let says = ["bsonType", "type"].iter().any(|k| map.get(*k).is_some_and(|v| v == "object"));
    let has = map.get("properties").is_some_and(|v| v.is_object() || v.is_array());
    says || (has && map.keys().all(|k| is_keyword(k)))
}
