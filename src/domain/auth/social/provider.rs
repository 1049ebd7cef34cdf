//! The providers, and whether the real one or its stand-in is meant.

use crate::domain::auth::Visit;
use crate::domain::auth::administration::own_callback;
use crate::domain::auth::config::{AuthConfig, ProviderMode, ProviderSettings};
use crate::domain::auth::secret::Secret;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    Google,
    GitHub,
}

/// Whom the routes of a provider talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Real,
    Simulator,
}

impl Provider {
    /// # Errors
    /// 400 `auth/unsupported-provider`.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "google" => Ok(Self::Google),
            "github" => Ok(Self::GitHub),
            other => Err(Error::new(Code::UNSUPPORTED_PROVIDER, format!("The provider must be google or github, not \"{}\"", clip(other)))),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::GitHub => "github",
        }
    }

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::GitHub => "GitHub",
        }
    }

    pub fn settings(self, config: &AuthConfig) -> &ProviderSettings {
        match self {
            Self::Google => &config.oauth.google,
            Self::GitHub => &config.oauth.github,
        }
    }

    /// Whom this provider's routes talk to in an environment.
    ///
    /// # Errors
    /// 400 `auth/oauth-not-configured` when it is switched off, or a simulator that may not run.
    pub fn mode(self, environment: &Environment, loopback_only: bool) -> Result<Mode> {
        let config = environment.auth_config();
        let settings = self.settings(&config);
        if !settings.enabled {
            return Err(not_configured(format!("Signing in with {} is switched off in this environment", self.title())));
        }
        let complete = settings.client_id.is_some() && settings.client_secret.is_some();
        match settings.mode {
            ProviderMode::Real => Ok(Mode::Real),
            ProviderMode::Auto if complete => Ok(Mode::Real),
            ProviderMode::Simulator => Ok(Mode::Simulator),
            ProviderMode::Auto if loopback_only => Ok(Mode::Simulator),
            ProviderMode::Auto => {
                let message =
                    format!("Set clientId and clientSecret of {}, or its mode to simulator: this server does not listen on loopback only", self.title());
                Err(not_configured(message))
            }
        }
    }
}

impl ProviderSettings {
    /// Client id and secret at the real provider.
    ///
    /// # Errors
    /// 400 `auth/oauth-not-configured`.
    pub(super) fn credentials(&self) -> Result<(&str, &Secret)> {
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => Ok((id, secret)),
            _ => Err(not_configured("This provider is set to real, but has no clientId or clientSecret in this environment")),
        }
    }

    /// The ids that an ID token may be made for.
    ///
    /// # Errors
    /// 400 `auth/oauth-not-configured` without a client id.
    pub(super) fn audiences(&self) -> Result<Vec<&str>> {
        let id = self.client_id.as_deref().ok_or_else(|| not_configured("This provider is set to real, but has no clientId in this environment"))?;
        Ok(std::iter::once(id).chain(self.additional_client_ids.iter().map(String::as_str)).collect())
    }
}

/// Where a provider sends the browser back to: what is configured, else this server's own route.
pub fn callback_uri(environment: &Environment, visit: &Visit, provider: Provider) -> String {
    let config = environment.auth_config();
    let configured = provider.settings(&config).redirect_uri.clone();
    configured.unwrap_or_else(|| own_callback(&visit.base_url, provider.name()))
}

fn not_configured(message: impl Into<String>) -> Error {
    Error::new(Code::OAUTH_NOT_CONFIGURED, message)
}
