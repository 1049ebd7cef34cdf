//! Taking over a file from elsewhere, with what was known of it there.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::files::to_write;
use super::identity::Developer;
use super::reply;
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::Files;
use crate::domain::files::import::{Arriving, ImportedFile};
use crate::http::body::JSON_LIMIT;
use crate::http::form::{Form, Part};
use crate::http::{ApiResult, State};

/// What the form holds, for the API document.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)] // only the schema is used
pub struct ImportForm {
    /// The file object, as JSON: `id`, `s3Key`, `originalName`, `mimeType`, `visibility`, `bucket`, `ownerType`, `ownerId`, `metadata`,
    /// `sharedWith`, `createdAt`, `updatedAt`, each optional.
    metadata: String,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Take over a file with its id, key, owner and times; the limits of uploads do not apply.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/files/import", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)),
    request_body(content = ImportForm, content_type = "multipart/form-data"), responses((status = 201, body = ImportedFile), (status = 409)))]
pub async fn import(request: HttpRequest, state: State, developer: Developer, body: Payload) -> ApiResult<HttpResponse> {
    let files = to_write(&request, &state, &developer).await?;
    let (metadata, arrived) = read(&files, Form::open(&request, body)?).await?;
    reply::created(&files.import(&state, &metadata, arrived).await?)
}

async fn read(files: &Files, mut form: Form) -> Result<(Value, Arriving)> {
    let (mut metadata, mut arrived) = (None, None);
    while let Some(mut part) = form.next().await? {
        match part.name() {
            "metadata" => metadata = Some(json(&mut part).await?),
            "file" if arrived.is_none() => arrived = Some(receive(files, &mut part).await?),
            _ => while part.chunk().await?.is_some() {},
        }
    }
    let missing = |part: &str| Error::invalid_parameter(part, format!("The form must have the parts metadata (JSON) and file; {part} is missing"));
    Ok((metadata.ok_or_else(|| missing("metadata"))?, arrived.ok_or_else(|| missing("file"))?))
}

async fn json(part: &mut Part) -> Result<Value> {
    let text = part.bytes(JSON_LIMIT).await?.map_err(|_| Error::new(Code::PAYLOAD_TOO_LARGE, "The part metadata may have 1 MiB"))?;
    serde_json::from_slice(&text).map_err(|error| Error::new(Code::INVALID_JSON, format!("The part metadata is not JSON: {error}")))
}

async fn receive(files: &Files, part: &mut Part) -> Result<Arriving> {
    let mut arriving = files.begin_import().await?;
    while let Some(piece) = part.chunk().await? {
        arriving = arriving.push(piece).await?;
    }
    Ok(arriving)
}
