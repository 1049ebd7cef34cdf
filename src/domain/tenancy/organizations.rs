//! Organizations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{self, Need, OrganizationAccess, Role};
use super::removal::Removal;
use super::{input, slug};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::time;
use crate::store::Tx;
use crate::store::control::OrganizationRow;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    /// Always `local`.
    pub plan: &'static str,
    /// Always `active`.
    pub status: &'static str,
    /// The caller's own.
    pub role: Role,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrganization {
    /// 1–64 characters.
    pub name: String,
    /// 3–50 of a-z 0-9 -; made from the name when absent; never changes.
    pub slug: Option<String>,
    pub display_name: Option<String>,
    pub description: Option<String>,
}

/// What is absent stays; null empties.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationPatch {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "input::present")]
    #[schema(value_type = Option<String>)]
    pub display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "input::present")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
}

impl Organization {
    pub(super) fn new(row: OrganizationRow, role: Role) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            display_name: row.display_name,
            description: row.description,
            plan: "local",
            status: "active",
            role,
            created_at: time::iso(row.created_at),
            updated_at: time::iso(row.updated_at),
        }
    }
}

impl Backend {
    /// The organizations the caller belongs to, oldest first.
    pub async fn organizations(self: &Arc<Self>, tenant: &Tenant) -> Result<Vec<Organization>> {
        let tenant = tenant.clone();
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let mut rows = r.organizations_of(&tenant.id)?;
                rows.retain(|(o, _)| guard::may_see_organization(&tenant, &o.id, Need::glance(Role::Billing)));
                Ok(rows)
            })
            .await?;
        Ok(rows.into_iter().filter_map(|(row, role)| Some(Organization::new(row, Role::parse(&role)?))).collect())
    }

    /// # Errors
    /// As [`guard::organization`].
    pub async fn organization(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Organization> {
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::organization(r, &tenant, &id, Need::glance(Role::Billing))).await?;
        Ok(Organization::new(access.row, access.role))
    }

    /// The caller becomes its owner.
    ///
    /// # Errors
    /// `organization/slug-taken`; `common/invalid-parameters`; `auth/insufficient-scope`.
    pub async fn create_organization(self: &Arc<Self>, tenant: &Tenant, new: NewOrganization) -> Result<Organization> {
        let tenant = tenant.clone();
        let row = self.control().write::<_, Error, _>(move |tx| create(tx, &tenant, &new)).await?;
        Ok(Organization::new(row, Role::Owner))
    }

    /// # Errors
    /// As [`guard::organization`]; `common/invalid-parameters`.
    pub async fn update_organization(self: &Arc<Self>, tenant: &Tenant, organization: &str, patch: OrganizationPatch) -> Result<Organization> {
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let access = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut access = guard::organization(&tx.reader(), &tenant, &id, Need::write(Role::Admin))?;
                apply(&mut access.row, patch)?;
                tx.update_organization(&access.row)?;
                guard::audit(tx, &tenant, change(&access.row, "updated"))?;
                Ok(access)
            })
            .await?;
        Ok(Organization::new(access.row, access.role))
    }

    /// Deletes an organization with all its projects; `confirm` must be its name.
    ///
    /// # Errors
    /// As [`guard::organization`]; `management/confirmation-required`.
    pub async fn delete_organization(self: &Arc<Self>, tenant: &Tenant, organization: &str, confirm: Option<&str>) -> Result<()> {
        let (tenant, id, confirm) = (tenant.clone(), organization.to_owned(), confirm.map(str::to_owned));
        let this = Arc::clone(self);
        let removal = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let OrganizationAccess { row, .. } = guard::organization(&tx.reader(), &tenant, &id, Need::write(Role::Owner))?;
                guard::confirm(confirm.as_deref(), &row.name)?;
                let mut removal = Removal::default();
                for project in tx.reader().projects_of(&row.id)? {
                    removal.add_project(tx, &project.id)?;
                }
                tx.delete_organization(&row.id)?;
                guard::audit(tx, &tenant, change(&row, "deleted"))?;
                removal.on_commit(tx, this);
                Ok(removal)
            })
            .await?;
        self.finish_removal(removal).await
    }
}

/// Makes an organization in a transaction; the caller becomes its owner.
///
/// # Errors
/// As [`Backend::create_organization`].
pub fn create(tx: &mut Tx<'_>, tenant: &Tenant, new: &NewOrganization) -> Result<OrganizationRow> {
    guard::own_account(tenant, true)?;
    let (now, id) = (time::now(), new_id());
    let row = OrganizationRow {
        slug: slug::wanted(new.slug.as_deref(), &new.name, &id)?,
        id,
        name: input::name("name", &new.name)?,
        display_name: input::optional_name("displayName", new.display_name.as_deref())?,
        description: input::description(new.description.as_deref())?,
        created_at: now,
        updated_at: now,
    };
    if tx.reader().organization(&row.slug)?.is_some() {
        return Err(Error::new(Code::ORGANIZATION_SLUG_TAKEN, format!("Another organization has the slug {}; choose another one", row.slug)));
    }
    tx.insert_organization(&row)?;
    tx.set_member(&row.id, &tenant.id, Role::Owner.name(), now)?;
    guard::audit(tx, tenant, change(&row, "created"))?;
    Ok(row)
}

fn apply(row: &mut OrganizationRow, patch: OrganizationPatch) -> Result<()> {
    if let Some(name) = patch.name {
        row.name = input::name("name", &name)?;
    }
    if let Some(display_name) = patch.display_name {
        row.display_name = input::optional_name("displayName", display_name.as_deref())?;
    }
    if let Some(description) = patch.description {
        row.description = input::description(description.as_deref())?;
    }
    row.updated_at = time::now();
    Ok(())
}

fn change<'a>(row: &'a OrganizationRow, action: &'a str) -> Change<'a> {
    Change { organization_id: Some(&row.id), entity: "organization", action, entity_id: &row.id, entity_name: &row.name, ..Change::default() }
}
