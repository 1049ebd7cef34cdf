//! What developers do for one user: its sessions, its mail, acting as it.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use super::users::{id, to_read, to_write};
use crate::domain::auth::TokenPair;
use crate::domain::auth::accounts::Account;
use crate::domain::auth::sessions::SessionInfo;
use crate::domain::page::List;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the sessions of a user, newest activity first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/sessions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("page" = Option<u64>, Query),
        ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<SessionInfo>)))]
pub async fn sessions(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let asker = to_read(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    reply::ok(&asker.sessions(&target, parameters.page()?).await?)
}

/// List the ways a user signs in.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/accounts", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("page" = Option<u64>, Query),
        ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Account>)))]
pub async fn accounts(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let asker = to_read(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    reply::ok(&asker.accounts(&target, parameters.page()?))
}

/// End every session of a user.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/sessions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn end_sessions(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    asker.end_sessions(&target).await?;
    reply::no_content()
}

/// End one session of a user.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/sessions/{sessionId}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("sessionId" = String, Path)),
    responses((status = 204)))]
pub async fn end_session(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    asker.end_session(&target, request.match_info().query("sessionId")).await?;
    reply::no_content()
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActAsBody {
    /// Seconds, 60–3600; 900 when absent.
    expires_in: Option<i64>,
}

/// Get an access token of a user; without MFA and without a refresh token.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/impersonate", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = ActAsBody,
    responses((status = 200, body = TokenPair)))]
pub async fn act_as(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    let body: ActAsBody = body.json().await?;
    reply::ok(&asker.act_as(&target, body.expires_in.unwrap_or(900)).await?)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SendBody {
    /// Where the mailed link leads; required for `magic_link`.
    callback_url: Option<String>,
}

/// Send a user a mail: `signup_confirmation`, `email_verification`, `password_reset`, `magic_link` or `email_code`.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/send/{template}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("template" = String, Path)), request_body = SendBody,
    responses((status = 204)))]
pub async fn send(
    request: HttpRequest,
    state: State,
    developer: Developer,
    path: Path<(String, String, String, String)>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    let body: SendBody = body.json().await?;
    asker.send_mail(&target, &path.3, body.callback_url.as_deref()).await?;
    reply::no_content()
}
