//! Resources: what tools read, under addresses of their own (`01-mcp.md` §7).

mod list;
mod read;
mod uri;

pub(super) use uri::TEMPLATES;
