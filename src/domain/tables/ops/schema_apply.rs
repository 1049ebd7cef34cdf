//! Bringing all tables of an environment in line with a schema document, in one transaction (`08-cli.md` §5). A plan is a
//! rehearsal of the same.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fields::CarriedOut;
use super::index_changes::{realise, rehearse};
use super::{MAX_TABLES, NewTable, put_in_force, safety_copy};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::records::changes;
use crate::domain::tables::document::DocumentFields;
use crate::domain::tables::field_plan::FieldPlan;
use crate::domain::tables::index_change::IndexPlan;
use crate::domain::tables::plan::{Action, Plan, PlannedChange, Problem, field_changes};
use crate::domain::tables::schema::Schema;
use crate::domain::tables::schema_document::{self, TableDocument, within};
use crate::domain::tables::table::Table;
use crate::store::Tx;

/// What a document speaks for.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Tables, fields and indexes that the document lacks go.
    pub prune: bool,
    /// Tables that may go with `prune`; any when absent.
    pub only: Option<Vec<String>>,
}

/// How a document is to be applied.
#[derive(Debug, Clone, Default)]
pub struct Apply {
    pub scope: Scope,
    /// Stored values may be removed.
    pub allow_destructive: bool,
    /// The plan that was looked at before.
    pub plan_hash: Option<String>,
    /// Why tables that lose values are copied first; `before-schema` when absent.
    pub reason: Option<&'static str>,
}

/// What was done, and the copies of tables that were taken before.
#[derive(Debug)]
pub struct Applied {
    pub plan: Plan,
    pub snapshots: Vec<String>,
}

impl Environment {
    /// The schema document of this environment.
    pub fn schema_document(&self) -> Value {
        schema_document::write(&self.all_tables())
    }

    /// What applying a document would change.
    ///
    /// # Errors
    /// 400 `schema/invalid`.
    pub async fn plan_schema(self: &Arc<Self>, actor: &Tenant, document: &Value, scope: Scope) -> Result<Plan> {
        let tables = schema_document::read(document)?;
        let (environment, actor) = (Arc::clone(self), actor.clone());
        let run = move |tx: &mut Tx<'_>| rehearse(tx, |tx| Run::new(&environment, &actor, scope, true).all(tx, &tables));
        self.data().write_alone::<_, Error, _>(run).await
    }

    /// Applies a document: all of it, or nothing.
    ///
    /// # Errors
    /// 400 `schema/invalid`; 409 `schema/plan-changed`, `schema/destructive`, `schema/incompatible-values`,
    /// `data/duplicate-value`.
    pub async fn apply_schema(self: &Arc<Self>, actor: &Tenant, document: &Value, how: Apply) -> Result<Applied> {
        let tables = schema_document::read(document)?;
        let (environment, actor) = (Arc::clone(self), actor.clone());
        let run = move |tx: &mut Tx<'_>| {
            let mut run = Run::new(&environment, &actor, how.scope, false);
            let plan = run.all(tx, &tables)?;
            if how.plan_hash.as_ref().is_some_and(|hash| *hash != plan.hash) {
                return Err(Error::new(Code::SCHEMA_PLAN_CHANGED, "The environment has changed since the plan was made; look at a new plan"));
            }
            if plan.destructive && !how.allow_destructive {
                return Err(unconsented(&plan));
            }
            let copy = |table: &Arc<Table>| safety_copy::take(&environment, &actor, table, how.reason.unwrap_or("before-schema"));
            let snapshots = run.rewritten.iter().map(copy).collect::<Result<_>>()?;
            Ok(Applied { plan, snapshots })
        };
        self.data().write_alone::<_, Error, _>(run).await
    }
}

fn unconsented(plan: &Plan) -> Error {
    let details = plan.changes.iter().filter(|c| c.destructive).map(|c| {
        let place = format!("{}.{}", c.table, c.path).trim_end_matches('.').to_owned();
        let message = format!("{place} would lose the values of {} records", c.affected_rows);
        Detail::new(place, "destructive", message).with("count", c.affected_rows)
    });
    let details: Vec<Detail> = details.collect();
    let message = "This would remove stored values; nothing was changed. Repeat with allowDestructive: true to consent";
    Error::new(Code::SCHEMA_DESTRUCTIVE, message).details(details)
}

/// One application, or rehearsal, under way.
struct Run<'e> {
    environment: &'e Arc<Environment>,
    actor: &'e Tenant,
    prune: bool,
    only: Option<Vec<String>>,
    rehearsal: bool,
    changes: Vec<PlannedChange>,
    problems: Vec<Problem>,
    /// Tables that lose values or get others.
    rewritten: Vec<Arc<Table>>,
}

impl<'e> Run<'e> {
    fn new(environment: &'e Arc<Environment>, actor: &'e Tenant, scope: Scope, rehearsal: bool) -> Self {
        Self { environment, actor, prune: scope.prune, only: scope.only, rehearsal, changes: Vec::new(), problems: Vec::new(), rewritten: Vec::new() }
    }

    fn all(&mut self, tx: &mut Tx<'_>, documents: &[TableDocument]) -> Result<Plan> {
        let prune = self.prune;
        let present: Vec<Arc<Table>> = self.environment.all_tables().into_iter().filter(|t| !t.system).collect();
        // Counted here, since a table is known to the environment only after the commit.
        let tables = present.len() + documents.iter().filter(|d| present.iter().all(|t| t.name != d.name)).count();
        if tables > MAX_TABLES {
            let message = format!("the environment would have {tables} tables; it holds at most {MAX_TABLES}");
            return Err(Error::with_details(Code::SCHEMA_INVALID, vec![Detail::new("tables", "limit", message)]));
        }
        for document in documents {
            let outcome = match present.iter().find(|t| t.name == document.name) {
                Some(table) => tx.nested(|tx| self.change(tx, document, table)),
                None => tx.nested(|tx| self.create(tx, document)),
            };
            self.settle(&document.name, outcome)?;
        }
        let only = self.only.clone();
        let unnamed = |table: &&Arc<Table>| !documents.iter().any(|document| document.name == table.name);
        let may_go = |table: &&Arc<Table>| prune && only.as_ref().is_none_or(|only| only.contains(&table.name));
        for table in present.iter().filter(unnamed).filter(may_go) {
            self.drop_table(tx, table)?;
        }
        let state: Vec<String> = present.iter().map(|t| format!("{}{}", t.id, t.etag())).collect();
        Ok(Plan::new(std::mem::take(&mut self.changes), std::mem::take(&mut self.problems), &state.join(",")))
    }

    /// In a rehearsal, what stands in the way of a table is a problem of the plan.
    fn settle(&mut self, table: &str, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error) if self.rehearsal && error.code().status == 409 => {
                let message = format!("{table}: {}", error.message());
                self.problems.push(Problem { code: error.code().name.to_owned(), message, samples: error.detail_list().to_vec() });
                Ok(())
            }
            other => other.map_err(|error| of_table(error, table)),
        }
    }

    fn create(&mut self, tx: &mut Tx<'_>, document: &TableDocument) -> Result<()> {
        let mut body = document.texts.clone();
        body.extend(document.permissions.clone());
        body.insert("tableName".to_owned(), document.name.as_str().into());
        let schema = document.fields.as_ref().map_or(Value::Null, |fields| fields.parsed.schema.to_value());
        body.insert("schema".to_owned(), schema);
        if let Some(flag) = document.additional_fields {
            body.insert("additionalFields".to_owned(), flag.into());
        }
        if let Some(indexes) = &document.indexes {
            body.insert("indexes".to_owned(), indexes.iter().map(|i| i.to_value()).collect());
        }
        let new = NewTable::parse(&Value::Object(body), false).map_err(|e| within(&format!("tables.{}", document.name), e))?;
        let table = self.environment.create_table_in(tx, self.actor, new)?;
        let to = schema_document::write(std::slice::from_ref(&table))["tables"][&table.name].clone();
        self.changes.push(PlannedChange::new(&table.name, "", Action::Add, Value::Null, to));
        Ok(())
    }

    fn change(&mut self, tx: &mut Tx<'_>, document: &TableDocument, current: &Arc<Table>) -> Result<()> {
        let before = self.changes.len();
        let mut table = Table::clone(current);
        let mut metadata = Map::new();
        if let Some(plan) = self.field_plan(document, current) {
            let renames = plan.renamed.clone();
            // Told even when carrying them out is refused.
            self.changes.extend(field_changes(&current.name, &current.schema, &plan.schema, &renames));
            let done = self.environment.carry_out_fields(tx, self.actor, current, plan)?;
            self.changes.truncate(before);
            if done.found.loses_form() {
                self.rewritten.push(Arc::clone(current));
            }
            self.note_fields(current, &done, &renames);
            metadata = done.plan.metadata(&done.found);
            table = done.table;
        }
        self.change_indexes(tx, document, &mut table)?;
        self.change_rest(document, &mut table)?;
        if self.changes.len() > before {
            put_in_force(self.environment, tx, self.actor, table, metadata)?;
        }
        Ok(())
    }

    fn field_plan(&self, document: &TableDocument, current: &Table) -> Option<FieldPlan> {
        let additional_fields = document.additional_fields.filter(|flag| *flag != current.additional_fields);
        let (target, renames) = match &document.fields {
            Some(fields) => target_schema(fields, &current.schema, self.prune),
            None => (current.schema.clone(), Vec::new()),
        };
        let mut plan = FieldPlan::between(&current.schema, &target, &renames);
        plan.keep_data = false;
        plan.drop_indexes = true;
        plan.additional_fields = additional_fields;
        // Consent is asked for the document as a whole.
        plan.allow_destructive = true;
        (!plan.is_empty()).then_some(plan)
    }

    fn note_fields(&mut self, current: &Table, done: &CarriedOut, renames: &[(String, String)]) {
        let mut changes = field_changes(&current.name, &current.schema, &done.table.schema, renames);
        for change in &mut changes {
            let name = match (change.action, &change.to) {
                (Action::Rename, Value::String(new)) => new.as_str(),
                _ => change.path.trim_start_matches("fields."),
            };
            let counts = match change.action {
                Action::Rename => &done.found.renamed,
                Action::Remove => &done.found.removed,
                Action::Add | Action::Change => &done.found.converted,
            };
            change.affected_rows = counts.get(name).copied().unwrap_or_default();
            change.destructive = change.action == Action::Remove && change.affected_rows > 0;
        }
        self.changes.append(&mut changes);
        if done.table.additional_fields != current.additional_fields {
            let (from, to) = (current.additional_fields.into(), done.table.additional_fields.into());
            self.changes.push(PlannedChange::new(&current.name, "additionalFields", Action::Change, from, to));
        }
        for ((field, rule), count) in &done.found.broken {
            let message = format!("{count} records of {} break the new rule {rule} of {field}", current.name);
            self.problems.push(Problem { code: "schema/warning".to_owned(), message, samples: Vec::new() });
        }
    }

    fn change_indexes(&mut self, tx: &mut Tx<'_>, document: &TableDocument, table: &mut Table) -> Result<()> {
        let Some(wanted) = &document.indexes else { return Ok(()) };
        let mut target = wanted.clone();
        if !self.prune {
            target.extend(table.indexes.iter().filter(|i| !i.system && !wanted.iter().any(|w| w.name == i.name)).cloned());
        }
        let planned = IndexPlan::between(&table.indexes, &target)?;
        let find = |list: &[crate::domain::tables::index_def::IndexDef], name: &str| list.iter().find(|i| i.name == name).map_or(Value::Null, |i| i.to_value());
        for (names, action) in [(&planned.added, Action::Add), (&planned.updated, Action::Change), (&planned.removed, Action::Remove)] {
            for name in names {
                let (from, to) = (find(&table.indexes, name), find(&planned.indexes, name));
                self.changes.push(PlannedChange::new(&table.name, format!("indexes.{name}"), action, from, to));
            }
        }
        realise(tx, self.actor, table, &planned)
    }

    fn change_rest(&mut self, document: &TableDocument, table: &mut Table) -> Result<()> {
        let path = format!("tables.{}", table.name);
        for (key, max) in [("displayName", 100), ("description", 1000)] {
            let Some(_) = document.texts.get(key) else { continue };
            let wanted = super::create::text(&Value::Object(document.texts.clone()), key, max).map_err(|e| within(&path, e))?;
            let own = if key == "displayName" { &mut table.display_name } else { &mut table.description };
            if *own != wanted {
                self.changes.push(PlannedChange::new(&table.name, key, Action::Change, json!(own), json!(wanted)));
                *own = wanted;
            }
        }
        if !document.permissions.is_empty() {
            let wanted = table.permissions.replaced(&Value::Object(document.permissions.clone())).map_err(|e| within(&path, e))?;
            if wanted != table.permissions {
                self.changes.push(PlannedChange::new(&table.name, "permissions", Action::Change, table.permissions.to_value(), wanted.to_value()));
                table.permissions = wanted;
            }
        }
        Ok(())
    }

    fn drop_table(&mut self, tx: &mut Tx<'_>, table: &Arc<Table>) -> Result<()> {
        self.rewritten.push(Arc::clone(table));
        let rows = tx.truncate(&table.shape.physical)?;
        changes::note_reset(self.environment, tx, table);
        tx.drop_table(&table.id, &table.shape.physical)?;
        super::audit(self.environment, tx, self.actor, table, "deleted", Map::new())?;
        self.environment.replace_table(tx, &table.name, None);
        let from = schema_document::write(std::slice::from_ref(table))["tables"][&table.name].clone();
        let mut change = PlannedChange::new(&table.name, "", Action::Remove, from, Value::Null);
        change.destructive = true;
        change.affected_rows = rows;
        self.changes.push(change);
        Ok(())
    }
}

/// Names the table that an error is about.
fn of_table(error: Error, table: &str) -> Error {
    let details: Vec<Detail> = error.detail_list().iter().map(|detail| Detail { table: Some(table.to_owned()), ..detail.clone() }).collect();
    if details.is_empty() { error } else { error.details(details) }
}

/// The schema a document asks for, and the renamings that are still to be done. Declared fields keep their places; without
/// `prune`, those the document lacks stay.
fn target_schema(fields: &DocumentFields, current: &Schema, prune: bool) -> (Schema, Vec<(String, String)>) {
    let declared = |name: &String| current.fields.contains_key(name);
    let renames: Vec<(String, String)> =
        fields.renamed_from.iter().filter(|(new, old)| declared(old) && !declared(new)).map(|(new, old)| (old.clone(), new.clone())).collect();
    let wanted = &fields.parsed.schema.fields;
    let mut target = current.renamed(&renames);
    target.fields.retain(|name, _| !prune || wanted.contains_key(name));
    for (name, field) in wanted {
        target.fields.insert(name.clone(), field.clone());
    }
    (target, renames)
}
