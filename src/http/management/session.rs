//! Who is signed in, signing in with a one-time link, signing out.

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::identity::{self, Developer, Newcomer, Visitor};
use super::reply;
use crate::domain::caller::Tenant;
use crate::domain::error::Result;
use crate::domain::tenancy::account::Account;
use crate::domain::tenancy::organizations::Organization;
use crate::domain::tenancy::sessions::NewConsoleSession;
use crate::http::body::Body;
use crate::http::{ApiResult, State, address};

/// What the console needs to know first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Null when nobody is signed in.
    tenant: Option<Account>,
    /// For `X-CSRF-Token`; null without a cookie's session.
    csrf_token: Option<String>,
    organizations: Vec<Organization>,
    server: ServerSummary,
    /// Where to go on to, after signing in with a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerSummary {
    id: String,
    version: &'static str,
    public_url: String,
    signup_open: bool,
    simulated_providers: Vec<&'static str>,
}

#[derive(Deserialize, ToSchema)]
pub struct RedeemLink {
    /// What follows `#` in the link.
    token: String,
}

#[derive(Deserialize, ToSchema)]
pub struct SignOut {
    /// Ends every session of the tenant.
    #[serde(default)]
    all: bool,
}

async fn session_of(request: &HttpRequest, state: &State, tenant: Option<&Tenant>, csrf_token: Option<String>) -> Result<Session> {
    let (account, organizations) = match tenant {
        Some(tenant) => (Some(state.account(tenant).await?), state.organizations(tenant).await?),
        None => (None, Vec::new()),
    };
    let server = ServerSummary {
        id: state.server_id().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        public_url: address::base_url(request, state.settings()),
        signup_open: state.signup_open(),
        simulated_providers: state.simulated_providers().to_vec(),
    };
    Ok(Session { tenant: account, csrf_token, organizations, server, next: None })
}

/// 200 with a session just opened and its cookie.
pub async fn opened(request: &HttpRequest, state: &State, new: NewConsoleSession, next: Option<String>) -> ApiResult<HttpResponse> {
    let mut session = session_of(request, state, Some(&new.tenant), Some(new.csrf)).await?;
    session.next = next;
    let mut answer = reply::ok(&session)?;
    answer.add_cookie(&identity::session_cookie(state, new.cookie)).map_err(crate::domain::error::Error::internal)?;
    Ok(answer)
}

/// Show who is signed in.
#[utoipa::path(get, path = "/management/v1/auth/session", tag = "management", responses((status = 200, body = Session)))]
pub async fn show(request: HttpRequest, state: State, visitor: Visitor) -> ApiResult<HttpResponse> {
    reply::ok(&session_of(&request, &state, visitor.tenant.as_ref(), visitor.csrf).await?)
}

/// Sign in with the token of a one-time link.
#[utoipa::path(post, path = "/management/v1/auth/link", tag = "management", request_body = RedeemLink, responses((status = 200, body = Session)))]
pub async fn redeem_link(request: HttpRequest, state: State, newcomer: Newcomer, body: Body) -> ApiResult<HttpResponse> {
    let RedeemLink { token } = body.json().await?;
    let signed_in = state.redeem_login_link(token.trim(), newcomer.0).await?;
    opened(&request, &state, signed_in.session, signed_in.next).await
}

/// Sign out here, or everywhere.
#[utoipa::path(post, path = "/management/v1/auth/signout", tag = "management", request_body = SignOut, responses((status = 204)))]
pub async fn sign_out(request: HttpRequest, state: State, developer: Developer, body: Body) -> ApiResult<HttpResponse> {
    let SignOut { all } = body.json().await?;
    state.sign_out(&developer, all).await?;
    let gone = web::Bytes::new().customize().with_status(actix_web::http::StatusCode::NO_CONTENT).add_cookie(&identity::no_cookie(&state));
    Ok(gone.respond_to(&request).map_into_boxed_body())
}
