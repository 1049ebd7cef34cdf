//! From the text of a key to what it may do, cached in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;

use super::scopes::Scopes;
use super::value::{KeyKind, is_well_formed, sha256};
use crate::domain::error::{Code, Error, Result};
use crate::domain::time;
use crate::store::control::KeyRow;
use crate::store::{Database, StoreError};

/// `lastUsedAt` moves at most this often.
const TOUCH_INTERVAL: i64 = 60_000;
/// Keys held in memory; beyond that the cache starts anew.
const CAPACITY: usize = 10_000;

/// A living or revoked key.
#[derive(Debug)]
pub struct ApiKey {
    pub id: String,
    pub environment_id: String,
    pub kind: KeyKind,
    pub name: String,
    pub scopes: Scopes,
    pub expires_at: Option<i64>,
    pub revoked: bool,
    last_used_at: AtomicI64,
}

/// Keys by the SHA-256 of their value: looking up a hash leaks nothing about the value through timing.
#[derive(Default)]
pub struct KeyCache(RwLock<Cached>);

#[derive(Default)]
struct Cached {
    keys: HashMap<[u8; 32], Arc<ApiKey>>,
    /// Moves with every invalidation, so that what was read before one is not kept after it.
    generation: u64,
}

impl ApiKey {
    pub fn from_row(row: &KeyRow) -> Result<Self> {
        let scopes: Vec<String> = serde_json::from_str(&row.scopes).map_err(Error::internal)?;
        Ok(Self {
            id: row.id.clone(),
            environment_id: row.environment_id.clone(),
            kind: KeyKind::from_name(&row.kind).ok_or_else(|| Error::internal("unknown key type"))?,
            name: row.name.clone(),
            scopes: Scopes::parse(&scopes)?,
            expires_at: row.expires_at,
            revoked: row.revoked_at.is_some(),
            last_used_at: AtomicI64::new(row.last_used_at.unwrap_or(0)),
        })
    }
}

impl KeyCache {
    /// The key with this value, living now.
    ///
    /// # Errors
    /// 401 `auth/invalid-token-format`, `auth/invalid-api-key`, `auth/api-key-revoked`, `auth/api-key-expired`.
    pub async fn resolve(&self, control: &Arc<Database>, value: &str) -> Result<Arc<ApiKey>> {
        if !is_well_formed(value) {
            return Err(Error::new(Code::INVALID_TOKEN_FORMAT, "An API key is pk_ or sk_ followed by 64 hexadecimal characters; check X-API-Key"));
        }
        let hash = sha256(value);
        let cached = self.0.read().keys.get(&hash).cloned();
        let key = match cached {
            Some(key) => key,
            None => self.load(control, hash).await?,
        };
        if key.revoked {
            return Err(Error::new(Code::API_KEY_REVOKED, "This API key was deleted; use another one"));
        }
        let now = time::now();
        if key.expires_at.is_some_and(|at| now >= at) {
            return Err(Error::new(Code::API_KEY_EXPIRED, "This API key has expired; create a new one"));
        }
        touch(control, &key, now);
        Ok(key)
    }

    async fn load(&self, control: &Arc<Database>, hash: [u8; 32]) -> Result<Arc<ApiKey>> {
        let generation = self.0.read().generation;
        let row = control.read::<_, Error, _>(move |r| Ok(r.key_by_hash(&hash)?)).await?;
        let row = row.ok_or_else(|| Error::new(Code::INVALID_API_KEY, "No API key of this server has this value; check X-API-Key"))?;
        let key = Arc::new(ApiKey::from_row(&row)?);
        let mut cache = self.0.write();
        if cache.keys.len() >= CAPACITY {
            cache.keys.clear();
        }
        if cache.generation == generation {
            cache.keys.insert(hash, Arc::clone(&key));
        }
        Ok(key)
    }

    /// Forgets what is cached, after keys or environments were changed.
    pub fn clear(&self) {
        let mut cache = self.0.write();
        cache.keys.clear();
        cache.generation += 1;
    }
}

/// Notes the use of a key, off the request's path and at most once a minute.
fn touch(control: &Arc<Database>, key: &Arc<ApiKey>, now: i64) {
    let last = key.last_used_at.load(Ordering::Relaxed);
    if now - last < TOUCH_INTERVAL || key.last_used_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return;
    }
    let (control, id) = (Arc::clone(control), key.id.clone());
    tokio::spawn(async move {
        if let Err(error) = control.write::<_, StoreError, _>(move |tx| tx.touch_key(&id, now)).await {
            tracing::debug!(%error, "could not note the use of a key");
        }
    });
}
