//! Second half of reading a field definition: canonical keywords become a [`Field`], every value checked.

use serde_json::{Map, Number, Value};

use super::check::{At, Check, article, check_alone};
use super::field::{Exclusive, Field, FieldKind};
use super::field_expand::is_annotation;
use super::name::TableName;
use super::pattern::Pattern;
use super::schema_parse::Parser;
use super::value::{canonical_number, compare_numbers, equal};

/// Objects and arrays that may be declared inside each other.
const MAX_NESTING: usize = 10;

impl Parser {
    /// `depth` is the number of declared objects and arrays around the field.
    pub(super) fn build(&mut self, path: &str, keywords: &Map<String, Value>, depth: usize) -> Field {
        let kind = keywords.get("bsonType").and_then(Value::as_str).and_then(FieldKind::parse).unwrap_or_default();
        let mut field = Field::of(kind);
        if depth > MAX_NESTING {
            self.fail(path, "depth", format!("{path} is nested more than {MAX_NESTING} levels deep"));
            return field;
        }
        for (key, value) in keywords.iter().filter(|(_, v)| !v.is_null()) {
            let here = format!("{path}.{key}");
            if is_annotation(key) {
                field.annotations.insert(key.clone(), value.clone());
            } else if applies(key, kind) {
                self.keyword(&mut field, key, value, &here);
            } else {
                self.fail(&here, "keyword", format!("{key} has no meaning for {}; remove it", kind.name()));
            }
        }
        self.inner(&mut field, keywords, path, depth);
        self.unique_here(&mut field, path, depth);
        self.bounds(&field, path);
        self.samples(&mut field, keywords, path);
        field
    }

    fn keyword(&mut self, field: &mut Field, key: &str, value: &Value, here: &str) {
        match key {
            "ref" => field.reference = self.target(value, here),
            "nullable" => field.nullable = self.flag(value, here),
            "unique" => field.unique = self.flag(value, here),
            "minLength" => field.min_length = self.length(value, here),
            "maxLength" => field.max_length = self.length(value, here),
            "minItems" => field.min_items = self.length(value, here),
            "maxItems" => field.max_items = self.length(value, here),
            "uniqueItems" => field.unique_items = self.flag(value, here),
            "additionalProperties" => field.additional_properties = self.flag(value, here),
            "minimum" => field.minimum = self.bound(value, here),
            "maximum" => field.maximum = self.bound(value, here),
            "exclusiveMinimum" => field.exclusive_minimum = self.exclusive(value, here),
            "exclusiveMaximum" => field.exclusive_maximum = self.exclusive(value, here),
            "multipleOf" => match self.bound(value, here) {
                Some(n) if n.as_f64().is_some_and(|f| f > 0.0) => field.multiple_of = Some(n),
                Some(_) => self.fail(here, "multipleOf", format!("{here} must be greater than 0")),
                None => {}
            },
            "pattern" => match value.as_str().map(Pattern::parse) {
                Some(Ok(pattern)) => field.pattern = Some(pattern),
                Some(Err(reason)) => self.fail(here, "pattern", format!("{here}: {reason}")),
                None => self.fail(here, "pattern", format!("{here} must be a string")),
            },
            _ => {} // bsonType, default, enum, items, properties and required have their own turn
        }
    }

    fn target(&mut self, value: &Value, here: &str) -> Option<String> {
        match value.as_str() {
            Some(name) if name.is_empty() || TableName::parse(name).is_ok() => Some(name.to_owned()),
            _ => {
                self.fail(here, "ref", format!("{here} must be the name of a table"));
                None
            }
        }
    }

    fn flag(&mut self, value: &Value, here: &str) -> bool {
        value.as_bool().unwrap_or_else(|| {
            self.fail(here, "type", format!("{here} must be true or false"));
            here.ends_with("additionalProperties")
        })
    }

    fn length(&mut self, value: &Value, here: &str) -> Option<u64> {
        let length = value.as_number().and_then(|n| super::value::to_int(n).ok()).and_then(|n| u64::try_from(n).ok());
        if length.is_none() {
            self.fail(here, "type", format!("{here} must be a whole number from 0"));
        }
        length
    }

    fn bound(&mut self, value: &Value, here: &str) -> Option<Number> {
        let bound = value.as_number().map(canonical_number);
        if bound.is_none() {
            self.fail(here, "type", format!("{here} must be a number"));
        }
        bound
    }

    fn exclusive(&mut self, value: &Value, here: &str) -> Option<Exclusive> {
        match value {
            Value::Bool(true) => Some(Exclusive::Flag),
            Value::Bool(false) => None,
            Value::Number(n) => Some(Exclusive::Bound(canonical_number(n))),
            _ => {
                self.fail(here, "type", format!("{here} must be true, false or a number"));
                None
            }
        }
    }

    /// `items`, and `properties` with their `required` list.
    fn inner(&mut self, field: &mut Field, keywords: &Map<String, Value>, path: &str, depth: usize) {
        let set = |key: &str| keywords.get(key).filter(|v| !v.is_null() && applies(key, field.kind));
        if let Some(items) = set("items") {
            let inside = format!("{path}.items");
            let expanded = self.expand(&inside, items, None);
            field.items = Some(Box::new(self.build(&inside, &expanded.keywords, depth + 1)));
        }
        let required = set("required");
        if let Some(properties) = set("properties") {
            field.properties = self.fields(&format!("{path}.properties"), properties, depth + 1);
        }
        if let Some(required) = required {
            let mut fields = std::mem::take(&mut field.properties);
            self.required_list(&format!("{path}.required"), required, &mut fields, false);
            field.properties = fields;
        }
    }

    fn unique_here(&mut self, field: &mut Field, path: &str, depth: usize) {
        if field.unique && depth > 0 {
            self.fail(&format!("{path}.unique"), "unique", format!("{path}: unique works on top-level fields only; make a unique index for a path"));
        }
    }

    fn bounds(&mut self, field: &Field, path: &str) {
        let lengths = [("minLength", field.min_length, field.max_length), ("minItems", field.min_items, field.max_items)];
        for (key, min, max) in lengths {
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                self.fail(&format!("{path}.{key}"), key, format!("{path}: {key} is greater than {}", key.replace("min", "max")));
            }
        }
        for (key, exclusive, bound) in
            [("exclusiveMinimum", &field.exclusive_minimum, &field.minimum), ("exclusiveMaximum", &field.exclusive_maximum, &field.maximum)]
        {
            if *exclusive == Some(Exclusive::Flag) && bound.is_none() {
                let plain = if key == "exclusiveMinimum" { "minimum" } else { "maximum" };
                self.fail(&format!("{path}.{key}"), key, format!("{path}: {key}: true needs a {plain}; or give {key} the number itself"));
            }
        }
        let lower = limits(&field.minimum, &field.exclusive_minimum);
        let upper = limits(&field.maximum, &field.exclusive_maximum);
        let empty = lower.iter().any(|(min, open)| {
            upper.iter().any(|(max, closed)| {
                let order = compare_numbers(min, max);
                order.is_gt() || (order.is_eq() && (*open || *closed))
            })
        });
        if empty {
            self.fail(&format!("{path}.minimum"), "minimum", format!("{path}: no number lies between minimum and maximum"));
        }
    }

    /// `enum` and `default` must hold themselves.
    fn samples(&mut self, field: &mut Field, keywords: &Map<String, Value>, path: &str) {
        if let Some(values) = keywords.get("enum").filter(|v| !v.is_null()) {
            field.values = self.choices(field, values, &format!("{path}.enum"));
        }
        let Some(default) = keywords.get("default").filter(|v| !v.is_null()) else { return };
        let mut default = default.clone();
        let now = field.kind == FieldKind::Date && default == "$now";
        // Members with defaults of their own are filled when the record is written; the stored default stays as sent.
        let mut filled = Check::filling(0);
        filled.value(field, &mut default.clone(), &At::field("the value"), 1);
        if !now && let Some(detail) = filled.details.first() {
            let here = format!("{path}.default");
            self.fail(&here, "default", format!("{here} is not valid: {}", detail.message));
        }
        check_alone(field, &mut default, "default");
        field.default = Some(default);
    }

    fn choices(&mut self, field: &Field, values: &Value, here: &str) -> Option<Vec<Value>> {
        let Some(list) = values.as_array().filter(|list| !list.is_empty()) else {
            self.fail(here, "enum", format!("{here} must be a list of at least one value"));
            return None;
        };
        let bare = field.bare();
        let mut out: Vec<Value> = Vec::with_capacity(list.len());
        for value in list {
            let mut value = value.clone();
            if !check_alone(&bare, &mut value, "value").is_empty() {
                let shown = crate::domain::error::clip(&value.to_string());
                self.fail(here, "enum", format!("{here}: {shown} is not {}", article(field.kind)));
            } else if out.iter().any(|v| equal(v, &value)) {
                self.fail(here, "duplicate", format!("{here} contains {} twice", crate::domain::error::clip(&value.to_string())));
            }
            out.push(value);
        }
        Some(out)
    }
}

fn limits<'f>(plain: &'f Option<Number>, exclusive: &'f Option<Exclusive>) -> Vec<(&'f Number, bool)> {
    let flagged = *exclusive == Some(Exclusive::Flag);
    let own = match exclusive {
        Some(Exclusive::Bound(n)) => Some((n, true)),
        _ => None,
    };
    plain.iter().map(|n| (n, flagged)).chain(own).collect()
}

/// Which types a keyword says something about (§2.2).
pub(super) fn applies(key: &str, kind: FieldKind) -> bool {
    match key {
        "ref" | "minLength" | "maxLength" | "pattern" => kind == FieldKind::String,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => kind.is_number(),
        "items" | "minItems" | "maxItems" | "uniqueItems" => kind == FieldKind::Array,
        "properties" | "required" | "additionalProperties" => kind == FieldKind::Object,
        _ => true,
    }
}
