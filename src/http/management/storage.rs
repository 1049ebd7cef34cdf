//! Administration of files: the settings of storage, uploads nobody registered, many files at once, files from elsewhere.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::files::{to_read, to_write};
use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::{jobs, reply};
use crate::domain::files::FileSettings;
use crate::domain::files::administration::UnregisteredUpload;
use crate::domain::files::bulk::BulkFiles;
use crate::domain::jobs::Job;
use crate::domain::page::List;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// Show the settings of storage.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/storage/settings", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = FileSettings)))]
pub async fn settings(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::versioned(&place.environment.storage_settings()?)
}

/// Change settings of storage; what is not named stays, `null` brings the default back.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/storage/settings", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("If-Match" = Option<String>, Header)), request_body = FileSettings,
    responses((status = 200, body = FileSettings)))]
pub async fn update_settings(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_administer(&request, &state, &developer).await?;
    let patch: Map<String, Value> = body.json().await?;
    reply::versioned(&place.environment.change_storage_settings(&place.caller, patch, &parameters.expected()).await?)
}

/// List what is stored and was never registered, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/unregistered", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<UnregisteredUpload>)))]
pub async fn unregistered(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.unregistered(parameters.page()?).await?)
}

/// Delete an upload that nobody registered, with its bytes.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/files/unregistered/{fileId}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("fileId" = String, Path)), responses((status = 204), (status = 409)))]
pub async fn delete_unregistered(request: HttpRequest, state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    to_write(&request, &state, &developer).await?.delete_unregistered(&path.2).await?;
    reply::no_content()
}

/// Delete many files, change who sees them, or pack them into one archive, which is the job's artifact.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/bulk", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("wait" = Option<u64>, Query)), request_body = BulkFiles,
    responses((status = 202, body = Job), (status = 200, body = Job)))]
pub async fn bulk(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let bulk: BulkFiles = body.json().await?;
    let job = state.bulk_files(&developer, &place.environment, bulk).await?;
    jobs::answer(&state, &developer, job, &parameters).await
}
