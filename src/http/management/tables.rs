//! Tables of an environment.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::Result;
use crate::domain::page::List;
use crate::domain::tables::ops::NewTable;
use crate::domain::tables::relations::Relations;
use crate::domain::tables::{self, table::Table};
use crate::domain::tenancy::guard;
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

use std::sync::Arc;

/// A table with its definition and counts, and its entity tag.
async fn view(request: &HttpRequest, state: &State, place: &Place, table: &Arc<Table>) -> Result<Value> {
    place.environment.table_view(table, &address::base_url(request, state.settings())).await
}

/// List the tables of an environment, the server's own first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("search" = Option<String>, Query, description = "Part of a name."),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Object)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let page = parameters.page()?;
    let search = parameters.text("search").unwrap_or_default().to_lowercase();
    let named = |table: &Arc<Table>| {
        let shown = table.display_name.as_deref().unwrap_or_default().to_lowercase();
        table.name.to_lowercase().contains(&search) || shown.contains(&search)
    };
    let List { items, pagination } = List::slice(place.environment.all_tables().into_iter().filter(named).collect(), page);
    let mut views = Vec::with_capacity(items.len());
    for table in &items {
        views.push(view(&request, &state, &place, table).await?);
    }
    reply::ok(&List { items: views, pagination })
}

/// Create a table.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = Object, responses((status = 201, body = Object)))]
pub async fn create(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let new = NewTable::parse(&body.json().await?, false)?;
    let table = place.environment.create_table(&developer, new).await?;
    reply::created_tagged(&view(&request, &state, &place, &table).await?, &table.etag())
}

/// Show a table.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), responses((status = 200, body = Object)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let records = place.records()?;
    reply::tagged(&view(&request, &state, &place, records.table()).await?, &records.table().etag())
}

/// Change what a table is called and says of itself.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = Object)))]
pub async fn update(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let body: Value = body.json().await?;
    let table = place.environment.describe_table(&developer, place.table(), &body, parameters.if_match()).await?;
    reply::tagged(&view(&request, &state, &place, &table).await?, &table.etag())
}

/// Delete a table with its records; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("confirm" = String, Query), ("snapshot" = Option<bool>, Query)),
    responses((status = 204)))]
pub async fn delete(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let table = place.records()?.writable()?.table().name.clone();
    guard::confirm(parameters.confirm(), &table)?;
    let snapshot = place.environment.delete_table(&developer, &table, parameters.wants_snapshot()?).await?;
    Ok(reply::with_snapshot(reply::no_content()?, snapshot.as_deref()))
}

/// Delete every record of a table; `confirm` is its name.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/truncate", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("confirm" = String, Query), ("snapshot" = Option<bool>, Query)),
    responses((status = 204)))]
pub async fn truncate(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let table = place.records()?.writable()?.table().name.clone();
    guard::confirm(parameters.confirm(), &table)?;
    let snapshot = place.environment.truncate_table(&developer, &table, parameters.wants_snapshot()?).await?;
    Ok(reply::with_snapshot(reply::no_content()?, snapshot.as_deref()))
}

/// Show what a table tells apps about itself.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/spec", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), responses((status = 200, body = Object)))]
pub async fn spec(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&tables::spec::spec(&place.records()?))
}

/// An OpenAPI document of a table's own routes.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/openapi", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), responses((status = 200, body = Object)))]
pub async fn openapi(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&tables::spec::openapi(&place.records()?, &address::base_url(&request, state.settings())))
}

/// Show the reference fields of a table, both ways.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/relations", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), responses((status = 200, body = Relations)))]
pub async fn relations(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&Relations::of(place.records()?.table(), &place.environment.all_tables()))
}
