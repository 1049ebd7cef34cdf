//! `/healthz` and `/readyz`: whether the process lives, and whether it can serve.

use actix_web::HttpResponse;
use actix_web::web::ServiceConfig;
use serde_json::json;

use super::routing::resource;
use super::{ApiResult, State};
use crate::domain::error::Error;

/// Mounts both.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/healthz").get(healthz).done()).service(resource("/readyz").get(readyz).done());
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "server", operation_id = "getHealth", security(()), responses((status = 200, description = "It does")))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Whether requests can be served.
#[utoipa::path(get, path = "/readyz", tag = "server", operation_id = "getReadiness", security(()),
    responses((status = 200, description = "They can"), (status = 503, description = "The server is stopping, or its database cannot be read")))]
pub async fn readyz(state: State) -> ApiResult<HttpResponse> {
    if state.is_stopping() {
        return Err(Error::unavailable("The server is shutting down").into());
    }
    state.check_readable().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}
