//! Uploads in parts (`05-storage.md` §5.3), under the older paths too (§5.5).

use actix_web::{HttpRequest, HttpResponse, web};

use super::bodies::{AbortBody, CompleteUploadBody, MultipartInitBody, PartUrlBody};
use super::open;
use crate::domain::access::Access;
use crate::domain::files::Completed;
use crate::domain::files::multipart::{Aborted, MultipartUpload, OpenUpload, PartUrls};
use crate::domain::page::List;
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::rest::query::params;

/// Begin an upload in parts.
#[utoipa::path(post, path = "/v1/files/multipart/init", tag = "files", request_body = MultipartInitBody, responses((status = 200, body = MultipartUpload)))]
pub async fn begin(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let upload = files.begin_multipart(body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&upload)?.send(&request))
}

/// The same under its older name.
#[utoipa::path(post, path = "/v1/files/multipart/initiate", tag = "files", request_body = MultipartInitBody, responses((status = 200, body = MultipartUpload)))]
pub async fn begin_before(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    begin(request, access, body).await
}

/// Get URLs to PUT parts to.
#[utoipa::path(post, path = "/v1/files/multipart/presigned-url", tag = "files", request_body = PartUrlBody, responses((status = 200, body = PartUrls)))]
pub async fn part_url(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    part_urls(request, access, None, body).await
}

/// The same under its older path, where `key` is optional.
#[utoipa::path(post, path = "/v1/files/multipart/{uploadId}/part-url", tag = "files", params(("uploadId" = String, Path)), request_body = PartUrlBody,
    responses((status = 200, body = PartUrls)))]
pub async fn part_url_of(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    part_urls(request, access, Some(id.into_inner()), body).await
}

async fn part_urls(request: HttpRequest, access: Access, id: Option<String>, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let urls = files.part_urls(id.as_deref(), body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&urls)?.send(&request))
}

/// Make one object of the listed parts.
#[utoipa::path(post, path = "/v1/files/multipart/complete", tag = "files", request_body = CompleteUploadBody, responses((status = 200, body = Completed)))]
pub async fn complete(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    complete_upload(request, access, None, body).await
}

/// The same under its older path, where `key` is optional.
#[utoipa::path(post, path = "/v1/files/multipart/{uploadId}/complete", tag = "files", params(("uploadId" = String, Path)), request_body = CompleteUploadBody,
    responses((status = 200, body = Completed)))]
pub async fn complete_of(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    complete_upload(request, access, Some(id.into_inner()), body).await
}

async fn complete_upload(request: HttpRequest, access: Access, id: Option<String>, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let completed = files.complete_multipart(id.as_deref(), body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&completed)?.send(&request))
}

/// Give an upload up.
#[utoipa::path(post, path = "/v1/files/multipart/abort", tag = "files", request_body = AbortBody, responses((status = 200, body = Aborted)))]
pub async fn abort(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    abort_upload(request, access, None, body).await
}

/// The same under its older path, where `key` is optional.
#[utoipa::path(post, path = "/v1/files/multipart/{uploadId}/abort", tag = "files", params(("uploadId" = String, Path)), request_body = AbortBody,
    responses((status = 200, body = Aborted)))]
pub async fn abort_of(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    abort_upload(request, access, Some(id.into_inner()), body).await
}

async fn abort_upload(request: HttpRequest, access: Access, id: Option<String>, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let aborted = files.abort(id.as_deref(), body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&aborted)?.send(&request))
}

/// List the open uploads of the caller; everybody's for admins.
#[utoipa::path(get, path = "/v1/files/multipart", tag = "files", params(("page" = Option<String>, Query), ("limit" = Option<String>, Query),
    ("key" = Option<String>, Query)), responses((status = 200, body = List<OpenUpload>)))]
pub async fn list(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&open(&request, &access)?.open_uploads(&params(&request)?).await?)?.send(&request))
}

/// Read an open upload with all its parts.
#[utoipa::path(get, path = "/v1/files/multipart/{uploadId}", tag = "files", params(("uploadId" = String, Path)), responses((status = 200, body = OpenUpload)))]
pub async fn show(request: HttpRequest, access: Access, id: web::Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&open(&request, &access)?.open_upload(&id).await?)?.send(&request))
}
