//! Codes and access tokens of the simulator: bound to client, redirect URI and challenge (RFC 6749 §4.1.3, RFC 7636 §4.6).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Chosen, account_id, id_token, login_of};
use crate::domain::auth::one_time::{self, New, Purpose, State};
use crate::domain::auth::social::state::challenge;
use crate::domain::auth::social::{AuthorizationCode, Credential, Identity, Provider, Told, invalid_code};
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::time::Millis;
use crate::store::Tx;

const MINUTE: Millis = 60_000;
const CODE_LIFETIME: Millis = 10 * MINUTE;
/// Seconds an access token lives.
const TOKEN_SECONDS: i64 = 3600;

/// What somebody agreed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    pub provider: String,
    pub client_id: String,
    pub redirect_uri: String,
    pub nonce: Option<String>,
    /// As it was asked for; absent: everything.
    pub scope: Option<String>,
    pub code_challenge: Option<String>,
    pub identity: Chosen,
}

impl Grant {
    /// Whether a scope was asked for. GitHub separates scopes by commas, too.
    pub fn allows(&self, scope: &str) -> bool {
        self.scope.as_ref().is_none_or(|asked| asked.split([' ', ',']).any(|one| one == scope))
    }

    /// Whether addresses may be seen at GitHub.
    pub fn allows_addresses(&self) -> bool {
        self.allows("user:email") || self.allows("user")
    }

    fn identity(&self, provider: Provider) -> Result<Identity> {
        let (sees_email, sees_profile) = match provider {
            Provider::Google => (self.allows("email"), self.allows("profile")),
            Provider::GitHub => (self.allows_addresses(), true),
        };
        let chosen = &self.identity;
        let login = (provider == Provider::GitHub && !sees_email).then(|| login_of(&chosen.email));
        let told = Told {
            account_id: account_id(provider, &chosen.email),
            email: sees_email.then(|| chosen.email.clone()),
            email_verified: sees_email && chosen.email_verified,
            name: sees_profile.then(|| chosen.name.clone()).or(login),
            image: chosen.picture.clone().filter(|_| sees_profile),
        };
        Identity::of(provider, told)
    }
}

/// Why a code is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown, used, expired, or another client's.
    Code,
    RedirectUri,
    Verifier,
}

impl Refusal {
    /// What to do about it.
    pub fn message(self) -> &'static str {
        match self {
            Self::Code => "The code is unknown, was used already, has expired or was made for another client; sign in again",
            Self::RedirectUri => "The redirect URI is not the one the code was made for; send exactly the same",
            Self::Verifier => "The code verifier does not fit the challenge the code was made with",
        }
    }
}

/// A grant in the form it is stored.
fn stored(grant: &Grant) -> Result<serde_json::Map<String, Value>> {
    match serde_json::to_value(grant).map_err(Error::internal)? {
        Value::Object(payload) => Ok(payload),
        _ => Err(Error::internal("a grant is an object")),
    }
}

fn issue(tx: &mut Tx<'_>, environment: &Environment, purpose: Purpose, grant: &Grant, lifetime: Millis) -> Result<String> {
    let id = new_id();
    one_time::issue(tx, environment.now(), New { purpose, address: &id, user_id: None, payload: stored(grant)?, lifetime })
}

/// Makes a code.
pub(super) fn issue_code(tx: &mut Tx<'_>, environment: &Environment, grant: &Grant) -> Result<String> {
    issue(tx, environment, Purpose::SimulatorCode, grant, CODE_LIFETIME)
}

/// Takes a code back, once; from `client` only, if that is given. A refused attempt leaves the code as it was.
fn redeem(
    tx: &mut Tx<'_>,
    environment: &Environment,
    provider: Provider,
    code: &AuthorizationCode,
    client: Option<&str>,
) -> Result<std::result::Result<Grant, Refusal>> {
    let found = one_time::look_up(&tx.reader(), environment.now(), Purpose::SimulatorCode, &code.code)?;
    let Some(found) = found.filter(|found| found.state == State::Live) else { return Ok(Err(Refusal::Code)) };
    let grant: Grant = serde_json::from_value(Value::Object(found.payload)).map_err(Error::internal)?;
    if grant.provider != provider.name() || client.is_some_and(|client| client != grant.client_id) {
        return Ok(Err(Refusal::Code));
    }
    if grant.redirect_uri != code.redirect_uri {
        return Ok(Err(Refusal::RedirectUri));
    }
    let fits = match (&grant.code_challenge, &code.verifier) {
        (None, _) => true,
        (Some(expected), Some(verifier)) => challenge(verifier) == *expected,
        (Some(_), None) => false,
    };
    if !fits {
        return Ok(Err(Refusal::Verifier));
    }
    one_time::use_up(tx, &found.id)?;
    Ok(Ok(grant))
}

/// Whose code or ID token it is.
///
/// # Errors
/// 401 `auth/invalid-oauth-code`.
pub async fn prove(environment: &Arc<Environment>, provider: Provider, credential: Credential, nonce: Option<String>) -> Result<Identity> {
    let code = match credential {
        Credential::IdToken(token) => return id_token::take(environment, &token, nonce.as_deref()).await,
        Credential::Code(code) => code,
    };
    let this = Arc::clone(environment);
    let grant = environment.data().write::<_, Error, _>(move |tx| redeem(tx, &this, provider, &code, None)).await?;
    let grant = grant.map_err(|refusal| invalid_code(refusal.message()))?;
    if provider == Provider::Google && nonce.is_some() && grant.nonce != nonce {
        return Err(invalid_code("The sign-in was started with another nonce; start again"));
    }
    grant.identity(provider)
}

/// What an app asks the token endpoint.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub client_id: String,
    pub code: AuthorizationCode,
    /// Base of the URLs handed out.
    pub base_url: String,
}

/// What it gets.
#[derive(Debug, Clone)]
pub struct Issued {
    pub access_token: String,
    pub expires_in: i64,
    pub scope: Option<String>,
    /// Of Google, when `openid` was asked for.
    pub id_token: Option<String>,
}

/// Exchanges a code for tokens of the simulator.
pub async fn exchange(environment: &Arc<Environment>, provider: Provider, request: TokenRequest) -> Result<std::result::Result<Issued, Refusal>> {
    let (this, client_id, code) = (Arc::clone(environment), request.client_id, request.code);
    let exchanged = environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let grant = match redeem(tx, &this, provider, &code, Some(&client_id))? {
                Ok(grant) => grant,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let token = issue(tx, &this, Purpose::SimulatorToken, &grant, TOKEN_SECONDS * 1000)?;
            Ok(Ok((grant, token)))
        })
        .await?;
    let (grant, access_token) = match exchanged {
        Ok(exchanged) => exchanged,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let has_id_token = provider == Provider::Google && grant.allows("openid");
    let id_token = if has_id_token { Some(id_token::sign(environment, &request.base_url, &grant).await?) } else { None };
    Ok(Ok(Issued { access_token, expires_in: TOKEN_SECONDS, scope: grant.scope, id_token }))
}

/// What the holder of an access token was granted; `None` when the token is none, or no longer.
pub async fn holder(backend: &Arc<Backend>, provider: Provider, token: &str) -> Result<Option<Grant>> {
    let Some(environment) = backend.environment_of_secret(Purpose::SimulatorToken, token).await? else { return Ok(None) };
    let (now, token) = (environment.now(), token.to_owned());
    let found = environment.data().read::<_, Error, _>(move |r| one_time::look_up(r, now, Purpose::SimulatorToken, &token)).await?;
    let Some(found) = found.filter(|found| found.state == State::Live) else { return Ok(None) };
    let grant: Grant = serde_json::from_value(Value::Object(found.payload)).map_err(Error::internal)?;
    Ok(Some(grant).filter(|grant| grant.provider == provider.name()))
}
