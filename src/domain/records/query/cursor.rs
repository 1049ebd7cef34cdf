//! Cursors: where a list goes on, without counting (`02-data.md` §6.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::error::{Error, Result};
use crate::store::query::ast::{Filter, Search, SortKey};

/// Where a list with a cursor begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Begin {
    Start,
    /// After the record at this position, as the store wrote it.
    After(Value),
}

/// A token for the client: URL-safe base64 of JSON, without padding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Names the query it belongs to: [`fingerprint`].
    #[serde(rename = "q")]
    fingerprint: String,
    /// The store's position of the last record of a page.
    #[serde(rename = "p")]
    position: Value,
}

impl Cursor {
    pub fn new(fingerprint: &str, position: Value) -> Self {
        Self { fingerprint: fingerprint.to_owned(), position }
    }

    pub fn encode(&self) -> String {
        // A text and a JSON value always serialise.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the position in a token made for the query with this fingerprint.
    ///
    /// # Errors
    /// `common/invalid-parameters` for a token of another query or one that is none.
    pub fn decode(token: &str, fingerprint: &str) -> Result<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let cursor = cursor.ok_or_else(not_a_cursor)?;
        if cursor.fingerprint != fingerprint {
            let message = "cursor belongs to a query with another table, filter, search or order; repeat that query, or leave cursor empty to start again";
            return Err(Error::invalid_parameter("cursor", message));
        }
        Ok(cursor.position)
    }
}

pub(super) fn not_a_cursor() -> Error {
    Error::invalid_parameter("cursor", "cursor is not one this server made; leave it empty to start at the beginning")
}

/// Identifies what a list shows and in which order.
pub(super) fn fingerprint(table: &str, filter: &Filter, search: Option<&Search>, sort: &[SortKey]) -> String {
    let text = format!("{table}\n{filter:?}\n{search:?}\n{sort:?}");
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}
