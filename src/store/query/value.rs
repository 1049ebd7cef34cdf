//! How single values compare: numbers by value whatever their form, strings by code point, objects irrespective of key
//! order.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::store::jsonb::{Kind, Num, View, encode};

/// What stands at the end of a path.
#[derive(Debug, Clone)]
pub(super) enum Item<'a> {
    Missing,
    Null,
    Bool(bool),
    Num(Num),
    Str(Cow<'a, str>),
    Array(View<'a>),
    Object(View<'a>),
}

impl<'a> From<View<'a>> for Item<'a> {
    fn from(view: View<'a>) -> Self {
        // Damage reads as missing.
        match view.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => view.as_bool().map_or(Self::Missing, Self::Bool),
            Kind::Number => view.as_number().map_or(Self::Missing, Self::Num),
            Kind::String => view.as_str().map_or(Self::Missing, Self::Str),
            Kind::Array => Self::Array(view),
            Kind::Object => Self::Object(view),
        }
    }
}

/// What a filter compares with.
#[derive(Debug)]
pub(super) enum Operand {
    Null,
    Bool(bool),
    Num(Num),
    Str(String),
    /// An array or object, and its JSON text.
    Nested(Value, String),
}

impl From<&Value> for Operand {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Num(num(number)),
            Value::String(text) => Self::Str(text.clone()),
            nested => Self::Nested(nested.clone(), json_text(nested)),
        }
    }
}

impl Operand {
    /// Equal; null equals what is missing.
    pub fn equals(&self, item: &Item<'_>) -> bool {
        match (self, item) {
            (Self::Null, Item::Null | Item::Missing) => true,
            (Self::Bool(a), Item::Bool(b)) => a == b,
            (Self::Num(a), Item::Num(b)) => compare(*a, *b).is_eq(),
            (Self::Str(a), Item::Str(b)) => a == b,
            (Self::Nested(value, _), Item::Array(view) | Item::Object(view)) => equal(value, *view),
            _ => false,
        }
    }

    /// How the item stands to the operand, if both are of one type; null is of none.
    pub fn order(&self, item: &Item<'_>) -> Option<Ordering> {
        match (self, item) {
            (Self::Bool(a), Item::Bool(b)) => Some(b.cmp(a)),
            (Self::Num(a), Item::Num(b)) => Some(compare(*b, *a)),
            (Self::Str(a), Item::Str(b)) => Some((**b).cmp(a.as_str())),
            (Self::Nested(Value::Array(_), text), Item::Array(view)) | (Self::Nested(Value::Object(_), text), Item::Object(view)) => {
                Some(view.to_json().ok()?.as_str().cmp(text))
            }
            _ => None,
        }
    }
}

/// The JSON text a stored value has once it was written.
pub(super) fn json_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    View::parse(&bytes).and_then(View::to_json).unwrap_or_default()
}

pub(super) fn num(number: &serde_json::Number) -> Num {
    number.as_i64().map_or_else(|| Num::Float(number.as_f64().unwrap_or(0.0)), Num::Int)
}

/// The number as it is shown: whole ones below 2⁵³ without a fraction.
pub(super) fn whole(number: &serde_json::Number) -> Value {
    match num(number) {
        Num::Float(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => Value::from(float as i64),
        number => number.into(),
    }
}

/// Exact, also between integers and doubles that no double can tell apart.
pub(super) fn compare(a: Num, b: Num) -> Ordering {
    match (a, b) {
        (Num::Int(a), Num::Int(b)) => a.cmp(&b),
        (Num::Float(a), Num::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (Num::Int(a), Num::Float(b)) => int_float(a, b),
        (Num::Float(a), Num::Int(b)) => int_float(b, a).reverse(),
    }
}

/// 2⁶³, the first double above every i64.
pub(super) const TWO_63: f64 = 9_223_372_036_854_775_808.0;

fn int_float(a: i64, b: f64) -> Ordering {
    if b >= TWO_63 {
        Ordering::Less
    } else if b < -TWO_63 {
        Ordering::Greater
    } else {
        a.cmp(&(b as i64)).then_with(|| 0.0.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))
    }
}

fn equal(value: &Value, view: View<'_>) -> bool {
    match value {
        Value::Null => view.is_null(),
        Value::Bool(flag) => view.as_bool() == Some(*flag),
        Value::Number(number) => view.as_number().is_some_and(|other| compare(num(number), other).is_eq()),
        Value::String(text) => view.as_str().is_some_and(|other| other == text.as_str()),
        Value::Array(items) => {
            let mut others = view.elements();
            view.kind() == Kind::Array && items.iter().all(|item| others.next().is_some_and(|other| equal(item, other))) && others.next().is_none()
        }
        Value::Object(map) => {
            view.kind() == Kind::Object
                && view.entries().count() == map.len()
                && map.iter().all(|(key, value)| view.get(key).is_some_and(|other| equal(value, other)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_doubles_compare_by_value() {
        for (int, float, expected) in [
            (1, 1.0, Ordering::Equal),
            (1, 1.5, Ordering::Less),
            (-1, -1.5, Ordering::Greater),
            (0, -0.0, Ordering::Equal),
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (i64::MAX, TWO_63, Ordering::Less),
            (i64::MIN, -TWO_63, Ordering::Equal),
            (i64::MIN, -1e300, Ordering::Greater),
        ] {
            assert_eq!(compare(Num::Int(int), Num::Float(float)), expected, "{int} {float}");
            assert_eq!(compare(Num::Float(float), Num::Int(int)), expected.reverse(), "{float} {int}");
        }
    }
}
