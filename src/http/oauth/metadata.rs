//! What clients read before they do anything else: RFC 9728 and RFC 8414 documents, the same at each of their addresses.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use serde_json::json;

use super::answer;
use crate::domain::oauth::scopes;
use crate::http::{ApiResult, State, address};

/// The protected-resource document.
pub async fn protected_resource(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let mcp = format!("{}/mcp", address::base_url(&request, state.settings()));
    Ok(answer::json(&json!({
        "resource": mcp,
        "authorization_servers": [mcp],
        "scopes_supported": scopes::ALL,
        "bearer_methods_supported": ["header"],
        "resource_name": "bkend-local",
    })))
}

/// The authorization-server document. Its last two members are for strict OpenID parsers; there are no ID tokens.
pub async fn authorization_server(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let mcp = format!("{}/mcp", address::base_url(&request, state.settings()));
    Ok(answer::json(&json!({
        "issuer": mcp,
        "authorization_endpoint": format!("{mcp}/oauth/authorize"),
        "token_endpoint": format!("{mcp}/oauth/token"),
        "registration_endpoint": format!("{mcp}/oauth/register"),
        "revocation_endpoint": format!("{mcp}/oauth/revoke"),
        "jwks_uri": format!("{mcp}/oauth/jwks"),
        "scopes_supported": scopes::ALL,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": false,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}

/// Tokens are signed symmetrically: there is no public key.
pub async fn keys() -> ApiResult<HttpResponse> {
    Ok(answer::json(&json!({ "keys": [] })))
}
