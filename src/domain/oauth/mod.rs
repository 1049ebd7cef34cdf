//! What AI clients may do: scopes, and whom a bearer token on `/mcp` stands for (`01-mcp.md` §3).

mod access;
pub mod scopes;

pub use access::McpAccess;
pub use scopes::Scopes;
