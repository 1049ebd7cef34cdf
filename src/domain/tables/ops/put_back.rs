//! Putting a table back as a copy of it says: its records, and its definition as new versions of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::create::free_name;
use super::safety_copy;
use super::versions::{self, Version};
use super::{audit, make_index, own_table, put_in_force};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::records::changes;
use crate::domain::tables::table::Table;
use crate::domain::time;
use crate::store::Tx;
use crate::store::data::{TableRow, VersionKind};

impl Environment {
    /// Replaces the table of this name by what the attached copy and `definition` say; makes it when it is gone.
    pub(in crate::domain) fn put_table_back(
        self: &Arc<Self>,
        tx: &mut Tx<'_>,
        actor: &Tenant,
        name: &str,
        id: &str,
        definition: &str,
        metadata: Map<String, Value>,
    ) -> Result<()> {
        let (now, present) = (time::now(), self.table(name));
        let row = TableRow {
            id: present.as_ref().map_or_else(|| id.to_owned(), |t| t.id.clone()),
            name: name.to_owned(),
            physical: match &present {
                Some(table) => table.shape.physical.clone(),
                None => free_name(&tx.reader(), name)?,
            },
            definition: definition.to_owned(),
            created_at: present.as_ref().map_or(now, |t| t.created_at),
            updated_at: now,
        };
        let mut table = Table::from_row(&row)?;
        if let Some(present) = &present {
            changes::bump(tx, present);
            table.schema_version = present.schema_version + 1;
            table.index_version = present.index_version + 1;
            tx.drop_physical_table(&row.physical)?;
        } else {
            tx.insert_table(&row)?;
        }
        tx.create_physical_table(&table.shape.physical, table.shape.columns.iter().map(|(field, column)| (column.name.as_str(), field.as_str())))?;
        tx.fill_from_source(&table.shape.physical)?;
        table.indexes.iter().try_for_each(|index| make_index(tx, &table, index))?;
        for kind in [VersionKind::Schema, VersionKind::Indexes] {
            let version = Version { summary: "Restored from a snapshot".to_owned(), changes: json!({ "added": [], "updated": [], "removed": [] }) };
            versions::note(tx, actor, &table, kind, &version)?;
        }
        changes::note_reset(self, tx, &table);
        if present.is_some() {
            put_in_force(self, tx, actor, table, metadata)?;
            return Ok(());
        }
        tx.update_table(&table.id, &table.definition(), now)?;
        audit(self, tx, actor, &table, "restored", metadata)?;
        self.replace_table(tx, name, Some(Arc::new(table)));
        Ok(())
    }

    /// As [`Environment::copy_table`], while the database is held.
    pub(in crate::domain) async fn copy_table_held(self: &Arc<Self>, actor: &Tenant, name: &str, reason: &'static str) -> Result<String> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        let run = move |_: &mut Tx<'_>| safety_copy::take(&environment, &actor, &*own_table(&environment, &name)?, reason);
        self.data().write_held::<_, Error, _>(run).await
    }
}
