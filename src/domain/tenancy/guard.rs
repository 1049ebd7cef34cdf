//! Who may do what in organizations, projects and environments: the one place where roles, token scopes and token
//! restrictions are decided (`06-console.md` B1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::activities::Change;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::store::control::{EnvironmentRow, OrganizationRow, ProjectRow};
use crate::store::{Reader, Tx};

/// Role in an organization; each includes those before it, except that Billing sees only organization and members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Billing,
    Member,
    Admin,
    Owner,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Billing, Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.name() == name)
    }

    /// Whether only owners grant, change or remove it.
    pub fn is_high(self) -> bool {
        self >= Self::Admin
    }
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    role: Role,
    write: bool,
    /// A look at the organization that a token tied to one project of it may take.
    glance: bool,
}

impl Need {
    /// At least this role; changes nothing.
    pub const fn read(role: Role) -> Self {
        Self { role, write: false, glance: false }
    }

    /// At least this role; changes something.
    pub const fn write(role: Role) -> Self {
        Self { role, write: true, glance: false }
    }

    /// As [`Need::read`], and open to tokens tied to one project of the organization.
    pub const fn glance(role: Role) -> Self {
        Self { role, write: false, glance: true }
    }
}

#[derive(Debug, Clone)]
pub struct OrganizationAccess {
    pub row: OrganizationRow,
    pub role: Role,
}

#[derive(Debug, Clone)]
pub struct ProjectAccess {
    pub row: ProjectRow,
    pub role: Role,
}

#[derive(Debug, Clone)]
pub struct EnvironmentAccess {
    pub row: EnvironmentRow,
    pub project: ProjectRow,
    pub role: Role,
}

/// An organization by id or slug.
///
/// # Errors
/// 404 `organization/not-found` for strangers too; 403 `auth/insufficient-scope`, `organization/permission-denied`.
pub fn organization(r: &Reader<'_>, tenant: &Tenant, id_or_slug: &str, need: Need) -> Result<OrganizationAccess> {
    let row = r.organization(id_or_slug)?.filter(|o| may_see_organization(tenant, &o.id, need)).ok_or_else(organization_not_found)?;
    let role = role_in(r, tenant, &row.id)?.ok_or_else(organization_not_found)?;
    satisfied(tenant, role, need)?;
    Ok(OrganizationAccess { row, role })
}

/// A project by id.
///
/// # Errors
/// 404 `project/not-found` for strangers too; 403 as [`organization`].
pub fn project(r: &Reader<'_>, tenant: &Tenant, id: &str, need: Need) -> Result<ProjectAccess> {
    let row = r.project(id)?.filter(|p| may_see_project(tenant, p)).ok_or_else(project_not_found)?;
    let role = role_in(r, tenant, &row.organization_id)?.ok_or_else(project_not_found)?;
    satisfied(tenant, role, need)?;
    Ok(ProjectAccess { row, role })
}

/// An environment by its project's id and its own name or id.
///
/// # Errors
/// As [`project`], and 404 `data/environment-not-found`.
pub fn environment(r: &Reader<'_>, tenant: &Tenant, project_id: &str, name_or_id: &str, need: Need) -> Result<EnvironmentAccess> {
    let ProjectAccess { row: project, role } = self::project(r, tenant, project_id, need)?;
    let row = r.environment_of(&project.id, name_or_id)?.ok_or_else(environment_not_found)?;
    Ok(EnvironmentAccess { row, project, role })
}

/// Whether lists of projects show this one to the caller.
pub fn may_see_project(tenant: &Tenant, project: &ProjectRow) -> bool {
    match &tenant.via {
        Via::Token { organization_id, project_id, .. } => {
            organization_id.as_ref().is_none_or(|own| *own == project.organization_id) && project_id.as_ref().is_none_or(|own| *own == project.id)
        }
        Via::Mcp(connection) => connection.organization_id == project.organization_id,
        _ => true,
    }
}

/// Whether the caller's token reaches into the organization.
pub fn may_see_organization(tenant: &Tenant, organization_id: &str, need: Need) -> bool {
    match &tenant.via {
        Via::Token { organization_id: own, project_id, .. } => own.as_ref().is_none_or(|own| own == organization_id) && (project_id.is_none() || need.glance),
        Via::Mcp(connection) => connection.organization_id == organization_id,
        _ => true,
    }
}

/// The caller's own account, and organizations that are not there yet: only for tokens that nothing restricts.
///
/// # Errors
/// 403 `auth/insufficient-scope`.
pub fn own_account(tenant: &Tenant, write: bool) -> Result<()> {
    match &tenant.via {
        Via::Token { write: false, .. } if write => Err(read_only()),
        Via::Token { organization_id, project_id, .. } if write && (organization_id.is_some() || project_id.is_some()) => {
            Err(Error::new(Code::INSUFFICIENT_SCOPE, "This token is tied to an organization or project; use one without that restriction, or sign in"))
        }
        Via::Mcp(_) if write => {
            Err(Error::new(Code::INSUFFICIENT_SCOPE, "An AI client works in the organization it was approved for; sign in to change your account"))
        }
        _ => Ok(()),
    }
}

/// Tokens, sessions and passwords are never managed with a token.
///
/// # Errors
/// 403 `management/forbidden`.
pub fn session_or_operator(tenant: &Tenant) -> Result<()> {
    match tenant.via {
        Via::Session(_) | Via::Operator => Ok(()),
        Via::Token { .. } | Via::Mcp(_) => {
            Err(Error::new(Code::MANAGEMENT_FORBIDDEN, "A token never manages tokens, sessions or passwords; sign in to the console or use the command line"))
        }
    }
}

/// # Errors
/// 403 `management/forbidden` for everybody but the server owner.
pub fn server_owner(tenant: &Tenant) -> Result<()> {
    let restricted = matches!(&tenant.via, Via::Token { organization_id, project_id, .. } if organization_id.is_some() || project_id.is_some());
    if tenant.is_server_owner && !restricted {
        return Ok(());
    }
    Err(Error::new(Code::MANAGEMENT_FORBIDDEN, "Only the owner of this server may do that"))
}

/// The server owner with a session, or the operator.
///
/// # Errors
/// 403 `management/forbidden` for everybody else, tokens of the server owner included.
pub fn server_owner_in_person(tenant: &Tenant) -> Result<()> {
    server_owner(tenant)?;
    session_or_operator(tenant)
}

/// # Errors
/// 403 `management/forbidden` for everybody but the operator.
pub fn operator(tenant: &Tenant) -> Result<()> {
    if tenant.via == Via::Operator {
        return Ok(());
    }
    Err(Error::new(Code::MANAGEMENT_FORBIDDEN, "Only somebody who may read the data directory may do that; run the bkend-local command there"))
}

/// # Errors
/// 400 `management/confirmation-required` unless `given` is `expected`.
pub fn confirm(given: Option<&str>, expected: &str) -> Result<()> {
    if given == Some(expected) {
        return Ok(());
    }
    let message = match given {
        None => format!("This cannot be undone; repeat the call with the query parameter confirm={expected}"),
        Some(_) => format!("confirm does not match; it must be exactly {expected}"),
    };
    Err(Error::new(Code::MANAGEMENT_CONFIRMATION_REQUIRED, message))
}

/// Writes the activity of a change, in its transaction.
pub(super) fn audit(tx: &mut Tx<'_>, tenant: &Tenant, change: Change<'_>) -> Result<()> {
    Ok(tx.insert_activity(&change.by(tenant))?)
}

fn role_in(r: &Reader<'_>, tenant: &Tenant, organization_id: &str) -> Result<Option<Role>> {
    Ok(r.role_of(organization_id, &tenant.id)?.and_then(|name| Role::parse(&name)))
}

fn satisfied(tenant: &Tenant, role: Role, need: Need) -> Result<()> {
    if role < need.role {
        let message = format!("Your role in the organization is {}; this needs the role {}", role.name(), need.role.name());
        return Err(Error::new(Code::ORGANIZATION_PERMISSION_DENIED, message));
    }
    match tenant.via {
        Via::Token { write: false, .. } if need.write => Err(read_only()),
        _ => Ok(()),
    }
}

fn read_only() -> Error {
    Error::new(Code::INSUFFICIENT_SCOPE, "This token has the scope read, which changes nothing; use one with the scope write")
}

fn organization_not_found() -> Error {
    Error::new(Code::ORGANIZATION_NOT_FOUND, "No such organization, or you are not a member of it")
}

fn project_not_found() -> Error {
    Error::new(Code::PROJECT_NOT_FOUND, "No such project, or you are not a member of its organization")
}

fn environment_not_found() -> Error {
    Error::new(Code::ENVIRONMENT_NOT_FOUND, "The project has no environment of this name or id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(write: bool, organization_id: Option<&str>, project_id: Option<&str>) -> Tenant {
        Tenant {
            id: "t".to_owned(),
            name: "T".to_owned(),
            email: "t@localhost".to_owned(),
            is_server_owner: true,
            via: Via::Token {
                id: "i".to_owned(),
                name: "n".to_owned(),
                write,
                organization_id: organization_id.map(str::to_owned),
                project_id: project_id.map(str::to_owned),
                allow_prod: false,
            },
        }
    }

    #[test]
    fn each_role_includes_the_lower_ones() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member && Role::Member > Role::Billing);
    }

    #[test]
    fn a_token_tied_to_a_project_glances_at_its_organization_only() {
        let tied = token(true, Some("o"), Some("p"));
        assert!(may_see_organization(&tied, "o", Need::glance(Role::Billing)));
        assert!(!may_see_organization(&tied, "o", Need::read(Role::Billing)));
        assert!(!may_see_organization(&tied, "other", Need::glance(Role::Billing)));
    }

    #[test]
    fn a_token_never_manages_tokens_and_a_restricted_one_is_never_the_server_owner() {
        assert_eq!(session_or_operator(&token(true, None, None)).unwrap_err().code(), Code::MANAGEMENT_FORBIDDEN);
        assert!(server_owner(&token(false, None, None)).is_ok());
        assert!(server_owner(&token(false, Some("o"), None)).is_err());
        assert_eq!(own_account(&token(false, None, None), true).unwrap_err().code(), Code::INSUFFICIENT_SCOPE);
        assert_eq!(own_account(&token(true, Some("o"), None), true).unwrap_err().code(), Code::INSUFFICIENT_SCOPE);
    }

    #[test]
    fn confirm_is_exact() {
        assert!(confirm(Some("My Blog"), "My Blog").is_ok());
        assert!(confirm(None, "a").is_err() && confirm(Some("A"), "a").is_err());
    }
}
