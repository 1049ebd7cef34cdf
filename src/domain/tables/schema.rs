//! The schema of a table: its declared fields, in declared order.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::field::{Field, FieldKind, properties_value, required_names};
use super::schema_parse::Parser;
use crate::domain::error::{Error, Result};
use crate::store::query::ast::Kind;

/// How a schema is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// A table is being made: system fields are dropped with a warning instead of refused.
    pub creating: bool,
    /// Unknown keywords are dropped with a warning instead of refused.
    pub lenient: bool,
}

impl Mode {
    pub const CREATE: Self = Self { creating: true, lenient: false };
    pub const CHANGE: Self = Self { creating: false, lenient: false };

    #[must_use]
    pub const fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }
}

/// A schema as it was sent.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub schema: Schema,
    /// `additionalProperties` of the schema itself: a setting of the table, no part of the schema.
    pub additional_fields: Option<bool>,
    pub warnings: Vec<String>,
}

/// The declared fields of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    pub fields: IndexMap<String, Field>,
    /// `title`, `description`, `x-…` of the schema itself.
    pub annotations: Map<String, Value>,
}

impl Schema {
    /// Reads any accepted form; null is a schema without fields.
    ///
    /// # Errors
    /// `table/schema-validation-failed` with the path of each fault; `table/system-field-protected`.
    pub fn parse(input: &Value, mode: Mode) -> Result<Parsed> {
        Parser::new(mode).schema(input)
    }

    /// Reads back what [`Schema::to_value`] has written.
    ///
    /// # Errors
    /// `common/internal-error` when the stored text is damaged.
    pub fn from_stored(stored: &Value) -> Result<Self> {
        Self::parse(stored, Mode::CREATE).map(|p| p.schema).map_err(|e| Error::internal(format!("stored schema does not read: {e}")))
    }

    /// The canonical full form of §2.2.
    pub fn to_value(&self) -> Value {
        let mut out = json!({ "bsonType": "object", "required": self.required(), "properties": properties_value(&self.fields) });
        if let Some(map) = out.as_object_mut() {
            map.extend(self.annotations.clone());
        }
        out
    }

    /// Names of the required fields, in declared order.
    pub fn required(&self) -> Vec<String> {
        required_names(&self.fields)
    }

    /// The same fields at the same places, some under new names.
    #[must_use]
    pub fn renamed(&self, renames: &[(String, String)]) -> Self {
        let new_name = |name: &String| renames.iter().find(|(old, _)| old == name).map_or(name, |(_, new)| new).clone();
        Self { fields: self.fields.iter().map(|(name, field)| (new_name(name), field.clone())).collect(), annotations: self.annotations.clone() }
    }

    /// The declared field a path leads to, through objects and into the elements of arrays, by position or all of them.
    pub fn field_at(&self, path: &[String]) -> Option<&Field> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.fields.get(first)?, |field, step| step_into(field, step))
    }

    /// The type of what a path leads to, system fields included; `None` when nothing is declared there.
    pub fn kind_at(&self, path: &[String]) -> Option<FieldKind> {
        match path {
            [one] => system_kind(one).or_else(|| self.fields.get(one).map(|f| f.kind)),
            _ => self.field_at(path).map(|f| f.kind),
        }
    }

    /// As [`Schema::kind_at`], but of the elements where the path leads to an array: what an operand is compared with.
    pub fn element_kind_at(&self, path: &[String]) -> Option<FieldKind> {
        match self.field_at(path) {
            Some(field) if field.kind == FieldKind::Array => field.items.as_ref().map(|i| i.kind),
            _ => self.kind_at(path),
        }
    }

    /// Each declared top-level field as the store sees its column.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field.kind.column()))
    }

    /// Declared scalars inside declared objects, without arrays on the way, by dotted path.
    pub fn nested_scalars(&self) -> HashMap<String, Kind> {
        let mut out = HashMap::new();
        for (name, field) in &self.fields {
            collect_scalars(name, field, &mut out);
        }
        out
    }
}

/// The type of a system field.
pub fn system_kind(name: &str) -> Option<FieldKind> {
    match name {
        "id" | "_id" | "createdBy" => Some(FieldKind::String),
        "createdAt" | "updatedAt" => Some(FieldKind::Date),
        _ => None,
    }
}

fn step_into<'f>(field: &'f Field, step: &str) -> Option<&'f Field> {
    match field.kind {
        FieldKind::Object => field.properties.get(step),
        FieldKind::Array => {
            let items = field.items.as_deref()?;
            let position = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
            if position { Some(items) } else { step_into(items, step).filter(|_| items.kind == FieldKind::Object) }
        }
        _ => None,
    }
}

fn collect_scalars(path: &str, field: &Field, out: &mut HashMap<String, Kind>) {
    for (name, inner) in &field.properties {
        let here = format!("{path}.{name}");
        match inner.kind.column() {
            Kind::Any => collect_scalars(&here, inner, out),
            kind => {
                out.insert(here, kind);
            }
        }
    }
}

#[cfg(test)]
mod tests;
