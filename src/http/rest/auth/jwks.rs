//! The public keys tokens verify under, for third parties (`03-auth.md` §2; RFC 7517).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::domain::error::{Code, Error};
use crate::http::rest::query::params;
use crate::http::routing::resource;
use crate::http::{ApiResult, State};

/// Mounts `/.well-known/jwks.json`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/.well-known/jwks.json").get(jwks).done());
}

/// Public signing keys of an environment; none while it signs with HS256.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", security(()), params(("project" = String, Query), ("environment" = String, Query)),
    responses((status = 200, body = Object)))]
pub async fn jwks(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let (project, name) = (params.get("project").unwrap_or_default(), params.get("environment").unwrap_or("dev"));
    let environment = state.backend().environment_named(project, name).await.map_err(|error| match error.code() {
        code if code == Code::ENVIRONMENT_NOT_FOUND => Error::new(Code::NOT_FOUND, "No such project and environment; give project=<id>&environment=<name>"),
        _ => error,
    })?;
    let keys = environment.keyring();
    let body = json!({ "keys": keys.public_keys(environment.now()) });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(body))
}
