//! What is wrong with a value that has not the type it should have, in words for people who know no Rust.

/// Tells of a value what serde says of it: `field must be a whole number, not "ten"`. What serde did not say itself stays as
/// it is.
pub fn told(field: &str, error: &str) -> String {
    match parts(error) {
        Some((expected, found)) => format!("{field} must be {expected}, not {found}"),
        None => format!("{field}: {error}"),
    }
}

fn parts(error: &str) -> Option<(String, String)> {
    let (found, expected) = error.rsplit_once(", expected ")?;
    if let Some(found) = found.strip_prefix("unknown variant ") {
        return Some((one_of(expected), format!("\"{}\"", found.trim_matches('`'))));
    }
    let found = ["invalid type: ", "invalid value: "].iter().find_map(|start| found.strip_prefix(start))?;
    Some((kind(expected)?.to_owned(), shown(found)))
}

/// `` `a` or `b` `` and `` one of `a`, `b`, `c` `` without the quotes.
fn one_of(expected: &str) -> String {
    expected.replace('`', "")
}

fn kind(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "a boolean" => "true or false",
        "a string" | "string or map" => "text",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ => return None,
    })
}

/// The value as it would stand in JSON, as far as serde tells it.
fn shown(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit value" => "null".to_owned(),
        _ => match found.split_once(' ') {
            Some(("string", text)) => text.to_owned(),
            Some(("integer" | "boolean", value)) => value.trim_matches('`').to_owned(),
            _ => found.strip_prefix("floating point ").unwrap_or(found).trim_matches('`').to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Auto,
        Real,
        Simulator,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        _count: u32,
    }

    #[test]
    fn types_are_named_in_plain_words() {
        fn said<T: serde::de::DeserializeOwned + std::fmt::Debug>(value: serde_json::Value) -> String {
            told("it", &serde_json::from_value::<T>(value).unwrap_err().to_string())
        }
        assert_eq!(said::<Inner>(json!(null)), "it must be an object, not null");
        assert_eq!(said::<Inner>(json!("x")), "it must be an object, not \"x\"");
        assert_eq!(said::<bool>(json!("yes, expected")), "it must be true or false, not \"yes, expected\"");
        assert_eq!(said::<String>(json!({})), "it must be text, not an object");
        assert_eq!(said::<Vec<u8>>(json!(5)), "it must be a list, not 5");
        assert_eq!(said::<i64>(json!(1.5)), "it must be a whole number, not 1.5");
        assert_eq!(said::<u32>(json!(-1)), "it must be a whole number from 0 to 4294967295, not -1");
        assert_eq!(said::<Mode>(json!("often")), "it must be one of auto, real, simulator, not \"often\"");
        assert_eq!(said::<Mode>(json!(true)), "it must be text, not true");
        assert_eq!(told("it", "something else"), "it: something else");
    }
}
