//! The providers' own servers, as far as signing in asks them anything. How requests travel is none of the domain's business.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Provider, Social};
use crate::domain::auth::secret::Secret;
use crate::domain::error::{Code, Error, Result};

/// A request to a provider: POST with a form, GET without.
#[derive(Debug, Clone)]
pub struct Request {
    pub url: String,
    pub bearer: Option<Secret>,
    pub form: Option<Vec<(&'static str, Secret)>>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// `max-age` of `Cache-Control`, in seconds.
    pub max_age: Option<u64>,
}

/// An answer on its way; the text of an error is for the log.
pub type Answering<'a> = Pin<Box<dyn Future<Output = std::result::Result<Answer, String>> + Send + 'a>>;

/// What carries requests to providers.
pub trait Web: Send + Sync + std::fmt::Debug {
    /// Sends a request and follows no redirects. Answers are read up to a size that no sound one exceeds.
    fn send(&self, request: Request) -> Answering<'_>;
}

/// Where the providers are. Other addresses than the real ones are for tests; no request can set them.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub google_authorize: String,
    pub google_token: String,
    pub google_keys: String,
    pub github_authorize: String,
    pub github_token: String,
    pub github_user: String,
    pub github_emails: String,
    /// An exchange that takes longer has failed.
    pub limit: Duration,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            google_authorize: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            google_token: "https://oauth2.googleapis.com/token".to_owned(),
            google_keys: "https://www.googleapis.com/oauth2/v3/certs".to_owned(),
            github_authorize: "https://github.com/login/oauth/authorize".to_owned(),
            github_token: "https://github.com/login/oauth/access_token".to_owned(),
            github_user: "https://api.github.com/user".to_owned(),
            github_emails: "https://api.github.com/user/emails".to_owned(),
            limit: Duration::from_secs(10),
        }
    }
}

impl Request {
    pub fn get(url: &str) -> Self {
        Self { url: url.to_owned(), bearer: None, form: None }
    }

    pub fn with_token(url: &str, token: &str) -> Self {
        Self { bearer: Some(Secret::new(token)), ..Self::get(url) }
    }

    pub fn post(url: &str, form: Vec<(&'static str, Secret)>) -> Self {
        Self { form: Some(form), ..Self::get(url) }
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// 500 `auth/oauth-callback-failed`.
    pub fn json<T: DeserializeOwned>(&self, provider: Provider) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| super::identity::nonsense(provider).because(format!("status {}: {error}", self.status)))
    }
}

impl Social {
    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Sends a request to a provider.
    ///
    /// # Errors
    /// 500 `auth/oauth-callback-failed` when it cannot be reached or has failed itself.
    pub(super) async fn ask(&self, provider: Provider, request: Request) -> Result<Answer> {
        let web = self.web.as_ref().ok_or_else(|| unreachable(provider).because("nothing carries requests"))?;
        let answer = web.send(request).await.map_err(|error| unreachable(provider).because(error))?;
        if answer.status >= 500 || (300..400).contains(&answer.status) {
            return Err(unreachable(provider).because(format!("status {}", answer.status)));
        }
        Ok(answer)
    }

    /// Waits for an exchange with a provider, up to the limit.
    ///
    /// # Errors
    /// 500 `auth/oauth-callback-failed` past it.
    pub(super) async fn within_limit<T>(&self, provider: Provider, exchange: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.endpoints.limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(unreachable(provider).because("the time is up")),
        }
    }
}

/// 500 `auth/oauth-callback-failed`.
pub(super) fn failed(message: String) -> Error {
    Error::new(Code::OAUTH_CALLBACK_FAILED, message)
}

fn unreachable(provider: Provider) -> Error {
    failed(format!("{} cannot be reached at the moment; try again", provider.title()))
}
