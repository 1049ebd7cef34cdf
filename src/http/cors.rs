//! Cross-origin calls of browsers: apps to `/v1`, `/storage` and `/img` (`00-conventions.md`, "CORS"), AI tools to `/mcp`
//! and its authorization server (`01-mcp.md` §1).

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "Authorization, Content-Type, Accept, X-API-Key, X-Project-Id, X-Environment, X-Bkend-Envelope, X-Request-Id, If-Match, If-None-Match, \
                       If-Modified-Since, If-Unmodified-Since, If-Range, Range, Last-Event-ID, Content-MD5, X-Bkend-Signature";
pub const EXPOSED: &str = "ETag, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Mcp-Session-Id, WWW-Authenticate, Location, \
                       Content-Disposition";
/// What pages may read of an answer that carries an object (`05-storage.md` §6.5).
pub const EXPOSED_OF_OBJECTS: &str = "ETag, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Mcp-Session-Id, \
                                      WWW-Authenticate, Location, Content-Disposition, Content-Length, Content-Range, Accept-Ranges, Last-Modified";

const TOOL_METHODS: &str = "GET, POST, DELETE, OPTIONS";
const TOOL_HEADERS: &str = "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID";

/// Whose pages on other origins may call a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Of apps: on this machine, and on origins a project lists.
    Apps,
    /// Of AI tools: on this machine, and this server's own.
    Tools,
    /// What is the same for everybody.
    Anyone,
}

/// Whose pages may call a path; `None`: this server's own alone.
pub fn callers(path: &str) -> Option<Callers> {
    if covers(path) {
        return Some(Callers::Apps);
    }
    let metadata = ["/oauth-protected-resource", "/oauth-authorization-server", "/openid-configuration"];
    let well_known = path.strip_prefix("/mcp/.well-known").or_else(|| path.strip_prefix("/.well-known"));
    match path {
        "/mcp" | "/mcp/" | "/mcp/docs" | "/mcp/docs/" | "/mcp/oauth/register" | "/mcp/oauth/token" | "/mcp/oauth/revoke" => Some(Callers::Tools),
        "/mcp/info" | "/mcp/oauth/jwks" => Some(Callers::Anyone),
        _ if well_known.is_some_and(|rest| metadata.iter().any(|name| rest.strip_prefix(name).is_some_and(|end| end.is_empty() || end == "/mcp"))) => {
            Some(Callers::Anyone)
        }
        _ => None,
    }
}

/// Whether a browser asks what it may do.
pub fn is_preflight(request: &HttpRequest) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether apps on other origins may call a path.
pub fn covers(path: &str) -> bool {
    ["/v1", "/storage", "/img"].iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Lets `origin` read the answer and the `exposed` headers.
pub fn allow(headers: &mut HeaderMap, origin: &HeaderValue, exposed: &'static str) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}

/// The answer to a preflight; without `origin` it grants nothing.
pub fn preflight(callers: Callers, origin: Option<&HeaderValue>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        allow(headers, origin, EXPOSED);
        let (methods, names) = if callers == Callers::Apps { (METHODS, HEADERS) } else { (TOOL_METHODS, TOOL_HEADERS) };
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(names));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    answer
}
