//! `select`: which fields of a record an answer holds (`02-data.md` §6.1).

use serde_json::{Map, Value};

use super::kinds::is_system;
use super::params::{Source, beyond_limit};
use super::path::{self, MAX_STEPS};
use crate::domain::error::{Error, Result};
use crate::store::query::ast::Path;

/// Which fields are wanted. System fields always come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Select {
    #[default]
    All,
    /// These, whole; a path into an object or array picks that part of it.
    Only(Vec<Path>),
    /// All but these.
    Except(Vec<Path>),
}

/// What a selection takes of one top-level field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick<'s> {
    Whole,
    Nothing,
    /// Only what lies at these steps inside.
    Parts(Vec<&'s [String]>),
    /// All but what lies at these steps inside.
    Without(Vec<&'s [String]>),
}

impl Select {
    pub(super) fn read(source: Source<'_>) -> Result<Self> {
        let name = if source.in_params("fields") && !source.in_params("select") { "fields" } else { "select" };
        let mut items = source.list(name)?;
        if items.is_empty() && name == "select" {
            items = source.list("fields")?;
        }
        Self::from_items(name, &items)
    }

    fn from_items(name: &str, items: &[String]) -> Result<Self> {
        if items.is_empty() || items.iter().any(|item| item == "*") {
            return Ok(Self::All);
        }
        let excluding = items.iter().filter(|item| item.starts_with('-')).count();
        if excluding != 0 && excluding != items.len() {
            let message = format!("{name} either lists the fields to return or excludes some with -name; it does both");
            return Err(Error::invalid_parameter(name, message));
        }
        let mut paths = Vec::new();
        for item in items {
            match path::read(item.strip_prefix('-').unwrap_or(item)) {
                Ok(path) if !is_system(path.root()) && !paths.contains(&path) => paths.push(path),
                Ok(_) => {}
                Err(fault) if fault.rule == "limit" => return Err(beyond_limit(name, format!("{}; {name} takes at most {MAX_STEPS}", fault.message))),
                // No record has such a field; names that are unknown are ignored.
                Err(_) => {}
            }
        }
        Ok(if excluding != 0 { Self::Except(paths) } else { Self::Only(paths) })
    }

    /// What is taken of a top-level field.
    pub fn pick(&self, field: &str) -> Pick<'_> {
        let inside = |paths: &'_ [Path]| paths.iter().filter(|path| path.root() == field).map(|path| path.0.len()).min();
        match self {
            Self::All => Pick::Whole,
            _ if is_system(field) => Pick::Whole,
            Self::Only(paths) => match inside(paths) {
                None => Pick::Nothing,
                Some(1) => Pick::Whole,
                Some(_) => Pick::Parts(tails(paths, field)),
            },
            Self::Except(paths) => match inside(paths) {
                None => Pick::Whole,
                Some(1) => Pick::Nothing,
                Some(_) => Pick::Without(tails(paths, field)),
            },
        }
    }

    /// Leaves in a record only what is selected.
    pub fn apply(&self, record: &mut Map<String, Value>) {
        if *self == Self::All {
            return;
        }
        let taken = std::mem::take(record);
        record.extend(taken.into_iter().filter_map(|(field, value)| {
            let value = self.pick(&field).of(value)?;
            Some((field, value))
        }));
    }
}

impl Pick<'_> {
    /// What is taken of the field's value; `None`: the field is left out.
    pub fn of(&self, value: Value) -> Option<Value> {
        match self {
            Self::Whole => Some(value),
            Self::Nothing => None,
            Self::Parts(paths) => parts(value, paths),
            Self::Without(paths) => Some(without(value, paths)),
        }
    }
}

fn tails<'p>(paths: &'p [Path], field: &str) -> Vec<&'p [String]> {
    paths.iter().filter(|path| path.root() == field).map(|path| &path.0[1..]).collect()
}

/// The tails that lead on through `key`.
fn through<'p>(paths: &[&'p [String]], key: &str) -> Vec<&'p [String]> {
    paths.iter().filter(|path| path[0] == key).map(|path| &path[1..]).collect()
}

/// An object or array keeps what lies on the paths; a scalar on the way is nothing the paths name.
fn parts(value: Value, paths: &[&[String]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value);
    }
    match value {
        Value::Object(map) => Some(Value::Object(
            map.into_iter()
                .filter_map(|(key, inner)| {
                    let deeper = through(paths, &key);
                    if deeper.is_empty() { None } else { parts(inner, &deeper).map(|inner| (key, inner)) }
                })
                .collect(),
        )),
        Value::Array(list) => Some(Value::Array(
            list.into_iter()
                .enumerate()
                .filter_map(|(i, inner)| {
                    let here = through(paths, &i.to_string());
                    let every: Vec<_> = paths.iter().copied().filter(|path| !is_position(&path[0])).collect();
                    let all: Vec<_> = here.into_iter().chain(every).collect();
                    if all.is_empty() { None } else { parts(inner, &all) }
                })
                .collect(),
        )),
        _ => None,
    }
}

fn without(value: Value, paths: &[&[String]]) -> Value {
    let keep = |key: &str, inner: Value| {
        let deeper = through(paths, key);
        if deeper.iter().any(|path| path.is_empty()) {
            return None;
        }
        Some(if deeper.is_empty() { inner } else { without(inner, &deeper) })
    };
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter_map(|(key, inner)| keep(&key, inner).map(|inner| (key, inner))).collect()),
        Value::Array(list) => {
            let every: Vec<_> = paths.iter().copied().filter(|path| !is_position(&path[0])).collect();
            let each = list.into_iter().enumerate().filter_map(|(i, inner)| keep(&i.to_string(), inner));
            Value::Array(each.map(|inner| if every.is_empty() { inner } else { without(inner, &every) }).collect())
        }
        scalar => scalar,
    }
}

fn is_position(step: &str) -> bool {
    step.bytes().all(|b| b.is_ascii_digit())
}
