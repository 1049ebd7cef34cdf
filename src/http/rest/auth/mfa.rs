//! The second factor: turning it on and off, and finishing a sign-in with it (`03-auth.md` §7).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{KeyCaller, UserCaller, input, tokens};
use crate::domain::auth::mfa_setup::{self, MfaSetup};
use crate::domain::auth::{TokenPair, mfa};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct EnableBody {
    pub password: Option<String>,
}

/// Start the setup of a second factor: a secret for the authenticator app, and backup codes.
///
/// Nothing changes at sign-in until `mfa/confirm`, within 10 minutes. Another call replaces the setup.
#[utoipa::path(post, path = "/v1/auth/mfa/enable", tag = "auth", request_body = EnableBody, responses((status = 200, body = MfaSetup)))]
pub async fn enable(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: EnableBody = body.json().await?;
    let password = input::text("password", body.password)?;
    let setup = mfa_setup::enable(&caller.environment, &caller.visit, &caller.user, password).await?;
    Ok(Reply::ok(&setup)?.header(CACHE_CONTROL, "no-store").send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct CodeBody {
    /// Six digits of the authenticator app.
    pub code: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupCodes {
    /// The ten of `mfa/enable`; they work from now on.
    pub backup_codes: Vec<String>,
}

/// Turn the second factor on with the first code of the authenticator app.
#[utoipa::path(post, path = "/v1/auth/mfa/confirm", tag = "auth", request_body = CodeBody, responses((status = 200, body = BackupCodes)))]
pub async fn confirm(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: CodeBody = body.json().await?;
    let code = input::text("code", body.code)?;
    let backup_codes = mfa_setup::confirm(&caller.environment, &caller.visit, &caller.user, code).await?;
    Ok(Reply::ok(&BackupCodes { backup_codes })?.header(CACHE_CONTROL, "no-store").send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct DisableBody {
    /// Needed where the account has one.
    pub password: Option<String>,
    /// Checked when it comes; needed where the account has no password.
    pub code: Option<String>,
}

/// Turn the second factor off; secret and backup codes are deleted.
#[utoipa::path(post, path = "/v1/auth/mfa/disable", tag = "auth", request_body = DisableBody, responses((status = 200, body = Object)))]
pub async fn disable(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: DisableBody = body.json().await?;
    mfa_setup::disable(&caller.environment, &caller.visit, &caller.user, body.password, body.code).await?;
    Ok(Reply::ok(&json!({}))?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifyBody {
    /// From `auth/mfa-required`.
    pub mfa_token: Option<String>,
    /// Six digits of the authenticator app, or a backup code.
    pub code: Option<String>,
}

/// Finish a sign-in that was answered with `auth/mfa-required`.
#[utoipa::path(post, path = "/v1/auth/mfa/verify", tag = "auth", request_body = VerifyBody, responses((status = 200, body = TokenPair)))]
pub async fn verify(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: VerifyBody = body.json().await?;
    input::required(&[("mfaToken", body.mfa_token.is_some()), ("code", body.code.is_some())])?;
    let (token, code) = (body.mfa_token.unwrap_or_default(), body.code.unwrap_or_default());
    let pair = mfa::verify(&caller.environment, &caller.visit, token, code).await?;
    Ok(tokens(&pair)?.send(&request))
}
