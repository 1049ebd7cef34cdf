//! Emptying an environment.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::restore::{Target, replaced};
use super::{Reason, Restored, blocking, copy_failed};
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::jobs::{Job, Task};
use crate::domain::tenancy::api_keys::default_key;
use crate::domain::time;
use crate::store::data::Parts;

/// What goes; `data`, `users` and `files` when nothing is said.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResetParts {
    /// All records.
    pub data: bool,
    /// All users with their sessions.
    pub users: bool,
    /// All stored files.
    pub files: bool,
    /// All tables; their records go with them.
    pub schema: bool,
    /// All keys; a new publishable one is made.
    pub keys: bool,
}

impl Default for ResetParts {
    fn default() -> Self {
        Self { data: true, users: true, files: true, schema: false, keys: false }
    }
}

impl Backend {
    /// Empties an environment; `confirm` must be its name. Unless `snapshot` is false, what was there is saved first. The job's
    /// result is [`Restored`], with `publishableKey` when keys were made anew.
    ///
    /// # Errors
    /// As [`Backend::restore_environment`].
    pub async fn reset_environment(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        parts: ResetParts,
        confirm: Option<&str>,
        snapshot: bool,
    ) -> Result<Job> {
        let access = self.environment_to_replace(tenant, project, environment, confirm).await?;
        let target = self.hold_environment(access).await?;
        let (this, actor, project_row) = (Arc::clone(self), tenant.clone(), target.access.project.clone());
        self.start_job(tenant, &project_row, "reset", move |task| async move { this.reset(&task, &actor, target, parts, snapshot).await }).await
    }

    async fn reset(self: &Arc<Self>, task: &Task, actor: &Tenant, target: Target, parts: ResetParts, snapshot: bool) -> Result<serde_json::Value> {
        task.step(0, 2, "saving what is there")?;
        let undo = match snapshot {
            true => Some(self.take_snapshot(&target.environment, actor, None, Reason::BeforeReset, true).await?.id),
            false => None,
        };
        task.step(1, 2, "emptying")?;
        let chosen =
            Parts { tables: parts.schema, records: parts.data || parts.schema, users: parts.users, sessions: parts.users, files: parts.files, ..Parts::NONE };
        target.environment.empty(actor, chosen, replaced(&target, "reset", "")).await?;
        if parts.files {
            let (this, id) = (Arc::clone(self), target.environment.id().to_owned());
            blocking(move || {
                this.pictures().forget_environment(&id);
                this.directory().keep_objects(&id, None).map_err(|error| copy_failed(error.into()))
            })
            .await?;
        }
        let key = if parts.keys { Some(self.replace_keys(actor, target.environment.id()).await?) } else { None };
        let counts = self.counts_of(&target.environment).await?;
        drop(target.hold);
        let mut result = json!(Restored { counts, undo_snapshot_id: undo });
        if let Some(key) = key {
            result["publishableKey"] = key.into();
        }
        Ok(result)
    }

    /// Revokes every key and makes a publishable one; answers its value.
    async fn replace_keys(self: &Arc<Self>, actor: &Tenant, environment_id: &str) -> Result<String> {
        let now = time::now();
        let (key, value) = default_key(self, actor, environment_id, now);
        let (this, id) = (Arc::clone(self), environment_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                for old in tx.reader().keys_of(&id)?.iter().filter(|k| k.revoked_at.is_none()) {
                    tx.revoke_key(&old.id, now)?;
                }
                tx.insert_key(&key)?;
                tx.after_commit(move || this.keys().clear());
                Ok(())
            })
            .await?;
        Ok(value)
    }
}
