//! Reading a stored object by its key: whether it may be read that way (`05-storage.md` §6.2), and its bytes.

use std::io;
use std::sync::Arc;

use super::conditions::Validators;
use super::receive::failed;
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time::Millis;
use crate::store::Stored;
use crate::store::data::ServedRow;

/// How often an object may be replaced between the look at its row and the opening of its file.
const ATTEMPTS: usize = 8;

/// By what right an object is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// By its key alone.
    Plain,
    /// By a signed URL, whose signature was found right.
    Signed,
}

/// An object that may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub upload_id: String,
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub content_type: String,
    /// What it is saved as.
    pub name: String,
    pub modified: Millis,
    /// Whether everybody may keep it for a while.
    pub cacheable: bool,
    object: String,
}

/// Finds an object by its key, if it may be read that way.
///
/// # Errors
/// 404 `file/not-found` when there are no stored bytes; 403 `file/access-denied`.
pub async fn find(environment: &Arc<Environment>, key: &str, reading: Reading) -> Result<Found> {
    let owned = key.to_owned();
    let row = environment.data().read::<_, Error, _>(move |r| Ok(r.served(&owned)?)).await?;
    let row = row.ok_or_else(not_found)?;
    let unregistered = !row.registered;
    let public = row.visibility.as_deref() == Some("public");
    let open_key = unregistered && row.visibility.is_none() && environment.file_settings().read_unregistered_by_url;
    if reading == Reading::Plain && !public && !open_key {
        return Err(Error::new(Code::FILE_ACCESS_DENIED, "This file is not public; ask POST /v1/files/{id}/download-url for a signed URL"));
    }
    if reading == Reading::Plain && unregistered && !row.fetched {
        note_fetched(environment, &row).await;
    }
    Ok(Found {
        upload_id: row.upload_id,
        size: row.object.size,
        etag: row.object.etag,
        content_type: row.object.content_type,
        name: row.name,
        modified: row.object.stored_at,
        cacheable: reading == Reading::Plain && !unregistered,
        object: row.object.name,
    })
}

/// An app is showing it: it is kept, registered or not (§8).
async fn note_fetched(environment: &Arc<Environment>, row: &ServedRow) {
    let (id, now) = (row.upload_id.clone(), environment.now());
    let noted = environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_fetched(&id, now)?)).await;
    if let Err(error) = noted {
        // Reading goes on while writes have to wait.
        tracing::debug!(%error, "a first fetch was not noted");
    }
}

/// As [`find`], with the bytes when `wants_bytes` says so of what was found: all of one PUT, even when another replaces it now.
///
/// # Errors
/// As [`find`].
pub async fn open(environment: &Arc<Environment>, key: &str, reading: Reading, wants_bytes: impl Fn(&Found) -> bool) -> Result<(Found, Option<Stored>)> {
    for _ in 0..ATTEMPTS {
        let found = find(environment, key, reading).await?;
        if !wants_bytes(&found) {
            return Ok((found, None));
        }
        match found.open(environment).await {
            Ok(stored) if stored.size() == found.size => return Ok((found, Some(stored))),
            Ok(stored) => return Err(Error::internal(format!("object {} has {} bytes instead of {}", found.object, stored.size(), found.size))),
            // Replaced or deleted a moment ago: its row tells.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(Error::internal(format!("the object of key {key} is not there")))
}

impl Found {
    /// What conditions are held against.
    pub fn validators(&self) -> Validators<'_> {
        Validators { etag: &self.etag, modified: self.modified }
    }

    /// The value of `Cache-Control`.
    pub fn cache_control(&self) -> &'static str {
        if self.cacheable { "public, max-age=3600" } else { "private, no-cache" }
    }

    async fn open(&self, environment: &Arc<Environment>) -> io::Result<Stored> {
        let (objects, name) = (environment.objects().clone(), self.object.clone());
        tokio::task::spawn_blocking(move || objects.open(&name)).await.map_err(io::Error::other)?
    }
}

pub fn not_found() -> Error {
    Error::new(Code::FILE_NOT_FOUND, "There is no stored file under this key")
}

impl Backend {
    /// The environment a key belongs to: the one it begins with, or the one that holds it, as imported keys may look otherwise.
    /// `None` when neither exists.
    ///
    /// # Errors
    /// 503 when a database cannot be read.
    pub async fn environment_of_key(self: &Arc<Self>, key: &str) -> Result<Option<Arc<Environment>>> {
        let first = key.split('/').next().unwrap_or_default();
        let own = match self.environment(first).await {
            Ok(environment) if environment.holds_key(key).await? => return Ok(Some(environment)),
            Ok(environment) => Some(environment),
            Err(error) if error.code() == Code::ENVIRONMENT_NOT_FOUND => None,
            Err(error) => return Err(error),
        };
        if key.is_empty() || key.chars().count() > 500 {
            return Ok(own);
        }
        let rows = self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await?;
        for row in rows.iter().filter(|row| row.status == "active" && row.id != first) {
            let environment = self.environment(&row.id).await?;
            if environment.holds_key(key).await? {
                return Ok(Some(environment));
            }
        }
        Ok(own)
    }
}

impl Backend {
    /// The environment that has issued or imported a key.
    ///
    /// # Errors
    /// 503 when a database cannot be read.
    pub async fn holder_of_key(self: &Arc<Self>, key: &str) -> Result<Option<Arc<Environment>>> {
        match self.environment_of_key(key).await? {
            Some(environment) if environment.holds_key(key).await? => Ok(Some(environment)),
            _ => Ok(None),
        }
    }
}

impl Environment {
    async fn holds_key(self: &Arc<Self>, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.data().read::<_, Error, _>(move |r| Ok(r.has_key(&key)?)).await
    }
}
