//! Answers of the management API: bare bodies; create 201, change 200, delete 204.

use std::cmp::Ordering;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use serde_json::Value;

use crate::domain::error::Error;
use crate::domain::page::List;
use crate::domain::records::answer::RecordAnswer;
use crate::domain::tenancy::version::Versioned;
use crate::http::ApiResult;

use super::parameters::Parameters;

pub fn ok(value: &impl Serialize) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Ok()).json(value))
}

pub fn created(value: &impl Serialize) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Created()).json(value))
}

/// 202: the work goes on.
pub fn accepted(value: &impl Serialize) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Accepted()).json(value))
}

pub fn no_content() -> ApiResult<HttpResponse> {
    Ok(HttpResponse::NoContent().finish())
}

/// 200 with the `ETag` of the version.
pub fn versioned<T: Serialize>(of: &Versioned<T>) -> ApiResult<HttpResponse> {
    tagged(&of.value, &format!("\"{}\"", of.version))
}

/// 201 with the `ETag` of the version.
pub fn created_versioned<T: Serialize>(of: &Versioned<T>) -> ApiResult<HttpResponse> {
    created_tagged(&of.value, &format!("\"{}\"", of.version))
}

/// 200 with an entity tag that is quoted already.
pub fn tagged(value: &impl Serialize, etag: &str) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Ok()).insert_header((header::ETAG, etag)).json(value))
}

/// 201 with an entity tag that is quoted already.
pub fn created_tagged(value: &impl Serialize, etag: &str) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Created()).insert_header((header::ETAG, etag)).json(value))
}

/// 200 with JSON text.
pub fn json(text: Vec<u8>) -> HttpResponse {
    private(HttpResponse::Ok()).content_type("application/json").body(text)
}

/// 200 with text of another media type, and the `ETag` of its version.
pub fn text(media_type: &'static str, text: String, version: &str) -> HttpResponse {
    private(HttpResponse::Ok()).content_type(media_type).insert_header((header::ETAG, format!("\"{version}\""))).body(text)
}

/// The answer with the id of the copy that was taken before.
pub fn with_snapshot(mut answer: HttpResponse, snapshot: Option<&str>) -> HttpResponse {
    if let Some(id) = snapshot.and_then(|id| HeaderValue::from_str(id).ok()) {
        answer.headers_mut().insert(HeaderName::from_static("x-bkend-snapshot"), id);
    }
    answer
}

/// The answer with the ids of the copies that were taken before, separated by commas.
pub fn with_snapshots(answer: HttpResponse, snapshots: &[String]) -> HttpResponse {
    let ids = snapshots.join(", ");
    with_snapshot(answer, Some(ids.as_str()).filter(|ids| !ids.is_empty()))
}

/// A record with its entity tag: 201 when this call made it.
pub fn record(record: RecordAnswer) -> HttpResponse {
    let answer = if record.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    private(answer).content_type("application/json").insert_header((header::ETAG, record.etag)).body(record.json)
}

/// The asked page of a list held whole, in the order of `sortBy` when that is given.
pub fn page_of<T: Serialize>(all: Vec<T>, parameters: &Parameters) -> ApiResult<HttpResponse> {
    let page = parameters.page()?;
    let ascending = parameters.is_ascending()?;
    let Some(field) = parameters.text("sortBy") else { return ok(&List::slice(all, page)) };
    let mut all = all.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
    all.sort_by(|a, b| if ascending { order(&a[&field], &b[&field]) } else { order(&b[&field], &a[&field]) });
    ok(&List::slice(all, page))
}

/// Null first, then numbers, then text by code point; what has no order is equal.
fn order(a: &Value, b: &Value) -> Ordering {
    let rank = |v: &Value| match v {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        _ => 3,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Answers hold keys and people's addresses: no cache keeps them.
fn private(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    answer.insert_header((header::CACHE_CONTROL, NO_STORE));
    answer
}
