//! Request bodies, read when a handler asks for them: credentials and permissions come first.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rest::access::is_data;
use super::{ApiError, State};
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::wrong_type;

/// Bytes of a JSON body unless a route says otherwise.
pub const JSON_LIMIT: usize = 1024 * 1024;

/// Unless the settings say otherwise.
const IDLE: Duration = Duration::from_secs(60);

/// A body not read yet.
pub struct Body {
    payload: Payload,
    content_type: Option<String>,
    absent: bool,
    /// How long the next bytes may take.
    idle: Duration,
    /// Of a route of `/v1/data`, whose errors have a code of their own for what is nested too deep.
    is_data: bool,
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = std::future::Ready<std::result::Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap_or("?").to_ascii_lowercase());
        let length = request.headers().get(header::CONTENT_LENGTH);
        let absent = length.is_none_or(|l| l == "0") && !request.headers().contains_key(header::TRANSFER_ENCODING);
        let idle = State::of(request).map_or(IDLE, |state| state.settings().upload_idle);
        std::future::ready(Ok(Self { payload: payload.take(), content_type, absent, idle, is_data: is_data(request.path()) }))
    }
}

impl Body {
    /// Whether the request says that it has no body.
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// The media type without parameters, lower-case.
    pub fn media_type(&self) -> Option<&str> {
        self.content_type.as_deref().map(|t| t.split(';').next().unwrap_or(t).trim())
    }

    /// The bytes, whatever their type.
    ///
    /// # Errors
    /// 413 `common/payload-too-large` beyond `limit`; 400 `common/invalid-json` when it does not come whole.
    pub async fn bytes(mut self, limit: usize) -> Result<BytesMut> {
        let mut bytes = BytesMut::new();
        let late = |_| Error::new(Code::INVALID_JSON, format!("The body did not come whole: no byte came for {} seconds", self.idle.as_secs()));
        while let Some(chunk) = tokio::time::timeout(self.idle, self.payload.next()).await.map_err(late)? {
            let chunk = chunk.map_err(|e| Error::new(Code::INVALID_JSON, "The body broke off before its end").because(e))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The fields of an HTML form; of repeated ones the last counts.
    ///
    /// # Errors
    /// 413 beyond `limit`, 415 `common/unsupported-media-type`.
    pub async fn form(self, limit: usize) -> Result<HashMap<String, String>> {
        if self.media_type() != Some("application/x-www-form-urlencoded") {
            return Err(Error::new(Code::UNSUPPORTED_MEDIA_TYPE, "This page reads forms; send Content-Type: application/x-www-form-urlencoded"));
        }
        let bytes = self.bytes(limit).await?;
        Ok(url::form_urlencoded::parse(&bytes).into_owned().collect())
    }

    /// The JSON value of the body; `None` when it is empty, whatever its `Content-Type` says.
    ///
    /// # Errors
    /// 413, 415 `common/unsupported-media-type`, 400 `common/invalid-json`.
    pub async fn json_value(self, limit: usize) -> Result<Option<Value>> {
        let is_json = self.media_type().is_none_or(|t| t == "application/json" || (t.starts_with("application/") && t.ends_with("+json")));
        let is_data = self.is_data;
        let bytes = self.bytes(limit).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        if !is_json {
            return Err(Error::new(Code::UNSUPPORTED_MEDIA_TYPE, "This route reads JSON; send Content-Type: application/json"));
        }
        parse_at(&bytes, is_data).map(Some)
    }

    /// The body as a typed value; an empty body counts as `{}`.
    ///
    /// # Errors
    /// As [`Body::json_value`], and 400 `common/invalid-parameters` naming the field for wrong types.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let value = self.json_value(JSON_LIMIT).await?.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        if !value.is_object() {
            return Err(Error::invalid_parameter("body", "The body must be a JSON object"));
        }
        typed(value)
    }

    /// The body as a stream of chunks.
    pub fn stream(self) -> Payload {
        self.payload
    }
}

/// JSON text as a value.
///
/// # Errors
/// 400 `common/invalid-json`; `common/invalid-parameters` with rule `depth` for nesting beyond what is ever read.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    parse_at(bytes, false)
}

/// The same; on routes of `/v1/data` too much nesting is `data/validation-error`.
fn parse_at(bytes: &[u8], is_data: bool) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("recursion limit") {
            let message = "The body is nested deeper than 64 levels";
            return match is_data {
                true => Error::validation("", "depth", message),
                false => Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new("body", "depth", message)]),
            };
        }
        Error::new(Code::INVALID_JSON, format!("The body is not valid JSON: {text}"))
    })
}

/// A typed value out of JSON.
///
/// # Errors
/// 400 `common/invalid-parameters` naming the field.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner().to_string();
        let field = inner.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()).map(str::to_owned);
        match field {
            Some(field) => Error::invalid_parameter(&field, format!("{field} is required")),
            None if path == "." => Error::invalid_parameter("body", wrong_type::told("The body", &inner)),
            None => Error::invalid_parameter(&path, wrong_type::told(&path, &inner)),
        }
    })
}

pub fn too_large(limit: usize) -> Error {
    let size = if limit >= 1024 * 1024 { format!("{} MiB", limit / (1024 * 1024)) } else { format!("{} KiB", limit / 1024) };
    Error::new(Code::PAYLOAD_TOO_LARGE, format!("The body is larger than the {size} this route accepts"))
}
