//! Looking at and changing the settings of authentication: for developers, and for secret keys as earlier documentation had
//! it (`03-auth.md` §14). Secrets go in and never come out.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::config::{
    AuthConfig, EmailSettings, InvitationSettings, ProviderMode, ProviderSettings, SmtpSecurity, SmtpSettings, TokenSettings, UrlSettings, UserSettings,
};
use super::secret::Secret;
use crate::domain::activities::Change;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::tenancy::version::{Expected, Versioned};
use crate::domain::wrong_type;
use crate::store::Tx;

/// Sections that [`Environment::change_auth_settings`] changes.
const SECTIONS: [&str; 6] = ["email", "tokens", "urls", "users", "invitations", "mail"];
pub const PROVIDERS: [&str; 2] = ["google", "github"];

/// All settings, without secrets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthSettings {
    pub email: EmailSettings,
    pub oauth: OAuthView,
    pub tokens: TokenSettings,
    pub urls: UrlSettings,
    pub users: UserSettings,
    pub invitations: InvitationSettings,
    pub mail: MailView,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OAuthView {
    pub google: ProviderView,
    pub github: ProviderView,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    /// `google` or `github`.
    pub provider: String,
    pub enabled: bool,
    pub mode: ProviderMode,
    pub client_id: Option<String>,
    pub client_secret_set: bool,
    pub additional_client_ids: Vec<String>,
    /// This server's `/v1/auth/{provider}/callback` unless set.
    pub redirect_uri: Option<String>,
    pub scopes: Vec<String>,
    pub auto_link_verified_email: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailView {
    pub sender_email: String,
    /// The project's name unless set.
    pub sender_name: String,
    pub logo_url: Option<String>,
    pub brand_color: String,
    /// Whether own texts are sent.
    pub override_defaults: bool,
    pub default_locale: String,
    /// Null: mail stays in the mailbox.
    pub smtp: Option<SmtpView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmtpView {
    pub host: String,
    pub port: u16,
    pub username: Option<String>,
    pub password_set: bool,
    pub security: SmtpSecurity,
}

impl ProviderView {
    fn of(provider: &str, settings: &ProviderSettings) -> Self {
        Self {
            provider: provider.to_owned(),
            enabled: settings.enabled,
            mode: settings.mode,
            client_id: settings.client_id.clone(),
            client_secret_set: settings.client_secret.is_some(),
            additional_client_ids: settings.additional_client_ids.clone(),
            redirect_uri: settings.redirect_uri.clone(),
            scopes: settings.scopes.clone(),
            auto_link_verified_email: settings.auto_link_verified_email,
        }
    }
}

impl ProviderView {
    /// Shows this server's own callback where no other is set. `base` is scheme and host, without a trailing slash.
    pub fn show_callback(&mut self, base: &str) {
        if self.redirect_uri.is_none() {
            self.redirect_uri = Some(own_callback(base, &self.provider));
        }
    }
}

pub(super) fn own_callback(base: &str, provider: &str) -> String {
    format!("{base}/v1/auth/{provider}/callback")
}

/// A form that sends back the callback it was shown sets none: it would outlive the address it is at.
pub fn without_own_callback(patch: &mut Map<String, Value>, base: &str, provider: &str) {
    if let Some(uri) = patch.get_mut("redirectUri")
        && uri.as_str() == Some(&own_callback(base, provider))
    {
        *uri = Value::Null;
    }
}

impl AuthSettings {
    /// As [`ProviderView::show_callback`], for each provider.
    pub fn show_callbacks(&mut self, base: &str) {
        self.oauth.google.show_callback(base);
        self.oauth.github.show_callback(base);
    }

    fn of(config: AuthConfig, project_name: &str) -> Self {
        let mut users = config.users;
        users.mfa_issuer.get_or_insert_with(|| project_name.to_owned());
        let smtp = |s: SmtpSettings| SmtpView { password_set: s.password.is_some(), host: s.host, port: s.port, username: s.username, security: s.security };
        Self {
            email: config.email,
            oauth: OAuthView { google: ProviderView::of("google", &config.oauth.google), github: ProviderView::of("github", &config.oauth.github) },
            tokens: config.tokens,
            urls: config.urls,
            users,
            invitations: config.invitations,
            mail: MailView {
                sender_email: config.mail.sender_email,
                sender_name: config.mail.sender_name.unwrap_or_else(|| project_name.to_owned()),
                logo_url: config.mail.logo_url,
                brand_color: config.mail.brand_color,
                override_defaults: config.mail.override_defaults,
                default_locale: config.mail.default_locale,
                smtp: config.mail.smtp.map(smtp),
            },
        }
    }
}

impl Environment {
    /// # Errors
    /// 403 `auth/forbidden` for callers who are neither developer nor secret key.
    pub fn auth_settings(&self, caller: &Caller) -> Result<Versioned<AuthSettings>> {
        allowed(caller)?;
        Versioned::of(AuthSettings::of(AuthConfig::clone(&self.auth_config()), &self.project().state().name))
    }

    /// Changes what the patch names (RFC 7396, section by section); the rest stays. A password that is absent stays as
    /// long as host and user do.
    ///
    /// # Errors
    /// As [`Environment::auth_settings`]; `common/invalid-parameters` naming every field; `management/version-conflict`.
    pub async fn change_auth_settings(
        self: &Arc<Self>,
        caller: &Caller,
        mut patch: Map<String, Value>,
        expected: &Expected,
    ) -> Result<Versioned<AuthSettings>> {
        patch.retain(|section, _| SECTIONS.contains(&section.as_str()));
        let sections: Vec<Value> = patch.keys().map(|section| section.clone().into()).collect();
        let metadata = Map::from_iter([("sections".to_owned(), Value::Array(sections))]);
        let (expected, project) = (expected.clone(), Arc::clone(self.project()));
        let change = move |config: &AuthConfig| {
            expected.check(&Versioned::of(AuthSettings::of(config.clone(), &project.state().name))?)?;
            patched(config, patch)
        };
        self.replace_auth_config(caller, ("environment", "updated", None, metadata), change).await?;
        self.auth_settings(caller)
    }

    /// The providers of social sign-in.
    ///
    /// # Errors
    /// As [`Environment::auth_settings`].
    pub fn auth_providers(&self, caller: &Caller) -> Result<Vec<ProviderView>> {
        let OAuthView { google, github } = self.auth_settings(caller)?.value.oauth;
        Ok(vec![google, github])
    }

    /// # Errors
    /// As [`Environment::auth_settings`]; 400 `auth/unsupported-provider`.
    pub fn auth_provider(&self, caller: &Caller, provider: &str) -> Result<Versioned<ProviderView>> {
        allowed(caller)?;
        let known = supported(provider)?;
        let found = self.auth_providers(caller)?.into_iter().find(|view| view.provider == known);
        Versioned::of(found.ok_or_else(|| Error::internal("a provider has no settings"))?)
    }

    /// Changes what is given; the rest stays, the secret too unless it is null.
    ///
    /// # Errors
    /// As [`Environment::auth_provider`]; `common/invalid-parameters`, `management/version-conflict`.
    pub async fn set_auth_provider(
        self: &Arc<Self>,
        caller: &Caller,
        provider: &str,
        patch: Map<String, Value>,
        expected: &Expected,
    ) -> Result<Versioned<ProviderView>> {
        allowed(caller)?;
        let (known, expected) = (supported(provider)?, expected.clone());
        let change = move |config: &AuthConfig| {
            let mut config = config.clone();
            if let Some(settings) = config.oauth.provider_mut(known) {
                expected.check(&Versioned::of(ProviderView::of(known, settings))?)?;
                *settings = patched_provider(settings, patch)?;
            }
            Ok(config)
        };
        self.replace_auth_config(caller, ("provider", "updated", Some(known), Map::new()), change).await?;
        self.auth_provider(caller, known)
    }

    /// Forgets everything that was set for a provider.
    ///
    /// # Errors
    /// As [`Environment::set_auth_provider`].
    pub async fn reset_auth_provider(self: &Arc<Self>, caller: &Caller, provider: &str) -> Result<()> {
        allowed(caller)?;
        let known = supported(provider)?;
        let change = move |config: &AuthConfig| {
            let (mut config, defaults) = (config.clone(), AuthConfig::default());
            if let (Some(settings), Some(default)) = (config.oauth.provider_mut(known), defaults.oauth.provider(known)) {
                *settings = default.clone();
            }
            Ok(config)
        };
        self.replace_auth_config(caller, ("provider", "deleted", Some(known), Map::new()), change).await
    }

    /// Makes a new signing key; answers its `kid`. `immediate` ends every session.
    ///
    /// # Errors
    /// As [`Environment::auth_settings`].
    pub async fn rotate_auth_secret(self: &Arc<Self>, caller: &Caller, immediate: bool) -> Result<String> {
        allowed(caller)?;
        let (this, caller) = (Arc::clone(self), caller.clone());
        let operation = move |tx: &mut Tx<'_>| {
            let algorithm = this.stored_auth_config(&tx.reader())?.tokens.algorithm;
            let kid = this.rotate_signing_key(tx, algorithm, immediate)?;
            let metadata = Map::from_iter([("kid".to_owned(), kid.clone().into()), ("immediate".to_owned(), immediate.into())]);
            this.audit_auth(tx, &caller, ("environment", "rotated", None, metadata))?;
            Ok(kid)
        };
        self.data().write::<_, Error, _>(operation).await
    }

    async fn replace_auth_config(
        self: &Arc<Self>,
        caller: &Caller,
        told: Told,
        change: impl FnOnce(&AuthConfig) -> Result<AuthConfig> + Send + 'static,
    ) -> Result<()> {
        allowed(caller)?;
        let (this, caller) = (Arc::clone(self), caller.clone());
        let operation = move |tx: &mut Tx<'_>| {
            let before = this.stored_auth_config(&tx.reader())?;
            let after = change(&before)?;
            if after != before {
                this.put_auth_config(tx, after)?;
                this.audit_auth(tx, &caller, told)?;
            }
            Ok(())
        };
        self.data().write::<_, Error, _>(operation).await
    }

    /// What developers change is audited; what secret keys change is not.
    fn audit_auth(&self, tx: &mut Tx<'_>, caller: &Caller, (entity, action, name, metadata): Told) -> Result<()> {
        let Caller::Tenant(tenant) = caller else { return Ok(()) };
        let change = Change {
            organization_id: Some(&self.project().organization_id),
            project_id: Some(&self.project().id),
            environment: Some(self.name()),
            entity,
            action,
            entity_id: name.unwrap_or(self.id()),
            entity_name: name.unwrap_or(self.name()),
            metadata,
        };
        self.audit(tx, &change.by(tenant))
    }
}

/// Entity, action, name (of the environment when absent) and further facts of an activity.
type Told = (&'static str, &'static str, Option<&'static str>, Map<String, Value>);

/// Settings of authentication are for developers and secret keys.
///
/// # Errors
/// 403 `auth/forbidden`.
pub fn allowed(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Tenant(_) | Caller::SecretKey { .. } => Ok(()),
        Caller::Guest { .. } | Caller::User { .. } => {
            Err(Error::new(Code::FORBIDDEN, "Settings of authentication are for secret keys; use the sk_ key of the environment"))
        }
    }
}

fn supported(provider: &str) -> Result<&'static str> {
    let unknown = || Error::new(Code::UNSUPPORTED_PROVIDER, format!("There is no provider \"{}\"; there are google and github", clip(provider)));
    PROVIDERS.into_iter().find(|known| *known == provider).ok_or_else(unknown)
}

fn patched(config: &AuthConfig, mut patch: Map<String, Value>) -> Result<AuthConfig> {
    let password = patch.get_mut("mail").and_then(|mail| mail.get_mut("smtp")).and_then(Value::as_object_mut).and_then(|smtp| smtp.remove("password"));
    let mut after: AuthConfig = merged(config, Value::Object(patch))?;
    after.oauth = config.oauth.clone();
    if let Some(smtp) = &mut after.mail.smtp {
        let before = config.mail.smtp.as_ref().filter(|before| before.host == smtp.host && before.username == smtp.username);
        smtp.password = match password {
            Some(given) => secret("mail.smtp.password", given)?,
            None => before.and_then(|before| before.password.clone()),
        };
        if smtp.password.is_some() && smtp.username.is_none() {
            return Err(Error::invalid_parameter("mail.smtp.username", "mail.smtp.username must name the user whose password it is"));
        }
    }
    Ok(after)
}

fn patched_provider(before: &ProviderSettings, mut patch: Map<String, Value>) -> Result<ProviderSettings> {
    let given = patch.remove("clientSecret");
    let mut after: ProviderSettings = merged(before, Value::Object(patch))?;
    after.client_secret = match given {
        Some(given) => secret("clientSecret", given)?,
        None => before.client_secret.clone(),
    };
    Ok(after)
}

/// Text sets a secret; null and nothing remove it.
fn secret(field: &str, given: Value) -> Result<Option<Secret>> {
    match given {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text).filter(|text| !text.is_empty()).map(Secret::new)),
        _ => Err(Error::invalid_parameter(field, format!("{field} must be text"))),
    }
}

/// A value with a JSON merge patch applied (RFC 7396), but null is kept: it is what some settings are.
fn merged<T: Serialize + DeserializeOwned>(value: &T, patch: Value) -> Result<T> {
    let mut target = serde_json::to_value(value).map_err(Error::internal)?;
    merge("", &mut target, patch)?;
    serde_path_to_error::deserialize(target).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner().to_string());
        Error::invalid_parameter(&path, wrong_type::told(&path, &inner))
    })
}

fn merge(path: &str, target: &mut Value, patch: Value) -> Result<()> {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                merge(&path, target.entry(name).or_insert(Value::Null), value)?;
            }
        }
        // A list would be read as the members of an object, one after the other.
        (target, Value::Array(_)) if !target.is_array() => return Err(Error::invalid_parameter(path, format!("{path} must not be a list"))),
        (target, patch) => *target = patch,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_a_patch_does_not_name_stays() {
        let after =
            patched(&AuthConfig::default(), patch(json!({ "email": { "passwordPolicy": { "minLength": 10 } }, "tokens": { "algorithm": "ES256" } }))).unwrap();
        assert_eq!((after.email.password_policy.min_length, after.email.magic_link_enabled), (10, true));
        let wrong = patched(&AuthConfig::default(), patch(json!({ "email": { "passwordPolicy": { "minLength": "ten" } } }))).unwrap_err();
        assert_eq!(wrong.detail_list()[0].field, "email.passwordPolicy.minLength");
    }

    #[test]
    fn a_password_goes_to_no_other_host_or_user() {
        let set = json!({ "mail": { "smtp": { "host": "a.test", "port": 587, "username": "mina", "password": "sesame" } } });
        let config = patched(&AuthConfig::default(), patch(set)).unwrap();
        let password = |smtp: Value| {
            let after = patched(&config, patch(json!({ "mail": { "smtp": smtp } }))).unwrap();
            after.mail.smtp.and_then(|smtp| smtp.password).map(|p| p.reveal().to_owned())
        };
        assert_eq!(password(json!({ "port": 25 })).as_deref(), Some("sesame"));
        assert_eq!(password(json!({ "host": "b.test" })), None);
        assert_eq!(password(json!({ "username": "joon" })), None);
        assert_eq!(password(json!({ "password": null })), None);
        assert_eq!(password(Value::Null), None);
        assert!(patched(&config, patch(json!({ "mail": { "smtp": { "username": null, "password": "x" } } }))).is_err());
    }
}
