//! The stand-in for Google and GitHub: an OAuth 2 and OpenID Connect provider that any identity can be chosen at
//! (`03-auth.md` §6, "The simulator").

mod approve;
mod client;
mod codes;
mod id_token;
mod identities;
pub mod key;
mod request;

pub use approve::{Approval, Approved, approve};
pub use client::client_id_of;
pub use codes::{Grant, Issued, Refusal, TokenRequest, exchange, holder, prove};
pub use id_token::public_keys;
pub use identities::{Chosen, FIXED, account_id, github_id, known, login_of};
pub use request::{Asked, Authorization, Begun, Decided, Decision, Offer, begin, decide, waiting};

use super::social::Provider;
use crate::domain::error::{Code, Error};

/// Where the page of a provider is.
pub fn authorize_path(provider: Provider) -> &'static str {
    match provider {
        Provider::Google => "/v1/auth/simulator/google/o/oauth2/v2/auth",
        Provider::GitHub => "/v1/auth/simulator/github/login/oauth/authorize",
    }
}

/// The path of the issuer of ID tokens, below the base of the server's URLs.
pub const ISSUER_PATH: &str = "/v1/auth/simulator/google";

fn unusable(message: impl Into<String>) -> Error {
    Error::new(Code::INVALID_PARAMETERS, message)
}
