//! Authorization requests to the simulator: checked, offered on a page, decided (RFC 6749 §4.1.1–4.1.2.1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::codes::{Grant, issue_code};
use super::{Chosen, identities, unusable};
use crate::domain::auth::Visit;
use crate::domain::auth::one_time::{self, New, OneTime, Purpose, State};
use crate::domain::auth::redirects::{self, Parameter, with_parameters};
use crate::domain::auth::social::{Mode, Provider};
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::time::Millis;

/// A page waits for this long.
const LIFETIME: Millis = 60 * 60 * 1000;
/// Bytes of a parameter that is carried through.
const MOST: usize = 2048;

/// The parameters of a request as they came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub scope: Option<String>,
    pub login_hint: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
}

/// A request that can be decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authorization {
    pub provider: String,
    pub client_id: String,
    pub redirect_uri: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub scope: Option<String>,
    pub code_challenge: Option<String>,
    pub login_hint: Option<String>,
}

/// What a page offers.
#[derive(Clone)]
pub struct Offer {
    pub environment: Arc<Environment>,
    /// Lets the page decide once.
    pub ticket: String,
    pub authorization: Authorization,
    pub known: Vec<Chosen>,
}

/// How a request began.
#[derive(Clone)]
pub enum Begun {
    Offer(Offer),
    /// Where the browser takes the refusal.
    Refused(Url),
}

/// What a person decided.
#[derive(Debug, Clone)]
pub enum Decision {
    Be(Chosen),
    Decline,
}

/// Checks a request and makes the ticket of its page.
///
/// # Errors
/// 400, for a page, when it cannot be told whom or where to answer: client or redirect URI are no good.
pub async fn begin(backend: &Arc<Backend>, visit: &Visit, provider: Provider, asked: Asked) -> Result<Begun> {
    let client_id = asked.client_id.as_deref().ok_or_else(|| unusable("The address names no client: client_id is missing"))?;
    let environment = backend.simulator_environment(provider, client_id).await?;
    let redirect_uri = asked.redirect_uri.as_deref().ok_or_else(|| unusable("redirect_uri is missing"))?;
    let redirect = redirects::check(&environment.auth_config(), environment.project(), visit, Parameter::RedirectUri, redirect_uri)?;
    if let Some((error, description)) = objection(&asked) {
        let parameters = [("error", error), ("error_description", description)];
        return Ok(Begun::Refused(answer(&redirect, &parameters, asked.state.as_deref().filter(|state| state.len() <= MOST))));
    }
    let authorization = Authorization {
        provider: provider.name().to_owned(),
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        state: asked.state,
        nonce: asked.nonce,
        scope: asked.scope,
        code_challenge: asked.code_challenge,
        login_hint: asked.login_hint,
    };
    let Value::Object(payload) = serde_json::to_value(&authorization).map_err(Error::internal)? else { return Err(Error::internal("a request is an object")) };
    let this = Arc::clone(&environment);
    let (ticket, known) = environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let id = new_id();
            let new = New { purpose: Purpose::SimulatorTicket, address: &id, user_id: None, payload, lifetime: LIFETIME };
            Ok((one_time::issue(tx, this.now(), new)?, identities::known(&tx.reader(), provider)?))
        })
        .await?;
    Ok(Begun::Offer(Offer { environment, ticket, authorization, known }))
}

/// What is wrong with a request that can be answered.
fn objection(asked: &Asked) -> Option<(&'static str, &'static str)> {
    if asked.response_type.as_deref() != Some("code") {
        return Some(("unsupported_response_type", "response_type must be code"));
    }
    let carried = [&asked.state, &asked.nonce, &asked.scope, &asked.login_hint];
    if carried.into_iter().flatten().any(|value| value.len() > MOST) {
        return Some(("invalid_request", "state, nonce, scope and login_hint have at most 2048 bytes each"));
    }
    match (asked.code_challenge.as_deref(), asked.code_challenge_method.as_deref()) {
        (None, None) => None,
        (Some(challenge), Some("S256")) if is_challenge(challenge) => None,
        _ => Some(("invalid_request", "code_challenge must be 43 characters of base64url, with code_challenge_method=S256")),
    }
}

/// Whether a text is the digest that S256 makes (RFC 7636 §4.2).
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn answer(redirect: &Url, parameters: &[(&str, &str)], state: Option<&str>) -> Url {
    let parameters: Vec<(&str, &str)> = parameters.iter().copied().chain(state.map(|state| ("state", state))).collect();
    with_parameters(redirect, &parameters)
}

fn gone() -> Error {
    unusable("This page was answered already, or has waited too long; go back to the app and sign in again")
}

fn offered(found: OneTime, provider: Provider) -> Result<(String, Authorization)> {
    if found.state != State::Live {
        return Err(gone());
    }
    let authorization: Authorization = serde_json::from_value(Value::Object(found.payload)).map_err(Error::internal)?;
    if authorization.provider == provider.name() { Ok((found.id, authorization)) } else { Err(gone()) }
}

/// The page of a ticket again, which stays good: what was typed on it could not be used.
///
/// # Errors
/// 400 when the ticket was used, has expired or is none.
pub async fn waiting(backend: &Arc<Backend>, provider: Provider, ticket: &str) -> Result<Offer> {
    let environment = backend.environment_of_secret(Purpose::SimulatorTicket, ticket).await?.ok_or_else(gone)?;
    let (now, text) = (environment.now(), ticket.to_owned());
    let (found, known) = environment
        .data()
        .read::<_, Error, _>(move |r| Ok((one_time::look_up(r, now, Purpose::SimulatorTicket, &text)?, identities::known(r, provider)?)))
        .await?;
    let (_, authorization) = offered(found.ok_or_else(gone)?, provider)?;
    Ok(Offer { environment, ticket: ticket.to_owned(), authorization, known })
}

/// Where a decision leads, and in which environment it was made.
pub struct Decided {
    pub environment: Arc<Environment>,
    pub location: Url,
}

/// Decides once: the ticket is used up, and the browser goes back with a code or `access_denied`.
///
/// # Errors
/// As [`waiting`]; 400 `auth/oauth-not-configured` when the provider is not simulated any more.
pub async fn decide(backend: &Arc<Backend>, provider: Provider, ticket: &str, decision: Decision) -> Result<Decided> {
    let environment = backend.environment_of_secret(Purpose::SimulatorTicket, ticket).await?.ok_or_else(gone)?;
    if provider.mode(&environment, backend.options().loopback_only)? == Mode::Real {
        return Err(gone());
    }
    let (this, text) = (Arc::clone(&environment), ticket.to_owned());
    let location = environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let found = one_time::look_up(&tx.reader(), this.now(), Purpose::SimulatorTicket, &text)?;
            let (id, authorization) = offered(found.ok_or_else(gone)?, provider)?;
            one_time::use_up(tx, &id)?;
            let redirect = Url::parse(&authorization.redirect_uri).map_err(Error::internal)?;
            let state = authorization.state.clone();
            let Decision::Be(chosen) = decision else {
                let parameters = [("error", "access_denied"), ("error_description", "The person declined to sign in")];
                return Ok(answer(&redirect, &parameters, state.as_deref()));
            };
            identities::remember(tx, &this, provider, &chosen)?;
            let code = issue_code(tx, &this, &authorization.granted_to(chosen))?;
            Ok(answer(&redirect, &[("code", &code)], state.as_deref()))
        })
        .await?;
    Ok(Decided { environment, location })
}

impl Authorization {
    fn granted_to(self, identity: Chosen) -> Grant {
        Grant {
            provider: self.provider,
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            nonce: self.nonce,
            scope: self.scope,
            code_challenge: self.code_challenge,
            identity,
        }
    }
}
