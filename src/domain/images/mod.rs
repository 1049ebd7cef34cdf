//! Pictures made from stored ones on their way out (`05-storage.md` §7): the grammar of their paths, the transformation, the
//! pool it runs on, and the cache of what was made.

mod animation;
mod crop;
mod decode;
mod encode;
mod options;
mod path;
mod pixels;
mod pool;
mod render;
mod serve;
mod stop;

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::error::{Code, Error, Result};
use crate::store::PictureCache;

pub use options::{Format, Options, Size};
pub use path::Path;
use pool::{PATIENCE, Pool};
use render::Plan;
pub use serve::Served;

/// Why there is no picture.
#[derive(Debug)]
pub enum Refusal {
    /// No source within the limits.
    Unreadable(String),
    /// A result that no file can hold.
    Impossible(String),
    /// It waited or worked too long, or nobody waits any more.
    TooLong,
    /// A bug.
    Inside(String),
}

impl Refusal {
    fn unreadable(message: impl Into<String>) -> Self {
        Self::Unreadable(message.into())
    }

    fn inside(cause: impl std::fmt::Display) -> Self {
        Self::Inside(cause.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreadable(message) => Self::new(Code::FILE_INVALID_FORMAT, message),
            Refusal::Impossible(message) => Self::new(Code::FILE_INVALID_TRANSFORM, message),
            Refusal::TooLong => Self::unavailable("The picture could not be made within 10 seconds; try again, or ask for a smaller one"),
            Refusal::Inside(cause) => Self::internal(cause),
        }
    }
}

/// A stored file that somebody may read now.
pub struct Stored {
    pub environment_id: String,
    pub file_id: String,
    /// Of the object, without quotes.
    pub etag: String,
    pub size: u64,
    pub file: File,
}

/// What is served for it.
pub enum Picture {
    Made(Made),
    /// An animation nothing was asked of: the file as it is stored.
    Unchanged,
}

/// A finished picture.
pub struct Made {
    pub bytes: Bytes,
    pub format: Format,
    /// Strong, without quotes: of the source, the options and this version of the program.
    pub etag: String,
}

/// The pictures of a server.
pub struct Pictures {
    pool: Pool,
    cache: Arc<PictureCache>,
    making: Arc<Mutex<HashMap<Name, Weak<Making>>>>,
}

/// Where a result lies in the cache: `<environment>/<file, hashed>/<source and options, hashed>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name {
    folder: String,
    etag: String,
}

/// A picture that somebody makes, and others may wait for.
#[derive(Default)]
struct Making {
    turn: tokio::sync::Mutex<()>,
    /// Its source was deleted meanwhile: it must not go into the cache.
    unwanted: AtomicBool,
}

/// Takes part in the making of a picture; the last one takes it off the list.
struct Share {
    making: Option<Arc<Making>>,
    name: Name,
    list: Arc<Mutex<HashMap<Name, Weak<Making>>>>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut list = self.list.lock();
        drop(self.making.take());
        if list.get(&self.name).is_some_and(|making| making.strong_count() == 0) {
            list.remove(&self.name);
        }
    }
}

impl Pictures {
    pub(super) fn new(cache: PictureCache) -> Self {
        Self { pool: Pool::default(), cache: Arc::new(cache), making: Arc::default() }
    }

    /// A stored file as `options` want it, from the cache or made now; `webp`: the caller takes WebP. Whether the file may be
    /// read is the caller's to check, each time.
    ///
    /// # Errors
    /// 400 `file/invalid-format` for what cannot be transformed, `file/invalid-transform` for a result that cannot be; 503
    /// `common/unavailable` after ten seconds.
    pub async fn picture(&self, stored: Stored, options: Options, webp: bool) -> Result<Picture> {
        let name = Name::of(&stored, &options.normal_form(webp));
        if let Some(made) = self.cached(&name).await? {
            return Ok(Picture::Made(made));
        }
        let deadline = Instant::now() + PATIENCE;
        let share = self.share(&name);
        let making = share.making.clone().unwrap_or_default();
        let _turn = timeout_at(deadline, making.turn.lock()).await.map_err(|_| Refusal::TooLong)?;
        if let Some(made) = self.cached(&name).await? {
            return Ok(Picture::Made(made));
        }
        let Some((bytes, format)) = self.make(deadline, &stored, options, webp).await? else { return Ok(Picture::Unchanged) };
        let bytes = Bytes::from(bytes);
        self.keep(&name, &bytes, &making).await?;
        Ok(Picture::Made(Made { bytes, format, etag: name.etag }))
    }

    async fn make(&self, deadline: Instant, stored: &Stored, options: Options, webp: bool) -> Result<Option<(Vec<u8>, Format)>> {
        let (file, size) = (stored.file.try_clone().map_err(Error::internal)?, stored.size);
        let weight = |plan: &Plan| match plan {
            Plan::Make(job) => job.weight(),
            Plan::Unchanged => 0,
        };
        let work = |plan, stop: &stop::Stop| match plan {
            Plan::Make(job) => render::render(*job, stop).map(Some),
            Plan::Unchanged => Ok(None),
        };
        Ok(self.pool.run(deadline, move |stop| render::plan(file, size, options, webp, stop), weight, work).await?)
    }

    async fn cached(&self, name: &Name) -> Result<Option<Made>> {
        let (cache, wanted) = (Arc::clone(&self.cache), name.clone());
        let found = blocking(move || cache.get(&wanted.folder, &wanted.etag)).await?;
        let known = found.and_then(|bytes| Some((Format::of(&bytes)?, bytes)));
        Ok(known.map(|(format, bytes)| Made { bytes: bytes.into(), format, etag: name.etag.clone() }))
    }

    async fn keep(&self, name: &Name, bytes: &Bytes, making: &Arc<Making>) -> Result<()> {
        let (cache, name, bytes, making) = (Arc::clone(&self.cache), name.clone(), bytes.clone(), Arc::clone(making));
        let kept = blocking(move || cache.put(&name.folder, &name.etag, &bytes, || !making.unwanted.load(Ordering::Acquire))).await?;
        if let Err(error) = kept {
            tracing::warn!(%error, "a picture could not be cached");
        }
        Ok(())
    }

    fn share(&self, name: &Name) -> Share {
        let mut list = self.making.lock();
        let making = list.get(name).and_then(Weak::upgrade).unwrap_or_else(|| {
            let making = Arc::default();
            list.insert(name.clone(), Arc::downgrade(&making));
            making
        });
        Share { making: Some(making), name: name.clone(), list: Arc::clone(&self.making) }
    }

    /// Removes everything made of a file that was deleted. Blocks.
    pub fn forget(&self, environment_id: &str, file_id: &str) {
        self.forget_folder(&folder(environment_id, file_id));
    }

    /// Removes everything made of an environment's files. Blocks.
    pub fn forget_environment(&self, environment_id: &str) {
        self.forget_folder(environment_id);
    }

    fn forget_folder(&self, folder: &str) {
        for (name, making) in self.making.lock().iter() {
            if name.folder.starts_with(folder)
                && let Some(making) = making.upgrade()
            {
                making.unwanted.store(true, Ordering::Release);
            }
        }
        if let Err(error) = self.cache.remove(folder) {
            tracing::warn!(%error, "cached pictures could not be removed");
        }
    }
}

impl Name {
    fn of(stored: &Stored, options: &str) -> Self {
        let etag = hashed(&[env!("CARGO_PKG_VERSION"), &stored.etag, options]);
        Self { folder: folder(&stored.environment_id, &stored.file_id), etag }
    }
}

fn folder(environment_id: &str, file_id: &str) -> String {
    format!("{environment_id}/{}", hashed(&[file_id]))
}

/// 32 hex characters.
fn hashed(parts: &[&str]) -> String {
    hex::encode(&Sha256::digest(parts.join("\n"))[..16])
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}
