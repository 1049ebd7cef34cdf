//! API keys of an environment.

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::api_keys::{Key, KeyFilter, KeyPatch, NewKey};
use crate::http::body::Body;
use crate::http::{ApiResult, State};

/// List the keys of an environment; secret ones for admins, revoked ones only with `status=revoked`.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/keys", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("type" = Option<String>, Query), ("status" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Key>)))]
pub async fn list(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let filter = KeyFilter { kind: parameters.text("type"), status: parameters.text("status") };
    reply::page_of(state.api_keys(&developer, &path.0, &path.1, filter).await?, &parameters)
}

/// Make a key, or accept an existing `value`; a secret key is shown once.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/keys", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = NewKey, responses((status = 201, body = Key)))]
pub async fn create(state: State, developer: Developer, path: Path<(String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let new: NewKey = body.json().await?;
    reply::created(&state.create_api_key(&developer, &path.0, &path.1, new).await?)
}

/// Rename a key.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/keys/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = KeyPatch,
    responses((status = 200, body = Key)))]
pub async fn rename(state: State, developer: Developer, path: Path<(String, String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let patch: KeyPatch = body.json().await?;
    reply::ok(&state.rename_api_key(&developer, &path.0, &path.1, &path.2, patch).await?)
}

/// Delete a key: it is refused from the next request on; `confirm` is its name.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/keys/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("confirm" = String, Query)),
    responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, path: Path<(String, String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.delete_api_key(&developer, &path.0, &path.1, &path.2, parameters.confirm()).await?;
    reply::no_content()
}
