//! Checks of what developers type: names, addresses, labels, times.

use serde::{Deserialize, Deserializer};

use crate::domain::error::{Error, Result, clip};
use crate::domain::time::{self, Millis};

/// Characters of a name.
const NAME: usize = 64;
/// Characters of a description.
const DESCRIPTION: usize = 2_000;

/// Tells an absent member (`None`) from null (`Some(None)`).
///
/// # Errors
/// As those of the member's type.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// 1–64 characters without control characters, trimmed.
///
/// # Errors
/// `common/invalid-parameters` naming the field.
pub fn name(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if (1..=NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid_parameter(field, format!("{field} must have 1–{NAME} characters")))
}

/// As [`name`]; empty counts as absent.
pub fn optional_name(field: &str, text: Option<&str>) -> Result<Option<String>> {
    text.filter(|t| !t.trim().is_empty()).map(|t| name(field, t)).transpose()
}

/// At most 2,000 characters; empty counts as absent.
pub fn description(text: Option<&str>) -> Result<Option<String>> {
    let text = text.map(str::trim).filter(|t| !t.is_empty());
    if text.is_some_and(|t| t.chars().count() > DESCRIPTION) {
        return Err(Error::invalid_parameter("description", format!("description must have at most {DESCRIPTION} characters")));
    }
    Ok(text.map(str::to_owned))
}

/// An address as it is stored: trimmed and in lower case. `owner@localhost` is one.
///
/// # Errors
/// `common/invalid-parameters` naming `email`.
pub fn email(text: &str) -> Result<String> {
    let address = text.trim().to_lowercase();
    let sound = address.len() <= 254
        && !address.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
        && address.split_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len()) && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.') && !domain.ends_with('.')
        });
    if sound {
        Ok(address)
    } else {
        Err(Error::invalid_parameter("email", format!("email must be an address such as mina@harbor.test, not \"{}\"", clip(text))))
    }
}

/// A time in the future.
///
/// # Errors
/// `common/invalid-parameters` naming the field.
pub fn future(field: &str, text: &str) -> Result<Millis> {
    let at = instant(field, text)?;
    if at > time::now() {
        return Ok(at);
    }
    Err(Error::invalid_parameter(field, format!("{field} must lie in the future")))
}

/// # Errors
/// `common/invalid-parameters` naming the field.
pub fn instant(field: &str, text: &str) -> Result<Millis> {
    time::parse(text).ok_or_else(|| Error::invalid_parameter(field, format!("{field} must be a time such as 2026-01-15T10:30:00.000Z, not \"{}\"", clip(text))))
}

/// One of a few words.
///
/// # Errors
/// `common/invalid-parameters` naming the field and the words.
pub fn one_of<'a>(field: &str, text: &'a str, words: &[&str]) -> Result<&'a str> {
    if words.contains(&text) {
        return Ok(text);
    }
    Err(Error::invalid_parameter(field, format!("{field} must be one of {}, not \"{}\"", words.join(", "), clip(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_case_and_whole() {
        assert_eq!(email(" Mina@Harbor.Test ").unwrap(), "mina@harbor.test");
        assert!(email("owner@localhost").is_ok());
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@.b", "Mina <a@b.c>", "a@b."] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_have_1_to_64_characters() {
        assert_eq!(name("name", "  내 블로그 ").unwrap(), "내 블로그");
        assert!(name("name", "   ").is_err() && name("name", &"x".repeat(65)).is_err() && name("name", "a\nb").is_err());
    }
}
