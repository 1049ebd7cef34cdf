//! The copy of a table that is taken before values of it are removed or converted (`06-console.md` B1, ◇).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::snapshots::{KEPT, KEPT_FOR};
use crate::domain::tables::table::Table;
use crate::domain::time;

/// Copies the definition and the committed records of a table; answers the id of the copy. Called on the writer, before the
/// change is committed.
pub(super) fn take(environment: &Arc<Environment>, actor: &Tenant, table: &Table, reason: &str) -> Result<String> {
    let (id, now) = (new_id(), time::now());
    let definition: Value = serde_json::from_str(&table.definition()).map_err(Error::internal)?;
    let text = |key: &str, value: &str| (key.to_owned(), Value::from(value));
    let about = Map::from_iter([
        text("id", &id),
        text("name", &format!("{} {reason}", table.name)),
        text("reason", reason),
        text("environment", environment.name()),
        text("environmentId", environment.id()),
        text("projectId", &environment.project().id),
        text("table", &table.name),
        text("tableId", &table.id),
        ("definition".to_owned(), definition),
        ("files".to_owned(), 0.into()),
        ("createdBy".to_owned(), actor.actor()),
        text("createdAt", &time::iso(now)),
        text("expiresAt", &time::iso(now + KEPT_FOR)),
    ]);
    let copies = environment.copies();
    copies.take(environment.data(), &table.shape.physical, &id, about)?;
    if let Err(error) = copies.trim(environment.id(), &time::iso(now), KEPT) {
        tracing::warn!(%error, "old copies of tables could not be deleted");
    }
    Ok(id)
}
