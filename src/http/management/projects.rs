//! Projects.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::projects::{NewProject, ProjectPatch, ProjectView};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the projects of an organization.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/projects", tag = "management",
    params(("organizationId" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<ProjectView>)))]
pub async fn list(state: State, developer: Developer, organization: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.projects(&developer, &organization).await?, &parameters)
}

/// Create a project with an environment `dev` and a publishable key.
#[utoipa::path(post, path = "/management/v1/organizations/{organizationId}/projects", tag = "management",
    params(("organizationId" = String, Path)), request_body = NewProject, responses((status = 201, body = ProjectView)))]
pub async fn create(state: State, developer: Developer, organization: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let new: NewProject = body.json().await?;
    reply::created_versioned(&state.create_project(&developer, &organization, new).await?)
}

/// Show a project.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}", tag = "management",
    params(("projectId" = String, Path)), responses((status = 200, body = ProjectView)))]
pub async fn show(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    reply::versioned(&state.project_view(&developer, &id).await?)
}

/// Change a project; settings are merged by key.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}", tag = "management",
    params(("projectId" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ProjectPatch, responses((status = 200, body = ProjectView)))]
pub async fn update(state: State, developer: Developer, id: Path<String>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let patch: ProjectPatch = body.json().await?;
    reply::versioned(&state.update_project(&developer, &id, patch, &parameters.expected()).await?)
}

/// Delete a project with all its environments; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}", tag = "management",
    params(("projectId" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.delete_project(&developer, &id, parameters.confirm()).await?;
    reply::no_content()
}
