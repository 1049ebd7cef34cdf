//! MongoDB's extended JSON: `$oid`, `$date`, `$numberInt`, `$numberLong`, `$numberDouble`, `$numberDecimal`.

use serde_json::{Map, Value};

use crate::domain::error::{Detail, clip};
use crate::domain::records::query::{date_text, number};

/// A record with every wrapper opened; wrappers that hold something else are told.
pub(super) fn open_record(record: Map<String, Value>, faults: &mut Vec<Detail>) -> Map<String, Value> {
    record
        .into_iter()
        .map(|(key, value)| {
            let value = open(value, &key, faults);
            (key, value)
        })
        .collect()
}

/// A value with every wrapper in it opened; `path` is where it stands.
pub(super) fn open(value: Value, path: &str, faults: &mut Vec<Detail>) -> Value {
    match value {
        Value::Object(map) => match map.iter().next() {
            Some((name, inner)) if map.len() == 1 && name.starts_with('$') => match unwrap(name, inner) {
                None => Value::Object(map),
                Some(Some(opened)) => opened,
                Some(None) => {
                    faults.push(Detail::new(path, "type", format!("{path}: {name} does not hold what it says but {}", clip(&inner.to_string()))));
                    Value::Null
                }
            },
            _ => Value::Object(map.into_iter().map(|(key, inner)| (key.clone(), open(inner, &format!("{path}.{key}"), faults))).collect()),
        },
        Value::Array(list) => Value::Array(list.into_iter().enumerate().map(|(i, inner)| open(inner, &format!("{path}.{i}"), faults)).collect()),
        scalar => scalar,
    }
}

/// `None`: no wrapper; `Some(None)`: a wrapper with the wrong content.
fn unwrap(name: &str, inner: &Value) -> Option<Option<Value>> {
    Some(match name {
        "$oid" => inner.as_str().map(Value::from),
        "$date" => date(inner).map(Value::String),
        "$numberInt" | "$numberLong" => numeric(inner).filter(|value| value.is_i64()),
        "$numberDouble" | "$numberDecimal" => numeric(inner),
        _ => return None,
    })
}

fn date(inner: &Value) -> Option<String> {
    match inner {
        Value::Object(map) if map.len() == 1 => date_text(&numeric(map.get("$numberLong")?)?),
        other => date_text(other),
    }
}

fn numeric(inner: &Value) -> Option<Value> {
    match inner {
        Value::Number(_) => Some(inner.clone()),
        Value::String(text) => number(text.trim().trim_start_matches('+')).map(Value::Number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrappers_are_opened_at_any_depth() {
        let mut faults = Vec::new();
        let value = json!({
            "a": { "$oid": "65f0a1b2c3d4e5f6a7b8c9d0" }, "b": { "$date": "2026-03-01T00:00:00Z" }, "c": { "$date": { "$numberLong": "0" } }, "d": { "$date": 1000 },
            "e": [{ "$numberInt": "5" }, { "x": { "$numberLong": "-9007199254740993" } }], "f": { "$numberDouble": "1.5" }, "g": { "$numberDecimal": "12.50" },
            "h": { "$other": 1 }, "i": { "$oid": "x", "y": 1 }, "j": {}
        });
        let Value::Object(map) = value else { unreachable!() };
        let opened = Value::Object(open_record(map, &mut faults));
        let expected = json!({
            "a": "65f0a1b2c3d4e5f6a7b8c9d0", "b": "2026-03-01T00:00:00.000Z", "c": "1970-01-01T00:00:00.000Z", "d": "1970-01-01T00:00:01.000Z",
            "e": [5, { "x": -9007199254740993_i64 }], "f": 1.5, "g": 12.5, "h": { "$other": 1 }, "i": { "$oid": "x", "y": 1 }, "j": {}
        });
        assert_eq!(opened, expected);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_wrapper_with_the_wrong_content_is_told_with_its_place() {
        for inner in [
            json!({ "$oid": 1 }),
            json!({ "$date": "soon" }),
            json!({ "$numberInt": "1.5" }),
            json!({ "$numberDouble": "NaN" }),
            json!({ "$numberDecimal": {} }),
        ] {
            let mut faults = Vec::new();
            open(json!([{ "b": inner }]), "a", &mut faults);
            assert_eq!((faults[0].field.as_str(), faults[0].rule.as_str()), ("a.0.b", "type"), "{inner}");
        }
    }
}
