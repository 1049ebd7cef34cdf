//! System fields in a body: ignored from apps, taken from secret keys and developers (`02-data.md` §3).

use serde_json::{Map, Value};

use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::tables::check::read_date;
use crate::domain::tables::name::{is_record_id, is_system_field};
use crate::domain::tables::value::describe;
use crate::domain::time::Millis;

/// Characters of `createdBy`.
const MAX_CREATED_BY: usize = 64;

/// Whether a key of a body means nothing to a record: a system field, `_id`, or what an `include` has added.
pub fn is_ignored(key: &str) -> bool {
    key == "_included" || is_system_field(key)
}

/// Drops what is ignored.
pub fn strip(body: &mut Map<String, Value>) {
    body.retain(|key, _| !is_ignored(key));
}

/// What a privileged caller has set; null counts as not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemFields {
    pub id: Option<String>,
    pub created_by: Option<String>,
    pub created_at: Option<Millis>,
    pub updated_at: Option<Millis>,
}

impl SystemFields {
    /// Takes `id`, `createdBy`, `createdAt` and `updatedAt` out of the body of a create.
    ///
    /// # Errors
    /// `data/validation-error`.
    pub fn take_for_create(body: &mut Map<String, Value>) -> Result<Self> {
        let mut details = Vec::new();
        let taken = Self {
            id: sent(body, "id").and_then(|v| id(&v, &mut details)),
            created_by: sent(body, "createdBy").and_then(|v| created_by(&v, &mut details)),
            created_at: sent(body, "createdAt").and_then(|v| instant("createdAt", &v, &mut details)),
            updated_at: sent(body, "updatedAt").and_then(|v| instant("updatedAt", &v, &mut details)),
        };
        finish(taken, body, details)
    }

    /// Takes `createdBy` out of the body of a PATCH, PUT or upsert; the others are ignored there.
    ///
    /// # Errors
    /// `data/validation-error`.
    pub fn take_for_update(body: &mut Map<String, Value>) -> Result<Self> {
        let mut details = Vec::new();
        let value = sent(body, "createdBy").or_else(|| body.get_mut("$set").and_then(Value::as_object_mut).and_then(|set| sent(set, "createdBy")));
        let taken = Self { created_by: value.and_then(|v| created_by(&v, &mut details)), ..Self::default() };
        finish(taken, body, details)
    }
}

fn sent(body: &mut Map<String, Value>, key: &str) -> Option<Value> {
    body.shift_remove(key).filter(|v| !v.is_null())
}

fn finish(taken: SystemFields, body: &mut Map<String, Value>, details: Vec<Detail>) -> Result<SystemFields> {
    strip(body);
    if details.is_empty() { Ok(taken) } else { Err(Error::with_details(Code::VALIDATION_ERROR, details)) }
}

fn id(value: &Value, details: &mut Vec<Detail>) -> Option<String> {
    match value.as_str() {
        Some(text) if is_record_id(text) => return Some(text.to_owned()),
        Some(_) => {
            details.push(Detail::new("id", "pattern", "id must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -, and not a word of the routes such as query"))
        }
        None => details.push(Detail::new("id", "type", format!("id must be a string, not {}", describe(value)))),
    }
    None
}

fn created_by(value: &Value, details: &mut Vec<Detail>) -> Option<String> {
    match value.as_str() {
        Some(text) if text.contains('\0') => details.push(Detail::new("createdBy", "characters", "createdBy contains the character U+0000")),
        Some(text) if text.chars().count() <= MAX_CREATED_BY => return Some(text.to_owned()),
        Some(_) => details.push(Detail::new("createdBy", "maxLength", format!("createdBy must have at most {MAX_CREATED_BY} characters"))),
        None => details.push(Detail::new("createdBy", "type", format!("createdBy must be a string, not {}", describe(value)))),
    }
    None
}

fn instant(name: &str, value: &Value, details: &mut Vec<Detail>) -> Option<Millis> {
    read_date(value).map_err(|rule| details.push(Detail::new(name, rule, format!("{name} must be a time such as 2026-01-15T10:30:00.000Z")))).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn system_fields_and_included_in_a_body_are_ignored() {
        let mut body = map(json!({"_id": 1, "id": 1, "createdBy": 1, "createdAt": 1, "updatedAt": 1, "_included": {}, "a": 1}));
        strip(&mut body);
        assert_eq!(Value::Object(body), json!({"a": 1}));
    }

    #[test]
    fn a_secret_key_sets_them_on_create() {
        let mut body = map(json!({"id": "data_7c1e", "createdBy": "ben", "createdAt": "2026-01-01", "updatedAt": 5, "a": 1}));
        let taken = SystemFields::take_for_create(&mut body).unwrap();
        assert_eq!((taken.id.as_deref(), taken.created_by.as_deref(), taken.updated_at), (Some("data_7c1e"), Some("ben"), Some(5)));
        assert_eq!(crate::domain::time::iso(taken.created_at.unwrap()), "2026-01-01T00:00:00.000Z");
        assert_eq!(Value::Object(body), json!({"a": 1}));
    }

    #[test]
    fn on_update_only_created_by_is_taken() {
        let mut body = map(json!({"id": "x", "updatedAt": "no date", "$set": {"createdBy": ""}}));
        assert_eq!(SystemFields::take_for_update(&mut body).unwrap(), SystemFields { created_by: Some(String::new()), ..SystemFields::default() });
    }

    #[test]
    fn what_cannot_be_taken_is_told() {
        for (body, expected) in [
            (json!({"id": "query"}), "id/pattern"),
            (json!({"id": "a.b"}), "id/pattern"),
            (json!({"id": 7}), "id/type"),
            (json!({"createdBy": "x".repeat(65)}), "createdBy/maxLength"),
            (json!({"createdBy": []}), "createdBy/type"),
            (json!({"createdAt": "soon"}), "createdAt/date"),
            (json!({"updatedAt": true}), "updatedAt/type"),
        ] {
            let error = SystemFields::take_for_create(&mut map(body)).unwrap_err();
            let detail = &error.detail_list()[0];
            assert_eq!(format!("{}/{}", detail.field, detail.rule), expected);
        }
    }
}
