//! Dynamic client registration (RFC 7591).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answer;
use crate::domain::oauth::{Failure, Kind, NewClient, RegisteredClient};
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::{ApiResult, State, address};

/// Register a client; everybody may.
pub async fn register(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    match registered(&request, &state, body).await {
        Ok(client) => Ok(answer::with_status(StatusCode::CREATED, &view(&client))),
        Err(failure) => Ok(answer::failure(&request, failure)),
    }
}

async fn registered(request: &HttpRequest, state: &State, body: Body) -> Result<RegisteredClient, Failure> {
    answer::check_origin(request, state)?;
    state.count_registration(address::client_ip(request, state.settings()))?;
    let bytes = body.bytes(JSON_LIMIT).await?;
    let metadata: Value = serde_json::from_slice(&bytes).map_err(|_| Failure::refused(Kind::InvalidClientMetadata, "The body is not JSON"))?;
    state.register_client(NewClient::parse(&metadata)?).await
}

fn view(registered: &RegisteredClient) -> Value {
    let client = &registered.client;
    json!({
        "client_id": registered.id,
        "client_id_issued_at": registered.issued_at,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": client.scopes.to_string(),
    })
}
