//! Record bodies: what is sent is checked against the schema, completed and brought into canonical form
//! (`02-data.md` §3, §4).

use serde_json::{Map, Value};

use super::system_fields;
use crate::domain::error::{Code, Error, Result};
use crate::domain::tables::check::{At, Check};
use crate::domain::tables::schema::Schema;
use crate::domain::tables::value::describe;
use crate::domain::time::Millis;

/// The object a record is sent as.
///
/// # Errors
/// `data/validation-error` with rule `type`.
pub fn body_object(body: Value) -> Result<Map<String, Value>> {
    match body {
        Value::Object(map) => Ok(map),
        other => Err(Error::validation("body", "type", format!("the body must be an object with the fields of the record, not {}", describe(&other)))),
    }
}

/// A new record: system fields dropped, defaults filled, everything checked; declared fields first, in declared order.
///
/// # Errors
/// `data/validation-error` with up to 50 details.
pub fn check_create(schema: &Schema, additional_fields: bool, mut body: Map<String, Value>, now: Millis) -> Result<Map<String, Value>> {
    system_fields::strip(&mut body);
    let mut check = Check::filling(now);
    check.object(&schema.fields, additional_fields, &mut body, None, 0);
    finish(check)?;
    Ok(arrange(schema, body))
}

/// The content a record is replaced with; the same rules as for a new one.
///
/// # Errors
/// As [`check_create`].
pub fn check_put(schema: &Schema, additional_fields: bool, body: Map<String, Value>, now: Millis) -> Result<Map<String, Value>> {
    check_create(schema, additional_fields, body, now)
}

/// The changed top-level fields of a record; others are not looked at, and no defaults are filled.
///
/// # Errors
/// As [`check_create`].
pub fn check_changed(schema: &Schema, additional_fields: bool, doc: &mut Map<String, Value>, changed: &[String]) -> Result<()> {
    let mut check = Check::new();
    for (name, field) in schema.fields.iter().filter(|(name, _)| changed.contains(name)) {
        let at = At::field(name);
        match doc.get_mut(name) {
            Some(value) => check.value(field, value, &at, 1),
            None => drop(check.missing(field, &at, 1)),
        }
    }
    for name in changed.iter().filter(|name| !schema.fields.contains_key(*name)) {
        // Naming an undeclared field of a closed table is refused even when the change would only remove it.
        let mut removed = Value::Null;
        let value = doc.get_mut(name).unwrap_or(&mut removed);
        check.undeclared(name, value, &At::field(name), additional_fields, 1);
    }
    check.size(doc.len());
    finish(check)
}

fn finish(check: Check) -> Result<()> {
    if check.details.is_empty() { Ok(()) } else { Err(Error::with_details(Code::VALIDATION_ERROR, check.details)) }
}

/// Declared fields first, in declared order, then the others as they stand.
pub fn arrange(schema: &Schema, mut doc: Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::with_capacity(doc.len());
    for name in schema.fields.keys() {
        if let Some(value) = doc.get_mut(name) {
            out.insert(name.clone(), value.take());
        }
    }
    for (name, value) in doc {
        if !schema.fields.contains_key(&name) {
            out.insert(name, value);
        }
    }
    out
}

/// Bytes of a record as JSON; the limit is 1 MiB (§12).
pub fn json_len(doc: &Map<String, Value>) -> usize {
    let mut counter = Counter(0);
    // Writing a JSON value into a counter cannot fail.
    let _ = serde_json::to_writer(&mut counter, doc);
    counter.0
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
