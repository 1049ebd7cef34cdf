//! Deleting a table, or all its records.

use std::sync::Arc;

use serde_json::{Map, json};

use super::{audit, own_table, safety_copy};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::records::changes;

impl Environment {
    /// Deletes a table with its records, indexes, versions and settings. With `copy`, a copy is taken first and its id answered.
    ///
    /// # Errors
    /// 404 `data/table-not-found`, 403 `data/system-table-access`.
    pub async fn delete_table(self: &Arc<Self>, actor: &Tenant, name: &str, copy: bool) -> Result<Option<String>> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let table = own_table(&environment, &name)?;
                let copied = copy.then(|| safety_copy::take(&environment, &actor, &table, "before-delete")).transpose()?;
                changes::note_reset(&environment, tx, &table);
                tx.drop_table(&table.id, &table.shape.physical)?;
                audit(&environment, tx, &actor, &table, "deleted", Map::new())?;
                environment.replace_table(tx, &table.name, None);
                Ok(copied)
            })
            .await
    }

    /// Deletes every record of a table. With `copy`, a copy is taken first and its id answered.
    ///
    /// # Errors
    /// As [`Environment::delete_table`].
    pub async fn truncate_table(self: &Arc<Self>, actor: &Tenant, name: &str, copy: bool) -> Result<Option<String>> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let table = own_table(&environment, &name)?;
                let copied = copy.then(|| safety_copy::take(&environment, &actor, &table, "before-delete")).transpose()?;
                changes::bump(tx, &table);
                let count = tx.truncate(&table.shape.physical)?;
                changes::note_reset(&environment, tx, &table);
                let metadata = Map::from_iter([("truncated".to_owned(), json!(true)), ("records".to_owned(), json!(count))]);
                audit(&environment, tx, &actor, &table, "updated", metadata)?;
                Ok(copied)
            })
            .await
    }

    /// Takes a copy of a table before many of its records go; answers its id.
    ///
    /// # Errors
    /// As [`Environment::delete_table`].
    pub async fn copy_table(self: &Arc<Self>, actor: &Tenant, name: &str, reason: &'static str) -> Result<String> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |_| {
                let table = own_table(&environment, &name)?;
                safety_copy::take(&environment, &actor, &table, reason)
            })
            .await
    }
}
