//! Taking deleted environments off the disk. Their ids are noted in the transaction that deletes the rows, so that a
//! crash in between leaves nothing behind.

use std::sync::Arc;

use crate::domain::backend::Backend;
use crate::domain::error::{Error, Result};
use crate::store::Tx;

/// What a deletion leaves to be done after its commit.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    environments: Vec<String>,
    projects: Vec<String>,
}

impl Removal {
    pub(super) fn add_project(&mut self, tx: &mut Tx<'_>, project_id: &str) -> Result<()> {
        for environment in tx.reader().environments_of(project_id)? {
            self.add_environment(tx, &environment.id)?;
        }
        self.projects.push(project_id.to_owned());
        Ok(())
    }

    pub(super) fn add_environment(&mut self, tx: &mut Tx<'_>, environment_id: &str) -> Result<()> {
        tx.insert_removal(environment_id)?;
        self.environments.push(environment_id.to_owned());
        Ok(())
    }

    /// Makes keys and cached projects unusable before the caller hears that they are gone.
    pub(super) fn on_commit(&self, tx: &mut Tx<'_>, backend: Arc<Backend>) {
        let this = self.clone();
        tx.after_commit(move || {
            this.environments.iter().for_each(|id| backend.mark_deleted(id));
            this.projects.iter().for_each(|id| backend.forget_project(id));
            backend.keys().clear();
        });
    }
}

impl Backend {
    /// Closes the environments and removes their directories.
    pub(super) async fn finish_removal(self: &Arc<Self>, removal: Removal) -> Result<()> {
        for id in removal.environments {
            self.forget_environment(&id).await;
            self.remove_directory(id).await?;
        }
        if removal.projects.is_empty() {
            return Ok(());
        }
        // Snapshots go with their project; those of a deleted environment alone stay.
        let copies = self.directory().copies();
        let removed = tokio::task::spawn_blocking(move || copies.remove_of_projects(&removal.projects)).await.map_err(Error::internal)?;
        if let Err(error) = removed {
            tracing::warn!(%error, "could not remove the snapshots of a deleted project");
        }
        Ok(())
    }

    /// Removes what deletions of an earlier run left on the disk.
    pub async fn finish_removals(self: &Arc<Self>) -> Result<()> {
        for id in self.control().read::<_, Error, _>(|r| Ok(r.removals()?)).await? {
            self.remove_directory(id).await?;
        }
        Ok(())
    }

    async fn remove_directory(self: &Arc<Self>, environment_id: String) -> Result<()> {
        let (this, id) = (Arc::clone(self), environment_id.clone());
        let removed = tokio::task::spawn_blocking(move || {
            this.pictures().forget_environment(&id);
            this.directory().remove_environment(&id)
        })
        .await
        .map_err(Error::internal)?;
        if let Err(error) = removed {
            // The environment is gone for everybody; the next start tries again.
            tracing::warn!(%error, environment = environment_id, "could not remove the directory of a deleted environment");
            return Ok(());
        }
        self.control().write::<_, Error, _>(move |tx| Ok(tx.delete_removal(&environment_id)?)).await
    }
}
