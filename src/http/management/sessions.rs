//! The caller's own console sessions.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::sessions::SessionView;
use crate::http::{ApiResult, State};

/// List the caller's console sessions.
#[utoipa::path(get, path = "/management/v1/account/sessions", tag = "management",
    params(("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<SessionView>)))]
pub async fn list(state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::page_of(state.sessions(&developer).await?, &parameters)
}

/// End one of the caller's console sessions.
#[utoipa::path(delete, path = "/management/v1/account/sessions/{id}", tag = "management", params(("id" = String, Path)), responses((status = 204)))]
pub async fn revoke(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    state.revoke_session(&developer, &id).await?;
    reply::no_content()
}
