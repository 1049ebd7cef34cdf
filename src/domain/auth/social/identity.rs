//! Who somebody is according to a provider.

use url::Url;

use super::Provider;
use crate::domain::auth::{Email, name};
use crate::domain::error::{Error, Result};

/// Characters of a name that are kept.
const NAME: usize = 100;
const IMAGE: usize = 2048;
/// Characters of an account id; OpenID Connect allows 255 (Core §2).
const ACCOUNT_ID: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub provider: Provider,
    /// The provider's own id of the account.
    pub account_id: String,
    pub email: Option<Email>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    pub name: Option<String>,
    /// An http or https address.
    pub image: Option<String>,
}

/// The same as a provider says it, before it is believed.
#[derive(Debug, Clone, Default)]
pub(in crate::domain::auth) struct Told {
    pub account_id: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub image: Option<String>,
}

impl Identity {
    /// Keeps what can be used: an address, name or picture that is none counts as absent.
    ///
    /// # Errors
    /// 500 `auth/oauth-callback-failed` without an account id.
    pub(in crate::domain::auth) fn of(provider: Provider, told: Told) -> Result<Self> {
        if told.account_id.is_empty() || told.account_id.len() > ACCOUNT_ID || !told.account_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(nonsense(provider).because("no usable account id"));
        }
        let email = told.email.and_then(|text| Email::parse(&text).ok());
        Ok(Self {
            provider,
            account_id: told.account_id,
            email_verified: told.email_verified && email.is_some(),
            email,
            name: told.name.and_then(|text| usable_name(&text)),
            image: told.image.filter(|text| is_picture(text)),
        })
    }

    /// The name of a new user: the provider's, else the local part of the address.
    pub fn name_or_local_part(&self) -> Option<String> {
        self.name.clone().or_else(|| usable_name(self.email.as_ref()?.local_part()))
    }
}

fn usable_name(text: &str) -> Option<String> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    name::name(&line.trim().chars().take(NAME).collect::<String>()).ok()
}

/// Whether a text can be the address of a picture.
pub fn is_picture(text: &str) -> bool {
    text.len() <= IMAGE
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// 500 `auth/oauth-callback-failed` for an answer that makes no sense.
pub(super) fn nonsense(provider: Provider) -> Error {
    super::outside::failed(format!("The answer of {} makes no sense; try again later", provider.title()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(email: &str, name: &str, image: &str) -> Identity {
        let told = Told { account_id: "7".into(), email: Some(email.into()), email_verified: true, name: Some(name.into()), image: Some(image.into()) };
        Identity::of(Provider::Google, told).unwrap()
    }

    #[test]
    fn what_cannot_be_used_counts_as_absent() {
        let good = told(" Mina@Harbor.test ", " Mina\nKim ", "https://pictures.test/1.png");
        assert_eq!(good.email.as_ref().map(Email::as_str), Some("mina@harbor.test"));
        assert_eq!((good.name.as_deref(), good.image.as_deref(), good.email_verified), (Some("Mina Kim"), Some("https://pictures.test/1.png"), true));
        let bad = told("not an address", "  ", "javascript:alert(1)");
        assert_eq!((&bad.email, &bad.name, &bad.image, bad.email_verified), (&None, &None, &None, false));
        assert_eq!(told("mina@harbor.test", "", "").name_or_local_part().as_deref(), Some("mina"));
        assert_eq!(told("a@b.test", &"가".repeat(200), "").name.unwrap().chars().count(), 100);
    }

    #[test]
    fn an_account_has_an_id() {
        for id in ["", "a b", "가", &"1".repeat(256)] {
            assert!(Identity::of(Provider::GitHub, Told { account_id: id.into(), ..Told::default() }).is_err(), "{id}");
        }
    }
}
