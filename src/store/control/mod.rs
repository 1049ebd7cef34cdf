//! `control.db`: tenants, organizations, projects, environments, keys, tokens, audit. One file per table.

mod access_tokens;
mod activities;
mod console_sessions;
mod environments;
mod jobs;
mod keys;
mod login_links;
mod mcp_sessions;
mod oauth_clients;
mod oauth_grants;
mod oauth_requests;
mod oauth_tokens;
mod organizations;
mod projects;
mod removals;
mod settings;
mod tenants;

pub use access_tokens::AccessTokenRow;
pub use activities::{ActivityFilter, ActivityRow};
pub use console_sessions::ConsoleSessionRow;
pub use environments::EnvironmentRow;
pub use jobs::JobRow;
pub use keys::KeyRow;
pub use login_links::LoginLinkRow;
pub use mcp_sessions::McpSessionRow;
pub use oauth_clients::OauthClientRow;
pub use oauth_grants::OauthGrantRow;
pub use oauth_requests::OauthRequestRow;
pub use oauth_tokens::{OauthCodeRow, OauthRefreshTokenRow};
pub use organizations::{MemberRow, OrganizationRow};
pub use projects::ProjectRow;
pub use tenants::TenantRow;
