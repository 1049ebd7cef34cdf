//! Invitations (`03-auth.md` §9).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Done, KeyCaller, created, done, input, visit};
use crate::domain::access::Access;
use crate::domain::auth::invitations::{self, InvitationQuery, NewInvitation, ResourceType, UserInvitation};
use crate::domain::auth::redirects::{self, Parameter};
use crate::domain::auth::{Email, invitation_answer, name};
use crate::domain::error::{Error, Result};
use crate::domain::page::{List, Page};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::query::params;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InvitationBody {
    /// `organization`, `project` or `user`.
    pub resource_type: Option<String>,
    /// At most 100 characters. Roles are given only for `project` and this project's id.
    pub resource_id: Option<String>,
    /// At most 100 characters; the project's name stands for it in the mail.
    pub resource_name: Option<String>,
    pub email: Option<String>,
    /// Of the invited person.
    pub name: Option<String>,
    /// At most 50 characters.
    pub resource_role: Option<String>,
    /// Absent: the name of the inviter.
    pub inviter_name: Option<String>,
    /// Where the link in the mail leads.
    pub callback_url: Option<String>,
}

/// Invite somebody by mail.
///
/// A pending invitation of the same address to the same resource is revoked. The token stands in the mail only.
#[utoipa::path(post, path = "/v1/auth/invitations", tag = "auth", request_body = InvitationBody, responses((status = 201, body = UserInvitation)))]
pub async fn create(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    let (body, visit): (InvitationBody, _) = (body.json().await?, visit(&request)?);
    let (kind, resource, role) = (filled(body.resource_type), filled(body.resource_id), filled(body.resource_role));
    input::required(&[
        ("resourceType", kind.is_some()),
        ("resourceId", resource.is_some()),
        ("email", body.email.is_some()),
        ("resourceRole", role.is_some()),
    ])?;
    let callback = |text: &str| redirects::check(&access.environment.auth_config(), access.environment.project(), &visit, Parameter::CallbackUrl, text);
    let new = NewInvitation {
        resource_type: ResourceType::parse(&kind.unwrap_or_default())?,
        resource_id: bounded("resourceId", resource.unwrap_or_default(), 100)?,
        resource_name: filled(body.resource_name).map(|text| bounded("resourceName", text, 100)).transpose()?,
        resource_role: bounded("resourceRole", role.unwrap_or_default(), 50)?,
        email: input::email(body.email)?,
        name: filled(body.name).as_deref().map(name::name).transpose()?,
        inviter_name: filled(body.inviter_name).as_deref().map(name::name).transpose()?,
        callback: body.callback_url.as_deref().map(callback).transpose()?,
    };
    let invitation = invitations::create(&access.environment, &visit, &access.caller, new).await?;
    Ok(created(Reply::ok(&invitation)?, &request))
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn bounded(field: &str, text: String, max: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(Error::invalid_parameter(field, format!("{field} has at most {max} characters, none of them a control character")));
    }
    Ok(text.to_owned())
}

/// List the invitations one has sent, newest first; all of them for admins.
#[utoipa::path(get, path = "/v1/auth/invitations", tag = "auth", params(("resourceType" = Option<String>, Query), ("resourceId" = Option<String>, Query),
    ("status" = Option<String>, Query), ("page" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = List<UserInvitation>)))]
pub async fn list(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let text = |name: &str| params.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let query = InvitationQuery { resource_type: text("resourceType"), resource_id: text("resourceId"), status: text("status") };
    let page = Page::parse(params.get("page"), params.get("limit"))?;
    Ok(Reply::ok(&invitations::list(&access.environment, &access.caller, query, page).await?)?.send(&request))
}

/// Show an invitation to who sent it, whom it is for, and admins.
#[utoipa::path(get, path = "/v1/auth/invitations/{invitationId}", tag = "auth", params(("invitationId" = String, Path)),
    responses((status = 200, body = UserInvitation)))]
pub async fn show(request: HttpRequest, access: Access, id: Path<String>) -> ApiResult<HttpResponse> {
    Ok(Reply::ok(&invitations::get(&access.environment, &access.caller, &id).await?)?.send(&request))
}

/// What an invitation is answered with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AnswerBody {
    /// From the mail.
    pub token: Option<String>,
    /// Must be the invited one, if it comes.
    pub email: Option<String>,
}

impl AnswerBody {
    fn check(self) -> Result<(String, Option<Email>)> {
        Ok((input::text("token", self.token)?, self.email.as_deref().map(Email::parse).transpose()?))
    }
}

/// Accept an invitation; nobody is signed in by it.
///
/// With the access token of the account that has the invited address, that address becomes verified.
#[utoipa::path(post, path = "/v1/auth/invitations/accept", tag = "auth", request_body = AnswerBody, responses((status = 200, body = UserInvitation)))]
pub async fn accept(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let (token, email) = body.json::<AnswerBody>().await?.check()?;
    let invitation = invitation_answer::accept(&caller.environment, &caller.visit, caller.user(), &token, email.as_ref()).await?;
    Ok(Reply::ok(&invitation)?.send(&request))
}

/// Decline an invitation.
#[utoipa::path(post, path = "/v1/auth/invitations/reject", tag = "auth", request_body = AnswerBody, responses((status = 200, body = Object)))]
pub async fn reject(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let (token, email) = body.json::<AnswerBody>().await?.check()?;
    invitation_answer::reject(&caller.environment, &caller.visit, &token, email.as_ref()).await?;
    Ok(Reply::ok(&json!({}))?.send(&request))
}

/// Take an invitation back; for who sent it, and admins.
#[utoipa::path(delete, path = "/v1/auth/invitations/{invitationId}", tag = "auth", params(("invitationId" = String, Path)),
    responses((status = 200, body = Done)))]
pub async fn revoke(request: HttpRequest, access: Access, id: Path<String>) -> ApiResult<HttpResponse> {
    invitations::revoke(&access.environment, &visit(&request)?, &access.caller, &id).await?;
    Ok(done("The invitation is revoked.")?.send(&request))
}
