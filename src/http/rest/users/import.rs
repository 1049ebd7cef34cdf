//! Taking over users of another system (`04-users.md` §7).

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::object;
use crate::domain::users::Asker;
use crate::domain::users::import::{BODY, UserImportReport};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // read entry by entry; this describes it
pub struct ImportBody {
    /// 1–1,000: `id`, `email`, `name`, `emailVerified`, `role`, `createdAt`, `updatedAt`, `passwordHash` or `password`,
    /// `accounts`, and every field users write themselves.
    #[schema(value_type = Vec<Object>)]
    users: Vec<serde_json::Value>,
    /// `skip` (default), `update` or `fail`.
    on_conflict: Option<String>,
}

/// Take over users with their ids, times and password hashes; for secret keys.
///
/// One transaction: faulty entries are reported and left out; `fail` commits nothing if there is any. Body up to 10 MiB.
#[utoipa::path(post, path = "/v1/users/import", tag = "users", operation_id = "importUsers", request_body = ImportBody,
    responses((status = 200, body = UserImportReport)))]
pub async fn import(request: HttpRequest, asker: Asker, body: Body) -> ApiResult<HttpResponse> {
    asker.secret_key()?;
    Ok(Reply::ok(&asker.import(object(body, BODY).await?).await?)?.send(&request))
}
