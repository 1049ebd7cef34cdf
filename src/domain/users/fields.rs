//! Fields of a user as they come in, one check for each (`04-users.md` §2).

use serde_json::{Map, Value};
use url::Url;

use crate::domain::auth::{Email, name};
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::time::{self, Millis};

/// Characters of a text about oneself.
const BIO: usize = 500;
/// Characters of a URL.
const URL: usize = 2048;
/// Characters of a telephone number in its stored form.
const MOBILE: usize = 20;
/// Digits of a telephone number (E.164 §6.2.1).
const DIGITS: std::ops::RangeInclusive<usize> = 2..=15;
/// Characters of the reason of a ban.
pub const BAN_REASON: usize = 200;
const GENDERS: &[&str] = &["none", "male", "female", "etc"];
const LINKS: [&str; 3] = ["github", "twitter", "linkedin"];

/// What is wrong with a body, gathered: a code of its own goes before `common/invalid-parameters`.
#[derive(Debug, Default)]
pub struct Problems {
    own: Option<Error>,
    details: Vec<Detail>,
}

impl Problems {
    /// The value, or a note of what is wrong with it.
    pub fn take<T>(&mut self, checked: Result<T>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(error);
                None
            }
        }
    }

    pub fn note(&mut self, error: Error) {
        if error.code() == Code::INVALID_PARAMETERS {
            self.details.extend_from_slice(error.detail_list());
        } else if self.own.is_none() {
            self.own = Some(error);
        }
    }

    /// # Errors
    /// The first with a code of its own, else `common/invalid-parameters` with everything that is wrong.
    pub fn finish(self) -> Result<()> {
        match self.own {
            Some(error) => Err(error),
            None if self.details.is_empty() => Ok(()),
            None => Err(Error::with_details(Code::INVALID_PARAMETERS, self.details)),
        }
    }
}

fn wrong(field: &str, rule: &str) -> Error {
    Error::invalid_parameter(field, format!("{field} must be {rule}"))
}

/// `null`, or a text that `accept` takes in its stored form.
pub fn text_where(field: &str, value: &Value, rule: &str, accept: impl FnOnce(&str) -> Option<String>) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let refuse = || Error::invalid_parameter(field, format!("{field} must be {rule}, or null{}", shown(value)));
    value.as_str().and_then(accept).map(Some).ok_or_else(refuse)
}

fn shown(value: &Value) -> String {
    value.as_str().filter(|text| text.len() <= 80).map(|text| format!(", not \"{}\"", clip(text))).unwrap_or_default()
}

/// `null`, or one line of at most `max` characters.
pub fn line(field: &str, value: &Value, max: usize) -> Result<Option<String>> {
    text_where(field, value, &format!("text of at most {max} characters without control characters"), |text| {
        (text.chars().count() <= max && !text.chars().any(char::is_control)).then(|| text.to_owned())
    })
}

pub fn boolean(field: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(field, "true or false"))
}

/// `null`, or a time.
pub fn instant(field: &str, value: &Value) -> Result<Option<Millis>> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_str().and_then(time::parse).map(Some).ok_or_else(|| wrong(field, "a time such as 2026-01-15T10:30:00.000Z, or null"))
}

/// # Errors
/// 400 `user/invalid-name`, also for `null`.
pub fn name(value: &Value) -> Result<String> {
    name::name(value.as_str().unwrap_or_default())
}

/// # Errors
/// 400 `user/invalid-nickname`.
pub fn nickname(value: &Value) -> Result<Option<String>> {
    if value.is_null() { Ok(None) } else { name::nickname(value.as_str().unwrap_or_default()).map(Some) }
}

/// # Errors
/// 400 `auth/invalid-email`.
pub fn email(value: &Value) -> Result<Option<Email>> {
    if value.is_null() { Ok(None) } else { Email::parse(value.as_str().unwrap_or_default()).map(Some) }
}

/// Several lines, as sent.
pub fn bio(value: &Value) -> Result<Option<String>> {
    text_where("bio", value, &format!("text of at most {BIO} characters"), |text| {
        let fits = text.chars().count() <= BIO && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
        fits.then(|| text.to_owned())
    })
}

/// E.164, once spaces, hyphens and brackets are gone.
pub fn mobile(value: &Value) -> Result<Option<String>> {
    text_where("mobile", value, "a number in international form such as +82 10-1234-5678", |text| {
        let plain: String = text.chars().take(4 * MOBILE).filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '[' | ']')).collect();
        let digits = plain.strip_prefix('+')?;
        let fits = text.len() < 4 * MOBILE && DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        fits.then(|| plain.clone())
    })
}

pub fn gender(value: &Value) -> Result<Option<String>> {
    text_where("gender", value, &format!("one of {}", GENDERS.join(", ")), |text| GENDERS.contains(&text).then(|| text.to_owned()))
}

/// `null`, or an absolute `http` or `https` URL, as sent.
pub fn web_url(field: &str, value: &Value) -> Result<Option<String>> {
    text_where(field, value, &format!("an http or https URL of at most {URL} characters"), |text| is_web_url(text).then(|| text.to_owned()))
}

fn is_web_url(text: &str) -> bool {
    // The parser leaves out what a browser would, and adds slashes that are not there.
    let absolute = ["http://", "https://"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    absolute
        && text.chars().count() <= URL
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && Url::parse(text).is_ok_and(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
}

/// `null`, or 3–30 of `a–z 0–9 -` with no hyphen at either end; lower-cased.
pub fn slug(value: &Value) -> Result<Option<String>> {
    text_where("slug", value, "3–30 of a–z, 0–9 and -, with no - at either end", |text| {
        let slug = text.to_ascii_lowercase();
        let fits = (3..=30).contains(&slug.len()) && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (fits && !slug.starts_with('-') && !slug.ends_with('-')).then_some(slug)
    })
}

/// Links to oneself elsewhere: new ones, and those that go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocialLinks {
    /// All go.
    Clear,
    Merge(Vec<(&'static str, Option<String>)>),
}

impl SocialLinks {
    pub fn parse(value: &Value, problems: &mut Problems) -> Option<Self> {
        let object = match value {
            Value::Null => return Some(Self::Clear),
            Value::Object(object) => object,
            _ => {
                problems.note(wrong("socialLinks", "an object with github, twitter and linkedin, or null"));
                return None;
            }
        };
        let given = LINKS.into_iter().filter_map(|name| Some((name, object.get(name)?)));
        Some(Self::Merge(given.filter_map(|(name, value)| Some((name, problems.take(web_url(&format!("socialLinks.{name}"), value))?))).collect()))
    }

    pub fn apply(self, links: &mut Map<String, Value>) {
        match self {
            Self::Clear => links.clear(),
            Self::Merge(changes) => changes.into_iter().for_each(|(name, url)| match url {
                Some(url) => drop(links.insert(name.to_owned(), url.into())),
                None => drop(links.shift_remove(name)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_stored_in_international_form() {
        for (given, stored) in [("+82 10-1234-5678", "+821012345678"), ("+1 (415) 555-2671", "+14155552671"), ("[+44] 20 7946 0958", "+442079460958")] {
            assert_eq!(mobile(&json!(given)).unwrap().as_deref(), Some(stored));
        }
        for bad in [
            "",
            "010-1234-5678",
            "+",
            "+1",
            "+0123456789",
            "+1234567890123456",
            "+82 10 abc",
            "+٨٢١٠١٢٣٤٥",
            "++821012345678",
            "+82\n1012345678",
            &" ".repeat(500),
        ] {
            assert!(mobile(&json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_absolute_and_of_the_web() {
        for good in ["http://localhost:4300/a.png", "https://example.test", "HTTPS://EXAMPLE.test/ä?x=1#y", "https://[::1]/"] {
            assert!(is_web_url(good), "{good}");
        }
        let long = format!("https://example.test/{}", "a".repeat(2048));
        for bad in [
            "",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "ftp://a.test",
            "//a.test",
            "/a",
            "http:a.test",
            "https:///",
            "https://a b",
            "ht\ntp://a",
            "https://a.test/\u{0}",
            " https://a.test",
            &long,
        ] {
            assert!(!is_web_url(bad), "{bad:?}");
        }
    }

    #[test]
    fn slugs_are_lower_cased_and_short() {
        assert_eq!(slug(&json!("Mina-R")).unwrap().as_deref(), Some("mina-r"));
        for bad in ["ab", "-abc", "abc-", "a_b", "a b", "미나로", "abc\n", &"a".repeat(31)] {
            assert!(slug(&json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn links_merge_by_key() {
        let mut links = Map::new();
        let mut apply = |value: Value| {
            let mut problems = Problems::default();
            let parsed = SocialLinks::parse(&value, &mut problems);
            problems.finish()?;
            parsed.into_iter().for_each(|p| p.apply(&mut links));
            Ok::<_, Error>(Value::Object(links.clone()))
        };
        assert_eq!(apply(json!({ "github": "https://github.test/m", "myspace": 7 })).unwrap(), json!({ "github": "https://github.test/m" }));
        assert_eq!(apply(json!({ "twitter": "https://x.test/m", "github": null })).unwrap(), json!({ "twitter": "https://x.test/m" }));
        assert!(apply(json!({ "twitter": "javascript:1" })).is_err() && apply(json!("x")).is_err());
        assert_eq!(apply(Value::Null).unwrap(), json!({}));
    }
}
