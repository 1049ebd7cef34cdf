//! Single writes: create, PATCH, PUT, delete. Each is one transaction.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answer::{self, RecordAnswer, etag};
use super::changes::{self, Op};
use super::gate::{Grant, Records};
use super::patch::Patch;
use super::system_fields::SystemFields;
use super::{query, unique, values};
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::name::is_record_id;
use crate::domain::time;
use crate::store::Tx;
use crate::store::data::Record;
use crate::store::jsonb;
use crate::store::query::eval::matches_value;

/// Bytes of a record as JSON (`02-data.md` §12).
pub const MAX_RECORD: usize = 1024 * 1024;

/// Conditions on the record a write is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`: acceptable entity tags; `*` stands for any.
    pub if_match: Option<Vec<String>>,
    /// `ifUpdatedAt`: milliseconds.
    pub if_updated_at: Option<i64>,
}

impl Conditions {
    pub(super) fn check(&self, record: &Record) -> Result<()> {
        let tag = etag(record.updated_at);
        let matched = self.if_match.as_ref().is_none_or(|tags| tags.iter().any(|t| t == "*" || *t == tag));
        if matched && self.if_updated_at.is_none_or(|at| at == record.updated_at) {
            return Ok(());
        }
        Err(Error::new(Code::PRECONDITION_FAILED, "The record has changed since you read it; read it again and repeat").with("etag", tag))
    }
}

/// A change of one record, checked as far as it can be without the record.
#[derive(Debug, Clone)]
pub(super) struct Update {
    pub patch: Patch,
    pub created_by: Option<String>,
}

impl Records {
    /// Creates one record.
    ///
    /// # Errors
    /// 403, 400 `data/validation-error`, 409 `data/duplicate-value`, 413.
    pub async fn create(&self, body: Value) -> Result<RecordAnswer> {
        self.writable()?.grant(Operation::Create)?;
        let record = self.new_record(values::body_object(body)?)?;
        let made_for = Arc::clone(&self.table);
        let record = self
            .run(move |this, tx| {
                let record = if Arc::ptr_eq(&made_for, &this.table) { record } else { this.checked_again(record)? };
                this.insert(tx, &record)?;
                Ok(record)
            })
            .await?;
        Ok(answer::of(&record, &self.projection(self.is_own(&record.created_by)), true))
    }

    /// Changes fields of a record; an empty change answers it as it is.
    ///
    /// # Errors
    /// 403, 404 `data/not-found`, 412 `data/precondition-failed`, 400, 409.
    pub async fn update(&self, id: &str, body: Value, conditions: Conditions) -> Result<RecordAnswer> {
        let grant = self.writable()?.grant(Operation::Update)?;
        let update = self.read_patch(values::body_object(body)?)?;
        let id = id.to_owned();
        self.run(move |this, tx| this.patch_one(tx, &grant, &id, &update, &conditions)).await
    }

    /// Replaces a record; never creates one.
    ///
    /// # Errors
    /// As [`Records::update`].
    pub async fn replace(&self, id: &str, body: Value, conditions: Conditions) -> Result<RecordAnswer> {
        let grant = self.writable()?.grant(Operation::Update)?;
        let body = values::body_object(body)?;
        let id = id.to_owned();
        self.run(move |this, tx| this.put_one(tx, &grant, &id, body, &conditions)).await
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// 403, 404 `data/not-found`, 412.
    pub async fn delete(&self, id: &str, conditions: Conditions) -> Result<()> {
        let grant = self.writable()?.grant(Operation::Delete)?;
        let id = id.to_owned();
        self.run(move |this, tx| this.delete_one(tx, &grant, &id, &conditions)).await
    }

    /// Runs a write on the writer; once more with the table as it is then, should it have changed meanwhile.
    pub(super) async fn run<T: Send + 'static>(&self, operation: impl FnOnce(&Self, &mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        let this = self.clone();
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                let this = if this.is_current() { this } else { this.renewed()? };
                changes::bump(tx, &this.table);
                let this = this.tallied();
                let result = operation(&this, tx)?;
                this.audit_changes(tx)?;
                Ok(result)
            })
            .await
    }

    /// A record made from a body: everything checked that needs no other record.
    pub(super) fn new_record(&self, body: Map<String, Value>) -> Result<Record> {
        self.record_from(body, self.caller.may_set_system_fields())
    }

    /// As [`Records::new_record`]; `keeps_system_fields`: those of the body are taken.
    pub(super) fn record_from(&self, mut body: Map<String, Value>, keeps_system_fields: bool) -> Result<Record> {
        let now = time::now();
        let given = if keeps_system_fields { SystemFields::take_for_create(&mut body)? } else { SystemFields::default() };
        super::system_fields::strip(&mut body);
        self.may_write(body.keys().map(String::as_str), self.caller.own_id().is_some())?;
        let doc = values::check_create(&self.table.schema, self.table.additional_fields, body, now)?;
        let created_at = given.created_at.unwrap_or(now);
        Ok(Record {
            id: given.id.unwrap_or_else(new_id),
            created_by: given.created_by.unwrap_or_else(|| self.creator()),
            created_at,
            updated_at: given.updated_at.unwrap_or(now),
            doc: encode(&doc)?,
        })
    }

    /// A record made for an earlier definition of the table, checked by the one that is in force.
    pub(super) fn checked_again(&self, record: Record) -> Result<Record> {
        let doc = values::check_create(&self.table.schema, self.table.additional_fields, record.document()?, record.created_at)?;
        Ok(Record { doc: encode(&doc)?, ..record })
    }

    pub(super) fn insert(&self, tx: &mut Tx<'_>, record: &Record) -> Result<()> {
        tx.insert_record(&self.table.shape.physical, record).map_err(|e| unique::explain(e, &self.table, &record.id))?;
        self.count_change(Op::Create, &record.id);
        changes::note(&self.environment, tx, &self.table, None, Some(record));
        Ok(())
    }

    pub(super) fn read_patch(&self, body: Map<String, Value>) -> Result<Update> {
        self.patch_from(body, self.caller.may_set_system_fields())
    }

    /// As [`Records::read_patch`]; `keeps_creator`: `createdBy` of the body is taken.
    pub(super) fn patch_from(&self, mut body: Map<String, Value>, keeps_creator: bool) -> Result<Update> {
        let given = if keeps_creator { SystemFields::take_for_update(&mut body)? } else { SystemFields::default() };
        Ok(Update { patch: Patch::parse(body)?, created_by: given.created_by })
    }

    /// The record to be changed, after the checks that come before its values.
    fn target_record(&self, tx: &Tx<'_>, grant: &Grant, operation: Operation, id: &str) -> Result<Record> {
        let record = if is_record_id(id) { tx.reader().record(&self.table.shape.physical, id)? } else { None };
        let record = record.ok_or_else(|| not_found(&self.table.name, id))?;
        if self.hidden_by_rows(&record)? {
            return Err(not_found(&self.table.name, id));
        }
        self.owned(grant, operation, &record.created_by)?;
        Ok(record)
    }

    pub(super) fn patch_one(&self, tx: &mut Tx<'_>, grant: &Grant, id: &str, update: &Update, conditions: &Conditions) -> Result<RecordAnswer> {
        let record = self.target_record(tx, grant, Operation::Update, id)?;
        let own = self.is_own(&record.created_by);
        self.may_write(update.patch.touched_fields(), own)?;
        conditions.check(&record)?;
        let changed = self.patched(tx, record, update)?;
        Ok(answer::of(&changed, &self.projection(self.is_own(&changed.created_by)), false))
    }

    /// Carries out a patch on a record.
    pub(super) fn patched(&self, tx: &mut Tx<'_>, record: Record, update: &Update) -> Result<Record> {
        if update.patch.is_empty() && update.created_by.is_none() {
            return Ok(record);
        }
        let current = record.document()?;
        let (doc, _) = update.patch.apply(&self.table.schema, self.table.additional_fields, &current, &|filter, element| self.pulls(filter, element))?;
        let created_by = update.created_by.clone().unwrap_or_else(|| record.created_by.clone());
        self.store(tx, record, created_by, &doc)
    }

    fn put_one(&self, tx: &mut Tx<'_>, grant: &Grant, id: &str, mut body: Map<String, Value>, conditions: &Conditions) -> Result<RecordAnswer> {
        let record = self.target_record(tx, grant, Operation::Update, id)?;
        let own = self.is_own(&record.created_by);
        let given = if self.caller.may_set_system_fields() { SystemFields::take_for_update(&mut body)? } else { SystemFields::default() };
        super::system_fields::strip(&mut body);
        self.may_write(body.keys().map(String::as_str), own)?;
        conditions.check(&record)?;
        // What the caller may not write stays as it is.
        for (field, value) in record.document()? {
            if !self.is_writable(&field, own) {
                body.insert(field, value);
            }
        }
        let doc = values::check_put(&self.table.schema, self.table.additional_fields, body, time::now())?;
        let created_by = given.created_by.unwrap_or_else(|| record.created_by.clone());
        let changed = self.store(tx, record, created_by, &doc)?;
        Ok(answer::of(&changed, &self.projection(self.is_own(&changed.created_by)), false))
    }

    fn store(&self, tx: &mut Tx<'_>, before: Record, created_by: String, doc: &Map<String, Value>) -> Result<Record> {
        // Strictly rising, so that the entity tag changes with every write, two in one millisecond included.
        let updated_at = time::now().max(before.updated_at + 1);
        let after = Record { created_by, updated_at, doc: encode(doc)?, id: before.id.clone(), created_at: before.created_at };
        tx.update_record(&self.table.shape.physical, &after).map_err(|e| unique::explain(e, &self.table, &after.id))?;
        self.count_change(Op::Update, &after.id);
        changes::note(&self.environment, tx, &self.table, Some(before), Some(&after));
        Ok(after)
    }

    pub(super) fn delete_one(&self, tx: &mut Tx<'_>, grant: &Grant, id: &str, conditions: &Conditions) -> Result<()> {
        let record = self.target_record(tx, grant, Operation::Delete, id)?;
        conditions.check(&record)?;
        self.remove(tx, record)
    }

    pub(super) fn remove(&self, tx: &mut Tx<'_>, record: Record) -> Result<()> {
        tx.delete_record(&self.table.shape.physical, &record.id)?;
        self.count_change(Op::Delete, &record.id);
        changes::note(&self.environment, tx, &self.table, Some(record), None);
        Ok(())
    }

    /// Whether `$pull` with a filter takes an element out.
    pub(super) fn pulls(&self, filter: &Value, element: &Value) -> Result<bool> {
        pull_matches(filter, element)
    }
}

/// A `$pull` filter on one element: paths into it, or operators on the element itself.
fn pull_matches(filter: &Value, element: &Value) -> Result<bool> {
    let on_itself =
        filter.as_object().is_some_and(|map| !map.is_empty() && map.keys().all(|k| k.starts_with('$') && !matches!(k.as_str(), "$and" | "$or" | "$nor")));
    if on_itself {
        // The element stands at a path of its own, so that one parser reads both.
        let (filter, _) = query::filter_from_json("$pull", &serde_json::json!({ "element": filter }), &query::Undeclared)?;
        return Ok(matches_value(&filter, &serde_json::json!({ "element": element })));
    }
    let (filter, _) = query::filter_from_json("$pull", filter, &query::Undeclared)?;
    Ok(element.is_object() && matches_value(&filter, element))
}

/// A document as it is stored.
///
/// # Errors
/// 413 `common/payload-too-large` beyond 1 MiB of JSON.
pub(super) fn encode(doc: &Map<String, Value>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    jsonb::encode_map(doc, &mut bytes);
    // Binary is never larger than three times the text, so small ones need no exact look.
    if bytes.len() > MAX_RECORD / 3 && values::json_len(doc) > MAX_RECORD {
        return Err(Error::new(Code::PAYLOAD_TOO_LARGE, "A record is at most 1 MiB of JSON; store large content as a file"));
    }
    Ok(bytes)
}

pub(super) fn not_found(table: &str, id: &str) -> Error {
    Error::new(Code::RECORD_NOT_FOUND, format!("No record of {table} has the id {}", clip(id)))
}
