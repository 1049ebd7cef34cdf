//! What a developer reaches inside one organization: projects by id or slug, environments by id or name, tables by id.

use std::sync::Arc;

use super::guard::{self, Need, Role};
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::tables::table::Table;
use crate::store::Reader;
use crate::store::control::{EnvironmentRow, ProjectRow};

/// A project by what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef {
    pub id: String,
    pub slug: String,
    pub name: String,
    /// Answers on `/v1` are wrapped in `{ success, data }`.
    pub enveloped: bool,
}

/// An environment by what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRef {
    pub id: String,
    pub name: String,
    /// `dev`, `staging`, `prod` or `custom`.
    pub kind: String,
    pub project_id: String,
}

/// A project with its environments, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub project: ProjectRef,
    pub environments: Vec<EnvironmentRef>,
}

impl From<ProjectRow> for ProjectRef {
    fn from(row: ProjectRow) -> Self {
        let enveloped = serde_json::from_str::<serde_json::Value>(&row.settings).is_ok_and(|s| s["responseEnvelope"] == "envelope");
        Self { id: row.id, slug: row.slug, name: row.name, enveloped }
    }
}

impl From<EnvironmentRow> for EnvironmentRef {
    fn from(row: EnvironmentRow) -> Self {
        Self { id: row.id, name: row.name, kind: row.kind, project_id: row.project_id }
    }
}

impl Backend {
    /// The projects of an organization that the caller sees, with their environments, oldest first.
    ///
    /// # Errors
    /// As [`guard::organization`].
    pub async fn branches(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Vec<Branch>> {
        let (tenant, organization) = (tenant.clone(), organization.to_owned());
        self.control()
            .read::<_, Error, _>(move |r| {
                visible_projects(r, &tenant, &organization)?
                    .into_iter()
                    .map(|row| {
                        let environments = r.environments_of(&row.id)?.into_iter().filter(|e| e.status == "active").map(EnvironmentRef::from).collect();
                        Ok(Branch { environments, project: row.into() })
                    })
                    .collect()
            })
            .await
    }

    /// A project of the organization, by id or slug.
    ///
    /// # Errors
    /// 404 `project/not-found`, also for projects of other organizations; as [`guard::organization`].
    pub async fn reach_project(self: &Arc<Self>, tenant: &Tenant, organization: &str, id_or_slug: &str) -> Result<ProjectRef> {
        let (tenant, organization, wanted) = (tenant.clone(), organization.to_owned(), id_or_slug.to_owned());
        self.control().read::<_, Error, _>(move |r| Ok(project(r, &tenant, &organization, &wanted)?.into())).await
    }

    /// An environment: by its id alone, or by id or name inside a project.
    ///
    /// # Errors
    /// 404 `data/environment-not-found`; as [`Backend::reach_project`].
    pub async fn reach_environment(
        self: &Arc<Self>,
        tenant: &Tenant,
        organization: &str,
        project_id: Option<&str>,
        id_or_name: &str,
    ) -> Result<EnvironmentRef> {
        let (tenant, organization, wanted) = (tenant.clone(), organization.to_owned(), id_or_name.to_owned());
        let project_id = project_id.map(str::to_owned);
        self.control()
            .read::<_, Error, _>(move |r| {
                let found = match &project_id {
                    Some(project_id) => {
                        let project = project(r, &tenant, &organization, project_id)?;
                        r.environment_of(&project.id, &wanted)?
                    }
                    None => match r.environment(&wanted)? {
                        Some(row) if project(r, &tenant, &organization, &row.project_id).is_ok() => Some(row),
                        _ => None,
                    },
                };
                let found = found.filter(|row| row.status == "active");
                found.map(EnvironmentRef::from).ok_or_else(|| environment_not_found(&wanted, project_id.is_some()))
            })
            .await
    }

    /// A table of any environment the caller reaches, by its id.
    ///
    /// # Errors
    /// 404 `data/table-not-found`; as [`guard::organization`].
    pub async fn reach_table(self: &Arc<Self>, tenant: &Tenant, organization: &str, table_id: &str) -> Result<(Arc<Environment>, Arc<Table>)> {
        for branch in self.branches(tenant, organization).await? {
            for environment in &branch.environments {
                let environment = self.environment(&environment.id).await?;
                if let Some(table) = environment.table_with_id(table_id) {
                    return Ok((environment, table));
                }
            }
        }
        Err(Error::new(Code::TABLE_NOT_FOUND, format!("No table of this organization has the id {}", clip(table_id))))
    }
}

fn visible_projects(r: &Reader<'_>, tenant: &Tenant, organization: &str) -> Result<Vec<ProjectRow>> {
    let access = guard::organization(r, tenant, organization, Need::glance(Role::Member))?;
    let mut rows = r.projects_of(&access.row.id)?;
    rows.retain(|row| guard::may_see_project(tenant, row));
    Ok(rows)
}

fn project(r: &Reader<'_>, tenant: &Tenant, organization: &str, id_or_slug: &str) -> Result<ProjectRow> {
    let access = guard::organization(r, tenant, organization, Need::glance(Role::Member))?;
    let row = match r.project(id_or_slug)? {
        Some(row) => Some(row),
        None => r.project_by_slug(&access.row.id, id_or_slug)?,
    };
    let row = row.filter(|row| row.organization_id == access.row.id && guard::may_see_project(tenant, row));
    row.ok_or_else(|| Error::new(Code::PROJECT_NOT_FOUND, format!("The organization has no project with the id or slug {}", clip(id_or_slug))))
}

fn environment_not_found(wanted: &str, in_project: bool) -> Error {
    let message = match in_project {
        true => format!("The project has no environment named {}", clip(wanted)),
        false => format!("No environment of this organization has the id {}; by name it needs projectId beside it", clip(wanted)),
    };
    Error::new(Code::ENVIRONMENT_NOT_FOUND, message)
}
