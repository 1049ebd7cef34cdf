//! Environments of a project.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::environments::{EnvironmentView, NewEnvironment};
use crate::domain::tenancy::stats::{EnvironmentStats, Step};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the environments of a project with what they hold.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments", tag = "management",
    params(("projectId" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<EnvironmentView>)))]
pub async fn list(state: State, developer: Developer, project: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.environments(&developer, &project).await?, &parameters)
}

/// Create an empty environment with a publishable key; 200 when it is there already.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments", tag = "management",
    params(("projectId" = String, Path)), request_body = NewEnvironment,
    responses((status = 201, body = EnvironmentView), (status = 200, body = EnvironmentView)))]
pub async fn create(state: State, developer: Developer, project: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let new: NewEnvironment = body.json().await?;
    let made = state.create_environment(&developer, &project, new).await?;
    if made.already_existed { reply::ok(&made) } else { reply::created(&made) }
}

/// Show an environment, by name or id.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = EnvironmentView)))]
pub async fn show(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.environment_view(&developer, &path.0, &path.1).await?)
}

/// Delete an environment with everything in it; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.delete_environment(&developer, &path.0, &path.1, parameters.confirm()).await?;
    reply::no_content()
}

/// Count what an environment holds.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/stats", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = EnvironmentStats)))]
pub async fn stats(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.environment_stats(&developer, &path.0, &path.1).await?)
}

/// Show the steps of getting started, ticked by facts.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/checklist", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = [Step])))]
pub async fn checklist(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.checklist(&developer, &path.0, &path.1).await?)
}
