//! The body of `fields/manage` (`02-data.md` §11): reads it, and works out the schema it asks for.

use serde_json::{Map, Value};

use super::field_plan::FieldPlan;
use super::name::{bad_field_name, is_field_name, is_system_field};
use super::schema::{Mode, Schema};
use super::schema_parse::{MAX_FIELDS, Parser, is_full, list_entry};
use super::value::describe;
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// What a call asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldChange {
    /// Name and definition in any form; keywords are merged into an existing field.
    pub upsert: Vec<(String, Value)>,
    pub remove: Vec<String>,
    pub rename: Vec<(String, String)>,
    pub required_add: Vec<String>,
    pub required_remove: Vec<String>,
    pub additional_fields: Option<bool>,
    /// Write the default where a field of this call is missing.
    pub backfill: bool,
    pub dry_run: bool,
    /// Values of removed fields become undeclared ones.
    pub keep_data: bool,
    pub allow_destructive: bool,
    /// Unknown keywords are dropped with a warning.
    pub lenient: bool,
}

impl FieldChange {
    /// Reads every form of the body; `lenient` is the manner of the tools for AI clients.
    ///
    /// # Errors
    /// `common/invalid-parameters` for an empty or ill-formed call, `table/field-conflict`, `table/required-conflict`,
    /// `table/system-field-protected`, `table/schema-validation-failed`.
    pub fn parse(body: &Value, lenient: bool) -> Result<Self> {
        let Some(body) = body.as_object() else {
            return Err(Error::invalid_parameter("body", format!("the body must be an object, not {}", describe(body))));
        };
        let mut change = Self { lenient, ..Self::default() };
        if let Some(fields) = present(body, "fieldsToAddOrUpdate") {
            change.take_fields("fieldsToAddOrUpdate", fields)?;
        }
        change.remove.extend(names(body, "fieldsToRemove")?);
        change.rename = renames(body)?;
        change.required_add.extend(names(body, "requiredFieldsToAdd")?);
        change.required_remove.extend(names(body, "requiredFieldsToRemove")?);
        change.older(body)?;
        change.additional_fields = flag(body, "additionalFields")?.or(change.additional_fields);
        change.backfill = flag(body, "backfill")?.unwrap_or(false);
        change.dry_run = flag(body, "dryRun")?.unwrap_or(false);
        change.keep_data = flag(body, "keepData")?.unwrap_or(false);
        change.allow_destructive = flag(body, "allowDestructive")?.unwrap_or(false);
        change.contradictions()?;
        Ok(change)
    }

    fn take_fields(&mut self, place: &str, input: &Value) -> Result<()> {
        match input {
            Value::Object(map) if is_full(map) => {
                if let Some(properties) = present(map, "properties") {
                    self.take_fields(place, properties)?;
                }
                self.required_add.extend(names(map, "required")?);
                self.additional_fields = flag(map, "additionalProperties")?;
            }
            Value::Object(map) => self.upsert.extend(map.iter().map(|(name, definition)| (name.clone(), definition.clone()))),
            Value::Array(list) => {
                for entry in list {
                    let Some((name, definition)) = list_entry(entry) else {
                        return Err(Error::invalid_parameter(place, format!("each entry of {place} needs a name and a type")));
                    };
                    self.upsert.push((name.to_owned(), definition));
                }
            }
            other => return Err(Error::invalid_parameter(place, format!("{place} must be an object or a list of fields, not {}", describe(other)))),
        }
        Ok(())
    }

    /// `{ action, field | fields }`.
    fn older(&mut self, body: &Map<String, Value>) -> Result<()> {
        let Some(action) = present(body, "action") else { return Ok(()) };
        let deletes = match action.as_str() {
            Some("add" | "update") => false,
            Some("delete" | "remove") => true,
            _ => return Err(Error::invalid_parameter("action", format!("action must be add, update or delete, not {}", clip(&action.to_string())))),
        };
        for key in ["field", "fields"] {
            let Some(given) = present(body, key) else { continue };
            match given {
                _ if deletes => self.remove.extend(named(key, given)?),
                Value::Object(map) if map.get("name").is_some_and(Value::is_string) => self.take_fields(key, &Value::Array(vec![given.clone()]))?,
                other => self.take_fields(key, other)?,
            }
        }
        Ok(())
    }

    fn contradictions(&self) -> Result<()> {
        let renamed = || self.rename.iter().flat_map(|(old, new)| [old, new]);
        let mentioned = self.remove.iter().chain(renamed()).chain(&self.required_add).chain(&self.required_remove);
        if let Some(name) = self.upsert.iter().map(|(name, _)| name).chain(mentioned).find(|n| is_system_field(n)) {
            let message = format!("{name} is a system field: every record has it, and it cannot be declared, changed or removed");
            return Err(refusal(Code::SYSTEM_FIELD_PROTECTED, name, "system", message));
        }
        if self.upsert.is_empty()
            && self.remove.is_empty()
            && self.rename.is_empty()
            && self.required_add.is_empty()
            && self.required_remove.is_empty()
            && self.additional_fields.is_none()
        {
            return Err(Error::invalid_parameter(
                "fieldsToAddOrUpdate",
                "the call changes nothing: give fieldsToAddOrUpdate, fieldsToRemove, fieldsToRename, requiredFieldsToAdd, requiredFieldsToRemove or additionalFields",
            ));
        }
        for (i, (name, _)) in self.upsert.iter().enumerate() {
            if self.remove.contains(name) {
                return Err(field_conflict(name, format!("{} is both added and removed in this call; decide for one", clip(name))));
            }
            if self.rename.iter().any(|(old, _)| old == name) {
                return Err(field_conflict(name, format!("{} is renamed in this call; change it under its new name", clip(name))));
            }
            if self.upsert[..i].iter().any(|(other, _)| other == name) {
                return Err(refusal(Code::SCHEMA_VALIDATION_FAILED, name, "duplicate", format!("{} is given twice", clip(name))));
            }
        }
        self.rename_contradictions()?;
        if let Some(name) = self.required_add.iter().find(|n| self.required_remove.contains(n)) {
            return Err(required_conflict(name));
        }
        Ok(())
    }

    fn rename_contradictions(&self) -> Result<()> {
        for (i, (old, new)) in self.rename.iter().enumerate() {
            if !is_field_name(new) {
                return Err(refusal(Code::SCHEMA_VALIDATION_FAILED, &clip(new), "name", bad_field_name(new)));
            }
            if self.remove.contains(old) || self.remove.contains(new) {
                return Err(field_conflict(old, format!("{} is both renamed and removed in this call; decide for one", clip(old))));
            }
            if self.rename[..i].iter().any(|(_, other)| other == new) {
                return Err(field_conflict(new, format!("two fields would be named {new}; choose another name")));
            }
        }
        Ok(())
    }

    /// The schema that results and everything that has to happen for it.
    ///
    /// # Errors
    /// `table/field-not-found`, `table/field-conflict`, `table/required-conflict`, `table/schema-validation-failed`.
    pub fn apply(&self, old: &Schema) -> Result<FieldPlan> {
        let mut parser = Parser::new(Mode { lenient: self.lenient, ..Mode::CHANGE });
        let renames: Vec<(String, String)> = self.rename.iter().filter(|(old, new)| old != new).cloned().collect();
        self.renamable(old, &renames)?;
        let mut schema = old.renamed(&renames);
        for name in &self.remove {
            if schema.fields.shift_remove(name).is_none() {
                parser.warn(format!("there is no declared field {} to remove", clip(name)));
            }
        }
        for (name, definition) in &self.upsert {
            match schema.fields.get(name) {
                Some(existing) => {
                    let merged = parser.merge(name, existing, definition);
                    schema.fields.insert(name.clone(), merged);
                }
                None => {
                    let one = Value::Object(Map::from_iter([(name.clone(), definition.clone())]));
                    schema.fields.extend(parser.fields("", &one, 0));
                }
            }
        }
        self.required_lists(old, &mut schema, &mut parser)?;
        if schema.fields.len() > MAX_FIELDS {
            parser.fail("schema", "limit", format!("a table may declare {MAX_FIELDS} fields, not {}", schema.fields.len()));
        }
        let warnings = parser.finish()?;
        let mut plan = FieldPlan::between(old, &schema, &renames);
        plan.additional_fields = self.additional_fields;
        plan.keep_data = self.keep_data;
        plan.drop_indexes = true;
        plan.dry_run = self.dry_run;
        plan.allow_destructive = self.allow_destructive;
        plan.warnings = warnings;
        plan.backfill = self.backfilled(&schema);
        Ok(plan)
    }

    fn renamable(&self, schema: &Schema, renames: &[(String, String)]) -> Result<()> {
        for (old, _) in &self.rename {
            if !schema.fields.contains_key(old) {
                return Err(not_found(old));
            }
        }
        match renames.iter().find(|(_, new)| schema.fields.contains_key(new)) {
            Some((old, new)) => Err(field_conflict(new, format!("{old} cannot be renamed to {new}: a field of that name exists"))),
            None => Ok(()),
        }
    }

    fn required_lists(&self, old: &Schema, schema: &mut Schema, parser: &mut Parser) -> Result<()> {
        let said = |name: &String, flag: bool| self.upsert.iter().any(|(n, d)| n == name && d.get("required") == Some(&Value::Bool(flag)));
        for name in &self.required_add {
            if said(name, false) {
                return Err(required_conflict(name));
            }
            match schema.fields.get_mut(name) {
                Some(field) => field.required = true,
                // A definition that did not read has been told already.
                None if self.upsert.iter().any(|(n, _)| n == name) => {
                    parser.fail(name, "required", format!("{} cannot be required: its definition is not valid", clip(name)))
                }
                None => return Err(not_found(name)),
            }
        }
        for name in &self.required_remove {
            if said(name, true) {
                return Err(required_conflict(name));
            }
            match schema.fields.get_mut(name) {
                Some(field) => field.required = false,
                None if old.fields.contains_key(name) => {}
                None => return Err(not_found(name)),
            }
        }
        Ok(())
    }

    /// Fields of this call that have a default.
    fn backfilled(&self, schema: &Schema) -> Vec<String> {
        if !self.backfill {
            return Vec::new();
        }
        let touched =
            |name: &String| self.upsert.iter().any(|(n, _)| n == name) || self.required_add.contains(name) || self.rename.iter().any(|(_, new)| new == name);
        schema.fields.iter().filter(|(name, field)| field.default.is_some() && touched(name)).map(|(name, _)| name.clone()).collect()
    }
}

fn present<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m Value> {
    map.get(key).filter(|v| !v.is_null())
}

fn names(map: &Map<String, Value>, key: &str) -> Result<Vec<String>> {
    present(map, key).map_or_else(|| Ok(Vec::new()), |given| named(key, given))
}

/// One name or several; older tools send the definition.
fn named(key: &str, given: &Value) -> Result<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(map) => map.get("name").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let list = match given {
        Value::Array(list) => list.iter().map(one).collect::<Option<Vec<_>>>(),
        other => one(other).map(|name| vec![name]),
    };
    let mut list = list.ok_or_else(|| Error::invalid_parameter(key, format!("{key} must be a list of field names")))?;
    let mut seen = std::collections::HashSet::new();
    list.retain(|name| seen.insert(name.clone()));
    Ok(list)
}

fn renames(body: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    let Some(given) = present(body, "fieldsToRename") else { return Ok(Vec::new()) };
    let pairs =
        given.as_object().and_then(|map| map.iter().map(|(old, new)| new.as_str().map(|new| (old.clone(), new.to_owned()))).collect::<Option<Vec<_>>>());
    pairs.ok_or_else(|| Error::invalid_parameter("fieldsToRename", "fieldsToRename must be an object of old and new names, such as { \"old\": \"new\" }"))
}

fn flag(map: &Map<String, Value>, key: &str) -> Result<Option<bool>> {
    match present(map, key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(Error::invalid_parameter(key, format!("{key} must be true or false, not {}", describe(other)))),
    }
}

fn refusal(code: &'static Code, field: &str, rule: &str, message: String) -> Error {
    Error::with_details(code, vec![Detail::new(field, rule, message)])
}

fn field_conflict(name: &str, message: String) -> Error {
    refusal(Code::FIELD_CONFLICT, &clip(name), "conflict", message)
}

fn required_conflict(name: &str) -> Error {
    refusal(Code::REQUIRED_CONFLICT, &clip(name), "conflict", format!("{} is both made required and made optional in this call; decide for one", clip(name)))
}

fn not_found(name: &str) -> Error {
    refusal(Code::FIELD_NOT_FOUND, &clip(name), "declared", format!("the table declares no field {}; declare it first", clip(name)))
}

#[cfg(test)]
mod tests;
