//! Who calls the management API: a bearer token, or the console's cookie with its CSRF token, from the console's own
//! origin (`06-console.md` B1).

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest};

use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::tenancy::sessions::{COOKIE_SECONDS, ConsoleSession, Device};
use crate::http::context::Context;
use crate::http::{ApiError, State, address};

/// A developer who has proved who it is; dereferences to the tenant.
pub struct Developer(Tenant);

/// Whoever calls, signed in or not.
pub struct Visitor {
    pub tenant: Option<Tenant>,
    /// Of the console session, when there is one.
    pub csrf: Option<String>,
}

/// Somebody who is about to sign in, from the console's own origin.
pub struct Newcomer(pub Device);

impl Deref for Developer {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.0
    }
}

impl FromRequest for Developer {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let tenant = developer(&request).await?;
            *Context::of(&request).tenant.borrow_mut() = Some(Arc::new(tenant.clone()));
            Ok(Self(tenant))
        })
    }
}

async fn developer(request: &HttpRequest) -> Result<Tenant> {
    refuse_foreign_origin(request)?;
    if let Some(token) = bearer(request)? {
        return State::of(request)?.tenant_of_bearer(&token).await;
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && cookie(request)?.is_some() {
        require_own_origin(request)?;
    }
    let session = session(request).await?.ok_or_else(nobody)?;
    let given = request.headers().get("x-csrf-token").and_then(|v| v.to_str().ok());
    if changes && !session.has_csrf(given) {
        let message = "X-CSRF-Token is missing or not that of this session; GET /management/v1/auth/session has it as csrfToken";
        return Err(Error::new(Code::MANAGEMENT_CSRF_FAILED, message));
    }
    Ok(session.tenant)
}

impl FromRequest for Visitor {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            refuse_foreign_origin(&request)?;
            if let Some(token) = bearer(&request)? {
                return Ok(Self { tenant: Some(State::of(&request)?.tenant_of_bearer(&token).await?), csrf: None });
            }
            let session = session(&request).await?;
            let (tenant, csrf) = session.map(|s| (s.tenant, s.csrf)).unzip();
            Ok(Self { tenant, csrf })
        })
    }
}

impl FromRequest for Newcomer {
    type Error = ApiError;
    type Future = std::future::Ready<std::result::Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let device = || {
            require_own_origin(request)?;
            device(request)
        };
        std::future::ready(device().map(Self).map_err(|e: Error| e.into()))
    }
}

/// From where a request comes.
///
/// # Errors
/// None in practice: the application always has a state.
pub fn device(request: &HttpRequest) -> Result<Device> {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let ip_address = address::client_ip(request, State::of(request)?.settings()).map(|ip| ip.to_string()).unwrap_or_default();
    Ok(Device { user_agent, ip_address })
}

/// The cookie of a session just opened.
pub fn session_cookie(state: &State, value: String) -> Cookie<'static> {
    let https = state.settings().public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    Cookie::build(cookie_name(state), value)
        .http_only(true)
        .same_site(SameSite::Strict)
        .path("/")
        .secure(https)
        .max_age(Duration::seconds(COOKIE_SECONDS))
        .finish()
}

/// The cookie that makes a browser forget its session.
pub fn no_cookie(state: &State) -> Cookie<'static> {
    let mut cookie = session_cookie(state, String::new());
    cookie.make_removal();
    cookie
}

/// Cookies ignore ports, so two servers must not share a name.
fn cookie_name(state: &State) -> String {
    format!("bkend_session_{}", state.server_id().get(..8).unwrap_or_default())
}

fn cookie(request: &HttpRequest) -> Result<Option<String>> {
    let name = cookie_name(State::of(request)?);
    Ok(request.cookie(&name).map(|cookie| cookie.value().to_owned()))
}

/// The living console session of a request's cookie.
pub async fn session(request: &HttpRequest) -> Result<Option<ConsoleSession>> {
    match cookie(request)? {
        Some(value) => State::of(request)?.console_session(&value).await,
        None => Ok(None),
    }
}

fn bearer(request: &HttpRequest) -> Result<Option<String>> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|v| v.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|t| !t.is_empty());
    token.map(|t| Some(t.to_owned())).ok_or_else(|| Error::new(Code::AUTHENTICATION_REQUIRED, "Authorization must be: Bearer pat_<64 hex>"))
}

/// A page of another origin has no business here, whatever it carries.
fn refuse_foreign_origin(request: &HttpRequest) -> Result<()> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    if address::is_own_origin(request, State::of(request)?.settings(), origin.to_str().unwrap_or_default()) {
        return Ok(());
    }
    Err(Error::new(Code::ORIGIN_DENIED, "The management API is for pages of this server only; call it without an Origin header from elsewhere"))
}

/// Calls that a browser makes with its cookie must say that they come from the console.
///
/// # Errors
/// 403 `common/origin-denied`.
pub fn require_own_origin(request: &HttpRequest) -> Result<()> {
    if !request.headers().contains_key(header::ORIGIN) {
        return Err(Error::new(Code::ORIGIN_DENIED, "This call needs the Origin header of the console's own pages, which browsers send"));
    }
    refuse_foreign_origin(request)
}

fn nobody() -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in to the console, or send a personal access token: Authorization: Bearer pat_<64 hex>")
}
