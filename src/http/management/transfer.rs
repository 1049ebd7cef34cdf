//! Files of a table's records: import and export.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::records::import::ImportReport;
use crate::domain::records::query::ImportOptions;
use crate::domain::{id, time};
use crate::http::body::Body;
use crate::http::rest::transfer::{received, send_export};
use crate::http::{ApiResult, State};

/// An import that has ended: the answer comes when all rows are written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportJob {
    id: String,
    /// Always `import`.
    kind: &'static str,
    /// Always `succeeded`; an import that fails is answered as an error.
    status: &'static str,
    result: ImportReport,
    created_at: String,
    finished_at: String,
}

/// Import a file of records in one transaction: CSV, NDJSON, JSON or a saved list page.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/import", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("format" = Option<String>, Query),
        ("mode" = Option<String>, Query), ("onBadRow" = Option<String>, Query), ("dryRun" = Option<bool>, Query)),
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = ImportJob)))]
pub async fn import(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    let options = ImportOptions::parse(&parameters.query, body.media_type())?;
    records.grant_import(options.mode)?;
    let created_at = time::iso(time::now());
    let result = records.import_for(&developer, received(body).await?, options).await?;
    let finished_at = time::iso(time::now());
    reply::ok(&ImportJob { id: id::new_id(), kind: "import", status: "succeeded", result, created_at, finished_at })
}

/// Export the records that match as a file.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/export", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("format" = Option<String>, Query),
        ("andFilters" = Option<String>, Query), ("orFilters" = Option<String>, Query), ("search" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn export(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    send_export(&place.records()?, &parameters.query, body).await
}
