//! One transaction over several tables (`02-data.md` §5.7).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::changes;
use super::gate::Records;
use super::operation::entries;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result, clip};
use crate::store::Tx;

const OPERATIONS: [&str; 4] = ["create", "update", "delete", "upsert"];

/// Carries out operations on several tables in order, all or none; answers `{ "results": [...] }`.
///
/// # Errors
/// The first failing operation decides; `position` and `table` are in the details.
pub async fn run(environment: &Arc<Environment>, caller: &Caller, body: Value) -> Result<Vec<u8>> {
    let entries = entries(&body)?.clone();
    let (environment, caller) = (Arc::clone(environment), caller.clone());
    let data = Arc::clone(environment.data());
    data.write::<_, Error, _>(move |tx| {
        let mut results = Results::default();
        let mut out = b"{\"results\":[".to_vec();
        for (i, entry) in entries.into_iter().enumerate() {
            let table = entry.get("table").and_then(Value::as_str).unwrap_or_default().to_owned();
            let json = one(&environment, &caller, tx, &table, entry, &mut results).map_err(|e| e.at_position(i, Some(&table)))?;
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&json);
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    })
    .await
}

/// Results by their `as` name.
#[derive(Default)]
struct Results(HashMap<String, Value>);

fn one(environment: &Arc<Environment>, caller: &Caller, tx: &mut Tx<'_>, table: &str, mut entry: Value, results: &mut Results) -> Result<Vec<u8>> {
    if !entry.is_object() {
        return Err(Error::validation("operations", "type", "every operation is an object with table and op"));
    }
    if table.is_empty() {
        return Err(Error::validation("table", "required", "table is required in every operation"));
    }
    let records = Records::open(environment, caller, table)?;
    let name = match entry.get("as") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if !name.is_empty() && !results.0.contains_key(name) => Some(name.clone()),
        Some(_) => return Err(Error::validation("as", "type", "as must be a text that no earlier operation uses")),
    };
    if let Value::Object(map) = &mut entry {
        for key in ["id", "data", "match", "set", "setOnInsert"] {
            if let Some(value) = map.get_mut(key) {
                results.resolve(value, key)?;
            }
        }
    }
    changes::bump(tx, records.table());
    let operation = records.read_operation(entry, &OPERATIONS)?;
    let outcome = records.carry_out(tx, operation)?;
    if let Some(name) = name {
        results.0.insert(name, outcome.value()?);
    }
    let mut json = Vec::new();
    outcome.write(&mut json);
    Ok(json)
}

impl Results {
    /// Replaces every `{ "$ref": "name" }` (its id) and `{ "$ref": "name.path" }` inside a value.
    fn resolve(&self, value: &mut Value, field: &str) -> Result<()> {
        match value {
            Value::Object(map) => {
                if map.len() == 1
                    && let Some(Value::String(reference)) = map.get("$ref")
                {
                    *value = self.find(reference, field)?;
                    return Ok(());
                }
                map.values_mut().try_for_each(|v| self.resolve(v, field))
            }
            Value::Array(list) => list.iter_mut().try_for_each(|v| self.resolve(v, field)),
            _ => Ok(()),
        }
    }

    fn find(&self, reference: &str, field: &str) -> Result<Value> {
        let (name, path) = reference.split_once('.').unwrap_or((reference, "id"));
        let unknown = || Error::validation(field, "path", format!("$ref {} names no value of an earlier operation with that as", clip(reference)));
        let mut found = self.0.get(name).ok_or_else(unknown)?;
        for step in path.split('.') {
            let next = found.get(step).or_else(|| step.parse::<usize>().ok().and_then(|i| found.get(i)));
            found = next.ok_or_else(unknown)?;
        }
        Ok(found.clone())
    }
}
