//! Access and refresh tokens of end users (JWT, RFC 7519), and the checks every request with an access token makes
//! (`03-auth.md` §2).

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id;
use crate::domain::time::Millis;
use crate::store::StoreError;
use crate::store::data::{SessionRow, SessionState};

/// The time of last activity moves at most this often.
const TOUCH_INTERVAL: Millis = 60_000;

#[derive(Debug, Serialize, Deserialize)]
struct AccessClaims {
    sub: String,
    sid: String,
    jti: String,
    env: String,
    project: String,
    role: String,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
    /// Who acts as the user: impersonation only (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
    /// `refresh` in refresh tokens, which are never accepted here.
    #[serde(default, skip_serializing)]
    typ: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Actor {
    sub: String,
}

/// What a refresh token says; the same session and generation always give the same text.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshClaims {
    pub sub: String,
    pub sid: String,
    /// Generation.
    pub generation: i64,
    pub typ: String,
    env: String,
    project: String,
    iat: i64,
    pub exp: i64,
    iss: String,
    aud: String,
}

/// Signs an access token for a session.
pub fn access(environment: &Environment, session: &SessionRow, role: &str, seconds: i64) -> Result<String> {
    let keys = environment.keyring();
    let now = environment.now().div_euclid(1000);
    let claims = AccessClaims {
        sub: session.user_id.clone(),
        sid: session.id.clone(),
        jti: id::random_hex(16),
        env: environment.name().to_owned(),
        project: environment.project().id.clone(),
        role: role.to_owned(),
        iat: now,
        exp: now + seconds,
        iss: keys.issuer().to_owned(),
        aud: keys.audience().to_owned(),
        act: session.impersonated.then(|| Actor { sub: "admin".to_owned() }),
        typ: None,
    };
    keys.sign("", &claims)
}

/// The newest refresh token of a session, again.
pub fn refresh(environment: &Environment, session: &SessionRow) -> Result<String> {
    let keys = environment.keyring();
    let claims = RefreshClaims {
        sub: session.user_id.clone(),
        sid: session.id.clone(),
        generation: session.generation,
        typ: "refresh".to_owned(),
        env: environment.name().to_owned(),
        project: environment.project().id.clone(),
        iat: session.issued_at.div_euclid(1000),
        exp: session.refresh_expires_at.div_euclid(1000),
        iss: keys.issuer().to_owned(),
        aud: keys.audience().to_owned(),
    };
    keys.sign(&session.kid, &claims)
}

/// What a refresh token of this environment says, expired or not.
pub fn refresh_claims(environment: &Environment, token: &str) -> Option<RefreshClaims> {
    let claims: RefreshClaims = environment.keyring().verify(token, environment.now())?;
    (claims.typ == "refresh" && claims.env == environment.name()).then_some(claims)
}

/// Who a token stands for now: role, ban and session state come from the store, never from the token.
///
/// # Errors
/// 401 `auth/invalid-token`, `auth/token-expired`, `auth/session-expired`; 403 `auth/account-banned`.
pub async fn verify(environment: &Arc<Environment>, token: &str) -> Result<Arc<EndUser>> {
    let verified = access_token(environment, token).ok_or_else(invalid)?;
    let claims = &verified.claims;
    if claims.exp <= environment.now().div_euclid(1000) {
        return Err(expired());
    }
    let role = living(environment, &claims.sid, verified.state(environment).await?)?;
    Ok(Arc::new(EndUser { role: environment.effective_role(&role), id: claims.sub.clone(), session_id: claims.sid.clone(), token_expires_at: claims.exp }))
}

/// An access token whose signature was found good, and what the store last said of its user and session.
pub struct Verified {
    claims: AccessClaims,
    /// From when on its key verifies no more.
    until: Option<Millis>,
    /// Holds until the next commit, whatever that changes.
    state: Mutex<Option<(u64, Option<SessionState>)>>,
}

impl Verified {
    async fn state(&self, environment: &Environment) -> Result<Option<SessionState>> {
        let commits = environment.data().commits();
        if let Some((_, state)) = self.state.lock().as_ref().filter(|(read_at, _)| *read_at == commits) {
            return Ok(state.clone());
        }
        let (sub, sid) = (self.claims.sub.clone(), self.claims.sid.clone());
        let state = environment.data().read::<_, Error, _>(move |r| Ok(r.session_state(&sub, &sid)?)).await?;
        *self.state.lock() = Some((commits, state.clone()));
        Ok(state)
    }
}

/// The user and session of a token that has expired but is otherwise good.
pub fn expired_owner(environment: &Environment, token: &str) -> Option<(String, String)> {
    let claims = &access_token(environment, token)?.claims;
    (claims.exp <= environment.now().div_euclid(1000)).then(|| (claims.sub.clone(), claims.sid.clone()))
}

/// Checks a signature once, and remembers the token for as long as the keys stay what they are.
fn access_token(environment: &Environment, token: &str) -> Option<Arc<Verified>> {
    let (keys, now) = (environment.keyring(), environment.now());
    if let Some(known) = keys.verified.get(token) {
        return known.until.is_none_or(|until| until > now).then_some(known);
    }
    let (claims, until): (AccessClaims, _) = keys.verify_with_end(token, now)?;
    if claims.typ.is_some() || claims.env != environment.name() {
        return None;
    }
    let verified = Arc::new(Verified { claims, until, state: Mutex::new(None) });
    keys.verified.insert(token.into(), Arc::clone(&verified));
    Some(verified)
}

/// The stored role, if user and session live.
fn living(environment: &Arc<Environment>, session_id: &str, state: Option<SessionState>) -> Result<String> {
    let ended = || Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again");
    let (state, now) = (state.ok_or_else(ended)?, environment.now());
    if is_banned(state.banned, state.banned_until, now) {
        return Err(banned());
    }
    let (active, ends) = state.session.ok_or_else(ended)?;
    if ends <= now {
        return Err(ended());
    }
    if now - active >= TOUCH_INTERVAL {
        touch(environment, session_id, now);
    }
    Ok(state.role)
}

/// Notes the use of a session, off the request's path.
fn touch(environment: &Arc<Environment>, session_id: &str, now: Millis) {
    let (data, id) = (Arc::clone(environment.data()), session_id.to_owned());
    tokio::spawn(async move {
        if let Err(error) = data.write::<_, StoreError, _>(move |tx| tx.touch_session(&id, now)).await {
            tracing::debug!(%error, "could not note the use of a session");
        }
    });
}

/// Whether a ban holds now.
pub fn is_banned(banned: bool, until: Option<Millis>, now: Millis) -> bool {
    banned && until.is_none_or(|until| until > now)
}

/// 403 `auth/account-banned`.
pub fn banned() -> Error {
    Error::new(Code::ACCOUNT_BANNED, "This account is banned")
}

/// 401 `auth/token-expired`.
pub fn expired() -> Error {
    Error::new(Code::TOKEN_EXPIRED, "The access token has expired; refresh it")
}

fn invalid() -> Error {
    Error::new(Code::INVALID_TOKEN, "The access token is not one of this environment; sign in again with the same API key")
}
