//! Fields of a table, versions of its schema, and the way back to an older one.

use actix_web::{HttpRequest, HttpResponse};

use serde_json::Value;

use super::identity::Developer;
use super::indexes::{is_dry_run, target_version};
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::Error;
use crate::domain::page::List;
use crate::domain::tables::field_change::FieldChange;
use crate::domain::tables::ops::{FieldsChanged, VersionKind, VersionView};
use crate::domain::tables::plan::Plan;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the schema versions of a table, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/schema/versions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("page" = Option<u64>, Query),
        ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<VersionView>)))]
pub async fn versions(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&place.environment.table_versions(place.table(), VersionKind::Schema, parameters.page()?).await?)
}

/// Show one schema version of a table.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/schema/versions/{version}",
    tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = VersionView)))]
pub async fn version(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&place.environment.table_version(place.table(), VersionKind::Schema, request.match_info().query("version")).await?)
}

/// Add, change, rename and remove fields.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/fields/manage", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("dryRun" = Option<bool>, Query),
        ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = FieldsChanged)))]
pub async fn manage_fields(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let mut change = FieldChange::parse(&body.json().await?, false)?;
    change.dry_run |= parameters.flag("dryRun")?;
    changed(&place.environment.manage_fields(&developer, place.table(), change, parameters.if_match()).await?)
}

/// Make an older schema the current one, as a new version.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/schema/rollback", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("dryRun" = Option<bool>, Query),
        ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = FieldsChanged)))]
pub async fn roll_back(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let body: Value = body.json().await?;
    let (target, dry_run) = (target_version(&body)?, is_dry_run(&parameters, &body)?);
    changed(&place.environment.roll_back_schema(&developer, place.table(), &target, dry_run, parameters.if_match()).await?)
}

/// The answer, and in a header the copy of the table that was taken before.
fn changed(changed: &FieldsChanged) -> ApiResult<HttpResponse> {
    Ok(reply::with_snapshot(reply::ok(changed)?, changed.snapshot.as_deref()))
}

/// Show the differences between two versions of a schema.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/schema/diff", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("from" = String, Query), ("to" = String, Query)),
    responses((status = 200, body = Plan)))]
pub async fn diff(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let version = |name: &str| parameters.text(name).ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be the number of a version")));
    reply::ok(&place.environment.schema_diff(place.table(), &version("from")?, &version("to")?).await?)
}
