//! Approval in the place of a person, for tests without a browser.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Access;
use crate::domain::auth::simulator::{self, Approval, Chosen};
use crate::domain::auth::social::Provider;
use crate::domain::caller::Caller;
use crate::domain::error::{Code, Error};
use crate::http::ApiResult;
use crate::http::body::Body;
use crate::http::reply::Reply;
use crate::http::rest::auth::{input, visit};

/// Who signs in at the simulated provider, and for what.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApproveBody {
    /// Where the provider would return to; without it there is no code.
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    /// Of PKCE, S256.
    pub code_challenge: Option<String>,
    pub identity: Option<IdentityBody>,
}

#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityBody {
    pub email: Option<String>,
    /// Absent: the part of the address before the @.
    pub name: Option<String>,
    pub picture: Option<String>,
    /// True when absent.
    pub email_verified: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedBody {
    /// Only with `redirectUri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The redirect URI with code and state; only with `redirectUri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_to: Option<String>,
    /// Of Google only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// Approve a sign-in at the simulated provider without its page; for secret keys.
#[utoipa::path(post, path = "/v1/auth/simulator/{provider}/approve", tag = "auth", params(("provider" = String, Path, description = "google or github")),
    request_body = ApproveBody, responses((status = 200, body = ApprovedBody)))]
pub async fn approve(request: HttpRequest, access: Access, provider: Path<String>, body: Body) -> ApiResult<HttpResponse> {
    if !matches!(access.caller, Caller::SecretKey { .. }) {
        return Err(Error::new(Code::FORBIDDEN, "Approving in the place of a person needs a secret key").into());
    }
    let provider = Provider::parse(&provider)?;
    let body: ApproveBody = body.json().await?;
    let identity = body.identity.ok_or_else(|| Error::invalid_parameter("identity", "identity is required, with an email"))?;
    let email = input::text("identity.email", identity.email)?;
    let identity = Chosen::new(&email, identity.name.as_deref(), identity.picture.as_deref(), identity.email_verified.unwrap_or(true))?;
    let approval = Approval { redirect_uri: body.redirect_uri, state: body.state, nonce: body.nonce, code_challenge: body.code_challenge, identity };
    let approved = simulator::approve(&access.environment, &visit(&request)?, provider, approval).await?;
    let body = ApprovedBody { code: approved.code, redirect_to: approved.redirect_to, id_token: approved.id_token };
    Ok(Reply::ok(&body)?.header(CACHE_CONTROL, "no-store").send(&request))
}
