//! The names a type may have (`02-data.md` §2.1).

use serde_json::{Value, json};

use super::field::FieldKind;

/// What a type name says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TypeSpec {
    pub kind: FieldKind,
    pub reference: bool,
    pub nullable: bool,
    /// Written as `enum`: its `values` or `options` are the enum.
    pub choice: bool,
    pub items: Option<Box<TypeSpec>>,
}

impl TypeSpec {
    fn of(kind: FieldKind) -> Self {
        Self { kind, reference: false, nullable: false, choice: false, items: None }
    }

    /// As a definition, for the `items` of an array.
    pub(super) fn definition(&self, target: Option<&Value>) -> Value {
        let mut out = json!({ "bsonType": self.kind.name() });
        if self.reference {
            out["ref"] = target.cloned().unwrap_or_else(|| "".into());
        }
        if let Some(items) = &self.items {
            out["items"] = items.definition(target);
        }
        out
    }

    /// Whether a reference stands in it, itself or as the element of an array.
    pub(super) fn has_reference(&self) -> bool {
        self.reference || self.items.as_ref().is_some_and(|i| i.has_reference())
    }
}

const LONGEST: usize = 100;

/// Reads one type name, any case, with `string[]` and `Array(String)`.
pub(super) fn parse_name(text: &str) -> Option<TypeSpec> {
    let lower = text.trim().to_ascii_lowercase();
    if lower.len() > LONGEST { None } else { named(&lower) }
}

fn named(lower: &str) -> Option<TypeSpec> {
    let lower = lower.trim();
    let inner = lower.strip_suffix("[]").or_else(|| lower.strip_prefix("array(").and_then(|rest| rest.strip_suffix(')')));
    if let Some(inner) = inner {
        return Some(TypeSpec { items: Some(Box::new(named(inner)?)), ..TypeSpec::of(FieldKind::Array) });
    }
    Some(match lower {
        "string" | "text" | "uuid" | "email" | "url" => TypeSpec::of(FieldKind::String),
        "enum" => TypeSpec { choice: true, ..TypeSpec::of(FieldKind::String) },
        "reference" | "objectid" => TypeSpec { reference: true, ..TypeSpec::of(FieldKind::String) },
        "int" | "integer" | "long" | "int32" | "int64" => TypeSpec::of(FieldKind::Int),
        "double" | "number" | "float" | "decimal" => TypeSpec::of(FieldKind::Double),
        "bool" | "boolean" => TypeSpec::of(FieldKind::Bool),
        "date" | "datetime" | "date-time" | "timestamp" => TypeSpec::of(FieldKind::Date),
        "object" | "json" | "map" => TypeSpec::of(FieldKind::Object),
        "array" | "list" => TypeSpec::of(FieldKind::Array),
        "mixed" | "any" => TypeSpec::of(FieldKind::Mixed),
        _ => return None,
    })
}

/// Reads the value of `bsonType` or `type`: a name, or a list of names such as `["string", "null"]`.
pub(super) fn parse(value: &Value) -> Option<TypeSpec> {
    let list = match value {
        Value::String(text) => return parse_name(text),
        Value::Array(list) => list,
        _ => return None,
    };
    let mut specs: Vec<TypeSpec> = Vec::new();
    let mut nullable = false;
    for entry in list {
        let text = entry.as_str()?;
        if text.trim().eq_ignore_ascii_case("null") {
            nullable = true;
            continue;
        }
        let spec = parse_name(text)?;
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    let mut spec = match specs.len() {
        0 => return None,
        1 => specs.remove(0),
        _ => TypeSpec::of(FieldKind::Mixed),
    };
    spec.nullable = nullable;
    Some(spec)
}

/// The type that the values of an `enum` without type have in common; null does not count.
pub(super) fn infer(values: &[Value]) -> FieldKind {
    let kinds: Vec<FieldKind> = values
        .iter()
        .filter_map(|v| match v {
            Value::Null => None,
            Value::String(_) => Some(FieldKind::String),
            Value::Bool(_) => Some(FieldKind::Bool),
            Value::Number(n) if n.is_i64() => Some(FieldKind::Int),
            Value::Number(_) => Some(FieldKind::Double),
            Value::Array(_) => Some(FieldKind::Array),
            Value::Object(_) => Some(FieldKind::Object),
        })
        .collect();
    match kinds.first() {
        Some(first) if kinds.iter().all(|k| k == first) => *first,
        Some(_) if kinds.iter().all(|k| k.is_number()) => FieldKind::Double,
        _ => FieldKind::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_has_its_canonical_type_in_any_case() {
        for (kind, names) in [
            (FieldKind::String, "string text uuid email url enum reference objectId ObjectID STRING"),
            (FieldKind::Int, "int integer long int32 int64 Integer"),
            (FieldKind::Double, "double number float decimal Number"),
            (FieldKind::Bool, "bool boolean Boolean"),
            (FieldKind::Date, "date datetime date-time timestamp Date DateTime"),
            (FieldKind::Object, "object json map Object"),
            (FieldKind::Array, "array list string[] Array(String) Array(Array(int)) number[][]"),
            (FieldKind::Mixed, "mixed any"),
        ] {
            for name in names.split(' ') {
                assert_eq!(parse_name(name).map(|s| s.kind), Some(kind), "{name}");
            }
        }
        for bad in ["", "null", "strng", "[]", "Array()", "string]", "Array(x)", &"[]".repeat(99)] {
            assert_eq!(parse_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_type_list_is_nullable_or_mixed() {
        let spec = parse(&json!(["string", "null"])).unwrap();
        assert_eq!((spec.kind, spec.nullable), (FieldKind::String, true));
        assert_eq!(parse(&json!(["string", "int"])).unwrap().kind, FieldKind::Mixed);
        assert_eq!(parse(&json!(["int", "integer"])).unwrap().kind, FieldKind::Int);
        assert!(parse(&json!(["null"])).is_none() && parse(&json!([])).is_none() && parse(&json!([1])).is_none() && parse(&json!({})).is_none());
    }

    #[test]
    fn an_enum_without_type_takes_the_type_of_its_values() {
        assert_eq!(infer(&[json!("a"), json!(null)]), FieldKind::String);
        assert_eq!(infer(&[json!(1), json!(2)]), FieldKind::Int);
        assert_eq!(infer(&[json!(1), json!(2.5)]), FieldKind::Double);
        assert_eq!(infer(&[json!(1), json!("2")]), FieldKind::Mixed);
    }
}
