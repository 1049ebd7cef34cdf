//! The second factor of end users who have lost it.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::place::Place;
use super::reply;
use crate::domain::auth::mfa_setup;
use crate::http::{ApiResult, State};

/// Turn the second factor of a user off.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/mfa/reset", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn reset(request: HttpRequest, state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    mfa_setup::reset(&place.environment, &place.caller, &path.2).await?;
    reply::no_content()
}
