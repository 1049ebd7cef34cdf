//! Query parameters and conditional headers of the management API.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::error::{Error, Result, clip};
use crate::domain::jobs::MAX_WAIT;
use crate::domain::page::Page;
use crate::domain::records::query::Params;
use crate::domain::tenancy::version::Expected;
use crate::http::ApiError;
use crate::http::rest::query::entity_tags;

/// The query of a request; parameters nobody asks for are ignored.
pub struct Parameters {
    pub query: Params,
    if_match: Option<Vec<String>>,
}

impl FromRequest for Parameters {
    type Error = ApiError;
    type Future = std::future::Ready<std::result::Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || Ok(Self { query: Params::parse(request.query_string())?, if_match: entity_tags(request, header::IF_MATCH)? });
        std::future::ready(read().map_err(|error: Error| error.into()))
    }
}

impl Parameters {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// The parameter, when it is there and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// `confirm=<name>` of the routes that cannot be undone.
    pub fn confirm(&self) -> Option<&str> {
        self.get("confirm")
    }

    /// # Errors
    /// `common/invalid-parameters` for a bad `page` or `limit`.
    pub fn page(&self) -> Result<Page> {
        Page::parse(self.get("page"), self.get("limit"))
    }

    /// `sortDirection`; descending unless it says otherwise.
    ///
    /// # Errors
    /// `common/invalid-parameters` for anything but `asc` and `desc`.
    pub fn is_ascending(&self) -> Result<bool> {
        match self.get("sortDirection").unwrap_or("desc").to_ascii_lowercase().as_str() {
            "asc" => Ok(true),
            "desc" => Ok(false),
            other => Err(Error::invalid_parameter("sortDirection", format!("sortDirection must be asc or desc, not \"{}\"", clip(other)))),
        }
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// `common/invalid-parameters` for anything else.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None | Some("" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Error::invalid_parameter(name, format!("{name} must be true or false, not \"{}\"", clip(other)))),
        }
    }

    /// Whether a copy is to be taken before the call: unless `snapshot=false`.
    pub fn wants_snapshot(&self) -> Result<bool> {
        if self.get("snapshot").is_none_or(str::is_empty) { Ok(true) } else { self.flag("snapshot") }
    }

    /// Seconds to wait for a job: `wait`, 0–30.
    ///
    /// # Errors
    /// `common/invalid-parameters` for anything else.
    pub fn wait(&self) -> Result<Duration> {
        let Some(text) = self.get("wait").filter(|text| !text.is_empty()) else { return Ok(Duration::ZERO) };
        let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= MAX_WAIT);
        let refuse = || Error::invalid_parameter("wait", format!("wait must be a number of seconds from 0 to {MAX_WAIT}, not \"{}\"", clip(text)));
        seconds.map(Duration::from_secs).ok_or_else(refuse)
    }

    /// The entity tags of `If-Match`, quotes included; `None` without the header.
    pub fn if_match(&self) -> Option<Vec<String>> {
        self.if_match.clone()
    }

    /// The version a change is meant for (RFC 9110 §13.1.1).
    pub fn expected(&self) -> Expected {
        match &self.if_match {
            Some(tags) if !tags.iter().any(|tag| tag == "*") => Expected::OneOf(tags.iter().map(|tag| tag.trim_matches('"').to_owned()).collect()),
            _ => Expected::Any,
        }
    }
}
