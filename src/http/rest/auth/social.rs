//! Signing in through Google and GitHub (`03-auth.md` §6).

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Path;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::simulator::pages;
use super::{KeyCaller, tokens, visit};
use crate::domain::auth::TokenPair;
use crate::domain::auth::one_time::Purpose;
use crate::domain::auth::redirects::{self, Parameter};
use crate::domain::auth::social::authorize::{self, Wish};
use crate::domain::auth::social::callback::{self, Returned};
use crate::domain::auth::social::{Posted, Provider, state};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result, clip};
use crate::domain::records::query::Params;
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::context::{self, Context};
use crate::http::reply::Reply;
use crate::http::rest::access;
use crate::http::rest::query::params;

/// Characters of an app's own state.
const STATE: usize = 512;

/// Where to send the browser.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationUrl {
    pub authorization_url: String,
}

/// Start a sign-in through a provider: the address to send the browser to.
///
/// Afterwards the browser comes to `redirect` with `accessToken`, `refreshToken`, `expiresIn`, `isNewUser` and `state`, or with
/// `error` and `errorMessage`.
#[utoipa::path(get, path = "/v1/auth/{provider}/authorize", tag = "auth", params(("provider" = String, Path, description = "google or github"),
    ("redirect" = String, Query, description = "Aliases: callbackUrl, redirectUri"), ("state" = Option<String>, Query), ("responseMode" = Option<String>, Query,
    description = "query or fragment")), responses((status = 200, body = AuthorizationUrl)))]
pub async fn authorize(request: HttpRequest, caller: KeyCaller, provider: Path<String>) -> ApiResult<HttpResponse> {
    let provider = Provider::parse(&provider)?;
    let (environment, visit) = (&caller.environment, &caller.visit);
    provider.mode(environment, visit.loopback_only)?;
    let params = params(&request)?;
    let redirect = ["redirect", "callbackUrl", "redirectUri"].iter().find_map(|name| params.get(name).filter(|text| !text.is_empty()));
    let redirect = redirect.ok_or_else(|| Error::invalid_parameter("redirect", "redirect is required: the page that gets the tokens"))?;
    let redirect = redirects::check(&environment.auth_config(), environment.project(), visit, Parameter::Redirect, redirect)?;
    let state = params.get("state").map(str::to_owned);
    if state.as_ref().is_some_and(|state| state.chars().count() > STATE) {
        return Err(Error::invalid_parameter("state", format!("state has at most {STATE} characters")).into());
    }
    let wish = Wish { redirect, state, fragment: fragment(params.get("responseMode"))? };
    let url = authorize::url(environment, visit, provider, wish).await?;
    Ok(Reply::ok(&AuthorizationUrl { authorization_url: url.into() })?.header(CACHE_CONTROL, "no-store").send(&request))
}

fn fragment(mode: Option<&str>) -> Result<bool> {
    match mode {
        None | Some("" | "query") => Ok(false),
        Some("fragment") => Ok(true),
        Some(other) => Err(Error::invalid_parameter("responseMode", format!("responseMode must be query or fragment, not \"{}\"", clip(other)))),
    }
}

/// What came back from a provider.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SocialBody {
    /// The authorization code; needs `redirectUri`.
    pub code: Option<String>,
    /// An ID token of Google, instead of a code.
    pub id_token: Option<String>,
    /// Exactly the one the code was made for.
    pub redirect_uri: Option<String>,
    /// One that this server issued is checked and used up; any other is the app's business.
    pub state: Option<String>,
    /// Of PKCE, when the app used it.
    pub code_verifier: Option<String>,
    /// Compared with the ID token's.
    pub nonce: Option<String>,
    /// Accepted and never sufficient.
    pub access_token: Option<String>,
}

impl SocialBody {
    fn posted(self) -> Posted {
        Posted {
            code: self.code,
            id_token: self.id_token,
            redirect_uri: self.redirect_uri,
            state: self.state,
            code_verifier: self.code_verifier,
            nonce: self.nonce,
        }
    }

    fn of_query(params: &Params) -> Self {
        let text = |name: &str| params.get(name).map(str::to_owned);
        Self {
            code: text("code"),
            id_token: text("idToken"),
            redirect_uri: text("redirectUri"),
            state: text("state"),
            code_verifier: text("codeVerifier"),
            nonce: text("nonce"),
            access_token: text("accessToken"),
        }
    }
}

/// Finish a sign-in with the code or ID token that the app has got from the provider.
#[utoipa::path(post, path = "/v1/auth/{provider}/callback", tag = "auth", params(("provider" = String, Path)), request_body = SocialBody,
    responses((status = 200, body = TokenPair), (status = 409)))]
pub async fn callback(request: HttpRequest, caller: KeyCaller, provider: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let provider = Provider::parse(&provider)?;
    let body: SocialBody = body.json().await?;
    finish(&request, &caller, provider, body).await
}

async fn finish(request: &HttpRequest, caller: &KeyCaller, provider: Provider, body: SocialBody) -> ApiResult<HttpResponse> {
    provider.mode(&caller.environment, caller.visit.loopback_only)?;
    let brought = body.posted().check(provider, None)?;
    let pair = callback::finish(&caller.environment, &caller.visit, provider, brought).await?;
    Ok(tokens(&pair)?.send(request))
}

/// Where the provider sends the browser back to; needs no key with a `state` of this server.
///
/// With such a state the answer is 302 to the app's `redirect`. With a key and any other state it is that of POST.
#[utoipa::path(get, path = "/v1/auth/{provider}/callback", tag = "auth", security(()), params(("provider" = String, Path), ("code" = Option<String>, Query),
    ("state" = Option<String>, Query), ("error" = Option<String>, Query), ("redirectUri" = Option<String>, Query), ("idToken" = Option<String>, Query),
    ("codeVerifier" = Option<String>, Query), ("nonce" = Option<String>, Query)), responses((status = 200, body = TokenPair), (status = 302), (status = 409)))]
pub async fn returned(request: HttpRequest, provider: Path<String>) -> ApiResult<HttpResponse> {
    let provider = Provider::parse(&provider)?;
    let params = params(&request)?;
    let token = params.get("state").unwrap_or_default();
    match context::backend(&request)?.environment_of_link(&visit(&request)?, Purpose::OAuthState, token).await {
        Ok(Some(environment)) => {
            context::remember_guest(&request, &environment);
            return Ok(back_to_app(&request, &environment, provider, &params).await);
        }
        Ok(None) if has_key(&request) => {}
        Ok(None) => return Ok(stranded(&request, &state::invalid())),
        Err(error) => return Ok(stranded(&request, &error)),
    }
    let caller = KeyCaller::extract(&request).await?;
    if *request.method() == Method::HEAD {
        return Ok(looked());
    }
    finish(&request, &caller, provider, SocialBody::of_query(&params)).await
}

fn has_key(request: &HttpRequest) -> bool {
    ["x-api-key", "x-project-id", "x-environment", "authorization"].iter().any(|name| request.headers().contains_key(*name))
        && access::credentials_but_bearer(request).is_ok()
}

async fn back_to_app(request: &HttpRequest, environment: &Arc<Environment>, provider: Provider, params: &Params) -> HttpResponse {
    if *request.method() == Method::HEAD {
        return looked();
    }
    let text = |name: &str| params.get(name).map(str::to_owned);
    let returned = Returned { state: text("state").unwrap_or_default(), code: text("code"), error: text("error") };
    let visit = match visit(request) {
        Ok(visit) => visit,
        Err(error) => return stranded(request, &error),
    };
    match callback::finish_in_browser(environment, &visit, provider, returned).await {
        Ok(target) => HttpResponse::Found()
            .insert_header((LOCATION, target.as_str()))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .finish(),
        Err(error) => stranded(request, &error),
    }
}

/// The answer to HEAD: whoever only looks uses nothing up.
fn looked() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish()
}

/// A page for a browser that nobody knows where to send: 400 when its state is no good.
fn stranded(request: &HttpRequest, error: &Error) -> HttpResponse {
    Context::of(request).error_code.set(Some(error.code().name));
    let status = if error.code().status >= 429 { error.code().status } else { 400 };
    pages::message(request, StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), "Sign-in did not work", error)
}
