//! Who calls the endpoint: the bearer token of every request, and what a missing or useless one is answered.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::{answer, header_text, is_documentation};
use crate::domain::error::{Code, Error};
use crate::domain::oauth::McpAccess;
use crate::http::context::Context;
use crate::http::{State, address};

/// The developer behind the request; `None` where nobody signs in.
///
/// # Errors
/// The whole answer: 401 with `WWW-Authenticate`.
pub async fn access(request: &HttpRequest, state: &State) -> Result<Option<McpAccess>, HttpResponse> {
    if is_documentation(request.path()) {
        return Ok(None);
    }
    let Some(token) = bearer(request) else { return Err(unauthorized(request, state, None)) };
    let organization = header_text(request, "X-Bkend-Organization");
    match state.mcp_access(&token, organization.as_deref(), &address::base_url(request, state.settings())).await {
        Ok(access) => {
            *Context::of(request).tenant.borrow_mut() = Some(Arc::new(access.tenant.clone()));
            Ok(Some(access))
        }
        Err(error) if error.code().status < 500 => Err(unauthorized(request, state, Some(&error))),
        Err(error) => Err(refuse(request, &error)),
    }
}

/// The token, or an empty one for an `Authorization` that holds none.
fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    let token = value.to_str().ok().and_then(|v| v.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Some(token.map(|(_, token)| token.trim().to_owned()).unwrap_or_default())
}

/// A domain error as the answer of the endpoint, noted for the log.
pub fn refuse(request: &HttpRequest, error: &Error) -> HttpResponse {
    let context = Context::of(request);
    context.error_code.set(Some(error.code().name));
    answer::error_response(error, &context.request_id)
}

/// 401; `error` says why the token that came is of no use.
fn unauthorized(request: &HttpRequest, state: &State, error: Option<&Error>) -> HttpResponse {
    let message = match error {
        None => "Sign in: this endpoint needs an access token, or a personal access token from bkend-local token create",
        Some(error) => error.message(),
    };
    let mut answer = refuse(request, &Error::new(Code::AUTHENTICATION_REQUIRED, message));
    let base = address::base_url(request, state.settings());
    let mut challenge = format!("Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/mcp\"");
    if error.is_some() {
        challenge.push_str(&format!(", error=\"invalid_token\", error_description=\"{}\"", description(message)));
    }
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    answer
}

/// Text that may stand in a quoted string (RFC 6750 §3) and that no client mistakes for a parameter.
fn description(message: &str) -> String {
    let plain: String = message.chars().map(|c| if matches!(c, '"' | '\\') { '\'' } else { c }).filter(|c| matches!(c, ' '..='~')).collect();
    plain.replace("scope=", "scope ").replace("error=", "error ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_no_quotes_and_no_parameters() {
        assert_eq!(description("say \"x\" — error=1 scope=2 \\"), "say 'x'  error 1 scope 2 '");
    }
}
