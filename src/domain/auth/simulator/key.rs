//! The RSA key that ID tokens of the simulator are signed with: one per server, made when it is first needed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use jsonwebtoken::{DecodingKey, EncodingKey};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, rand_core::OsRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::domain::error::{Error, Result};
use crate::store::SecretFile;

const BITS: usize = 2048;

/// The key, once it has been asked for.
pub struct KeyHolder {
    file: Option<SecretFile>,
    key: OnceCell<Arc<SigningKey>>,
}

pub struct SigningKey {
    pub kid: String,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    /// The public half (RFC 7517).
    pub jwk: Value,
}

impl std::fmt::Debug for KeyHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHolder(…)")
    }
}

impl KeyHolder {
    /// A key that rests in a file; without one it lives as long as the server.
    pub fn new(file: Option<SecretFile>) -> Self {
        Self { file, key: OnceCell::new() }
    }

    /// The key, read or made now.
    pub async fn get(&self) -> Result<Arc<SigningKey>> {
        let make = || async {
            let file = self.file.clone();
            tokio::task::spawn_blocking(move || read_or_make(file.as_ref())).await.map_err(Error::internal)?
        };
        self.key.get_or_try_init(make).await.cloned()
    }
}

fn read_or_make(file: Option<&SecretFile>) -> Result<Arc<SigningKey>> {
    let stored = file.map(SecretFile::read).transpose().map_err(Error::internal)?.flatten();
    if let Some(bytes) = stored {
        match std::str::from_utf8(&bytes).ok().and_then(|pem| RsaPrivateKey::from_pkcs8_pem(pem).ok()) {
            Some(key) => return SigningKey::of(&key),
            None => tracing::warn!("the key of the simulated provider cannot be read; a new one takes its place"),
        }
    }
    let key = RsaPrivateKey::new(&mut OsRng, BITS).map_err(Error::internal)?;
    if let Some(file) = file {
        let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(Error::internal)?;
        file.write(pem.as_bytes()).map_err(Error::internal)?;
    }
    SigningKey::of(&key)
}

impl SigningKey {
    fn of(key: &RsaPrivateKey) -> Result<Arc<Self>> {
        let der = key.to_pkcs1_der().map_err(Error::internal)?;
        let (n, e) = (BASE64_URL.encode(key.n().to_bytes_be()), BASE64_URL.encode(key.e().to_bytes_be()));
        // The thumbprint of RFC 7638.
        let kid = hex::encode(&Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#))[..16]);
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });
        let decoding = DecodingKey::from_rsa_components(&n, &e).map_err(Error::internal)?;
        Ok(Arc::new(Self { kid, encoding: EncodingKey::from_rsa_der(der.as_bytes()), decoding, jwk }))
    }
}
