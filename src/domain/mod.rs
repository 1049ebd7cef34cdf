//! What the product does; knows no HTTP, no MCP, no command line.

pub mod access;
pub mod activities;
pub mod backend;
pub mod caller;
pub mod data_directory;
pub mod docs;
pub mod environment;
pub mod error;
pub mod id;
pub mod jobs;
pub mod keys;
pub mod mail;
pub mod oauth;
pub mod page;
pub mod passwords;
pub mod project;
pub mod rate_limit;
pub mod records;
pub mod requests;
pub mod sealed;
pub mod smtp;
pub mod snapshots;
mod store_errors;
pub mod tables;
pub mod tenancy;
pub mod time;
pub mod users;
