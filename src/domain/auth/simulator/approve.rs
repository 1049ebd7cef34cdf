//! Agreeing in the place of a person, for tests without a browser.

use std::sync::Arc;

use super::codes::{Grant, issue_code};
use super::request::is_challenge;
use super::{Chosen, client_id_of, id_token, identities};
use crate::domain::auth::Visit;
use crate::domain::auth::one_time::{self, Purpose, State};
use crate::domain::auth::redirects::{self, Parameter, with_parameters};
use crate::domain::auth::social::{Mode, Provider, state};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};

/// Who agrees to what.
#[derive(Debug, Clone)]
pub struct Approval {
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub identity: Chosen,
}

/// What a browser or an app would have got.
#[derive(Debug, Clone)]
pub struct Approved {
    pub code: Option<String>,
    /// The redirect URI with code and state.
    pub redirect_to: Option<String>,
    pub id_token: Option<String>,
}

/// Makes a code for a redirect URI, and an ID token for Google.
///
/// # Errors
/// 400 `auth/oauth-not-configured` unless the provider is simulated here; `auth/invalid-url`, `common/invalid-parameters`.
pub async fn approve(environment: &Arc<Environment>, visit: &Visit, provider: Provider, approval: Approval) -> Result<Approved> {
    if provider.mode(environment, visit.loopback_only)? == Mode::Real {
        let message = format!("This environment uses the real {}, so nothing can be approved in its place", provider.title());
        return Err(Error::new(Code::OAUTH_NOT_CONFIGURED, message));
    }
    if approval.code_challenge.as_deref().is_some_and(|challenge| !is_challenge(challenge)) {
        return Err(Error::invalid_parameter("codeChallenge", "codeChallenge must be an S256 challenge: 43 characters of base64url"));
    }
    let check = |uri: &str| redirects::check(&environment.auth_config(), environment.project(), visit, Parameter::RedirectUri, uri);
    let redirect = approval.redirect_uri.as_deref().map(check).transpose()?;
    let mut grant = Grant {
        provider: provider.name().to_owned(),
        client_id: client_id_of(environment),
        redirect_uri: approval.redirect_uri.unwrap_or_default(),
        nonce: approval.nonce,
        scope: None,
        code_challenge: approval.code_challenge,
        identity: approval.identity,
    };
    if grant.nonce.is_none() {
        grant.nonce = nonce_of(environment, approval.state.clone()).await?;
    }
    let (this, kept, with_code) = (Arc::clone(environment), grant.clone(), redirect.is_some());
    let code = environment
        .data()
        .write::<_, Error, _>(move |tx| {
            identities::remember(tx, &this, provider, &kept.identity)?;
            with_code.then(|| issue_code(tx, &this, &kept)).transpose()
        })
        .await?;
    let redirect_to = redirect.zip(code.as_deref()).map(|(redirect, code)| {
        let parameters: Vec<(&str, &str)> = [("code", code)].into_iter().chain(approval.state.as_deref().map(|state| ("state", state))).collect();
        with_parameters(&redirect, &parameters).to_string()
    });
    let id_token = if provider == Provider::Google { Some(id_token::sign(environment, &visit.base_url, &grant).await?) } else { None };
    Ok(Approved { code, redirect_to, id_token })
}

/// The nonce that goes with a state of ours, which a browser would have brought along.
async fn nonce_of(environment: &Arc<Environment>, token: Option<String>) -> Result<Option<String>> {
    let Some(token) = token else { return Ok(None) };
    let (now, text) = (environment.now(), token.clone());
    let found = environment.data().read::<_, Error, _>(move |r| one_time::look_up(r, now, Purpose::OAuthState, &text)).await?;
    Ok(found.filter(|found| found.state == State::Live).map(|_| state::nonce(environment, &token)))
}
