//! Taking a snapshot of a whole environment, consistent while others write to it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{KEPT, KEPT_FOR, Reason, Snapshot, blocking, copy_failed};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::jobs::Job;
use crate::domain::tenancy::guard::{self, Need, Role};
use crate::domain::tenancy::input;
use crate::domain::time;

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSnapshot {
    /// 1–64 characters; the time when absent.
    pub name: Option<String>,
    /// Stored files too; true when absent.
    pub include_files: Option<bool>,
}

impl Backend {
    /// Takes a snapshot by hand; the job's result is the [`Snapshot`].
    ///
    /// # Errors
    /// As [`guard::environment`]; `common/invalid-parameters`. A full disk ends the job with `common/unavailable`.
    pub async fn create_snapshot(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, new: NewSnapshot) -> Result<Job> {
        let name = new.name.map(|name| input::name("name", &name)).transpose()?;
        let (who, project, environment) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::environment(r, &who, &project, &environment, Need::write(Role::Member))).await?;
        let environment = self.environment(&access.row.id).await?;
        let (this, tenant_of_job, project_row) = (Arc::clone(self), tenant.clone(), access.project.clone());
        let include_files = new.include_files.unwrap_or(true);
        self.start_job(tenant, &access.project, "snapshot", move |task| async move {
            task.step(0, 1, "copying")?;
            let snapshot = this.take_snapshot(&environment, &tenant_of_job, name, Reason::Manual, include_files).await?;
            let (id, shown) = (snapshot.id.clone(), snapshot.name.clone());
            let environment_name = environment.name().to_owned();
            this.control()
                .write::<_, Error, _>(move |tx| {
                    let change = Change {
                        organization_id: Some(&project_row.organization_id),
                        project_id: Some(&project_row.id),
                        environment: Some(&environment_name),
                        entity: "snapshot",
                        action: "created",
                        entity_id: &id,
                        entity_name: &shown,
                        ..Change::default()
                    };
                    Ok(tx.insert_activity(&change.by(&tenant_of_job))?)
                })
                .await?;
            Ok(json!(snapshot))
        })
        .await
    }

    /// Takes a snapshot, and lets automatic ones that have expired, or are too many, go.
    pub(in crate::domain) async fn take_snapshot(
        self: &Arc<Self>,
        environment: &Arc<Environment>,
        actor: &Tenant,
        name: Option<String>,
        reason: Reason,
        files: bool,
    ) -> Result<Snapshot> {
        let (id, now) = (new_id(), time::now());
        let automatic = reason != Reason::Manual;
        let name = name.unwrap_or_else(|| if automatic { format!("{} {}", environment.name(), reason.name()) } else { time::iso(now) });
        let about = Map::from_iter([
            ("id".to_owned(), Value::from(id.as_str())),
            ("name".to_owned(), name.into()),
            ("reason".to_owned(), reason.name().into()),
            ("environment".to_owned(), environment.name().into()),
            ("environmentId".to_owned(), environment.id().into()),
            ("projectId".to_owned(), environment.project().id.as_str().into()),
            ("createdBy".to_owned(), actor.actor()),
            ("createdAt".to_owned(), time::iso(now).into()),
            ("expiresAt".to_owned(), if automatic { time::iso(now + KEPT_FOR).into() } else { Value::Null }),
        ]);
        let (copies, data, environment_id) = (self.directory().copies(), Arc::clone(environment.data()), environment.id().to_owned());
        let objects = files.then(|| self.directory().objects(&environment_id));
        let hold = environment.objects().hold();
        blocking(move || {
            let about = copies.take_environment(&data, objects.as_deref(), &id, about).map_err(copy_failed)?;
            drop(hold);
            if let Err(error) = copies.trim(&environment_id, &time::iso(now), KEPT) {
                tracing::warn!(%error, "old snapshots could not be deleted");
            }
            Snapshot::read(about).ok_or_else(|| Error::internal("a snapshot just taken cannot be read"))
        })
        .await
    }
}
