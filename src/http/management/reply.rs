//! Answers of the management API: bare bodies; create 201, change 200, delete 204.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::domain::page::List;
use crate::domain::tenancy::version::Versioned;
use crate::http::ApiResult;

use super::parameters::Parameters;

pub fn ok(value: &impl Serialize) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Ok()).json(value))
}

pub fn created(value: &impl Serialize) -> ApiResult<HttpResponse> {
    Ok(private(HttpResponse::Created()).json(value))
}

pub fn no_content() -> ApiResult<HttpResponse> {
    Ok(HttpResponse::NoContent().finish())
}

/// 200 with the `ETag` of the version.
pub fn versioned<T: Serialize>(of: &Versioned<T>) -> ApiResult<HttpResponse> {
    with_tag(HttpResponse::Ok(), of)
}

/// 201 with the `ETag` of the version.
pub fn created_versioned<T: Serialize>(of: &Versioned<T>) -> ApiResult<HttpResponse> {
    with_tag(HttpResponse::Created(), of)
}

/// The asked page of a list held whole.
pub fn page_of<T: Serialize>(all: Vec<T>, parameters: &Parameters) -> ApiResult<HttpResponse> {
    ok(&List::slice(all, parameters.page()?))
}

fn with_tag<T: Serialize>(mut answer: HttpResponseBuilder, of: &Versioned<T>) -> ApiResult<HttpResponse> {
    Ok(answer.insert_header((header::CACHE_CONTROL, NO_STORE)).insert_header((header::ETAG, format!("\"{}\"", of.version))).json(&of.value))
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Answers hold keys and people's addresses: no cache keeps them.
fn private(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    answer.insert_header((header::CACHE_CONTROL, NO_STORE));
    answer
}
