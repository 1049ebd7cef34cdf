//! JSON values as records hold them: canonical numbers, and equality the way MongoDB means it.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// 2⁵³: whole doubles below are exact and printed without a fraction.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// 2⁶³.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Why a number is no `int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInt {
    Fraction,
    Range,
}

/// A number without fraction in ±2⁶³, however it was written (`5`, `5.0`, `5e0`).
pub fn to_int(n: &Number) -> Result<i64, NotInt> {
    if let Some(i) = n.as_i64() {
        return Ok(i);
    }
    // -2⁶³ as a double is out: it is also what the text -9223372036854775809 reads as.
    match n.as_f64() {
        Some(f) if f.fract() != 0.0 => Err(NotInt::Fraction),
        Some(f) if !n.is_u64() && f > -TWO_63 && f < TWO_63 => Ok(f as i64),
        _ => Err(NotInt::Range),
    }
}

/// The canonical form of a double: `5` for `5.0` below 2⁵³, `0` for `-0`.
pub fn double(f: f64) -> Option<Number> {
    if f.fract() == 0.0 && f.abs() < EXACT { Some(Number::from(f as i64)) } else { Number::from_f64(f) }
}

/// What a `double` field stores for a number.
pub fn to_double(n: &Number) -> Number {
    n.as_f64().and_then(double).unwrap_or_else(|| n.clone())
}

/// What an undeclared or `mixed` field stores: integers within ±2⁶³ exactly, everything else as a double.
pub fn canonical_number(n: &Number) -> Number {
    if n.is_i64() { n.clone() } else { to_double(n) }
}

/// Brings every number of a value into its canonical form.
pub fn canonicalise(value: &mut Value) {
    match value {
        Value::Number(n) => *n = canonical_number(n),
        Value::Array(list) => list.iter_mut().for_each(canonicalise),
        Value::Object(map) => map.values_mut().for_each(canonicalise),
        _ => {}
    }
}

/// The exact numeric order of two numbers, whole or not.
pub fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let (x, y) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            x.partial_cmp(&y).unwrap_or(Ordering::Equal)
        }
    }
}

/// A whole number that fits, exactly.
fn whole(n: &Number) -> Option<i128> {
    if let Some(i) = n.as_i64() {
        return Some(i.into());
    }
    if let Some(u) = n.as_u64() {
        return Some(u.into());
    }
    n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e37).map(|f| f as i128)
}

/// Equality of §6.2: numbers by value, objects irrespective of key order, arrays element by element.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equal(v, w))),
        _ => a == b,
    }
}

/// A text that two values share exactly when they are [`equal`]; for sets of values.
pub fn identity(value: &Value) -> String {
    let mut out = String::new();
    write_identity(value, &mut out);
    out
}

fn write_identity(value: &Value, out: &mut String) {
    match value {
        Value::Number(n) => match whole(n) {
            Some(i) => out.push_str(&i.to_string()),
            None => out.push_str(&n.to_string()),
        },
        Value::Array(list) => {
            out.push('[');
            for item in list {
                write_identity(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for key in keys {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_identity(&map[key.as_str()], out);
                out.push(',');
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// What a value is, for messages: `a string`, `null`, `an object`.
pub fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn int_takes_whole_numbers_however_written() {
        for (text, expected) in [
            ("5", Ok(5)),
            ("5.0", Ok(5)),
            ("1e3", Ok(1000)),
            ("-0.0", Ok(0)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("-9223372036854775808.0", Err(NotInt::Range)),
            ("9223372036854775808", Err(NotInt::Range)),
            ("-9223372036854775809", Err(NotInt::Range)),
            ("1e300", Err(NotInt::Range)),
            ("12.5", Err(NotInt::Fraction)),
        ] {
            assert_eq!(to_int(&number(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_double_is_printed_without_fraction_when_whole_below_2_to_the_53() {
        for (text, expected) in [
            ("5.0", "5"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("9007199254740991.0", "9007199254740991"),
            ("9007199254740993", "9007199254740992.0"),
            ("1e300", "1e+300"),
        ] {
            assert_eq!(to_double(&number(text)).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn undeclared_integers_beyond_2_to_the_63_become_doubles() {
        assert_eq!(canonical_number(&number("9223372036854775807")).to_string(), "9223372036854775807");
        assert_eq!(canonical_number(&number("9223372036854775808")).as_f64(), Some(TWO_63));
        assert!(!canonical_number(&number("9223372036854775808")).is_u64());
    }

    #[test]
    fn objects_are_equal_irrespective_of_key_order() {
        let (a, b) = (json!({"x": 1, "y": [1, 2.0]}), json!({"y": [1.0, 2], "x": 1.0}));
        assert!(equal(&a, &b) && identity(&a) == identity(&b));
        assert!(!equal(&json!([1, 2]), &json!([2, 1])) && !equal(&json!(null), &json!(0)) && !equal(&json!(true), &json!("true")));
    }

    #[test]
    fn big_integers_and_doubles_compare_exactly() {
        assert_eq!(compare_numbers(&number("9007199254740993"), &number("9007199254740992.0")), Ordering::Greater);
        assert_eq!(compare_numbers(&number("9223372036854775807"), &number("9223372036854775808.0")), Ordering::Less);
        assert_eq!(compare_numbers(&number("1"), &number("1.5")), Ordering::Less);
    }

    proptest! {
        #[test]
        fn canonical_twice_is_canonical_once(f in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            let once = canonical_number(&Number::from_f64(f).unwrap());
            prop_assert_eq!(canonical_number(&once), once.clone());
            prop_assert_eq!(to_double(&to_double(&once)), to_double(&once));
            prop_assert_eq!(once.as_f64().unwrap(), f);
        }
    }
}
