//! Environments of a project.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::jobs;
use super::parameters::Parameters;
use super::reply;
use crate::domain::jobs::Job;
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

/// Create an environment with a publishable key, empty or as a copy; 200 when it is there already, 202 while it is copied.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments", tag = "management",
    params(("projectId" = String, Path), ("wait" = Option<u64>, Query, description = "Seconds to wait for a copy, up to 30.")), request_body = NewEnvironment,
    responses((status = 201, body = EnvironmentView), (status = 200, body = EnvironmentView), (status = 202, body = Job)))]
pub async fn create(state: State, developer: Developer, project: Path<String>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let mut new: NewEnvironment = body.json().await?;
    if let Some(from) = new.clone_from.take() {
        let job = state.clone_environment(&developer, &project, new, from).await?;
        return jobs::answer(&state, &developer, job, &parameters).await;
    }
    let made = state.create_environment(&developer, &project, new).await?;
    if made.already_existed { reply::ok(&made) } else { reply::created(&made) }
}

/// Show an environment, by name or id.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = EnvironmentView)))]
pub async fn show(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.environment_view(&developer, &path.0, &path.1).await?)
}

/// Delete an environment with everything in it; `confirm` is its name. `X-Bkend-Snapshot` names the snapshot taken first.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("confirm" = String, Query), ("snapshot" = Option<bool>, Query)),
    responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let snapshot = state.delete_environment(&developer, &path.0, &path.1, parameters.confirm(), parameters.wants_snapshot()?).await?;
    Ok(reply::with_snapshot(reply::no_content()?, snapshot.as_deref()))
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
