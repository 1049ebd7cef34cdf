//! Answers of the authorization server to programs: JSON that no cache keeps, errors as RFC 6749 §5.2 objects.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::domain::error::{Code, Error};
use crate::domain::oauth::{Failure, Kind, Refusal};
use crate::http::context::Context;
use crate::http::{State, address, error};

/// Whether errors on a path are OAuth's.
pub fn covers(path: &str) -> bool {
    path.starts_with("/mcp/oauth/")
}

pub fn json(value: &Value) -> HttpResponse {
    with_status(StatusCode::OK, value)
}

pub fn with_status(status: StatusCode, value: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::PRAGMA, HeaderValue::from_static("no-cache")))
        .body(value.to_string())
}

/// The answer to a request that did not succeed.
pub fn failure(request: &HttpRequest, failure: Failure) -> HttpResponse {
    match failure {
        Failure::Refused(refusal) => refused(request, &refusal),
        Failure::Failed(error) => {
            let context = Context::of(request);
            context.error_code.set(Some(error.code().name));
            error_response(&error, &context.request_id)
        }
    }
}

/// 400, or 401 for an unknown client, with the challenge that a client using Basic expects (RFC 6749 §5.2).
fn refused(request: &HttpRequest, refusal: &Refusal) -> HttpResponse {
    let status = if refusal.kind == Kind::InvalidClient { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Context::of(request).error_code.set(Some(refusal.kind.name()));
    let mut answer = with_status(status, &json!({ "error": refusal.kind.name(), "error_description": refusal.description }));
    if status == StatusCode::UNAUTHORIZED && request.headers().contains_key(header::AUTHORIZATION) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bkend-local\""));
    }
    answer
}

/// An error of the domain, or of what stands around every handler, as an OAuth one.
pub fn error_response(failed: &Error, request_id: &str) -> HttpResponse {
    let kind = match failed.code().status {
        403 => Kind::AccessDenied,
        429 | 503 => Kind::TemporarilyUnavailable,
        500.. => Kind::ServerError,
        _ => Kind::InvalidRequest,
    };
    // Built as any other error first: its headers and its line in the log are the same.
    let mut answer = error::response(failed, request_id);
    answer.headers_mut().remove(header::WWW_AUTHENTICATE);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.set_body(json!({ "error": kind.name(), "error_description": failed.message() }).to_string()).map_into_boxed_body()
}

/// Programs call from anywhere, web pages only from this machine.
///
/// # Errors
/// 403 for any other `Origin`, `null` included.
pub fn check_origin(request: &HttpRequest, state: &State) -> Result<(), Error> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    if address::is_loopback_origin(origin) || address::is_own_origin(request, state.settings(), origin) {
        return Ok(());
    }
    Err(Error::new(Code::ORIGIN_DENIED, "Pages of this Origin may not call this server"))
}
