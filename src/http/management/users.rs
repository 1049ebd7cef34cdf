//! The end users of an environment: the routes of `/v1/users`, as an admin (`06-console.md` B3).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::place::Place;
use super::reply;
use crate::domain::error::Result;
use crate::domain::page::List;
use crate::domain::users::import::{BODY, UserImportReport};
use crate::domain::users::{Asker, Part, PublicUser, User, UserQuery};
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::rest::auth::visit;
use crate::http::rest::users::import::ImportBody;
use crate::http::rest::users::object;
use crate::http::rest::users::people::{NewUserBody, RoleBody, UserPatchBody};
use crate::http::{ApiResult, State};

/// A developer who asks about the users of the environment in the path.
pub async fn to_read(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Asker> {
    asker(request, Place::to_read(request, state, developer).await?)
}

/// The same for calls that change something.
pub async fn to_write(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Asker> {
    asker(request, Place::to_write(request, state, developer).await?)
}

fn asker(request: &HttpRequest, place: Place) -> Result<Asker> {
    Ok(Asker { environment: place.environment, caller: place.caller, visit: visit(request)? })
}

/// The user's id in the path.
pub fn id(request: &HttpRequest) -> &str {
    request.match_info().query("id")
}

/// List and search the users of an environment.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query),
        ("sortBy" = Option<String>, Query, description = "createdAt, updatedAt, name, email or role."), ("sortDirection" = Option<String>, Query),
        ("search" = Option<String>, Query), ("searchType" = Option<String>, Query, description = "name, nickname or email."),
        ("includeAccounts" = Option<bool>, Query), ("role" = Option<String>, Query), ("provider" = Option<String>, Query),
        ("emailVerified" = Option<bool>, Query), ("banned" = Option<bool>, Query), ("includeDeleted" = Option<bool>, Query)),
    responses((status = 200, body = List<User>)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let asker = to_read(&request, &state, &developer).await?;
    reply::ok(&asker.list(&UserQuery::read(|name| parameters.text(name))).await?)
}

/// Make a user. No mail is sent.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = NewUserBody, responses((status = 201, body = User)))]
pub async fn create(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    reply::created(&asker.create(&object(body, JSON_LIMIT).await?).await?.whole(true))
}

/// Take over users of another system, with their ids, times and password hashes.
#[utoipa::path(post, path = "/management/v1/projects/{projectId}/environments/{environment}/users/import", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), request_body = ImportBody, responses((status = 200, body = UserImportReport)))]
pub async fn import(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    reply::ok(&asker.import(object(body, BODY).await?).await?)
}

/// Find a public user by its slug.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/slug/{slug}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("slug" = String, Path)), responses((status = 200, body = PublicUser)))]
pub async fn by_slug(request: HttpRequest, state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    let asker = to_read(&request, &state, &developer).await?;
    reply::ok(&asker.by_slug(&path.2).await?)
}

/// Show a user.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("includeDeleted" = Option<bool>, Query)),
    responses((status = 200, body = User)))]
pub async fn show(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let asker = to_read(&request, &state, &developer).await?;
    let target = asker.readable(id(&request), parameters.get("includeDeleted")).await?;
    reply::ok(&target.person.whole(true))
}

/// Change a user: profile, address, role, password, ban.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = UserPatchBody,
    responses((status = 200, body = User)))]
pub async fn update(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.own(id(&request)).await?;
    reply::ok(&asker.update(&target, Part::Whole, &object(body, JSON_LIMIT).await?).await?.whole(true))
}

/// Delete a user; with `purge`, erase its row now.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path), ("purge" = Option<bool>, Query)),
    responses((status = 204)))]
pub async fn delete(request: HttpRequest, state: State, developer: Developer, parameters: Parameters) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.deletable(id(&request), parameters.get("purge")).await?;
    asker.delete(&target).await?;
    reply::no_content()
}

/// Give a user another role.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/users/{id}/role", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = RoleBody,
    responses((status = 200, body = User)))]
pub async fn set_role(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let asker = to_write(&request, &state, &developer).await?;
    let target = asker.as_admin(id(&request)).await?;
    reply::ok(&asker.set_role(&target, &object(body, JSON_LIMIT).await?).await?.whole(true))
}
