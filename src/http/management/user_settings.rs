//! What the users of an environment set for themselves, seen and changed by a developer.

use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::reply;
use super::users::{id, to_read, to_write};
use crate::domain::error::Result;
use crate::domain::users::{Notifications, OnboardingView, Part, Person, Preferences, ProfileView, PublicSettings, User};
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::rest::auth::Done;
use crate::http::rest::users::avatars::{AvatarBody, AvatarUpload, AvatarUploadBody};
use crate::http::rest::users::object;
use crate::http::rest::users::settings::{OnboardingBody, ProfileBody};
use crate::http::{ApiResult, State};

async fn read(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Person> {
    let asker = to_read(request, state, developer).await?;
    Ok(asker.own(id(request)).await?.person)
}

async fn write(request: &HttpRequest, state: &State, developer: &Developer, part: Part, body: Body) -> Result<Person> {
    let asker = to_write(request, state, developer).await?;
    let target = asker.own(id(request)).await?;
    asker.update(&target, part, &object(body, JSON_LIMIT).await?).await
}

/// Show the profile of a user.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/profile", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = ProfileView)))]
pub async fn profile(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&read(&request, &state, &developer).await?.profile(false))
}

/// Change the profile of a user; answers the whole user.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/profile", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = ProfileBody,
    responses((status = 200, body = User)))]
pub async fn update_profile(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    reply::ok(&write(&request, &state, &developer, Part::Profile, body).await?.whole(true))
}

/// Begin the upload of a user's avatar.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/avatar/upload-url", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = AvatarUploadBody,
    responses((status = 200, body = AvatarUpload)))]
pub async fn avatar_upload(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    reply::ok(&AvatarUpload::of(asker.avatar_upload(&target, object(body, JSON_LIMIT).await?).await?))
}

/// Make an upload the picture of a user; the former avatar is deleted.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/avatar", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = AvatarBody,
    responses((status = 200, body = User)))]
pub async fn set_avatar(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    reply::ok(&asker.set_avatar(&target, &object(body, JSON_LIMIT).await?).await?.whole(true))
}

/// Take the picture of a user away.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/avatar", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = Done), (status = 409)))]
pub async fn remove_avatar(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    asker.remove_avatar(&target).await?;
    reply::ok(&Done { message: "The picture is removed.".to_owned() })
}

/// Show language, time zone and theme of a user.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/preferences", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = Preferences)))]
pub async fn preferences(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&read(&request, &state, &developer).await?.preferences())
}

/// Change language, time zone or theme of a user.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/preferences", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = Preferences,
    responses((status = 200, body = Preferences)))]
pub async fn update_preferences(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    reply::ok(&write(&request, &state, &developer, Part::Preferences, body).await?.preferences())
}

/// Show which notifications a user wants.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/notifications", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = Notifications)))]
pub async fn notifications(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&read(&request, &state, &developer).await?.notifications())
}

/// Change which notifications a user wants.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/notifications", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = Notifications,
    responses((status = 200, body = Notifications)))]
pub async fn update_notifications(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    reply::ok(&write(&request, &state, &developer, Part::Notifications, body).await?.notifications())
}

/// Show how far a user came in getting started.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/onboarding", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = OnboardingView)))]
pub async fn onboarding(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&read(&request, &state, &developer).await?.onboarding())
}

/// Note how far a user came.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/onboarding", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = OnboardingBody,
    responses((status = 200, body = OnboardingView)))]
pub async fn update_onboarding(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    reply::ok(&write(&request, &state, &developer, Part::Onboarding, body).await?.onboarding())
}

/// Show slug of a user, and whether its profile is public.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/public-settings", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = PublicSettings)))]
pub async fn public_settings(request: HttpRequest, state: State, developer: Developer) -> ApiResult<HttpResponse> {
    reply::ok(&read(&request, &state, &developer).await?.public_settings())
}

/// Change slug of a user, and whether its profile is public.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/public-settings", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = PublicSettings,
    responses((status = 200, body = PublicSettings)))]
pub async fn update_public_settings(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    reply::ok(&write(&request, &state, &developer, Part::PublicSettings, body).await?.public_settings())
}
