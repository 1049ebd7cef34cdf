//! The keys an environment signs its tokens with: one signs, those before it verify for as long as what they signed may
//! live (`03-auth.md` §2). They rest encrypted and are never copied with an environment.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD as BASE64, URL_SAFE_NO_PAD as BASE64_URL};
use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use quick_cache::sync::Cache;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Algorithm;
use super::tokens::Verified;
use crate::domain::error::{Error, Result};
use crate::domain::id::random_hex;
use crate::domain::sealed;
use crate::domain::time::Millis;

const ISSUER: &str = "bkend-local";
/// Access tokens remembered per environment.
const VERIFIED: usize = 4_096;
const SEAL: &str = "signing key";

/// A key as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredKey {
    kid: String,
    algorithm: Algorithm,
    sealed: String,
    created_at: Millis,
    /// For keys that sign no more: until when they verify.
    verify_until: Option<Millis>,
}

struct Key {
    stored: StoredKey,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The public half (RFC 7517), of ES256 keys.
    jwk: Option<Value>,
}

/// All keys of one environment; the last one signs.
pub struct Keyring {
    keys: Vec<Key>,
    audience: String,
    /// Access tokens that were found good; they are forgotten with the ring.
    pub(super) verified: Cache<Box<str>, Arc<Verified>>,
}

impl StoredKey {
    /// A new key: 32 random bytes, or a key pair on P-256.
    pub fn generate(server_secret: &[u8; 32], algorithm: Algorithm, now: Millis) -> Result<Self> {
        let material = match algorithm {
            Algorithm::HS256 => BASE64.encode(rand::random::<[u8; 32]>()),
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(Error::internal)?;
                BASE64.encode(pair.as_ref())
            }
        };
        let sealed = sealed::seal(server_secret, SEAL, &material)?;
        Ok(Self { kid: random_hex(8), algorithm, sealed, created_at: now, verify_until: None })
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn open(&self, server_secret: &[u8; 32]) -> Option<Key> {
        let material = BASE64.decode(sealed::open(server_secret, SEAL, &self.sealed)?).ok()?;
        let (encoding, decoding, jwk) = match self.algorithm {
            Algorithm::HS256 => (EncodingKey::from_secret(&material), DecodingKey::from_secret(&material), None),
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &material, &SystemRandom::new()).ok()?;
                // An uncompressed point: 04, x, y (SEC 1 §2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = (BASE64_URL.encode(point.get(1..33)?), BASE64_URL.encode(point.get(33..65)?));
                let decoding = DecodingKey::from_ec_components(&x, &y).ok()?;
                let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": self.kid });
                (EncodingKey::from_ec_der(&material), decoding, Some(jwk))
            }
        };
        Some(Key { stored: self.clone(), encoding, decoding, jwk })
    }
}

/// The keys to store after `new` takes over: those before it verify until `verify_until`, or are forgotten.
pub fn rotated(mut keys: Vec<StoredKey>, new: StoredKey, now: Millis, verify_until: Option<Millis>) -> Vec<StoredKey> {
    keys.retain_mut(|key| {
        key.verify_until = key.verify_until.or(verify_until);
        verify_until.is_some() && key.verify_until.is_some_and(|until| until > now)
    });
    keys.push(new);
    keys
}

impl Keyring {
    /// `None` when the newest key cannot be read: it was sealed by another server.
    pub fn open(server_secret: &[u8; 32], stored: &[StoredKey], project_id: &str, environment: &str) -> Option<Self> {
        let newest = stored.last()?.kid.clone();
        let keys: Vec<Key> = stored.iter().filter_map(|key| key.open(server_secret)).collect();
        (keys.last()?.stored.kid == newest).then(|| Self { keys, audience: format!("{project_id}:{environment}"), verified: Cache::new(VERIFIED) })
    }

    fn newest(&self) -> &Key {
        self.keys.last().expect("a key ring is never empty")
    }

    /// The key that signs now.
    pub fn kid(&self) -> &str {
        &self.newest().stored.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.newest().stored.algorithm
    }

    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Signs with the key of this id, else with the newest. The same claims signed by the same key give the same token:
    /// HMAC is a function, and ECDSA takes its nonce from the message (RFC 6979).
    pub fn sign(&self, kid: &str, claims: &impl Serialize) -> Result<String> {
        let key = self.keys.iter().find(|key| key.stored.kid == kid).unwrap_or_else(|| self.newest());
        let mut header = Header::new(algorithm(key.stored.algorithm));
        header.kid = Some(key.stored.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(Error::internal)
    }

    /// The claims of a token whose shape, algorithm, signature, issuer and audience are right. Its end is not looked at.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, now: Millis) -> Option<T> {
        self.verify_with_end(token, now).map(|(claims, _)| claims)
    }

    /// The same, with the time from which its key verifies no more.
    pub fn verify_with_end<T: DeserializeOwned>(&self, token: &str, now: Millis) -> Option<(T, Option<Millis>)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let kid = header.kid?;
        let key = self.keys.iter().find(|key| key.stored.kid == kid && key.stored.verify_until.is_none_or(|until| until > now))?;
        let mut validation = jsonwebtoken::Validation::new(algorithm(key.stored.algorithm));
        validation.validate_exp = false;
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        jsonwebtoken::decode::<T>(token, &key.decoding, &validation).ok().map(|token| (token.claims, key.stored.verify_until))
    }

    /// The public keys under which tokens verify now (RFC 7517 §5); none under HS256, which has no public half.
    pub fn public_keys(&self, now: Millis) -> Vec<&Value> {
        if self.algorithm() == Algorithm::HS256 {
            return Vec::new();
        }
        self.keys.iter().rev().filter(|key| key.stored.verify_until.is_none_or(|until| until > now)).filter_map(|key| key.jwk.as_ref()).collect()
    }
}

fn algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::HS256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(sub: &str) -> Value {
        json!({ "sub": sub, "exp": 10, "iss": ISSUER, "aud": "p:dev" })
    }

    #[test]
    fn both_algorithms_sign_reproducibly_and_verify_only_their_own() {
        let secret = [7; 32];
        for algorithm in [Algorithm::HS256, Algorithm::ES256] {
            let key = StoredKey::generate(&secret, algorithm, 0).unwrap();
            let ring = Keyring::open(&secret, std::slice::from_ref(&key), "p", "dev").unwrap();
            let token = ring.sign("", &claims("a")).unwrap();
            assert_eq!(token, ring.sign(key.kid(), &claims("a")).unwrap());
            assert_eq!(ring.verify::<Value>(&token, 0).unwrap()["sub"], "a");
            assert!(Keyring::open(&secret, std::slice::from_ref(&key), "p", "prod").unwrap().verify::<Value>(&token, 0).is_none(), "another audience");
            let other = StoredKey::generate(&secret, algorithm, 0).unwrap();
            assert!(Keyring::open(&secret, &[other], "p", "dev").unwrap().verify::<Value>(&token, 0).is_none(), "another key");
            assert!(Keyring::open(&[8; 32], &[key], "p", "dev").is_none(), "another server");
        }
    }

    #[test]
    fn an_old_key_verifies_for_its_time_and_a_forgotten_one_never() {
        let secret = [7; 32];
        let (first, second) = (StoredKey::generate(&secret, Algorithm::HS256, 0).unwrap(), StoredKey::generate(&secret, Algorithm::ES256, 0).unwrap());
        let token = Keyring::open(&secret, std::slice::from_ref(&first), "p", "dev").unwrap().sign("", &claims("a")).unwrap();
        let ring = Keyring::open(&secret, &rotated(vec![first.clone()], second.clone(), 0, Some(100)), "p", "dev").unwrap();
        assert!(ring.verify::<Value>(&token, 99).is_some() && ring.verify::<Value>(&token, 100).is_none());
        assert_eq!((ring.kid(), ring.public_keys(0).len()), (second.kid(), 1));
        let ring = Keyring::open(&secret, &rotated(vec![first], second, 0, None), "p", "dev").unwrap();
        assert!(ring.verify::<Value>(&token, 0).is_none());
    }
}
