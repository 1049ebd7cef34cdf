//! API keys: `pk_` and `sk_` and 64 hex characters; values are kept only as SHA-256.

mod lookup;
pub mod scopes;
mod value;

pub use lookup::{ApiKey, KeyCache};
pub use value::{KeyKind, derive_publishable, is_well_formed, mask, new_secret, sha256};
