//! Forgotten and new passwords, and leaving (`03-auth.md` §5, §10).

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::verification::AddressBody;
use super::{Done, KeyCaller, UserCaller, done, input};
use crate::domain::auth::{password_change, password_reset};
use crate::domain::users;
use crate::http::ApiResult;
use crate::http::body::Body;

/// Ask for a mail to choose a new password with.
///
/// The answer is the same whether the address has an account or not.
#[utoipa::path(post, path = "/v1/auth/password/reset/request", tag = "auth", request_body = AddressBody, responses((status = 200, body = Done)))]
pub async fn request_reset(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: AddressBody = body.json().await?;
    caller.email_is_on()?;
    let email = input::email(body.email)?;
    let callback = input::callback_url(&caller, body.callback_url.as_deref())?;
    password_reset::request(&caller.environment, &caller.visit, &email, callback.as_ref()).await?;
    Ok(done("If the address has an account, a mail is on its way.")?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResetBody {
    pub email: Option<String>,
    pub token: Option<String>,
    pub new_password: Option<String>,
}

/// Choose a new password with the token from the mail; every session ends.
#[utoipa::path(post, path = "/v1/auth/password/reset/confirm", tag = "auth", request_body = ResetBody, responses((status = 200, body = Done)))]
pub async fn confirm_reset(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: ResetBody = body.json().await?;
    caller.email_is_on()?;
    input::required(&[("email", body.email.is_some()), ("token", body.token.is_some()), ("newPassword", body.new_password.is_some())])?;
    let (email, token, password) = (input::email(body.email)?, body.token.unwrap_or_default(), body.new_password.unwrap_or_default());
    password_reset::confirm(&caller.environment, &caller.visit, &email, &token, &password).await?;
    Ok(done("The password is changed; sign in with the new one.")?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChangeBody {
    pub current_password: Option<String>,
    pub new_password: Option<String>,
}

/// Replace one's password; every session ends, the current one too.
#[utoipa::path(post, path = "/v1/auth/password/change", tag = "auth", request_body = ChangeBody, responses((status = 200, body = Done)))]
pub async fn change(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: ChangeBody = body.json().await?;
    input::required(&[("currentPassword", body.current_password.is_some()), ("newPassword", body.new_password.is_some())])?;
    let (current, new) = (body.current_password.unwrap_or_default(), body.new_password.unwrap_or_default());
    password_change::change(&caller.environment, &caller.visit, &caller.user, current, &new).await?;
    Ok(done("The password is changed; sign in with the new one.")?.send(&request))
}

/// Delete one's own account.
#[utoipa::path(delete, path = "/v1/auth/withdraw", tag = "auth", responses((status = 200, body = Done)))]
pub async fn withdraw(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    users::withdraw(&caller.environment, &caller.visit, &caller.user).await?;
    Ok(done("The account is deleted.")?.send(&request))
}
