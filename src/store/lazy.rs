//! A database that is opened at its first use.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::database::Database;
use super::error::{StoreError, StoreResult};

/// Opens at most once; after [`LazyDatabase::close`] never again.
pub struct LazyDatabase {
    path: PathBuf,
    open: Box<dyn Fn() -> StoreResult<Arc<Database>> + Send + Sync>,
    state: Mutex<State>,
}

enum State {
    Unopened,
    Open(Arc<Database>),
    Closed,
}

impl LazyDatabase {
    pub(super) fn new(path: PathBuf, open: impl Fn() -> StoreResult<Arc<Database>> + Send + Sync + 'static) -> Self {
        Self { path, open: Box::new(open), state: Mutex::new(State::Unopened) }
    }

    /// The database, opened or created now if it was not; blocks then.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; whatever opening answers.
    pub fn get(&self) -> StoreResult<Arc<Database>> {
        let mut state = self.state.lock();
        match &*state {
            State::Open(database) => Ok(Arc::clone(database)),
            State::Closed => Err(StoreError::Closed),
            State::Unopened => {
                let database = (self.open)()?;
                *state = State::Open(Arc::clone(&database));
                Ok(database)
            }
        }
    }

    /// Bytes on the disk; 0 when it was never made.
    pub fn size(&self) -> u64 {
        super::database::size_of(&self.path)
    }

    /// Waits for queued writes and closes.
    pub fn close(&self) {
        let before = std::mem::replace(&mut *self.state.lock(), State::Closed);
        if let State::Open(database) = before {
            database.close();
        }
    }
}
