//! Pictures of users (`04-users.md` §4).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::object;
use crate::domain::files::Presigned;
use crate::domain::users::{Asker, User};
use crate::http::ApiResult;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::reply::Reply;
use crate::http::rest::auth::{Done, done};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read field by field; this describes it
pub struct AvatarUploadBody {
    filename: String,
    /// `image/jpeg`, `image/png`, `image/gif` or `image/webp`; the extension decides when absent.
    content_type: Option<String>,
}

/// Where to PUT an avatar.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarUpload {
    pub url: String,
    /// The same.
    pub upload_url: String,
    pub key: String,
    pub expires_at: String,
}

impl AvatarUpload {
    pub fn of(begun: Presigned) -> Self {
        Self { upload_url: begun.url.clone(), url: begun.url, key: begun.key, expires_at: begun.expires_at }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read field by field; this describes it
pub struct AvatarBody {
    /// The key that `upload-url` answered, or the plain URL of the object; also under the name `key`.
    s3_key: String,
}

/// Begin the upload of an avatar; for the user itself and admins. The object is public as soon as it is stored.
#[utoipa::path(post, path = "/v1/users/{userId}/avatar/upload-url", tag = "users", operation_id = "createAvatarUpload",
    params(("userId" = String, Path, description = "Or me.")), request_body = AvatarUploadBody, responses((status = 200, body = AvatarUpload)))]
pub async fn upload_url(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let target = asker.own(&id).await?;
    let begun = asker.avatar_upload(&target, object(body, JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&AvatarUpload::of(begun))?.send(&request))
}

/// Make an upload the user's picture; the former avatar is deleted.
#[utoipa::path(patch, path = "/v1/users/{userId}/avatar", tag = "users", operation_id = "setAvatar",
    params(("userId" = String, Path, description = "Or me.")), request_body = AvatarBody, responses((status = 200, body = User)))]
pub async fn set(request: HttpRequest, asker: Asker, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let target = asker.own(&id).await?;
    let person = asker.set_avatar(&target, &object(body, JSON_LIMIT).await?).await?;
    Ok(Reply::ok(&person.whole(asker.is_admin()))?.send(&request))
}

/// Take the user's picture away, also when there is none.
#[utoipa::path(delete, path = "/v1/users/{userId}/avatar", tag = "users", operation_id = "removeAvatar",
    params(("userId" = String, Path, description = "Or me.")), responses((status = 200, body = Done)))]
pub async fn remove(request: HttpRequest, asker: Asker, id: Path<String>) -> ApiResult<HttpResponse> {
    let target = asker.own(&id).await?;
    asker.remove_avatar(&target).await?;
    Ok(done("The picture is removed.")?.send(&request))
}
