//! Signing in through Google and GitHub, real or simulated (`03-auth.md` §6).

pub mod authorize;
pub mod callback;
mod enter;
mod exchange;
mod github;
mod google;
mod id_token;
mod identity;
mod keys;
pub mod outside;
mod provider;
pub mod state;

use std::sync::Arc;

pub use callback::Posted;
pub use exchange::{Code as AuthorizationCode, Credential, Proof, prove};
pub(super) use id_token::{Claims, Expected, verify as verify_id_token};
pub(super) use identity::Told;
pub use identity::{Identity, is_picture};
pub use outside::{Endpoints, Web};
pub use provider::{Mode, Provider, callback_uri};

use super::simulator::key::KeyHolder;
use crate::domain::error::{Code, Error};

/// What signing in through providers needs while a server runs; all its environments share it.
#[derive(Debug)]
pub struct Social {
    web: Option<Arc<dyn Web>>,
    endpoints: Endpoints,
    google_keys: keys::KeyCache,
    simulator_key: KeyHolder,
}

impl Social {
    pub fn new(web: Option<Arc<dyn Web>>, endpoints: Endpoints, simulator_key: KeyHolder) -> Self {
        Self { web, endpoints, google_keys: keys::KeyCache::default(), simulator_key }
    }

    /// The key that ID tokens of the simulator are signed with.
    pub fn simulator_key(&self) -> &KeyHolder {
        &self.simulator_key
    }
}

/// 401 `auth/invalid-oauth-code`.
pub fn invalid_code(why: impl Into<String>) -> Error {
    Error::new(Code::INVALID_OAUTH_CODE, why)
}
