//! `/v1/auth`: how end users prove who they are (`03-auth.md`).

pub mod accounts;
pub mod additions;
pub mod input;
pub mod invitations;
pub mod jwks;
pub mod mfa;
mod page_texts;
pub mod pages;
pub mod passwords;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod simulator;
pub mod social;
pub mod verification;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, CACHE_CONTROL};
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::access;
use crate::domain::access::{Access, Credentials};
use crate::domain::auth::{TokenPair, Visit};
use crate::domain::caller::{Caller, EndUser};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::http::context;
use crate::http::reply::Reply;
use crate::http::routing::resource;
use crate::http::{ApiError, State, address};

/// Mounts the routes, below `/v1/auth`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/me").get(sessions::me).done())
        .service(resource("/refresh").post(sessions::refresh).done())
        .service(resource("/signout").post(sessions::sign_out).done())
        .service(resource("/sessions").get(sessions::list).delete(sessions::revoke_others).done())
        .service(resource("/sessions/{sessionId}").delete(sessions::revoke).done())
        .service(resource("/switch-organization").post(sessions::switch_organization).done())
        .service(resource("/email/signup").post(sign_up::sign_up).done())
        .service(resource("/email/signin").post(sign_in::sign_in).done())
        .service(resource("/email/callback").post(sign_in::callback).done())
        .service(resource("/signup/email/resend").post(verification::resend_signup).done())
        .service(resource("/signup/email/confirm").get(verification::open_signup).done())
        .service(resource("/email/verify/send").post(verification::send).done())
        .service(resource("/email/verify/resend").post(verification::resend).done())
        .service(resource("/email/verify/confirm").get(verification::open_contact).post(verification::confirm).done())
        .service(resource("/password/reset/request").post(passwords::request_reset).done())
        .service(resource("/password/reset/confirm").post(passwords::confirm_reset).done())
        .service(resource("/password/change").post(passwords::change).done())
        .service(resource("/mfa/enable").post(mfa::enable).done())
        .service(resource("/mfa/confirm").post(mfa::confirm).done())
        .service(resource("/mfa/disable").post(mfa::disable).done())
        .service(resource("/mfa/verify").post(mfa::verify).done())
        .service(resource("/invitations").get(invitations::list).post(invitations::create).done())
        .service(resource("/invitations/accept").post(invitations::accept).done())
        .service(resource("/invitations/reject").post(invitations::reject).done())
        .service(resource("/invitations/{invitationId}").get(invitations::show).delete(invitations::revoke).done())
        .service(resource("/pages/reset").get(pages::show_reset).post(pages::reset).done())
        .service(resource("/pages/invitation").get(pages::show_invitation).post(pages::answer_invitation).done())
        .service(resource("/withdraw").delete(passwords::withdraw).done())
        .service(resource("/anonymous").post(additions::anonymous).done())
        .service(resource("/impersonate").post(additions::impersonate).done())
        .service(resource("/events").get(additions::events).done())
        .service(resource("/accounts").get(accounts::list).post(accounts::link).done())
        .service(resource("/accounts/check").post(accounts::check).done())
        .service(resource("/accounts/{provider}").delete(accounts::unlink).done())
        .configure(simulator::routes)
        // Last: it takes every provider, known or not.
        .service(resource("/{provider}/authorize").get(social::authorize).done())
        .service(resource("/{provider}/callback").get(social::returned).post(social::callback).done());
}

/// An answer that says what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// One English sentence.
    pub message: String,
}

/// The answer to whoever asked for a mail; the same whether the address is known or not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mailed {
    pub message: String,
    pub email: String,
}

pub fn done(message: &str) -> Result<Reply> {
    Reply::ok(&Done { message: message.to_owned() })
}

/// Tokens, never to be kept by anybody on the way.
pub fn tokens(pair: &TokenPair) -> Result<Reply> {
    Ok(Reply::ok(pair)?.header(CACHE_CONTROL, "no-store"))
}

/// How a request came in.
pub fn visit(request: &HttpRequest) -> Result<Visit> {
    let state = State::of(request)?;
    let agent = request.headers().get(header::USER_AGENT).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    Ok(Visit {
        user_agent: agent.unwrap_or_default(),
        address: address::client_ip(request, state.settings()),
        base_url: address::base_url(request, state.settings()),
        own_url: address::mail_base_url(request, state.settings()),
        loopback_only: state.backend().options().loopback_only,
        port: state.settings().port,
    })
}

/// The caller of a route that needs a key only: a user's token that is no good counts as none.
pub struct KeyCaller {
    pub environment: Arc<Environment>,
    pub caller: Caller,
    pub visit: Visit,
    /// Why the token that came along is no good.
    pub refused: Option<Error>,
    /// That token.
    pub token: Option<String>,
}

impl KeyCaller {
    /// The signed-in user, if there is one.
    pub fn user(&self) -> Option<&EndUser> {
        self.caller.user().map(Arc::as_ref)
    }

    /// The same where a token that is no good must not be overlooked.
    ///
    /// # Errors
    /// The token's own.
    pub fn user_or_refusal(&mut self) -> Result<Option<&EndUser>> {
        match self.refused.take() {
            Some(error) => Err(error),
            None => Ok(self.user()),
        }
    }

    /// # Errors
    /// 400 `auth/unsupported-provider` while signing in by e-mail is switched off.
    pub fn email_is_on(&self) -> Result<()> {
        email_is_on(&self.environment)
    }
}

/// # Errors
/// 400 `auth/unsupported-provider`.
pub fn email_is_on(environment: &Environment) -> Result<()> {
    if environment.auth_config().email.enabled {
        return Ok(());
    }
    Err(Error::new(Code::UNSUPPORTED_PROVIDER, "Signing in by e-mail is switched off in this environment"))
}

impl FromRequest for KeyCaller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (credentials, malformed) = without_bad_bearer(&request)?;
            let (access, refused) = State::of(&request)?.backend().access_of_key(&credentials).await?;
            context::remember(&request, &access);
            let Access { environment, caller } = access;
            let token = credentials.bearer.map(str::to_owned);
            Ok(Self { environment, caller, visit: visit(&request)?, refused: malformed.or(refused), token })
        })
    }
}

/// The credentials of a request; an `Authorization` that cannot be read is left out.
fn without_bad_bearer(request: &HttpRequest) -> Result<(Credentials<'_>, Option<Error>)> {
    match access::credentials(request) {
        Err(error) if error.code() == Code::INVALID_TOKEN => Ok((access::credentials_but_bearer(request)?, Some(error))),
        other => other.map(|credentials| (credentials, None)),
    }
}

/// The caller of a route that needs a signed-in user.
pub struct UserCaller {
    pub environment: Arc<Environment>,
    pub user: Arc<EndUser>,
    pub visit: Visit,
}

impl FromRequest for UserCaller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, access) = (request.clone(), Access::from_request(request, payload));
        Box::pin(async move {
            let Access { environment, caller } = access.await?;
            let user = caller.user().cloned();
            let user = user.ok_or_else(|| Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in and send the access token as Authorization: Bearer"))?;
            Ok(Self { environment, user, visit: visit(&request)? })
        })
    }
}

/// 201 instead of 200.
pub fn created(reply: Reply, request: &HttpRequest) -> HttpResponse {
    reply.status(StatusCode::CREATED).send(request)
}
