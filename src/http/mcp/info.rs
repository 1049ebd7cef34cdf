//! `/mcp/info`: what the endpoint is, for whoever asks.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::http::{ApiResult, State, address};
use crate::mcp::protocol::{greeting, version};

/// Name, versions and addresses.
pub async fn info(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let base = address::base_url(&request, state.settings());
    let server = greeting::server_info();
    Ok(HttpResponse::Ok().json(json!({
        "name": server.name,
        "version": server.version,
        "protocolVersion": version::UNNAMED,
        "protocolVersions": version::SUPPORTED,
        "transport": "streamable-http",
        "endpoint": format!("{base}/mcp"),
        "authorization": format!("{base}/.well-known/oauth-protected-resource/mcp"),
    })))
}
