//! Records, as a secret key sees them, or as somebody else would.

use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::Result;
use crate::domain::records::Records;
use crate::domain::records::query::{ListQuery, ReadQuery};
use crate::domain::users::stand_in;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::rest::query::{conditions, parameters_body, required};
use crate::http::{ApiResult, State};

/// The records for the caller, or for whom `viewAs` names.
async fn seen(place: &Place, parameters: &Parameters) -> Result<Records> {
    match parameters.text("viewAs") {
        None => place.records(),
        Some(who) => {
            place.records()?;
            place.records_as(&stand_in::caller(&place.environment, &who).await?)
        }
    }
}

fn id(request: &HttpRequest) -> &str {
    request.match_info().query("id")
}

/// List records: filters, order, page, search and include of `/v1/data`.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path),
        ("viewAs" = Option<String>, Query, description = "guest, or the id of a user."), ("andFilters" = Option<String>, Query),
        ("orFilters" = Option<String>, Query), ("search" = Option<String>, Query), ("sortBy" = Option<String>, Query),
        ("sortDirection" = Option<String>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Object)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let records = seen(&place, &parameters).await?;
    let body = parameters_body(body.json_value(JSON_LIMIT).await?)?;
    let query = ListQuery::parse(place.table(), &parameters.query, body.as_ref(), &records.table().schema)?;
    Ok(reply::json(records.list(query).await?))
}

/// Create a record; id, creator and times may be given.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), request_body = Object,
    responses((status = 201, body = Object)))]
pub async fn create(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    records.writable()?;
    Ok(reply::record(records.create(required(body.json_value(JSON_LIMIT).await?)?).await?))
}

/// Show a record.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("id" = String, Path),
        ("viewAs" = Option<String>, Query, description = "guest, or the id of a user.")),
    responses((status = 200, body = Object)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let records = seen(&place, &parameters).await?;
    Ok(reply::record(records.get(id(&request), &ReadQuery::parse(&parameters.query)?).await?))
}

/// Change fields of a record.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = Object)))]
pub async fn update(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    let conditions = conditions(&request, &parameters.query)?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    Ok(reply::record(records.update(id(&request), body, conditions).await?))
}

/// Replace a record; never creates one.
#[utoipa::path(put, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = Object)))]
pub async fn replace(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let records = place.records()?;
    let conditions = conditions(&request, &parameters.query)?;
    let body = required(body.json_value(JSON_LIMIT).await?)?;
    Ok(reply::record(records.replace(id(&request), body, conditions).await?))
}

/// Delete a record.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/records/{id}",
    tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header)),
    responses((status = 204)))]
pub async fn delete(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    place.records()?.delete(id(&request), conditions(&request, &parameters.query)?).await?;
    reply::no_content()
}
