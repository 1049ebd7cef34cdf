//! `control.db`: tenants, organizations, projects, environments, keys, tokens, audit. One file per table.

mod activities;
mod environments;
mod keys;
mod organizations;
mod projects;
mod settings;
mod tenants;

pub use activities::{ActivityFilter, ActivityRow};
pub use environments::EnvironmentRow;
pub use keys::KeyRow;
pub use organizations::{MemberRow, OrganizationRow};
pub use projects::ProjectRow;
pub use tenants::TenantRow;
