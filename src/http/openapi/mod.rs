//! `/openapi.json`: one document for every route, made from the annotations of the handlers, and `/docs`, the page that
//! shows it.

mod complete;
mod errors;
mod page;

use std::sync::LazyLock;

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::management::openapi::ManagementApi;
use super::rest::openapi::{AuthApi, AuthSettingsApi, DataApi, FilesApi, UsersApi};
use super::routing::resource;
use super::{ApiResult, State, address, health, metrics};

/// Routes of the server itself.
#[derive(OpenApi)]
#[openapi(paths(health::healthz, health::readyz, metrics::metrics, openapi_json))]
struct ServerApi;

/// Every part of the HTTP face with its routes. A new part has to stand here.
const PARTS: &[fn() -> utoipa::openapi::OpenApi] =
    &[ServerApi::openapi, DataApi::openapi, AuthApi::openapi, AuthSettingsApi::openapi, UsersApi::openapi, FilesApi::openapi, ManagementApi::openapi];

/// Stands where the address of the server goes.
const BASE: &str = "https://base.invalid";

static TEXT: LazyLock<String> = LazyLock::new(|| document(BASE).to_string());

/// Mounts `/openapi.json` and `/docs`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/openapi.json").get(openapi_json).done());
    page::routes(config);
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "getOpenApi", security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)))]
pub async fn openapi_json(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let base = Value::from(address::base_url(&request, state.settings())).to_string();
    let text = TEXT.replace(&Value::from(BASE).to_string(), &base);
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}

/// The whole document; `base` is the address of the server.
pub fn document(base: &str) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for part in PARTS {
        let Ok(mut part) = serde_json::to_value(part()) else { continue };
        for (path, item) in take_members(&mut part["paths"]) {
            let all = paths.entry(path).or_insert_with(|| json!({}));
            for (method, operation) in members(&item) {
                all[method] = operation.clone();
            }
        }
        schemas.extend(take_members(&mut part["components"]["schemas"]));
    }
    errors::add_schemas(&mut schemas);
    complete::paths(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bkend-local", "version": env!("CARGO_PKG_VERSION"), "summary": "A whole backend on your own machine.",
            "description": include_str!("description.md"), "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": base, "description": "This server" }],
        "tags": complete::tags(&paths),
        "paths": paths,
        "components": {
            "schemas": schemas, "responses": errors::responses(), "parameters": complete::parameters(), "securitySchemes": complete::security_schemes(),
        },
    })
}

/// Schemas that several parts name alike but mean differently; there must be none.
pub fn ambiguous_schemas() -> Vec<String> {
    let (mut seen, mut ambiguous) = (Map::new(), Vec::new());
    for part in PARTS {
        let Ok(mut part) = serde_json::to_value(part()) else { continue };
        for (name, schema) in take_members(&mut part["components"]["schemas"]) {
            if seen.get(&name).is_some_and(|known| *known != schema) {
                ambiguous.push(name.clone());
            }
            seen.insert(name, schema);
        }
    }
    ambiguous
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn take_members(value: &mut Value) -> Map<String, Value> {
    match value.take() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
