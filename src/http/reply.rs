//! Successful answers of `/v1`, bare or enveloped as the project, or the request, wants them.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use serde::Serialize;

use super::context::Context;
use crate::domain::error::{Error, Result};
use crate::domain::project::Envelope;

/// An answer under construction: JSON text and headers.
pub struct Reply {
    status: StatusCode,
    json: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
    both_levels: bool,
}

impl Reply {
    /// 200 with JSON text.
    pub fn json(json: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, json: json.into(), headers: Vec::new(), both_levels: false }
    }

    /// 200 with a value.
    pub fn ok(value: &impl Serialize) -> Result<Self> {
        Ok(Self::json(serde_json::to_vec(value).map_err(Error::internal)?))
    }

    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Enveloped, the members stand at the top level too: some clients read them there only.
    #[must_use]
    pub fn at_both_levels(mut self) -> Self {
        self.both_levels = true;
        self
    }

    /// The answer in the style that applies to this request.
    pub fn send(self, request: &HttpRequest) -> HttpResponse {
        let body = match style(request) {
            Envelope::Bare => self.json,
            Envelope::Envelope => enveloped(&self.json, self.both_levels).into(),
        };
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
        for pair in self.headers {
            answer.insert_header(pair);
        }
        answer.body(body)
    }
}

fn enveloped(json: &[u8], both_levels: bool) -> Vec<u8> {
    let mut body = Vec::with_capacity(json.len() + 26);
    body.extend_from_slice(br#"{"success":true,"data":"#);
    body.extend_from_slice(json);
    match json.strip_prefix(b"{") {
        Some(members) if both_levels && json.len() > 2 => {
            body.push(b',');
            body.extend_from_slice(members);
        }
        _ => body.push(b'}'),
    }
    body
}

/// `X-Bkend-Envelope`, else the project's setting.
pub fn style(request: &HttpRequest) -> Envelope {
    match request.headers().get("x-bkend-envelope").and_then(|v| v.to_str().ok()) {
        Some(v) if v.eq_ignore_ascii_case("bare") => Envelope::Bare,
        Some(v) if v.eq_ignore_ascii_case("envelope") => Envelope::Envelope,
        _ => Context::of(request).access.borrow().as_ref().map_or(Envelope::Bare, |a| a.environment.project().settings().response_envelope),
    }
}
