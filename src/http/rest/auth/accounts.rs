//! Linked accounts (`03-auth.md` §8).

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Done, KeyCaller, UserCaller, created, done, input};
use crate::domain::auth::accounts::{self, Account, Existence, Kind};
use crate::domain::auth::social::{Posted, Provider, callback_uri};
use crate::domain::page::{List, Page};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::query::params;

/// An identity to link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LinkBody {
    /// `google` or `github`.
    pub provider: Option<String>,
    /// The authorization code.
    pub code: Option<String>,
    /// An ID token of Google, instead of a code.
    pub id_token: Option<String>,
    /// The one the code was made for; absent: the provider's configured one.
    pub redirect_uri: Option<String>,
    /// One that this server issued is checked and used up; any other is the app's business.
    pub state: Option<String>,
    /// Of PKCE, when the app used it.
    pub code_verifier: Option<String>,
    /// Compared with the ID token's.
    pub nonce: Option<String>,
    /// Accepted and never sufficient.
    pub access_token: Option<String>,
}

impl LinkBody {
    fn posted(self) -> Posted {
        Posted {
            code: self.code,
            id_token: self.id_token,
            redirect_uri: self.redirect_uri,
            state: self.state,
            code_verifier: self.code_verifier,
            nonce: self.nonce,
        }
    }
}

/// Link an identity at a provider to the signed-in user; an anonymous user becomes a real one.
#[utoipa::path(post, path = "/v1/auth/accounts", tag = "auth", request_body = LinkBody, responses((status = 201, body = Account), (status = 409)))]
pub async fn link(request: HttpRequest, caller: UserCaller, body: Body) -> ApiResult<HttpResponse> {
    let mut body: LinkBody = body.json().await?;
    let (environment, visit) = (&caller.environment, &caller.visit);
    let provider = Provider::parse(&input::text("provider", body.provider.take())?)?;
    provider.mode(environment, visit.loopback_only)?;
    let brought = body.posted().check(provider, Some(callback_uri(environment, visit, provider)))?;
    let account = accounts::link(environment, visit, &caller.user, provider, brought).await?;
    Ok(created(Reply::ok(&account)?, &request))
}

/// List the ways the signed-in user can sign in.
#[utoipa::path(get, path = "/v1/auth/accounts", tag = "auth", params(("page" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = List<Account>)))]
pub async fn list(request: HttpRequest, caller: UserCaller) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let page = Page::parse(params.get("page"), params.get("limit"))?;
    Ok(Reply::ok(&accounts::list(&caller.environment, &caller.user, page).await?)?.send(&request))
}

/// Unlink a way of signing in, unless it is the last one; `email` takes the password along.
#[utoipa::path(delete, path = "/v1/auth/accounts/{provider}", tag = "auth", params(("provider" = String, Path, description = "email, google or github")),
    responses((status = 200, body = Done)))]
pub async fn unlink(request: HttpRequest, caller: UserCaller, provider: Path<String>) -> ApiResult<HttpResponse> {
    accounts::unlink(&caller.environment, &caller.visit, &caller.user, &provider).await?;
    Ok(done("The account is unlinked.")?.send(&request))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckBody {
    /// `credentials` or `oauth`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `email`, `google` or `github`.
    pub provider: Option<String>,
    /// The address, for `credentials`; else the id of the account at the provider.
    pub provider_account_id: Option<String>,
}

/// Ask whether an account exists.
#[utoipa::path(post, path = "/v1/auth/accounts/check", tag = "auth", request_body = CheckBody, responses((status = 200, body = Existence)))]
pub async fn check(request: HttpRequest, caller: KeyCaller, body: Body) -> ApiResult<HttpResponse> {
    let body: CheckBody = body.json().await?;
    input::required(&[("type", body.kind.is_some()), ("provider", body.provider.is_some()), ("providerAccountId", body.provider_account_id.is_some())])?;
    let kind = Kind::parse(&body.kind.unwrap_or_default())?;
    let (provider, id) = (body.provider.unwrap_or_default(), body.provider_account_id.unwrap_or_default());
    Ok(Reply::ok(&accounts::check(&caller.environment, &caller.visit, kind, &provider, &id).await?)?.send(&request))
}
