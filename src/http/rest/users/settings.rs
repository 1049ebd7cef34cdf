//! Profile and settings of a user (`04-users.md` §4, §5).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::object;
use crate::domain::error::Result;
use crate::domain::users::{Asker, Notifications, OnboardingView, Part, Person, Preferences, ProfileView, PublicSettings, User};
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;

/// What a user tells of itself; `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read field by field; this describes it
pub struct ProfileBody {
    /// 1–100 characters.
    name: Option<String>,
    /// 1–50 characters.
    nickname: Option<String>,
    /// In international form; spaces, hyphens and brackets are taken out.
    mobile: Option<String>,
    /// `none`, `male`, `female`, `etc`.
    gender: Option<String>,
    /// At most 500 characters.
    bio: Option<String>,
    /// Merged by key: `github`, `twitter`, `linkedin`.
    #[schema(value_type = Object)]
    social_links: Option<Value>,
    /// An `http` or `https` URL.
    image: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // read field by field; this describes it
pub struct OnboardingBody {
    /// `pending`, `in_progress`, `completed` or `skipped`; also read as `onboardingStatus`.
    status: Option<String>,
    /// At most 100 characters.
    step: Option<String>,
    /// The app's own, at most 16 KiB; replaced as a whole.
    #[schema(value_type = Object)]
    data: Option<Value>,
}

async fn read(asker: &Asker, id: &str) -> Result<Person> {
    Ok(asker.own(id).await?.person)
}

async fn write(asker: &Asker, id: &str, part: Part, body: Body) -> Result<Person> {
    let target = asker.own(id).await?;
    asker.update(&target, part, &object(body, JSON_LIMIT).await?).await
}

/// Show a profile; of others what is public, the rest null.
#[utoipa::path(get, path = "/v1/users/{userId}/profile", tag = "users", operation_id = "getProfile",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = ProfileView)))]
pub async fn profile(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    let target = asker.readable(&id, None).await?;
    let for_others = !asker.is_admin() && !target.is_self;
    Ok(Reply::ok(&target.person.profile(for_others))?.send(&request))
}

/// Change a profile; answers the whole user.
#[utoipa::path(patch, path = "/v1/users/{userId}/profile", tag = "users", operation_id = "updateProfile",
    params(("userId" = String, Path, description = "Or me.")), request_body = ProfileBody, responses((status = 200, body = User)))]
pub async fn update_profile(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let person = write(&asker, &id, Part::Profile, body).await?;
    Ok(Reply::ok(&person.whole(asker.is_admin()))?.send(&request))
}

/// Show language, time zone and theme.
#[utoipa::path(get, path = "/v1/users/{userId}/preferences", tag = "users", operation_id = "getPreferences",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = Preferences)))]
pub async fn preferences(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&read(&asker, &id).await?.preferences())?.send(&request))
}

/// Change language, time zone or theme; `null` clears.
#[utoipa::path(patch, path = "/v1/users/{userId}/preferences", tag = "users", operation_id = "updatePreferences",
    params(("userId" = String, Path, description = "Or me.")), request_body = Preferences, responses((status = 200, body = Preferences)))]
pub async fn update_preferences(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&write(&asker, &id, Part::Preferences, body).await?.preferences())?.send(&request))
}

/// Show which notifications the user wants.
#[utoipa::path(get, path = "/v1/users/{userId}/notifications", tag = "users", operation_id = "getNotifications",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = Notifications)))]
pub async fn notifications(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&read(&asker, &id).await?.notifications())?.send(&request))
}

/// Change which notifications the user wants; absent ones stay.
#[utoipa::path(patch, path = "/v1/users/{userId}/notifications", tag = "users", operation_id = "updateNotifications",
    params(("userId" = String, Path, description = "Or me.")), request_body = Notifications, responses((status = 200, body = Notifications)))]
pub async fn update_notifications(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&write(&asker, &id, Part::Notifications, body).await?.notifications())?.send(&request))
}

/// Show how far the user came in getting started.
#[utoipa::path(get, path = "/v1/users/{userId}/onboarding", tag = "users", operation_id = "getOnboarding",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = OnboardingView)))]
pub async fn onboarding(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&read(&asker, &id).await?.onboarding())?.send(&request))
}

/// Note how far the user came.
#[utoipa::path(patch, path = "/v1/users/{userId}/onboarding", tag = "users", operation_id = "updateOnboarding",
    params(("userId" = String, Path, description = "Or me.")), request_body = OnboardingBody, responses((status = 200, body = OnboardingView)))]
pub async fn update_onboarding(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&write(&asker, &id, Part::Onboarding, body).await?.onboarding())?.send(&request))
}

/// Show slug, and whether the profile is public.
#[utoipa::path(get, path = "/v1/users/{userId}/public-settings", tag = "users", operation_id = "getPublicSettings",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = PublicSettings)))]
pub async fn public_settings(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&read(&asker, &id).await?.public_settings())?.send(&request))
}

/// Change slug, and whether the profile is public.
#[utoipa::path(patch, path = "/v1/users/{userId}/public-settings", tag = "users", operation_id = "updatePublicSettings",
    params(("userId" = String, Path, description = "Or me.")), request_body = PublicSettings, responses((status = 200, body = PublicSettings)))]
pub async fn update_public_settings(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&write(&asker, &id, Part::PublicSettings, body).await?.public_settings())?.send(&request))
}
