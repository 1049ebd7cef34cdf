//! What pages of other origins may send to `/storage` (`05-storage.md` §6.5).

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::remember;
use crate::http::context::Context;
use crate::http::{address, cors};

const METHODS: &str = "GET, HEAD, PUT";
const MAX_AGE: &str = "3600";
const HEADERS: [&str; 7] = ["content-type", "content-md5", "range", "authorization", "x-api-key", "x-requested-with", "cache-control"];
const FAMILIES: [&str; 2] = ["if-", "x-amz-"];

/// The answer to a preflight: granted to pages of this machine, and to the origins of the project the key belongs to.
pub async fn preflight(request: &HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    let headers = answer.headers_mut();
    let Some(origin) = request.headers().get(header::ORIGIN) else { return answer };
    if !is_granted(request, origin.to_str().unwrap_or_default()).await {
        return answer;
    }
    cors::allow(headers, origin, cors::EXPOSED_OF_OBJECTS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    let requested = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let granted: Vec<&str> = requested.split(',').map(str::trim).filter(|name| is_header(name)).collect();
    if let Ok(granted) = HeaderValue::from_str(&granted.join(", "))
        && !granted.is_empty()
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, granted);
    }
    answer
}

async fn is_granted(request: &HttpRequest, origin: &str) -> bool {
    if address::is_loopback_origin(origin) {
        return true;
    }
    remember(request).await;
    Context::of(request).access.borrow().as_ref().is_some_and(|access| access.environment.project().allows_origin(origin))
}

/// Whether a page may send a header of this name.
fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HEADERS.contains(&name.as_str()) || FAMILIES.iter().any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_may_send_what_uploads_and_downloads_need() {
        for name in ["content-type", "Content-MD5", "RANGE", "If-None-Match", "if-range", "Authorization", "X-API-Key", "x-amz-checksum-sha256"] {
            assert!(is_header(name), "{name}");
        }
        for name in ["", "x-evil", "cookie", "if-", "x-amz-", "content-encoding", "x-if-match"] {
            assert!(!is_header(name), "{name}");
        }
    }
}
