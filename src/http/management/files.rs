//! Files of an environment, with the routes and bodies of `/v1/files` and the rights of an admin (`05-storage.md`).

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::Result;
use crate::domain::files::multipart::{Aborted, MultipartUpload, OpenUpload, PartUrls};
use crate::domain::files::presign::Presigned;
use crate::domain::files::stats::{BucketStats, FileStats};
use crate::domain::files::{Completed, DownloadUrl, FileObject, Files};
use crate::domain::page::List;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::rest::files::bodies::{AbortBody, CompleteUploadBody, DownloadUrlBody, FilePatch, MultipartInitBody, PartUrlBody, PresignBody, RegisterBody};
use crate::http::rest::files::direct::{self, UploadForm};
use crate::http::rest::files::metadata::DeletedFile;
use crate::http::{ApiResult, State, address};

/// Project, environment, and a file or upload.
type Third = Path<(String, String, String)>;

/// The files of the environment in the path, for calls that change nothing.
pub(super) async fn to_read(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Files> {
    Ok(files_at(&Place::to_read(request, state, developer).await?, request, state))
}

/// The same for calls that change something.
pub(super) async fn to_write(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Files> {
    Ok(files_at(&Place::to_write(request, state, developer).await?, request, state))
}

pub(super) fn files_at(place: &Place, request: &HttpRequest, state: &State) -> Files {
    Files::open(&place.environment, &place.caller, &address::base_url(request, state.settings()))
}

/// List files, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query),
        ("sortBy" = Option<String>, Query), ("sortDirection" = Option<String>, Query), ("visibility" = Option<String>, Query),
        ("ownerType" = Option<String>, Query), ("ownerId" = Option<String>, Query), ("bucket" = Option<String>, Query),
        ("mimeType" = Option<String>, Query), ("search" = Option<String>, Query)), responses((status = 200, body = List<FileObject>)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.list(&parameters.query).await?)
}

/// Register an upload whose bytes are stored, also one that somebody else began.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = RegisterBody, responses((status = 201, body = FileObject)))]
pub async fn register(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::created(&files.register(body.json_value(JSON_LIMIT).await?).await?)
}

/// Upload and register a file in one call, for the service.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/upload", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileObject)))]
pub async fn upload(request: HttpRequest, state: State, developer: Developer, body: Payload) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::created(&direct::receive(&request, &files, body).await?)
}

/// Ask for a URL that takes one PUT.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/presigned-url", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = PresignBody, responses((status = 200, body = Presigned)))]
pub async fn presign(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.presign(body.json_value(JSON_LIMIT).await?).await?)
}

/// Number and bytes of all files.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/stats", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = FileStats)))]
pub async fn stats(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.stats().await?)
}

/// The same by bucket, all nine on one page.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/buckets", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = List<BucketStats>)))]
pub async fn buckets(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.buckets().await?)
}

/// Read what is known of a file.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = FileObject)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer, path: Third) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.get(&path.2).await?)
}

/// Change name, visibility, bucket, metadata or whom a file is shared with.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = FilePatch,
    responses((status = 200, body = FileObject)))]
pub async fn update(request: HttpRequest, state: State, developer: Developer, path: Third, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.update(&path.2, body.json_value(JSON_LIMIT).await?).await?)
}

/// Delete a file, with its bytes.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = DeletedFile), (status = 409)))]
pub async fn delete(request: HttpRequest, state: State, developer: Developer, path: Third) -> ApiResult<HttpResponse> {
    to_write(&request, &state, &developer).await?.delete(&path.2).await?;
    reply::ok(&DeletedFile {})
}

/// Ask for a URL to download by.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}/download-url", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = Option<DownloadUrlBody>,
    responses((status = 200, body = DownloadUrl)))]
pub async fn download_url(
    request: HttpRequest,
    state: State,
    developer: Developer,
    path: Third,
    parameters: Parameters,
    body: Body,
) -> ApiResult<HttpResponse> {
    let files = to_read(&request, &state, &developer).await?;
    reply::ok(&files.download_url(&path.2, &parameters.query, body.json_value(JSON_LIMIT).await?).await?)
}

/// The same by query.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}/download-url", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("expiresIn" = Option<u64>, Query),
        ("disposition" = Option<String>, Query)), responses((status = 200, body = DownloadUrl)))]
pub async fn download_url_by_query(request: HttpRequest, state: State, developer: Developer, path: Third, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.download_url(&path.2, &parameters.query, None).await?)
}

/// Go to where a file is downloaded.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/{id}/download", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("expiresIn" = Option<u64>, Query),
        ("disposition" = Option<String>, Query)), responses((status = 302)))]
pub async fn download(request: HttpRequest, state: State, developer: Developer, path: Third, parameters: Parameters) -> ApiResult<HttpResponse> {
    let found = to_read(&request, &state, &developer).await?.download_url(&path.2, &parameters.query, None).await?;
    Ok(HttpResponse::build(StatusCode::FOUND).insert_header((LOCATION, found.url)).insert_header(("cache-control", "no-store")).finish())
}

/// List the open uploads in parts.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query),
        ("key" = Option<String>, Query)), responses((status = 200, body = List<OpenUpload>)))]
pub async fn open_uploads(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.open_uploads(&parameters.query).await?)
}

/// Show an open upload with its stored parts.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart/{uploadId}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("uploadId" = String, Path)), responses((status = 200, body = OpenUpload)))]
pub async fn open_upload(request: HttpRequest, state: State, developer: Developer, path: Third) -> ApiResult<HttpResponse> {
    reply::ok(&to_read(&request, &state, &developer).await?.open_upload(&path.2).await?)
}

/// Begin an upload in parts.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart/init", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = MultipartInitBody,
    responses((status = 200, body = MultipartUpload)))]
pub async fn begin_multipart(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.begin_multipart(body.json_value(JSON_LIMIT).await?).await?)
}

/// Ask for URLs that take one part each.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart/presigned-url", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = PartUrlBody, responses((status = 200, body = PartUrls)))]
pub async fn part_urls(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.part_urls(None, body.json_value(JSON_LIMIT).await?).await?)
}

/// Put the parts together.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart/complete", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = CompleteUploadBody,
    responses((status = 200, body = Completed)))]
pub async fn complete_multipart(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.complete_multipart(None, body.json_value(JSON_LIMIT).await?).await?)
}

/// Give up an upload in parts.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/multipart/abort", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = AbortBody, responses((status = 200, body = Aborted)))]
pub async fn abort_multipart(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    reply::ok(&files.abort(None, body.json_value(JSON_LIMIT).await?).await?)
}
