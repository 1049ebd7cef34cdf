//! Adding, rebuilding and removing indexes (`02-data.md` §7).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::versions::{self, Version};
use super::{make_index, own_table, put_in_force};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::tables::index_change::{IndexChange, IndexPlan as Planned};
use crate::domain::tables::index_def::IndexDef;
use crate::domain::tables::table::Table;
use crate::store::Tx;
use crate::store::data::{Duplicates, IndexPlan, VersionKind};

/// Groups of duplicates that an error shows.
const SHOWN: u32 = 5;

/// What a change of indexes answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexesChanged {
    pub index_version: u32,
    pub previous_index_version: u32,
    #[schema(value_type = Vec<Object>)]
    pub indexes: Vec<Value>,
    #[schema(value_type = Object)]
    pub applied_indexes: Value,
    pub warnings: Vec<String>,
}

impl Environment {
    /// Adds, rebuilds and removes indexes: the whole call applies, or nothing.
    ///
    /// # Errors
    /// 404, 409 `table/index-conflict`, `data/duplicate-value`, 400 `table/system-index-protected`.
    pub async fn manage_indexes(self: &Arc<Self>, actor: &Tenant, name: &str, change: IndexChange, dry_run: bool) -> Result<IndexesChanged> {
        let warnings = change.warnings.clone();
        let mut changed = self.change_indexes(actor, name, dry_run, move |current| change.apply(current)).await?;
        changed.warnings.splice(0..0, warnings);
        Ok(changed)
    }

    /// Makes an older index list the current one again, as a new version.
    ///
    /// # Errors
    /// 404 `table/index-version-not-found`, 409 `data/duplicate-value`.
    pub async fn roll_back_indexes(self: &Arc<Self>, actor: &Tenant, name: &str, version: &str, dry_run: bool) -> Result<IndexesChanged> {
        let table = own_table(self, name)?;
        let row = versions::find(self, &table, VersionKind::Indexes, version).await?;
        let stored: Vec<Value> = serde_json::from_str(&row.body).map_err(Error::internal)?;
        let target = stored.iter().map(IndexDef::from_stored).collect::<Result<Vec<_>>>()?;
        self.change_indexes(actor, name, dry_run, move |current| Planned::between(current, &target)).await
    }

    async fn change_indexes(
        self: &Arc<Self>,
        actor: &Tenant,
        name: &str,
        dry_run: bool,
        plan: impl FnOnce(&[IndexDef]) -> Result<Planned> + Send + 'static,
    ) -> Result<IndexesChanged> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let run = |tx: &mut Tx<'_>| {
                    let current = own_table(&environment, &name)?;
                    let planned = plan(&current.indexes)?;
                    environment.carry_out_indexes(tx, &actor, &current, planned)
                };
                if dry_run { rehearse(tx, run) } else { run(tx) }
            })
            .await
    }

    /// Carries out a plan for the indexes of a table.
    pub(in crate::domain) fn carry_out_indexes(self: &Arc<Self>, tx: &mut Tx<'_>, actor: &Tenant, current: &Table, planned: Planned) -> Result<IndexesChanged> {
        let mut table = Table::clone(current);
        realise(tx, actor, &mut table, &planned)?;
        if !planned.is_empty() {
            let metadata = Map::from_iter([("indexes".to_owned(), applied(&planned))]);
            put_in_force(self, tx, actor, table.clone(), metadata)?;
        }
        Ok(IndexesChanged {
            index_version: table.index_version,
            previous_index_version: current.index_version,
            indexes: table.indexes.iter().map(IndexDef::to_value).collect(),
            applied_indexes: applied(&planned),
            warnings: planned.warnings,
        })
    }
}

pub(super) fn applied(planned: &Planned) -> Value {
    json!({ "added": planned.added, "updated": planned.updated, "removed": planned.removed })
}

/// Carries a plan out in the store, as a new version of the list; the table is put in force by whoever calls.
pub(super) fn realise(tx: &mut Tx<'_>, actor: &Tenant, table: &mut Table, planned: &Planned) -> Result<()> {
    if planned.is_empty() {
        return Ok(());
    }
    for name in planned.removed.iter().chain(&planned.updated) {
        tx.drop_index(&table.shape.physical, name)?;
    }
    for index in planned.indexes.iter().filter(|i| planned.added.contains(&i.name) || planned.updated.contains(&i.name)) {
        make_index(tx, table, index)?;
    }
    table.indexes.clone_from(&planned.indexes);
    table.index_version += 1;
    let version = Version { summary: planned.summary(), changes: applied(planned) };
    versions::note(tx, actor, table, VersionKind::Indexes, &version)
}

/// Runs a change and undoes it; its answer stays.
pub(in crate::domain) fn rehearse<T>(tx: &mut Tx<'_>, run: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let mut answer = None;
    let undone = tx.nested::<(), Error>(|tx| {
        answer = Some(run(tx));
        Err(Error::internal("a rehearsal is undone"))
    });
    drop(undone);
    answer.unwrap_or_else(|| Err(Error::internal("the rehearsal did not run")))
}

/// `data/duplicate-value` with the values that stand in the way of a unique index.
pub(super) fn duplicates(tx: &Tx<'_>, table: &Table, index: &IndexDef, plan: &IndexPlan) -> Result<Error> {
    let field = index.fields.keys().cloned().collect::<Vec<_>>().join(",");
    let found = tx.duplicates(&table.shape, plan, SHOWN)?;
    let details = found.into_iter().map(|Duplicates { mut values, count, ids }| {
        let value = if values.len() == 1 { values.swap_remove(0) } else { Value::Array(values) };
        Detail::new(field.as_str(), "unique", format!("{count} records share the value {value} in {field}; make them differ first"))
            .with("index", index.name.as_str())
            .with("value", value)
            .with("count", count)
            .with("ids", ids)
    });
    Ok(Error::with_details(Code::DUPLICATE_VALUE, details.collect()))
}
