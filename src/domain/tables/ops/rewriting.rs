//! One walk over all records of a table for a change of its fields: values move, go, are converted and counted.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::tables::convert::convert;
use crate::domain::tables::field_plan::{Conversion, FieldPlan};
use crate::domain::time::{self, Millis};
use crate::store::Tx;
use crate::store::data::Record;
use crate::store::jsonb;

/// Values that do not convert, shown in an error.
const SHOWN: usize = 20;
/// Characters of a value shown.
const MAX_SHOWN: usize = 200;

/// What the walk found and did.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Values per removed field.
    pub removed: IndexMap<String, u64>,
    /// Values that moved, by the new name.
    pub renamed: IndexMap<String, u64>,
    /// Values that were given another type or form, by top-level field.
    pub converted: IndexMap<String, u64>,
    /// Records that break a tightened rule, by field and rule.
    pub broken: IndexMap<(String, &'static str), u64>,
    /// Records written anew.
    pub rewritten: u64,
    taken: IndexMap<String, u64>,
    incompatible: u64,
    samples: Vec<Detail>,
}

/// Rewrites the records of a table as a plan says. Times of records do not move.
///
/// # Errors
/// 400 `table/field-conflict` when a new name is in use, 409 `schema/incompatible-values`.
pub(super) fn rewrite(tx: &mut Tx<'_>, physical: &str, plan: &FieldPlan) -> Result<Found> {
    let mut walk = Walk::new(plan);
    if walk.is_needed() {
        let rewritten = tx.rewrite::<Error>(physical, |record| walk.record(record))?;
        walk.found.rewritten = rewritten;
    }
    walk.found.check(plan)?;
    Ok(walk.found)
}

struct Walk<'p> {
    plan: &'p FieldPlan,
    /// Path and what its values become.
    conversions: Vec<(Vec<&'p str>, &'p Conversion)>,
    /// Top-level fields the plan is about.
    roots: Vec<&'p str>,
    /// What a record without any of them breaks.
    absent: Vec<(&'p str, &'static str)>,
    now: Millis,
    found: Found,
}

impl<'p> Walk<'p> {
    fn new(plan: &'p FieldPlan) -> Self {
        let conversions: Vec<(Vec<&str>, &Conversion)> = plan.conversions.iter().map(|c| (c.field.split('.').collect(), c)).collect();
        let mut found = Found::default();
        let removed: &[String] = if plan.keep_data { &[] } else { &plan.removed };
        found.removed.extend(removed.iter().map(|name| (name.clone(), 0)));
        let mut roots: Vec<&str> = plan.renamed.iter().flat_map(|(old, new)| [old.as_str(), new.as_str()]).collect();
        roots.extend(removed.iter().map(String::as_str));
        roots.extend(conversions.iter().map(|(path, _)| path[0]));
        roots.extend(plan.tightened.iter().map(|t| t.field.as_str()));
        roots.sort_unstable();
        roots.dedup();
        Self { plan, conversions, roots, absent: plan.violations(&Map::new()), now: time::now(), found }
    }

    fn is_needed(&self) -> bool {
        !self.roots.is_empty() || !self.plan.backfill.is_empty()
    }

    fn record(&mut self, record: &Record) -> Result<Option<Vec<u8>>> {
        let view = record.row().doc;
        if self.plan.backfill.is_empty() && !self.roots.iter().any(|name| view.get(name).is_some()) {
            self.count_broken(self.absent.clone());
            return Ok(None);
        }
        let mut doc = record.document()?;
        let mut changed = self.rename(&mut doc);
        changed |= self.remove(&mut doc);
        changed |= self.convert(&mut doc, &record.id);
        changed |= self.fill(&mut doc);
        self.count_broken(self.plan.violations(&doc));
        Ok(changed.then(|| {
            let mut bytes = Vec::new();
            jsonb::encode_map(&doc, &mut bytes);
            bytes
        }))
    }

    fn count_broken(&mut self, broken: Vec<(&str, &'static str)>) {
        for (field, rule) in broken {
            *self.found.broken.entry((field.to_owned(), rule)).or_default() += 1;
        }
    }

    /// Values keep their place under the new name.
    fn rename(&mut self, doc: &mut Map<String, Value>) -> bool {
        let renames = &self.plan.renamed;
        let new_name = |name: &String| renames.iter().find(|(old, _)| old == name).map(|(_, new)| new);
        for (_, new) in renames {
            if doc.contains_key(new) && new_name(new).is_none() {
                *self.found.taken.entry(new.clone()).or_default() += 1;
                return false;
            }
        }
        let mut moved = false;
        if doc.keys().any(|name| new_name(name).is_some()) {
            let old = std::mem::take(doc);
            for (name, value) in old {
                match new_name(&name) {
                    Some(new) => {
                        *self.found.renamed.entry(new.clone()).or_default() += 1;
                        moved = true;
                        doc.insert(new.clone(), value);
                    }
                    None => drop(doc.insert(name, value)),
                }
            }
        }
        moved
    }

    fn remove(&mut self, doc: &mut Map<String, Value>) -> bool {
        let mut changed = false;
        for (name, count) in &mut self.found.removed {
            if doc.shift_remove(name).is_some() {
                *count += 1;
                changed = true;
            }
        }
        changed
    }

    fn convert(&mut self, doc: &mut Map<String, Value>, id: &str) -> bool {
        let mut changed = false;
        for (path, conversion) in &self.conversions {
            let Some(value) = value_at(doc, path) else { continue };
            match convert(value, &conversion.to) {
                Ok(converted) if converted == *value => {}
                Ok(converted) => {
                    *value = converted;
                    *self.found.converted.entry(path[0].to_owned()).or_default() += 1;
                    changed = true;
                }
                Err(why) => {
                    self.found.incompatible += 1;
                    if self.found.samples.len() < SHOWN {
                        let message = format!("{} of record {id}: {why}", conversion.field);
                        self.found.samples.push(Detail::new(conversion.field.as_str(), "type", message).with("id", id).with("value", shown(value)));
                    }
                }
            }
        }
        changed
    }

    fn fill(&self, doc: &mut Map<String, Value>) -> bool {
        let mut changed = false;
        for name in self.plan.backfill.iter() {
            let default = self.plan.schema.fields.get(name).and_then(|field| field.default_at(self.now));
            if let (false, Some(default)) = (doc.contains_key(name), default) {
                doc.insert(name.clone(), default);
                changed = true;
            }
        }
        changed
    }
}

impl Found {
    fn check(&self, plan: &FieldPlan) -> Result<()> {
        if !self.taken.is_empty() {
            let details = self.taken.iter().map(|(new, count)| {
                let old = plan.renamed.iter().find(|(_, n)| n == new).map_or("", |(old, _)| old.as_str());
                let message = format!("{old} cannot be renamed to {new}: {count} records hold an undeclared value of that name; choose another name");
                Detail::new(new.as_str(), "conflict", message).with("count", *count)
            });
            return Err(Error::with_details(Code::FIELD_CONFLICT, details.collect()));
        }
        if self.incompatible > 0 {
            return Err(Error::with_details(Code::SCHEMA_INCOMPATIBLE_VALUES, self.samples.clone()).with("count", self.incompatible));
        }
        Ok(())
    }

    /// `schema/destructive` for values that would go.
    ///
    /// # Errors
    /// 409 with the count of each field.
    pub fn consented(&self, allowed: bool) -> Result<()> {
        if allowed || self.lost() == 0 {
            return Ok(());
        }
        let with_values = self.removed.iter().filter(|(_, count)| **count > 0);
        let details = with_values.map(|(field, count)| {
            let message =
                format!("{count} records hold a value of {field}; removing it deletes them. Repeat with allowDestructive, or keep them with keepData");
            Detail::new(field.as_str(), "destructive", message).with("count", *count)
        });
        Err(Error::with_details(Code::SCHEMA_DESTRUCTIVE, details.collect()))
    }

    /// Values go or take another form: a copy of the table is kept.
    pub fn loses_form(&self) -> bool {
        self.lost() > 0 || !self.converted.is_empty()
    }

    /// Values that go.
    pub fn lost(&self) -> u64 {
        self.removed.values().sum()
    }
}

fn value_at<'d>(doc: &'d mut Map<String, Value>, path: &[&str]) -> Option<&'d mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(doc.get_mut(*first)?, |value, step| value.as_object_mut()?.get_mut(*step))
}

/// A value as an error shows it: long ones as the beginning of their text.
fn shown(value: &Value) -> Value {
    let text = value.to_string();
    if text.chars().count() <= MAX_SHOWN { value.clone() } else { text.chars().take(MAX_SHOWN).chain(['…']).collect::<String>().into() }
}
