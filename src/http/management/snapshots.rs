//! Snapshots of environments; restoring, resetting and cloning environments.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::Path;
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::{jobs, reply};
use crate::domain::jobs::Job;
use crate::domain::page::List;
use crate::domain::snapshots::{CloneFrom, CloneParts, NewSnapshot, ResetParts, RestoreFrom, Snapshot};
use crate::domain::tenancy::environments::NewEnvironment;
use crate::http::body::Body;
use crate::http::{ApiResult, State, download};

/// A new environment, and what it takes over.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clone {
    /// Name of the new environment: `^[a-z][a-z0-9-]{0,31}$`.
    environment: String,
    /// `dev`, `staging`, `prod` or `custom`; what the name says when absent.
    environment_type: Option<String>,
    #[serde(flatten)]
    parts: CloneParts,
}

/// List the snapshots of a project, newest first, those of deleted environments too.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/snapshots", tag = "management",
    params(("projectId" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<Snapshot>)))]
pub async fn list_of_project(state: State, developer: Developer, project: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.snapshots(&developer, &project, None).await?, &parameters)
}

/// List the snapshots of an environment, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/snapshots", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Snapshot>)))]
pub async fn list(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.snapshots(&developer, &path.0, Some(&path.1)).await?, &parameters)
}

/// Save the state of an environment; the job's result is the snapshot.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/snapshots", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("wait" = Option<u64>, Query)), request_body = Option<NewSnapshot>,
    responses((status = 202, body = Job), (status = 200, body = Job)))]
pub async fn create(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let new: NewSnapshot = body.json().await?;
    let job = state.create_snapshot(&developer, &path.0, &path.1, new).await?;
    jobs::answer(&state, &developer, job, &parameters).await
}

/// Download a snapshot: a `tar.gz` with `snapshot.json`, `data.db` and `objects/`.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/snapshots/{id}/download", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/gzip")))]
pub async fn download(state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    let file = state.snapshot_file(&developer, &path.0, &path.2).await?;
    let name = format!("attachment; filename=\"{}-{}.tar.gz\"", file.snapshot.environment, file.snapshot.id);
    Ok(HttpResponse::Ok()
        .content_type("application/gzip")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(download::written(move |out| file.write(out))))
}

/// Delete a snapshot; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/snapshots/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("confirm" = String, Query)), responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, path: Path<(String, String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.delete_snapshot(&developer, &path.0, &path.2, parameters.confirm()).await?;
    reply::no_content()
}

/// Put a snapshot of the project in place of the environment's content; `confirm` is the environment's name.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/snapshots/{id}/restore", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("confirm" = String, Query),
        ("snapshot" = Option<bool>, Query), ("wait" = Option<u64>, Query)),
    responses((status = 202, body = Job), (status = 200, body = Job), (status = 409)))]
pub async fn restore(state: State, developer: Developer, path: Path<(String, String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let (from, snapshot) = (RestoreFrom::Snapshot(path.2.clone()), parameters.wants_snapshot()?);
    let job = state.restore_environment(&developer, &path.0, &path.1, from, parameters.confirm(), snapshot).await?;
    answer_with_snapshot(&state, &developer, job, &parameters).await
}

/// Empty an environment; `confirm` is its name.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/reset", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("confirm" = String, Query), ("snapshot" = Option<bool>, Query),
        ("wait" = Option<u64>, Query)), request_body = Option<ResetParts>, responses((status = 202, body = Job), (status = 200, body = Job)))]
pub async fn reset(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let parts: ResetParts = body.json().await?;
    let job = state.reset_environment(&developer, &path.0, &path.1, parts, parameters.confirm(), parameters.wants_snapshot()?).await?;
    answer_with_snapshot(&state, &developer, job, &parameters).await
}

/// Make an environment as a copy of this one; the job's result is the environment with its `publishableKey`.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/clone", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("wait" = Option<u64>, Query)), request_body = Clone,
    responses((status = 202, body = Job), (status = 200, body = Job)))]
pub async fn clone(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let Clone { environment, environment_type, parts } = body.json().await?;
    let new = NewEnvironment { environment, environment_type, clone_from: None };
    let from = CloneFrom { environment: Some(path.1.clone()), snapshot_id: None, parts };
    let job = state.clone_environment(&developer, &path.0, new, from).await?;
    jobs::answer(&state, &developer, job, &parameters).await
}

/// As [`jobs::answer`], with the id of the snapshot taken first in `X-Bkend-Snapshot` once it is known.
async fn answer_with_snapshot(state: &State, developer: &Developer, job: Job, parameters: &Parameters) -> ApiResult<HttpResponse> {
    let job = state.wait_for_job(developer, &job.id, parameters.wait()?).await?;
    let snapshot = job.result.as_ref().and_then(|result| result["undoSnapshotId"].as_str()).map(str::to_owned);
    let answer = if job.status.is_final() { reply::ok(&job)? } else { reply::accepted(&job)? };
    Ok(reply::with_snapshot(answer, snapshot.as_deref()))
}
