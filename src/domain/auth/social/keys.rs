//! Google's published keys (RFC 7517), kept for a while.

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use super::outside::Request;
use super::{Provider, Social, id_token};
use crate::domain::error::Result;
use crate::domain::time::Millis;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// An unknown key is looked for at the provider, but not more often than this.
const AGAIN: Millis = 60_000;

/// The keys read last.
#[derive(Debug, Default)]
pub struct KeyCache(tokio::sync::Mutex<Option<Held>>);

#[derive(Debug)]
struct Held {
    keys: Vec<Key>,
    fetched_at: Millis,
    until: Millis,
}

#[derive(Debug, Clone, Deserialize)]
struct Key {
    kid: Option<String>,
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

impl Social {
    /// The key of Google that a token names.
    ///
    /// # Errors
    /// 401 `auth/invalid-oauth-code` when it names none of them; 500 `auth/oauth-callback-failed` when they cannot be read.
    pub(super) async fn google_key(&self, token: &str, now: Millis) -> Result<DecodingKey> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| id_token::refused("is damaged").because(error))?;
        let kid = header.kid.ok_or_else(|| id_token::refused("names no key"))?;
        // Held while they are fetched, so that they are fetched once.
        let mut held = self.google_keys.0.lock().await;
        let known = held.as_ref().filter(|h| h.fetched_at <= now && now < h.until);
        let is_fresh_enough = known.is_some_and(|h| h.find(&kid).is_some() || now - h.fetched_at < AGAIN);
        if !is_fresh_enough {
            *held = Some(self.fetch_google_keys(now).await?);
        }
        let key = held.as_ref().and_then(|h| h.find(&kid)).ok_or_else(|| id_token::refused("is signed by no key of Google"))?;
        DecodingKey::from_rsa_components(&key.n, &key.e).map_err(|error| super::identity::nonsense(Provider::Google).because(error))
    }

    async fn fetch_google_keys(&self, now: Millis) -> Result<Held> {
        let answer = self.ask(Provider::Google, Request::get(&self.endpoints().google_keys)).await?;
        let set: KeySet = answer.json(Provider::Google)?;
        let lifetime = answer.max_age.map_or(DAY, |seconds| Millis::try_from(seconds.saturating_mul(1000)).unwrap_or(DAY).min(DAY));
        Ok(Held { keys: set.keys, fetched_at: now, until: now + lifetime })
    }
}

impl Held {
    fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid.as_deref() == Some(kid) && key.kty == "RSA")
    }
}
