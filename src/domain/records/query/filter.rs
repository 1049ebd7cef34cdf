//! Filters as JSON (`02-data.md` §6.2): what each entry of `andFilters`, `orFilters` and `filter` means.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::conditions::Conditions;
use super::kinds::Kinds;
use super::{operators, path};
use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::{Filter, Path, Test};

/// Logical operators, `$not` and `$elemMatch` around a condition (`02-data.md` §12).
pub const MAX_NESTING: usize = 10;
/// Conditions of one query.
pub const MAX_CONDITIONS: usize = 200;
/// Values of one `$in`, `$nin` or `$all`.
pub const MAX_VALUES: usize = 2_000;

/// What the entries of a filter are joined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    All,
    Any,
}

/// Reads the filters of one query, counting conditions and collecting the top-level fields they name.
pub(super) struct Reader<'k> {
    pub kinds: &'k dyn Kinds,
    pub fields: BTreeSet<String>,
    conditions: usize,
}

/// Where in the filters the reader is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// For error messages: `andFilters.age`.
    pub label: String,
    /// From the root of the record, for declared kinds.
    pub path: Path,
    pub depth: usize,
}

impl Place {
    pub fn refuse(&self, rule: &str, message: impl Into<String>) -> Error {
        Error::validation(&self.label, rule, message)
    }

    pub fn step(&self, name: &str) -> Self {
        Self { label: format!("{}.{}", self.label, clip(name)), ..self.clone() }
    }

    pub fn deeper(&self) -> Result<Self> {
        if self.depth >= MAX_NESTING {
            return Err(self.refuse("limit", format!("Filters may be nested {MAX_NESTING} deep; flatten this one")));
        }
        Ok(Self { depth: self.depth + 1, ..self.clone() })
    }
}

impl<'k> Reader<'k> {
    pub fn new(kinds: &'k dyn Kinds) -> Self {
        Self { kinds, fields: BTreeSet::new(), conditions: 0 }
    }

    /// A whole parameter: an object, or an array of objects.
    pub fn parameter(&mut self, name: &str, value: &Value, join: Join) -> Result<Filter> {
        let place = Place { label: name.to_owned(), path: Path(Vec::new()), depth: 0 };
        match value {
            Value::Object(map) => self.object(&place, map, join),
            Value::Array(list) if list.is_empty() => Ok(Filter::all()),
            Value::Array(list) => {
                let each = list.iter().enumerate().map(|(i, one)| match one {
                    Value::Object(map) => self.object(&place.step(&i.to_string()), map, Join::All),
                    _ => Err(not_json(name)),
                });
                Ok(joined(each.collect::<Result<_>>()?, join))
            }
            _ => Err(not_json(name)),
        }
    }

    /// A whole parameter as text; empty text is no filter.
    pub fn parameter_text(&mut self, name: &str, text: &str, join: Join) -> Result<Filter> {
        if text.trim().is_empty() {
            return Ok(Filter::all());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let message = format!("{name} must be JSON such as {{\"status\": \"open\"}}: {error}");
            Error::validation(name, "json", message)
        })?;
        self.parameter(name, &value, join)
    }

    /// The entries of one filter object. An empty one holds for everything.
    pub fn object(&mut self, place: &Place, map: &Map<String, Value>, join: Join) -> Result<Filter> {
        if map.is_empty() {
            return Ok(Filter::all());
        }
        let entries = map.iter().map(|(key, value)| self.entry(place, key, value)).collect::<Result<_>>()?;
        Ok(joined(entries, join))
    }

    fn entry(&mut self, place: &Place, key: &str, value: &Value) -> Result<Filter> {
        let here = place.step(key);
        match key {
            "$and" => Ok(Filter::And(self.branches(&here, value)?)),
            "$or" => Ok(Filter::Or(self.branches(&here, value)?)),
            "$nor" => Ok(Filter::Not(Box::new(Filter::Or(self.branches(&here, value)?)))),
            operator if operator.starts_with('$') => Err(operators::unknown(&here, operator, operators::Position::Top)),
            _ => {
                let (path, here) = self.enter(place, key)?;
                self.value(&here, &path, value)
            }
        }
    }

    /// The path of an entry relative to the filter it stands in, and its place in the record.
    pub fn enter(&mut self, place: &Place, key: &str) -> Result<(Path, Place)> {
        let mut here = place.step(key);
        let inner = !place.path.0.is_empty();
        let read = if inner { path::read_inner(key) } else { path::read(key) };
        let relative = read.map_err(|fault| here.refuse(fault.rule, fault.message))?;
        if !inner {
            self.fields.insert(relative.root().to_owned());
        }
        here.path.0.extend(relative.0.iter().cloned());
        Ok((relative, here))
    }

    /// What one entry says about the value at `path`.
    fn value(&mut self, here: &Place, path: &Path, value: &Value) -> Result<Filter> {
        match value {
            Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => self.operators(here, path, map),
            plain => Ok(self.test(here, "$eq", plain, &Map::new())?.at(path)),
        }
    }

    /// An object of operators about the value at `path`; all must hold.
    pub fn operators(&mut self, here: &Place, path: &Path, map: &Map<String, Value>) -> Result<Filter> {
        let mut all = Vec::new();
        for (name, operand) in map {
            let at = here.step(name);
            match name.as_str() {
                "$elemMatch" => all.push(self.element(&at, path, operand)?),
                "$options" if map.contains_key("$regex") => {}
                "$not" => {
                    let at = at.deeper()?;
                    let inner = operand.as_object().filter(|inner| !inner.is_empty() && inner.keys().all(|key| key.starts_with('$')));
                    let inner = inner.ok_or_else(|| at.refuse("operand", "$not takes an object of operators, such as {\"$gt\": 5}"))?;
                    all.push(Filter::Not(Box::new(self.operators(&at, path, inner)?)));
                }
                _ => all.push(self.test(here, name, operand, map)?.at(path)),
            }
        }
        Ok(joined(all, Join::All))
    }

    /// `$elemMatch`: operators on the element itself, or a filter on the fields of the element.
    fn element(&mut self, at: &Place, path: &Path, operand: &Value) -> Result<Filter> {
        let at = at.deeper()?;
        let map = operand.as_object().filter(|map| !map.is_empty());
        let map = map.ok_or_else(|| at.refuse("operand", "$elemMatch takes a non-empty object of conditions on one element"))?;
        let on_fields = map.keys().all(|key| !key.starts_with('$') || matches!(key.as_str(), "$and" | "$or" | "$nor"));
        if on_fields {
            let inner = self.object(&at, map, Join::All)?;
            return Ok(Filter::Field(path.clone(), Test::ElemMatch(Box::new(inner))));
        }
        Ok(self.element_conditions(&at, map)?.of_an_element(path))
    }

    fn element_conditions(&mut self, at: &Place, map: &Map<String, Value>) -> Result<Conditions> {
        let mut all = Vec::new();
        for (name, operand) in map {
            let here = at.step(name);
            match name.as_str() {
                "$elemMatch" => return Err(here.refuse("operand", "$elemMatch cannot test an element that is itself an array; name a field inside it")),
                "$options" if map.contains_key("$regex") => {}
                "$not" => {
                    let here = here.deeper()?;
                    let inner = operand.as_object().filter(|inner| !inner.is_empty());
                    let inner = inner.ok_or_else(|| here.refuse("operand", "$not takes an object of operators, such as {\"$gt\": 5}"))?;
                    all.push(self.element_conditions(&here, inner)?.negated());
                }
                _ => all.push(self.test(at, name, operand, map)?),
            }
        }
        Ok(Conditions::All(all))
    }

    /// One operator with its operand and the object it stands in (empty: an implied `$eq`); counts as a condition.
    pub fn test(&mut self, here: &Place, name: &str, operand: &Value, beside: &Map<String, Value>) -> Result<Conditions> {
        self.count(here)?;
        operators::read(self.kinds, here, name, operand, beside)
    }

    pub fn count(&mut self, here: &Place) -> Result<()> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(here.refuse("limit", format!("A query may have {MAX_CONDITIONS} conditions; use $in or split it")));
        }
        Ok(())
    }

    fn branches(&mut self, here: &Place, value: &Value) -> Result<Vec<Filter>> {
        let here = here.deeper()?;
        let wrong = || here.refuse("operand", "$and, $or and $nor take a non-empty array of filter objects");
        let list = value.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
        let each = list.iter().enumerate().map(|(i, one)| {
            let map = one.as_object().ok_or_else(wrong)?;
            self.object(&here.step(&i.to_string()), map, Join::All)
        });
        each.collect()
    }
}

/// Several filters as one, without a needless level.
pub(super) fn joined(mut list: Vec<Filter>, join: Join) -> Filter {
    match join {
        _ if list.len() == 1 => list.remove(0),
        Join::All => Filter::And(list),
        Join::Any => Filter::Or(list),
    }
}

fn not_json(name: &str) -> Error {
    Error::validation(name, "json", format!("{name} must be a JSON object or an array of JSON objects, such as {{\"status\": \"open\"}}"))
}
