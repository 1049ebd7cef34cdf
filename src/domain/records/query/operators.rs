//! The operators of filters (`02-data.md` §6.2), one by one.

use serde_json::{Map, Value};

use super::conditions::Conditions;
use super::filter::{MAX_VALUES, Place};
use super::kinds::{Kinds, kind_of};
use super::operand::{comparable, date_text};
use crate::domain::error::{Error, Result, clip};
use crate::domain::tables::pattern;
use crate::store::query::ast::{Kind, Order, Test};

/// Operators that stand behind a path, without those that nest.
const KNOWN: [&str; 19] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$regex",
    "$options",
    "$contains",
    "$startsWith",
    "$endsWith",
    "$like",
    "$between",
    "$all",
    "$size",
    "$elemMatch",
];
const LOGICAL: [&str; 3] = ["$and", "$or", "$nor"];
/// Operators of MongoDB that are refused on purpose, and what to use instead.
const FORBIDDEN: [(&str, &str); 12] = [
    ("$where", "code is never run; use the comparison operators"),
    ("$function", "code is never run; use the comparison operators"),
    ("$accumulator", "code is never run; use the aggregate route"),
    ("$expr", "expressions are not run; compare with values"),
    ("$text", "use the search parameter"),
    ("$search", "use the search parameter"),
    ("$jsonSchema", "declare the fields of the table instead"),
    ("$mod", "use $in or $between"),
    ("$type", "use $exists, or declare the field"),
    ("$near", "places are not indexed; use $between on the coordinates"),
    ("$geoWithin", "places are not indexed; use $between on the coordinates"),
    ("$comment", "leave it out"),
];

/// Where an unknown operator was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Top,
    Field,
}

/// Whether a word (without `$`) names an operator that brackets may hold.
pub(super) fn bracket_operator(word: &str) -> Option<&'static str> {
    let word = word.strip_prefix('$').unwrap_or(word);
    KNOWN.into_iter().find(|known| known[1..] == *word)
}

/// Reads one operator about the value at `here.path`; `beside` is the object it stands in, empty for an implied `$eq`.
pub(super) fn read(kinds: &dyn Kinds, here: &Place, name: &str, operand: &Value, beside: &Map<String, Value>) -> Result<Conditions> {
    let at = if beside.is_empty() { here.clone() } else { here.step(name) };
    let value = |given: &Value| comparable(kinds, &here.path, given).map_err(|message| at.refuse("operand", message));
    let eq = |given: &Value| Ok::<_, Error>(Conditions::Test(Test::Eq(value(given)?)));
    match name {
        "$eq" => eq(operand),
        "$ne" => Ok(eq(operand)?.negated()),
        "$gt" => order(Order::Gt, value(operand)?),
        "$gte" => order(Order::Gte, value(operand)?),
        "$lt" => order(Order::Lt, value(operand)?),
        "$lte" => order(Order::Lte, value(operand)?),
        "$in" => Ok(Conditions::Test(Test::In(value_list(&at, name, operand, &value)?))),
        "$nin" => Ok(Conditions::Test(Test::In(value_list(&at, name, operand, &value)?)).negated()),
        "$between" => between(&at, operand, &value),
        "$all" => {
            let list = value_list(&at, name, operand, &value)?;
            Ok(if list.is_empty() { Conditions::Never } else { Conditions::Test(Test::All(list)) })
        }
        "$exists" => exists(&at, operand),
        "$size" => size(&at, operand),
        "$contains" => Ok(contains(kinds, here, operand)),
        "$startsWith" => Ok(Conditions::Test(Test::StartsWith(text(&at, name, operand)?))),
        "$endsWith" => Ok(Conditions::Test(Test::EndsWith(text(&at, name, operand)?))),
        "$like" => like(&at, operand),
        "$regex" => regex(&at, operand, beside),
        "$options" => Err(at.refuse("operand", "$options only goes together with $regex")),
        other if other.starts_with('$') => Err(unknown(&at, other, Position::Field)),
        other => {
            let message =
                format!("\"{}\" stands beside operators; an object holds either operators or plain keys, and nested fields are written with dots", clip(other));
            Err(at.refuse("operator", message))
        }
    }
}

/// The error for an operator that cannot stand where it was found.
pub(super) fn unknown(at: &Place, name: &str, position: Position) -> Error {
    let shown = clip(name);
    let message = if let Some((_, instead)) = FORBIDDEN.iter().find(|(own, _)| *own == name) {
        format!("The operator {shown} is not allowed: {instead}")
    } else if position == Position::Top && (KNOWN.contains(&name) || name == "$not") {
        format!("The operator {shown} goes behind a field, as in {{\"age\": {{\"{shown}\": …}}}}; at the top only $and, $or and $nor can stand")
    } else if position == Position::Field && LOGICAL.contains(&name) {
        format!("The operator {shown} goes at the top of a filter, not behind a field, and takes an array of filters")
    } else {
        let all = KNOWN.iter().chain(&LOGICAL).chain(&["$not"]);
        let near = all.map(|known| (strsim::osa_distance(&known.to_lowercase(), &shown.to_lowercase()), *known)).min().filter(|(distance, _)| *distance <= 2);
        match near {
            Some((_, known)) => format!("Unknown operator {shown}; did you mean {known}?"),
            None => format!("Unknown operator {shown}; use one of {}, $not, $and, $or, $nor", KNOWN.join(", ")),
        }
    };
    at.refuse("operator", message)
}

fn order(order: Order, value: Value) -> Result<Conditions> {
    Ok(match (value, order) {
        (Value::Null, Order::Gte | Order::Lte) => Conditions::Test(Test::Eq(Value::Null)),
        (Value::Null, Order::Gt | Order::Lt) => Conditions::Never,
        (value, order) => Conditions::Test(Test::Cmp(order, value)),
    })
}

fn value_list(at: &Place, name: &str, operand: &Value, value: &impl Fn(&Value) -> Result<Value>) -> Result<Vec<Value>> {
    let list = operand.as_array().ok_or_else(|| at.refuse("operand", format!("{name} takes an array of values, such as [1, 2]")))?;
    if list.len() > MAX_VALUES {
        return Err(at.refuse("limit", format!("{name} takes at most {MAX_VALUES} values; split the query")));
    }
    list.iter().map(value).collect()
}

fn between(at: &Place, operand: &Value, value: &impl Fn(&Value) -> Result<Value>) -> Result<Conditions> {
    let wrong = || at.refuse("operand", "$between takes [low, high], two values of one type");
    let [low, high] = operand.as_array().map(Vec::as_slice).unwrap_or_default() else { return Err(wrong()) };
    let (low, high) = (value(low)?, value(high)?);
    if low.is_null() || std::mem::discriminant(&low) != std::mem::discriminant(&high) {
        return Err(wrong());
    }
    Ok(Conditions::Test(Test::Between(low, high)))
}

fn exists(at: &Place, operand: &Value) -> Result<Conditions> {
    match operand {
        Value::Bool(true) => Ok(Conditions::Test(Test::Exists)),
        Value::Bool(false) => Ok(Conditions::Test(Test::Exists).negated()),
        _ => Err(at.refuse("operand", "$exists takes true or false")),
    }
}

fn size(at: &Place, operand: &Value) -> Result<Conditions> {
    let whole = operand.as_u64().or_else(|| operand.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e15).contains(float)).map(|float| float as u64));
    let size = whole.ok_or_else(|| at.refuse("operand", "$size takes a whole number of at least 0"))?;
    // No array is longer than a record has bytes; beyond that the number only has to stay storable.
    Ok(Conditions::Test(Test::Size(size.min(i64::MAX as u64))))
}

/// Text is looked for as it was written; among the elements of an array of dates also in its stored form.
fn contains(kinds: &dyn Kinds, here: &Place, operand: &Value) -> Conditions {
    let written = Conditions::Test(Test::Contains(operand.clone()));
    if kind_of(kinds, &here.path) == Some(Kind::Date) {
        return match date_text(operand).map(Value::String) {
            Some(stored) if stored != *operand => Conditions::Any(vec![written, Conditions::Test(Test::Contains(stored))]),
            _ => written,
        };
    }
    match comparable(kinds, &here.path, operand) {
        Ok(value) => Conditions::Test(Test::Contains(value)),
        Err(_) => written,
    }
}

fn text(at: &Place, name: &str, operand: &Value) -> Result<String> {
    operand.as_str().map(str::to_owned).ok_or_else(|| at.refuse("operand", format!("{name} takes a text")))
}

fn like(at: &Place, operand: &Value) -> Result<Conditions> {
    let pattern = text(at, "$like", operand)?;
    if pattern::is_too_long(&pattern) {
        return Err(at.refuse("limit", format!("The pattern of $like is longer than {} characters", pattern::MAX_PATTERN)));
    }
    if pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
        return Err(at.refuse("operand", "The pattern of $like ends in a \\ that escapes nothing; write \\\\ for a backslash"));
    }
    Ok(Conditions::Test(Test::Like(pattern)))
}

fn regex(at: &Place, operand: &Value, beside: &Map<String, Value>) -> Result<Conditions> {
    let pattern = operand.as_str().ok_or_else(|| at.refuse("operand", "$regex takes a text"))?;
    let options = match beside.get("$options") {
        None => "",
        Some(Value::String(options)) => options,
        Some(_) => return Err(at.refuse("operand", "$options takes a text of the letters i, m, s and x")),
    };
    let rule = if pattern::is_too_long(pattern) { "limit" } else { "regex" };
    let regex = pattern::compile(pattern, options).map_err(|reason| at.refuse(rule, format!("The regular expression cannot be used: {reason}")))?;
    Ok(Conditions::Test(Test::Regex(regex)))
}
