//! The body of `indexes/manage` and what it makes of the list of indexes (`02-data.md` §7).

use serde_json::{Map, Value};

use super::index_def::{IndexDef, conflict, within_limit};
use super::value::describe;
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// What a call asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexChange {
    pub upsert: Vec<IndexDef>,
    pub remove: Vec<String>,
    /// What was dropped while reading.
    pub warnings: Vec<String>,
}

/// The new list and what is new in it, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexPlan {
    pub indexes: Vec<IndexDef>,
    pub added: Vec<String>,
    pub updated: Vec<String>,
    pub removed: Vec<String>,
    pub warnings: Vec<String>,
}

impl IndexChange {
    /// Reads `indexesToAddOrUpdate` and `indexesToRemove`, or `action` with `index` or `indexes` of older tools.
    ///
    /// # Errors
    /// `common/invalid-parameters` for an empty or ill-formed call, `table/schema-validation-failed`,
    /// `table/index-conflict`.
    pub fn parse(body: &Value, lenient: bool) -> Result<Self> {
        let Some(body) = body.as_object() else {
            return Err(Error::invalid_parameter("body", format!("the body must be an object, not {}", describe(body))));
        };
        let mut change = Self::default();
        for (i, index) in list(body, "indexesToAddOrUpdate")?.iter().enumerate() {
            change.upsert.push(IndexDef::read(index, &format!("indexesToAddOrUpdate.{i}"), &mut change.warnings, lenient)?);
        }
        for entry in list(body, "indexesToRemove")? {
            change.remove.push(name_of("indexesToRemove", &entry)?);
        }
        change.older(body, lenient)?;
        if change.upsert.is_empty() && change.remove.is_empty() {
            return Err(Error::invalid_parameter("indexesToAddOrUpdate", "the call changes nothing: give indexesToAddOrUpdate or indexesToRemove"));
        }
        change.contradictions()?;
        Ok(change)
    }

    fn older(&mut self, body: &Map<String, Value>, lenient: bool) -> Result<()> {
        let Some(action) = body.get("action").filter(|v| !v.is_null()) else { return Ok(()) };
        let mut entries = list(body, "indexes")?;
        entries.extend(body.get("index").filter(|v| !v.is_null()).cloned());
        for (i, entry) in entries.iter().enumerate() {
            match action.as_str() {
                Some("add" | "update") => self.upsert.push(IndexDef::read(entry, &format!("index.{i}"), &mut self.warnings, lenient)?),
                Some("delete" | "remove") => self.remove.push(name_of("index", entry)?),
                _ => return Err(Error::invalid_parameter("action", format!("action must be add or delete, not {}", clip(&action.to_string())))),
            }
        }
        Ok(())
    }

    fn contradictions(&self) -> Result<()> {
        for (i, index) in self.upsert.iter().enumerate() {
            if self.remove.contains(&index.name) {
                return Err(conflict(&index.name, format!("index {} is both added and removed in this call; decide for one", index.name)));
            }
            if self.upsert[..i].iter().any(|other| other.name == index.name && !other.same_definition(index)) {
                return Err(conflict(&index.name, format!("index {} is given twice with different definitions; give it another name", index.name)));
            }
        }
        Ok(())
    }

    /// Works out the new list; all or nothing.
    ///
    /// # Errors
    /// `table/system-index-protected`, `table/index-conflict`, `table/schema-validation-failed` above 64 indexes.
    pub fn apply(&self, current: &[IndexDef]) -> Result<IndexPlan> {
        let mut plan = IndexPlan { indexes: current.to_vec(), warnings: self.warnings.clone(), ..IndexPlan::default() };
        for name in &self.remove {
            plan.remove(name)?;
        }
        for index in &self.upsert {
            plan.upsert(index)?;
        }
        plan.no_twins()?;
        within_limit(&plan.indexes)?;
        Ok(plan)
    }
}

impl IndexPlan {
    /// The way from one list to an older one: the server's own indexes stay as they are.
    ///
    /// # Errors
    /// As [`IndexChange::apply`].
    pub fn between(current: &[IndexDef], target: &[IndexDef]) -> Result<Self> {
        let wanted: Vec<IndexDef> = target.iter().filter(|i| !i.system).cloned().collect();
        let remove = current.iter().filter(|i| !i.system && !wanted.iter().any(|w| w.name == i.name)).map(|i| i.name.clone()).collect();
        let taken = |index: &IndexDef| current.iter().any(|i| i.system && (i.name == index.name || i.same_definition(index)));
        let upsert = wanted.into_iter().filter(|i| !taken(i)).collect();
        IndexChange { upsert, remove, warnings: Vec::new() }.apply(current)
    }

    /// Nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.updated.is_empty() && self.removed.is_empty()
    }

    /// One line for the list of versions.
    pub fn summary(&self) -> String {
        let parts = [("added", &self.added), ("rebuilt", &self.updated), ("removed", &self.removed)];
        parts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(word, names)| format!("{word} {}", names.join(", "))).collect::<Vec<_>>().join("; ")
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        match self.indexes.iter().position(|i| i.name == name) {
            Some(at) if self.indexes[at].system => Err(protected(&self.indexes[at])),
            Some(at) => {
                self.removed.push(self.indexes.remove(at).name);
                Ok(())
            }
            None => {
                self.warnings.push(format!("there is no index {} to remove", clip(name)));
                Ok(())
            }
        }
    }

    fn upsert(&mut self, index: &IndexDef) -> Result<()> {
        match self.indexes.iter_mut().find(|i| i.name == index.name) {
            // A list that was read is often sent back whole: naming what is there already changes nothing.
            Some(found) if found.system && found.unique == index.unique && found.fields.iter().eq(index.fields.iter()) => {}
            Some(found) if found.system => return Err(protected(found)),
            Some(found) if found.same_definition(index) => {}
            Some(found) => {
                *found = index.clone();
                self.updated.push(index.name.clone());
            }
            None => {
                self.indexes.push(index.clone());
                self.added.push(index.name.clone());
            }
        }
        Ok(())
    }

    fn no_twins(&self) -> Result<()> {
        let new = |name: &String| self.added.contains(name) || self.updated.contains(name);
        for index in self.indexes.iter().filter(|i| new(&i.name)) {
            if let Some(twin) = self.indexes.iter().find(|i| i.name != index.name && i.same_definition(index)) {
                return Err(conflict(&index.name, format!("index {} is the same as {}, which exists already", index.name, twin.name)));
            }
        }
        Ok(())
    }
}

fn protected(index: &IndexDef) -> Error {
    let message = match index.mirrored_field() {
        Some(field) => format!("index {} belongs to the unique field {field}; change unique of the field instead", index.name),
        None => format!("index {} comes with the table and cannot be changed or removed", index.name),
    };
    Error::with_details(Code::SYSTEM_INDEX_PROTECTED, vec![Detail::new(index.name.as_str(), "system", message)])
}

fn list(body: &Map<String, Value>, key: &str) -> Result<Vec<Value>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(other) => Err(Error::invalid_parameter(key, format!("{key} must be a list, not {}", describe(other)))),
    }
}

/// An index is removed by name; older tools send its definition.
fn name_of(place: &str, entry: &Value) -> Result<String> {
    match entry {
        Value::String(name) => Ok(name.clone()),
        Value::Object(map) => match map.get("name").and_then(Value::as_str) {
            Some(name) => Ok(name.to_owned()),
            None => IndexDef::parse(entry).map(|i| i.name),
        },
        other => Err(Error::invalid_parameter(place, format!("{place} must hold names of indexes, not {}", describe(other)))),
    }
}

#[cfg(test)]
mod tests;
