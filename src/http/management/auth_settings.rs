//! The settings of authentication of an environment.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::auth::administration::{AuthSettings, ProviderView, without_own_callback};
use crate::domain::auth::event_list::{self, AuthEvent, EventQuery};
use crate::domain::page::List;
use crate::domain::tenancy::guard;
use crate::http::address;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

type Provider = Path<(String, String, String)>;

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Rotation {
    /// Forgets the old key now and ends every session.
    immediate: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Rotated {
    /// Of the key that signs from now on.
    kid: String,
}

/// Show every setting, without secrets.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/config", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = AuthSettings)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let base = address::base_url(&request, state.settings());
    reply::versioned(&place.environment.auth_settings(&place.caller)?.with(|settings| settings.show_callbacks(&base)))
}

/// Change settings in the sections email, tokens, urls, users, invitations and mail; what is not named stays.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/config", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = AuthSettings)))]
pub async fn update(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let patch: Map<String, Value> = body.json().await?;
    let base = address::base_url(&request, state.settings());
    let changed = place.environment.change_auth_settings(&place.caller, patch, &parameters.expected()).await?;
    reply::versioned(&changed.with(|settings| settings.show_callbacks(&base)))
}

/// List the providers of social sign-in.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/providers", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 200, body = List<ProviderView>)))]
pub async fn providers(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let base = address::base_url(&request, state.settings());
    let mut providers = place.environment.auth_providers(&place.caller)?;
    providers.iter_mut().for_each(|provider| provider.show_callback(&base));
    reply::page_of(providers, &parameters)
}

/// Set up a provider; what is not named stays, the secret too.
#[utoipa::path(put, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/providers/{provider}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("provider" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Object, responses((status = 200, body = ProviderView)))]
pub async fn set_provider(
    request: HttpRequest,
    state: State,
    developer: Developer,
    path: Provider,
    parameters: Parameters,
    body: Body,
) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    let (mut patch, base): (Map<String, Value>, _) = (body.json().await?, address::base_url(&request, state.settings()));
    without_own_callback(&mut patch, &base, &path.2);
    let set = place.environment.set_auth_provider(&place.caller, &path.2, patch, &parameters.expected()).await?;
    reply::versioned(&set.with(|provider| provider.show_callback(&base)))
}

/// Forget everything that was set for a provider.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/providers/{provider}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("provider" = String, Path)), responses((status = 204)))]
pub async fn reset_provider(request: HttpRequest, state: State, developer: Developer, path: Provider) -> ApiResult<HttpResponse> {
    let place = Place::to_write(&request, &state, &developer).await?;
    place.environment.reset_auth_provider(&place.caller, &path.2).await?;
    reply::no_content()
}

/// Sign with a new key from now on; for admins, `confirm` is the environment's name.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/rotate-secret", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("confirm" = String, Query)), request_body = Rotation,
    responses((status = 200, body = Rotated)))]
pub async fn rotate(request: HttpRequest, state: State, developer: Developer, parameters: Parameters, body: Body) -> ApiResult<HttpResponse> {
    let place = Place::to_administer(&request, &state, &developer).await?;
    let rotation: Rotation = body.json().await?;
    guard::confirm(parameters.confirm(), place.environment.name())?;
    reply::ok(&Rotated { kid: place.environment.rotate_auth_secret(&place.caller, rotation.immediate).await? })
}

/// List what happened to accounts, newest first.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/auth/events", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("userId" = Option<String>, Query), ("type" = Option<String>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<AuthEvent>)))]
pub async fn events(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let place = Place::to_read(&request, &state, &developer).await?;
    let query = EventQuery { user_id: parameters.text("userId"), kind: parameters.text("type"), from: parameters.text("from"), to: parameters.text("to") };
    reply::ok(&event_list::list(&place.environment, query, parameters.page()?).await?)
}
