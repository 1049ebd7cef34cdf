//! Turns stored values into another type when a declaration changes (`02-data.md` §11, "Type change").

use serde_json::{Number, Value};

use super::check::{article, check_alone, read_date};
use super::field::{Field, FieldKind};
use super::value::{canonical_number, canonicalise, describe, to_double, to_int};
use crate::domain::error::clip;
use crate::domain::time;

/// The value as the new type stores it. Null stays null; constraints are not looked at, they bind the next write.
/// Inside objects and arrays, what fits its declared type takes its canonical form and the rest stays as it is.
///
/// # Errors
/// A sentence saying why the value does not fit.
pub fn convert(value: &Value, to: &Field) -> Result<Value, String> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let converted = match to.kind {
        FieldKind::String => Some(to_text(value)),
        FieldKind::Int => number(value).and_then(|n| to_int(&n).ok()).map(Value::from),
        FieldKind::Double => number(value).map(|n| Value::Number(to_double(&n))),
        FieldKind::Bool => to_bool(value).map(Value::from),
        FieldKind::Date => read_date(value).ok().map(|ms| time::iso(ms).into()),
        FieldKind::Array => structure(value, to, Value::is_array),
        FieldKind::Object => structure(value, to, Value::is_object),
        FieldKind::Mixed => {
            let mut value = value.clone();
            canonicalise(&mut value);
            Some(value)
        }
    };
    converted.ok_or_else(|| format!("{} {} cannot become {}", describe(value), clip(&value.to_string()), article(to.kind)))
}

fn to_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        Value::Number(n) => decimal(n).into(),
        other => other.to_string().into(),
    }
}

/// Without exponent, and without fraction when whole.
fn decimal(n: &Number) -> String {
    match canonical_number(n) {
        n if n.is_i64() => n.to_string(),
        n => n.as_f64().map_or_else(|| n.to_string(), |f| format!("{f}")),
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(n) => Some(n.clone()),
        Value::Bool(flag) => Some(i64::from(*flag).into()),
        Value::String(text) => numeric(text.trim()),
        _ => None,
    }
}

/// A number written as text; words such as `inf` are none.
fn numeric(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}

fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(n) => match to_int(n) {
            Ok(0) => Some(false),
            Ok(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn structure(value: &Value, to: &Field, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut out = match value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    canonicalise(&mut out);
    if !wanted(&out) {
        return None;
    }
    check_alone(&to.bare(), &mut out, "value");
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ok(value: Value, to: FieldKind, expected: Value) {
        assert_eq!(convert(&value, &Field::of(to)).map(|v| v.to_string()), Ok(expected.to_string()), "{value} to {}", to.name());
    }

    fn no(value: Value, to: FieldKind) {
        assert!(convert(&value, &Field::of(to)).is_err(), "{value} to {}", to.name());
    }

    #[test]
    fn to_string_from_numbers_bool_date_object_and_array() {
        use FieldKind::String;
        ok(json!(5), String, json!("5"));
        ok(json!(5.0), String, json!("5"));
        ok(json!(0.1), String, json!("0.1"));
        ok(json!(1e21), String, json!("1000000000000000000000"));
        ok(json!(true), String, json!("true"));
        ok(json!("2026-01-01T00:00:00.000Z"), String, json!("2026-01-01T00:00:00.000Z"));
        ok(json!({"b": 1, "a": [2]}), String, json!(r#"{"b":1,"a":[2]}"#));
        ok(json!([1, "x"]), String, json!(r#"[1,"x"]"#));
    }

    #[test]
    fn to_numbers_from_each_other_numeric_strings_and_bool() {
        use FieldKind::{Double, Int};
        ok(json!(5.0), Int, json!(5));
        no(json!(5.5), Int);
        no(json!(1e300), Int);
        ok(json!("12"), Int, json!(12));
        ok(json!("-9223372036854775808"), Int, json!(i64::MIN));
        ok(json!("1e3"), Int, json!(1000));
        no(json!("12.5"), Int);
        ok(json!("12.5"), Double, json!(12.5));
        ok(json!(7), Double, json!(7));
        ok(json!(true), Int, json!(1));
        ok(json!(false), Double, json!(0));
        for bad in ["", " ", "x", "inf", "NaN", "1 2", "0x10", "Fern", "1e999"] {
            no(json!(bad), Int);
            no(json!(bad), Double);
        }
        no(json!([1]), Int);
        no(json!({}), Double);
        no(json!("2026-01-01T00:00:00.000Z"), Int);
    }

    #[test]
    fn to_bool_from_0_and_1_and_their_words() {
        use FieldKind::Bool;
        for (value, expected) in
            [(json!(0), false), (json!(1.0), true), (json!("true"), true), (json!("false"), false), (json!("0"), false), (json!("1"), true)]
        {
            ok(value, Bool, json!(expected));
        }
        for bad in [json!(2), json!("yes"), json!("TRUE"), json!(""), json!([]), json!({})] {
            no(bad, Bool);
        }
    }

    #[test]
    fn to_date_from_strings_and_epoch_milliseconds() {
        use FieldKind::Date;
        ok(json!("2026-03-01"), Date, json!("2026-03-01T00:00:00.000Z"));
        ok(json!(86_400_000), Date, json!("1970-01-02T00:00:00.000Z"));
        for bad in [json!("soon"), json!(1.5), json!(true), json!({}), json!(i64::MAX)] {
            no(bad, Date);
        }
    }

    #[test]
    fn to_array_and_object_from_strings_holding_such_json() {
        ok(json!("[1, 2.0]"), FieldKind::Array, json!([1, 2]));
        ok(json!("{\"a\": 1}"), FieldKind::Object, json!({"a": 1}));
        no(json!("{}"), FieldKind::Array);
        no(json!("[]"), FieldKind::Object);
        no(json!("x"), FieldKind::Array);
        no(json!(5), FieldKind::Array);
        no(json!({}), FieldKind::Array);
        no(json!(true), FieldKind::Object);
    }

    #[test]
    fn members_that_fit_their_declared_type_become_canonical_and_others_stay() {
        let input = json!({"f": {"type": "array", "maxItems": 1, "items": {"type": "object", "properties": {"at": "date", "n": "int"}}}});
        let field = &crate::domain::tables::schema::Schema::parse(&input, crate::domain::tables::schema::Mode::CREATE).unwrap().schema.fields["f"];
        let stored = json!([{"at": "2026-03-01", "n": "x"}, {"at": "soon"}]);
        assert_eq!(convert(&stored, field).unwrap(), json!([{"at": "2026-03-01T00:00:00.000Z", "n": "x"}, {"at": "soon"}]));
    }

    #[test]
    fn null_stays_null_and_mixed_takes_anything() {
        for kind in [FieldKind::String, FieldKind::Int, FieldKind::Date, FieldKind::Array, FieldKind::Mixed] {
            ok(json!(null), kind, json!(null));
        }
        ok(json!([5.0, {"a": true}]), FieldKind::Mixed, json!([5, {"a": true}]));
    }

    proptest! {
        #[test]
        fn an_int_survives_the_way_to_text_and_back(i in any::<i64>()) {
            let text = convert(&json!(i), &Field::of(FieldKind::String)).unwrap();
            prop_assert_eq!(convert(&text, &Field::of(FieldKind::Int)).unwrap(), json!(i));
        }

        #[test]
        fn a_double_survives_the_way_to_text_and_back(f in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            let stored = convert(&json!(f), &Field::of(FieldKind::Double)).unwrap();
            let text = convert(&stored, &Field::of(FieldKind::String)).unwrap();
            prop_assert_eq!(convert(&text, &Field::of(FieldKind::Double)).unwrap(), stored);
        }
    }
}
