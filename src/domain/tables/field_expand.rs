//! First half of reading a field definition: every accepted spelling becomes canonical keywords (`02-data.md` §2.1, §2.2).

use serde_json::{Map, Value, json};

use super::field::FieldKind;
use super::field_types::{self, TypeSpec};
use super::schema_parse::Parser;

/// Keywords of a definition in canonical spelling, values not yet looked at.
pub(super) const KEYWORDS: [&str; 26] = [
    "bsonType",
    "ref",
    "nullable",
    "unique",
    "default",
    "enum",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
    "properties",
    "additionalProperties",
    "title",
    "description",
    "displayName",
    "format",
    "examples",
];

/// Other spellings, for telling a full schema from a flat map.
const SPELLINGS: [&str; 4] = ["type", "min", "max", "defaultValue"];
const TARGETS: [&str; 6] = ["ref", "reference", "referenceTable", "table", "collection", "to"];

pub(super) fn is_annotation(key: &str) -> bool {
    matches!(key, "title" | "description" | "displayName" | "format" | "examples") || key.starts_with("x-")
}

/// Whether a key belongs to the language of schemas.
pub(super) fn is_keyword(key: &str) -> bool {
    KEYWORDS.contains(&key) || SPELLINGS.contains(&key) || key.starts_with("x-")
}

/// A definition in canonical keywords.
#[derive(Debug, Clone, Default)]
pub(super) struct Expanded {
    /// `required: true` on the field itself; the list of an object stays in `keywords`.
    pub required: Option<bool>,
    /// Null removes a keyword when definitions are merged, and is skipped otherwise.
    pub keywords: Map<String, Value>,
    /// Keywords a key of the definition has spoken for, to find the second one.
    told: Vec<&'static str>,
}

impl Parser {
    /// Reads any form of one definition. `existing` is the type the field has already, for `min` and for targets.
    pub(super) fn expand(&mut self, path: &str, definition: &Value, existing: Option<FieldKind>) -> Expanded {
        match definition {
            Value::String(name) => match field_types::parse_name(name) {
                Some(spec) => self.of_type(&spec),
                None => self.unknown_type(path, definition),
            },
            Value::Array(list) if list.is_empty() => self.of_type(&TypeSpec::array()),
            Value::Array(list) if list.len() == 1 && !list[0].is_null() => {
                let keywords = Map::from_iter([("bsonType".to_owned(), json!("array")), ("items".to_owned(), list[0].clone())]);
                Expanded { keywords, ..Expanded::default() }
            }
            Value::Array(_) => match field_types::parse(definition) {
                Some(spec) => self.of_type(&spec),
                None => self.unknown_type(path, definition),
            },
            Value::Object(map) => self.expand_object(path, map, existing),
            other => {
                self.fail(
                    path,
                    "type",
                    format!("{path} must be a type name or a definition such as {{ \"type\": \"string\" }}, not {}", super::value::describe(other)),
                );
                Expanded::default()
            }
        }
    }

    fn unknown_type(&mut self, path: &str, value: &Value) -> Expanded {
        let shown = crate::domain::error::clip(&value.to_string());
        self.fail(path, "type", format!("{path}: unknown type {shown}; types are string, int, double, bool, date, object, array, reference and mixed"));
        Expanded::default()
    }

    fn of_type(&self, spec: &TypeSpec) -> Expanded {
        let mut out = Expanded::default();
        out.set_type(spec);
        out
    }

    fn expand_object(&mut self, path: &str, map: &Map<String, Value>, existing: Option<FieldKind>) -> Expanded {
        let mut out = Expanded::default();
        let spec = self.type_of(path, map);
        if let Some(spec) = &spec {
            out.set_type(spec);
        }
        let kind = spec.as_ref().map(|s| s.kind).or(existing).or_else(|| inferred(map));
        if spec.is_none()
            && existing.is_none()
            && let Some(kind) = kind
        {
            out.keywords.insert("bsonType".to_owned(), kind.name().into());
        }
        for (key, value) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "bsonType" | "type")) {
            self.expand_key(path, key, value, kind, spec.as_ref(), &mut out);
        }
        out
    }

    fn type_of(&mut self, path: &str, map: &Map<String, Value>) -> Option<TypeSpec> {
        let mut found: Option<TypeSpec> = None;
        for key in ["bsonType", "type"] {
            let Some(value) = map.get(key).filter(|v| !v.is_null()) else { continue };
            let Some(spec) = field_types::parse(value) else {
                self.unknown_type(&format!("{path}.{key}"), value);
                continue;
            };
            if found.as_ref().is_some_and(|f| f.kind != spec.kind) {
                self.fail(&format!("{path}.type"), "type", format!("{path} names two types, in bsonType and in type; keep one"));
            }
            found.get_or_insert(spec);
        }
        found
    }

    fn expand_key(&mut self, path: &str, key: &str, value: &Value, kind: Option<FieldKind>, spec: Option<&TypeSpec>, out: &mut Expanded) {
        let here = || format!("{path}.{key}");
        let array = kind == Some(FieldKind::Array);
        let canonical = match key {
            "defaultValue" => "default",
            "min" if kind == Some(FieldKind::String) => "minLength",
            "max" if kind == Some(FieldKind::String) => "maxLength",
            "min" if array => "minItems",
            "max" if array => "maxItems",
            "min" => "minimum",
            "max" => "maximum",
            "values" | "options" if spec.is_some_and(|s| s.choice) => "enum",
            "required" if value.is_array() => "required",
            "required" => {
                match value {
                    Value::Bool(flag) => out.required = Some(*flag),
                    Value::Null => out.required = Some(false),
                    _ => self.fail(&here(), "required", format!("{} must be true or false, or a list of names in an object", here())),
                }
                return;
            }
            _ if TARGETS.contains(&key) && kind == Some(FieldKind::String) => "ref",
            _ if TARGETS.contains(&key) && spec.is_some_and(TypeSpec::has_reference) => {
                out.keywords.insert("items".to_owned(), spec.and_then(|s| s.items.as_ref()).map_or(Value::Null, |i| i.definition(Some(value))));
                return;
            }
            _ if KEYWORDS.contains(&key) || key.starts_with("x-") => key,
            _ => return self.unknown_keyword(path, key),
        };
        if canonical == "ref" && spec.is_some_and(|s| s.reference) && value.is_null() {
            return; // a reference without a target
        }
        if let Some(known) = KEYWORDS.iter().find(|k| **k == canonical) {
            if out.told.contains(known) {
                return self.fail(&here(), "duplicate", format!("{} says {canonical} a second time", here()));
            }
            out.told.push(known);
        }
        out.keywords.insert(canonical.to_owned(), value.clone());
    }

    /// Refused, lest it seem enforced; the tools for AI clients drop it with a warning.
    pub(super) fn unknown_keyword(&mut self, path: &str, key: &str) {
        let shown = crate::domain::error::clip(key);
        if self.lenient() {
            return self.warn(format!("{path}: the keyword \"{shown}\" is unknown here and was dropped"));
        }
        let near = KEYWORDS.iter().chain(&SPELLINGS).map(|k| (strsim::damerau_levenshtein(k, key), k)).filter(|(d, _)| *d <= 2).min();
        let hint = near.map_or_else(|| "remove it".to_owned(), |(_, k)| format!("did you mean {k}?"));
        self.fail(&format!("{path}.{shown}"), "keyword", format!("{path}: unknown keyword \"{shown}\"; {hint}"));
    }
}

impl Expanded {
    fn set_type(&mut self, spec: &TypeSpec) {
        self.keywords.insert("bsonType".to_owned(), spec.kind.name().into());
        if spec.reference {
            self.keywords.insert("ref".to_owned(), "".into());
        }
        if let Some(items) = &spec.items {
            self.keywords.insert("items".to_owned(), items.definition(None));
        }
        if spec.nullable {
            self.keywords.insert("nullable".to_owned(), true.into());
        }
    }
}

impl TypeSpec {
    fn array() -> Self {
        Self { kind: FieldKind::Array, reference: false, nullable: false, choice: false, items: None }
    }
}

/// The type of a definition that names none.
fn inferred(map: &Map<String, Value>) -> Option<FieldKind> {
    if let Some(Value::Array(values)) = map.get("enum") {
        return Some(field_types::infer(values));
    }
    if map.contains_key("properties") {
        return Some(FieldKind::Object);
    }
    if map.contains_key("items") {
        return Some(FieldKind::Array);
    }
    Some(FieldKind::Mixed)
}
