//! AI clients that members have approved.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::oauth::ConnectionView;
use crate::domain::page::List;
use crate::http::{ApiResult, State};

/// List the AI clients approved for an organization: the caller's own, all of them for admins.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/connections", tag = "management",
    params(("organizationId" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<ConnectionView>)))]
pub async fn list(state: State, developer: Developer, organization: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.connections(&developer, &organization).await?, &parameters)
}

/// Revoke an AI client; its tokens stop working at once.
#[utoipa::path(delete, path = "/management/v1/organizations/{organizationId}/connections/{id}", tag = "management",
    params(("organizationId" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn revoke(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (organization, id) = path.into_inner();
    state.revoke_connection(&developer, &organization, &id).await?;
    reply::no_content()
}
