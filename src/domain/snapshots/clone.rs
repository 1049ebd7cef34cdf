//! A new environment as a copy of another one, or of a snapshot: of one moment, with keys of its own.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{blocking, copy_failed, for_another, move_keys};
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::jobs::{Job, Task};
use crate::domain::tenancy::environments::{EnvironmentView, NewEnvironment};
use crate::domain::tenancy::guard::{Need, Role};
use crate::store::Source;
use crate::store::control::EnvironmentRow;
use crate::store::data::Parts;

/// What of the original comes along; everything when nothing is said. Tables always do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloneParts {
    pub data: bool,
    pub users: bool,
    pub files: bool,
}

impl Default for CloneParts {
    fn default() -> Self {
        Self { data: true, users: true, files: true }
    }
}

/// Where a new environment is copied from: one of the two.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloneFrom {
    /// Name or id of an environment of the project.
    pub environment: Option<String>,
    /// Any snapshot of the project that holds a whole environment.
    pub snapshot_id: Option<String>,
    #[serde(flatten)]
    pub parts: CloneParts,
}

enum Original {
    Environment(Arc<Environment>),
    Snapshot(String),
}

impl Backend {
    /// Makes an environment as a copy; the job's result is the environment with its `publishableKey`.
    ///
    /// # Errors
    /// As [`Backend::create_environment`]; 409 `environment/already-exists`, `snapshot/incompatible`; 404 `snapshot/not-found`,
    /// `data/environment-not-found`.
    pub async fn clone_environment(self: &Arc<Self>, tenant: &Tenant, project: &str, new: NewEnvironment, from: CloneFrom) -> Result<Job> {
        let original = self.original(tenant, project, &from).await?;
        let (row, key, project_row) = self.reserve_environment(tenant, project, new).await?;
        let (this, parts) = (Arc::clone(self), from.parts);
        self.start_job(tenant, &project_row, "clone", move |task| async move {
            let made = this.fill(&task, &row, original, parts).await;
            if let Err(error) = made {
                this.discard_environment(&row.id).await?;
                return Err(error);
            }
            let view = EnvironmentView { publishable_key: Some(key), ..this.activated(&row.id).await? };
            Ok(json!(view))
        })
        .await
    }

    async fn original(self: &Arc<Self>, tenant: &Tenant, project: &str, from: &CloneFrom) -> Result<Original> {
        match (&from.environment, &from.snapshot_id) {
            (Some(name), None) => Ok(Original::Environment(self.tenant_environment(tenant, project, name, Need::write(Role::Admin)).await?)),
            (None, Some(id)) => {
                let about = self.snapshot_of(project, id).await?;
                if about.contains_key("table") {
                    let message =
                        format!("The snapshot holds the table {} only; an environment is made of a whole one", about["table"].as_str().unwrap_or_default());
                    return Err(Error::new(Code::SNAPSHOT_INCOMPATIBLE, message));
                }
                Ok(Original::Snapshot(about.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()))
            }
            _ => Err(Error::invalid_parameter("cloneFrom", "cloneFrom must have either environment or snapshotId")),
        }
    }

    async fn fill(self: &Arc<Self>, task: &Task, row: &EnvironmentRow, original: Original, parts: CloneParts) -> Result<()> {
        task.step(0, 2, "copying")?;
        let wanted = for_another(parts.data, parts.users, parts.files);
        let (this, id) = (Arc::clone(self), row.id.clone());
        blocking(move || {
            let _hold = match &original {
                Original::Environment(environment) => Some(environment.objects().hold()),
                Original::Snapshot(_) => None,
            };
            let (source, objects) = this.copy_of(&original, wanted)?;
            if parts.files {
                move_keys(&source, &this.origin_of(&original), &id)?;
            }
            this.directory().place_data(&id, source).map_err(copy_failed)?;
            if let Some(objects) = objects.filter(|_| parts.files) {
                this.directory().add_objects(&id, &objects).map_err(|error| copy_failed(error.into()))?;
            }
            Ok(())
        })
        .await?;
        task.step(1, 2, "opening")
    }

    /// The environment a copy is made of. Blocks.
    fn origin_of(&self, original: &Original) -> String {
        match original {
            Original::Environment(environment) => environment.id().to_owned(),
            Original::Snapshot(id) => {
                let about = self.directory().copies().read(id).unwrap_or_default();
                about.get("environmentId").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
        }
    }

    /// Blocks.
    fn copy_of(&self, original: &Original, wanted: Parts) -> Result<(Source, Option<PathBuf>)> {
        let copies = self.directory().copies();
        match original {
            Original::Environment(environment) => {
                let source = copies.of_environment(environment.data(), wanted).map_err(copy_failed)?;
                Ok((source, Some(self.directory().objects(environment.id()))))
            }
            Original::Snapshot(id) => Ok((copies.copy_of(id, wanted).map_err(copy_failed)?, copies.objects_of(id))),
        }
    }
}
