//! Who may do what with a table.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::{Error, clip};
use crate::domain::keys::scopes::Operation;
use crate::domain::records::explain::Explanation;
use crate::domain::tables::permissions::Permissions;
use crate::domain::users::stand_in;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explain {
    /// `guest`, a role, or the id of a user.
    #[serde(rename = "as")]
    who: String,
    /// `create`, `read`, `list`, `update` or `delete`.
    operation: String,
    record_id: Option<String>,
}

/// Show the permission set of a table.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/permissions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), responses((status = 200, body = Object)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let records = place.records()?;
    reply::tagged(&records.table().permissions.to_value(), &records.table().etag())
}

/// Replace the whole permission set of a table.
#[utoipa::path(put, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/permissions", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = Object)))]
pub async fn replace(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let body: Value = body.json().await?;
    let permissions = Permissions::parse(&body)?;
    let table = place.environment.set_permissions(&developer, place.table(), permissions, parameters.if_match()).await?;
    reply::tagged(&table.permissions.to_value(), &table.etag())
}

/// Explain why somebody may or may not do something.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/tables/{tableName}/permissions/explain",
    tag = "management", params(("projectId" = String, Path), ("environment" = String, Path), ("tableName" = String, Path)), request_body = Explain,
    responses((status = 200, body = Explanation)))]
pub async fn explain(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    place.records()?;
    let Explain { who, operation, record_id } = body.json().await?;
    let operation = Operation::parse(&operation).ok_or_else(|| {
        let message = format!("operation must be create, read, list, update or delete, not \"{}\"", clip(&operation));
        Error::invalid_parameter("operation", message)
    })?;
    let caller = stand_in::caller_or_role(&place.environment, &who).await?;
    reply::ok(&place.records_as(&caller)?.explain(operation, record_id.as_deref()).await?)
}
