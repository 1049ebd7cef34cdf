//! Query strings, conditions and bodies of the data routes.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use serde_json::Value;

use crate::domain::error::{Code, Error, Result};
use crate::domain::records::query::Params;
use crate::domain::records::write::Conditions;
use crate::domain::time;

/// The decoded query parameters.
pub fn params(request: &HttpRequest) -> Result<Params> {
    Params::parse(request.query_string())
}

/// `If-Match` and `ifUpdatedAt`.
///
/// # Errors
/// 400 `data/invalid-header` for tags that are none, `common/invalid-parameters` for a time that is none.
pub fn conditions(request: &HttpRequest, params: &Params) -> Result<Conditions> {
    let if_updated_at = params
        .get("ifUpdatedAt")
        .map(|text| time::parse(text).ok_or_else(|| Error::invalid_parameter("ifUpdatedAt", "ifUpdatedAt must be a time such as 2026-01-15T10:30:00.000Z")));
    Ok(Conditions { if_match: entity_tags(request, header::IF_MATCH)?, if_updated_at: if_updated_at.transpose()? })
}

/// The entity tags of a condition header (RFC 9110 §8.8.3, §13.1). Weak tags never match strongly, so `If-Match` drops
/// them; `If-None-Match` compares weakly, and takes them without their prefix.
///
/// # Errors
/// 400 `data/invalid-header`.
pub fn entity_tags(request: &HttpRequest, name: HeaderName) -> Result<Option<Vec<String>>> {
    let mut tags = Vec::new();
    let mut given = false;
    for value in request.headers().get_all(&name) {
        given = true;
        let bad = || Error::new(Code::INVALID_HEADER, format!("{name} must be *, or entity tags in double quotes as ETag gave them"));
        let mut rest = value.to_str().map_err(|_| bad())?.trim();
        if rest == "*" {
            tags.push("*".to_owned());
            continue;
        }
        loop {
            let (weak, tag) = rest.strip_prefix("W/").map_or((false, rest), |tag| (true, tag));
            let inner = tag.strip_prefix('"').ok_or_else(bad)?;
            let end = inner.find('"').ok_or_else(bad)?;
            if !weak || name == header::IF_NONE_MATCH {
                tags.push(format!("\"{}\"", &inner[..end]));
            }
            rest = inner[end + 1..].trim_start();
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(',').ok_or_else(bad)?.trim_start();
        }
    }
    Ok(given.then_some(tags))
}

/// A body that must be there.
///
/// # Errors
/// `data/validation-error` with rule `type`.
pub fn required(body: Option<Value>) -> Result<Value> {
    body.ok_or_else(|| Error::validation("body", "type", "the body must be a JSON object; it is empty"))
}

/// A body with list parameters: an object, or nothing.
///
/// # Errors
/// `common/invalid-parameters`.
pub fn parameters_body(body: Option<Value>) -> Result<Option<Value>> {
    match body {
        None | Some(Value::Null) => Ok(None),
        Some(body @ Value::Object(_)) => Ok(Some(body)),
        Some(_) => Err(Error::invalid_parameter("body", "the body must be a JSON object with the parameters of the query")),
    }
}
