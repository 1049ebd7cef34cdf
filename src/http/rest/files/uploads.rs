//! URLs to upload and download by (`05-storage.md` §5.1, §5.4).

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};

use super::bodies::{DownloadUrlBody, PresignBody};
use super::open;
use crate::domain::access::Access;
use crate::domain::files::DownloadUrl;
use crate::domain::files::presign::Presigned;
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::rest::query::params;

/// Begin an upload: answers a URL that takes one PUT.
#[utoipa::path(post, path = "/v1/files/presigned-url", tag = "files", request_body = PresignBody, responses((status = 200, body = Presigned)))]
pub async fn presign(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    files.signed_in()?;
    let upload = files.presign(body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&upload)?.send(&request))
}

/// Get a URL to download a file by: the plain one of a public file, else one that ends.
#[utoipa::path(post, path = "/v1/files/{id}/download-url", tag = "files", params(("id" = String, Path), ("expiresIn" = Option<String>, Query),
    ("disposition" = Option<String>, Query)), request_body = DownloadUrlBody, responses((status = 200, body = DownloadUrl)))]
pub async fn download_url(request: HttpRequest, access: Access, id: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let files = open(&request, &access)?;
    let answer = files.download_url(&id, &params(&request)?, body.json_value(JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&answer)?.send(&request))
}

/// The same by GET.
#[utoipa::path(get, path = "/v1/files/{id}/download-url", tag = "files", params(("id" = String, Path), ("expiresIn" = Option<String>, Query),
    ("disposition" = Option<String>, Query)), responses((status = 200, body = DownloadUrl)))]
pub async fn download_url_by_query(request: HttpRequest, access: Access, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let answer = open(&request, &access)?.download_url(&id, &params(&request)?, None).await?;
    Ok(Reply::ok(&answer)?.send(&request))
}

/// Go to where a file can be downloaded.
#[utoipa::path(get, path = "/v1/files/{id}/download", tag = "files", params(("id" = String, Path), ("expiresIn" = Option<String>, Query),
    ("disposition" = Option<String>, Query)), responses((status = 302)))]
pub async fn download(request: HttpRequest, access: Access, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let answer = open(&request, &access)?.download_url(&id, &params(&request)?, None).await?;
    Ok(HttpResponse::Found().insert_header((LOCATION, answer.url)).insert_header((CACHE_CONTROL, "no-store")).finish())
}
