//! What is issued: authorization codes, access tokens (JWT, RFC 9068) and refresh tokens, and how long each lives.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::error::{Error, Result};
use crate::domain::id::random_hex;
use crate::domain::time::{self, Millis};
use crate::store::control::OauthGrantRow;

pub const CODE_LIFETIME: Millis = 10 * 60 * 1000;
pub const REFRESH_LIFETIME: Millis = 30 * 24 * 60 * 60 * 1000;
/// Seconds.
pub const ACCESS_SECONDS: i64 = 3_600;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// Id of the tenant.
    pub sub: String,
    #[serde(rename = "client_id")]
    pub client_id: String,
    pub organization_id: String,
    pub scope: String,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    pub grant_id: String,
}

/// Why an access token is not one that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadToken {
    Expired,
    Foreign,
}

/// Keys of the authorization server, all derived from the server's secret.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    codes: [u8; 32],
}

impl Keys {
    pub fn new(server_secret: &[u8; 32]) -> Self {
        let signing = mac(server_secret, &[b"oauth access tokens"]);
        Self { encoding: EncodingKey::from_secret(&signing), decoding: DecodingKey::from_secret(&signing), codes: mac(server_secret, &[b"oauth codes"]) }
    }

    /// The code of an approved request: always the same one, so that it need not be kept to be shown again.
    pub fn code(&self, request_id: &str, tenant_id: &str) -> String {
        hex::encode(mac(&self.codes, &[request_id.as_bytes(), tenant_id.as_bytes()]))
    }

    /// Signs an access token of a grant. `base` is the address of the server as the client knows it.
    pub fn sign(&self, grant: &OauthGrantRow, scope: &str, base: &str) -> Result<String> {
        let now = time::now().div_euclid(1000);
        let claims = Claims {
            iss: format!("{base}/mcp"),
            aud: grant.resource.clone(),
            sub: grant.tenant_id.clone(),
            client_id: grant.client_id.clone(),
            organization_id: grant.organization_id.clone(),
            scope: scope.to_owned(),
            iat: now,
            exp: now + ACCESS_SECONDS,
            jti: random_hex(16),
            grant_id: grant.id.clone(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(Error::internal)
    }

    /// What a token of this server's own signing says; its audience is for the caller to check.
    pub fn verify(&self, token: &str, mind_expiry: bool) -> std::result::Result<Claims, BadToken> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_exp = mind_expiry;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation);
        decoded.map(|token| token.claims).map_err(|error| if *error.kind() == ErrorKind::ExpiredSignature { BadToken::Expired } else { BadToken::Foreign })
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
        mac.update(b"\0");
    }
    mac.finalize().into_bytes().into()
}

/// A new refresh token: 32 random bytes.
pub fn new_refresh_token() -> String {
    format!("rt_{}", random_hex(32))
}

/// Whether a verifier belongs to a challenge of method S256 (RFC 7636 §4.6); compared in constant time.
pub fn verifies(verifier: &str, challenge: &str) -> bool {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    bool::from(digest.as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_the_standard_verifies() {
        assert!(verifies("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!verifies("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
    }

    #[test]
    fn keys_differ_by_server_and_purpose() {
        let (a, b) = (Keys::new(&[1; 32]), Keys::new(&[2; 32]));
        assert_ne!(a.code("r", "t"), b.code("r", "t"));
        assert_ne!(a.code("r", "t"), a.code("rt", ""));
        assert_eq!(a.code("r", "t"), a.code("r", "t"));
    }
}
