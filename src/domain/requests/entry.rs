//! An entry of the request log: as it is taken, as it is stored, as it is shown.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::redact;
use crate::domain::caller::Caller;
use crate::domain::error::{Error, Result};
use crate::domain::time;
use crate::store::log::RequestRow;

/// Bytes kept of a body, each way.
pub const BODY_LIMIT: usize = 16 * 1024;

/// A request that was answered, in forms that are cheap to take; secrets are masked when it is written.
#[derive(Debug)]
pub struct Entry {
    pub id: String,
    pub request_id: String,
    pub method: Cow<'static, str>,
    /// Path and query.
    pub target: String,
    pub status: u16,
    pub duration_us: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub caller: Caller,
    pub error_code: Option<&'static str>,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// `name: value` lines of the request.
    pub headers: Vec<u8>,
    /// The same of the answer.
    pub response_headers: Vec<u8>,
    pub bodies: Option<Box<Bodies>>,
    /// Why the permissions allowed or refused it.
    pub decision: Option<String>,
    /// Time spent in the database, in microseconds.
    pub query_us: Option<u64>,
}

/// JSON bodies, cut off at [`BODY_LIMIT`].
#[derive(Debug, Default)]
pub struct Bodies {
    pub request: Option<Body>,
    pub response: Option<Body>,
}

#[derive(Debug)]
pub struct Body {
    pub bytes: Bytes,
    /// Nothing is missing.
    pub whole: bool,
}

/// An entry of the request log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    pub id: String,
    pub request_id: String,
    pub method: String,
    pub path: String,
    /// Without `?`; secret values are masked.
    pub query: String,
    pub status: u16,
    pub duration_ms: f64,
    pub bytes_in: i64,
    pub bytes_out: i64,
    pub caller: CallerInfo,
    pub error_code: Option<String>,
    pub user_agent: Option<String>,
    #[schema(format = DateTime)]
    pub at: String,
}

/// Who sent a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallerInfo {
    /// `guest`, `user`, or `key` for secret keys.
    #[serde(rename = "type")]
    #[schema(inline)]
    pub kind: String,
    pub key_id: Option<String>,
    pub key_name: Option<String>,
    pub user_id: Option<String>,
}

/// An entry with everything that was kept of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestDetail {
    #[serde(flatten)]
    pub entry: RequestEntry,
    /// Headers of the request; secret values are masked.
    #[schema(value_type = Object)]
    pub headers: Value,
    #[schema(value_type = Object)]
    pub response_headers: Value,
    /// JSON text, the first 16 KiB, if the project's `requestLogBodies` asks for it.
    pub request_body: Option<String>,
    pub response_body: Option<String>,
    /// Why the permissions allowed or refused the request.
    pub decision: Option<String>,
    /// Time spent in the database.
    pub query_ms: Option<f64>,
}

impl Entry {
    pub fn body_bytes(&self) -> usize {
        let length = |body: &Option<Body>| body.as_ref().map_or(0, |b| b.bytes.len());
        self.bodies.as_ref().map_or(0, |b| length(&b.request) + length(&b.response))
    }

    /// The entry as it is kept: without secrets.
    pub(super) fn to_row(&self) -> RequestRow {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let key = self.caller.key();
        let headers = headers(&self.headers);
        RequestRow {
            id: self.id.clone(),
            request_id: self.request_id.clone(),
            method: self.method.clone().into_owned(),
            path: redact::path(path).into_owned(),
            query: redact::query(query),
            status: self.status,
            duration_us: self.duration_us as i64,
            bytes_in: self.bytes_in as i64,
            bytes_out: self.bytes_out as i64,
            caller_type: kind(&self.caller).to_owned(),
            key_id: key.map(|k| k.id.clone()),
            key_name: key.map(|k| k.name.clone()),
            user_id: self.caller.user().map(|u| u.id.clone()),
            error_code: self.error_code.map(str::to_owned),
            user_agent: headers.get("user-agent").and_then(Value::as_str).map(|agent| agent.chars().take(300).collect()),
            at: self.at,
            detail: Some(self.detail(headers)),
        }
    }

    fn detail(&self, request_headers: Map<String, Value>) -> String {
        let text = |body: &Option<Body>| body.as_ref().map(|b| redact::body_text(&b.bytes, b.whole));
        let bodies = self.bodies.as_deref();
        json!({
            "headers": request_headers, "responseHeaders": headers(&self.response_headers),
            "requestBody": bodies.and_then(|b| text(&b.request)), "responseBody": bodies.and_then(|b| text(&b.response)),
            "decision": self.decision, "queryUs": self.query_us,
        })
        .to_string()
    }
}

fn kind(caller: &Caller) -> &'static str {
    match caller {
        Caller::Guest { .. } => "guest",
        Caller::User { .. } => "user",
        Caller::SecretKey { .. } | Caller::Tenant(_) => "key",
    }
}

/// `name: value` lines as an object; secret values are masked.
fn headers(lines: &[u8]) -> Map<String, Value> {
    let text = String::from_utf8_lossy(lines);
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let shown = |name: &str, value: &str| match name {
        // The page a browser came from, or is sent to, may carry a token in its address.
        "referer" | "location" => redact::address(value),
        _ if redact::is_secret_name(name) => redact::MASK.to_owned(),
        _ => value.to_owned(),
    };
    pairs.map(|(name, value)| (name.to_owned(), Value::from(shown(name, value)))).collect()
}

impl From<RequestRow> for RequestEntry {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.id,
            request_id: row.request_id,
            method: row.method,
            path: row.path,
            query: row.query,
            status: row.status,
            duration_ms: row.duration_us as f64 / 1e3,
            bytes_in: row.bytes_in,
            bytes_out: row.bytes_out,
            caller: CallerInfo { kind: row.caller_type, key_id: row.key_id, key_name: row.key_name, user_id: row.user_id },
            error_code: row.error_code,
            user_agent: row.user_agent,
            at: time::iso(row.at),
        }
    }
}

impl RequestDetail {
    pub(super) fn from_row(mut row: RequestRow) -> Result<Self> {
        let detail = row.detail.take().unwrap_or_else(|| "{}".to_owned());
        let mut detail: Value = serde_json::from_str(&detail).map_err(Error::internal)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            request_body: text(&detail["requestBody"]),
            response_body: text(&detail["responseBody"]),
            decision: text(&detail["decision"]),
            query_ms: detail["queryUs"].as_f64().map(|us| us / 1e3),
            headers: detail["headers"].take(),
            response_headers: detail["responseHeaders"].take(),
            entry: RequestEntry::from(row),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_headers_are_masked() {
        let shown = headers(b"authorization: Bearer x\ncookie: a=b\nx-api-key: pk_1\naccept: */*\nreferer: http://a/?token=t&b=1\n");
        let expected = json!({ "authorization": "•••", "cookie": "•••", "x-api-key": "•••", "accept": "*/*", "referer": "http://a/?token=•••&b=1" });
        assert_eq!(Value::Object(shown), expected);
    }
}
