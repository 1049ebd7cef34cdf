//! Upsert: change the one record that matches, or create it (`02-data.md` §5.5).

use serde_json::{Map, Value};

use super::answer::{self, RecordAnswer};
use super::gate::{Grant, Records};
use super::patch::Patch;
use super::query;
use super::write::{Conditions, Update};
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::store::Tx;
use crate::store::query::ast::Filter;

/// Equalities of one `match`.
const MAX_MATCH: usize = 8;

/// A body, read.
pub(super) struct Upsert {
    matching: Map<String, Value>,
    filter: Filter,
    set: Map<String, Value>,
    set_on_insert: Map<String, Value>,
    update: Update,
}

impl Records {
    /// Changes the record that matches, or creates one; answers which it did.
    ///
    /// # Errors
    /// 403, 409 `data/ambiguous-match`, 400, 409 `data/duplicate-value`.
    pub async fn upsert(&self, body: Value) -> Result<RecordAnswer> {
        let grant = self.writable()?.grant_upsert()?;
        let upsert = self.read_upsert(super::values::body_object(body)?)?;
        self.run(move |this, tx| this.upsert_one(tx, &grant, upsert)).await
    }

    /// An upsert needs both rights; the answer is that to update.
    pub fn grant_upsert(&self) -> Result<Grant> {
        self.grant(Operation::Create)?;
        self.grant(Operation::Update)
    }

    pub(super) fn read_upsert(&self, mut body: Map<String, Value>) -> Result<Upsert> {
        let mut part = |key: &str, required: bool| match body.shift_remove(key) {
            Some(Value::Object(map)) => Ok(map),
            None | Some(Value::Null) if !required => Ok(Map::new()),
            None => Err(Error::validation(key, "required", format!("{key} is required"))),
            Some(_) => Err(Error::validation(key, "type", format!("{key} must be an object"))),
        };
        let (mut matching, set, set_on_insert) = (part("match", true)?, part("set", false)?, part("setOnInsert", false)?);
        if let Some(id) = matching.shift_remove("_id") {
            matching.entry("id").or_insert(id);
        }
        if matching.is_empty() || matching.len() > MAX_MATCH {
            return Err(Error::validation("match", "limit", format!("match holds 1 to {MAX_MATCH} equalities, not {}", matching.len())));
        }
        let mut equal = Map::new();
        for (field, value) in &matching {
            if field.contains('.') || field.starts_with('$') {
                return Err(Error::validation(format!("match.{field}"), "path", "match takes top-level fields only"));
            }
            equal.insert(field.clone(), serde_json::json!({ "$eq": value }));
        }
        let (filter, named) = query::filter_from_json("match", &Value::Object(equal), &self.table.schema)?;
        self.may_name(&named)?;
        let update = self.read_patch(set.clone())?;
        Ok(Upsert { matching, filter, set, set_on_insert, update })
    }

    pub(super) fn upsert_one(&self, tx: &mut Tx<'_>, grant: &Grant, upsert: Upsert) -> Result<RecordAnswer> {
        let filter = upsert.filter.clone().and(self.changeable(grant)?);
        let ids = tx.reader().matching(&self.table.shape, &filter, None, 2)?;
        match ids.as_slice() {
            [] => self.upsert_insert(tx, upsert),
            [id] => self.patch_one(tx, grant, id, &upsert.update, &Conditions::default()),
            _ => Err(Error::new(Code::AMBIGUOUS_MATCH, "Several records match; add fields to match until one does, or make them unique by an index")),
        }
    }

    /// A record from `match`, `set` and `setOnInsert`; operators in `set` work on an empty record.
    fn upsert_insert(&self, tx: &mut Tx<'_>, upsert: Upsert) -> Result<RecordAnswer> {
        let mut body = upsert.matching;
        body.extend(upsert.set_on_insert);
        if self.caller.may_set_system_fields()
            && let Some(creator) = upsert.set.get("createdBy")
        {
            body.insert("createdBy".to_owned(), creator.clone());
        }
        let patch: &Patch = &upsert.update.patch;
        let set = patch.apply_unchecked(&self.table.schema, &Map::new(), &|filter, element| self.pulls(filter, element))?;
        body.extend(set);
        let record = self.new_record(body)?;
        self.insert(tx, &record)?;
        Ok(answer::of(&record, &self.projection(self.is_own(&record.created_by)), true))
    }
}
