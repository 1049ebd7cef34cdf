//! Two environments beside each other, and bringing one in line with the other.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::error::Error;
use crate::domain::tables::plan::Plan;
use crate::domain::tenancy::promotion::Promotion;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// Compare two environments: what would make `to` equal to `from`.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/compare", tag = "management",
    params(("projectId" = String, Path), ("from" = String, Query), ("to" = String, Query)), responses((status = 200, body = Plan)))]
pub async fn compare(state: State, developer: Developer, project: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let named = |name: &str| parameters.text(name).ok_or_else(|| Error::invalid_parameter(name, format!("{name} is required: the name of an environment")));
    reply::ok(&state.compare_environments(&developer, &project, &named("from")?, &named("to")?).await?)
}

/// Bring an environment in line with another: all of the plan, or nothing.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/promotions", tag = "management",
    params(("projectId" = String, Path), ("dryRun" = Option<bool>, Query)), request_body = Promotion, responses((status = 200, body = Plan)))]
pub async fn promote(state: State, developer: Developer, project: Path<String>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let wanted: Promotion = body.json().await?;
    let done = state.promote(&developer, &project, wanted, parameters.flag("dryRun")?).await?;
    Ok(reply::with_snapshots(reply::ok(&done.plan)?, &done.snapshots))
}
