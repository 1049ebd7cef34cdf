//! Cursors: where a list goes on, without counting (`02-data.md` §6.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::error::{Error, Result};
use crate::store::query::ast::{Filter, Search, SortKey};

/// The last row of a page. On the wire: URL-safe base64 of JSON, without padding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Names the query it belongs to: [`fingerprint`].
    #[serde(rename = "q")]
    pub fingerprint: String,
    /// The row's value for every sort key of the query, in order; missing is null.
    #[serde(rename = "v")]
    pub values: Vec<Value>,
    #[serde(rename = "i")]
    pub id: String,
}

/// Where a list with a cursor begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Position {
    Start,
    After(Cursor),
}

impl Cursor {
    pub fn encode(&self) -> String {
        // A struct of strings and JSON values always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token made for the query with this fingerprint and number of sort keys.
    ///
    /// # Errors
    /// `common/invalid-parameters` for a token of another query or one that is none.
    pub fn decode(token: &str, fingerprint: &str, keys: usize) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let cursor =
            cursor.ok_or_else(|| Error::invalid_parameter("cursor", "cursor is not one this server made; leave it empty to start at the beginning"))?;
        if cursor.fingerprint != fingerprint || cursor.values.len() != keys {
            let message = "cursor belongs to a query with another table, filter, search or order; repeat that query, or leave cursor empty to start again";
            return Err(Error::invalid_parameter("cursor", message));
        }
        Ok(cursor)
    }
}

/// Identifies what a list shows and in which order.
pub(super) fn fingerprint(table: &str, filter: &Filter, search: Option<&Search>, sort: &[SortKey]) -> String {
    let text = format!("{table}\n{filter:?}\n{search:?}\n{sort:?}");
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}
