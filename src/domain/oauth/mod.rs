//! What AI clients may do: the authorization server behind `/mcp`, its scopes, and whom a bearer token on `/mcp` stands
//! for (`01-mcp.md` §3).

mod access;
mod approval;
mod clients;
mod connections;
mod exchange;
mod redirects;
mod refusal;
mod requests;
mod resource;
mod revocation;
pub mod scopes;
mod tokens;

pub use access::McpAccess;
pub use approval::{Approval, Place, Unapproved};
pub use clients::{NewClient, RegisteredClient};
pub use connections::ConnectionView;
pub use exchange::{CodeExchange, Issued, RefreshExchange};
pub use redirects::{Redirect, display_host};
pub use refusal::{Failure, Kind, Refusal};
pub use requests::{Asked, Begun, Unusable, Waiting};
pub use scopes::Scopes;

use super::rate_limit::RateLimiter;

/// What the authorization server keeps in memory.
pub struct Oauth {
    keys: tokens::Keys,
    calls: connections::Calls,
    registrations: RateLimiter,
}

impl Oauth {
    pub fn new(server_secret: &[u8; 32]) -> Self {
        Self { keys: tokens::Keys::new(server_secret), calls: connections::Calls::default(), registrations: RateLimiter::default() }
    }
}
