//! The current user, refreshing, and sessions (`03-auth.md` §2).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Done, KeyCaller, UserCaller, done, input, tokens};
use crate::domain::auth::sessions::SessionInfo;
use crate::domain::auth::{TokenPair, refresh, sessions};
use crate::domain::page::{List, Page};
use crate::domain::users::{self, Me};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::query::params;

/// The signed-in user.
#[utoipa::path(get, path = "/v1/auth/me", tag = "auth", responses((status = 200, body = Me)))]
pub async fn me(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&users::me(&caller.environment, &caller.user, &caller.visit.base_url).await?)?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RefreshBody {
    pub refresh_token: Option<String>,
}

/// Exchange a refresh token for new tokens.
///
/// Repeating the call within `refreshGraceSeconds` answers the same refresh token; an older one ends the sessions of the user.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "auth", request_body = RefreshBody, responses((status = 200, body = TokenPair)))]
pub async fn refresh(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: RefreshBody = body.json().await?;
    let token = input::text("refreshToken", body.refresh_token)?;
    let pair = refresh::refresh(&caller.environment, &caller.visit, &token).await?;
    Ok(tokens(&pair)?.at_both_levels().send(&request))
}

/// End the current session.
#[utoipa::path(post, path = "/v1/auth/signout", tag = "auth", responses((status = 200, body = Done)))]
pub async fn sign_out(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    sessions::sign_out(&caller.environment, &caller.user, &caller.visit).await?;
    Ok(done("Signed out.")?.send(&request))
}

/// List one's sessions, newest activity first.
#[utoipa::path(get, path = "/v1/auth/sessions", tag = "auth", params(("page" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = List<SessionInfo>)))]
pub async fn list(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let page = Page::parse(params.get("page"), params.get("limit"))?;
    Ok(Reply::ok(&sessions::list(&caller.environment, &caller.user, page).await?)?.send(&request))
}

/// End one of one's sessions.
#[utoipa::path(delete, path = "/v1/auth/sessions/{sessionId}", tag = "auth", params(("sessionId" = String, Path)), responses((status = 200, body = Done)))]
pub async fn revoke(request: HttpRequest, caller: UserCaller, id: Path<String>) -> ApiResult<HttpResponse> {
    sessions::revoke(&caller.environment, &caller.user, &caller.visit, &id).await?;
    Ok(done("The session has ended.")?.send(&request))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// Sessions ended.
    pub revoked: u64,
}

/// End all of one's sessions but the current one.
#[utoipa::path(delete, path = "/v1/auth/sessions", tag = "auth", responses((status = 200, body = Revoked)))]
pub async fn revoke_others(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    let revoked = sessions::revoke_others(&caller.environment, &caller.user, &caller.visit).await?;
    Ok(Reply::ok(&Revoked { revoked })?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SwitchBody {
    pub organization_id: Option<String>,
}

/// Rotate the session for the project's own organization, the only one there is.
#[utoipa::path(post, path = "/v1/auth/switch-organization", tag = "auth", request_body = SwitchBody, responses((status = 200, body = TokenPair)))]
pub async fn switch_organization(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: SwitchBody = body.json().await?;
    let organization = input::text("organizationId", body.organization_id)?;
    let pair = refresh::switch_organization(&caller.environment, &caller.user, &organization).await?;
    Ok(tokens(&pair)?.at_both_levels().send(&request))
}
