//! `/v1/data`: the records of dynamic tables (`02-data.md`).

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::query::{conditions, entity_tags, parameters_body, params, required};
use super::{changes, transfer};
use crate::domain::access::Access;
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::records::answer::RecordAnswer;
use crate::domain::records::query::{AggregateQuery, Condition, ListQuery, ReadQuery};
use crate::domain::records::{Records, transaction};
use crate::domain::tables::name::ROUTE_WORDS;
use crate::domain::tables::spec;
use crate::http::address::base_url;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::routing::resource;
use crate::http::{ApiResult, State};

/// Bytes of an array or of a body with many operations (`02-data.md` §12).
const BULK_LIMIT: usize = 10 * 1024 * 1024;

/// A record: the system fields, declared fields and whatever else was stored.
#[derive(ToSchema)]
#[allow(dead_code)] // only its schema is used: records are written straight from stored bytes
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// 24 lower-case hexadecimal characters, or what was imported: 1–64 of `A-Za-z0-9_-`.
    pub id: String,
    /// Id of the user who made it; empty for guests, secret keys and developers.
    pub created_by: String,
    /// `2026-01-15T10:30:00.000Z`
    pub created_at: String,
    /// Moves with every write.
    pub updated_at: String,
}

pub fn routes(config: &mut ServiceConfig) {
    table_routes(config, "/{table}");
}

/// The same under `/v1/{table}`, with the routes that name no table.
pub fn short_routes(config: &mut ServiceConfig) {
    config.service(resource("/transaction").post(run_transaction).done());
    config.service(resource("/changes").get(changes::changes).done());
    table_routes(config, "/{table}");
}

fn table_routes(config: &mut ServiceConfig, table: &str) {
    let at = |path: &str| format!("{table}{path}");
    // Every pattern in front of the one that fits costs a request time, so what is called most comes first.
    config
        .service(resource(&at("/{id}")).get(read).patch(update).put(replace).delete(delete).done().guard(fn_guard(names_no_route)))
        .service(resource(&at("")).get(list).post(create).patch(update_matching).delete(delete_matching).done())
        .service(resource(&at("/")).get(list).post(create).hide_other_methods().done())
        .service(resource(&at("/spec")).get(table_spec).done())
        .service(resource(&at("/openapi")).get(table_openapi).done())
        .service(resource(&at("/query")).post(query_list).done())
        .service(resource(&at("/count")).get(count).post(count).done())
        .service(resource(&at("/aggregate")).get(aggregate).post(aggregate).done())
        .service(resource(&at("/upsert")).post(upsert).done())
        .service(resource(&at("/bulk")).post(bulk).done())
        .service(resource(&at("/import")).post(transfer::import).done())
        .service(resource(&at("/export")).get(transfer::export).done())
        .service(resource(&at("/changes")).get(changes::table_changes).done());
}

/// Whether the last step of a path is a record's id, and not one of the words that can never be one.
fn names_no_route(request: &GuardContext<'_>) -> bool {
    request.head().uri.path().rsplit('/').next().is_none_or(|last| !ROUTE_WORDS.contains(&last))
}

fn records(access: &Access, table: &str) -> Result<Records> {
    Records::open(&access.environment, &access.caller, table)
}

fn answer(request: &HttpRequest, record: RecordAnswer) -> HttpResponse {
    let reply = Reply::json(record.json).header(header::ETAG, &record.etag);
    if !record.created {
        return reply.send(request);
    }
    let path = request.path().trim_end_matches('/').trim_end_matches("/upsert");
    reply.status(StatusCode::CREATED).header(header::LOCATION, &format!("{path}/{}", record.id)).send(request)
}

/// Create a record, or many with an array body.
///
/// The body holds the fields, unwrapped; an array of 1–1000 objects creates all or none.
#[utoipa::path(post, path = "/v1/data/{table}", tag = "data", params(("table" = String, Path)), request_body = Object,
    responses((status = 201, body = Record)))]
pub async fn create(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.writable()?.grant(Operation::Create)?;
    match required(body.json_value(BULK_LIMIT).await?)? {
        Value::Array(list) => Ok(Reply::json(records.create_many(list).await?).status(StatusCode::CREATED).send(&request)),
        one => Ok(answer(&request, records.create(one).await?)),
    }
}

/// List records.
///
/// Filters, order, page, `select`, `search` and `include` of the query string; a JSON body supplies the same.
#[utoipa::path(get, path = "/v1/data/{table}", tag = "data", params(("table" = String, Path),
    ("page" = Option<String>, Query, description = "From 1."), ("limit" = Option<String>, Query, description = "1–100; more counts as 100."),
    ("sortBy" = Option<String>, Query), ("sortDirection" = Option<String>, Query), ("andFilters" = Option<String>, Query, description = "JSON: all must hold."),
    ("orFilters" = Option<String>, Query, description = "JSON: one must hold."), ("search" = Option<String>, Query), ("searchType" = Option<String>, Query),
    ("select" = Option<String>, Query), ("include" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Object)))]
pub async fn list(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    let asked = request.query_string();
    if body.is_absent() {
        if let Some(known) = records.known_list(asked)? {
            return Ok(Reply::json(known).send(&request));
        }
        let query = ListQuery::parse(&table, &params(&request)?, None, &records.table().schema)?;
        return Ok(Reply::json(records.list_and_keep(query, asked).await?).send(&request));
    }
    records.grant(Operation::List)?;
    let body = parameters_body(body.json_value(JSON_LIMIT).await?)?;
    let query = ListQuery::parse(&table, &params(&request)?, body.as_ref(), &records.table().schema)?;
    Ok(Reply::json(records.list(query).await?).send(&request))
}

/// List records, parameters in a JSON body.
#[utoipa::path(post, path = "/v1/data/{table}/query", tag = "data", params(("table" = String, Path)), request_body = Object, responses((status = 200, body = Object)))]
pub async fn query_list(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    list(request, access, table, body).await
}

/// Count the records that match.
#[utoipa::path(method(get, post), path = "/v1/data/{table}/count", tag = "data", params(("table" = String, Path), ("andFilters" = Option<String>, Query),
    ("orFilters" = Option<String>, Query), ("search" = Option<String>, Query)), responses((status = 200, body = Object)))]
pub async fn count(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.grant(Operation::List)?;
    let body = parameters_body(body.json_value(JSON_LIMIT).await?)?;
    let condition = Condition::parse(&params(&request)?, body.as_ref(), &records.table().schema)?;
    Ok(Reply::ok(&json!({ "count": records.count(condition).await? }))?.send(&request))
}

/// Counts, sums and extremes by group.
#[utoipa::path(method(get, post), path = "/v1/data/{table}/aggregate", tag = "data", params(("table" = String, Path), ("groupBy" = Option<String>, Query),
    ("sum" = Option<String>, Query), ("avg" = Option<String>, Query), ("min" = Option<String>, Query), ("max" = Option<String>, Query),
    ("distinct" = Option<String>, Query)), responses((status = 200, body = Object)))]
pub async fn aggregate(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.grant(Operation::List)?;
    let body = parameters_body(body.json_value(JSON_LIMIT).await?)?;
    let query = AggregateQuery::parse(&params(&request)?, body.as_ref(), &records.table().schema)?;
    Ok(Reply::ok(&records.aggregate(query).await?)?.send(&request))
}

/// Read a record.
///
/// `If-None-Match` with its entity tag answers 304 (not with `include`).
#[utoipa::path(get, path = "/v1/data/{table}/{id}", tag = "data", params(("table" = String, Path), ("id" = String, Path),
    ("select" = Option<String>, Query), ("include" = Option<String>, Query)), responses((status = 200, body = Record), (status = 304)))]
pub async fn read(request: HttpRequest, access: Access, path: web::Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (table, id) = path.into_inner();
    let records = records(&access, &table)?;
    let query = if request.query_string().is_empty() { ReadQuery::default() } else { ReadQuery::parse(&params(&request)?)? };
    let included = !query.include.is_empty();
    let known = entity_tags(&request, header::IF_NONE_MATCH)?;
    let record = records.get(&id, &query).await?;
    if !included && known.is_some_and(|tags| tags.iter().any(|t| t == "*" || *t == record.etag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, record.etag)).finish());
    }
    Ok(answer(&request, record))
}

/// Change fields of a record.
///
/// Fields sent replace the stored values whole; dotted paths and operators such as `$inc` work too.
#[utoipa::path(patch, path = "/v1/data/{table}/{id}", tag = "data", params(("table" = String, Path), ("id" = String, Path),
    ("If-Match" = Option<String>, Header), ("ifUpdatedAt" = Option<String>, Query)), request_body = Object, responses((status = 200, body = Record)))]
pub async fn update(request: HttpRequest, access: Access, path: web::Path<(String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let (table, id) = path.into_inner();
    let records = records(&access, &table)?;
    records.writable()?.grant(Operation::Update)?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    let conditions = conditions(&request, &params(&request)?)?;
    Ok(answer(&request, records.update(&id, body, conditions).await?))
}

/// Replace a record; never creates one.
#[utoipa::path(put, path = "/v1/data/{table}/{id}", tag = "data", params(("table" = String, Path), ("id" = String, Path),
    ("If-Match" = Option<String>, Header), ("ifUpdatedAt" = Option<String>, Query)), request_body = Object, responses((status = 200, body = Record)))]
pub async fn replace(request: HttpRequest, access: Access, path: web::Path<(String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let (table, id) = path.into_inner();
    let records = records(&access, &table)?;
    records.writable()?.grant(Operation::Update)?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    let conditions = conditions(&request, &params(&request)?)?;
    Ok(answer(&request, records.replace(&id, body, conditions).await?))
}

/// Delete a record.
#[utoipa::path(delete, path = "/v1/data/{table}/{id}", tag = "data", params(("table" = String, Path), ("id" = String, Path),
    ("If-Match" = Option<String>, Header), ("ifUpdatedAt" = Option<String>, Query)), responses((status = 200, body = Object)))]
pub async fn delete(request: HttpRequest, access: Access, path: web::Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (table, id) = path.into_inner();
    let records = records(&access, &table)?;
    records.writable()?.grant(Operation::Delete)?;
    records.delete(&id, conditions(&request, &params(&request)?)?).await?;
    Ok(success(&request))
}

fn success(request: &HttpRequest) -> HttpResponse {
    Reply::json(br#"{"success":true}"#.to_vec()).send(request)
}

/// Change the one record that matches, or create it.
#[utoipa::path(post, path = "/v1/data/{table}/upsert", tag = "data", params(("table" = String, Path)), request_body = Object,
    responses((status = 200, body = Record), (status = 201, body = Record)))]
pub async fn upsert(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.writable()?.grant_upsert()?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    Ok(answer(&request, records.upsert(body).await?))
}

/// Several operations on one table, all or none.
#[utoipa::path(post, path = "/v1/data/{table}/bulk", tag = "data", params(("table" = String, Path)), request_body = Object, responses((status = 200, body = Object)))]
pub async fn bulk(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.writable()?;
    let body = required(body.json_value(BULK_LIMIT).await?)?;
    Ok(Reply::json(records.bulk(body).await?).send(&request))
}

/// Several operations on several tables, all or none.
#[utoipa::path(post, path = "/v1/transaction", tag = "data", request_body = Object, responses((status = 200, body = Object)))]
pub async fn run_transaction(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let body = required(body.json_value(BULK_LIMIT).await?)?;
    Ok(Reply::json(transaction::run(&access.environment, &access.caller, body).await?).send(&request))
}

/// Change every record that matches; admins only.
#[utoipa::path(patch, path = "/v1/data/{table}", tag = "data", params(("table" = String, Path), ("andFilters" = Option<String>, Query),
    ("orFilters" = Option<String>, Query), ("all" = Option<bool>, Query, description = "Every record, without a filter.")), request_body = Object,
    responses((status = 200, body = crate::domain::records::by_filter::Modified)))]
pub async fn update_matching(request: HttpRequest, access: Access, table: web::Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.grant_by_filter(Operation::Update)?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    let condition = Condition::parse_for_write(&params(&request)?, &records.table().schema)?;
    Ok(Reply::ok(&records.update_matching(condition, body).await?)?.send(&request))
}

/// Delete every record that matches; admins only.
#[utoipa::path(delete, path = "/v1/data/{table}", tag = "data", params(("table" = String, Path), ("andFilters" = Option<String>, Query),
    ("orFilters" = Option<String>, Query), ("all" = Option<bool>, Query, description = "Every record, without a filter.")), responses((status = 200, body = Object)))]
pub async fn delete_matching(request: HttpRequest, access: Access, table: web::Path<String>) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    records.grant_by_filter(Operation::Delete)?;
    let condition = Condition::parse_for_write(&params(&request)?, &records.table().schema)?;
    let deleted = records.delete_matching(condition).await?;
    Ok(Reply::ok(&json!({ "success": true, "deleted": deleted }))?.send(&request))
}

/// Schema, indexes and permissions of a table, as this caller may know them.
#[utoipa::path(get, path = "/v1/data/{table}/spec", tag = "data", params(("table" = String, Path)), responses((status = 200, body = Object)))]
pub async fn table_spec(request: HttpRequest, access: Access, table: web::Path<String>) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    may_see_spec(&records)?;
    Ok(Reply::ok(&spec::spec(&records))?.send(&request))
}

/// An OpenAPI document of one table.
#[utoipa::path(get, path = "/v1/data/{table}/openapi", tag = "data", params(("table" = String, Path)), responses((status = 200, body = Object)))]
pub async fn table_openapi(request: HttpRequest, state: State, access: Access, table: web::Path<String>) -> ApiResult<HttpResponse> {
    let records = records(&access, &table)?;
    may_see_spec(&records)?;
    Ok(Reply::ok(&spec::openapi(&records, &base_url(&request, state.settings())))?.send(&request))
}

/// Both need `read` in any way; guests are told to sign in (`02-data.md` §8.5).
fn may_see_spec(records: &Records) -> Result<()> {
    match records.grant(Operation::Read) {
        Err(error) if error.code() == Code::PERMISSION_DENIED && records.caller().user().is_none() => {
            Err(Error::new(Code::AUTHENTICATION_REQUIRED, "Only signed-in users who may read this table see its specification"))
        }
        other => other.map(drop),
    }
}
