//! Who an environment's mail comes from and how it looks.

use lettre::message::Mailbox;

use super::locale::Locale;
use super::render::one_line;
use crate::domain::environment::Environment;

/// The part of the settings that every mail shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// The project's name.
    pub app_name: String,
    pub sender_email: String,
    pub sender_name: String,
    pub logo_url: Option<String>,
    /// `#rrggbb`.
    pub brand_color: String,
    /// Whether own texts are sent.
    pub override_defaults: bool,
    pub default_locale: Locale,
    /// Whether mail leaves the server.
    pub sends: bool,
}

impl Letterhead {
    pub(super) fn of(environment: &Environment) -> Self {
        let (app_name, config) = (environment.project().state().name.clone(), environment.auth_config());
        let mail = &config.mail;
        Self {
            sender_email: mail.sender_email.clone(),
            sender_name: mail.sender_name.clone().unwrap_or_else(|| app_name.clone()),
            app_name,
            logo_url: mail.logo_url.clone(),
            brand_color: mail.brand_color.clone(),
            override_defaults: mail.override_defaults,
            default_locale: Locale::parse(&mail.default_locale).unwrap_or_default(),
            sends: mail.smtp.is_some(),
        }
    }

    /// The value of `From` (RFC 5322 §3.6.2): `Harbor <no-reply@harbor.test>`, the name quoted where it has to be.
    pub fn from(&self) -> String {
        let name = one_line(&self.sender_name);
        match self.sender_email.parse() {
            Ok(address) => Mailbox::new(Some(name).filter(|name| !name.is_empty()), address).to_string(),
            Err(_) => self.sender_email.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &str) -> String {
        let letterhead = Letterhead {
            app_name: String::new(),
            sender_email: "no-reply@harbor.test".to_owned(),
            sender_name: name.to_owned(),
            logo_url: None,
            brand_color: String::new(),
            override_defaults: false,
            default_locale: Locale::En,
            sends: false,
        };
        letterhead.from()
    }

    #[test]
    fn a_sender_is_a_name_and_an_address_whatever_the_name_holds() {
        assert_eq!(from("Harbor"), "Harbor <no-reply@harbor.test>");
        assert_eq!(from(""), "no-reply@harbor.test");
        for name in ["Harbor, Inc. \"<evil@evil.test>\"", "a\r\nBcc: evil@evil.test", "내 블로그", "a\\"] {
            let written = from(name);
            assert!(!written.contains(['\r', '\n']), "{written}");
            let read: Mailbox = written.parse().unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(read.email.to_string(), "no-reply@harbor.test");
        }
    }
}
