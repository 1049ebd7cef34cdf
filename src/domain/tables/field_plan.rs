//! The way from one schema to another: what is added, removed, converted, and which rules become tighter
//! (`02-data.md` §11).

use serde_json::{Map, Value};

use super::check::{At, Check};
use super::field::{Field, FieldKind};
use super::schema::Schema;

/// Stored values that take another type.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// The new name, if it is renamed as well; dotted for a member of an object.
    pub field: String,
    /// `None`: the field was undeclared and may hold anything.
    pub from: Option<FieldKind>,
    /// What [`super::convert::convert`] is asked for.
    pub to: Field,
}

/// A field whose rules are stricter than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Tightened {
    pub field: String,
    /// Names of the rules, as details of a violation have them.
    pub rules: Vec<&'static str>,
    /// The new definition, which values are checked against.
    pub definition: Field,
}

/// Everything a change of a schema means. Steps in this order: rename, remove, convert, backfill; then uniques.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldPlan {
    pub schema: Schema,
    /// The definition is another one: a new version.
    pub changes_schema: bool,
    pub added: Vec<String>,
    /// Changed in something else than `required`.
    pub updated: Vec<String>,
    /// No longer declared.
    pub removed: Vec<String>,
    pub renamed: Vec<(String, String)>,
    pub required_added: Vec<String>,
    pub required_removed: Vec<String>,
    pub conversions: Vec<Conversion>,
    pub new_uniques: Vec<String>,
    pub dropped_uniques: Vec<String>,
    pub tightened: Vec<Tightened>,
    /// Fields whose default is written where they are missing.
    pub backfill: Vec<String>,
    pub additional_fields: Option<bool>,
    /// Values of `removed` stay, as undeclared ones.
    pub keep_data: bool,
    /// Indexes that use a removed field go.
    pub drop_indexes: bool,
    pub dry_run: bool,
    pub allow_destructive: bool,
    pub warnings: Vec<String>,
}

impl FieldPlan {
    /// The way between two schemas, for versions and schema documents. Removed fields keep their values; whoever wants
    /// them gone clears `keep_data`. `renames`: old and new names, the old ones declared in `old`.
    pub fn between(old: &Schema, new: &Schema, renames: &[(String, String)]) -> Self {
        let before = old.renamed(renames);
        let mut plan = Self {
            schema: new.clone(),
            changes_schema: old != new,
            renamed: renames.to_vec(),
            removed: before.fields.keys().filter(|name| !new.fields.contains_key(*name)).cloned().collect(),
            keep_data: true,
            ..Self::default()
        };
        for (name, field) in &new.fields {
            plan.compare(name, before.fields.get(name), field);
        }
        let gone = before.fields.iter().filter(|(name, _)| !new.fields.contains_key(*name));
        for (name, field) in gone {
            if field.unique {
                plan.dropped_uniques.push(name.clone());
            }
            if field.required {
                plan.required_removed.push(name.clone());
            }
        }
        plan
    }

    fn compare(&mut self, name: &str, old: Option<&Field>, new: &Field) {
        match old {
            None => self.added.push(name.to_owned()),
            Some(old) if !old.same_definition(new) => self.updated.push(name.to_owned()),
            Some(_) => {}
        }
        let was = |flag: fn(&Field) -> bool| old.is_some_and(flag);
        match (was(|f| f.required), new.required) {
            (false, true) => self.required_added.push(name.to_owned()),
            (true, false) => self.required_removed.push(name.to_owned()),
            _ => {}
        }
        match (was(|f| f.unique), new.unique) {
            (false, true) => self.new_uniques.push(name.to_owned()),
            (true, false) => self.dropped_uniques.push(name.to_owned()),
            _ => {}
        }
        let from = old.map(|f| f.kind);
        if from != Some(new.kind) && new.kind != FieldKind::Mixed {
            self.conversions.push(Conversion { field: name.to_owned(), from, to: new.clone() });
        }
        self.convert_members(name, old, new);
        let rules = tightened_rules(old, new);
        if !rules.is_empty() {
            self.tightened.push(Tightened { field: name.to_owned(), rules, definition: new.clone() });
        }
    }

    /// Declared members of objects hold what they are declared as: queries and indexes rely on it.
    fn convert_members(&mut self, path: &str, old: Option<&Field>, new: &Field) {
        for (name, inner) in &new.properties {
            let was = old.filter(|o| o.kind == FieldKind::Object).and_then(|o| o.properties.get(name));
            let from = was.map(|f| f.kind);
            let path = format!("{path}.{name}");
            if from != Some(inner.kind) && inner.kind != FieldKind::Mixed {
                self.conversions.push(Conversion { field: path.clone(), from, to: inner.clone() });
            }
            self.convert_members(&path, was, inner);
        }
    }

    /// Nothing changes at all: no new version, no values touched.
    pub fn is_empty(&self) -> bool {
        !self.changes_schema && self.additional_fields.is_none() && self.backfill.is_empty()
    }

    /// The tightened rules that a document breaks, each once per field; the values have their new names and types.
    pub fn violations(&self, doc: &Map<String, Value>) -> Vec<(&str, &'static str)> {
        let mut out = Vec::new();
        for tightened in &self.tightened {
            for rule in tightened.broken_by(doc.get(&tightened.field)) {
                out.push((tightened.field.as_str(), rule));
            }
        }
        out
    }

    /// One line for the list of versions.
    pub fn summary(&self) -> String {
        let renamed: Vec<String> = self.renamed.iter().map(|(old, new)| format!("{old} to {new}")).collect();
        let parts = [
            ("added", &self.added),
            ("changed", &self.updated),
            ("removed", &self.removed),
            ("renamed", &renamed),
            ("made required", &self.required_added),
            ("made optional", &self.required_removed),
        ];
        parts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(word, names)| format!("{word} {}", names.join(", "))).collect::<Vec<_>>().join("; ")
    }
}

impl Tightened {
    fn broken_by(&self, value: Option<&Value>) -> Vec<&'static str> {
        let mut check = Check::new();
        let at = At::field(&self.field);
        match value {
            Some(value) => check.value(&self.definition, &mut value.clone(), &at, 1),
            None if self.definition.required => return self.rules.iter().copied().filter(|r| *r == "required").collect(),
            None => return Vec::new(),
        }
        let broken =
            |rule: &&'static str| check.details.iter().any(|d| if d.field == self.field { d.rule == **rule } else { ["items", "properties"].contains(rule) });
        self.rules.iter().copied().filter(broken).collect()
    }
}

/// Rules of the new definition that the old one did not have in this form.
fn tightened_rules(old: Option<&Field>, new: &Field) -> Vec<&'static str> {
    let plain = Field::of(new.kind);
    let old = old.unwrap_or(&plain);
    let lower = (&old.minimum, &old.exclusive_minimum) != (&new.minimum, &new.exclusive_minimum) && (new.minimum.is_some() || new.exclusive_minimum.is_some());
    let upper = (&old.maximum, &old.exclusive_maximum) != (&new.maximum, &new.exclusive_maximum) && (new.maximum.is_some() || new.exclusive_maximum.is_some());
    // A reference is a string of 1 to 64 characters.
    let referred = new.reference.is_some() && old.reference.is_none();
    let rules = [
        ("required", (new.required && !old.required) || (!new.takes_null() && old.takes_null())),
        ("enum", new.values.is_some() && new.values != old.values),
        ("minLength", referred || (new.min_length.is_some() && new.min_length > old.min_length)),
        ("maxLength", referred || new.max_length.is_some_and(|max| old.max_length.is_none_or(|old| max < old))),
        ("minimum", lower),
        ("maximum", upper),
        ("multipleOf", new.multiple_of.is_some() && new.multiple_of != old.multiple_of),
        ("pattern", new.pattern.is_some() && new.pattern != old.pattern),
        ("minItems", new.min_items.is_some() && new.min_items > old.min_items),
        ("maxItems", new.max_items.is_some_and(|max| old.max_items.is_none_or(|old| max < old))),
        ("uniqueItems", new.unique_items && !old.unique_items),
        ("items", new.items.is_some() && new.items != old.items),
        ("properties", (new.properties != old.properties && !new.properties.is_empty()) || (!new.additional_properties && old.additional_properties)),
    ];
    rules.into_iter().filter(|(_, tighter)| *tighter).map(|(rule, _)| rule).collect()
}
