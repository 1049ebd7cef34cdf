//! Developers, organizations, projects, environments and their keys. One capability per file; [`guard`] decides who may.

pub mod access_tokens;
pub mod account;
pub mod api_keys;
mod attempts;
pub mod audit;
mod bearer;
pub mod cors;
pub mod environments;
mod first_run;
pub mod guard;
pub mod input;
pub mod login_links;
pub mod mcp_sessions;
pub mod members;
pub mod organizations;
pub mod projects;
pub mod promotion;
mod removal;
pub mod server;
pub mod sessions;
pub mod slug;
pub mod stats;
pub mod tree;
pub mod version;

pub use attempts::Attempts;
pub use bearer::why_refused;
pub use first_run::FirstRun;
pub use mcp_sessions::McpUses;
pub use tree::{Tree, TreeChanges};
