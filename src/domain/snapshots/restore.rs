//! Putting a snapshot, or a copy of another environment, in place of an environment's content. One transaction replaces
//! everything: readers see the old content until it commits, and a crash leaves one or the other.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Counts, Reason, blocking, copy_failed, for_another, move_keys};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::jobs::{Job, Task};
use crate::domain::tenancy::guard::{self, EnvironmentAccess, Need, Role};
use crate::store::data::Parts;
use crate::store::{Hold, ObjectHold, Source};

/// What takes the place of an environment's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreFrom {
    /// Any snapshot of the project, by id.
    Snapshot(String),
    /// A copy of another environment of the project, by name or id.
    Environment(String),
}

/// An environment whose content is about to be replaced: nobody else writes to it meanwhile.
pub(super) struct Target {
    pub environment: Arc<Environment>,
    pub access: EnvironmentAccess,
    pub hold: Hold,
}

/// What a restore or reset answers.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    #[serde(flatten)]
    pub counts: Counts,
    /// The snapshot of what was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_snapshot_id: Option<String>,
}

/// A database to attach, with what comes along.
struct Prepared {
    source: Source,
    objects: Option<PathBuf>,
    parts: Parts,
    /// What is known of the one table that the source holds.
    table: Option<Map<String, Value>>,
    from: String,
    /// Keeps the files of another environment until they are taken over.
    _hold: Option<ObjectHold>,
}

impl Backend {
    /// Replaces the content of an environment; `confirm` must be its name. Keys, audit and request log stay. Unless
    /// `snapshot` is false, what was there is saved first. The job's result is [`Restored`].
    ///
    /// # Errors
    /// As [`guard::environment`]; 404 `snapshot/not-found`; 409 `environment/busy`, `snapshot/incompatible`;
    /// `management/confirmation-required`.
    pub async fn restore_environment(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        from: RestoreFrom,
        confirm: Option<&str>,
        snapshot: bool,
    ) -> Result<Job> {
        let access = self.environment_to_replace(tenant, project, environment, confirm).await?;
        let other = match &from {
            RestoreFrom::Snapshot(id) => {
                self.snapshot_of(&access.project.id, id).await?;
                None
            }
            RestoreFrom::Environment(name) => Some(self.other_environment(tenant, &access, name).await?),
        };
        let target = self.hold_environment(access).await?;
        let (this, actor, project_row) = (Arc::clone(self), tenant.clone(), target.access.project.clone());
        self.start_job(tenant, &project_row, "restore", move |task| async move {
            let restored = this.restore(&task, &actor, target, from, other, snapshot).await?;
            Ok(json!(restored))
        })
        .await
    }

    pub(super) async fn environment_to_replace(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        confirm: Option<&str>,
    ) -> Result<EnvironmentAccess> {
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::environment(r, &tenant, &project, &name, Need::write(Role::Admin))).await?;
        guard::confirm(confirm, &access.row.name)?;
        Ok(access)
    }

    /// Keeps other writes out of the environment until the answer is dropped.
    pub(super) async fn hold_environment(self: &Arc<Self>, access: EnvironmentAccess) -> Result<Target> {
        let environment = self.environment(&access.row.id).await?;
        let hold = environment.data().hold().ok_or_else(|| {
            Error::new(Code::ENVIRONMENT_BUSY, format!("A restore, reset or clone is running in {} already; try again when it is done", access.row.name))
        })?;
        Ok(Target { environment, access, hold })
    }

    async fn other_environment(self: &Arc<Self>, tenant: &Tenant, access: &EnvironmentAccess, name: &str) -> Result<Arc<Environment>> {
        let other = self.tenant_environment(tenant, &access.project.id, name, Need::read(Role::Member)).await?;
        if other.id() == access.row.id {
            return Err(Error::invalid_parameter("source", "source must name another environment than the one that is replaced"));
        }
        Ok(other)
    }

    async fn restore(
        self: &Arc<Self>,
        task: &Task,
        actor: &Tenant,
        target: Target,
        from: RestoreFrom,
        other: Option<Arc<Environment>>,
        snapshot: bool,
    ) -> Result<Restored> {
        task.step(0, 3, "reading the source")?;
        let prepared = self.prepare(&target, from, other).await?;
        task.step(1, 3, "saving what is there")?;
        let undo = match (&prepared.table, snapshot) {
            (_, false) => None,
            (Some(_), true) => self.save_table(&target.environment, actor, &prepared).await?,
            (None, true) => Some(self.take_snapshot(&target.environment, actor, None, Reason::BeforeRestore, true).await?.id),
        };
        task.step(2, 3, "replacing the content")?;
        match &prepared.table {
            Some(about) => target.environment.restore_table(actor, about, prepared.source.path()).await?,
            None => self.replace_content(actor, &target, &prepared).await?,
        }
        let counts = self.counts_of(&target.environment).await?;
        drop(target.hold);
        Ok(Restored { counts, undo_snapshot_id: undo })
    }

    async fn prepare(self: &Arc<Self>, target: &Target, from: RestoreFrom, other: Option<Arc<Environment>>) -> Result<Prepared> {
        let copies = self.directory().copies();
        if let Some(other) = other {
            let (parts, objects) = (for_another(true, true, true), self.directory().objects(other.id()));
            let (from, id) = (other.name().to_owned(), target.environment.id().to_owned());
            return blocking(move || {
                let hold = Some(other.objects().hold());
                let source = copies.of_environment(other.data(), parts).map_err(copy_failed)?;
                move_keys(&source, other.id(), &id)?;
                Ok(Prepared { source, objects: Some(objects), parts, table: None, from, _hold: hold })
            })
            .await;
        }
        let RestoreFrom::Snapshot(id) = from else { return Err(Error::internal("a restore without a source")) };
        let about = self.snapshot_of(&target.access.project.id, &id).await?;
        let origin = about.get("environmentId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let environment_id = target.environment.id().to_owned();
        let own = origin == environment_id;
        let from = about.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        blocking(move || {
            let table = about.contains_key("table").then_some(about);
            let parts = if own { Parts::ALL } else { for_another(true, true, true) };
            let source = match own || table.is_some() {
                true => copies.open(&id, table.is_none()).map_err(copy_failed)?,
                false => {
                    let source = copies.copy_of(&id, parts).map_err(copy_failed)?;
                    move_keys(&source, &origin, &environment_id)?;
                    source
                }
            };
            Ok(Prepared { source, objects: copies.objects_of(&id), parts, table, from, _hold: None })
        })
        .await
    }

    async fn save_table(self: &Arc<Self>, environment: &Arc<Environment>, actor: &Tenant, prepared: &Prepared) -> Result<Option<String>> {
        let name = prepared.table.as_ref().and_then(|about| about.get("table")).and_then(Value::as_str).unwrap_or_default();
        match environment.table(name) {
            Some(_) => environment.copy_table_held(actor, name, Reason::BeforeRestore.name()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn replace_content(self: &Arc<Self>, actor: &Tenant, target: &Target, prepared: &Prepared) -> Result<()> {
        let (directory, id) = (Arc::clone(self), target.environment.id().to_owned());
        if let Some(objects) = prepared.objects.clone() {
            // More files than the database knows do no harm, fewer would: they come before the commit, and go after it.
            let id = id.clone();
            let this = Arc::clone(&directory);
            blocking(move || this.directory().add_objects(&id, &objects).map_err(|error| copy_failed(error.into()))).await?;
        }
        let change = replaced(target, "restored", &prepared.from);
        target.environment.replace_content(actor, prepared.source.path(), prepared.parts, change).await?;
        if let Some(objects) = prepared.objects.clone() {
            blocking(move || {
                directory.pictures().forget_environment(&id);
                directory.directory().keep_objects(&id, Some(&objects)).map_err(|error| copy_failed(error.into()))
            })
            .await?;
        }
        Ok(())
    }

    /// What an environment holds now.
    pub(super) async fn counts_of(self: &Arc<Self>, environment: &Arc<Environment>) -> Result<Counts> {
        let stats = self.stats_of(environment.id()).await?;
        Ok(Counts { tables: stats.tables, rows: stats.rows, users: stats.users, files: stats.files })
    }
}

/// The activity of an environment that was changed as a whole.
pub(super) fn replaced<'a>(target: &'a Target, action: &'a str, from: &str) -> Change<'a> {
    let mut change = Change {
        organization_id: Some(&target.access.project.organization_id),
        project_id: Some(&target.access.project.id),
        environment: Some(&target.access.row.name),
        entity: "environment",
        action,
        entity_id: &target.access.row.id,
        entity_name: &target.access.row.name,
        ..Change::default()
    };
    if !from.is_empty() {
        change.metadata.insert("source".to_owned(), from.into());
    }
    change
}
