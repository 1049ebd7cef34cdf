//! Cross-origin calls of browsers to `/v1`, `/storage` and `/img` (`00-conventions.md`, "CORS").

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "Authorization, Content-Type, Accept, X-API-Key, X-Project-Id, X-Environment, X-Bkend-Envelope, X-Request-Id, If-Match, If-None-Match, \
                       If-Modified-Since, If-Unmodified-Since, If-Range, Range, Last-Event-ID, Content-MD5, X-Bkend-Signature";
const EXPOSED: &str = "ETag, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Mcp-Session-Id, WWW-Authenticate, Location, \
                       Content-Disposition";

/// Whether browsers on other origins may call a path.
pub fn covers(path: &str) -> bool {
    ["/v1", "/storage", "/img"].iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Lets `origin` read the answer.
pub fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}

/// The answer to a preflight; without `origin` it grants nothing.
pub fn preflight(origin: Option<&HeaderValue>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        allow(headers, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    answer
}
