//! ID tokens of the stand-in for Google: made, published and taken back.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use url::Url;

use super::codes::Grant;
use super::{ISSUER_PATH, account_id, client};
use crate::domain::auth::social::{Claims, Expected, Identity, Provider, verify_id_token};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};

const SECONDS: i64 = 3600;

/// The keys that ID tokens verify under, for whoever wants to (RFC 7517 §5).
pub async fn public_keys(environment_social: &crate::domain::auth::social::Social) -> Result<Value> {
    Ok(json!({ "keys": [environment_social.simulator_key().get().await?.jwk] }))
}

/// Signs what was granted.
pub(super) async fn sign(environment: &Environment, base_url: &str, grant: &Grant) -> Result<String> {
    let key = environment.social().simulator_key().get().await?;
    let now = environment.now() / 1000;
    let chosen = &grant.identity;
    let (sees_email, sees_profile) = (grant.allows("email"), grant.allows("profile"));
    let claims = Claims {
        iss: format!("{base_url}{ISSUER_PATH}"),
        azp: Some(grant.client_id.clone()),
        aud: grant.client_id.clone(),
        sub: account_id(Provider::Google, &chosen.email),
        iat: now,
        exp: now + SECONDS,
        nonce: grant.nonce.clone(),
        email: sees_email.then(|| chosen.email.clone()),
        email_verified: sees_email.then_some(chosen.email_verified),
        name: sees_profile.then(|| chosen.name.clone()),
        picture: chosen.picture.clone().filter(|_| sees_profile),
    };
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(Error::internal)
}

/// Takes an ID token back from an app. The host of its issuer is not compared: a phone knows this server by another name.
///
/// # Errors
/// 401 `auth/invalid-oauth-code`.
pub(super) async fn take(environment: &Environment, token: &str, nonce: Option<&str>) -> Result<Identity> {
    let key = environment.social().simulator_key().get().await?;
    let own = client::client_id_of(environment);
    let config = environment.auth_config();
    let settings = Provider::Google.settings(&config);
    let further = settings.client_id.iter().chain(&settings.additional_client_ids).map(String::as_str);
    let audiences: Vec<&str> = std::iter::once(own.as_str()).chain(further).collect();
    let issuer = |iss: &str| Url::parse(iss).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.path().ends_with(ISSUER_PATH));
    verify_id_token(token, &key.decoding, &Expected { issuer: &issuer, audiences: &audiences, nonce, now: environment.now() })?.identity()
}
