//! Files of records: import and export (`02-data.md` §9).

use std::io::{Read, Seek, Write};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use tempfile::SpooledTempFile;

use super::query::{parameters_body, params};
use crate::domain::access::Access;
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::records::Records;
use crate::domain::records::import::ImportReport;
use crate::domain::records::query::{Format, ImportOptions, ListQuery, Mode, Params};
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT, too_large};
use crate::http::reply::Reply;

/// Bytes of a file to import (`02-data.md` §9).
const IMPORT_LIMIT: usize = 64 * 1024 * 1024;
/// Bytes of it that are kept in memory; what is larger waits on the disk.
const IN_MEMORY: usize = 1024 * 1024;

/// Import a file of records; admins only.
///
/// CSV with a header, NDJSON, or JSON: an array or a saved list page. All rows in one transaction.
#[utoipa::path(post, path = "/v1/data/{table}/import", tag = "data", params(("table" = String, Path),
    ("format" = Option<String>, Query, description = "`csv`, `ndjson` or `json`; default by `Content-Type`."),
    ("mode" = Option<String>, Query, description = "What happens to rows whose id exists: `insert` (an error), `upsert` (PATCH) or `skip`."),
    ("onBadRow" = Option<String>, Query, description = "`abort` (nothing is written) or `skip`."), ("dryRun" = Option<bool>, Query)),
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = ImportReport)))]
pub async fn import(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = Records::open(&access.environment, &access.caller, &table)?;
    records.grant_import(Mode::Insert)?;
    let options = ImportOptions::parse(&params(&request)?, body.media_type())?;
    records.grant_import(options.mode)?;
    let report = records.import(received(body).await?, options).await?;
    Ok(Reply::ok(&report)?.send(&request))
}

/// The whole body, at hand: a transaction must not wait for the network.
pub async fn received(body: Body) -> Result<impl Read + Send + 'static> {
    let mut file = SpooledTempFile::new(IN_MEMORY);
    let (mut chunks, mut size) = (body.stream(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| Error::new(Code::INVALID_JSON, "The body broke off before its end; nothing was imported").because(e))?;
        size += chunk.len();
        if size > IMPORT_LIMIT {
            return Err(too_large(IMPORT_LIMIT));
        }
        // Goes to memory or the page cache, in pieces that are small.
        file.write_all(&chunk).map_err(not_kept)?;
    }
    file.rewind().map_err(not_kept)?;
    Ok(file)
}

fn not_kept(error: std::io::Error) -> Error {
    Error::unavailable("The file could not be kept until it is read; check the space for temporary files").because(error)
}

/// Export the records that match as a file.
///
/// The parameters of a list except paging; everything the caller may see, of one moment.
#[utoipa::path(get, path = "/v1/data/{table}/export", tag = "data", params(("table" = String, Path),
    ("format" = Option<String>, Query, description = "`csv`, `ndjson` or `json` (default)."), ("andFilters" = Option<String>, Query),
    ("orFilters" = Option<String>, Query), ("search" = Option<String>, Query), ("sortBy" = Option<String>, Query), ("select" = Option<String>, Query)),
    responses((status = 200, content(("text/csv"), ("application/x-ndjson"), (Vec<super::data::Record> = "application/json")))))]
pub async fn export(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = Records::open(&access.environment, &access.caller, &table)?;
    send_export(&records, &params(&request)?, body).await
}

/// The file of an export, as an answer.
pub async fn send_export(records: &Records, params: &Params, body: Body) -> ApiResult<HttpResponse> {
    records.grant(Operation::List)?;
    let format = Format::parse_for_export(params)?;
    let body = parameters_body(body.json_value(JSON_LIMIT).await?)?;
    let query = ListQuery::parse_unpaged(&records.table().name, params, body.as_ref(), &records.table().schema)?;
    let mut file = records.export(query, format).await?;
    let disposition = format!("attachment; filename=\"{}\"", file.file_name);
    let chunks = async_stream::stream! {
        while let Some(chunk) = file.next().await {
            yield chunk;
        }
    };
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(chunks))
}
