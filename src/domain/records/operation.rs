//! Several operations in one transaction: array creates and `bulk` (`02-data.md` §5.2).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{self, RecordAnswer};
use super::gate::{Grant, Records};
use super::upsert::Upsert;
use super::values;
use super::write::{Conditions, Update};
use crate::domain::error::{Error, Result, clip};
use crate::domain::keys::scopes::Operation as Right;
use crate::store::Tx;
use crate::store::data::Record;

/// Records of one array create.
pub const MAX_CREATES: usize = 1000;
/// Operations of one bulk call or transaction.
pub const MAX_OPERATIONS: usize = 500;

/// One operation, checked as far as it can be without looking at records.
pub(super) enum Operation {
    Create(Box<Record>),
    Update { grant: Grant, id: String, update: Box<Update>, conditions: Conditions },
    Delete { grant: Grant, id: String, conditions: Conditions },
    Upsert { grant: Grant, upsert: Box<Upsert> },
}

/// What an operation did.
pub(super) enum Outcome {
    Record(RecordAnswer),
    Deleted,
}

impl Outcome {
    /// The record, or `{ "success": true }`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Record(record) => out.extend_from_slice(&record.json),
            Self::Deleted => out.extend_from_slice(b"{\"success\":true}"),
        }
    }

    pub(super) fn value(&self) -> Result<Value> {
        match self {
            Self::Record(record) => serde_json::from_slice(&record.json).map_err(Error::internal),
            Self::Deleted => Ok(json!({ "success": true })),
        }
    }
}

impl Records {
    /// Creates all records of an array, in order, or none; answers `{ "items": [...], "count": n }`.
    ///
    /// # Errors
    /// As for a single create, with `position` in the details.
    pub async fn create_many(&self, bodies: Vec<Value>) -> Result<Vec<u8>> {
        self.writable()?.grant(Right::Create)?;
        if bodies.is_empty() || bodies.len() > MAX_CREATES {
            let rule = if bodies.is_empty() { "minItems" } else { "limit" };
            return Err(Error::validation("body", rule, format!("an array holds 1 to {MAX_CREATES} records, not {}", bodies.len())));
        }
        let made =
            bodies.into_iter().enumerate().map(|(i, body)| values::body_object(body).and_then(|b| self.new_record(b)).map_err(|e| e.at_position(i, None)));
        let mut records: Vec<Record> = made.collect::<Result<_>>()?;
        let made_for = Arc::clone(&self.table);
        let records = self
            .run(move |this, tx| {
                if !Arc::ptr_eq(&made_for, &this.table) {
                    let again = records.into_iter().enumerate().map(|(i, record)| this.checked_again(record).map_err(|e| e.at_position(i, None)));
                    records = again.collect::<Result<_>>()?;
                }
                records.iter().enumerate().try_for_each(|(i, record)| this.insert(tx, record).map_err(|e| e.at_position(i, None)))?;
                Ok(records)
            })
            .await?;
        let mut out = b"{\"items\":[".to_vec();
        for (i, record) in records.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            answer::write(&record.row(), &self.projection(self.is_own(&record.created_by)), &mut out);
        }
        out.extend_from_slice(format!("],\"count\":{}}}", records.len()).as_bytes());
        Ok(out)
    }

    /// Carries out operations in order, all or none; answers `{ "results": [...] }`.
    ///
    /// # Errors
    /// The first failing operation decides; its `position` is in the details.
    pub async fn bulk(&self, body: Value) -> Result<Vec<u8>> {
        self.writable()?;
        let entries = entries(&body)?.clone();
        self.run(move |this, tx| {
            let mut out = b"{\"results\":[".to_vec();
            for (i, entry) in entries.into_iter().enumerate() {
                let outcome = this.read_operation(entry, &["create", "update", "delete"]).and_then(|operation| this.carry_out(tx, operation));
                if i > 0 {
                    out.push(b',');
                }
                outcome.map_err(|e| e.at_position(i, None))?.write(&mut out);
            }
            out.extend_from_slice(b"]}");
            Ok(out)
        })
        .await
    }

    /// Reads one entry of `operations`.
    pub(super) fn read_operation(&self, entry: Value, known: &[&str]) -> Result<Operation> {
        let Value::Object(mut entry) = entry else {
            return Err(Error::validation("operations", "type", "every operation is an object with op"));
        };
        let op = entry.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !known.contains(&op.as_str()) {
            return Err(Error::validation("op", "enum", format!("op is one of {}, not \"{}\"", known.join(", "), clip(&op))));
        }
        self.writable()?;
        Ok(match op.as_str() {
            "create" => {
                self.grant(Right::Create)?;
                Operation::Create(Box::new(self.new_record(object(&mut entry, "data")?)?))
            }
            "update" => {
                let grant = self.grant(Right::Update)?;
                let update = Box::new(self.read_patch(object(&mut entry, "data")?)?);
                Operation::Update { grant, id: id(&entry)?, update, conditions: conditions(&entry)? }
            }
            "delete" => Operation::Delete { grant: self.grant(Right::Delete)?, id: id(&entry)?, conditions: conditions(&entry)? },
            _ => {
                let grant = self.grant_upsert()?;
                Operation::Upsert { grant, upsert: Box::new(self.read_upsert(entry)?) }
            }
        })
    }

    pub(super) fn carry_out(&self, tx: &mut Tx<'_>, operation: Operation) -> Result<Outcome> {
        Ok(match operation {
            Operation::Create(record) => {
                self.insert(tx, &record)?;
                Outcome::Record(answer::of(&record, &self.projection(self.is_own(&record.created_by)), true))
            }
            Operation::Update { grant, id, update, conditions } => Outcome::Record(self.patch_one(tx, &grant, &id, &update, &conditions)?),
            Operation::Delete { grant, id, conditions } => {
                self.delete_one(tx, &grant, &id, &conditions)?;
                Outcome::Deleted
            }
            Operation::Upsert { grant, upsert } => Outcome::Record(self.upsert_one(tx, &grant, *upsert)?),
        })
    }
}

/// The list of operations of a body.
pub(super) fn entries(body: &Value) -> Result<&Vec<Value>> {
    let entries = body.get("operations").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| Error::validation("operations", "required", "operations must be an array of { op, … }"))?;
    if entries.is_empty() || entries.len() > MAX_OPERATIONS {
        let rule = if entries.is_empty() { "minItems" } else { "limit" };
        return Err(Error::validation("operations", rule, format!("operations holds 1 to {MAX_OPERATIONS} entries, not {}", entries.len())));
    }
    Ok(entries)
}

fn object(entry: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>> {
    match entry.shift_remove(key) {
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(Error::validation(key, "type", format!("{key} must be an object"))),
        None => Err(Error::validation(key, "required", format!("{key} is required"))),
    }
}

fn id(entry: &Map<String, Value>) -> Result<String> {
    match entry.get("id") {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(_) => Err(Error::validation("id", "type", "id must be a string")),
        None => Err(Error::validation("id", "required", "id is required")),
    }
}

fn conditions(entry: &Map<String, Value>) -> Result<Conditions> {
    match entry.get("ifMatch") {
        None | Some(Value::Null) => Ok(Conditions::default()),
        Some(Value::String(tag)) => {
            let tag = if tag == "*" || tag.starts_with('"') { tag.clone() } else { format!("\"{tag}\"") };
            Ok(Conditions { if_match: Some(vec![tag]), if_updated_at: None })
        }
        Some(_) => Err(Error::validation("ifMatch", "type", "ifMatch must be the text of an entity tag")),
    }
}
