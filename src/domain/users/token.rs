//! Access tokens of end users (JWT, RFC 7519; HS256) and the checks every request with one makes (`03-auth.md` §2).

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::{id, time};

const ISSUER: &str = "bkend-local";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
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
    /// `refresh` in refresh tokens, which are never accepted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
}

/// The keys an environment signs and verifies with, and what its tokens must say.
pub struct TokenKeys {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    audience: String,
}

impl TokenKeys {
    /// HS256 with a 32-byte secret of the environment's own.
    pub fn new(secret: &[u8; 32], kid: &str, project_id: &str, environment: &str) -> Self {
        let audience = format!("{project_id}:{environment}");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_audience(&[&audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self { kid: kid.to_owned(), encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation, audience }
    }
}

/// Signs an access token for a session.
pub fn sign(environment: &Environment, user_id: &str, session_id: &str, role: &str, seconds: i64) -> Result<String> {
    let keys = environment.token_keys();
    let now = time::now().div_euclid(1000);
    let claims = Claims {
        sub: user_id.to_owned(),
        sid: session_id.to_owned(),
        jti: id::random_hex(16),
        env: environment.name().to_owned(),
        project: environment.project().id.clone(),
        role: role.to_owned(),
        iat: now,
        exp: now + seconds,
        iss: ISSUER.to_owned(),
        aud: keys.audience.clone(),
        typ: None,
    };
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(keys.kid.clone());
    jsonwebtoken::encode(&header, &claims, &keys.encoding).map_err(Error::internal)
}

/// Who a token stands for now: role, ban and session state come from the store, never from the token.
///
/// # Errors
/// 401 `auth/invalid-token`, `auth/token-expired`, `auth/session-expired`; 403 `auth/account-banned`.
pub async fn verify(environment: &Environment, token: &str) -> Result<Arc<EndUser>> {
    let keys = environment.token_keys();
    let claims = jsonwebtoken::decode::<Claims>(token, &keys.decoding, &keys.validation).map_err(|error| refusal(error.kind()))?.claims;
    if claims.typ.is_some() || claims.env != environment.name() {
        return Err(invalid());
    }
    let sid = claims.sid.clone();
    let state = environment.data().read::<_, Error, _>(move |r| Ok(r.session_state(&sid)?)).await?;
    let Some(state) = state.filter(|s| s.user_id == claims.sub) else {
        return Err(Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"));
    };
    if state.banned && state.banned_until.is_none_or(|until| until > time::now()) {
        return Err(Error::new(Code::ACCOUNT_BANNED, "This account is banned"));
    }
    Ok(Arc::new(EndUser { role: environment.effective_role(&state.role), id: state.user_id, session_id: claims.sid, token_expires_at: claims.exp }))
}

fn refusal(kind: &ErrorKind) -> Error {
    match kind {
        ErrorKind::ExpiredSignature => Error::new(Code::TOKEN_EXPIRED, "The access token has expired; refresh it"),
        _ => invalid(),
    }
}

fn invalid() -> Error {
    Error::new(Code::INVALID_TOKEN, "The access token is not one of this environment; sign in again with the same API key")
}
