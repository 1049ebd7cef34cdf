//! Carries out the operators of a PATCH on one document.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::patch::{Entry, Matches, Op, Patch};
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::tables::check::{MAX_DETAILS, check_alone, read_date};
use crate::domain::tables::field::{Field, FieldKind};
use crate::domain::tables::schema::Schema;
use crate::domain::tables::value::{canonicalise, compare_numbers, describe, double, equal, identity, to_int};
use crate::domain::time;

/// Why an operator cannot work: a fault of the request, or an error of the filter it carries.
enum Fault {
    Rule(&'static str, String),
    Error(Error),
}

type Outcome<T> = std::result::Result<T, Fault>;

fn rule<T>(rule: &'static str, message: String) -> Outcome<T> {
    Err(Fault::Rule(rule, message))
}

pub(super) fn apply(patch: &Patch, schema: &Schema, current: &Map<String, Value>, matches: Matches<'_>) -> Result<Map<String, Value>> {
    let mut doc = current.clone();
    let mut details = Vec::new();
    for entry in &patch.entries {
        match carry_out(entry, schema, &mut doc, matches) {
            Ok(()) => {}
            Err(Fault::Rule(rule, message)) => details.push(Detail::new(clip(&entry.path.join(".")), rule, message)),
            Err(Fault::Error(error)) => return Err(error),
        }
    }
    details.truncate(MAX_DETAILS);
    if details.is_empty() { Ok(doc) } else { Err(Error::with_details(Code::VALIDATION_ERROR, details)) }
}

fn carry_out(entry: &Entry, schema: &Schema, doc: &mut Map<String, Value>, matches: Matches<'_>) -> Outcome<()> {
    let name = clip(&entry.path.join("."));
    let makes = !matches!(entry.op, Op::Unset | Op::Pull(_) | Op::PopLast | Op::PopFirst);
    let Some(mut place) = locate(doc, &entry.path, makes).map_err(|why| Fault::Rule("path", format!("{name} cannot be reached: {why}")))? else {
        return Ok(());
    };
    let field = schema.field_at(&entry.path);
    let items = field.and_then(|f| f.items.as_deref());
    let old = place.get();
    let new = match &entry.op {
        Op::Set(value) => value.clone(),
        Op::Unset => return place.remove().map_err(|()| Fault::Rule("path", format!("{name} is an array position; use $pull or $pop to take elements out"))),
        Op::Inc(by) => arithmetic(&name, old, by, i64::checked_add, |a, b| a + b)?,
        Op::Mul(by) => arithmetic(&name, old, by, i64::checked_mul, |a, b| a * b)?,
        Op::Min(bound) => extreme(&name, field, old, bound, Ordering::Less)?,
        Op::Max(bound) => extreme(&name, field, old, bound, Ordering::Greater)?,
        Op::Push { each, position, slice } => push(array(&name, old)?.unwrap_or_default(), each, *position, *slice),
        Op::AddToSet(each) => add_to_set(array(&name, old)?.unwrap_or_default(), each, items),
        Op::Pull(what) => match array(&name, old)? {
            Some(list) => pull(list, what, items, matches)?,
            None => return Ok(()),
        },
        Op::PopLast | Op::PopFirst => match array(&name, old)? {
            Some(mut list) => {
                if entry.op == Op::PopLast {
                    list.pop();
                } else if !list.is_empty() {
                    list.remove(0);
                }
                Value::Array(list)
            }
            None => return Ok(()),
        },
    };
    place.set(new);
    Ok(())
}

/// Where the last step of a path leads.
enum Place<'d> {
    Member(&'d mut Map<String, Value>, String),
    Element(&'d mut Value),
}

impl Place<'_> {
    fn get(&self) -> Option<&Value> {
        match self {
            Self::Member(map, key) => map.get(key),
            Self::Element(value) => Some(value),
        }
    }

    fn set(&mut self, new: Value) {
        match self {
            Self::Member(map, key) => {
                map.insert(std::mem::take(key), new);
            }
            Self::Element(value) => **value = new,
        }
    }

    fn remove(&mut self) -> std::result::Result<(), ()> {
        match self {
            Self::Member(map, key) => {
                map.shift_remove(key.as_str());
                Ok(())
            }
            Self::Element(_) => Err(()),
        }
    }
}

/// Follows a path; missing objects are made when `makes`, else the answer is `None`.
fn locate<'d>(doc: &'d mut Map<String, Value>, path: &[String], makes: bool) -> std::result::Result<Option<Place<'d>>, String> {
    let (last, way) = path.split_last().expect("a path has at least one step");
    let Some((root, way)) = way.split_first() else {
        return Ok(Some(Place::Member(doc, last.clone())));
    };
    if !makes && !doc.contains_key(root) {
        return Ok(None);
    }
    let mut here = doc.entry(root.clone()).or_insert_with(|| Value::Object(Map::new()));
    for step in way {
        match step_into(here, step, makes)? {
            Some(inner) => here = inner,
            None => return Ok(None),
        }
    }
    match here {
        Value::Object(map) => Ok(Some(Place::Member(map, last.clone()))),
        other => Ok(step_into(other, last, makes)?.map(Place::Element)),
    }
}

/// One step down; what is not there is an error when things are made, else `None`.
fn step_into<'d>(value: &'d mut Value, step: &str, makes: bool) -> std::result::Result<Option<&'d mut Value>, String> {
    let found = match value {
        Value::Object(map) => {
            if !makes {
                return Ok(map.get_mut(step));
            }
            Ok(map.entry(step).or_insert_with(|| Value::Object(Map::new())))
        }
        Value::Array(list) => element(list, step),
        other => Err(format!("\"{}\" would have to be set inside {}", clip(step), describe(other))),
    };
    if makes { found.map(Some) } else { Ok(found.ok()) }
}

fn element<'d>(list: &'d mut [Value], step: &str) -> std::result::Result<&'d mut Value, String> {
    let length = list.len();
    let position = step.parse::<usize>().ok().filter(|_| step.bytes().all(|b| b.is_ascii_digit()));
    let found = position.and_then(|p| list.get_mut(p));
    found.ok_or_else(|| format!("the array has {length} elements and no position \"{}\"", clip(step)))
}

fn arithmetic(name: &str, old: Option<&Value>, by: &Number, whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64) -> Outcome<Value> {
    let zero = Number::from(0);
    let old = match old {
        None => &zero,
        Some(Value::Number(n)) => n,
        Some(other) => return rule("type", format!("{name} is {}, and only numbers can be calculated with", describe(other))),
    };
    if let (Ok(a), Ok(b)) = (to_int(old), to_int(by))
        && let Some(result) = whole(a, b)
    {
        return Ok(result.into());
    }
    let result = real(old.as_f64().unwrap_or(0.0), by.as_f64().unwrap_or(0.0));
    match double(result) {
        Some(n) => Ok(Value::Number(n)),
        None => rule("range", format!("{name} would become larger than a number can be")),
    }
}

/// `$min` and `$max`: the bound replaces the value when it lies on the `wanted` side of it.
fn extreme(name: &str, field: Option<&Field>, old: Option<&Value>, bound: &Value, wanted: Ordering) -> Outcome<Value> {
    let date = field.is_some_and(|f| f.kind == FieldKind::Date);
    let bound = match bound {
        value if date => match read_date(value) {
            Ok(ms) => Value::from(time::iso(ms)),
            Err(broken) => return rule(broken, format!("{name} is compared with a date such as 2026-01-15T10:30:00.000Z")),
        },
        Value::Number(_) => bound.clone(),
        other => return rule("type", format!("{name} is compared with a number, not {}", describe(other))),
    };
    let order = match (old, &bound) {
        (None, _) => return Ok(bound),
        (Some(Value::Number(old)), Value::Number(new)) => compare_numbers(new, old),
        (Some(Value::String(old)), Value::String(new)) if date => new.cmp(old),
        (Some(other), _) => return rule("type", format!("{name} is {}, which has no order with the value given", describe(other))),
    };
    Ok(if order == wanted { bound } else { old.cloned().unwrap_or(bound) })
}

fn array(name: &str, old: Option<&Value>) -> Outcome<Option<Vec<Value>>> {
    match old {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list.clone())),
        Some(other) => rule("type", format!("{name} is {}, not an array", describe(other))),
    }
}

/// A negative position counts from the end; a negative slice keeps the last elements.
fn push(mut list: Vec<Value>, each: &[Value], position: Option<i64>, slice: Option<i64>) -> Value {
    let length = list.len();
    let distance = |n: i64| usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let at = match position {
        None => length,
        Some(n) if n < 0 => length.saturating_sub(distance(n)),
        Some(n) => distance(n).min(length),
    };
    list.splice(at..at, each.iter().cloned());
    match slice {
        Some(n) if n < 0 => drop(list.drain(..list.len().saturating_sub(distance(n)))),
        Some(n) => list.truncate(distance(n)),
        None => {}
    }
    Value::Array(list)
}

fn add_to_set(mut list: Vec<Value>, each: &[Value], items: Option<&Field>) -> Value {
    let mut known: HashSet<String> = list.iter().map(identity).collect();
    for value in each {
        let value = as_item(value, items);
        if known.insert(identity(&value)) {
            list.push(value);
        }
    }
    Value::Array(list)
}

fn pull(mut list: Vec<Value>, what: &Value, items: Option<&Field>, matches: Matches<'_>) -> Outcome<Value> {
    if what.is_object() {
        let mut kept = Vec::with_capacity(list.len());
        for value in list {
            if !matches(what, &value).map_err(Fault::Error)? {
                kept.push(value);
            }
        }
        return Ok(Value::Array(kept));
    }
    let what = as_item(what, items);
    list.retain(|value| !equal(value, &what));
    Ok(Value::Array(list))
}

/// An operand in the form the array's elements are stored in; what does not fit is told by the check that follows.
fn as_item(value: &Value, items: Option<&Field>) -> Value {
    let mut value = value.clone();
    match items {
        Some(field) => drop(check_alone(field, &mut value, "item")),
        None => canonicalise(&mut value),
    }
    value
}
