//! E-mail addresses of end users (`03-auth.md` §1): normalised once, compared as stored.

use unicode_normalization::UnicodeNormalization;

use crate::domain::error::{Code, Error, Result, clip};

/// A normalised address: trimmed, NFC, lower case, the domain in its ASCII form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// 400 `auth/invalid-email`.
    pub fn parse(text: &str) -> Result<Self> {
        normal(text).map(Self).ok_or_else(|| {
            let message = format!("email must be an address such as mina@harbor.test, not \"{}\"", clip(text));
            Error::new(Code::INVALID_EMAIL, message)
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn normal(text: &str) -> Option<String> {
    let text: String = text.trim().nfc().collect::<String>().to_lowercase().nfc().collect();
    let (local, domain) = text.split_once('@')?;
    if domain.contains('@') || !(1..=64).contains(&local.chars().count()) || !local.chars().all(is_local) {
        return None;
    }
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    let labels: Vec<&str> = domain.split('.').collect();
    let dotted = labels.len() > 1 || domain == "localhost";
    if !dotted || !labels.iter().all(|label| is_label(label)) {
        return None;
    }
    let address = format!("{local}@{domain}");
    (address.chars().count() <= 254).then_some(address)
}

/// What a local part may hold: anything that can be seen, but the `@`. What RFC 5322 §3.2.3 takes for no atom is quoted in mail.
fn is_local(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Characters that change how text looks or runs without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stored_in_one_form() {
        for (given, stored) in [
            (" Mina@Harbor.test ", "mina@harbor.test"),
            ("MINA.Roh+x@HARBOR.TEST", "mina.roh+x@harbor.test"),
            ("o'neil@localhost", "o'neil@localhost"),
            ("a\"B(c),d:e@harbor.test", "a\"b(c),d:e@harbor.test"),
            ("미나@하버.테스트", "미나@xn--hk3b176b.xn--9t4b11yi5a"),
            ("e\u{301}va@b\u{fc}cher.example", "éva@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(given).unwrap().as_str(), stored, "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@harbor.test", "a".repeat(65));
        let too_long = format!("a@{}.test", ["b".repeat(60), "c".repeat(60), "d".repeat(60), "e".repeat(60), "f".repeat(20)].join("."));
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@b.c",
            "a b@c.de",
            "a@b@c.de",
            "a@b",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a@-b.c",
            "a@b-.c",
            "a\u{0}@b.c",
            "a@b\u{a0}.c",
            "Mina <a@b.c>",
            "a@b.c,d@e.f",
            "a\u{202e}b@c.de",
            "\"a b\"@c.de",
            "a@b_c.de",
            &long,
            &too_long,
        ] {
            assert_eq!(Email::parse(bad).unwrap_err().code(), Code::INVALID_EMAIL, "{bad:?}");
        }
    }
}
