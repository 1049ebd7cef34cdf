//! All tables of an environment as one document, and bringing them in line with one.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::{Error, clip};
use crate::domain::tables::ops::{Apply, Scope};
use crate::domain::tables::plan::Plan;
use crate::domain::tenancy::version::Versioned;
use crate::http::body::{Body, typed};
use crate::http::{ApiResult, State};

/// Bytes of a body with a document.
const DOCUMENT_LIMIT: usize = 10 * 1024 * 1024;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplySchema {
    /// The schema document: `version` 1 and `tables`.
    #[schema(value_type = Object)]
    document: Value,
    /// Tables, fields and indexes that the document lacks go.
    #[serde(default)]
    prune: bool,
    /// The hash of the plan that was looked at.
    plan_hash: Option<String>,
    /// Stored values may be removed.
    #[serde(default)]
    allow_destructive: bool,
}

impl ApplySchema {
    async fn read(body: Body) -> Result<Self, Error> {
        typed(body.json_value(DOCUMENT_LIMIT).await?.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
    }
}

/// Show the schema document of an environment, as JSON or YAML.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/schema", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("format" = Option<String>, Query, description = "json or yaml.")),
    responses((status = 200, body = Object)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let document = Versioned::of(place.environment.schema_document())?;
    match parameters.text("format").as_deref() {
        None | Some("json") => reply::versioned(&document),
        Some("yaml") => {
            let text = serde_saphyr::to_string(&document.value).map_err(Error::internal)?;
            Ok(reply::text("application/yaml", text, &document.version))
        }
        Some(other) => Err(Error::invalid_parameter("format", format!("format must be json or yaml, not \"{}\"", clip(other))).into()),
    }
}

/// Show what applying a schema document would change.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/schema/plan", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = ApplySchema, responses((status = 200, body = Plan)))]
pub async fn plan(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let wanted = ApplySchema::read(body).await?;
    reply::ok(&place.environment.plan_schema(&developer, &wanted.document, Scope { prune: wanted.prune, only: None }).await?)
}

/// Apply a schema document: all of it, or nothing.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/schema/apply", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("dryRun" = Option<bool>, Query)), request_body = ApplySchema,
    responses((status = 200, body = Plan)))]
pub async fn apply(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let ApplySchema { document, prune, plan_hash, allow_destructive } = ApplySchema::read(body).await?;
    let scope = Scope { prune, only: None };
    if parameters.flag("dryRun")? {
        return reply::ok(&place.environment.plan_schema(&developer, &document, scope).await?);
    }
    let done = place.environment.apply_schema(&developer, &document, Apply { scope, allow_destructive, plan_hash, reason: None }).await?;
    Ok(reply::with_snapshots(reply::ok(&done.plan)?, &done.snapshots))
}
