//! Whether settings of authentication are within their ranges (`03-auth.md` §14).

use super::config::{AuthConfig, MailSettings, ProviderSettings, SmtpSettings};
use super::email::Email;
use super::redirects;
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::smtp;
use crate::domain::tables::expression::is_role_name;

const MAX_REDIRECTS: usize = 50;
const MAX_ROLES: usize = 100;
const MAX_URL: usize = 2048;

/// Collects what is wrong.
#[derive(Default)]
struct Check(Vec<Detail>);

impl Check {
    fn range<N: PartialOrd + std::fmt::Display + Copy>(&mut self, field: &str, value: N, min: N, max: N) {
        if value < min || value > max {
            self.bad(field, "range", format!("{field} must lie between {min} and {max}, not {value}"));
        }
    }

    fn bad(&mut self, field: &str, rule: &str, message: String) {
        self.0.push(Detail::new(field, rule, message));
    }

    fn at_most(&mut self, field: &str, length: usize, max: usize) {
        if length > max {
            self.bad(field, "maxItems", format!("{field} has at most {max} entries, not {length}"));
        }
    }

    fn text(&mut self, field: &str, text: &str, max: usize) {
        if text.is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
            self.bad(field, "length", format!("{field} must have 1–{max} characters and no control characters"));
        }
    }

    fn url(&mut self, field: &str, text: Option<&str>, web_only: bool) {
        let Some(text) = text else { return };
        let sound = text.len() <= MAX_URL && if web_only { redirects::is_web_url(text) } else { redirects::is_usable(text) };
        if !sound {
            self.bad(field, "url", format!("{field} must be an absolute URL without user name or password, not \"{}\"", clip(text)));
        }
    }
}

impl AuthConfig {
    /// # Errors
    /// `common/invalid-parameters` with one detail per field that is out of range.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::default();
        self.check_email(&mut check);
        check_provider(&mut check, "oauth.google", &self.oauth.google);
        check_provider(&mut check, "oauth.github", &self.oauth.github);
        check.range("tokens.accessTokenSeconds", self.tokens.access_token_seconds, 60, 86_400);
        check.range("tokens.refreshTokenSeconds", self.tokens.refresh_token_seconds, 3_600, 31_536_000);
        check.range("tokens.refreshGraceSeconds", self.tokens.refresh_grace_seconds, 0, 60);
        self.check_urls(&mut check);
        self.check_users(&mut check);
        check.range("invitations.invitationExpirationDays", self.invitations.invitation_expiration_days, 1, 90);
        check_mail(&mut check, &self.mail);
        if check.0.is_empty() { Ok(()) } else { Err(Error::with_details(Code::INVALID_PARAMETERS, check.0)) }
    }

    fn check_email(&self, check: &mut Check) {
        let policy = &self.email.password_policy;
        check.range("email.passwordPolicy.minLength", policy.min_length, 4, 128);
        if let Some(days) = policy.expiration_days {
            check.range("email.passwordPolicy.expirationDays", days, 1, 3_650);
        }
        check.range("email.magicLinkExpirationMinutes", self.email.magic_link_expiration_minutes, 1, 1_440);
        check.range("email.resendCooldownSeconds", self.email.resend_cooldown_seconds, 0, 300);
    }

    fn check_urls(&self, check: &mut Check) {
        check.at_most("urls.redirectAllowList", self.urls.redirect_allow_list.len(), MAX_REDIRECTS);
        for (at, entry) in self.urls.redirect_allow_list.iter().enumerate() {
            if entry.len() > MAX_URL || !redirects::is_list_entry(entry) {
                let message = format!("\"{}\" is no entry of a redirect list: give a full URL, one ending in *, myapp://* or *", clip(entry));
                check.bad(&format!("urls.redirectAllowList.{at}"), "url", message);
            }
        }
        check.url("urls.passwordResetUrl", self.urls.password_reset_url.as_deref(), false);
        check.url("urls.invitationUrl", self.urls.invitation_url.as_deref(), false);
    }

    fn check_users(&self, check: &mut Check) {
        check.at_most("users.customRoles", self.users.custom_roles.len(), MAX_ROLES);
        for role in self.users.custom_roles.iter().filter(|role| !is_role_name(role)) {
            let message = format!("\"{}\" is no role name: a lower-case letter, then 1–31 of a–z, 0–9, _ and -", clip(role));
            check.bad("users.customRoles", "pattern", message);
        }
        check.range("users.deletedUserRetentionDays", self.users.deleted_user_retention_days, 0, 365);
        if let Some(issuer) = &self.users.mfa_issuer {
            check.text("users.mfaIssuer", issuer, 100);
        }
    }
}

fn check_provider(check: &mut Check, path: &str, provider: &ProviderSettings) {
    if let Some(id) = &provider.client_id {
        check.text(&format!("{path}.clientId"), id, 500);
    }
    if let Some(secret) = &provider.client_secret {
        check.text(&format!("{path}.clientSecret"), secret.reveal(), 500);
    }
    check.at_most(&format!("{path}.additionalClientIds"), provider.additional_client_ids.len(), 20);
    for id in &provider.additional_client_ids {
        check.text(&format!("{path}.additionalClientIds"), id, 500);
    }
    check.at_most(&format!("{path}.scopes"), provider.scopes.len(), 50);
    for scope in &provider.scopes {
        // RFC 6749 §3.3
        if scope.is_empty() || scope.len() > 200 || !scope.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\')) {
            check.bad(&format!("{path}.scopes"), "scope", format!("\"{}\" is no scope", clip(scope)));
        }
    }
    check.url(&format!("{path}.redirectUri"), provider.redirect_uri.as_deref(), true);
}

fn check_mail(check: &mut Check, mail: &MailSettings) {
    if Email::parse(&mail.sender_email).is_err() || !smtp::is_plain(&mail.sender_email) {
        check.bad("mail.senderEmail", "email", format!("mail.senderEmail must be an address, not \"{}\"", clip(&mail.sender_email)));
    }
    if let Some(name) = &mail.sender_name {
        check.text("mail.senderName", name, 100);
    }
    check.url("mail.logoUrl", mail.logo_url.as_deref(), true);
    let color = mail.brand_color.strip_prefix('#').unwrap_or_default();
    if !matches!(color.len(), 3 | 6) || !color.bytes().all(|b| b.is_ascii_hexdigit()) {
        check.bad("mail.brandColor", "color", "mail.brandColor must be a colour such as #4F46E5".to_owned());
    }
    if !matches!(mail.default_locale.as_str(), "en" | "ko") {
        check.bad("mail.defaultLocale", "enum", "mail.defaultLocale must be en or ko".to_owned());
    }
    if let Some(smtp) = &mail.smtp {
        check_smtp(check, smtp);
    }
}

fn check_smtp(check: &mut Check, smtp: &SmtpSettings) {
    if url::Host::parse(&smtp.host).is_err() || smtp.host.len() > 253 {
        check.bad("mail.smtp.host", "host", "mail.smtp.host must be the name or address of a mail server".to_owned());
    }
    check.range("mail.smtp.port", smtp.port, 1, u16::MAX);
    if let Some(name) = &smtp.username {
        check.text("mail.smtp.username", name, 300);
    }
    if let Some(password) = &smtp.password {
        check.text("mail.smtp.password", password.reveal(), 500);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_ranges() {
        AuthConfig::default().check().unwrap();
    }

    #[test]
    fn everything_out_of_range_is_named_at_once() {
        let mut config = AuthConfig::default();
        config.email.password_policy.min_length = 3;
        config.email.password_policy.expiration_days = Some(0);
        config.email.magic_link_expiration_minutes = 0;
        config.tokens.access_token_seconds = 59;
        config.tokens.refresh_token_seconds = 31_536_001;
        config.users.custom_roles = vec!["Editor".into(), "e".into(), "editor".into()];
        config.urls.redirect_allow_list = vec!["javascript:alert(1)".into(), "*".into(), "myapp://*".into()];
        config.mail.default_locale = "de".into();
        config.mail.smtp = Some(SmtpSettings::default());
        let error = config.check().unwrap_err();
        let fields: Vec<&str> = error.detail_list().iter().map(|d| d.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "email.passwordPolicy.minLength",
                "email.passwordPolicy.expirationDays",
                "email.magicLinkExpirationMinutes",
                "tokens.accessTokenSeconds",
                "tokens.refreshTokenSeconds",
                "urls.redirectAllowList.0",
                "users.customRoles",
                "users.customRoles",
                "mail.defaultLocale",
                "mail.smtp.host",
                "mail.smtp.port"
            ]
        );
    }
}
