//! Dotted paths as callers write them.

use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::Path;

/// Steps of a path (`02-data.md` §12).
pub const MAX_STEPS: usize = 10;
/// Characters of one step: the longest key a record can have.
const MAX_STEP: usize = 128;
const FORBIDDEN: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// Why a text is no path: the rule of `02-data.md` §6.3 and a sentence.
#[derive(Debug)]
pub(super) struct Fault {
    pub rule: &'static str,
    pub message: String,
}

/// Reads a dotted path; `_id` at its start is `id`.
pub(super) fn read(text: &str) -> Result<Path, Fault> {
    let path = read_inner(text)?;
    let mut steps = path.0;
    if steps[0] == "_id" {
        "id".clone_into(&mut steps[0]);
    }
    Ok(Path(steps))
}

/// As [`read`], for a path that starts inside a record, where `_id` is an ordinary key.
pub(super) fn read_inner(text: &str) -> Result<Path, Fault> {
    let fault = |rule, message| Err(Fault { rule, message });
    let shown = clip(text);
    let mut steps = Vec::new();
    for step in text.split('.') {
        if step.is_empty() {
            return fault("path", format!("The path \"{shown}\" has an empty step; write it as field or field.inner"));
        }
        if step.starts_with('$') {
            return fault("path", format!("The path \"{shown}\" has a step that starts with $; field names never do"));
        }
        if FORBIDDEN.contains(&step) {
            return fault("path", format!("The path \"{shown}\" uses {step}, which cannot be a field name"));
        }
        if step.contains('\0') {
            return fault("path", format!("The path \"{shown}\" contains the NUL character"));
        }
        if step.chars().nth(MAX_STEP).is_some() {
            return fault("path", format!("A step of the path \"{shown}\" is longer than {MAX_STEP} characters"));
        }
        steps.push(step.to_owned());
    }
    if steps.len() > MAX_STEPS {
        return fault("limit", format!("The path \"{shown}\" has more than {MAX_STEPS} steps"));
    }
    Ok(Path(steps))
}

/// Reads the path a scalar parameter names.
///
/// # Errors
/// `common/invalid-parameters` naming the parameter.
pub(super) fn of_parameter(name: &str, text: &str) -> Result<Path> {
    read(text)
        .map_err(|fault| if fault.rule == "limit" { super::params::beyond_limit(name, fault.message) } else { Error::invalid_parameter(name, fault.message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_to_ten_clean_steps() {
        assert_eq!(read("a.0.b").unwrap().0, ["a", "0", "b"]);
        assert_eq!(read("_id").unwrap().0, ["id"]);
        assert_eq!(read("a._id").unwrap().0, ["a", "_id"]);
        assert_eq!(read_inner("_id").unwrap().0, ["_id"]);
        for text in ["", ".", "a.", ".a", "a..b", "$a", "a.$b", "__proto__", "a.constructor", "prototype.x", "a\0b", &"x".repeat(129)] {
            assert_eq!(read(text).unwrap_err().rule, "path", "{text}");
        }
        assert!(read("a.b.c.d.e.f.g.h.i.j").is_ok());
        assert_eq!(read("a.b.c.d.e.f.g.h.i.j.k").unwrap_err().rule, "limit");
    }
}
