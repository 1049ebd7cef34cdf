//! Tools over MCP: what is published, what each does, what goes wrong (`01-mcp.md` §4).

mod arguments;
mod errors;
mod places;
mod published;
mod records;
mod rights;
mod rows;
mod schema;
mod snapshots;
mod tenancy;
