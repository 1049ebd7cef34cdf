//! The origins a project's apps are served from.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::tenancy::cors::Cors;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// Show the origins of a project.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/cors", tag = "management",
    params(("projectId" = String, Path)), responses((status = 200, body = Cors)))]
pub async fn show(state: State, developer: Developer, project: Path<String>) -> ApiResult<HttpResponse> {
    reply::versioned(&state.cors(&developer, &project).await?)
}

/// Replace the origins of a project: at most 3.
#[utoipa::path(put, path = "/management/v1/projects/{projectId}/cors", tag = "management",
    params(("projectId" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Cors, responses((status = 200, body = Cors)))]
pub async fn replace(state: State, developer: Developer, project: Path<String>, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let cors: Cors = body.json().await?;
    reply::versioned(&state.set_cors(&developer, &project, cors, &parameters.expected()).await?)
}
