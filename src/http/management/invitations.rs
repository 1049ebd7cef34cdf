//! Invitations to an organization.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::identity::{self, Developer, Visitor};
use super::parameters::Parameters;
use super::reply;
use crate::domain::page::List;
use crate::domain::tenancy::invitations::{Invitation, InvitationSummary, NewInvitation};
use crate::domain::tenancy::organizations::Organization;
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

#[derive(Deserialize, ToSchema)]
pub struct InvitationToken {
    /// What follows `#` in the link.
    token: String,
}

/// List the invitations of an organization, newest first.
#[utoipa::path(get, path = "/management/v1/organizations/{organizationId}/invitations", tag = "management",
    params(("organizationId" = String, Path), ("status" = Option<String>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Invitation>)))]
pub async fn list(request: HttpRequest, state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let base = address::mail_base_url(&request, state.settings());
    reply::page_of(state.invitations(&developer, &id, parameters.text("status").as_deref(), &base).await?, &parameters)
}

/// Invite somebody; the mail goes out, and `link` is in the answer.
#[utoipa::path(post, path = "/management/v1/organizations/{organizationId}/invitations", tag = "management",
    params(("organizationId" = String, Path)), request_body = NewInvitation, responses((status = 201, body = Invitation)))]
pub async fn create(request: HttpRequest, state: State, developer: Developer, id: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    let new: NewInvitation = body.json().await?;
    let base = address::mail_base_url(&request, state.settings());
    reply::created(&state.invite(&developer, &id, new, &base).await?)
}

/// Send an invitation again, with a new link that takes the place of the old one.
#[utoipa::path(post, path = "/management/v1/organizations/{organizationId}/invitations/{id}/resend", tag = "management",
    params(("organizationId" = String, Path), ("id" = String, Path)), responses((status = 200, body = Invitation), (status = 409)))]
pub async fn resend(request: HttpRequest, state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (organization, id) = path.into_inner();
    let base = address::mail_base_url(&request, state.settings());
    reply::ok(&state.resend_invitation(&developer, &organization, &id, &base).await?)
}

/// Cancel an invitation.
#[utoipa::path(delete, path = "/management/v1/organizations/{organizationId}/invitations/{id}", tag = "management",
    params(("organizationId" = String, Path), ("id" = String, Path)), responses((status = 204), (status = 409)))]
pub async fn cancel(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    let (organization, id) = path.into_inner();
    state.cancel_invitation(&developer, &organization, &id).await?;
    reply::no_content()
}

/// Show what an invitation is about, to whoever holds its link.
#[utoipa::path(post, path = "/management/v1/invitations/lookup", tag = "management", request_body = InvitationToken,
    responses((status = 200, body = InvitationSummary)))]
pub async fn look_up(request: HttpRequest, state: State, _visitor: Visitor, body: Body) -> ApiResult<HttpResponse> {
    let InvitationToken { token } = body.json().await?;
    reply::ok(&state.look_up_invitation(&token, &identity::device(&request)?.ip_address).await?)
}

/// Join the organization.
#[utoipa::path(post, path = "/management/v1/invitations/accept", tag = "management", request_body = InvitationToken,
    responses((status = 200, body = Organization)))]
pub async fn accept(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let InvitationToken { token } = body.json().await?;
    reply::ok(&state.accept_invitation(&developer, &token, &identity::device(&request)?.ip_address).await?)
}

/// Turn an invitation down.
#[utoipa::path(post, path = "/management/v1/invitations/reject", tag = "management", request_body = InvitationToken, responses((status = 204)))]
pub async fn reject(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let InvitationToken { token } = body.json().await?;
    state.reject_invitation(&developer, &token, &identity::device(&request)?.ip_address).await?;
    reply::no_content()
}
