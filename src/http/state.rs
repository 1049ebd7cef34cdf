//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use tokio::sync::watch;

use super::ApiError;
use super::mcp;
use super::metrics::Metrics;
use super::server::Settings;
use crate::domain::backend::Backend;
use crate::domain::error::Error;
use crate::domain::rate_limit::RateLimiter;

/// The running application; dereferences to the backend.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    backend: Arc<Backend>,
    settings: Settings,
    metrics: Metrics,
    data_limits: RateLimiter,
    mcp: mcp::Shared,
    stopping: watch::Sender<bool>,
    /// The same, for every request to look at.
    is_stopping: AtomicBool,
}

/// Tells when the server stops, for answers that would otherwise go on forever.
#[derive(Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl State {
    pub fn new(backend: Arc<Backend>, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            backend,
            settings,
            metrics: Metrics::default(),
            data_limits: RateLimiter::default(),
            mcp: mcp::Shared::default(),
            stopping: watch::Sender::new(false),
            is_stopping: AtomicBool::new(false),
        }))
    }

    pub fn backend(&self) -> &Arc<Backend> {
        &self.0.backend
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Requests counted against `dataRateLimit`.
    pub fn data_limits(&self) -> &RateLimiter {
        &self.0.data_limits
    }

    /// What the endpoint of AI tools keeps.
    pub fn mcp(&self) -> &mcp::Shared {
        &self.0.mcp
    }

    /// What streams watch, so that stopping does not wait for them.
    pub fn stopping(&self) -> Stopping {
        Stopping(self.0.stopping.subscribe())
    }

    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Relaxed)
    }

    /// From now on new requests get 503 and streams end.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
        self.0.stopping.send_replace(true);
    }

    /// The state of the application a request came to.
    pub fn of(request: &HttpRequest) -> Result<&Self, Error> {
        request.app_data::<web::Data<Self>>().map(|data| data.get_ref()).ok_or_else(|| Error::internal("the application has no state"))
    }
}

impl Stopping {
    /// Returns once the server stops.
    pub async fn wait(&mut self) {
        // An error means that the application is gone altogether.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    pub fn now(&self) -> bool {
        *self.0.borrow()
    }
}

impl Deref for State {
    type Target = Arc<Backend>;

    fn deref(&self) -> &Arc<Backend> {
        &self.0.backend
    }
}

impl FromRequest for State {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(request).cloned().map_err(ApiError::from))
    }
}
