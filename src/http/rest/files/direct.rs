//! `POST /v1/files/upload`: a form with one file, stored and registered in one call (`05-storage.md` §5).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use multer::Field;
use utoipa::ToSchema;

use super::open;
use crate::domain::access::Access;
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::direct::Direct;
use crate::domain::files::{FileObject, Files};
use crate::http::body::too_large;
use crate::http::reply::Reply;
use crate::http::{ApiResult, State, form};

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
    let mut form = form::open(request, body)?;
    let idle = State::of(request)?.settings().upload_idle;
    let mut ignored = 0;
    while let Some(mut field) = patiently(idle, form.next_field()).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            take_file(&mut upload, &mut field, idle).await?;
        } else if Direct::is_text(&name) {
            let text = read_text(&name, &mut field, idle).await?;
            upload.text(&name, &text)?;
        } else {
            while let Some(chunk) = chunk(&mut field, idle).await? {
                ignored += chunk.len();
                if ignored > IGNORED_LIMIT {
                    return Err(too_large(IGNORED_LIMIT));
                }
            }
        }
    }
    upload.finish().await
}

async fn take_file(upload: &mut Direct, field: &mut Field<'_>, idle: Duration) -> Result<()> {
    let content_type = field.content_type().map(ToString::to_string);
    upload.file(field.file_name(), content_type.as_deref())?;
    while let Some(bytes) = chunk(field, idle).await? {
        upload.push(&bytes).await?;
    }
    Ok(())
}

async fn read_text(name: &str, field: &mut Field<'_>, idle: Duration) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(field, idle).await? {
        if bytes.len() + chunk.len() > TEXT_LIMIT {
            return Err(Error::invalid_parameter(name, format!("{name} may have {TEXT_LIMIT} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid_parameter(name, format!("{name} must be UTF-8")))
}

async fn chunk(field: &mut Field<'_>, idle: Duration) -> Result<Option<Bytes>> {
    patiently(idle, field.chunk()).await
}

/// Waits for what comes next, but not longer than `idle`.
///
/// # Errors
/// 408 `file/upload-timeout`; 400 for a form that is none.
async fn patiently<T>(idle: Duration, next: impl Future<Output = std::result::Result<Option<T>, multer::Error>>) -> Result<Option<T>> {
    let late = |_| Error::new(Code::FILE_UPLOAD_TIMEOUT, format!("No byte came for {} seconds; nothing was stored. Send the form again", idle.as_secs()));
    tokio::time::timeout(idle, next).await.map_err(late)?.map_err(broken)
}

fn broken(error: multer::Error) -> Error {
    Error::invalid_parameter("body", "The form is not valid multipart/form-data, or it broke off before its end; nothing was stored").because(error)
}
