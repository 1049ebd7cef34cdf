//! Integration tests: each starts a whole real server on a free port with a data directory of its own.
#![allow(clippy::unwrap_used)] // a test that can't go on should stop where it stands

mod docs_samples;
mod support;

mod architecture;
mod cli_commands;
mod cli_config;
mod cli_env;
mod cli_mail;
mod cli_serve;
mod cli_table;
mod concurrency;
mod conventions;
mod crash;
mod data_examples;
mod data_writes;
mod env_promotion;
mod fuzz;
mod http_limits;
mod import_export;
mod json_roundtrip;
mod limits;
mod live;
mod mail_mailbox;
mod mail_templates;
mod management_organizations;
mod management_projects;
mod management_schema;
mod management_session;
mod management_tables;
mod mcp_context;
mod mcp_prompts;
mod mcp_protocol;
mod mcp_resources;
mod mcp_tools;
mod oauth_flow;
mod observability;
mod openapi;
mod permissions;
mod rate_limit;
mod request_log;
mod schema_changes;
mod schema_documents;
mod snapshots;
mod snapshots_crash;
