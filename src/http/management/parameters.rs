//! Query parameters and conditional headers of the management API.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::page::Page;
use crate::domain::tenancy::version::Expected;
use crate::http::ApiError;

/// The query of a request; parameters nobody asks for are ignored.
pub struct Parameters {
    pairs: Vec<(String, String)>,
    if_match: Option<String>,
}

impl FromRequest for Parameters {
    type Error = ApiError;
    type Future = std::future::Ready<std::result::Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
        let if_match = request.headers().get(header::IF_MATCH).map(|v| v.to_str().unwrap_or_default().to_owned());
        std::future::ready(Ok(Self { pairs, if_match }))
    }
}

impl Parameters {
    /// The parameter as it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
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

    /// The version a change is meant for (RFC 9110 §13.1.1). Weak tags never match.
    ///
    /// # Errors
    /// 400 `data/invalid-header` for an `If-Match` that can't be read.
    pub fn expected(&self) -> Result<Expected> {
        let Some(text) = self.if_match.as_deref().map(str::trim) else { return Ok(Expected::Any) };
        if text == "*" {
            return Ok(Expected::Any);
        }
        let tags = text.split(',').map(|tag| {
            let strong = tag.trim().strip_prefix("W/").map_or_else(|| tag.trim(), |_| "\"\"");
            strong.strip_prefix('"').and_then(|t| t.strip_suffix('"')).map(str::to_owned)
        });
        let tags: Option<Vec<String>> = tags.collect();
        tags.map(Expected::OneOf).ok_or_else(|| Error::new(Code::INVALID_HEADER, format!("If-Match must be an ETag in quotes, not {}", clip(text))))
    }
}
