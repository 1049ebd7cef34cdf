//! What environments and organizations hold, and the checklist for getting started.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{self, Need, Role};
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::time;

#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStats {
    pub tables: u64,
    /// Records of all tables.
    pub rows: u64,
    pub users: u64,
    pub files: u64,
    /// Bytes of stored files.
    pub storage_bytes: u64,
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Both together.
    pub size_bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationStats {
    pub projects: u64,
    pub environments: u64,
    pub members: u64,
    #[serde(flatten)]
    pub totals: EnvironmentStats,
}

/// One step of getting started, ticked by facts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Step {
    /// `connect-ai`, `create-table`, `add-record`, `sign-up-user`, `upload-file` or `import`.
    pub id: &'static str,
    pub done: bool,
    pub at: Option<String>,
}

impl Backend {
    /// # Errors
    /// As [`guard::environment`].
    pub async fn environment_stats(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str) -> Result<EnvironmentStats> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        self.stats_of(environment.id()).await
    }

    pub(in crate::domain) async fn stats_of(self: &Arc<Self>, environment_id: &str) -> Result<EnvironmentStats> {
        let environment = self.environment(environment_id).await?;
        let counts = environment.data().read::<_, Error, _>(|r| r.snapshot(|| Ok(r.environment_counts()?))).await?;
        let (mut tables, mut rows) = (0, 0);
        for table in environment.all_tables().iter().filter(|t| !t.system) {
            tables += 1;
            rows += environment.table_size(table).await?.0;
        }
        let database_bytes = environment.data().size();
        Ok(EnvironmentStats {
            tables,
            rows,
            users: counts.users,
            files: counts.files,
            storage_bytes: counts.storage_bytes,
            database_bytes,
            size_bytes: database_bytes + counts.storage_bytes,
        })
    }

    /// # Errors
    /// As [`guard::organization`].
    pub async fn organization_stats(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<OrganizationStats> {
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let (members, environments) = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &id, Need::read(Role::Member))?;
                let environments = r.projects_of(&access.row.id)?.iter().map(|p| r.environments_of(&p.id)).collect::<Result<Vec<_>, _>>()?;
                Ok((r.members(&access.row.id)?.len() as u64, environments))
            })
            .await?;
        let mut stats = OrganizationStats { members, projects: environments.len() as u64, ..OrganizationStats::default() };
        for row in environments.into_iter().flatten().filter(|e| e.status == "active") {
            stats.environments += 1;
            stats.totals.add(&self.stats_of(&row.id).await?);
        }
        Ok(stats)
    }

    /// # Errors
    /// As [`guard::environment`].
    pub async fn checklist(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str) -> Result<Vec<Step>> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        let firsts = environment.data().read::<_, Error, _>(|r| r.snapshot(|| Ok(r.firsts()?))).await?;
        let (project_id, name) = (environment.project().id.clone(), environment.name().to_owned());
        let (connected, imported) = self
            .control()
            .read::<_, Error, _>(move |r| Ok((r.first_activity_by(&project_id, "mcp")?, r.first_activity_of(&project_id, &name, "imported")?)))
            .await?;
        let step = |id: &'static str, at: Option<i64>| Step { id, done: at.is_some(), at: at.map(time::iso) };
        Ok(vec![
            step("connect-ai", connected),
            step("create-table", firsts.table),
            step("add-record", firsts.record),
            step("sign-up-user", firsts.user),
            step("upload-file", firsts.file),
            step("import", imported),
        ])
    }
}

impl EnvironmentStats {
    fn add(&mut self, other: &Self) {
        self.tables += other.tables;
        self.rows += other.rows;
        self.users += other.users;
        self.files += other.files;
        self.storage_bytes += other.storage_bytes;
        self.database_bytes += other.database_bytes;
        self.size_bytes += other.size_bytes;
    }
}
