//! Sort keys: bytes whose order is the order of values (`02-data.md` §6.1), from which the value can be read back.
//!
//! Ascending: missing and null (no key at all), numbers, strings by code point, objects and arrays by their JSON text,
//! booleans.

use serde_json::{Map, Value};

use super::compile::Step;
use super::eval::walk;
use super::value::{Item, TWO_63};
use crate::store::jsonb::{Num, View};

const NUMBER: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const ARRAY: u8 = 4;
const BOOL: u8 = 5;

/// How objects are written into a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// As stored: for sorting.
    AsStored,
    /// Sorted, so that equal values have equal keys: for grouping and uniqueness.
    Sorted,
}

/// The key of the value at a path: of the smallest one if the path leads through an array; `None` for null and missing.
pub(super) fn path_key(doc: View<'_>, steps: &[Step], keys: Keys) -> Option<Vec<u8>> {
    let mut best: Option<Vec<u8>> = None;
    walk(doc, steps, &mut |item| {
        if let Some(key) = item_key(&item, keys)
            && best.as_ref().is_none_or(|best| key < *best)
        {
            best = Some(key);
        }
        false
    });
    best
}

/// The key of one value; `None` for null and missing.
pub(super) fn item_key(item: &Item<'_>, keys: Keys) -> Option<Vec<u8>> {
    let tagged = |tag: u8, bytes: &[u8]| {
        let mut key = Vec::with_capacity(bytes.len() + 1);
        key.push(tag);
        key.extend_from_slice(bytes);
        key
    };
    Some(match item {
        Item::Missing | Item::Null => return None,
        Item::Num(number) => tagged(NUMBER, &number_key(*number)),
        Item::Str(text) => tagged(STRING, text.as_bytes()),
        Item::Object(view) => tagged(OBJECT, nested(*view, keys)?.as_bytes()),
        Item::Array(view) => tagged(ARRAY, nested(*view, keys)?.as_bytes()),
        Item::Bool(flag) => tagged(BOOL, &[u8::from(*flag)]),
    })
}

fn nested(view: View<'_>, keys: Keys) -> Option<String> {
    match keys {
        Keys::AsStored => view.to_json().ok(),
        Keys::Sorted => Some(sorted(view.to_value().ok()?).to_string()),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(entries))
        }
        // Whole doubles print like integers, as they are equal to them.
        Value::Number(number) => super::value::whole(&number),
        other => other,
    }
}

/// The nearest double, its bits made to sort, and what an integer lost by becoming one.
fn number_key(number: Num) -> [u8; 10] {
    let (float, rest) = match number {
        Num::Int(int) => (int as f64, (i128::from(int) - (int as f64) as i128) as i16),
        // Adding zero turns -0 into 0.
        Num::Float(float) => (float + 0.0, 0),
    };
    let bits = float.to_bits();
    let bits = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    let mut key = [0; 10];
    key[..8].copy_from_slice(&bits.to_be_bytes());
    key[8..].copy_from_slice(&(rest as u16 ^ 0x8000).to_be_bytes());
    key
}

/// The value a key was made from; whole numbers within 64 bits come back as integers. Null for what is no key.
pub(super) fn key_value(key: &[u8]) -> Value {
    let Some((tag, bytes)) = key.split_first() else { return Value::Null };
    let text = || std::str::from_utf8(bytes).ok();
    match *tag {
        NUMBER => number_value(bytes).unwrap_or(Value::Null),
        STRING => text().map_or(Value::Null, Value::from),
        OBJECT | ARRAY => text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null),
        BOOL => Value::Bool(bytes == [1]),
        _ => Value::Null,
    }
}

fn number_value(key: &[u8]) -> Option<Value> {
    let bits = u64::from_be_bytes(*key.first_chunk()?);
    let rest = u16::from_be_bytes(*key.get(8..)?.first_chunk()?) ^ 0x8000;
    let float = f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits });
    let int = (float.fract() == 0.0 && float.abs() <= TWO_63).then(|| i64::try_from(float as i128 + i128::from(rest as i16)).ok());
    Some(int.flatten().map_or_else(|| Value::from(float), Value::from))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::value::compare;
    use super::*;
    use crate::store::jsonb::encode;

    fn key(value: &Value) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        encode(value, &mut bytes);
        item_key(&View::parse(&bytes).unwrap().into(), Keys::Sorted)
    }

    fn any_number() -> impl Strategy<Value = Num> {
        prop_oneof![
            any::<i64>().prop_map(Num::Int),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Num::Float),
            any::<i64>().prop_map(|n| Num::Float(n as f64)),
            (-3i64..3).prop_map(Num::Int),
            (0i64..2000).prop_map(|n| Num::Int(i64::MAX - n)),
            (-3i32..3).prop_map(|n| Num::Float(f64::from(n) / 2.0)),
        ]
    }

    proptest! {
        #[test]
        fn keys_sort_as_numbers_do(a in any_number(), b in any_number()) {
            prop_assert_eq!(number_key(a).cmp(&number_key(b)), compare(a, b));
        }

        #[test]
        fn numbers_come_back(a in any_number()) {
            let value = key_value(&[&[NUMBER], &number_key(a)[..]].concat());
            prop_assert!(compare(super::super::value::num(value.as_number().unwrap()), a).is_eq());
        }

        #[test]
        fn broken_keys_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..14)) {
            key_value(&bytes);
        }
    }

    #[test]
    fn types_sort_in_the_order_of_the_contract() {
        let ascending = [
            json!(null),
            json!(-1e300),
            json!(2),
            json!(2.5),
            json!(""),
            json!("B"),
            json!("a"),
            json!({"a": 1}),
            json!([1]),
            json!([]),
            json!(false),
            json!(true),
        ];
        assert!(ascending.is_sorted_by(|a, b| key(a) < key(b)));
        for value in ascending {
            assert_eq!(key(&value).map_or(Value::Null, |key| key_value(&key)), whole(&value));
        }
        assert_eq!(key(&json!({"a": {"x": 1.0, "y": 2}, "b": 3})), key(&json!({"b": 3, "a": {"y": 2, "x": 1}})));
    }

    fn whole(value: &Value) -> Value {
        value.as_number().map_or_else(|| value.clone(), super::super::value::whole)
    }
}
