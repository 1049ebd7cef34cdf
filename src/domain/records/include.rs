//! `include`: records that come along because a field refers to them (`02-data.md` §6.8).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::answer;
use super::gate::{Grant, Records};
use super::query::Include;
use crate::domain::error::{Error, Result, clip};
use crate::domain::keys::scopes::Operation;
use crate::store::data::Record;

/// The targets of one include: table and rights, or nothing when the caller may not read there at all.
struct Target {
    field: String,
    records: Option<(Records, Grant)>,
}

impl Records {
    /// `_included` of each record, in order: for each field the record it refers to, as this caller would get it by id,
    /// else null.
    pub(super) async fn included(&self, includes: &[Include], records: &[Record]) -> Result<Vec<Value>> {
        let targets = includes.iter().map(|include| self.target(include)).collect::<Result<Vec<_>>>()?;
        let mut out = vec![Map::new(); records.len()];
        for (include, target) in includes.iter().zip(&targets) {
            // The same record is often referred to many times.
            let mut known: HashMap<String, Value> = HashMap::new();
            for (record, included) in records.iter().zip(&mut out) {
                let value = match record.value_at(&include.path) {
                    Value::Array(ids) => {
                        let mut found = Vec::with_capacity(ids.len());
                        for id in &ids {
                            found.push(target.resolve(id, &mut known).await?);
                        }
                        Value::Array(found)
                    }
                    id => target.resolve(&id, &mut known).await?,
                };
                included.insert(target.field.clone(), value);
            }
        }
        Ok(out.into_iter().map(Value::Object).collect())
    }

    fn target(&self, include: &Include) -> Result<Target> {
        let field = include.path.to_string();
        let table = include.table.as_deref().or_else(|| self.table.reference_target(&include.path));
        let Some(table) = table else {
            let message = format!("{} refers to no table; name one: include={}:<table>", clip(&field), clip(&field));
            return Err(Error::invalid_parameter("include", message));
        };
        let system = self.environment.system_table(table).is_some();
        if !system && self.environment.table(table).is_none() {
            return Err(Error::invalid_parameter("include", format!("include names the table {}, which does not exist", clip(table))));
        }
        // Without the right to read there, every target is null, as if its id were unknown.
        let records = Self::open(&self.environment, &self.caller, table).ok().and_then(|r| r.grant(Operation::Read).ok().map(|grant| (r, grant)));
        Ok(Target { field, records })
    }
}

impl Target {
    async fn resolve(&self, id: &Value, known: &mut HashMap<String, Value>) -> Result<Value> {
        let (Some(id), Some((records, grant))) = (id.as_str(), &self.records) else { return Ok(Value::Null) };
        if let Some(value) = known.get(id) {
            return Ok(value.clone());
        }
        let value = match records.fetch(grant, id).await {
            Ok(record) => {
                let json = answer::of(&record, &records.projection(records.is_own(&record.created_by)), false).json;
                serde_json::from_slice(&json).map_err(Error::internal)?
            }
            Err(error) if error.code().status < 500 => Value::Null,
            Err(error) => return Err(error),
        };
        known.insert(id.to_owned(), value.clone());
        Ok(value)
    }
}
