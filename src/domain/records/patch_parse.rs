//! Reads a PATCH body into paths and operators.

use serde_json::{Map, Value};

use super::patch::{Entry, Op, Patch};
use super::system_fields::is_ignored;
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::tables::check::{MAX_DEPTH, MAX_DETAILS, bad_key};
use crate::domain::tables::value::{describe, to_int};

const OPERATORS: [&str; 10] = ["$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pull", "$pop"];

pub(super) fn parse(body: Map<String, Value>) -> Result<Patch> {
    let mut reader = Reader::default();
    for (key, value) in body {
        reader.top(key, value);
    }
    reader.conflicts();
    reader.details.truncate(MAX_DETAILS);
    if reader.details.is_empty() { Ok(Patch { entries: reader.entries }) } else { Err(Error::with_details(Code::VALIDATION_ERROR, reader.details)) }
}

#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    details: Vec<Detail>,
}

impl Reader {
    fn fail(&mut self, field: &str, rule: &str, message: String) {
        self.details.push(Detail::new(clip(field), rule, message));
    }

    /// A key of the body: an operator, or a field with a value or an operator of its own.
    fn top(&mut self, key: String, value: Value) {
        if key.starts_with('$') {
            return self.operator(&key, value);
        }
        match value {
            Value::Object(map) if map.len() == 1 && map.keys().all(|k| k.starts_with('$')) => {
                for (operator, operand) in map {
                    if OPERATORS.contains(&operator.as_str()) {
                        self.entry(&key, &operator, operand);
                    } else {
                        self.unknown(&format!("{key}.{operator}"), &operator);
                    }
                }
            }
            value => self.entry(&key, "$set", value),
        }
    }

    fn operator(&mut self, operator: &str, operand: Value) {
        if !OPERATORS.contains(&operator) {
            return self.unknown(operator, operator);
        }
        match operand {
            Value::Object(map) => {
                for (path, operand) in map {
                    self.entry(&path, operator, operand);
                }
            }
            other => self.fail(
                operator,
                "type",
                format!("{operator} takes an object of fields, such as {{ \"{operator}\": {{ \"field\": … }} }}, not {}", describe(&other)),
            ),
        }
    }

    fn unknown(&mut self, field: &str, operator: &str) {
        self.fail(field, "fieldName", format!("\"{}\" is no operator; operators are {}", clip(operator), OPERATORS.join(", ")));
    }

    fn entry(&mut self, key: &str, operator: &str, operand: Value) {
        let root = key.split('.').next().unwrap_or_default();
        if is_ignored(root) {
            return;
        }
        let Some(path) = self.path(key) else { return };
        match op(key, operator, operand) {
            Ok(op) => self.entries.push(Entry { path, op }),
            Err(message) => self.fail(key, "type", message),
        }
    }

    fn path(&mut self, key: &str) -> Option<Vec<String>> {
        let steps: Vec<String> = key.split('.').map(str::to_owned).collect();
        if steps.len() > MAX_DEPTH {
            self.fail(key, "depth", format!("the path {} has more than {MAX_DEPTH} steps", clip(key)));
            return None;
        }
        for step in &steps {
            let Some((rule, why)) = bad_key(step) else { continue };
            if steps.len() == 1 || rule == "characters" {
                self.fail(key, rule, why);
            } else {
                self.fail(key, "path", format!("the path \"{}\" is not valid: the key \"{}\" cannot be used", clip(key), clip(step)));
            }
            return None;
        }
        Some(steps)
    }

    /// Two entries that touch the same or a nested path.
    fn conflicts(&mut self) {
        let mut paths: Vec<&Vec<String>> = self.entries.iter().map(|e| &e.path).collect();
        // In this order everything between a path and one nested in it is nested in it as well.
        paths.sort();
        let clashes: Vec<(String, String)> = paths.windows(2).filter(|w| w[1].starts_with(w[0])).map(|w| (w[0].join("."), w[1].join("."))).collect();
        for (outer, inner) in clashes {
            let message = if outer == inner {
                format!("{inner} is changed twice; name it once")
            } else {
                format!("{inner} lies inside {outer}, which is changed too; name one of them")
            };
            self.fail(&inner, "conflict", message);
        }
    }
}

fn op(key: &str, operator: &str, operand: Value) -> Result<Op, String> {
    let key = clip(key);
    let wrong = |wanted: &str, operand: &Value| Err(format!("{operator} of {key} takes {wanted}, not {}", describe(operand)));
    Ok(match (operator, operand) {
        ("$set", value) => Op::Set(value),
        ("$unset", _) => Op::Unset,
        ("$inc", Value::Number(n)) => Op::Inc(n),
        ("$mul", Value::Number(n)) => Op::Mul(n),
        ("$min", value @ (Value::Number(_) | Value::String(_))) => Op::Min(value),
        ("$max", value @ (Value::Number(_) | Value::String(_))) => Op::Max(value),
        ("$inc" | "$mul", other) => return wrong("a number", &other),
        ("$min" | "$max", other) => return wrong("a number or a date", &other),
        ("$push", Value::Object(map)) if is_modifier(&map) => push(&key, map)?,
        ("$push", value) => Op::Push { each: vec![value], position: None, slice: None },
        ("$addToSet", Value::Object(map)) if is_modifier(&map) => match push(&key, map)? {
            Op::Push { each, position: None, slice: None } => Op::AddToSet(each),
            _ => return Err(format!("$addToSet of {key} takes a value or {{ \"$each\": [...] }}")),
        },
        ("$addToSet", value) => Op::AddToSet(vec![value]),
        ("$pull", value) => Op::Pull(value),
        ("$pop", Value::Number(n)) if to_int(&n) == Ok(1) => Op::PopLast,
        ("$pop", Value::Number(n)) if to_int(&n) == Ok(-1) => Op::PopFirst,
        (_, other) => return wrong("1 for the last element or -1 for the first", &other),
    })
}

fn is_modifier(map: &Map<String, Value>) -> bool {
    map.keys().any(|k| matches!(k.as_str(), "$each" | "$position" | "$slice"))
}

fn push(key: &str, map: Map<String, Value>) -> Result<Op, String> {
    let (mut each, mut position, mut slice) = (None, None, None);
    for (name, value) in map {
        let whole = || value.as_number().and_then(|n| to_int(n).ok()).ok_or_else(|| format!("{name} of {key} must be a whole number"));
        match name.as_str() {
            "$position" => position = Some(whole()?),
            "$slice" => slice = Some(whole()?),
            "$each" => match value {
                Value::Array(list) => each = Some(list),
                other => return Err(format!("$each of {key} must be an array, not {}", describe(&other))),
            },
            other => return Err(format!("\"{}\" of {key} has no meaning beside $each; use $each, $position and $slice", clip(other))),
        }
    }
    let each = each.ok_or_else(|| format!("$position and $slice of {key} need $each"))?;
    Ok(Op::Push { each, position, slice })
}
