//! Anonymous users, impersonation and the log of events (`03-auth.md` §12).

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyCaller, created, tokens, visit};
use crate::domain::access::Access;
use crate::domain::auth::event_list::{self, AuthEvent, EventQuery};
use crate::domain::auth::impersonate::{self, Whom};
use crate::domain::auth::{Email, TokenPair, anonymous, name};
use crate::domain::caller::Caller;
use crate::domain::error::{Code, Error};
use crate::domain::page::{List, Page};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::query::params;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AnonymousBody {
    pub name: Option<String>,
}

/// Make a user without address and password, and sign it in.
#[utoipa::path(post, path = "/v1/auth/anonymous", tag = "auth", request_body = AnonymousBody, responses((status = 201, body = TokenPair)))]
pub async fn anonymous(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: AnonymousBody = body.json().await?;
    let name = body.name.as_deref().map(name::name).transpose()?;
    let pair = anonymous::create(&caller.environment, &caller.visit, name).await?;
    Ok(created(tokens(&pair)?, &request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImpersonateBody {
    /// Or `email`.
    pub user_id: Option<String>,
    pub email: Option<String>,
    /// Seconds, 60–3600; 3600 when absent.
    pub expires_in: Option<i64>,
}

/// Get an access token of a user; for secret keys.
#[utoipa::path(post, path = "/v1/auth/impersonate", tag = "auth", request_body = ImpersonateBody, responses((status = 200, body = TokenPair)))]
pub async fn impersonate(request: HttpRequest, access: Access, body: Body) -> ApiResult<HttpResponse> {
    if !matches!(access.caller, Caller::SecretKey { .. }) {
        return Err(Error::new(Code::FORBIDDEN, "Impersonation needs a secret key").into());
    }
    let body: ImpersonateBody = body.json().await?;
    let whom = match (body.user_id, body.email) {
        (Some(id), _) => Whom::Id(id),
        (None, Some(email)) => Whom::Email(Email::parse(&email)?),
        (None, None) => return Err(Error::invalid_parameter("userId", "userId or email is required").into()),
    };
    let seconds = body.expires_in.unwrap_or(3600);
    if !(60..=3600).contains(&seconds) {
        return Err(Error::invalid_parameter("expiresIn", format!("expiresIn must lie between 60 and 3600, not {seconds}")).into());
    }
    let pair = impersonate::impersonate(&access.environment, &visit(&request)?, whom, seconds).await?;
    Ok(tokens(&pair)?.send(&request))
}

/// What happened to accounts, newest first: one's own, or all of them for admins.
#[utoipa::path(get, path = "/v1/auth/events", tag = "auth", params(("userId" = Option<String>, Query), ("type" = Option<String>, Query),
    ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("page" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = List<AuthEvent>)))]
pub async fn events(request: HttpRequest, access: Access) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let text = |name: &str| params.get(name).map(str::to_owned);
    let mut query = EventQuery { user_id: text("userId"), kind: text("type"), from: text("from"), to: text("to") };
    if !access.caller.is_admin() {
        let own = access.caller.own_id().ok_or_else(|| Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in, or use a secret key"))?;
        if query.user_id.as_deref().is_some_and(|id| id != own) {
            return Err(Error::new(Code::FORBIDDEN, "Only admins read the events of others").into());
        }
        query.user_id = Some(own.to_owned());
    }
    let page = Page::parse(params.get("page"), params.get("limit"))?;
    Ok(Reply::ok(&event_list::list(&access.environment, query, page).await?)?.send(&request))
}
