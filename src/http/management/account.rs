//! The caller's own account.

use actix_web::HttpResponse;

use super::identity::Developer;
use super::reply;
use crate::domain::tenancy::account::{Account, AccountPatch};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// Show the caller's own account.
#[utoipa::path(get, path = "/management/v1/account", tag = "management", responses((status = 200, body = Account)))]
pub async fn show(state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&state.account(&developer).await?)
}

/// Change the caller's own account.
#[utoipa::path(patch, path = "/management/v1/account", tag = "management", request_body = AccountPatch, responses((status = 200, body = Account)))]
pub async fn update(state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let patch: AccountPatch = body.json().await?;
    reply::ok(&state.update_account(&developer, patch).await?)
}
