//! What an app notes about a file (`05-storage.md` §3).

use serde_json::{Map, Value};

use crate::domain::error::{Error, Result};

const MAX_BYTES: usize = 16 * 1024;
/// Members that hold a text of at most this many characters.
const TEXTS: [&str; 4] = ["category", "description", "alt", "relatedEntityId"];
const MAX_TEXT: usize = 1000;
const MAX_TAGS: usize = 50;
const MAX_TAG: usize = 100;

/// Puts members in place of those of the same name, one level deep; `null` removes one. Answers JSON text.
///
/// # Errors
/// `common/invalid-parameters` naming the member.
pub fn merge(stored: &str, given: &Value) -> Result<String> {
    let given = given.as_object().ok_or_else(|| bad("metadata", "must be a JSON object"))?;
    let mut all: Map<String, Value> = serde_json::from_str(stored).map_err(Error::internal)?;
    for (name, value) in given {
        if value.is_null() {
            all.shift_remove(name);
        } else {
            check(name, value)?;
            all.insert(name.clone(), value.clone());
        }
    }
    let text = serde_json::to_string(&all).map_err(Error::internal)?;
    if text.len() > MAX_BYTES {
        return Err(bad("metadata", &format!("may have {MAX_BYTES} bytes as JSON, not {}", text.len())));
    }
    Ok(text)
}

fn check(name: &str, value: &Value) -> Result<()> {
    let field = format!("metadata.{name}");
    let is_text = |value: &Value, most: usize| value.as_str().is_some_and(|text| text.chars().nth(most).is_none());
    match name {
        _ if TEXTS.contains(&name) && !is_text(value, MAX_TEXT) => Err(bad(&field, &format!("must be a text of at most {MAX_TEXT} characters"))),
        "tags" if !value.as_array().is_some_and(|tags| tags.len() <= MAX_TAGS && tags.iter().all(|tag| is_text(tag, MAX_TAG))) => {
            Err(bad(&field, &format!("must be a list of at most {MAX_TAGS} texts of at most {MAX_TAG} characters")))
        }
        "custom" if !value.is_object() => Err(bad(&field, "must be a JSON object")),
        _ => Ok(()),
    }
}

fn bad(field: &str, rule: &str) -> Error {
    Error::invalid_parameter(field, format!("{field} {rule}"))
}
