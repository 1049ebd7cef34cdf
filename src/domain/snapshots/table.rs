//! What a restore does inside an environment: the whole content, or one table, in one transaction, with everything that is
//! cached about it.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::not_found;
use crate::domain::activities::Change;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::records::changes;
use crate::store::Tx;
use crate::store::data::Parts;

impl Environment {
    /// Replaces these parts by what the database at `source` holds.
    pub(super) async fn replace_content(self: &Arc<Self>, actor: &Tenant, source: &Path, parts: Parts, change: Change<'_>) -> Result<()> {
        let (environment, activity) = (Arc::clone(self), change.by(actor));
        self.data()
            .write_beside::<_, Error, _>(source, move |tx| {
                environment.around_everything(tx);
                tx.replace_from_source(parts)?;
                environment.reread(tx)?;
                environment.audit(tx, &activity)
            })
            .await
    }

    /// Removes these parts.
    pub(super) async fn empty(self: &Arc<Self>, actor: &Tenant, parts: Parts, change: Change<'_>) -> Result<()> {
        let (environment, activity) = (Arc::clone(self), change.by(actor));
        self.data()
            .write_held::<_, Error, _>(move |tx| {
                environment.around_everything(tx);
                tx.empty(parts)?;
                environment.reread(tx)?;
                environment.audit(tx, &activity)
            })
            .await
    }

    /// Nothing cached before the commit is used after it, and streams read everything anew.
    fn around_everything(self: &Arc<Self>, tx: &mut Tx<'_>) {
        for table in self.all_tables() {
            changes::bump(tx, &table);
            if !table.system {
                changes::note_reset(self, tx, &table);
            }
        }
    }

    /// Puts one table back: its records and its definition, as new versions of it. Called while the database is held.
    pub(super) async fn restore_table(self: &Arc<Self>, actor: &Tenant, about: &Map<String, Value>, source: &Path) -> Result<()> {
        let name = about.get("table").and_then(Value::as_str).ok_or_else(not_found)?.to_owned();
        let definition = about.get("definition").filter(|d| d.is_object()).ok_or_else(not_found)?.to_string();
        let id = about.get("tableId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let metadata = Map::from_iter([("restored".to_owned(), json!(true)), ("snapshotId".to_owned(), about.get("id").cloned().unwrap_or_default())]);
        let (environment, actor) = (Arc::clone(self), actor.clone());
        self.data().write_beside::<_, Error, _>(source, move |tx| environment.put_table_back(tx, &actor, &name, &id, &definition, metadata)).await
    }
}
