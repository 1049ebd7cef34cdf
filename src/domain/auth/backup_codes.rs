//! Backup codes: ten of 8 characters, each good once in place of a code of the authenticator app (`03-auth.md` §7).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::environment::Environment;

const COUNT: usize = 10;
const LENGTH: usize = 8;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Ten different codes.
pub fn generate() -> Vec<String> {
    let mut codes: Vec<String> = Vec::with_capacity(COUNT);
    while codes.len() < COUNT {
        let code: String = (0..LENGTH).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// Whether a normalised text has the form of one.
pub fn looks_like_one(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

/// What is kept of a code: useless without the server's secret, and for another user.
pub fn hash(environment: &Environment, user_id: &str, code: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(environment.server_secret()).expect("HMAC takes keys of any length");
    for part in ["backup code", user_id, code] {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_different_codes_of_eight_letters_and_digits() {
        let codes = generate();
        let different: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!(different.len(), 10);
        assert!(codes.iter().all(|code| looks_like_one(code)), "{codes:?}");
        for other in ["", "418203", "k3v9q0w", "k3v9q0wzz", "K3V9Q0WZ", "k3v9-q0w", "k3v9q0wé"] {
            assert!(!looks_like_one(other), "{other}");
        }
    }
}
