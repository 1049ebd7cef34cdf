//! Versions of things that several people may change at once (`06-console.md` B1, "Versions").

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::error::{Code, Detail, Error, Result};

/// A thing and the version it is of.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub value: T,
    /// 16 hex characters that change with the thing.
    pub version: String,
}

impl<T: Serialize> Versioned<T> {
    /// # Errors
    /// None in practice: shapes of the wire always serialize.
    pub fn of(value: T) -> Result<Self> {
        let text = serde_json::to_vec(&value).map_err(Error::internal)?;
        let version = hex::encode(&Sha256::digest(&text)[..8]);
        Ok(Self { value, version })
    }

    /// Changes the value and keeps the version: for what only one answer shows.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut T)) -> Self {
        change(&mut self.value);
        self
    }
}

/// Which version a change is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    #[default]
    Any,
    OneOf(Vec<String>),
}

impl Expected {
    /// # Errors
    /// 412 `management/version-conflict` with the current state in `details`.
    pub fn check<T: Serialize>(&self, current: &Versioned<T>) -> Result<()> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current.version) => {
                let message = "Somebody has changed this since you read it; look at the current state and try again";
                let state = serde_json::to_value(&current.value).map_err(Error::internal)?;
                let detail = Detail::new("If-Match", "version", message).with("current", state).with("version", current.version.clone());
                Err(Error::with_details(Code::MANAGEMENT_VERSION_CONFLICT, vec![detail]))
            }
            _ => Ok(()),
        }
    }
}
