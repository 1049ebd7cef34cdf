//! The caller's own account.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::{self, Developer};
use super::reply;
use crate::domain::tenancy::account::{Account, AccountPatch};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    /// Needed once there is one.
    current: Option<String>,
    /// At least 10 characters.
    password: String,
}

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

/// Set or change the caller's password; ends its other sessions.
#[utoipa::path(put, path = "/management/v1/account/password", tag = "management", request_body = NewPassword, responses((status = 204)))]
pub async fn set_password(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let NewPassword { current, password } = body.json().await?;
    let address = identity::device(&request)?.ip_address;
    state.set_password(&developer, current.as_deref(), &password, &address).await?;
    reply::no_content()
}
