//! Personal access tokens.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::access_tokens::{AccessToken, NewAccessToken};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the caller's personal access tokens; revoked ones only with `status=revoked`.
#[utoipa::path(get, path = "/management/v1/account/tokens", tag = "management",
    params(("status" = Option<String>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<AccessToken>)))]
pub async fn list(state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let status = parameters.text("status");
    reply::page_of(state.access_tokens(&developer, status.as_deref()).await?, &parameters)
}

/// Make a personal access token; `token` is shown once.
#[utoipa::path(post, path = "/management/v1/account/tokens", tag = "management", request_body = NewAccessToken, responses((status = 201, body = AccessToken)))]
pub async fn create(state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let new: NewAccessToken = body.json().await?;
    reply::created(&state.create_access_token(&developer, new).await?)
}

/// Revoke a personal access token.
#[utoipa::path(delete, path = "/management/v1/account/tokens/{id}", tag = "management", params(("id" = String, Path)), responses((status = 204)))]
pub async fn revoke(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    state.revoke_access_token(&developer, &id).await?;
    reply::no_content()
}

/// List the tokens with which members can act in an organization.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/tokens", tag = "management",
    params(("organizationId" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<AccessToken>)))]
pub async fn list_of_organization(state: State, developer: Developer, organization: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.organization_tokens(&developer, &organization).await?, &parameters)
}

/// Revoke a member's token.
#[utoipa::path(delete, path = "/management/v1/organizations/{organizationId}/tokens/{id}", tag = "management",
    params(("organizationId" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn revoke_in_organization(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (organization, id) = path.into_inner();
    state.revoke_organization_token(&developer, &organization, &id).await?;
    reply::no_content()
}
