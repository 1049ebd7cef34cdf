//! The server itself, its mail to developers, and sign-in links made by whoever may read its data directory.

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::mailbox::TenantMail;
use crate::domain::tenancy::relay::{NewRelay, RelayView};
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

#[derive(Deserialize, ToSchema)]
pub struct RelayTest {
    /// Where the mail goes.
    to: String,
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

/// Mail to developers, newest first; for the server owner.
#[utoipa::path(get, path = "/management/v1/mailbox", tag = "management",
    params(("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<TenantMail>)))]
pub async fn mailbox(state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.tenant_mailbox(&developer, parameters.page()?).await?)
}

/// Show the relay for developers' mail, without its password; for the server owner.
#[utoipa::path(get, path = "/management/v1/server/smtp", tag = "management", responses((status = 200, body = RelayView)))]
pub async fn relay(state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&state.relay_settings(&developer).await?)
}

/// Set the relay for developers' mail; for the server owner.
#[utoipa::path(put, path = "/management/v1/server/smtp", tag = "management", request_body = NewRelay, responses((status = 200, body = RelayView)))]
pub async fn set_relay(state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let new: NewRelay = body.json().await?;
    reply::ok(&state.set_relay(&developer, new).await?)
}

/// Forget the relay: mail stays in the server's mailbox; for the server owner.
#[utoipa::path(delete, path = "/management/v1/server/smtp", tag = "management", responses((status = 204)))]
pub async fn remove_relay(state: State, developer: Developer) -> ApiResult<HttpResponse> {
    state.remove_relay(&developer).await?;
    reply::no_content()
}

/// Send a mail through the relay now; for the server owner.
#[utoipa::path(post, path = "/management/v1/server/smtp/test", tag = "management", request_body = RelayTest, responses((status = 200, body = RelayView)))]
pub async fn test_relay(state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let RelayTest { to } = body.json().await?;
    reply::ok(&state.test_relay(&developer, &to).await?)
}
