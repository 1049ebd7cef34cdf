//! Operands of filters: dates normalised, numbers as records store them.

use serde_json::{Number, Value};

use super::kinds::{Kinds, kind_of};
use crate::domain::error::clip;
use crate::domain::time;
use crate::store::query::ast::{Kind, Path};

/// A value to compare with what stands at `path`. For a declared date every form of `02-data.md` §3 becomes
/// `2026-01-15T10:30:00.000Z`; elsewhere the value stays what it is.
///
/// # Errors
/// A sentence, when a declared date is compared with something that is none.
pub(super) fn comparable(kinds: &dyn Kinds, path: &Path, value: &Value) -> Result<Value, String> {
    if kind_of(kinds, path) == Some(Kind::Date) { date(path, value) } else { Ok(plain(kinds, path, value)) }
}

fn date(path: &Path, value: &Value) -> Result<Value, String> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(list) => list.iter().map(|one| date(path, one)).collect::<Result<_, _>>().map(Value::Array),
        other => date_text(other)
            .map(Value::String)
            .ok_or_else(|| format!("{path} is a date; compare it with a text such as 2026-01-15T10:30:00Z, not {}", clip(&value.to_string()))),
    }
}

/// The stored form of a date given as text of any accepted form, or as whole epoch milliseconds.
pub fn date_text(value: &Value) -> Option<String> {
    let ms = match value {
        Value::String(text) => time::parse(text)?,
        Value::Number(number) => whole(number)?,
        _ => return None,
    };
    (time::MIN..=time::MAX).contains(&ms).then(|| time::iso(ms))
}

fn whole(number: &Number) -> Option<i64> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    number
        .as_i64()
        .or_else(|| number.as_f64().filter(|float| !number.is_u64() && float.fract() == 0.0 && *float >= -EDGE && *float < EDGE).map(|float| float as i64))
}

/// Declared dates inside objects are normalised where they can be read; integers beyond ±2⁶³ become doubles.
fn plain(kinds: &dyn Kinds, path: &Path, value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && number.as_i64().is_none() => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => Value::Array(list.iter().map(|one| plain(kinds, path, one)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, inner)| {
                    let mut steps = path.0.clone();
                    steps.push(key.clone());
                    let at = Path(steps);
                    let is_date = kind_of(kinds, &at) == Some(Kind::Date);
                    let read = if is_date { date(&at, inner).unwrap_or_else(|_| inner.clone()) } else { plain(kinds, &at, inner) };
                    (key.clone(), read)
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Reads text as a value of a declared kind; `None`: unreadable. [`Kind::Any`] is not for here.
pub fn read_text(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::String | Kind::Any => Some(Value::from(text)),
        Kind::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Int => whole(&number(text)?).map(Value::from),
        Kind::Double => number(text).map(Value::Number),
        Kind::Date => date_text(&Value::from(text)).or_else(|| date_text(&Value::Number(number(text)?))).map(Value::String),
    }
}

/// A number written as JSON writes them.
pub fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'-') || text.ends_with(|c: char| c.is_ascii_whitespace()) {
        return None;
    }
    let number: Number = serde_json::from_str(text).ok()?;
    if number.is_u64() && number.as_i64().is_none() { Number::from_f64(number.as_f64()?) } else { Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_read_by_its_declared_kind() {
        assert_eq!(read_text(Kind::Int, "12.0"), Some(json!(12)));
        assert_eq!(read_text(Kind::Int, "1e3"), Some(json!(1000)));
        assert_eq!(read_text(Kind::Int, "12.5"), None);
        assert_eq!(read_text(Kind::Int, "9223372036854775808"), None);
        assert_eq!(read_text(Kind::Int, "tall"), None);
        assert_eq!(read_text(Kind::Double, "-1.5"), Some(json!(-1.5)));
        for text in ["", "NaN", "Infinity", "1e999", "0x1", " 1", "1 ", "01", "\"1\""] {
            assert_eq!(read_text(Kind::Double, text), None, "{text}");
        }
        assert_eq!(read_text(Kind::Bool, "yes"), None);
        assert_eq!(read_text(Kind::Date, "0"), Some(json!("1970-01-01T00:00:00.000Z")));
        assert_eq!(read_text(Kind::Date, "2026-01-15 10:30"), Some(json!("2026-01-15T10:30:00.000Z")));
        assert_eq!(read_text(Kind::Date, "soon"), None);
    }
}
