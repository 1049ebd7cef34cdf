//! Organizations.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::organizations::{NewOrganization, Organization, OrganizationPatch};
use crate::domain::tenancy::stats::OrganizationStats;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the organizations the caller belongs to.
#[utoipa::path(get, path = "/management/v1/organizations", tag = "management",
    params(("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<Organization>)))]
pub async fn list(state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.organizations(&developer).await?, &parameters)
}

/// Create an organization; the caller becomes its owner.
#[utoipa::path(post, path = "/management/v1/organizations", tag = "management", request_body = NewOrganization, responses((status = 201, body = Organization)))]
pub async fn create(state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let new: NewOrganization = body.json().await?;
    reply::created(&state.create_organization(&developer, new).await?)
}

/// Show an organization, by id or slug.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}", tag = "management",
    params(("organizationId" = String, Path)), responses((status = 200, body = Organization)))]
pub async fn show(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    reply::ok(&state.organization(&developer, &id).await?)
}

/// Change name, display name or description of an organization.
#[utoipa::path(patch, path = "/management/v1/organizations/{organizationId}", tag = "management",
    params(("organizationId" = String, Path)), request_body = OrganizationPatch, responses((status = 200, body = Organization)))]
pub async fn update(state: State, developer: Developer, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let patch: OrganizationPatch = body.json().await?;
    reply::ok(&state.update_organization(&developer, &id, patch).await?)
}

/// Delete an organization with all its projects; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/organizations/{organizationId}", tag = "management",
    params(("organizationId" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.delete_organization(&developer, &id, parameters.confirm()).await?;
    reply::no_content()
}

/// Count what an organization holds.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/stats", tag = "management",
    params(("organizationId" = String, Path)), responses((status = 200, body = OrganizationStats)))]
pub async fn stats(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    reply::ok(&state.organization_stats(&developer, &id).await?)
}
