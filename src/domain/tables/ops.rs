//! What developers do with tables: the one place each such change is made, whoever asks for it.

mod create;
mod describe;
mod fields;
mod index_changes;
mod put_back;
mod remove;
mod reshape;
mod rewriting;
mod rights;
mod rollback;
mod safety_copy;
mod schema_apply;
mod versions;

use std::sync::Arc;

use serde_json::Value;

use super::index_def::IndexDef;
use super::table::{Table, next_definition};
use crate::domain::activities::Change;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::records::table_not_found;
use crate::domain::time;
use crate::store::Tx;
use crate::store::data::{IndexPart, IndexPlan, Unique};
use crate::store::query::ast::Path;

pub use crate::store::data::VersionKind;
pub use create::NewTable;
pub use fields::FieldsChanged;
pub use index_changes::IndexesChanged;
pub(in crate::domain) use index_changes::rehearse;
pub use schema_apply::{Applied, Apply, Scope};
pub use versions::{Version, VersionView};

/// Tables of one environment (`02-data.md` §12).
pub const MAX_TABLES: usize = 500;

/// A table a developer made, for changing it.
pub(in crate::domain) fn own_table(environment: &Arc<Environment>, name: &str) -> Result<Arc<Table>> {
    if super::name::is_system_table(name) {
        return Err(Error::new(Code::SYSTEM_TABLE_ACCESS, format!("{name} is a system table; its definition cannot be changed")));
    }
    environment.table(name).ok_or_else(|| table_not_found(environment, name))
}

/// Stores the definition of a changed table, notes who changed it, and puts it in force with the commit.
pub(in crate::domain) fn put_in_force(
    environment: &Arc<Environment>,
    tx: &mut Tx<'_>,
    actor: &Tenant,
    mut table: Table,
    metadata: serde_json::Map<String, Value>,
) -> Result<Arc<Table>> {
    table.updated_at = time::now().max(table.updated_at + 1);
    // What was cached under the old definition says nothing about the new one.
    table.definition_number = next_definition();
    table.totals = Arc::default();
    tx.update_table(&table.id, &table.definition(), table.updated_at)?;
    audit(environment, tx, actor, &table, "updated", metadata)?;
    let table = Arc::new(table);
    environment.replace_table(tx, &table.name, Some(Arc::clone(&table)));
    Ok(table)
}

pub(in crate::domain) fn audit(
    environment: &Arc<Environment>,
    tx: &mut Tx<'_>,
    actor: &Tenant,
    table: &Table,
    action: &str,
    metadata: serde_json::Map<String, Value>,
) -> Result<()> {
    let project = environment.project();
    let change = Change {
        organization_id: Some(&project.organization_id),
        project_id: Some(&project.id),
        environment: Some(environment.name()),
        entity: "table",
        action,
        entity_id: &table.id,
        entity_name: &table.name,
        metadata,
    };
    environment.audit(tx, &change.by(actor))
}

/// How an index is made in the store; `None` for the one every record table has by itself.
pub(in crate::domain) fn index_plan(index: &IndexDef) -> Option<IndexPlan> {
    if index.name == "_id_" {
        return None;
    }
    let mirror = index.mirrored_field().is_some();
    let unique = match (index.unique, mirror, index.sparse) {
        (false, ..) => Unique::No,
        (true, true, _) => Unique::IgnoringNull,
        (true, false, true) => Unique::Sparse,
        (true, false, false) => Unique::NullIsAValue,
    };
    let part = |(path, direction): (&String, &i8)| IndexPart { path: Path(path.split('.').map(str::to_owned).collect()), descending: *direction < 0 };
    Some(IndexPlan { name: index.name.clone(), parts: index.fields.iter().map(part).collect(), unique })
}

/// Makes an index.
///
/// # Errors
/// 409 `data/duplicate-value` with up to 5 details for values that are there already.
pub(in crate::domain) fn make_index(tx: &mut Tx<'_>, table: &Table, index: &IndexDef) -> Result<()> {
    let Some(plan) = index_plan(index) else { return Ok(()) };
    match tx.nested(|tx| tx.create_index(&table.shape, &plan)) {
        Ok(()) => Ok(()),
        Err(crate::store::StoreError::Unique(_)) => Err(index_changes::duplicates(tx, table, index, &plan)?),
        Err(other) => Err(other.into()),
    }
}
