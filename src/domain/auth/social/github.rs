//! The real GitHub: a code becomes a token, the token shows profile and addresses.

use serde::Deserialize;

use super::exchange::{Code, refusal};
use super::identity::{Told, nonsense};
use super::outside::Request;
use super::{Identity, Provider, Social};
use crate::domain::auth::config::ProviderSettings;
use crate::domain::auth::secret::Secret;
use crate::domain::error::Result;

const GITHUB: Provider = Provider::GitHub;

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Exchanges a code.
pub(super) async fn by_code(social: &Social, settings: &ProviderSettings, code: &Code) -> Result<Identity> {
    let (client_id, secret) = settings.credentials()?;
    let mut form = vec![
        ("code", Secret::new(&code.code)),
        ("redirect_uri", Secret::new(&code.redirect_uri)),
        ("client_id", Secret::new(client_id)),
        ("client_secret", secret.clone()),
    ];
    form.extend(code.verifier.as_ref().map(|verifier| ("code_verifier", Secret::new(verifier))));
    let endpoints = social.endpoints();
    let answer = social.ask(GITHUB, Request::post(&endpoints.github_token, form)).await?;
    // GitHub refuses with 200 and an error inside.
    let tokens: Tokens = answer.json(GITHUB)?;
    if answer.status != 200 || tokens.error.is_some() {
        return Err(refusal(GITHUB, tokens.error.as_deref()));
    }
    let token = tokens.access_token.ok_or_else(|| nonsense(GITHUB).because("no access_token"))?;
    let answer = social.ask(GITHUB, Request::with_token(&endpoints.github_user, &token)).await?;
    if answer.status != 200 {
        return Err(nonsense(GITHUB).because(format!("the profile: status {}", answer.status)));
    }
    let user: User = answer.json(GITHUB)?;
    let address = primary_address(social, &token).await?;
    let (email, email_verified) = address.map_or((None, false), |a| (Some(a.email), a.verified));
    let name = user.name.filter(|name| !name.trim().is_empty()).or_else(|| email.is_none().then_some(user.login));
    Identity::of(GITHUB, Told { account_id: user.id.to_string(), email, email_verified, name, image: user.avatar_url })
}

/// `None` when the token may not see addresses: that is up to the scopes.
async fn primary_address(social: &Social, token: &str) -> Result<Option<Address>> {
    let answer = social.ask(GITHUB, Request::with_token(&social.endpoints().github_emails, token)).await?;
    if matches!(answer.status, 403 | 404) {
        return Ok(None);
    }
    if answer.status != 200 {
        return Err(nonsense(GITHUB).because(format!("the addresses: status {}", answer.status)));
    }
    let addresses: Vec<Address> = answer.json(GITHUB)?;
    Ok(addresses.into_iter().find(|address| address.primary))
}
