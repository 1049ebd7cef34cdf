//! The audit log.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::audit::{Activity, ActivityQuery};
use crate::http::{ApiResult, State};

fn query(parameters: &Parameters) -> ActivityQuery {
    ActivityQuery {
        entity_type: parameters.text("entityType"),
        action: parameters.text("action"),
        actor: parameters.text("actor"),
        environment: parameters.text("environment"),
        from: parameters.text("from"),
        to: parameters.text("to"),
        search: parameters.text("search"),
    }
}

/// List what was changed in a project, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/activities", tag = "management",
    params(("projectId" = String, Path), ("entityType" = Option<String>, Query), ("action" = Option<String>, Query), ("actor" = Option<String>, Query),
        ("environment" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("search" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Activity>)))]
pub async fn of_project(state: State, developer: Developer, project: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.project_activities(&developer, &project, query(&parameters), parameters.page()?).await?)
}

/// List what was changed in an organization and its projects, newest first.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/activities", tag = "management",
    params(("organizationId" = String, Path), ("entityType" = Option<String>, Query), ("action" = Option<String>, Query), ("actor" = Option<String>, Query),
        ("environment" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("search" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Activity>)))]
pub async fn of_organization(state: State, developer: Developer, organization: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.organization_activities(&developer, &organization, query(&parameters), parameters.page()?).await?)
}
