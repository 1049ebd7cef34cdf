//! Members of an organization: who may touch whom, and the last owner (`06-console.md` A7).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{self, Need, OrganizationAccess, Role};
use super::organizations::Organization;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::time;
use crate::store::Reader;
use crate::store::control::{MemberRow, OrganizationRow};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub tenant_id: String,
    pub name: String,
    pub email: String,
    pub image: Option<String>,
    pub role: Role,
    /// Always `active`.
    pub status: &'static str,
    pub joined_at: String,
}

/// Which members are wanted.
#[derive(Debug, Clone, Default)]
pub struct MemberFilter {
    /// Part of name or address, ignoring case.
    pub search: Option<String>,
    pub role: Option<String>,
    pub status: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub struct MemberPatch {
    pub role: Role,
}

impl Member {
    fn from_row(row: MemberRow) -> Result<Self> {
        Ok(Self {
            role: role_of(&row)?,
            tenant_id: row.tenant_id,
            name: row.name,
            email: row.email,
            image: row.image,
            status: "active",
            joined_at: time::iso(row.joined_at),
        })
    }
}

impl Backend {
    /// # Errors
    /// As [`guard::organization`]; `common/invalid-parameters` for an unknown role.
    pub async fn members(self: &Arc<Self>, tenant: &Tenant, organization: &str, filter: &MemberFilter) -> Result<Vec<Member>> {
        let role = match &filter.role {
            Some(name) => Some(
                Role::parse(name)
                    .ok_or_else(|| Error::invalid_parameter("role", format!("role must be one of owner, admin, member, billing, not \"{}\"", clip(name))))?,
            ),
            None => None,
        };
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &id, Need::read(Role::Billing))?;
                Ok(r.members(&access.row.id)?)
            })
            .await?;
        let mut members = rows.into_iter().map(Member::from_row).collect::<Result<Vec<_>>>()?;
        let search = filter.search.as_deref().map(str::to_lowercase).unwrap_or_default();
        members.retain(|m| {
            role.is_none_or(|role| role == m.role)
                && filter.status.as_deref().is_none_or(|s| s == m.status)
                && (m.name.to_lowercase().contains(&search) || m.email.to_lowercase().contains(&search))
        });
        Ok(members)
    }

    /// # Errors
    /// As [`guard::organization`]; `member/not-found`, `member/role-too-high`, `organization/last-owner`.
    pub async fn set_member_role(self: &Arc<Self>, tenant: &Tenant, organization: &str, member_id: &str, role: Role) -> Result<Member> {
        let (tenant, id, member_id) = (tenant.clone(), organization.to_owned(), member_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let access = guard::organization(&r, &tenant, &id, Need::write(Role::Admin))?;
                let mut member = member(&r, &access.row, &member_id)?;
                may_touch(&access, role_of(&member)?.max(role))?;
                keep_an_owner(&r, &access.row, &member, Some(role))?;
                member.role = role.name().to_owned();
                tx.set_member(&access.row.id, &member_id, role.name(), time::now())?;
                guard::audit(tx, &tenant, change(&access.row, &member, "updated"))?;
                Member::from_row(member)
            })
            .await
    }

    /// Removes a member; `confirm` must be its address.
    ///
    /// # Errors
    /// As [`Backend::set_member_role`]; `management/confirmation-required`.
    pub async fn remove_member(self: &Arc<Self>, tenant: &Tenant, organization: &str, member_id: &str, confirm: Option<&str>) -> Result<()> {
        let (tenant, id, member_id) = (tenant.clone(), organization.to_owned(), member_id.to_owned());
        let confirm = confirm.map(str::to_owned);
        self.control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let access = guard::organization(&r, &tenant, &id, Need::write(Role::Admin))?;
                let member = member(&r, &access.row, &member_id)?;
                may_touch(&access, role_of(&member)?)?;
                keep_an_owner(&r, &access.row, &member, None)?;
                guard::confirm(confirm.as_deref(), &member.email)?;
                tx.remove_member(&access.row.id, &member_id)?;
                guard::audit(tx, &tenant, change(&access.row, &member, "deleted"))
            })
            .await
    }

    /// Makes a member owner and the caller admin; `confirm` must be `transfer`.
    ///
    /// # Errors
    /// As [`guard::organization`]; `member/not-found`; `management/confirmation-required`.
    pub async fn transfer_organization(self: &Arc<Self>, tenant: &Tenant, organization: &str, member_id: &str, confirm: Option<&str>) -> Result<Organization> {
        let (tenant, id, member_id) = (tenant.clone(), organization.to_owned(), member_id.to_owned());
        let confirm = confirm.map(str::to_owned);
        self.control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let access = guard::organization(&r, &tenant, &id, Need::write(Role::Owner))?;
                let member = member(&r, &access.row, &member_id)?;
                guard::confirm(confirm.as_deref(), "transfer")?;
                if member.tenant_id == tenant.id {
                    return Err(Error::invalid_parameter("tenantId", "tenantId must name another member than yourself"));
                }
                tx.set_member(&access.row.id, &member_id, Role::Owner.name(), time::now())?;
                tx.set_member(&access.row.id, &tenant.id, Role::Admin.name(), time::now())?;
                let mut change = Change { entity: "organization", entity_id: &access.row.id, ..change(&access.row, &member, "updated") };
                change.entity_name = &access.row.name;
                change.metadata.insert("transferredTo".to_owned(), member.tenant_id.clone().into());
                guard::audit(tx, &tenant, change)?;
                Ok(Organization::new(access.row, Role::Admin))
            })
            .await
    }

    /// Ends the caller's own membership; `confirm` must be `leave`.
    ///
    /// # Errors
    /// As [`guard::organization`]; `organization/last-owner`; `management/confirmation-required`.
    pub async fn leave_organization(self: &Arc<Self>, tenant: &Tenant, organization: &str, confirm: Option<&str>) -> Result<()> {
        let (tenant, id, confirm) = (tenant.clone(), organization.to_owned(), confirm.map(str::to_owned));
        self.control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let access = guard::organization(&r, &tenant, &id, Need::write(Role::Billing))?;
                let own = member(&r, &access.row, &tenant.id)?;
                guard::confirm(confirm.as_deref(), "leave")?;
                keep_an_owner(&r, &access.row, &own, None)?;
                tx.remove_member(&access.row.id, &tenant.id)?;
                guard::audit(tx, &tenant, change(&access.row, &own, "deleted"))
            })
            .await
    }
}

fn member(r: &Reader<'_>, organization: &OrganizationRow, tenant_id: &str) -> Result<MemberRow> {
    let found = r.members(&organization.id)?.into_iter().find(|m| m.tenant_id == tenant_id);
    found.ok_or_else(|| Error::new(Code::MEMBER_NOT_FOUND, "The organization has no member with this tenantId"))
}

fn role_of(member: &MemberRow) -> Result<Role> {
    Role::parse(&member.role).ok_or_else(|| Error::internal("unknown role"))
}

/// Admins act on Members and Billing; only owners grant, change or remove Admin and Owner.
pub(super) fn may_touch(access: &OrganizationAccess, highest: Role) -> Result<()> {
    if highest.is_high() && access.role < Role::Owner {
        return Err(Error::new(Code::MEMBER_ROLE_TOO_HIGH, "Only owners grant, change or remove the roles admin and owner"));
    }
    Ok(())
}

fn keep_an_owner(r: &Reader<'_>, organization: &OrganizationRow, member: &MemberRow, becomes: Option<Role>) -> Result<()> {
    let stays = member.role != Role::Owner.name() || becomes == Some(Role::Owner);
    if stays || r.members(&organization.id)?.iter().any(|m| m.role == Role::Owner.name() && m.tenant_id != member.tenant_id) {
        return Ok(());
    }
    Err(Error::new(Code::ORGANIZATION_LAST_OWNER, "This is the last owner; make somebody else owner first, or delete the organization"))
}

fn change<'a>(organization: &'a OrganizationRow, member: &'a MemberRow, action: &'a str) -> Change<'a> {
    let mut change = Change {
        organization_id: Some(&organization.id),
        entity: "member",
        action,
        entity_id: &member.tenant_id,
        entity_name: &member.email,
        ..Change::default()
    };
    change.metadata.insert("role".to_owned(), member.role.clone().into());
    change
}
