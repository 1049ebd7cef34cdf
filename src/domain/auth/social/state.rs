//! Our own `state`: what an authorization request was started for (RFC 6749 §10.12). PKCE verifier (RFC 7636) and nonce
//! follow from it and the server's secret, so that neither is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Provider;
use crate::domain::auth::one_time::{self, New, Purpose, State};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::time::Millis;
use crate::store::Tx;

const LIFETIME: Millis = 10 * 60 * 1000;

/// What was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    pub provider: String,
    /// Where the app wants its tokens.
    pub redirect: String,
    /// What the provider was told to return to.
    pub redirect_uri: String,
    /// The app's own state, which comes back to it.
    pub state: Option<String>,
    /// Whether the tokens go into the fragment instead of the query.
    pub fragment: bool,
}

/// A state that has just been used up.
#[derive(Debug, Clone)]
pub struct Taken {
    pub started: Started,
    pub verifier: String,
    pub nonce: String,
}

/// Issues a state; it exists nowhere else.
pub fn issue(tx: &mut Tx<'_>, environment: &Environment, started: &Started) -> Result<String> {
    let Value::Object(payload) = serde_json::to_value(started).map_err(Error::internal)? else { return Err(Error::internal("a state is an object")) };
    let id = new_id();
    one_time::issue(tx, environment.now(), New { purpose: Purpose::OAuthState, address: &id, user_id: None, payload, lifetime: LIFETIME })
}

/// Uses a state up; `None` when it is not one of this environment.
///
/// # Errors
/// 401 `auth/invalid-oauth-state` when it was used, has expired or is another provider's.
pub fn take(tx: &mut Tx<'_>, environment: &Environment, provider: Provider, token: &str) -> Result<Option<Taken>> {
    let Some(found) = one_time::look_up(&tx.reader(), environment.now(), Purpose::OAuthState, token)? else { return Ok(None) };
    let started: Started = serde_json::from_value(Value::Object(found.payload)).map_err(Error::internal)?;
    if found.state != State::Live || started.provider != provider.name() {
        return Err(invalid());
    }
    one_time::use_up(tx, &found.id)?;
    Ok(Some(Taken { started, verifier: verifier(environment, token), nonce: nonce(environment, token) }))
}

/// The PKCE verifier that belongs to a state: 43 characters (RFC 7636 §4.1).
pub fn verifier(environment: &Environment, token: &str) -> String {
    derived(environment, "oauth verifier", token)
}

/// The nonce that belongs to a state (OpenID Connect Core §3.1.2.1).
pub fn nonce(environment: &Environment, token: &str) -> String {
    derived(environment, "oauth nonce", token)
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub fn challenge(verifier: &str) -> String {
    BASE64_URL.encode(Sha256::digest(verifier.as_bytes()))
}

/// 401 `auth/invalid-oauth-state`.
pub fn invalid() -> Error {
    Error::new(Code::INVALID_OAUTH_STATE, "The state was used already, has expired or belongs to another provider; start again")
}

fn derived(environment: &Environment, what: &str, token: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(environment.server_secret()).expect("HMAC takes keys of any length");
    for part in [what, &token.to_ascii_lowercase()] {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    BASE64_URL.encode(mac.finalize().into_bytes())
}
