//! The constraints of a field, looked at once its type holds (`02-data.md` §2.2, §4).

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{At, Check};
use crate::domain::tables::field::{Exclusive, Field};
use crate::domain::tables::value::{compare_numbers, to_int};

impl Check {
    pub(super) fn rules(&mut self, field: &Field, value: &Value, at: &At<'_>) {
        if let Some(values) = &field.values {
            self.one_of(values, value, at);
        }
        match value {
            Value::String(text) => self.text_rules(field, text, at),
            Value::Number(n) => self.number_rules(field, n, at),
            Value::Array(list) => self.array_rules(field, list, at),
            _ => {}
        }
    }

    fn text_rules(&mut self, field: &Field, text: &str, at: &At<'_>) {
        if field.min_length.is_some() || field.max_length.is_some() {
            let length = text.chars().count() as u64;
            if let Some(min) = field.min_length.filter(|min| length < *min) {
                self.fail(at, "minLength", |f| format!("{f} must have at least {min} characters, not {length}"));
            }
            if let Some(max) = field.max_length.filter(|max| length > *max) {
                self.fail(at, "maxLength", |f| format!("{f} must have at most {max} characters, not {length}"));
            }
        }
        if let Some(pattern) = field.pattern.as_ref().filter(|p| !p.is_found_in(text)) {
            self.fail(at, "pattern", |f| format!("{f} must match the pattern {}", pattern.as_str()));
        }
    }

    fn number_rules(&mut self, field: &Field, n: &Number, at: &At<'_>) {
        if let Some(bound) = below(field, n) {
            self.fail(at, "minimum", |f| format!("{f} must be {bound}"));
        }
        if let Some(bound) = above(field, n) {
            self.fail(at, "maximum", |f| format!("{f} must be {bound}"));
        }
        if let Some(step) = field.multiple_of.as_ref().filter(|step| !is_multiple(n, step)) {
            self.fail(at, "multipleOf", |f| format!("{f} must be a multiple of {step}"));
        }
    }

    fn array_rules(&mut self, field: &Field, list: &[Value], at: &At<'_>) {
        let length = list.len() as u64;
        if let Some(min) = field.min_items.filter(|min| length < *min) {
            self.fail(at, "minItems", |f| format!("{f} must have at least {min} items, not {length}"));
        }
        if let Some(max) = field.max_items.filter(|max| length > *max) {
            self.fail(at, "maxItems", |f| format!("{f} must have at most {max} items, not {length}"));
        }
        if field.unique_items {
            self.all_different(list, at);
        }
    }
}

/// The lower bound a number breaks, in words.
fn below(field: &Field, n: &Number) -> Option<String> {
    let strict = field.exclusive_minimum == Some(Exclusive::Flag);
    match &field.minimum {
        Some(min) if strict && compare_numbers(n, min).is_le() => return Some(format!("greater than {min}")),
        Some(min) if compare_numbers(n, min).is_lt() => return Some(format!("at least {min}")),
        _ => {}
    }
    match &field.exclusive_minimum {
        Some(Exclusive::Bound(min)) if compare_numbers(n, min).is_le() => Some(format!("greater than {min}")),
        _ => None,
    }
}

/// The upper bound a number breaks, in words.
fn above(field: &Field, n: &Number) -> Option<String> {
    let strict = field.exclusive_maximum == Some(Exclusive::Flag);
    match &field.maximum {
        Some(max) if strict && compare_numbers(n, max).is_ge() => return Some(format!("less than {max}")),
        Some(max) if compare_numbers(n, max).is_gt() => return Some(format!("at most {max}")),
        _ => {}
    }
    match &field.exclusive_maximum {
        Some(Exclusive::Bound(max)) if compare_numbers(n, max).is_ge() => Some(format!("less than {max}")),
        _ => None,
    }
}

/// Exact for whole numbers; otherwise as near as doubles come, so that 0.3 is a multiple of 0.1.
pub(in crate::domain::tables) fn is_multiple(n: &Number, step: &Number) -> bool {
    if let (Ok(n), Ok(step)) = (to_int(n), to_int(step)) {
        return step != 0 && i128::from(n) % i128::from(step) == 0;
    }
    let (n, step) = (n.as_f64().unwrap_or(0.0), step.as_f64().unwrap_or(0.0));
    let quotient = n / step;
    let distance = (quotient - quotient.round()).abs();
    distance.partial_cmp(&(1e-9 * quotient.abs().max(1.0))).is_some_and(|o| o != Ordering::Greater)
}
