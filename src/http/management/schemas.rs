//! Schemas of a table and their versions.

use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::page::List;
use crate::domain::tables::ops::VersionKind;
use crate::domain::tables::ops::VersionView;
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
