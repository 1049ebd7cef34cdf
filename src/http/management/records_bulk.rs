//! Changing many records of a table in one call.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::{Error, Result};
use crate::domain::records::query::{Condition, Params};
use crate::domain::tenancy::guard;
use crate::http::body::Body;
use crate::http::rest::query::required;
use crate::http::{ApiResult, State};

/// Bytes of a body with many operations (`02-data.md` §12).
const BULK_LIMIT: usize = 10 * 1024 * 1024;

/// Create, change and delete records, all or none.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/batch", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), request_body = Object,
    responses((status = 200, body = Object)))]
pub async fn batch(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    records.writable()?;
    Ok(reply::json(records.bulk(required(body.json_value(BULK_LIMIT).await?)?).await?))
}

/// Delete records by `ids`, or all that match; `confirm` is the table's name.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/delete", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("confirm" = String, Query), ("snapshot" = Option<bool>, Query)),
    request_body = Object, responses((status = 200, body = Object)))]
pub async fn delete(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    let table = records.writable()?.table();
    guard::confirm(parameters.confirm(), &table.name)?;
    let condition = condition_of(&required(body.json_value(BULK_LIMIT).await?)?)?;
    let condition = Condition::parse(&Params::default(), Some(&condition), &table.schema)?;
    if !condition.filtered {
        return Err(Error::invalid_parameter("andFilters", "Say which records: give ids, andFilters or orFilters; truncate empties the table").into());
    }
    let name = table.name.clone();
    let snapshot = if parameters.wants_snapshot()? { Some(place.environment.copy_table(&developer, &name, "before-bulk-delete").await?) } else { None };
    let answer = reply::ok(&json!({ "deleted": records.delete_matching(condition).await? }))?;
    Ok(reply::with_snapshot(answer, snapshot.as_deref()))
}

/// `ids` as a filter, else the filters of the body.
fn condition_of(body: &Value) -> Result<Value> {
    match body.get("ids") {
        None | Some(Value::Null) if body.is_object() => Ok(body.clone()),
        Some(Value::Array(ids)) if !ids.is_empty() && ids.iter().all(Value::is_string) => Ok(json!({ "andFilters": { "id": { "$in": ids } } })),
        _ => Err(Error::invalid_parameter("ids", "ids must be an array of record ids")),
    }
}
