//! Signing in by e-mail (`03-auth.md` §3).

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::input::{self, Method};
use super::{KeyCaller, Mailed, tokens};
use crate::domain::auth::link::{self, Besides, Proof};
use crate::domain::auth::sign_in::{self, Attempt};
use crate::domain::auth::{Email, TokenPair, mfa};
use crate::domain::error::Error;
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;

/// Somebody who comes back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInBody {
    /// `password`, `magiclink` or `otp`; absent: `magiclink` when a `callbackUrl` but no `password` came.
    pub method: Option<String>,
    pub email: Option<String>,
    pub password: Option<String>,
    /// A TOTP or backup code, with `password`.
    pub mfa_code: Option<String>,
    /// Where the mailed link leads.
    pub callback_url: Option<String>,
}

/// Sign in by password, or have a link or code mailed.
///
/// With `magiclink` and `otp` the answer is `{ message, email }`, whether the address is known or not.
#[utoipa::path(post, path = "/v1/auth/email/signin", tag = "auth", request_body = SignInBody, responses((status = 200, body = TokenPair)))]
pub async fn sign_in(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: SignInBody = body.json().await?;
    caller.email_is_on()?;
    let (environment, visit) = (&caller.environment, &caller.visit);
    let method = input::method(body.method.as_deref(), body.password.is_some(), body.callback_url.is_some(), true)?;
    if method == Method::Password {
        input::required(&[("email", body.email.is_some()), ("password", body.password.is_some())])?;
        let email = input::email(body.email)?;
        let mfa_code = body.mfa_code.map(|code| mfa::typed("mfaCode", code)).transpose()?;
        let attempt = Attempt { mfa_code, ..Attempt::new(sign_in::Method::Password, visit) };
        let pair = sign_in::by_password(environment, &email, body.password.unwrap_or_default(), attempt).await?;
        return Ok(tokens(&pair)?.send(&request));
    }
    let with_link = method == Method::MagicLink;
    input::required(&[("email", body.email.is_some()), ("callbackUrl", !with_link || body.callback_url.is_some())])?;
    let email = input::email(body.email)?;
    match input::callback_url(&caller, body.callback_url.as_deref().filter(|_| with_link))? {
        Some(callback) => link::request_link(environment, visit, &email, &callback, Besides::default()).await?,
        None => link::request_code(environment, visit, &email).await?,
    }
    let message = if with_link { "Open the link in the mail to sign in." } else { "Enter the code from the mail to sign in." };
    Ok(Reply::ok(&Mailed { message: message.to_owned(), email: email.into_string() })?.send(&request))
}

/// What a mail held.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CallbackBody {
    /// Of a link; `email` may accompany it.
    pub token: Option<String>,
    /// Of a mailed code; needs `email`.
    pub code: Option<String>,
    pub email: Option<String>,
    /// A TOTP or backup code.
    pub mfa_code: Option<String>,
}

/// Finish a sign-in by mailed link or code; registers an address that has no account.
#[utoipa::path(post, path = "/v1/auth/email/callback", tag = "auth", request_body = CallbackBody, responses((status = 200, body = TokenPair)))]
pub async fn callback(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: CallbackBody = body.json().await?;
    caller.email_is_on()?;
    let proof = match (body.token, body.code) {
        (Some(token), _) => Proof::Token { token, email: body.email.as_deref().map(Email::parse).transpose()? },
        (None, Some(code)) => Proof::Code { email: input::email(body.email)?, code },
        (None, None) => return Err(Error::invalid_parameter("token", "token is required, or email and code").into()),
    };
    let mfa_code = body.mfa_code.map(|code| mfa::typed("mfaCode", code)).transpose()?;
    let pair = link::callback(&caller.environment, &caller.visit, proof, mfa_code).await?;
    Ok(tokens(&pair)?.send(&request))
}
