//! Many files at once, as a job: deleting them, changing who sees them, packing them (`06-console.md` B3).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::labels::Visibility;
use super::remove_after_commit;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::jobs::{Job, Task};
use crate::store::Tx;

/// Files of one call.
const MOST: usize = 1000;
/// Files changed in one transaction, so that others get their turn.
const BATCH: usize = 100;

/// What is to be done with which files.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct BulkFiles {
    /// 1–1000.
    pub ids: Vec<String>,
    /// `delete`, `visibility` or `zip`.
    pub action: String,
    /// For `visibility`: `public`, `private`, `protected` or `shared`.
    pub visibility: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Delete,
    Show(Visibility),
    Zip,
}

impl BulkFiles {
    fn check(mut self) -> Result<(Vec<String>, Action)> {
        let mut seen = std::collections::HashSet::new();
        self.ids.retain(|id| seen.insert(id.clone()));
        if self.ids.is_empty() || self.ids.len() > MOST {
            return Err(Error::invalid_parameter("ids", format!("ids must hold 1 to {MOST} ids of files")));
        }
        let action = match (self.action.as_str(), self.visibility.as_deref()) {
            ("delete", _) => Action::Delete,
            ("zip", _) => Action::Zip,
            ("visibility", Some(word)) => Action::Show(Visibility::parse("visibility", word)?),
            ("visibility", None) => return Err(Error::invalid_parameter("visibility", "visibility is required with the action visibility")),
            _ => return Err(Error::invalid_parameter("action", "action must be delete, visibility or zip")),
        };
        Ok((self.ids, action))
    }
}

impl Backend {
    /// Starts the work. The job's result is `{ files, missing }`, the ids of files that are not there; with `zip` also
    /// `{ filename, sizeBytes }` of the archive that the job's artifact is.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters`.
    pub async fn bulk_files(self: &Arc<Self>, tenant: &Tenant, environment: &Arc<Environment>, bulk: BulkFiles) -> Result<Job> {
        let (ids, action) = bulk.check()?;
        let project_id = environment.project().id.clone();
        let project = self.control().read::<_, Error, _>(move |r| Ok(r.project(&project_id)?)).await?;
        let project = project.ok_or_else(|| Error::new(Code::PROJECT_NOT_FOUND, "No such project"))?;
        let (this, environment, actor) = (Arc::clone(self), Arc::clone(environment), tenant.clone());
        self.start_job(tenant, &project, "files", move |task| async move {
            match action {
                Action::Zip => this.pack_files(&task, &environment, ids).await,
                Action::Delete | Action::Show(_) => change_all(&task, &environment, &actor, ids, action).await,
            }
        })
        .await
    }
}

async fn change_all(task: &Task, environment: &Arc<Environment>, actor: &Tenant, ids: Vec<String>, action: Action) -> Result<Value> {
    let (total, mut missing, mut done) = (ids.len() as u64, Vec::new(), 0);
    for batch in ids.chunks(BATCH) {
        task.step(done, total, if matches!(action, Action::Delete) { "deleting" } else { "changing" })?;
        done += batch.len() as u64;
        let (this, batch, actor) = (Arc::clone(environment), batch.to_vec(), actor.clone());
        let told = (done == total).then_some(total);
        let write = environment.data().write::<_, Error, _>(move |tx| {
            let mut missing = Vec::new();
            for id in batch {
                if !change_one(tx, &this, &id, action)? {
                    missing.push(id);
                }
            }
            if let Some(files) = told {
                audit(tx, &this, &actor, files, action)?;
            }
            Ok(missing)
        });
        missing.extend(write.await?);
    }
    Ok(json!({ "files": total - missing.len() as u64, "missing": missing }))
}

/// Whether there is such a file.
fn change_one(tx: &mut Tx<'_>, environment: &Environment, id: &str, action: Action) -> Result<bool> {
    let Some(mut file) = tx.reader().file(id)? else { return Ok(false) };
    if let Action::Show(visibility) = action {
        visibility.as_str().clone_into(&mut file.visibility);
        file.updated_at = environment.now().max(file.updated_at);
        tx.update_file(&file)?;
    } else {
        let names = tx.delete_upload(id)?;
        remove_after_commit(tx, environment, names);
    }
    Ok(true)
}

fn audit(tx: &mut Tx<'_>, environment: &Environment, actor: &Tenant, files: u64, action: Action) -> Result<()> {
    let project = environment.project();
    let change = Change {
        organization_id: Some(&project.organization_id),
        project_id: Some(&project.id),
        environment: Some(environment.name()),
        entity: "file",
        action: if matches!(action, Action::Delete) { "deleted" } else { "updated" },
        entity_id: "",
        entity_name: "",
        metadata: Map::from_iter([("files".to_owned(), files.into())]),
    };
    environment.audit(tx, &change.by(actor))
}
