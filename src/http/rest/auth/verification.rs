//! Proving an address, and changing it (`03-auth.md` §4).

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{KeyCaller, Mailed, email_is_on, input, visit};
use crate::domain::auth::redirects::{self, Parameter, with_parameters};
use crate::domain::auth::verification::{self, Family};
use crate::domain::auth::{Email, Visit, invalid_link};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::access;
use crate::http::rest::query::params;
use crate::http::{
    ApiResult,
    context::{self, Context},
    error::limit_headers,
};

const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AddressBody {
    pub email: Option<String>,
    /// Where the mailed link leads once the address is confirmed.
    pub callback_url: Option<String>,
}

/// Mail the confirmation of a sign-up again.
#[utoipa::path(post, path = "/v1/auth/signup/email/resend", tag = "auth", request_body = AddressBody, responses((status = 200, body = Mailed)))]
pub async fn resend_signup(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    mail(&request, &caller, body, Family::SignUp, None).await
}

/// Mail a link that verifies an address, or starts a change of the caller's.
#[utoipa::path(post, path = "/v1/auth/email/verify/send", tag = "auth", request_body = AddressBody, responses((status = 200, body = Mailed)))]
pub async fn send(request: HttpRequest, mut caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let user = caller.user_or_refusal()?.cloned();
    mail(&request, &caller, body, Family::Contact, user.as_ref()).await
}

/// The same again.
#[utoipa::path(post, path = "/v1/auth/email/verify/resend", tag = "auth", request_body = AddressBody, responses((status = 200, body = Mailed)))]
pub async fn resend(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    send(request, caller, body).await
}

async fn mail(request: &HttpRequest, caller: &KeyCaller, body: Body, family: Family, user: Option<&EndUser>) -> ApiResult<HttpResponse> {
    let body: AddressBody = body.json().await?;
    caller.email_is_on()?;
    let email = input::email(body.email)?;
    let callback = input::callback_url(caller, body.callback_url.as_deref())?;
    verification::send(&caller.environment, &caller.visit, family, &email, callback.as_ref(), user).await?;
    let message = "Open the link in the mail to confirm the address.".to_owned();
    Ok(Reply::ok(&Mailed { message, email: email.into_string() })?.send(request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ConfirmBody {
    pub email: Option<String>,
    pub token: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmed {
    pub message: String,
    /// Always true.
    pub verified: bool,
}

/// Confirm an address by the token that was mailed to it.
#[utoipa::path(post, path = "/v1/auth/email/verify/confirm", tag = "auth", request_body = ConfirmBody, responses((status = 200, body = Confirmed)))]
pub async fn confirm(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: ConfirmBody = body.json().await?;
    caller.email_is_on()?;
    input::required(&[("email", body.email.is_some()), ("token", body.token.is_some())])?;
    let (email, token) = (input::email(body.email)?, body.token.unwrap_or_default());
    verification::confirm(&caller.environment, &caller.visit, Family::Contact, &email, &token).await?;
    Ok(Reply::ok(&Confirmed { message: "The address is verified.".to_owned(), verified: true })?.send(&request))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Opened {
    /// Always true.
    pub verified: bool,
    pub email: String,
}

/// The link of a sign-up confirmation; needs no key.
///
/// With `callbackUrl` the answer is 302 to it with `verified` and `email`, or `error` and `errorMessage`. HEAD changes nothing.
#[utoipa::path(get, path = "/v1/auth/signup/email/confirm", tag = "auth", security(()), params(("token" = String, Query), ("email" = String, Query),
    ("callbackUrl" = Option<String>, Query)), responses((status = 200, body = Opened), (status = 302)))]
pub async fn open_signup(request: HttpRequest) -> ApiResult<HttpResponse> {
    open(&request, Family::SignUp).await
}

/// The link of an address verification; needs no key.
///
/// With `callbackUrl` the answer is 302 to it with `verified` and `email`, or `error` and `errorMessage`. HEAD changes nothing.
#[utoipa::path(get, path = "/v1/auth/email/verify/confirm", tag = "auth", security(()), params(("token" = String, Query), ("email" = String, Query),
    ("callbackUrl" = Option<String>, Query)), responses((status = 200, body = Opened), (status = 302)))]
pub async fn open_contact(request: HttpRequest) -> ApiResult<HttpResponse> {
    open(&request, Family::Contact).await
}

async fn open(request: &HttpRequest, family: Family) -> ApiResult<HttpResponse> {
    let (params, visit) = (params(request)?, visit(request)?);
    let (token, address) = (params.get("token"), params.get("email"));
    let callback = params.get("callbackUrl").filter(|url| !url.is_empty());
    let (target, result) = match environment_of(request, &visit, family, token.unwrap_or_default()).await {
        Ok(environment) => {
            let target = target(environment.as_ref(), &visit, callback)?;
            (target, follow(request, environment.as_ref(), &visit, family, token, address).await)
        }
        Err(error) => (target(None, &visit, callback).unwrap_or_default(), Err(error)),
    };
    match (target, result) {
        (Some(target), result) => Ok(redirect(&target, result)),
        (None, result) if prefers_html(request) => Ok(page(request, result)),
        (None, result) => Ok(Reply::ok(&Opened { verified: true, email: result?.into_string() })?.header(CACHE_CONTROL, "no-store").send(request)),
    }
}

/// The environment of the key, if one came, else that of the token.
async fn environment_of(request: &HttpRequest, visit: &Visit, family: Family, token: &str) -> Result<Option<Arc<Environment>>> {
    let backend = context::backend(request)?;
    if let Ok(credentials) = access::credentials_but_bearer(request)
        && let Ok((access, _)) = backend.access_of_key(&credentials).await
    {
        context::remember(request, &access);
        return Ok(Some(access.environment));
    }
    let found = backend.environment_of_link(visit, family.purpose(), token).await?;
    if let Some(environment) = &found {
        context::remember_guest(request, environment);
    }
    Ok(found)
}

fn target(environment: Option<&Arc<Environment>>, visit: &Visit, text: Option<&str>) -> Result<Option<Url>> {
    let check = |text: &str| match environment {
        Some(environment) => redirects::check(&environment.auth_config(), environment.project(), visit, Parameter::CallbackUrl, text),
        None => redirects::check_anywhere(visit, Parameter::CallbackUrl, text),
    };
    text.map(check).transpose()
}

async fn follow(
    request: &HttpRequest,
    environment: Option<&Arc<Environment>>,
    visit: &Visit,
    family: Family,
    token: Option<&str>,
    address: Option<&str>,
) -> Result<Email> {
    input::required(&[("token", token.is_some()), ("email", address.is_some())])?;
    let email = Email::parse(address.unwrap_or_default())?;
    let environment = environment.ok_or_else(invalid_link)?;
    email_is_on(environment)?;
    let token = token.unwrap_or_default();
    if *request.method() == Method::HEAD {
        verification::would_confirm(environment, visit, family, &email, token).await?;
    } else {
        verification::confirm(environment, visit, family, &email, token).await?;
    }
    Ok(email)
}

fn redirect(target: &Url, result: Result<Email>) -> HttpResponse {
    let target = match &result {
        Ok(email) => with_parameters(target, &[("verified", "true"), ("email", email.as_str())]),
        Err(error) => with_parameters(target, &[("verified", "false"), ("error", error.code().name), ("errorMessage", error.message())]),
    };
    HttpResponse::Found()
        .insert_header((LOCATION, target.as_str()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

fn prefers_html(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let quality = |kind: &str| {
        let of = |part: &str| {
            let mut pieces = part.split(';').map(str::trim);
            let name = pieces.next().filter(|name| name.eq_ignore_ascii_case(kind))?;
            let q = pieces.find_map(|p| p.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            (!name.is_empty()).then_some(q)
        };
        accept.split(',').filter_map(of).fold(0.0_f32, f32::max)
    };
    quality("text/html") > quality("application/json")
}

fn page(request: &HttpRequest, result: Result<Email>) -> HttpResponse {
    let (mut answer, title, text) = match &result {
        Ok(email) => (HttpResponse::Ok(), "Address confirmed", format!("{} is confirmed. You can close this page.", escaped(email.as_str()))),
        Err(error) => (HttpResponse::build(status_of(error)), "Address not confirmed", escaped(error.message())),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    let mut answer = answer
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(body);
    if let Err(error) = &result {
        let context = Context::of(request);
        context.error_code.set(Some(error.code().name));
        limit_headers(answer.headers_mut(), error);
        if error.code().status >= 500 {
            tracing::error!(request_id = &*context.request_id, cause = error.cause().unwrap_or("-"), "{}", error.message());
        }
    }
    answer
}

fn status_of(error: &Error) -> actix_web::http::StatusCode {
    actix_web::http::StatusCode::from_u16(error.code().status).unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
