//! The token and the revocation endpoint.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::answer;
use super::fields::Fields;
use crate::domain::oauth::{CodeExchange, Failure, Issued, Kind, RefreshExchange};
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

/// Exchange a code or a refresh token.
pub async fn token(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    match issued(&request, &state, body).await {
        Ok(issued) => Ok(answer::json(&json!({
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "refresh_token": issued.refresh_token,
            "scope": issued.scope,
        }))),
        Err(failure) => Ok(answer::failure(&request, failure)),
    }
}

async fn issued(request: &HttpRequest, state: &State, body: Body) -> Result<Issued, Failure> {
    answer::check_origin(request, state)?;
    let fields = Fields::of_body(body).await?;
    let base = address::base_url(request, state.settings());
    let grant_type = fields.required("grant_type")?;
    if !matches!(grant_type.as_str(), "authorization_code" | "refresh_token") {
        return Err(Failure::refused(Kind::UnsupportedGrantType, "grant_type must be authorization_code or refresh_token"));
    }
    let (client_id, resource) = (fields.client_id(request)?, fields.once("resource")?);
    if grant_type == "refresh_token" {
        let exchange = RefreshExchange { client_id, refresh_token: fields.required("refresh_token")?, scope: fields.once("scope")?, resource };
        return state.refresh_tokens(exchange, &base).await;
    }
    let (code, verifier, redirect_uri) = (fields.required("code")?, fields.required("code_verifier")?, fields.once("redirect_uri")?);
    state.redeem_code(CodeExchange { client_id, code, redirect_uri, verifier, resource }, &base).await
}

/// End the connection a token belongs to (RFC 7009); what is no token of this server is gone already.
pub async fn revoke(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    match revoked(&request, &state, body).await {
        Ok(()) => Ok(answer::json(&json!({}))),
        Err(failure) => Ok(answer::failure(&request, failure)),
    }
}

async fn revoked(request: &HttpRequest, state: &State, body: Body) -> Result<(), Failure> {
    answer::check_origin(request, state)?;
    let token = Fields::of_body(body).await?.required("token")?;
    Ok(state.revoke_oauth_token(&token).await?)
}
