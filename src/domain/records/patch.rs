//! Changes of a record: plain fields, dotted paths and operators (`02-data.md` §5.3, §5.4).

use serde_json::{Map, Number, Value};

use super::values::{arrange, check_changed};
use super::{patch_apply, patch_parse};
use crate::domain::error::Result;
use crate::domain::tables::schema::Schema;

/// Whether an element of an array matches the filter of a `$pull`. The filter's keys are either paths into the
/// element or, for plain elements, operators: `{ "qty": { "$gt": 3 } }`, `{ "$in": ["a", "b"] }`.
pub type Matches<'m> = &'m dyn Fn(&Value, &Value) -> Result<bool>;

/// What a PATCH asks for. Paths never touch each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Never empty.
    pub path: Vec<String>,
    pub op: Op,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Set(Value),
    Unset,
    Inc(Number),
    Mul(Number),
    Min(Value),
    Max(Value),
    Push {
        each: Vec<Value>,
        position: Option<i64>,
        slice: Option<i64>,
    },
    AddToSet(Vec<Value>),
    /// A value, or a filter when it is an object.
    Pull(Value),
    PopLast,
    PopFirst,
}

impl Patch {
    /// Reads a body; system fields and `_included` are ignored.
    ///
    /// # Errors
    /// `data/validation-error` with rules `type`, `conflict`, `path`, `fieldName`, `characters`.
    pub fn parse(body: Map<String, Value>) -> Result<Self> {
        patch_parse::parse(body)
    }

    /// Nothing is asked for: nothing changes, not even `updatedAt`.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The top-level fields it writes, each once, in the order they were sent.
    pub fn touched_fields(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !out.contains(&entry.path[0].as_str()) {
                out.push(&entry.path[0]);
            }
        }
        out
    }

    /// The new document, checked where it was touched, and the touched top-level fields.
    ///
    /// # Errors
    /// `data/validation-error`; whatever `matches` answers.
    pub fn apply(
        &self,
        schema: &Schema,
        additional_fields: bool,
        current: &Map<String, Value>,
        matches: Matches<'_>,
    ) -> Result<(Map<String, Value>, Vec<String>)> {
        let mut doc = self.apply_unchecked(schema, current, matches)?;
        let changed: Vec<String> = self.touched_fields().into_iter().map(str::to_owned).collect();
        check_changed(schema, additional_fields, &mut doc, &changed)?;
        Ok((arrange(schema, doc), changed))
    }

    /// As [`Patch::apply`] without checking the result; for an upsert that creates.
    ///
    /// # Errors
    /// `data/validation-error` for targets an operator cannot work on; whatever `matches` answers.
    pub fn apply_unchecked(&self, schema: &Schema, current: &Map<String, Value>, matches: Matches<'_>) -> Result<Map<String, Value>> {
        patch_apply::apply(self, schema, current, matches)
    }
}

#[cfg(test)]
mod tests;
