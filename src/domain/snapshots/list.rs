//! Listing, downloading and deleting snapshots.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Snapshot, blocking, copy_failed, not_found};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::guard::{self, Need, ProjectAccess, Role};
use crate::domain::time;
use crate::store::Copies;

/// A snapshot to be downloaded.
pub struct SnapshotFile {
    pub snapshot: Snapshot,
    copies: Copies,
}

impl SnapshotFile {
    /// Writes the archive: a `tar.gz` with `snapshot.json`, `data.db` and `objects/`. Blocks.
    ///
    /// # Errors
    /// Failures of reading the files, and of `out`.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.copies.pack(&self.snapshot.id, out)
    }
}

impl Backend {
    /// The snapshots of a project, or of one environment of it, newest first; those of deleted environments too.
    ///
    /// # Errors
    /// As [`guard::project`], [`guard::environment`].
    pub async fn snapshots(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: Option<&str>) -> Result<Vec<Snapshot>> {
        let (who, id, name) = (tenant.clone(), project.to_owned(), environment.map(str::to_owned));
        let (project_id, environment_id) = self
            .control()
            .read::<_, Error, _>(move |r| {
                let need = Need::read(Role::Member);
                match &name {
                    Some(name) => guard::environment(r, &who, &id, name, need).map(|access| (access.project.id, Some(access.row.id))),
                    None => guard::project(r, &who, &id, need).map(|access| (access.row.id, None)),
                }
            })
            .await?;
        let copies = self.directory().copies();
        let all = blocking(move || copies.list().map_err(copy_failed)).await?;
        let now = time::iso(time::now());
        let wanted = |about: &Map<String, Value>| {
            about.get("projectId").and_then(Value::as_str) == Some(project_id.as_str())
                && environment_id.as_deref().is_none_or(|id| about.get("environmentId").and_then(Value::as_str) == Some(id))
                && about.get("expiresAt").and_then(Value::as_str).is_none_or(|at| at > now.as_str())
        };
        Ok(all.into_iter().rev().filter(wanted).filter_map(Snapshot::read).collect())
    }

    /// What is known of a snapshot of a project.
    pub(super) async fn snapshot_of(self: &Arc<Self>, project_id: &str, id: &str) -> Result<Map<String, Value>> {
        let (copies, id, project_id) = (self.directory().copies(), id.to_owned(), project_id.to_owned());
        blocking(move || {
            let about = copies.read(&id).filter(|about| about.get("projectId").and_then(Value::as_str) == Some(project_id.as_str()));
            about.ok_or_else(not_found)
        })
        .await
    }

    /// A snapshot to be downloaded.
    ///
    /// # Errors
    /// As [`guard::environment`]; 404 `snapshot/not-found`.
    pub async fn snapshot_file(self: &Arc<Self>, tenant: &Tenant, project: &str, id: &str) -> Result<SnapshotFile> {
        let access = self.admin_of(tenant, project, Need::read(Role::Admin)).await?;
        let about = self.snapshot_of(&access.row.id, id).await?;
        let snapshot = Snapshot::read(about).ok_or_else(not_found)?;
        Ok(SnapshotFile { snapshot, copies: self.directory().copies() })
    }

    /// Deletes a snapshot; `confirm` must be its name.
    ///
    /// # Errors
    /// As [`guard::environment`]; 404 `snapshot/not-found`; `management/confirmation-required`.
    pub async fn delete_snapshot(self: &Arc<Self>, tenant: &Tenant, project: &str, id: &str, confirm: Option<&str>) -> Result<()> {
        let access = self.admin_of(tenant, project, Need::write(Role::Admin)).await?;
        let snapshot = Snapshot::read(self.snapshot_of(&access.row.id, id).await?).ok_or_else(not_found)?;
        guard::confirm(confirm, &snapshot.name)?;
        let (copies, gone) = (self.directory().copies(), snapshot.id.clone());
        blocking(move || copies.remove(&gone).map_err(copy_failed)).await?;
        let tenant = tenant.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                let change = Change {
                    organization_id: Some(&access.row.organization_id),
                    project_id: Some(&access.row.id),
                    environment: Some(&snapshot.environment),
                    entity: "snapshot",
                    action: "deleted",
                    entity_id: &snapshot.id,
                    entity_name: &snapshot.name,
                    ..Change::default()
                };
                Ok(tx.insert_activity(&change.by(&tenant))?)
            })
            .await
    }

    async fn admin_of(self: &Arc<Self>, tenant: &Tenant, project: &str, need: Need) -> Result<ProjectAccess> {
        let (tenant, project) = (tenant.clone(), project.to_owned());
        self.control().read::<_, Error, _>(move |r| guard::project(r, &tenant, &project, need)).await
    }
}
