//! Environment and caller of a `/v1` request, out of its headers.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::access::{Access, Credentials};
use crate::domain::error::{Code, Error, Result};
use crate::http::context::{self, Context};
use crate::http::{ApiError, State, address};

/// What the headers of a request say of its caller.
///
/// # Errors
/// 401 `auth/invalid-token` for an `Authorization` that is no Bearer token; 400 `data/invalid-header` for other headers whose
/// text is no text.
pub fn credentials(request: &HttpRequest) -> Result<Credentials<'_>> {
    let no_token = || Error::new(Code::INVALID_TOKEN, "Authorization must be: Bearer <access token>");
    let bearer = match text(request, AUTHORIZATION.as_str()).map_err(|_| no_token())? {
        Some(value) => match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Some(token.trim()),
            _ => return Err(no_token()),
        },
        None => None,
    };
    Ok(Credentials { bearer, ..credentials_but_bearer(request)? })
}

/// The same without `Authorization`.
///
/// # Errors
/// 400 `data/invalid-header` for text that is no text.
pub fn credentials_but_bearer(request: &HttpRequest) -> Result<Credentials<'_>> {
    let text = |name| text(request, name);
    Ok(Credentials { api_key: text("x-api-key")?, bearer: None, project_id: text("x-project-id")?, environment: text("x-environment")? })
}

fn text<'r>(request: &'r HttpRequest, name: &str) -> Result<Option<&'r str>> {
    let value = request.headers().get(name).map(|v| v.to_str().map(str::trim));
    value.transpose().map_err(|_| Error::new(Code::INVALID_HEADER, format!("The header {name} holds characters it cannot have")))
}

/// Whether a path is `/v1/data` or one of its short forms (`02-data.md` §1): what `dataRateLimit` counts.
pub fn is_data(path: &str) -> bool {
    let first = path.strip_prefix("/v1/").map(|rest| rest.split('/').next().unwrap_or(rest));
    first.is_some_and(|first| !matches!(first, "" | "auth" | "users" | "files"))
}

impl FromRequest for Access {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(identify(&request, &credentials(&request)?).await?) })
    }
}

/// Finds environment and caller of a request, remembers them for its log, and counts it.
///
/// # Errors
/// As [`crate::domain::backend::Backend::access`]; 429 beyond the project's rate.
pub async fn identify(request: &HttpRequest, credentials: &Credentials<'_>) -> Result<Access> {
    let state = State::of(request)?;
    let access = state.backend().access(credentials, |found| context::remember(request, &found)).await?;
    context::remember(request, &access);
    if is_data(request.path()) {
        let standing = state.data_limits().count(&access, address::client_ip(request, state.settings()))?;
        Context::of(request).rate.set(standing);
    }
    Ok(access)
}
