//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::ApiError;
use super::server::Settings;
use crate::domain::backend::Backend;
use crate::domain::error::Error;

/// The running application; dereferences to the backend.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    backend: Arc<Backend>,
    settings: Settings,
}

impl State {
    pub fn new(backend: Arc<Backend>, settings: Settings) -> Self {
        Self(Arc::new(Inner { backend, settings }))
    }

    pub fn backend(&self) -> &Arc<Backend> {
        &self.0.backend
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The state of the application a request came to.
    pub fn of(request: &HttpRequest) -> Result<&Self, Error> {
        request.app_data::<web::Data<Self>>().map(|data| data.get_ref()).ok_or_else(|| Error::internal("the application has no state"))
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
