//! `/storage`: the bytes of files, authorised by the URL alone (`05-storage.md` §6).

mod cors;
mod errors;
mod get;
mod put;

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;

use super::exchange::Exchange;
use super::routing::resource;
use super::{State, context};
use crate::domain::environment::Environment;
use crate::domain::error::Result;
use crate::domain::files::open::not_found;

pub use cors::preflight;
pub use errors::error_response;
pub(super) use get::{asked_disposition, judge, send};

const PREFIX: &str = "/storage";

/// Mounts the routes.
pub fn routes(config: &mut ServiceConfig) {
    for path in ["/storage", "/storage/{key:(?s:.*)}"] {
        config.service(resource(path).undocumented().get(get::get).put(put::put).options(options).done());
    }
}

/// Whether a path is one of an object.
pub fn covers(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A client waits for leave to send the body: it gets it once the URL is found good.
pub fn expect(request: &actix_http::Request) {
    if covers(request.path())
        && let Some(exchange) = request.conn_data::<Exchange>()
    {
        exchange.hold();
    }
}

/// An OPTIONS that is no preflight.
async fn options(request: HttpRequest) -> HttpResponse {
    remember(&request).await;
    let mut answer = HttpResponse::NoContent().finish();
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, PUT, OPTIONS"));
    answer
}

/// The key in the path, decoded once; `None` when it is no text.
fn key(request: &HttpRequest) -> Option<String> {
    let rest = request.uri().path().strip_prefix(PREFIX)?;
    percent_decode_str(rest.strip_prefix('/').unwrap_or(rest)).decode_utf8().ok().map(String::from)
}

/// The key of a request and its environment, which is remembered for log and CORS.
///
/// # Errors
/// 404 `file/not-found`.
async fn locate(state: &State, request: &HttpRequest) -> Result<(String, Arc<Environment>)> {
    let key = key(request).ok_or_else(not_found)?;
    let environment = state.environment_of_key(&key).await?.ok_or_else(not_found)?;
    context::remember_guest(request, &environment);
    Ok((key, environment))
}

/// Finds out whose request it is that no handler takes.
pub async fn remember(request: &HttpRequest) {
    if let Ok(state) = State::of(request) {
        let _ = locate(state, request).await;
    }
}

/// A header as text; what is no text cannot be right, and is handed on as such.
fn text(request: &HttpRequest, name: impl header::AsHeaderName) -> Option<String> {
    let values: Vec<_> = request.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(", "))
}
