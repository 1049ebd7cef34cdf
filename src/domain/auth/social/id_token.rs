//! ID tokens (OpenID Connect Core §2): RS256 only, checked before anything in them is believed.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Deserializer, Serialize};

use super::identity::{Identity, Told};
use super::{Provider, invalid_code};
use crate::domain::error::Result;
use crate::domain::time::Millis;

/// Milliseconds that the clock of whoever issued a token may be ahead of ours.
const AHEAD: Millis = 60_000;

/// What an ID token says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    #[serde(deserialize_with = "only_one")]
    pub aud: String,
    pub sub: String,
    pub iat: i64,
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// What a token has to be.
pub struct Expected<'a> {
    pub issuer: &'a (dyn Fn(&str) -> bool + Sync),
    pub audiences: &'a [&'a str],
    pub nonce: Option<&'a str>,
    pub now: Millis,
}

/// The claims of a token, if everything about it is right.
///
/// # Errors
/// 401 `auth/invalid-oauth-code`.
pub fn verify(token: &str, key: &DecodingKey, expected: &Expected<'_>) -> Result<Claims> {
    let mut validation = Validation::new(Algorithm::RS256);
    // All of these are looked at below, by the environment's own clock.
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|error| refused("is damaged").because(error))?.claims;
    if !(expected.issuer)(&claims.iss) {
        return Err(refused("comes from another issuer"));
    }
    if !expected.audiences.contains(&claims.aud.as_str()) {
        return Err(refused("was made for another client id"));
    }
    if claims.exp.saturating_mul(1000) <= expected.now || claims.iat.saturating_mul(1000) > expected.now + AHEAD {
        return Err(refused("has expired, or is not valid yet"));
    }
    if expected.nonce.is_some_and(|nonce| claims.nonce.as_deref() != Some(nonce)) {
        return Err(refused("has another nonce"));
    }
    Ok(claims)
}

/// 401 `auth/invalid-oauth-code` about an ID token.
pub fn refused(why: &str) -> crate::domain::error::Error {
    invalid_code(format!("The ID token {why}; sign in at the provider again"))
}

impl Claims {
    pub fn identity(self) -> Result<Identity> {
        let verified = self.email_verified.unwrap_or_default();
        let told = Told { account_id: self.sub, email: self.email, email_verified: verified, name: self.name, image: self.picture };
        Identity::of(Provider::Google, told)
    }
}

/// An audience: one, also when it stands in a list.
fn only_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many([String; 1]),
    }
    Audience::deserialize(deserializer).map(|audience| match audience {
        Audience::One(one) | Audience::Many([one]) => one,
    })
}

/// A truth value, also as text.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Is(bool),
        Says(String),
    }
    Ok(Option::<Flag>::deserialize(deserializer)?.map(|flag| match flag {
        Flag::Is(value) => value,
        Flag::Says(text) => text == "true",
    }))
}
