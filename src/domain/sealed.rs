//! Secrets that have to be read again, such as a relay's password: kept encrypted with AES-256-GCM (NIST SP 800-38D)
//! under a key derived from the server's own secret, so that a copy of a database alone tells nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use super::error::{Error, Result};

/// Encrypts for one purpose; what was sealed for another does not open.
pub fn seal(server_secret: &[u8; 32], purpose: &str, plain: &str) -> Result<String> {
    let nonce: [u8; NONCE_LEN] = rand::random();
    let mut text = plain.as_bytes().to_vec();
    key(server_secret, purpose)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut text).map_err(Error::internal)?;
    Ok(BASE64.encode([&nonce[..], &text].concat()))
}

/// The text that was sealed; `None` when it was damaged, or sealed by another server or for another purpose.
pub fn open(server_secret: &[u8; 32], purpose: &str, sealed: &str) -> Option<String> {
    let bytes = BASE64.decode(sealed).ok()?;
    let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
    let (nonce, mut text) = (Nonce::try_assume_unique_for_key(nonce).ok()?, text.to_vec());
    let plain = key(server_secret, purpose).ok()?.open_in_place(nonce, Aad::from(purpose), &mut text).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn key(server_secret: &[u8; 32], purpose: &str) -> Result<LessSafeKey> {
    let mut mac = Hmac::<Sha256>::new_from_slice(server_secret).map_err(Error::internal)?;
    mac.update(b"sealed:");
    mac.update(purpose.as_bytes());
    let key = UnboundKey::new(&AES_256_GCM, &mac.finalize().into_bytes()).map_err(Error::internal)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_purpose_only() {
        let (secret, other) = ([7; 32], [8; 32]);
        let sealed = seal(&secret, "smtp", "open sesame").unwrap();
        assert!(!sealed.contains("sesame"));
        assert_ne!(sealed, seal(&secret, "smtp", "open sesame").unwrap());
        assert_eq!(open(&secret, "smtp", &sealed).as_deref(), Some("open sesame"));
        assert_eq!(open(&other, "smtp", &sealed), None);
        assert_eq!(open(&secret, "totp", &sealed), None);
        let mut damaged = BASE64.decode(&sealed).unwrap();
        damaged[NONCE_LEN] ^= 1;
        for bad in [BASE64.encode(damaged), String::new(), "AAAA".to_owned(), "not base64!".to_owned()] {
            assert_eq!(open(&secret, "smtp", &bad), None, "{bad}");
        }
    }
}
