//! `/mcp`: Streamable HTTP for AI tools (`01-mcp.md` §2). What the messages mean is decided in `crate::mcp`; here are
//! headers, statuses, sessions and streams.

mod answer;
mod caller;
mod info;
mod post;
mod stream;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};

pub use answer::error_response;

use super::routing::resource;
use super::{State, address, cors};
use crate::domain::error::{Code, Error};
use crate::mcp::protocol::Calls;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");

/// What the endpoint keeps while the server runs.
#[derive(Default)]
pub struct Shared {
    calls: Calls,
    streams: stream::Streams,
}

/// Mounts the endpoint, the one for documentation, and `/mcp/info`.
pub fn routes(config: &mut ServiceConfig) {
    for path in ["/mcp", "/mcp/", "/mcp/docs", "/mcp/docs/"] {
        config.service(resource(path).undocumented().post(post::post).get(stream::open).delete(stream::end).done());
    }
    config.service(resource("/mcp/info").undocumented().get(info::info).done());
}

/// Whether a path speaks JSON-RPC.
pub fn is_endpoint(path: &str) -> bool {
    matches!(path, "/mcp" | "/mcp/") || is_documentation(path)
}

/// The endpoint that needs no token.
fn is_documentation(path: &str) -> bool {
    matches!(path, "/mcp/docs" | "/mcp/docs/")
}

/// What is refused before anything is read: pages of other origins, and methods the endpoint does not have.
///
/// # Errors
/// The refusal as a domain error.
pub fn admit(request: &HttpRequest, state: &State) -> Result<(), Error> {
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let text = origin.to_str().unwrap_or_default();
        if !address::is_loopback_origin(text) && !address::is_own_origin(request, state.settings(), text) {
            return Err(Error::new(Code::ORIGIN_DENIED, "Pages of this origin may not call /mcp; only pages on this machine and this server's own may"));
        }
    }
    if matches!(*request.method(), Method::GET | Method::POST | Method::DELETE) || cors::is_preflight(request) {
        return Ok(());
    }
    Err(not_allowed(request, "this endpoint has GET, POST and DELETE"))
}

fn not_allowed(request: &HttpRequest, instead: &str) -> Error {
    Error::new(Code::METHOD_NOT_ALLOWED, format!("{} is not possible here; {instead}", request.method()))
}

/// A header as text; one that is repeated or no text is equal to nothing.
fn header_text(request: &HttpRequest, name: &str) -> Option<String> {
    let mut values = request.headers().get_all(name);
    let first = values.next()?;
    let text = first.to_str().ok().filter(|_| values.next().is_none());
    Some(text.map_or_else(|| "\u{fffd}".to_owned(), |text| text.trim().to_owned()))
}

/// The media types of `Accept`, with those that are refused (`q=0`) left out; `None` without the header.
fn accepted(request: &HttpRequest) -> Option<Vec<String>> {
    let mut values = request.headers().get_all(header::ACCEPT).peekable();
    values.peek()?;
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let wanted = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        let refused = parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0)));
        (!refused && !kind.is_empty()).then_some(kind)
    });
    Some(wanted.collect())
}

/// An event stream was asked for by name.
fn accepts_stream(request: &HttpRequest) -> bool {
    accepted(request).is_some_and(|kinds| kinds.iter().any(|kind| kind == "text/event-stream"))
}

/// A stream was asked for, and JSON is not among what else is accepted.
fn wants_only_stream(request: &HttpRequest) -> bool {
    accepted(request).is_some_and(|kinds| {
        let json = kinds.iter().any(|kind| matches!(kind.as_str(), "application/json" | "application/*" | "*/*"));
        !json && kinds.iter().any(|kind| matches!(kind.as_str(), "text/event-stream" | "text/*"))
    })
}

/// Adds `Allow` to an answer that refuses the method.
fn with_allow(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(header::ALLOW, METHODS);
    answer
}
