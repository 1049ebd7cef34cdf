//! Ways to sign up and in: password, mailed link, simulated provider.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::Newcomer;
use super::reply;
use super::session::{Session, opened};
use crate::domain::tenancy::signup::NewAccount;
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

#[derive(Deserialize, ToSchema)]
pub struct PasswordSignIn {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
pub struct MagicLink {
    email: String,
    /// A path under `/console/` or `/mcp/` to go on to.
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct SimulatedIdentity {
    email: String,
    /// Absent: what stands before the `@`.
    #[serde(default)]
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    challenge_id: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeAnswer {
    challenge_id: String,
    /// Six digits, from the server's terminal.
    code: String,
}

#[derive(Deserialize, ToSchema)]
pub struct ForgottenPassword {
    email: String,
}

#[derive(Deserialize, ToSchema)]
pub struct PasswordReset {
    /// What follows `#` in the link.
    token: String,
    /// At least 10 characters.
    password: String,
}

/// Make a developer account and sign in.
#[utoipa::path(post, path = "/management/v1/auth/signup", tag = "management", request_body = NewAccount, responses((status = 200, body = Session)))]
pub async fn sign_up(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let new: NewAccount = body.json().await?;
    let session = state.sign_up(new, newcomer.0).await?;
    opened(&request, &state, session, None).await
}

/// Sign in with a password.
#[utoipa::path(post, path = "/management/v1/auth/signin", tag = "management", request_body = PasswordSignIn, responses((status = 200, body = Session)))]
pub async fn sign_in(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let PasswordSignIn { email, password } = body.json().await?;
    let session = state.sign_in_with_password(&email, &password, newcomer.0).await?;
    opened(&request, &state, session, None).await
}

/// Mail a one-time sign-in link; the answer does not tell whether the address has an account.
#[utoipa::path(post, path = "/management/v1/auth/magic-link", tag = "management", request_body = MagicLink, responses((status = 202, body = Object)))]
pub async fn send_link(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let MagicLink { email, next } = body.json().await?;
    let base = address::mail_base_url(&request, state.settings());
    state.send_login_link(&email, next, &base, &newcomer.0).await?;
    reply::accepted(&serde_json::json!({}))
}

/// Begin to sign in with a simulated provider: a code appears in the server's terminal.
#[utoipa::path(post, path = "/management/v1/auth/simulated/{provider}", tag = "management", params(("provider" = String, Path)),
    request_body = SimulatedIdentity, responses((status = 202, body = Challenge)))]
pub async fn start_simulated(state: State, newcomer: Newcomer, provider: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let SimulatedIdentity { email, name } = body.json().await?;
    let challenge_id = state.start_simulated(&provider, &email, &name, &newcomer.0).await?;
    reply::accepted(&Challenge { challenge_id })
}

/// Sign in with the code from the server's terminal.
#[utoipa::path(post, path = "/management/v1/auth/simulated/{provider}/confirm", tag = "management", params(("provider" = String, Path)),
    request_body = ChallengeAnswer, responses((status = 200, body = Session)))]
pub async fn confirm_simulated(request: HttpRequest, state: State, newcomer: Newcomer, provider: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let ChallengeAnswer { challenge_id, code } = body.json().await?;
    let session = state.confirm_simulated(&provider, &challenge_id, &code, newcomer.0).await?;
    opened(&request, &state, session, None).await
}

/// Mail a link to choose a new password; the answer does not tell whether the address has an account.
#[utoipa::path(post, path = "/management/v1/auth/password/forgot", tag = "management", request_body = ForgottenPassword,
    responses((status = 202, body = Object)))]
pub async fn forgot_password(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let ForgottenPassword { email } = body.json().await?;
    let base = address::mail_base_url(&request, state.settings());
    state.send_password_link(&email, &base, &newcomer.0).await?;
    reply::accepted(&serde_json::json!({}))
}

/// Choose a new password with the token of a link; ends every session and signs in.
#[utoipa::path(post, path = "/management/v1/auth/password/reset", tag = "management", request_body = PasswordReset,
    responses((status = 200, body = Session)))]
pub async fn reset_password(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let PasswordReset { token, password } = body.json().await?;
    let session = state.reset_password(token.trim(), &password, newcomer.0).await?;
    opened(&request, &state, session, None).await
}
