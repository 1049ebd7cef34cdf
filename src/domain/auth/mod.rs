//! How end users of an environment prove who they are (`03-auth.md`): sign-up, sign-in, sessions and what is mailed to them.

pub mod accounts;
pub mod administration;
pub mod anonymous;
mod backup_codes;
mod common_passwords;
pub mod config;
mod config_check;
pub mod email;
pub mod event_list;
pub mod events;
pub mod foreign_hash;
pub mod impersonate;
pub mod invitation_answer;
pub mod invitations;
pub mod keys;
pub mod link;
pub mod mfa;
pub mod mfa_setup;
pub mod name;
pub mod one_time;
mod pair;
pub mod password;
pub mod password_change;
pub mod password_reset;
mod post;
pub mod redirects;
pub mod refresh;
pub mod secret;
pub mod sessions;
pub(in crate::domain) mod settings;
pub mod sign_in;
pub mod sign_up;
pub mod simulator;
pub mod social;
pub mod sweep;
pub mod throttle;
pub mod tokens;
mod totp;
pub mod verification;
mod visit;

pub use config::AuthConfig;
pub use email::Email;
pub use pair::TokenPair;
pub use secret::Secret;
pub use visit::Visit;

use super::error::{Code, Error, Result};

/// What a transaction answers that may refuse and yet keep what it has written: the inner error is committed, the outer
/// one undoes everything.
pub type Verdict<T> = Result<Result<T>>;

/// 401 `auth/invalid-credentials`: the same words whatever was wrong.
pub fn invalid_credentials() -> Error {
    Error::new(Code::INVALID_CREDENTIALS, "The address or the password is wrong")
}

/// 401 `auth/invalid-token`, for links and codes.
pub fn invalid_link() -> Error {
    Error::new(Code::INVALID_TOKEN, "The link or code is not valid, was used already or was replaced by a newer one; ask for a new one")
}

/// 401 `auth/token-expired`, for links and codes.
pub fn expired_link() -> Error {
    Error::new(Code::TOKEN_EXPIRED, "The link or code has expired; ask for a new one")
}
