//! The mailbox of an environment.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::error::Result;
use crate::domain::mail::{Mail, MailQuery};
use crate::domain::page::List;
use crate::http::body::Body;
use crate::http::{ApiResult, State};

#[derive(Deserialize, ToSchema)]
pub struct MailPatch {
    read: bool,
}

fn query(parameters: &Parameters) -> Result<MailQuery> {
    let unread = parameters.text("unread").map(|_| parameters.flag("unread")).transpose()?;
    Ok(MailQuery { to: parameters.text("to"), search: parameters.text("search"), template: parameters.text("template"), unread, ..MailQuery::default() })
}

/// List the mail that an environment sent, newest first.
///
/// With links, tokens and codes. The newest 1,000 are kept.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/mailbox", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("to" = Option<String>, Query, description = "The address."),
        ("search" = Option<String>, Query, description = "Part of address, subject or text; at most 100 characters."), ("template" = Option<String>, Query),
        ("unread" = Option<bool>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Mail>)))]
pub async fn list(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.mailbox(&developer, &path.0, &path.1, query(&parameters)?, parameters.page()?).await?)
}

/// Delete the mail that matches; all of it without parameters.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/mailbox", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("to" = Option<String>, Query), ("search" = Option<String>, Query),
        ("template" = Option<String>, Query), ("unread" = Option<bool>, Query)),
    responses((status = 204)))]
pub async fn clear(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    state.clear_mailbox(&developer, &path.0, &path.1, query(&parameters)?).await?;
    reply::no_content()
}

/// Show a mail.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/mailbox/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = Mail)))]
pub async fn show(state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.mail(&developer, &path.0, &path.1, &path.2).await?)
}

/// Mark a mail as read or unread.
#[utoipa::path(patch, path = "/management/v1/projects/{projectId}/environments/{environment}/mailbox/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), request_body = MailPatch,
    responses((status = 200, body = Mail)))]
pub async fn mark(state: State, developer: Developer, path: Path<(String, String, String)>, body: Body) -> ApiResult<HttpResponse> {
    let patch: MailPatch = body.json().await?;
    reply::ok(&state.mark_mail(&developer, &path.0, &path.1, &path.2, patch.read).await?)
}

/// Delete a mail.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/mailbox/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn delete(state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    state.delete_mail(&developer, &path.0, &path.1, &path.2).await?;
    reply::no_content()
}
