//! `sortBy` with `sortDirection`, and the older dialects of `sort` (`02-data.md` §6.1).

use serde_json::Value;

use super::params::{Given, Source, beyond_limit};
use super::path;
use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::{Path, SortKey};

/// Sort keys of one query (`02-data.md` §12).
pub const MAX_KEYS: usize = 8;

/// The keys a request sorts by; newest first when it names none. The default alone names no field.
pub(super) fn read(source: Source<'_>) -> Result<Vec<SortKey>> {
    let keys = named(source)?;
    Ok(if keys.is_empty() { vec![SortKey { path: Path::field("id"), descending: true }] } else { keys })
}

/// The keys a request names.
pub(super) fn named(source: Source<'_>) -> Result<Vec<SortKey>> {
    let pairs = pairs(source)?;
    let mut keys: Vec<SortKey> = Vec::new();
    for (parameter, name, descending) in pairs {
        if parameter == "sort" && name.contains(':') {
            return Err(ill_formed(&name));
        }
        let path = path::of_parameter(parameter, &name)?;
        if keys.iter().all(|key| key.path != path) {
            keys.push(SortKey { path, descending });
        }
        if keys.len() > MAX_KEYS {
            return Err(beyond_limit(parameter, format!("{parameter} takes at most {MAX_KEYS} keys")));
        }
    }
    Ok(keys)
}

/// Parameter, name and direction of every key as sent; names are not read yet.
pub(super) fn pairs(source: Source<'_>) -> Result<Vec<(&'static str, String, bool)>> {
    let directions: Vec<bool> = source.list("sortDirection")?.iter().map(|text| direction(text)).collect::<Result<_>>()?;
    let prefer_sort = source.in_params("sort") && !source.in_params("sortBy");
    let by = if prefer_sort { Vec::new() } else { source.list("sortBy")? };
    if by.is_empty() {
        return older(source, directions.first().copied());
    }
    if directions.len() > 1 && directions.len() != by.len() {
        let message = format!("sortDirection must hold one direction for all keys or one each: {} for {} keys of sortBy", directions.len(), by.len());
        return Err(Error::invalid_parameter("sortDirection", message));
    }
    let of = |i: usize| directions.get(i).or(directions.first()).copied().unwrap_or(true);
    Ok(by.into_iter().enumerate().map(|(i, name)| ("sortBy", name, of(i))).collect())
}

fn direction(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Error::invalid_parameter("sortDirection", format!("sortDirection must be asc or desc, not \"{}\"", clip(text)))),
    }
}

fn older(source: Source<'_>, default: Option<bool>) -> Result<Vec<(&'static str, String, bool)>> {
    let mut out = Vec::new();
    for given in source.given("sort") {
        match given {
            Given::Text(text) if text.trim_start().starts_with(['{', '[']) => {
                let value = serde_json::from_str(&text).map_err(|_| ill_formed(&text))?;
                older_json(&value, default, &mut out)?;
            }
            Given::Text(text) => older_text(&text, default, &mut out)?,
            Given::Json(value) => older_json(&value, default, &mut out)?,
        }
    }
    Ok(out)
}

fn older_text(text: &str, default: Option<bool>, out: &mut Vec<(&'static str, String, bool)>) -> Result<()> {
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        if let Some((name, word)) = item.rsplit_once(':')
            && let Some(descending) = older_direction(word)
        {
            out.push(("sort", name.trim().to_owned(), descending));
        } else if let Some(name) = item.strip_prefix('-') {
            out.push(("sort", name.to_owned(), true));
        } else {
            let name = item.strip_prefix('+').unwrap_or(item);
            out.push(("sort", name.to_owned(), default.unwrap_or(false)));
        }
    }
    Ok(())
}

fn older_json(value: &Value, default: Option<bool>, out: &mut Vec<(&'static str, String, bool)>) -> Result<()> {
    match value {
        Value::Object(map) => {
            for (name, word) in map {
                let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
                out.push(("sort", name.clone(), older_direction(&word).ok_or_else(|| ill_formed(&word))?));
            }
            Ok(())
        }
        Value::Array(list) => list.iter().try_for_each(|item| match item {
            Value::String(text) => older_text(text, default, out),
            Value::Object(_) => older_json(item, default, out),
            other => Err(ill_formed(&other.to_string())),
        }),
        other => Err(ill_formed(&other.to_string())),
    }
}

fn older_direction(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "asc" | "ascending" | "1" | "1.0" => Some(false),
        "desc" | "descending" | "-1" | "-1.0" => Some(true),
        _ => None,
    }
}

fn ill_formed(text: &str) -> Error {
    Error::invalid_parameter("sort", format!("sort must be of the form field:asc,other:desc or -field or {{\"field\": -1}}, not \"{}\"", clip(text)))
}
