//! Members of an organization.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::members::{Member, MemberFilter, MemberPatch};
use crate::domain::tenancy::organizations::Organization;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// The member who becomes owner.
    tenant_id: String,
}

/// List the members of an organization.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/members", tag = "management",
    params(("organizationId" = String, Path), ("search" = Option<String>, Query), ("role" = Option<String>, Query), ("status" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Member>)))]
pub async fn list(state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let filter = MemberFilter { search: parameters.text("search"), role: parameters.text("role"), status: parameters.text("status") };
    reply::page_of(state.members(&developer, &id, &filter).await?, &parameters)
}

/// Change the role of a member.
#[utoipa::path(patch, path = "/management/v1/organizations/{organizationId}/members/{tenantId}", tag = "management",
    params(("organizationId" = String, Path), ("tenantId" = String, Path)), request_body = MemberPatch, responses((status = 200, body = Member)))]
pub async fn update(state: State, developer: Developer, path: Path<(String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let (organization, member) = path.into_inner();
    let patch: MemberPatch = body.json().await?;
    reply::ok(&state.set_member_role(&developer, &organization, &member, patch.role).await?)
}

/// Remove a member; `confirm` is its e-mail address.
#[utoipa::path(delete, path = "/management/v1/organizations/{organizationId}/members/{tenantId}", tag = "management",
    params(("organizationId" = String, Path), ("tenantId" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn remove(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let (organization, member) = path.into_inner();
    state.remove_member(&developer, &organization, &member, parameters.confirm()).await?;
    reply::no_content()
}

/// Make another member owner and the caller admin; `confirm` is `transfer`.
#[utoipa::path(post, path = "/management/v1/organizations/{organizationId}/transfer", tag = "management",
    params(("organizationId" = String, Path), ("confirm" = String, Query)), request_body = Transfer, responses((status = 200, body = Organization)))]
pub async fn transfer(state: State, developer: Developer, id: Path<String>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let transfer: Transfer = body.json().await?;
    reply::ok(&state.transfer_organization(&developer, &id, &transfer.tenant_id, parameters.confirm()).await?)
}

/// Leave an organization; `confirm` is `leave`.
#[utoipa::path(post, path = "/management/v1/organizations/{organizationId}/leave", tag = "management",
    params(("organizationId" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn leave(state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.leave_organization(&developer, &id, parameters.confirm()).await?;
    reply::no_content()
}
