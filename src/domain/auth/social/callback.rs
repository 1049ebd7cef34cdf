//! Finishing: what came back from a provider becomes a session (`03-auth.md` §6, "Finishing").

use std::sync::Arc;

use url::Url;

use super::exchange::{Code, Credential, Proof, prove};
use super::state::{self, Taken};
use super::{Provider, enter, invalid_code};
use crate::domain::auth::redirects::with_parameters;
use crate::domain::auth::throttle::Rule;
use crate::domain::auth::{TokenPair, Visit};
use crate::domain::environment::Environment;
use crate::domain::error::{Code as ErrorCode, Detail, Error, Result};

/// Longest values that are read, in bytes.
const LIMITS: [(&str, usize); 6] = [("code", 2048), ("idToken", 16_384), ("redirectUri", 2048), ("state", 2048), ("codeVerifier", 512), ("nonce", 512)];

/// What an app posts.
#[derive(Debug, Clone, Default)]
pub struct Posted {
    pub code: Option<String>,
    pub id_token: Option<String>,
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub code_verifier: Option<String>,
    pub nonce: Option<String>,
}

/// What was posted, checked as far as it can be without the provider.
#[derive(Debug, Clone)]
pub struct Brought {
    proof: Proof,
    state: Option<String>,
}

impl Posted {
    /// Takes `code` with the redirect URI it was made for, or an ID token; `default_redirect` stands in for a missing one.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters`.
    pub fn check(self, provider: Provider, default_redirect: Option<String>) -> Result<Brought> {
        let values = [&self.code, &self.id_token, &self.redirect_uri, &self.state, &self.code_verifier, &self.nonce];
        let too_long = LIMITS.iter().zip(values).filter(|((_, max), value)| value.as_ref().is_some_and(|v| v.len() > *max));
        let details: Vec<Detail> = too_long.map(|((field, max), _)| Detail::new(*field, "maxLength", format!("{field} has at most {max} bytes"))).collect();
        if !details.is_empty() {
            return Err(Error::with_details(ErrorCode::INVALID_PARAMETERS, details));
        }
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let id_token = given(self.id_token).filter(|_| provider == Provider::Google);
        let credential = match (given(self.code), id_token) {
            (Some(code), _) => {
                let redirect_uri = given(self.redirect_uri).or(default_redirect).ok_or_else(|| missing("redirectUri", "redirectUri is required with code"))?;
                Credential::Code(Code { code, redirect_uri, verifier: given(self.code_verifier) })
            }
            (None, Some(token)) => Credential::IdToken(token),
            (None, None) if provider == Provider::Google => return Err(missing("code", "code with redirectUri is required, or idToken")),
            (None, None) => return Err(missing("code", "code is required, with redirectUri")),
        };
        Ok(Brought { proof: Proof { credential, nonce: given(self.nonce) }, state: given(self.state) })
    }
}

fn missing(field: &str, message: &str) -> Error {
    Error::with_details(ErrorCode::INVALID_PARAMETERS, vec![Detail::new(field, "required", message)])
}

/// Uses up a state of ours that came along, and lets it supply verifier and nonce; any other is the app's business.
///
/// # Errors
/// 401 `auth/invalid-oauth-state`.
pub async fn with_state(environment: &Arc<Environment>, provider: Provider, brought: Brought) -> Result<Proof> {
    let Brought { mut proof, state } = brought;
    let Some(token) = state else { return Ok(proof) };
    if let Some(taken) = take(environment, provider, token).await? {
        apply(&mut proof, &taken);
    }
    Ok(proof)
}

async fn take(environment: &Arc<Environment>, provider: Provider, token: String) -> Result<Option<Taken>> {
    let this = Arc::clone(environment);
    environment.data().write::<_, Error, _>(move |tx| state::take(tx, &this, provider, &token)).await
}

fn apply(proof: &mut Proof, taken: &Taken) {
    proof.nonce = Some(taken.nonce.clone());
    if let Credential::Code(code) = &mut proof.credential {
        code.verifier = Some(taken.verifier.clone());
    }
}

/// Signs in with what an app posted.
///
/// # Errors
/// 400 `auth/oauth-not-configured`; 401 `auth/invalid-oauth-state`, `auth/invalid-oauth-code`; 409
/// `auth/account-exists-different-provider`; 403 as for passwords, `auth/signup-disabled`; 500 `auth/oauth-callback-failed`.
pub async fn finish(environment: &Arc<Environment>, visit: &Visit, provider: Provider, brought: Brought) -> Result<TokenPair> {
    environment.count_peer(Rule::Probe, visit)?;
    // Told before a state is used up for nothing.
    provider.mode(environment, visit.loopback_only)?;
    let proof = with_state(environment, provider, brought).await?;
    let identity = prove(environment, visit, provider, proof).await?;
    enter::enter(environment, visit, identity).await
}

/// What a browser brings back from a provider together with a state of ours.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    pub state: String,
    pub code: Option<String>,
    /// The provider's reason for not giving a code (RFC 6749 §4.1.2.1).
    pub error: Option<String>,
}

/// Signs in with what a browser brought, and says where to send it: to the app, with tokens or the reason why there are none.
///
/// # Errors
/// 401 `auth/invalid-oauth-state`: then nobody knows where to go.
pub async fn finish_in_browser(environment: &Arc<Environment>, visit: &Visit, provider: Provider, returned: Returned) -> Result<Url> {
    let token = returned.state.clone();
    let taken = take(environment, provider, token).await?.ok_or_else(state::invalid)?;
    let target = Url::parse(&taken.started.redirect).map_err(Error::internal)?;
    let mut parameters = match outcome(environment, visit, provider, returned, &taken).await {
        Ok(pair) => vec![
            ("accessToken", pair.access_token),
            ("refreshToken", pair.refresh_token.unwrap_or_default()),
            ("expiresIn", pair.expires_in.to_string()),
            ("isNewUser", pair.is_new_user.unwrap_or_default().to_string()),
        ],
        Err(Refused { code, message, mfa_token }) => {
            let mfa_token = mfa_token.map(|token| ("mfaToken", token));
            [("error", code), ("errorMessage", message)].into_iter().chain(mfa_token).collect()
        }
    };
    parameters.extend(taken.started.state.clone().map(|state| ("state", state)));
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(if taken.started.fragment { with_fragment(&target, &parameters) } else { with_parameters(&target, &parameters) })
}

/// Why a browser goes back without tokens.
struct Refused {
    code: String,
    message: String,
    mfa_token: Option<String>,
}

async fn outcome(
    environment: &Arc<Environment>,
    visit: &Visit,
    provider: Provider,
    returned: Returned,
    taken: &Taken,
) -> std::result::Result<TokenPair, Refused> {
    if returned.error.as_deref() == Some("access_denied") {
        return Err(Refused { code: "access_denied".to_owned(), message: format!("Signing in with {} was declined", provider.title()), mfa_token: None });
    }
    let result = match (returned.error, returned.code.filter(|code| !code.is_empty())) {
        (Some(error), _) => {
            Err(super::outside::failed(format!("{} did not sign the user in; it says {}", provider.title(), crate::domain::error::clip(&error))))
        }
        (None, None) => Err(invalid_code("The provider sent no code; sign in again")),
        (None, Some(code)) => {
            let code = Code { code, redirect_uri: taken.started.redirect_uri.clone(), verifier: None };
            let mut proof = Proof { credential: Credential::Code(code), nonce: None };
            apply(&mut proof, taken);
            sign_in(environment, visit, provider, proof).await
        }
    };
    result.map_err(|error| {
        if error.code().status >= 500 {
            tracing::error!(code = error.code().name, cause = error.cause().unwrap_or("-"), "{}", error.message());
        }
        let mfa_token = error.more().get("mfaToken").and_then(|token| token.as_str()).map(str::to_owned);
        Refused { code: error.code().name.to_owned(), message: error.message().to_owned(), mfa_token }
    })
}

async fn sign_in(environment: &Arc<Environment>, visit: &Visit, provider: Provider, proof: Proof) -> Result<TokenPair> {
    environment.count_peer(Rule::Probe, visit)?;
    let identity = prove(environment, visit, provider, proof).await?;
    enter::enter(environment, visit, identity).await
}

/// Parameters in the fragment, which browsers send to no server.
fn with_fragment(target: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut url = target.clone();
    url.set_fragment(Some(&url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()));
    url
}
