//! `POST /v1/files/upload`: a form with one file, stored and registered in one call (`05-storage.md` §5).

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;

use super::open;
use crate::domain::access::Access;
use crate::domain::error::{Error, Result};
use crate::domain::files::direct::Direct;
use crate::domain::files::{FileObject, Files};
use crate::http::ApiResult;
use crate::http::body::too_large;
use crate::http::form::{Form, Part};
use crate::http::reply::Reply;

/// Bytes of a part that is no file.
const TEXT_LIMIT: usize = 64 * 1024;
/// Bytes of all parts that mean nothing here.
const IGNORED_LIMIT: usize = 1024 * 1024;

/// What the form holds.
#[derive(ToSchema)]
#[allow(dead_code)] // only its schema is used
pub struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
    /// `public`, `private`, `protected` or `shared`.
    pub visibility: Option<String>,
    pub bucket: Option<String>,
    /// JSON text.
    pub metadata: Option<String>,
}

/// Upload and register a file in one call.
#[utoipa::path(post, path = "/v1/files/upload", tag = "files", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileObject)))]
pub async fn upload(request: HttpRequest, access: Access, body: Payload) -> ApiResult<HttpResponse> {
    let file = receive(&request, &open(&request, &access)?, body).await?;
    Ok(Reply::ok(&file)?.status(StatusCode::CREATED).send(&request))
}

/// Reads a form, whoever sends it, and answers the file that it held.
pub async fn receive(request: &HttpRequest, files: &Files, body: Payload) -> Result<FileObject> {
    let mut upload = files.direct()?;
    let mut form = Form::open(request, body)?;
    let mut ignored = 0;
    while let Some(mut part) = form.next().await? {
        let name = part.name().to_owned();
        if name == "file" {
            take_file(&mut upload, &mut part).await?;
        } else if Direct::is_text(&name) {
            let too_long = |_| Error::invalid_parameter(&name, format!("{name} may have {TEXT_LIMIT} bytes"));
            let bytes = part.bytes(TEXT_LIMIT).await?.map_err(too_long)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| Error::invalid_parameter(&name, format!("{name} must be UTF-8")))?;
            upload.text(&name, text)?;
        } else {
            while let Some(chunk) = part.chunk().await? {
                ignored += chunk.len();
                if ignored > IGNORED_LIMIT {
                    return Err(too_large(IGNORED_LIMIT));
                }
            }
        }
    }
    upload.finish().await
}

async fn take_file(upload: &mut Direct, part: &mut Part) -> Result<()> {
    upload.file(part.file_name().as_deref(), part.content_type().as_deref())?;
    while let Some(bytes) = part.chunk().await? {
        upload.push(&bytes).await?;
    }
    Ok(())
}
