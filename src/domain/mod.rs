//! What the product does; knows no HTTP, no MCP, no command line.

pub mod error;
pub mod id;
pub mod page;
pub mod time;
