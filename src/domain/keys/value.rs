//! The form of key values and how they come to be.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Publishable,
    Secret,
}

impl KeyKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }

    pub fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "pk_",
            Self::Secret => "sk_",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "publishable" => Some(Self::Publishable),
            "secret" => Some(Self::Secret),
            _ => None,
        }
    }

    /// The kind a key value claims by its prefix.
    pub fn of_value(value: &str) -> Option<Self> {
        [Self::Publishable, Self::Secret].into_iter().find(|kind| value.starts_with(kind.prefix()))
    }
}

/// `^(pk|sk)_[0-9a-f]{64}$`, hexadecimal in either case: upper case is well-formed but another key (`02-data.md` §8.6).
pub fn is_well_formed(value: &str) -> bool {
    KeyKind::of_value(value).is_some() && value.len() == 67 && value.bytes().skip(3).all(|b| b.is_ascii_hexdigit())
}

/// The value of a publishable key: HMAC-SHA256 of its id under the server's secret, so that it can be shown again while
/// only its hash is stored (`06-console.md` ruling 4).
pub fn derive_publishable(server_secret: &[u8; 32], key_id: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(server_secret).expect("HMAC takes keys of any length");
    mac.update(b"publishable key\0");
    mac.update(key_id.as_bytes());
    format!("pk_{}", hex::encode(mac.finalize().into_bytes()))
}

/// The value of a new secret key: 32 random bytes.
pub fn new_secret() -> String {
    format!("sk_{}", crate::domain::id::random_hex(32))
}

pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What lists show of a value that is not shown: `sk_3f9c…e1a2`.
pub fn mask(value: &str) -> String {
    let head: String = value.chars().take(7).collect();
    let tail: String = value.chars().skip(value.chars().count().saturating_sub(4)).collect();
    format!("{head}…{tail}")
}
