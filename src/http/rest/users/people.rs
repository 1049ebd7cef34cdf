//! Users themselves: listing, making, reading, changing and deleting them (`04-users.md` §3).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::object;
use crate::domain::page::List;
use crate::domain::users::{Asker, Part, PublicUser, User, UserAnswer, UserQuery};
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::rest::auth::{Done, KeyCaller, created, done};
use crate::http::rest::query::params;

/// A user to be made by an admin.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read field by field; this describes it
pub struct NewUserBody {
    /// 1–100 characters.
    name: String,
    email: String,
    /// `user` when absent.
    role: Option<String>,
    /// 1–50 characters.
    nickname: Option<String>,
    /// Absent: the user comes in by a mailed link or code, a reset or a social login.
    password: Option<String>,
    /// Or a time.
    email_verified: Option<bool>,
}

/// Any writable field of a user; `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read field by field; this describes it
pub struct UserPatchBody {
    name: Option<String>,
    nickname: Option<String>,
    /// An `http` or `https` URL.
    image: Option<String>,
    bio: Option<String>,
    /// Merged by key: `github`, `twitter`, `linkedin`.
    #[schema(value_type = Object)]
    social_links: Option<serde_json::Value>,
    slug: Option<String>,
    is_public: Option<bool>,
    mobile: Option<String>,
    gender: Option<String>,
    #[schema(value_type = Object)]
    preferences: Option<serde_json::Value>,
    onboarding_status: Option<String>,
    /// Admins only, as all that follow.
    email: Option<String>,
    /// Or a time.
    email_verified: Option<bool>,
    role: Option<String>,
    password: Option<String>,
    banned: Option<bool>,
    /// A time in the future.
    banned_until: Option<String>,
    ban_reason: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // read field by field; this describes it
pub struct RoleBody {
    /// `admin`, `user`, `guest` or one of the environment's `customRoles`.
    role: String,
}

/// List and search users: public fields, or everything for admins.
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "listUsers",
    params(("page" = Option<u64>, Query), ("limit" = Option<u32>, Query),
        ("sortBy" = Option<String>, Query, description = "createdAt, updatedAt, name, email or role."), ("sortDirection" = Option<String>, Query),
        ("search" = Option<String>, Query, description = "Part of name or nickname, for admins also of the address; at most 100 characters."),
        ("searchType" = Option<String>, Query, description = "name, nickname or email."), ("includeAccounts" = Option<bool>, Query),
        ("role" = Option<String>, Query), ("provider" = Option<String>, Query), ("emailVerified" = Option<bool>, Query),
        ("banned" = Option<bool>, Query), ("includeDeleted" = Option<bool>, Query)),
    responses((status = 200, body = List<UserAnswer>)))]
pub async fn list(request: HttpRequest, asker: Asker) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let query = UserQuery::read(|name| params.get(name).map(str::to_owned));
    Ok(Reply::ok(&asker.list(&query).await?)?.send(&request))
}

/// Make a user; for admins. No mail is sent.
#[utoipa::path(post, path = "/v1/users", tag = "users", operation_id = "createUser", request_body = NewUserBody,
    responses((status = 201, body = User)))]
pub async fn create(request: HttpRequest, asker: Asker, body: Body) -> ApiResult<HttpResponse> {
    asker.admin()?;
    let person = asker.create(&object(body, JSON_LIMIT).await?).await?;
    Ok(created(Reply::ok(&person.whole(true))?, &request))
}

/// Find a public user by its slug; a key is enough.
#[utoipa::path(get, path = "/v1/users/slug/{slug}", tag = "users", operation_id = "getUserBySlug", params(("slug" = String, Path)),
    responses((status = 200, body = PublicUser)))]
pub async fn by_slug(request: HttpRequest, caller: KeyCaller, slug: Path<String>) -> ApiResult<HttpResponse> {
    let asker = Asker { environment: caller.environment, caller: caller.caller, visit: caller.visit };
    Ok(Reply::ok(&asker.by_slug(&slug).await?)?.send(&request))
}

/// Show a user: itself and admins see every field, others the public ones.
#[utoipa::path(get, path = "/v1/users/{userId}", tag = "users", operation_id = "getUser",
    params(("userId" = String, Path, description = "Or me."), ("includeDeleted" = Option<bool>, Query)), responses((status = 200, body = UserAnswer)))]
pub async fn show(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    let target = asker.readable(&id, params(&request)?.get("includeDeleted")).await?;
    Ok(Reply::ok(&asker.sees(&target))?.send(&request))
}

/// Change a user; `null` clears a field, absent ones stay.
#[utoipa::path(patch, path = "/v1/users/{userId}", tag = "users", operation_id = "updateUser", params(("userId" = String, Path, description = "Or me.")),
    request_body = UserPatchBody, responses((status = 200, body = User)))]
pub async fn update(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let target = asker.own(&id).await?;
    let person = asker.update(&target, Part::Whole, &object(body, JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&person.whole(asker.is_admin()))?.send(&request))
}

/// Delete a user: hidden at once, erased after `deletedUserRetentionDays`; with `purge`, for admins, erased now.
#[utoipa::path(delete, path = "/v1/users/{userId}", tag = "users", operation_id = "deleteUser",
    params(("userId" = String, Path, description = "Or me."), ("purge" = Option<bool>, Query)), responses((status = 200, body = Done)))]
pub async fn delete(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    let purge = params(&request)?.get("purge").map(str::to_owned);
    let target = asker.deletable(&id, purge.as_deref()).await?;
    asker.delete(&target).await?;
    Ok(done("The user is deleted.")?.send(&request))
}

/// Give a user another role; for admins. It holds from the next request on.
#[utoipa::path(patch, path = "/v1/users/{userId}/role", tag = "users", operation_id = "setUserRole", params(("userId" = String, Path)),
    request_body = RoleBody, responses((status = 200, body = User)))]
pub async fn set_role(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let target = asker.as_admin(&id).await?;
    let person = asker.set_role(&target, &object(body, JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&person.whole(true))?.send(&request))
}
