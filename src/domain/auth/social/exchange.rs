//! What somebody brings back from a provider, made into an identity: by the real provider, or by the stand-in.

use std::sync::Arc;

use super::{Identity, Mode, Provider, github, google, invalid_code};
use crate::domain::auth::{Visit, simulator};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result, clip};

/// An authorization code, with what it was bound to.
#[derive(Debug, Clone)]
pub struct Code {
    pub code: String,
    pub redirect_uri: String,
    pub verifier: Option<String>,
}

/// What was brought.
#[derive(Debug, Clone)]
pub enum Credential {
    Code(Code),
    /// Of Google only.
    IdToken(String),
}

/// A credential, and the nonce its ID token must have.
#[derive(Debug, Clone)]
pub struct Proof {
    pub credential: Credential,
    pub nonce: Option<String>,
}

/// Whose credential it is.
///
/// # Errors
/// 400 `auth/oauth-not-configured`; 401 `auth/invalid-oauth-code`; 500 `auth/oauth-callback-failed`.
pub async fn prove(environment: &Arc<Environment>, visit: &Visit, provider: Provider, proof: Proof) -> Result<Identity> {
    let Proof { credential, nonce } = proof;
    if provider.mode(environment, visit.loopback_only)? == Mode::Simulator {
        return simulator::prove(environment, provider, credential, nonce).await;
    }
    let (config, social, now) = (environment.auth_config(), environment.social(), environment.now());
    let settings = provider.settings(&config);
    let exchange = async {
        match (provider, &credential) {
            (Provider::Google, Credential::Code(code)) => google::by_code(social, settings, code, nonce.as_deref(), now).await,
            (Provider::Google, Credential::IdToken(token)) => google::by_id_token(social, settings, token, nonce.as_deref(), now).await,
            (Provider::GitHub, Credential::Code(code)) => github::by_code(social, settings, code).await,
            (Provider::GitHub, Credential::IdToken(_)) => Err(Error::invalid_parameter("idToken", "GitHub has no ID tokens; send code and redirectUri")),
        }
    };
    social.within_limit(provider, exchange).await
}

/// 401 `auth/invalid-oauth-code` with the provider's own word for it.
pub(super) fn refusal(provider: Provider, said: Option<&str>) -> Error {
    let said = said.unwrap_or("no reason given");
    invalid_code(format!("{} refuses the code ({}); it works once, soon, and with the redirectUri it was made for", provider.title(), clip(said)))
}
