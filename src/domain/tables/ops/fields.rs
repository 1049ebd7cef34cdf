//! Changing the declared fields of a table, with everything that follows for its records (`02-data.md` §11).

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::index_changes::rehearse;
use super::reshape::Reshape;
use super::rewriting::{self, Found};
use super::rights::check_version;
use super::versions::{self, Version};
use super::{own_table, put_in_force, safety_copy};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::records::changes;
use crate::domain::tables::field_change::FieldChange;
use crate::domain::tables::field_plan::FieldPlan;
use crate::domain::tables::index_def::{IndexDef, after_fields, with_mirrors};
use crate::domain::tables::table::Table;
use crate::store::Tx;
use crate::store::data::VersionKind;

/// What a change of fields answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldsChanged {
    pub schema_version: u32,
    pub previous_version: u32,
    #[schema(value_type = Object)]
    pub schema: Value,
    /// `{ added, updated, removed }`: names.
    #[schema(value_type = Object)]
    pub applied_fields: Value,
    /// `{ added, removed }`: names.
    #[schema(value_type = Object)]
    pub applied_required: Value,
    /// Sentences, and `{ field, rule, count }` for stored values that break a new rule.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Value>,
    /// Removed values per field.
    #[schema(value_type = Object)]
    pub removed_values: Value,
    /// The copy of the table taken before values were removed or converted.
    #[serde(skip)]
    pub snapshot: Option<String>,
}

/// A change that was carried out, before its table is put in force.
pub(super) struct CarriedOut {
    pub table: Table,
    pub plan: FieldPlan,
    pub found: Found,
    /// Something is different now.
    pub effective: bool,
}

impl Environment {
    /// Adds, changes, renames and removes fields: the whole call applies, or nothing.
    ///
    /// # Errors
    /// 404 `data/table-not-found`, `table/field-not-found`; 400 `table/field-conflict`, `table/required-conflict`,
    /// `table/schema-validation-failed`; 409 `schema/destructive`, `schema/incompatible-values`, `data/duplicate-value`; 412.
    pub async fn manage_fields(self: &Arc<Self>, actor: &Tenant, name: &str, change: FieldChange, if_match: Option<Vec<String>>) -> Result<FieldsChanged> {
        self.change_fields(actor, name, if_match, move |table| change.apply(&table.schema)).await
    }

    /// Carries out the plan that `plan` makes of the table as it is.
    pub(super) async fn change_fields(
        self: &Arc<Self>,
        actor: &Tenant,
        name: &str,
        if_match: Option<Vec<String>>,
        plan: impl FnOnce(&Table) -> Result<FieldPlan> + Send + 'static,
    ) -> Result<FieldsChanged> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let current = own_table(&environment, &name)?;
                check_version(&current, if_match.as_deref())?;
                let plan = plan(&current)?;
                let dry_run = plan.dry_run;
                let run = |tx: &mut Tx<'_>| {
                    let done = environment.carry_out_fields(tx, &actor, &current, plan)?;
                    // A rehearsal tells the count; only the change itself needs consent.
                    done.found.consented(done.plan.allow_destructive || done.plan.dry_run)?;
                    let mut answer = done.answer(&current);
                    if done.found.loses_form() && !done.plan.dry_run {
                        answer.snapshot = Some(safety_copy::take(&environment, &actor, &current, "before-schema")?);
                    }
                    if done.effective {
                        put_in_force(&environment, tx, &actor, done.table, done.plan.metadata(&done.found))?;
                    }
                    Ok(answer)
                };
                if dry_run { rehearse(tx, run) } else { run(tx) }
            })
            .await
    }

    /// Does all that a plan means in the store; whoever calls puts the table in force.
    pub(super) fn carry_out_fields(self: &Arc<Self>, tx: &mut Tx<'_>, actor: &Tenant, current: &Table, plan: FieldPlan) -> Result<CarriedOut> {
        let mut table = redefined(current, &plan)?;
        let reshape = Reshape { before: current, after: &table, touched: plan.touched() };
        reshape.take_down(tx)?;
        let found = rewriting::rewrite(tx, &current.shape.physical, &plan)?;
        reshape.set_up(tx)?;
        if plan.changes_schema {
            table.schema_version += 1;
            versions::note(tx, actor, &table, VersionKind::Schema, &Version { summary: plan.summary(), changes: plan.applied(true) })?;
        }
        if table.indexes != current.indexes {
            table.index_version += 1;
            versions::note(tx, actor, &table, VersionKind::Indexes, &indexes_changed(&current.indexes, &table.indexes))?;
        }
        let effective = plan.changes_schema || table.additional_fields != current.additional_fields || found.rewritten > 0;
        if effective {
            changes::bump(tx, &table);
        }
        if found.rewritten > 0 {
            changes::note_reset(self, tx, &table);
        }
        Ok(CarriedOut { table, plan, found, effective })
    }
}

/// The definition that results: schema, setting, indexes, permissions and shape.
fn redefined(current: &Table, plan: &FieldPlan) -> Result<Table> {
    let mut table = current.clone();
    table.schema = plan.schema.clone();
    table.additional_fields = plan.additional_fields.unwrap_or(current.additional_fields);
    let gone: &[String] = if plan.drop_indexes { &plan.removed } else { &[] };
    let (indexes, _) = after_fields(&current.indexes, &plan.renamed, gone);
    table.indexes = with_mirrors(&indexes, &table.schema)?;
    for (old, new) in &plan.renamed {
        table.permissions.rename_field(old, new);
    }
    if !plan.keep_data {
        plan.removed.iter().for_each(|name| table.permissions.forget_field(name));
    }
    let kept = |name: &String| plan.schema.fields.contains_key(name) && !plan.renamed.iter().any(|(old, new)| old == name || new == name);
    table.shape.columns.retain(|name, _| kept(name));
    table.derive_shape();
    Ok(table)
}

fn indexes_changed(before: &[IndexDef], after: &[IndexDef]) -> Version {
    let names = |list: &[IndexDef], other: &[IndexDef], differs: bool| -> Vec<String> {
        let wanted = |i: &&IndexDef| match other.iter().find(|o| o.name == i.name) {
            None => !differs,
            Some(found) => differs && !found.same_definition(i),
        };
        list.iter().filter(wanted).map(|i| i.name.clone()).collect()
    };
    let (added, updated, removed) = (names(after, before, false), names(after, before, true), names(before, after, false));
    Version { summary: "Followed the fields".to_owned(), changes: json!({ "added": added, "updated": updated, "removed": removed }) }
}

impl CarriedOut {
    fn answer(&self, before: &Table) -> FieldsChanged {
        let broken = self.found.broken.iter().map(|((field, rule), count)| json!({ "field": field, "rule": rule, "count": count }));
        FieldsChanged {
            schema_version: self.table.schema_version,
            previous_version: before.schema_version,
            schema: self.table.schema.to_value(),
            applied_fields: self.plan.applied(false),
            applied_required: json!({ "added": self.plan.required_added, "removed": self.plan.required_removed }),
            warnings: self.plan.warnings.iter().cloned().map(Value::from).chain(broken).collect(),
            removed_values: json!(self.found.removed),
            snapshot: None,
        }
    }
}

impl FieldPlan {
    /// Top-level fields whose values, or whose names, change.
    fn touched(&self) -> HashSet<String> {
        let root = |path: &String| path.split('.').next().unwrap_or(path).to_owned();
        let renamed = self.renamed.iter().flat_map(|(old, new)| [old, new]);
        self.conversions.iter().map(|c| &c.field).chain(renamed).chain(&self.removed).chain(&self.backfill).map(root).collect()
    }

    /// `{ added, updated, removed }`; a field counts as updated under its new name, and with `required` also when nothing
    /// but that has changed.
    pub(super) fn applied(&self, required: bool) -> Value {
        let mut updated = self.updated.clone();
        let mut more: Vec<&String> = self.renamed.iter().map(|(_, new)| new).collect();
        if required {
            more.extend(self.required_added.iter().chain(&self.required_removed));
        }
        for name in more {
            if !updated.contains(name) && !self.added.contains(name) && self.schema.fields.contains_key(name) {
                updated.push(name.clone());
            }
        }
        json!({ "added": self.added, "updated": updated, "removed": self.removed })
    }

    /// What the audit log keeps of the change.
    pub(super) fn metadata(&self, found: &Found) -> Map<String, Value> {
        let mut metadata = Map::from_iter([("fields".to_owned(), self.applied(true))]);
        if found.lost() > 0 {
            metadata.insert("removedValues".to_owned(), json!(found.removed));
        }
        metadata
    }
}
