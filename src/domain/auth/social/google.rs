//! The real Google: codes and ID tokens (OpenID Connect Core §3.1.3).

use serde::Deserialize;

use super::exchange::{Code, refusal};
use super::id_token::{self, Expected};
use super::outside::Request;
use super::{Identity, Provider, Social};
use crate::domain::auth::config::ProviderSettings;
use crate::domain::auth::secret::Secret;
use crate::domain::error::Result;
use crate::domain::time::Millis;

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    error: Option<String>,
}

/// Exchanges a code.
pub(super) async fn by_code(social: &Social, settings: &ProviderSettings, code: &Code, nonce: Option<&str>, now: Millis) -> Result<Identity> {
    let (client_id, secret) = settings.credentials()?;
    let mut form = vec![
        ("grant_type", Secret::new("authorization_code")),
        ("code", Secret::new(&code.code)),
        ("redirect_uri", Secret::new(&code.redirect_uri)),
        ("client_id", Secret::new(client_id)),
        ("client_secret", secret.clone()),
    ];
    form.extend(code.verifier.as_ref().map(|verifier| ("code_verifier", Secret::new(verifier))));
    let answer = social.ask(Provider::Google, Request::post(&social.endpoints().google_token, form)).await?;
    let tokens: Tokens = answer.json(Provider::Google)?;
    if answer.status != 200 || tokens.error.is_some() {
        return Err(refusal(Provider::Google, tokens.error.as_deref()));
    }
    let token = tokens.id_token.ok_or_else(|| super::identity::nonsense(Provider::Google).because("no id_token; the scopes need openid"))?;
    // The one the code was asked for by, and no other.
    by_id_token_for(social, &[client_id], &token, nonce, now).await
}

/// Takes an ID token that an app has got by itself.
pub(super) async fn by_id_token(social: &Social, settings: &ProviderSettings, token: &str, nonce: Option<&str>, now: Millis) -> Result<Identity> {
    by_id_token_for(social, &settings.audiences()?, token, nonce, now).await
}

async fn by_id_token_for(social: &Social, audiences: &[&str], token: &str, nonce: Option<&str>, now: Millis) -> Result<Identity> {
    let key = social.google_key(token, now).await?;
    let issuer = |iss: &str| matches!(iss, "accounts.google.com" | "https://accounts.google.com");
    id_token::verify(token, &key, &Expected { issuer: &issuer, audiences, nonce, now })?.identity()
}
