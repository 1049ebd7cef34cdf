//! The settings of authentication of one environment (`03-auth.md` §14): every field with its default. Secrets are held
//! beside the rest and stored apart.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::Secret;

/// Everything, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthConfig {
    pub email: EmailSettings,
    pub oauth: OAuthSettings,
    pub tokens: TokenSettings,
    pub urls: UrlSettings,
    pub users: UserSettings,
    pub invitations: InvitationSettings,
    pub mail: MailSettings,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailSettings {
    pub enabled: bool,
    pub signup_enabled: bool,
    pub require_email_verification: bool,
    pub password_policy: PasswordPolicy,
    pub magic_link_enabled: bool,
    /// 1–1440.
    pub magic_link_expiration_minutes: u32,
    pub email_code_enabled: bool,
    /// Whether routes that show the existence of an account in the cloud do so here.
    pub disclose_accounts: bool,
    /// 0–300, between two mails of one purpose to one address.
    pub resend_cooldown_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordPolicy {
    /// 4–128 characters.
    pub min_length: u32,
    pub require_uppercase: bool,
    pub require_lowercase: bool,
    pub require_numbers: bool,
    pub require_special_chars: bool,
    /// 1–3650; null = never.
    pub expiration_days: Option<u32>,
    /// Refuses the 10,000 most common ones.
    pub check_common_passwords: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OAuthSettings {
    pub google: ProviderSettings,
    pub github: ProviderSettings,
}

/// Whom a provider's routes talk to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderMode {
    /// Real once client id and secret are set, else the simulator.
    #[default]
    Auto,
    Real,
    Simulator,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderSettings {
    pub enabled: bool,
    pub mode: ProviderMode,
    pub client_id: Option<String>,
    /// Stored encrypted, apart from the rest; never shown.
    #[serde(skip)]
    pub client_secret: Option<Secret>,
    pub additional_client_ids: Vec<String>,
    /// Null = the server's own callback.
    pub redirect_uri: Option<String>,
    pub scopes: Vec<String>,
    pub auto_link_verified_email: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReuseRevokes {
    /// Every session of the user.
    #[default]
    User,
    /// The session the token belongs to.
    Session,
}

/// What signs tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    #[default]
    HS256,
    ES256,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenSettings {
    /// 60–86400.
    pub access_token_seconds: i64,
    /// 3600–31536000.
    pub refresh_token_seconds: i64,
    /// 0–60.
    pub refresh_grace_seconds: i64,
    pub reuse_revokes: ReuseRevokes,
    pub algorithm: Algorithm,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UrlSettings {
    /// At most 50: URLs, URLs ending in `*`, `myapp://*`, or `*`.
    pub redirect_allow_list: Vec<String>,
    pub password_reset_url: Option<String>,
    pub invitation_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserSettings {
    /// Roles besides `admin`, `user` and `guest`; a stored role that is not declared counts as `user`.
    pub custom_roles: Vec<String>,
    pub anonymous_enabled: bool,
    /// 0–365.
    pub deleted_user_retention_days: u32,
    /// Null = the project's name.
    pub mfa_issuer: Option<String>,
    /// Whether callers on this machine are counted by address too.
    pub throttle_loopback: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inviters {
    #[default]
    Users,
    Admins,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InvitationSettings {
    pub inviters: Inviters,
    /// 1–90.
    pub invitation_expiration_days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MailSettings {
    pub sender_email: String,
    /// Null = the project's name.
    pub sender_name: Option<String>,
    pub logo_url: Option<String>,
    /// `#rrggbb`.
    pub brand_color: String,
    pub override_defaults: bool,
    /// `en` or `ko`.
    pub default_locale: String,
    pub smtp: Option<SmtpSettings>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    #[default]
    Starttls,
    Tls,
    None,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub username: Option<String>,
    /// Stored encrypted, apart from the rest; never shown.
    #[serde(skip)]
    pub password: Option<Secret>,
    pub security: SmtpSecurity,
}

impl AuthConfig {
    /// Takes the secrets of other settings, where these have a place for them.
    pub fn keep_secrets_of(&mut self, other: &Self) {
        self.oauth.google.client_secret = other.oauth.google.client_secret.clone();
        self.oauth.github.client_secret = other.oauth.github.client_secret.clone();
        self.mail.smtp = other.mail.smtp.clone();
    }

    /// What may be stored in the open and taken over by other environments.
    #[must_use]
    pub fn without_smtp(&self) -> Self {
        Self { mail: MailSettings { smtp: None, ..self.mail.clone() }, ..self.clone() }
    }
}

impl Default for EmailSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            signup_enabled: true,
            require_email_verification: false,
            password_policy: PasswordPolicy::default(),
            magic_link_enabled: true,
            magic_link_expiration_minutes: 15,
            email_code_enabled: false,
            disclose_accounts: true,
            resend_cooldown_seconds: 0,
        }
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 6,
            require_uppercase: false,
            require_lowercase: false,
            require_numbers: false,
            require_special_chars: false,
            expiration_days: None,
            check_common_passwords: false,
        }
    }
}

impl Default for OAuthSettings {
    fn default() -> Self {
        Self { google: ProviderSettings::with_scopes(&["openid", "email", "profile"]), github: ProviderSettings::with_scopes(&["read:user", "user:email"]) }
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self::with_scopes(&[])
    }
}

impl ProviderSettings {
    fn with_scopes(scopes: &[&str]) -> Self {
        Self {
            enabled: true,
            mode: ProviderMode::Auto,
            client_id: None,
            client_secret: None,
            additional_client_ids: Vec::new(),
            redirect_uri: None,
            scopes: scopes.iter().map(ToString::to_string).collect(),
            auto_link_verified_email: true,
        }
    }
}

impl OAuthSettings {
    /// `google` or `github`.
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        match name {
            "google" => Some(&self.google),
            "github" => Some(&self.github),
            _ => None,
        }
    }

    pub fn provider_mut(&mut self, name: &str) -> Option<&mut ProviderSettings> {
        match name {
            "google" => Some(&mut self.google),
            "github" => Some(&mut self.github),
            _ => None,
        }
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_token_seconds: 3600,
            refresh_token_seconds: 604_800,
            refresh_grace_seconds: 10,
            reuse_revokes: ReuseRevokes::User,
            algorithm: Algorithm::HS256,
        }
    }
}

impl Default for UserSettings {
    fn default() -> Self {
        Self { custom_roles: Vec::new(), anonymous_enabled: false, deleted_user_retention_days: 30, mfa_issuer: None, throttle_loopback: false }
    }
}

impl Default for InvitationSettings {
    fn default() -> Self {
        Self { inviters: Inviters::Users, invitation_expiration_days: 7 }
    }
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            sender_email: "no-reply@bkend.local".to_owned(),
            sender_name: None,
            logo_url: None,
            brand_color: "#4F46E5".to_owned(),
            override_defaults: false,
            default_locale: "en".to_owned(),
            smtp: None,
        }
    }
}
