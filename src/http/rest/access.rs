//! Environment and caller of a `/v1` request, out of its headers.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::access::{Access, Credentials};
use crate::domain::error::{Code, Error, Result};
use crate::http::{ApiError, State, context};

/// What the headers of a request say of its caller.
///
/// # Errors
/// 401 `auth/invalid-token` for an `Authorization` that is no Bearer token; 400 `data/invalid-header` for text that is no text.
pub fn credentials(request: &HttpRequest) -> Result<Credentials<'_>> {
    let text = |name: &str| {
        let value = request.headers().get(name).map(|v| v.to_str().map(str::trim));
        value.transpose().map_err(|_| Error::new(Code::INVALID_HEADER, format!("The header {name} holds characters it cannot have")))
    };
    let bearer = match text(AUTHORIZATION.as_str())? {
        Some(value) => match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Some(token.trim()),
            _ => return Err(Error::new(Code::INVALID_TOKEN, "Authorization must be: Bearer <access token>")),
        },
        None => None,
    };
    Ok(Credentials { api_key: text("x-api-key")?, bearer, project_id: text("x-project-id")?, environment: text("x-environment")? })
}

impl FromRequest for Access {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let access = State::of(&request)?.backend().access(&credentials(&request)?).await?;
            context::remember(&request, &access);
            Ok(access)
        })
    }
}
