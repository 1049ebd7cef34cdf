//! Checks values against their declared types and brings them into canonical form (`02-data.md` §3, §4).

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::field::{Field, FieldKind};
use super::name::is_forbidden_key;
use super::value::{NotInt, canonical_number, describe, equal, identity, to_double, to_int};
use crate::domain::error::{Detail, clip};
use crate::domain::time::{self, Millis};

mod rules;

/// Entries of `details` (§4).
pub const MAX_DETAILS: usize = 50;
/// Objects and arrays inside each other (§12).
pub const MAX_DEPTH: usize = 64;
/// Keys of one object (§12).
pub const MAX_KEYS: usize = 2000;
/// Characters of a key (§3).
pub const MAX_KEY: usize = 128;

/// Where in a record the check is; lives on the stack and becomes text only when something is wrong.
#[derive(Clone, Copy)]
pub struct At<'p> {
    parent: Option<&'p At<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> At<'p> {
    pub fn field(name: &'p str) -> Self {
        Self { parent: None, step: Step::Key(name) }
    }

    fn key<'q>(&'q self, name: &'q str) -> At<'q> {
        At { parent: Some(self), step: Step::Key(name) }
    }

    fn index(&self, index: usize) -> At<'_> {
        At { parent: Some(self), step: Step::Index(index) }
    }
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Key(name) => f.write_str(&clip(name)),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

/// One run over values: collects what is wrong, at most [`MAX_DETAILS`] entries, and normalises what is right.
#[derive(Default)]
pub struct Check {
    pub details: Vec<Detail>,
    /// Time of the write; set when missing keys take their defaults.
    fill: Option<Millis>,
}

impl Check {
    /// Missing keys stay missing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Missing keys take their defaults; `"$now"` is `now`.
    pub fn filling(now: Millis) -> Self {
        Self { details: Vec::new(), fill: Some(now) }
    }

    pub fn fail(&mut self, at: &At<'_>, rule: &str, message: impl FnOnce(&str) -> String) {
        if self.details.len() < MAX_DETAILS {
            let field = at.to_string();
            let message = message(&field);
            self.details.push(Detail::new(field, rule, message));
        }
    }

    /// A value that was sent for a declared field.
    pub fn value(&mut self, field: &Field, value: &mut Value, at: &At<'_>, depth: usize) {
        if value.is_null() {
            if !field.takes_null() {
                self.fail(at, "required", |f| format!("{f} is required and must not be null"));
            }
            return;
        }
        let before = self.details.len();
        match field.kind {
            FieldKind::String => self.string(field, value, at),
            FieldKind::Int | FieldKind::Double => self.number(field.kind, value, at),
            FieldKind::Bool => self.expect(value.is_boolean(), "true or false", value, at),
            FieldKind::Date => self.date(value, at),
            FieldKind::Object => match value {
                Value::Object(map) => self.object(&field.properties, field.additional_properties, map, Some(at), depth),
                _ => self.expect(false, "an object", value, at),
            },
            FieldKind::Array => match value {
                Value::Array(list) => self.array(field.items.as_deref(), list, at, depth),
                _ => self.expect(false, "an array", value, at),
            },
            FieldKind::Mixed => self.any(value, at, depth),
        }
        // Rules follow only when the type holds; inside objects and arrays every member has been told already.
        if self.details.len() == before || (value.is_array() && field.kind == FieldKind::Array) {
            self.rules(field, value, at);
        }
    }

    /// A declared field that was not sent: takes its default, or fails when required.
    pub fn missing(&mut self, field: &Field, at: &At<'_>, depth: usize) -> Option<Value> {
        if let Some(mut value) = self.fill.and_then(|now| field.default_at(now)) {
            self.value(field, &mut value, at, depth);
            return Some(value);
        }
        if field.required {
            self.fail(at, "required", |f| format!("{f} is required"));
        }
        None
    }

    /// An object with declared members; `at` is `None` for the record itself.
    pub fn object(&mut self, fields: &IndexMap<String, Field>, additional: bool, map: &mut Map<String, Value>, at: Option<&At<'_>>, depth: usize) {
        if !self.fits(map.len(), at, depth) {
            return;
        }
        for (name, field) in fields {
            let here = place(at, name);
            match map.get_mut(name) {
                Some(value) => self.value(field, value, &here, depth + 1),
                None => {
                    if let Some(default) = self.missing(field, &here, depth + 1) {
                        map.insert(name.clone(), default);
                    }
                }
            }
        }
        for (key, value) in map.iter_mut() {
            if !fields.contains_key(key) {
                self.undeclared(key, value, &place(at, key), additional, depth + 1);
            }
        }
    }

    /// A key that no declaration names.
    pub fn undeclared(&mut self, key: &str, value: &mut Value, at: &At<'_>, additional: bool, depth: usize) {
        if let Some((rule, message)) = bad_key(key) {
            self.fail(at, rule, |_| message);
        } else if additional {
            self.any(value, at, depth);
        } else {
            self.fail(at, "additionalFields", |f| format!("{f} is not declared, and only declared fields are accepted here"));
        }
    }

    /// Any JSON: only keys, depth, size and characters are looked at.
    pub fn any(&mut self, value: &mut Value, at: &At<'_>, depth: usize) {
        match value {
            Value::Number(n) => *n = canonical_number(n),
            Value::String(text) => self.characters(text, at),
            Value::Array(list) => self.array(None, list, at, depth),
            Value::Object(map) => self.object(&IndexMap::new(), true, map, Some(at), depth),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn array(&mut self, items: Option<&Field>, list: &mut [Value], at: &At<'_>, depth: usize) {
        if !self.fits(0, Some(at), depth) {
            return;
        }
        for (index, item) in list.iter_mut().enumerate() {
            let here = at.index(index);
            match items {
                Some(field) if item.is_null() && !field.nullable => self.expect(field.kind == FieldKind::Mixed, article(field.kind), item, &here),
                Some(field) => self.value(field, item, &here, depth + 1),
                None => self.any(item, &here, depth + 1),
            }
        }
    }

    /// Depth and number of keys of an object or array.
    fn fits(&mut self, keys: usize, at: Option<&At<'_>>, depth: usize) -> bool {
        let record = At::field("record");
        let at = at.unwrap_or(&record);
        if depth > MAX_DEPTH {
            self.fail(at, "depth", |f| format!("{} is nested more than {MAX_DEPTH} levels deep", clip(f)));
            return false;
        }
        if keys > MAX_KEYS {
            self.fail(at, "limit", |f| format!("{f} has {keys} keys; an object may have {MAX_KEYS}"));
            return false;
        }
        true
    }

    /// The number of top-level fields of a record.
    pub fn size(&mut self, keys: usize) {
        self.fits(keys, None, 0);
    }

    fn string(&mut self, field: &Field, value: &Value, at: &At<'_>) {
        match value {
            Value::String(text) => {
                self.characters(text, at);
                if field.reference.is_some() {
                    self.reference(text, at);
                }
            }
            other => self.expect(false, "a string", other, at),
        }
    }

    fn reference(&mut self, text: &str, at: &At<'_>) {
        if text.is_empty() {
            self.fail(at, "minLength", |f| format!("{f} must be the id of a record, 1 to 64 characters, or null"));
        } else if text.chars().count() > 64 {
            self.fail(at, "maxLength", |f| format!("{f} must be the id of a record, at most 64 characters"));
        }
    }

    fn characters(&mut self, text: &str, at: &At<'_>) {
        if text.contains('\0') {
            self.fail(at, "characters", |f| format!("{f} contains the character U+0000, which cannot be stored"));
        }
    }

    fn number(&mut self, kind: FieldKind, value: &mut Value, at: &At<'_>) {
        let Value::Number(n) = value else {
            return self.expect(false, article(kind), value, at);
        };
        if kind == FieldKind::Double {
            *n = to_double(n);
            return;
        }
        match to_int(n) {
            Ok(i) => *n = i.into(),
            Err(NotInt::Fraction) => self.fail(at, "type", |f| format!("{f} must be a whole number, not {n}")),
            Err(NotInt::Range) => self.fail(at, "range", |f| format!("{f} must be between -9223372036854775808 and 9223372036854775807")),
        }
    }

    fn date(&mut self, value: &mut Value, at: &At<'_>) {
        match read_date(value) {
            Ok(ms) => *value = time::iso(ms).into(),
            Err("type") => self.expect(false, "a date such as 2026-01-15T10:30:00.000Z", value, at),
            Err(rule) => {
                let sent = clip(&value.to_string());
                self.fail(at, rule, |f| format!("{f} must be a date such as 2026-01-15 or 2026-01-15T10:30:00.000Z, not {sent}"));
            }
        }
    }

    fn expect(&mut self, holds: bool, wanted: &str, value: &Value, at: &At<'_>) {
        if !holds {
            let got = describe(value);
            self.fail(at, "type", |f| format!("{f} must be {wanted}, not {got}"));
        }
    }

    fn one_of(&mut self, values: &[Value], value: &Value, at: &At<'_>) {
        if !values.iter().any(|v| equal(v, value)) {
            let list = clip(&values.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
            self.fail(at, "enum", |f| format!("{f} must be one of {list}"));
        }
    }

    fn all_different(&mut self, list: &[Value], at: &At<'_>) {
        let mut seen = HashSet::new();
        if !list.iter().all(|v| seen.insert(identity(v))) {
            self.fail(at, "uniqueItems", |f| format!("{f} must not contain the same value twice"));
        }
    }
}

fn place<'q>(at: Option<&'q At<'q>>, name: &'q str) -> At<'q> {
    at.map_or_else(|| At::field(name), |at| at.key(name))
}

/// What a value of a type is called: `a string`, `an array`.
pub(super) fn article(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::String => "a string",
        FieldKind::Int => "a whole number",
        FieldKind::Double => "a number",
        FieldKind::Bool => "true or false",
        FieldKind::Date => "a date",
        FieldKind::Object => "an object",
        FieldKind::Array => "an array",
        FieldKind::Mixed => "any value",
    }
}

/// Reads a date as §3 accepts it: a text, or a whole number of milliseconds since the epoch.
///
/// # Errors
/// The rule it breaks: `type` or `date`.
pub fn read_date(value: &Value) -> Result<Millis, &'static str> {
    match value {
        Value::String(text) => time::parse(text).ok_or("date"),
        Value::Number(n) => to_int(n).ok().filter(|ms| (time::MIN..=time::MAX).contains(ms)).ok_or("date"),
        _ => Err("type"),
    }
}

/// What is wrong with a key of a record, as rule and sentence.
pub fn bad_key(key: &str) -> Option<(&'static str, String)> {
    let shown = clip(key);
    if key.contains('\0') {
        return Some(("characters", format!("the key \"{shown}\" contains the character U+0000, which cannot be stored")));
    }
    let why = if key.is_empty() {
        "is empty".to_owned()
    } else if key.chars().count() > MAX_KEY {
        format!("is longer than {MAX_KEY} characters")
    } else if key.starts_with('$') {
        "starts with $".to_owned()
    } else if key.contains('.') {
        "contains a dot".to_owned()
    } else if is_forbidden_key(key) {
        "is reserved".to_owned()
    } else {
        return None;
    };
    Some(("fieldName", format!("the key \"{shown}\" {why}; use 1 to {MAX_KEY} characters without a leading $ and without dots")))
}

/// Checks and normalises one value of a field outside of a record, such as a default.
pub fn check_alone(field: &Field, value: &mut Value, name: &str) -> Vec<Detail> {
    let mut check = Check::new();
    check.value(field, value, &At::field(name), 1);
    check.details
}

#[cfg(test)]
mod tests;
