//! Indexes of a table and their versions.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::{Error, Result};
use crate::domain::page::List;
use crate::domain::tables::index_change::IndexChange;
use crate::domain::tables::ops::VersionKind;
use crate::domain::tables::ops::{IndexesChanged, VersionView};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// `dryRun=true`, as a parameter or in the body.
pub fn is_dry_run(parameters: &Parameters, body: &Value) -> Result<bool> {
    Ok(parameters.flag("dryRun")? || body.get("dryRun") == Some(&Value::Bool(true)))
}

/// `targetVersion` of a rollback: a number, or `v3`.
///
/// # Errors
/// `common/invalid-parameters`.
pub fn target_version(body: &Value) -> Result<String> {
    match body.get("targetVersion") {
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Error::invalid_parameter("targetVersion", "targetVersion must be the number of a version")),
    }
}

/// Add, rebuild and remove indexes.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/indexes/manage", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("dryRun" = Option<bool>, Query)),
    request_body = Object, responses((status = 200, body = IndexesChanged)))]
pub async fn manage(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let body: Value = body.json().await?;
    let change = IndexChange::parse(&body, false)?;
    reply::ok(&place.environment.manage_indexes(&developer, place.table(), change, is_dry_run(&parameters, &body)?).await?)
}

/// Make an older index list the current one, as a new version.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/indexes/rollback", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("dryRun" = Option<bool>, Query)),
    request_body = Object, responses((status = 200, body = IndexesChanged)))]
pub async fn roll_back(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let body: Value = body.json().await?;
    let target = target_version(&body)?;
    reply::ok(&place.environment.roll_back_indexes(&developer, place.table(), &target, is_dry_run(&parameters, &body)?).await?)
}

/// List the versions of a table's indexes, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/indexes/versions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("page" = Option<u64>, Query),
        ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<VersionView>)))]
pub async fn versions(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&place.environment.table_versions(place.table(), VersionKind::Indexes, parameters.page()?).await?)
}

/// Show one version of a table's indexes.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/indexes/versions/{version}",
    tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = VersionView)))]
pub async fn version(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    reply::ok(&place.environment.table_version(place.table(), VersionKind::Indexes, request.match_info().query("version")).await?)
}
