//! Starting: the address at the provider that a browser is sent to (`03-auth.md` §6, "Starting").

use std::sync::Arc;

use url::Url;

use super::state::{self, Started};
use super::{Mode, Provider, callback_uri};
use crate::domain::auth::{Visit, simulator};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};

/// What an app asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where it wants its tokens; checked.
    pub redirect: Url,
    pub state: Option<String>,
    /// Tokens in the fragment instead of the query.
    pub fragment: bool,
}

/// The address at the provider, with a state of ours, PKCE and for Google a nonce.
///
/// # Errors
/// 400 `auth/oauth-not-configured`.
pub async fn url(environment: &Arc<Environment>, visit: &Visit, provider: Provider, wish: Wish) -> Result<Url> {
    let mode = provider.mode(environment, visit.loopback_only)?;
    let config = environment.auth_config();
    let settings = provider.settings(&config);
    let (address, client_id) = match mode {
        Mode::Real => {
            let endpoints = environment.social().endpoints();
            let address = if provider == Provider::Google { &endpoints.google_authorize } else { &endpoints.github_authorize };
            (address.clone(), settings.credentials()?.0.to_owned())
        }
        Mode::Simulator => (format!("{}{}", visit.base_url, simulator::authorize_path(provider)), simulator::client_id_of(environment)),
    };
    let started = Started {
        provider: provider.name().to_owned(),
        redirect: wish.redirect.into(),
        redirect_uri: callback_uri(environment, visit, provider),
        state: wish.state,
        fragment: wish.fragment,
    };
    let (this, kept) = (Arc::clone(environment), started.clone());
    let token = environment.data().write::<_, Error, _>(move |tx| state::issue(tx, &this, &kept)).await?;
    let mut url = Url::parse(&address).map_err(Error::internal)?;
    url.query_pairs_mut()
        .append_pair("client_id", &client_id)
        .append_pair("redirect_uri", &started.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", &settings.scopes.join(" "))
        .append_pair("state", &token)
        .append_pair("code_challenge", &state::challenge(&state::verifier(environment, &token)))
        .append_pair("code_challenge_method", "S256");
    if provider == Provider::Google {
        url.query_pairs_mut().append_pair("nonce", &state::nonce(environment, &token));
    }
    Ok(url)
}
