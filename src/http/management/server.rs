//! The server itself, and sign-in links made by whoever may read its data directory.

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::Developer;
use super::reply;
use crate::domain::tenancy::server::ServerStatus;
use crate::domain::time;
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

#[derive(Deserialize, ToSchema)]
pub struct NewLoginLink {
    /// Of the tenant to sign in as; the server owner when absent.
    email: Option<String>,
    /// A path under `/console` or `/mcp/` to go on to.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginLink {
    url: String,
    expires_at: String,
}

/// Show version, uptime, address and state of the server; for its owner.
#[utoipa::path(get, path = "/management/v1/server", tag = "management", responses((status = 200, body = ServerStatus)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let base = address::base_url(&request, state.settings());
    reply::ok(&state.server_status(&developer, &base).await?)
}

/// Make a one-time sign-in link; for the operator.
#[utoipa::path(post, path = "/management/v1/server/login-links", tag = "management", request_body = NewLoginLink, responses((status = 201, body = LoginLink)))]
pub async fn create_login_link(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let new: NewLoginLink = body.json().await?;
    let link = state.create_login_link(&developer, new.email.as_deref(), new.next).await?;
    let url = format!("{}/console/link#{}", address::base_url(&request, state.settings()), link.token);
    reply::created(&LoginLink { url, expires_at: time::iso(link.expires_at) })
}
