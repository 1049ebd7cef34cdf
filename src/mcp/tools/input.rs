//! The arguments of one call: older forms brought into the newest one, texts read as what they should be, the unknown
//! named (`01-mcp.md` §4.1).

use serde_json::{Map, Value};

use super::argument::{Argument, Kind};
use super::catalog::{EVERYWHERE, Tool};
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Arguments by the names they are published under.
#[derive(Debug)]
pub struct Input {
    values: Map<String, Value>,
    pub warnings: Vec<String>,
}

impl Input {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the argument, what was received and what would be right.
    pub fn read(tool: &Tool, mut given: Map<String, Value>) -> Result<Self> {
        unfold_body(tool, &mut given)?;
        for (other, name) in EVERYWHERE.iter().chain(tool.synonyms) {
            if tool.argument(other).is_none() {
                rename(&mut given, other, name)?;
            }
        }
        let mut input = Self { values: Map::new(), warnings: Vec::new() };
        for (name, value) in given {
            match tool.argument(&name) {
                Some(argument) if value.is_null() && !argument.nullable => {}
                Some(argument) => {
                    let value = if value.is_null() { value } else { read(argument, value)? };
                    input.values.insert(name, value);
                }
                None => input.unknown(tool, &name)?,
            }
        }
        match tool.all_arguments().find(|a| a.required && !is_address(tool, a.name) && !input.has(a.name) && !input.has("jobId")) {
            Some(missing) => Err(missing_argument(missing.name, missing.about)),
            None => Ok(input),
        }
    }

    fn unknown(&mut self, tool: &Tool, name: &str) -> Result<()> {
        let mut published = tool.all_arguments().filter(|a| !a.hidden).peekable();
        if published.peek().is_none() || name == "organizationId" {
            return Ok(());
        }
        let near = tool.all_arguments().map(|a| (strsim::damerau_levenshtein(a.name, name), a.hidden, a.name)).min();
        let hint = match near {
            Some((distance, _, near)) if distance <= near.len().max(4) / 2 => format!("did you mean {near}?"),
            _ => format!("it takes {}", published.map(|a| a.name).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{} has no argument \"{}\"; {hint}", tool.name, clip(name));
        if tool.is_strict() {
            return Err(Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(clip(name), "unknown", message)]));
        }
        self.warnings.push(format!("Ignored: {message}"));
        Ok(())
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A text that a call cannot do without.
    ///
    /// # Errors
    /// `common/invalid-parameters`.
    pub fn needed(&self, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| missing_argument(name, ""))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    pub fn whole(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The given ones of these arguments as an object; null stays null.
    pub fn part(&self, names: &[&str]) -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.values.get(*name)?.clone()))).collect()
    }
}

/// Where a call acts can be said in several ways; whoever finds the place says what is missing.
fn is_address(tool: &Tool, name: &str) -> bool {
    match name {
        "organizationId" | "projectId" => true,
        "environment" => tool.argument("environmentId").is_some(),
        _ => false,
    }
}

pub(super) fn missing_argument(name: &str, about: &str) -> Error {
    let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
    Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "required", format!("The argument {name}{about} is missing"))])
}

/// Members of `body` stand at the top level from here on; of record tools, `body` is the record.
fn unfold_body(tool: &Tool, given: &mut Map<String, Value>) -> Result<()> {
    if tool.argument("body").is_some() {
        return Ok(());
    }
    let Some(body) = given.shift_remove("body") else { return Ok(()) };
    if tool.is_strict() && tool.argument("data").is_some() {
        return put(given, "data", body, "body");
    }
    let body = match body {
        Value::Null => return Ok(()),
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    };
    let Value::Object(members) = body else {
        return Err(wrong("body", "an object", &body));
    };
    members.into_iter().try_for_each(|(name, value)| put(given, &name, value, &format!("body.{name}")))
}

fn rename(given: &mut Map<String, Value>, other: &str, name: &str) -> Result<()> {
    match given.shift_remove(other) {
        Some(value) => put(given, name, value, other),
        None => Ok(()),
    }
}

fn put(given: &mut Map<String, Value>, name: &str, value: Value, from: &str) -> Result<()> {
    match given.get(name) {
        Some(there) if !there.is_null() && *there != value => {
            let message = format!("{name} and {from} contradict each other: {} and {}; give one of them", shown(there), shown(&value));
            Err(Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "conflict", message)]))
        }
        _ => {
            given.insert(name.to_owned(), value);
            Ok(())
        }
    }
}

/// The value as the argument wants it. A JSON text counts as the JSON in it, where an object or list is wanted.
fn read(argument: &Argument, value: Value) -> Result<Value> {
    let name = argument.name;
    let parsed = |value: Value| match value {
        Value::String(text) => serde_json::from_str::<Value>(&text).ok().filter(|v| v.is_object() || v.is_array()).unwrap_or(Value::String(text)),
        other => other,
    };
    match argument.kind {
        Kind::Text | Kind::Word(_) => match value {
            Value::String(_) => Ok(value),
            Value::Number(number) => Ok(Value::String(number.to_string())),
            other => Err(wrong(name, "a text", &other)),
        },
        Kind::Whole => whole(&value).map(Value::from).ok_or_else(|| wrong(name, "a whole number", &value)),
        Kind::Flag => flag(&value).map(Value::from).ok_or_else(|| wrong(name, "true or false", &value)),
        Kind::Object => match parsed(value) {
            value @ Value::Object(_) => Ok(value),
            other => Err(wrong(name, "an object", &other)),
        },
        Kind::Definition => match parsed(value) {
            value @ (Value::Object(_) | Value::Array(_)) => Ok(value),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            other => Err(wrong(name, "an object", &other)),
        },
        Kind::Texts => match parsed(value) {
            Value::Array(list) if list.iter().all(Value::is_string) => Ok(Value::Array(list)),
            other => Err(wrong(name, "a list of texts", &other)),
        },
        Kind::Objects => match parsed(value) {
            Value::Array(list) if list.iter().all(Value::is_object) => Ok(Value::Array(list)),
            other => Err(wrong(name, "a list of objects", &other)),
        },
        Kind::Names => match value {
            Value::String(_) => Ok(value),
            Value::Array(ref list) if list.iter().all(Value::is_string) => Ok(value),
            other => Err(wrong(name, "names with commas between", &other)),
        },
        Kind::Any => Ok(parsed(value)),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn wrong(name: &str, wanted: &str, got: &Value) -> Error {
    Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "type", format!("{name} must be {wanted}, not {}", shown(got)))])
}

fn shown(value: &Value) -> String {
    clip(&value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(tool: &str, arguments: Value) -> Result<Input> {
        Input::read(Tool::named(tool).unwrap(), arguments.as_object().cloned().unwrap())
    }

    #[test]
    fn members_of_body_may_stand_at_the_top_and_the_other_way_round() {
        for arguments in [
            json!({ "body": { "name": "Shop", "slug": "shop" } }),
            json!({ "name": "Shop", "slug": "shop" }),
            json!({ "body": "{\"name\":\"Shop\"}", "slug": "shop" }),
            json!({ "name": "Shop", "body": { "name": "Shop", "slug": "shop" } }),
        ] {
            let read = input("backend_project_create", arguments).unwrap();
            assert_eq!((read.text("name"), read.text("slug")), (Some("Shop"), Some("shop")));
        }
        let error = input("backend_project_create", json!({ "name": "Shop", "body": { "name": "Other" } })).unwrap_err();
        assert_eq!(error.detail_list()[0].rule, "conflict");
        assert!(input("backend_project_create", json!({ "body": [1] })).unwrap_err().message().contains("body must be an object"));
    }

    #[test]
    fn the_body_of_record_tools_is_the_record_and_nothing_in_it_is_guessed() {
        let read = input("backend_data_create", json!({ "tableId": "t", "body": { "n": "20", "on": "true", "list": "[1]" } })).unwrap();
        assert_eq!(read.get("data").unwrap(), &json!({ "n": "20", "on": "true", "list": "[1]" }));
    }

    #[test]
    fn texts_are_read_as_what_they_should_be() {
        let read = input("backend_table_list", json!({ "page": "2", "limit": 20.0, "full": "true" })).unwrap();
        assert_eq!((read.whole("page"), read.whole("limit"), read.flag("full")), (Some(2), Some(20), true));
        let read = input("backend_data_seed", json!({ "tables": "{\"a\":[{\"n\":\"1\"}]}", "environmentId": "e" })).unwrap();
        assert_eq!(read.get("tables").unwrap(), &json!({ "a": [{ "n": "1" }] }));
        let read = input("backend_schema_version_get", json!({ "tableId": "t", "version": 3 })).unwrap();
        assert_eq!(read.text("versionId"), Some("3"));
        let read = input("backend_field_manage", json!({ "tableId": "t", "body": { "fieldsToRemove": "[\"a\"]" } })).unwrap();
        assert_eq!(read.texts("fieldsToRemove"), Some(vec!["a".to_owned()]));
        for (name, value) in [("page", json!("two")), ("full", json!(1)), ("projectId", json!({}))] {
            let error = input("backend_table_list", json!({ name: value })).unwrap_err();
            assert_eq!(error.detail_list()[0].field, name);
        }
    }

    #[test]
    fn synonyms_stand_for_the_published_names() {
        let read = input("backend_table_create", json!({ "projectId": "p", "envId": "e", "environment": "dev", "name": "posts", "fields": {} })).unwrap();
        assert_eq!((read.text("tableName"), read.has("schema"), read.text("environmentId")), (Some("posts"), true, Some("e")));
        let read = input("backend_env_create", json!({ "projectId": "p", "name": "qa" })).unwrap();
        assert_eq!(read.text("environment"), Some("qa"));
        let read = input("backend_data_get", json!({ "tableId": "t", "id": "r" })).unwrap();
        assert_eq!(read.text("recordId"), Some("r"));
    }

    #[test]
    fn an_unknown_argument_is_named_with_the_nearest_known_one_or_refused_where_records_are_at_stake() {
        let read = input("backend_table_list", json!({ "projectID": "p", "zzzzzzzz": 1 })).unwrap();
        assert!(read.warnings[0].contains("projectID") && read.warnings[0].contains("did you mean projectId?"), "{:?}", read.warnings);
        assert!(read.warnings[1].contains("it takes projectId"), "{:?}", read.warnings);
        let error = input("backend_data_list", json!({ "tableId": "t", "andFilter": {} })).unwrap_err();
        assert!(error.message().contains("did you mean andFilters?"), "{error}");
        assert!(input("backend_org_list", json!({ "anything": 1 })).unwrap().warnings.is_empty(), "a tool without arguments ignores what it gets");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (tool, arguments, name) in [
            ("backend_project_create", json!({}), "name"),
            ("backend_env_create", json!({ "projectId": null }), "environment"),
            ("backend_data_create", json!({ "tableId": "t" }), "data"),
            ("backend_table_create", json!({ "body": { "projectId": "p", "environment": "dev" } }), "tableName"),
        ] {
            let error = input(tool, arguments).unwrap_err();
            assert_eq!((error.detail_list()[0].field.as_str(), error.detail_list()[0].rule.as_str()), (name, "required"), "{tool}");
        }
    }
}
