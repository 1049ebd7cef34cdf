//! Public errors as answers: always the same union (`00-conventions.md`, "Bodies").

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use super::{img, mcp, oauth, storage};
use crate::domain::error::{Code, Error};

/// A domain error on its way out. The middleware writes the body, since only it knows the request id.
#[derive(Debug)]
pub struct ApiError(pub Error);

pub type ApiResult<T> = Result<T, ApiError>;

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

pub const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// Tells in headers when to come back, and the limit that was reached, in whatever form the error itself is told.
pub fn limit_headers(headers: &mut HeaderMap, error: &Error) {
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some((limit, remaining)) = error.rate_limit() {
        headers.insert(RATE_LIMIT, HeaderValue::from(limit));
        headers.insert(RATE_REMAINING, HeaderValue::from(remaining));
    }
}

/// The error as clients see it.
pub fn body(error: &Error, request_id: &str) -> Value {
    let mut inner = json!({ "code": error.code().name, "message": error.message() });
    if !error.detail_list().is_empty() {
        inner["details"] = json!(error.detail_list());
    }
    for (key, value) in error.more() {
        inner[key] = value.clone();
    }
    json!({ "success": false, "statusCode": error.code().status, "message": error.message(), "error": inner, "requestId": request_id })
}

/// The answer for an error on a path, in the form its clients read.
pub fn response_at(path: &str, error: &Error, request_id: &str) -> HttpResponse {
    match path {
        _ if mcp::is_endpoint(path) => mcp::error_response(error, request_id),
        _ if oauth::covers(path) => oauth::error_response(error, request_id),
        _ if storage::covers(path) || img::covers(path) => storage::error_response(error, request_id),
        _ => response(error, request_id),
    }
}

/// The whole answer for an error, with its headers.
pub fn response(error: &Error, request_id: &str) -> HttpResponse {
    response_with(error, &body(error, request_id), request_id)
}

/// The same with a body made of [`body`].
pub fn response_with(error: &Error, body: &Value, request_id: &str) -> HttpResponse {
    let status = StatusCode::from_u16(error.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status).content_type("application/json").body(body.to_string());
    let headers = answer.headers_mut();
    limit_headers(headers, error);
    if error.code() == Code::MFA_REQUIRED {
        // It carries a token.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if error.code() == Code::INVALID_TOKEN || error.code() == Code::AUTHENTICATION_REQUIRED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status.is_server_error() {
        tracing::error!(request_id, code = error.code().name, cause = error.cause().unwrap_or("-"), "{}", error.message());
    }
    answer
}
