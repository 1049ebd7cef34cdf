//! Filters in brackets (`02-data.md` §6.5): `filter[age][$gte]=18`. Their values are text, read by declared type.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::conditions::Conditions;
use super::filter::{Join, MAX_VALUES, Place, Reader, joined};
use super::kinds::kind_of;
use super::operand::{number, read_text};
use super::operators::{self, Position};
use super::params::Params;
use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::{Filter, Kind, Path, Test};

/// The operators sent for one path, each with all its values.
type Entry = IndexMap<&'static str, Values>;

#[derive(Default)]
struct Values {
    texts: Vec<String>,
    /// Sent with `[]`: a list even when it holds one value.
    list: bool,
}

impl Reader<'_> {
    /// Every `name[path]=v` and `name[path][operator]=v` of a request.
    pub fn brackets(&mut self, name: &str, params: &Params, join: Join) -> Result<Option<Filter>> {
        let mut entries: IndexMap<String, Entry> = IndexMap::new();
        for (key, value) in params.iter() {
            let Some(rest) = key.strip_prefix(name).filter(|rest| rest.starts_with('[')) else { continue };
            let keys = split(rest).ok_or_else(|| Error::validation(clip(key), "path", format!("{} is not of the form {name}[field]=value", clip(key))))?;
            let place = Place { label: name.to_owned(), path: Path(Vec::new()), depth: 0 };
            let Some((path, operators)) = keys.split_first().filter(|(path, more)| !more.is_empty() || !is_index(path)) else { continue };
            if path.starts_with('$') {
                return Err(json_only(&place.step(path), path, name));
            }
            let (operator, list) = operator(&place.step(path), name, operators)?;
            let values = entries.entry((*path).to_owned()).or_default().entry(operator).or_default();
            values.texts.push(value.to_owned());
            values.list |= list;
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let filters = entries.iter().map(|(path, entry)| self.bracket_entry(name, path, entry)).collect::<Result<_>>()?;
        Ok(Some(joined(filters, join)))
    }

    fn bracket_entry(&mut self, name: &str, path: &str, entry: &Entry) -> Result<Filter> {
        let place = Place { label: name.to_owned(), path: Path(Vec::new()), depth: 0 };
        let (relative, here) = self.enter(&place, path)?;
        let kind = kind_of(self.kinds, &here.path).filter(|kind| *kind != Kind::Any);
        let options = entry.get("$options").and_then(|values| values.texts.last());
        let mut all = Vec::new();
        for (operator, values) in entry {
            if *operator == "$options" && entry.contains_key("$regex") {
                continue;
            }
            let at = if *operator == "$eq" { here.clone() } else { here.step(operator) };
            for condition in self.bracket_operator(&here, &at, operator, values, kind, options)? {
                all.push(condition.at(&relative));
            }
        }
        Ok(joined(all, Join::All))
    }

    fn bracket_operator(
        &mut self,
        here: &Place,
        at: &Place,
        operator: &str,
        values: &Values,
        kind: Option<Kind>,
        options: Option<&String>,
    ) -> Result<Vec<Conditions>> {
        let is_list = matches!(operator, "$in" | "$nin" | "$all" | "$between");
        let repeated = values.list || values.texts.len() > 1;
        match operator {
            _ if is_list => self.bracket_list(here, at, operator, &split_list(&values.texts), kind).map(|one| vec![one]),
            "$eq" if repeated => self.bracket_list(here, at, "$in", &values.texts, kind).map(|one| vec![one]),
            "$ne" if repeated => self.bracket_list(here, at, "$nin", &values.texts, kind).map(|one| vec![one]),
            _ => values.texts.iter().map(|text| self.bracket_value(here, at, operator, text, kind, options)).collect(),
        }
    }

    /// An operator that takes one value.
    fn bracket_value(&mut self, here: &Place, at: &Place, operator: &str, text: &str, kind: Option<Kind>, options: Option<&String>) -> Result<Conditions> {
        let mut beside = Map::new();
        beside.insert(operator.to_owned(), Value::from(text));
        let operand = match operator {
            "$exists" => read_text(Kind::Bool, text).ok_or_else(|| at.refuse("operand", "$exists takes true or false"))?,
            "$size" => number(text).map(Value::Number).ok_or_else(|| at.refuse("operand", "$size takes a whole number of at least 0"))?,
            "$startsWith" | "$endsWith" | "$like" | "$options" => Value::from(text),
            "$regex" => {
                beside.extend(options.map(|options| ("$options".to_owned(), Value::from(options.as_str()))));
                Value::from(text)
            }
            "$contains" => match (kind, reading(text)) {
                (None | Some(Kind::Int | Kind::Double | Kind::Bool), Some(typed)) => {
                    let both = [Value::from(text), typed].map(|operand| self.test(here, operator, &operand, &beside));
                    return Ok(Conditions::Any(both.into_iter().collect::<Result<_>>()?));
                }
                _ => Value::from(text),
            },
            "$eq" | "$ne" if kind.is_none() => {
                let list = if operator == "$eq" { "$in" } else { "$nin" };
                return self.bracket_list(here, at, list, &[text.to_owned()], kind);
            }
            "$gt" | "$gte" | "$lt" | "$lte" if kind.is_none() => number(text).map_or_else(|| Value::from(text), Value::Number),
            "$elemMatch" => return Err(json_only(at, "$elemMatch", "andFilters")),
            _ => self.declared(at, text, kind)?,
        };
        if operator == "$eq" {
            beside.clear();
        }
        self.test(here, operator, &operand, &beside)
    }

    /// An operator that takes a list of values.
    fn bracket_list(&mut self, here: &Place, at: &Place, operator: &str, texts: &[String], kind: Option<Kind>) -> Result<Conditions> {
        if texts.len() > MAX_VALUES {
            return Err(at.refuse("limit", format!("{operator} takes at most {MAX_VALUES} values; split the query")));
        }
        let mut beside = Map::new();
        beside.insert(operator.to_owned(), Value::Null);
        if kind.is_some() {
            let values = texts.iter().map(|text| self.declared(at, text, kind)).collect::<Result<_>>()?;
            return self.test(here, operator, &Value::Array(values), &beside);
        }
        let both = |text: &String| reading(text).into_iter().chain([Value::from(text.as_str())]).collect::<Vec<_>>();
        match operator {
            "$between" => {
                let numbers: Option<Vec<Value>> = texts.iter().map(|text| number(text).map(Value::Number)).collect();
                let values = numbers.unwrap_or_else(|| texts.iter().map(|text| Value::from(text.as_str())).collect());
                self.test(here, operator, &Value::Array(values), &beside)
            }
            "$all" if !texts.is_empty() => {
                self.count(at)?;
                let each = texts.iter().map(|text| Conditions::Any(both(text).into_iter().map(all_of_one).collect()));
                Ok(Conditions::All(each.collect()))
            }
            _ => {
                self.count(at)?;
                let test = Conditions::Test(Test::In(texts.iter().flat_map(both).collect()));
                Ok(if operator == "$nin" { test.negated() } else { test })
            }
        }
    }

    /// Text read as the declared type.
    fn declared(&self, at: &Place, text: &str, kind: Option<Kind>) -> Result<Value> {
        let kind = kind.unwrap_or(Kind::String);
        let wanted = match kind {
            Kind::Int => "a whole number",
            Kind::Double => "a number",
            Kind::Bool => "true or false",
            Kind::Date => "a date such as 2026-01-15",
            Kind::String | Kind::Any => "a text",
        };
        read_text(kind, text).ok_or_else(|| at.refuse("operand", format!("{} must be {wanted}, not \"{}\"", at.label, clip(text))))
    }
}

fn all_of_one(value: Value) -> Conditions {
    Conditions::Test(Test::All(vec![value]))
}

/// The other reading of an undeclared text: `true`, `false`, `null` or a number.
fn reading(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => number(text).map(Value::Number),
    }
}

/// `[a][b]` as its keys.
fn split(brackets: &str) -> Option<Vec<&str>> {
    let inner = brackets.strip_prefix('[')?.strip_suffix(']')?;
    let keys: Vec<&str> = inner.split("][").collect();
    keys.iter().all(|key| !key.contains(['[', ']'])).then_some(keys)
}

/// `[]` or `[0]`: another way to repeat a name.
fn is_index(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_digit())
}

fn split_list(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !text.is_empty()).flat_map(|text| text.split(',')).map(str::to_owned).collect()
}

/// The operator a key names, and whether it says that a list follows.
fn operator(place: &Place, name: &str, keys: &[&str]) -> Result<(&'static str, bool)> {
    let (word, rest) = match keys {
        [] => return Ok(("$eq", false)),
        [index] if is_index(index) => return Ok(("$eq", true)),
        [word, rest @ ..] => (*word, rest),
    };
    let at = place.step(word);
    if matches!(word.trim_start_matches('$'), "not" | "elemMatch" | "and" | "or" | "nor") || rest.len() > 1 || rest.iter().any(|key| !is_index(key)) {
        return Err(json_only(&at, word, name));
    }
    let known = operators::bracket_operator(word).ok_or_else(|| {
        let full = if word.starts_with('$') { word.to_owned() } else { format!("${word}") };
        operators::unknown(&at, &full, Position::Field)
    })?;
    Ok((known, !rest.is_empty()))
}

fn json_only(at: &Place, word: &str, name: &str) -> Error {
    let known = ["and", "or", "nor", "not", "elemMatch"].contains(&word.trim_start_matches('$'));
    if word.starts_with('$') && !known && operators::bracket_operator(word).is_none() {
        return operators::unknown(at, word, Position::Top);
    }
    at.refuse("operator", format!("Brackets hold one field and one operator; write {} as JSON, as in {name}={{\"field\": {{…}}}}", clip(word)))
}
