//! Registering, listing, reading, changing and deleting files (`05-storage.md` §5.2).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::bodies::{CompleteFileBody, FilePatch, RegisterBody, VisibilityBody};
use super::open;
use crate::domain::access::Access;
use crate::domain::files::FileObject;
use crate::domain::files::stats::{BucketStats, FileStats};
use crate::domain::page::List;
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::rest::query::params;

/// Register an upload whose bytes are stored.
#[utoipa::path(post, path = "/v1/files", tag = "files", request_body = RegisterBody, responses((status = 201, body = FileObject)))]
pub async fn register(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let file = files.register(body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&file)?.status(StatusCode::CREATED).send(&request))
}

/// Register an upload by its id; what is not said comes from the upload.
#[utoipa::path(post, path = "/v1/files/{id}/complete", tag = "files", params(("id" = String, Path)), request_body = CompleteFileBody,
    responses((status = 200, body = FileObject)))]
pub async fn complete(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let file = files.complete(&id, body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&file)?.send(&request))
}

/// List the files the caller sees, newest first.
#[utoipa::path(get, path = "/v1/files", tag = "files", params(("page" = Option<String>, Query), ("limit" = Option<String>, Query),
    ("sortBy" = Option<String>, Query, description = "`createdAt`, `updatedAt`, `originalName`, `size` or `mimeType`."),
    ("sortDirection" = Option<String>, Query), ("visibility" = Option<String>, Query), ("ownerType" = Option<String>, Query),
    ("ownerId" = Option<String>, Query), ("bucket" = Option<String>, Query),
    ("mimeType" = Option<String>, Query, description = "A content type, or one such as `image/*`."),
    ("search" = Option<String>, Query, description = "A part of the name, whatever its case.")), responses((status = 200, body = List<FileObject>)))]
pub async fn list(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    let list = open(&request, &access)?.list(&params(&request)?).await?;
    Ok(Reply::ok(&list)?.send(&request))
}

/// Read what is known of a file.
#[utoipa::path(get, path = "/v1/files/{id}", tag = "files", params(("id" = String, Path)), responses((status = 200, body = FileObject)))]
pub async fn show(request: HttpRequest, access: Access, id: web::Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&open(&request, &access)?.get(&id).await?)?.send(&request))
}

/// Change name, visibility, bucket, metadata or whom a file is shared with.
#[utoipa::path(patch, path = "/v1/files/{id}", tag = "files", params(("id" = String, Path)), request_body = FilePatch,
    responses((status = 200, body = FileObject)))]
pub async fn update(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let file = open(&request, &access)?.update(&id, body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&file)?.send(&request))
}

/// Change the visibility of a file.
#[utoipa::path(patch, path = "/v1/files/{id}/visibility", tag = "files", params(("id" = String, Path)), request_body = VisibilityBody,
    responses((status = 200, body = FileObject)))]
pub async fn set_visibility(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let file = open(&request, &access)?.set_visibility(&id, body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&file)?.send(&request))
}

/// Nothing.
#[derive(serde::Serialize, ToSchema)]
pub struct DeletedFile {}

/// Delete a file, with its bytes.
#[utoipa::path(delete, path = "/v1/files/{id}", tag = "files", params(("id" = String, Path)),
    responses((status = 200, body = DeletedFile), (status = 409)))]
pub async fn delete(request: HttpRequest, access: Access, id: web::Path<String>) -> ApiResult<HttpResponse> {
    open(&request, &access)?.delete(&id).await?;
    Ok(Reply::ok(&DeletedFile {})?.send(&request))
}

/// Number and bytes of files: of the environment for admins, else the caller's own.
#[utoipa::path(get, path = "/v1/files/stats", tag = "files", responses((status = 200, body = FileStats)))]
pub async fn stats(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&open(&request, &access)?.stats().await?)?.send(&request))
}

/// The same by bucket, all nine on one page.
#[utoipa::path(get, path = "/v1/files/buckets", tag = "files", responses((status = 200, body = List<BucketStats>)))]
pub async fn buckets(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&open(&request, &access)?.buckets().await?)?.send(&request))
}
