//! Query parameters, and the one place that merges them with a JSON body.

use serde_json::{Map, Value};

use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Decoded query parameters in the order they were sent; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Decodes a raw query string (without `?`): `%XX` is a byte, `+` a space, the result UTF-8.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the parameter that cannot be decoded.
    pub fn parse(raw: &str) -> Result<Self> {
        let mut pairs = Vec::new();
        for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = decode(name).ok_or_else(|| undecodable(name))?;
            let value = decode(value).ok_or_else(|| undecodable(&name))?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter; of a repeated one, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'+' => out.push(b' '),
            b'%' => {
                let (high, low) = (hex(*bytes.get(i + 1)?)?, hex(*bytes.get(i + 2)?)?);
                out.push(high << 4 | low);
                i += 2;
            }
            byte => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|n| n as u8)
}

fn undecodable(name: &str) -> Error {
    Error::invalid_parameter(&clip(name), format!("The parameter {} is not valid percent-encoded UTF-8; encode % as %25", clip(name)))
}

/// `common/invalid-parameters` for a parameter that exceeds a limit of `02-data.md` §12.
pub(super) fn beyond_limit(name: &str, message: impl Into<String>) -> Error {
    Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "limit", message)])
}

/// One value of a parameter: text from the query string, or JSON from the body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    Text(String),
    Json(Value),
}

/// Query string and body of one request; where both name a parameter, the query string wins.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub params: &'a Params,
    pub body: Option<&'a Map<String, Value>>,
}

impl<'a> Source<'a> {
    /// # Errors
    /// `common/invalid-parameters` when the body is neither an object nor null.
    pub fn new(params: &'a Params, body: Option<&'a Value>) -> Result<Self> {
        let body = match body {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => return Err(Error::invalid_parameter("body", "The body must be a JSON object of parameters, such as {\"limit\": 10}")),
        };
        Ok(Self { params, body })
    }

    /// Everything sent under a name, `name[]` and `name[0]` included.
    pub fn given(&self, name: &str) -> Vec<Given> {
        if self.in_params(name) { self.given_in_params(name) } else { self.given_in_body(name) }
    }

    fn given_in_params(&self, name: &str) -> Vec<Given> {
        self.params.iter().filter(|(own, _)| *own == name || is_list_form(own, name)).map(|(_, value)| Given::Text(value.to_owned())).collect()
    }

    fn given_in_body(&self, name: &str) -> Vec<Given> {
        match self.body.and_then(|body| body.get(name)) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => vec![Given::Text(text.clone())],
            Some(value) => vec![Given::Json(value.clone())],
        }
    }

    /// Whether the query string names the parameter in any form, brackets included.
    pub fn in_params(&self, name: &str) -> bool {
        self.params.iter().any(|(own, _)| own == name || own.strip_prefix(name).is_some_and(|rest| rest.starts_with('[')))
    }

    /// A scalar parameter as text; repeated: the last.
    ///
    /// # Errors
    /// `common/invalid-parameters` when the body holds an object or array there.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        match self.given(name).pop() {
            None => Ok(None),
            Some(Given::Text(text)) => Ok(Some(text)),
            Some(Given::Json(value)) => scalar(&value).map(Some).ok_or_else(|| {
                Error::invalid_parameter(name, format!("{name} must be a single value, not {}", if value.is_array() { "an array" } else { "an object" }))
            }),
        }
    }

    /// A scalar parameter that counts as absent when empty.
    pub fn non_empty(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()))
    }

    /// The items of a list parameter: comma list, repeated, `name[]=` or JSON array; trimmed, without empty ones.
    ///
    /// # Errors
    /// `common/invalid-parameters` when it is JSON that is no array of strings.
    pub fn list(&self, name: &str) -> Result<Vec<String>> {
        let wrong = || Error::invalid_parameter(name, format!("{name} must be a comma list or a JSON array of names"));
        let mut out = Vec::new();
        for given in self.given(name) {
            let array = match given {
                Given::Text(text) if text.trim_start().starts_with('[') => serde_json::from_str(&text).map_err(|_| wrong())?,
                Given::Text(text) => {
                    out.extend(text.split(',').map(|item| item.trim().to_owned()));
                    continue;
                }
                Given::Json(value) => value,
            };
            for item in array.as_array().ok_or_else(wrong)? {
                out.push(item.as_str().ok_or_else(wrong)?.trim().to_owned());
            }
        }
        out.retain(|item| !item.is_empty());
        Ok(out)
    }

    /// `true` or `false` (also `1`, `0`).
    ///
    /// # Errors
    /// `common/invalid-parameters` for anything else.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name)?.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(Error::invalid_parameter(name, format!("{name} must be true or false, not \"{}\"", clip(other)))),
        }
    }

    /// One of several words.
    ///
    /// # Errors
    /// `common/invalid-parameters` listing the words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.non_empty(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(Error::invalid_parameter(name, format!("{name} must be one of {}, not \"{}\"", known.join(", "), clip(&text))))
            }
        }
    }
}

/// `name[]` or `name[3]`, as several HTTP clients write arrays.
fn is_list_form(own: &str, name: &str) -> bool {
    own.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('['))
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|index| index.bytes().all(|b| b.is_ascii_digit()))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => Some((float as i64).to_string()),
            _ => Some(number.to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_values_are_decoded_in_order() {
        let params = Params::parse("a=1&filter%5Bb%5D=x+y&a=%E2%82%AC&flag&&c=a=b").unwrap();
        let pairs: Vec<_> = params.iter().collect();
        assert_eq!(pairs, [("a", "1"), ("filter[b]", "x y"), ("a", "€"), ("flag", ""), ("c", "a=b")]);
        assert_eq!(params.get("a"), Some("€"));
    }

    #[test]
    fn a_parameter_that_cannot_be_decoded_is_named() {
        for raw in ["search=%", "search=%zz", "search=%ff", "search=%C3%28", "search=100%2"] {
            let error = Params::parse(raw).unwrap_err();
            assert_eq!(error.code().name, "common/invalid-parameters");
            assert_eq!(error.detail_list()[0].field, "search", "{raw}");
        }
    }

    #[test]
    fn the_query_string_wins_over_the_body() {
        let params = Params::parse("limit=5&select[]=a&select[]=b").unwrap();
        let body = json!({ "limit": 7, "page": 2.0, "select": ["c"], "fields": "[\"x\", \"y\"]", "search": null });
        let source = Source::new(&params, Some(&body)).unwrap();
        assert_eq!(source.text("limit").unwrap().as_deref(), Some("5"));
        assert_eq!(source.text("page").unwrap().as_deref(), Some("2"));
        assert_eq!(source.list("select").unwrap(), ["a", "b"]);
        assert_eq!(source.list("fields").unwrap(), ["x", "y"]);
        assert_eq!(source.text("search").unwrap(), None);
        assert!(Source::new(&params, Some(&json!([1]))).is_err());
    }
}
