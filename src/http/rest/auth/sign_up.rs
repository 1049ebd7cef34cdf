//! Signing up by e-mail (`03-auth.md` §3).

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{self, Method};
use super::{KeyCaller, Mailed, created, tokens};
use crate::domain::auth::link::Besides;
use crate::domain::auth::sign_up::{self, Newcomer, SignedUp};
use crate::domain::auth::{TokenPair, anonymous, link, name, password};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;

/// Somebody who wants an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SignUpBody {
    /// `password` or `magiclink`; absent: `magiclink` when a `callbackUrl` but no `password` came.
    pub method: Option<String>,
    pub email: Option<String>,
    pub password: Option<String>,
    /// 1–100 characters.
    pub name: Option<String>,
    /// Read when `name` is absent.
    pub display_name: Option<String>,
    /// 1–50 characters.
    pub nickname: Option<String>,
    /// Where the mailed link leads.
    pub callback_url: Option<String>,
    /// Accepts that invitation on the way; `email` must be the invited one. Works while sign-up is closed.
    pub invitation_token: Option<String>,
}

/// The answer while the address has to be verified first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequired {
    pub message: String,
    pub email: String,
    /// Always true.
    pub verification_required: bool,
}

/// Sign up by e-mail and password, or by mailed link.
///
/// With the access token of an anonymous user, that user becomes a real one and keeps id and data.
#[utoipa::path(post, path = "/v1/auth/email/signup", tag = "auth", request_body = SignUpBody, responses((status = 201, body = TokenPair)))]
pub async fn sign_up(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: SignUpBody = body.json().await?;
    caller.email_is_on()?;
    let given_name = body.name.or(body.display_name);
    match input::method(body.method.as_deref(), body.password.is_some(), body.callback_url.is_some(), false)? {
        Method::Password => {
            input::required(&[("email", body.email.is_some()), ("password", body.password.is_some()), ("name", given_name.is_some())])?;
            let email = input::email(body.email)?;
            let policy = caller.environment.auth_config();
            let newcomer = Newcomer {
                name: name::name(&given_name.unwrap_or_default())?,
                nickname: body.nickname.as_deref().map(name::nickname).transpose()?,
                password: password::accept(&policy.email.password_policy, "password", &body.password.unwrap_or_default())?,
                callback: input::callback_url(&caller, body.callback_url.as_deref())?,
                email,
                invitation: body.invitation_token,
            };
            if let (Some(_), Some(token)) = (&caller.refused, &caller.token) {
                anonymous::check_expired(&caller.environment, token).await?;
            }
            match sign_up::with_password(&caller.environment, newcomer, caller.user(), &caller.visit).await? {
                SignedUp::In(pair) => Ok(created(tokens(&pair)?, &request)),
                SignedUp::Unverified(email) => {
                    let message = "Open the link in the mail to confirm the address; then sign in.".to_owned();
                    Ok(created(Reply::ok(&VerificationRequired { message, email, verification_required: true })?, &request))
                }
            }
        }
        _ => {
            input::required(&[("email", body.email.is_some()), ("callbackUrl", body.callback_url.is_some())])?;
            let email = input::email(body.email)?;
            let name = given_name.as_deref().map(name::name).transpose()?;
            let nickname = body.nickname.as_deref().map(name::nickname).transpose()?;
            if body.invitation_token.is_none() {
                sign_up::check_open(&caller.environment)?;
            }
            if let Some(callback) = input::callback_url(&caller, body.callback_url.as_deref())? {
                let besides = Besides { name, nickname, invitation: body.invitation_token };
                link::request_link(&caller.environment, &caller.visit, &email, &callback, besides).await?;
            }
            let message = "Open the link in the mail to go on.".to_owned();
            Ok(created(Reply::ok(&Mailed { message, email: email.into_string() })?, &request))
        }
    }
}
