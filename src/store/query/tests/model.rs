//! What `02-data.md` §6.1, §6.2 and §6.6 say, as plainly as possible, on plain JSON values.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::ast::{Filter, Order, Path, Search, Shape, Test};
use super::super::times;
use super::Record;

/// The record as an answer shows it.
pub fn visible(record: &Record, shape: &Shape) -> Value {
    let mut all = record.doc.clone();
    if shape.closed {
        all.retain(|key, _| shape.columns.contains_key(key));
    }
    all.insert("id".into(), record.id.clone().into());
    all.insert("createdBy".into(), record.created_by.clone().into());
    all.insert("createdAt".into(), times::iso(record.created_at).into());
    all.insert("updatedAt".into(), times::iso(record.updated_at).into());
    Value::Object(all)
}

/// Every value the path reaches; `None` where a key is missing.
pub fn reach(value: &Value, steps: &[String]) -> Vec<Option<Value>> {
    if steps.is_empty() {
        return vec![Some(value.clone())];
    }
    match value {
        Value::Object(map) => map.get(&steps[0]).map_or(vec![None], |value| reach(value, &steps[1..])),
        Value::Array(items) => match steps[0].parse::<usize>() {
            Ok(position) => {
                let mut found: Vec<_> = items.get(position).map(|value| reach(value, &steps[1..])).unwrap_or_default();
                for item in items {
                    if let Some(value) = item.get(&steps[0]) {
                        found.extend(reach(value, &steps[1..]));
                    }
                }
                if items.get(position).is_none() && !items.iter().any(|item| item.get(&steps[0]).is_some()) {
                    found.push(None);
                }
                found
            }
            Err(_) => items.iter().filter(|item| item.is_object()).flat_map(|item| reach(item, steps)).collect(),
        },
        _ => vec![None],
    }
}

pub fn matches(filter: &Filter, value: &Value) -> bool {
    match filter {
        Filter::And(list) => list.iter().all(|filter| matches(filter, value)),
        Filter::Or(list) => list.iter().any(|filter| matches(filter, value)),
        Filter::Not(filter) => !matches(filter, value),
        Filter::Field(Path(steps), test) => reach(value, steps).iter().any(|value| passes(test, value.as_ref())),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b))),
        _ => a == b,
    }
}

fn with_elements(value: Option<&Value>) -> Vec<Option<Value>> {
    let mut all = vec![value.cloned()];
    if let Some(Value::Array(items)) = value {
        all.extend(items.iter().cloned().map(Some));
    }
    all
}

fn is(operand: &Value, value: Option<&Value>) -> bool {
    value.map_or(operand.is_null(), |value| equal(operand, value))
}

fn below(order: Order, operand: &Value, value: Option<&Value>) -> bool {
    if operand.is_null() {
        return matches!(order, Order::Gte | Order::Lte) && is(operand, value);
    }
    let Some(value) = value.filter(|value| rank(value) == rank(operand)) else { return false };
    let ordering = compare(value, operand);
    match order {
        Order::Gt => ordering == Ordering::Greater,
        Order::Gte => ordering != Ordering::Less,
        Order::Lt => ordering == Ordering::Less,
        Order::Lte => ordering != Ordering::Greater,
    }
}

fn passes(test: &Test, value: Option<&Value>) -> bool {
    let any = |test: &dyn Fn(Option<&Value>) -> bool| with_elements(value).iter().any(|value| test(value.as_ref()));
    let text = value.and_then(Value::as_str);
    match test {
        Test::Eq(operand) => any(&|value| is(operand, value)),
        Test::Cmp(order, operand) => any(&|value| below(*order, operand, value)),
        Test::Between(low, high) => any(&|value| below(Order::Gte, low, value) && below(Order::Lte, high, value)),
        Test::In(list) => list.iter().any(|operand| any(&|value| is(operand, value))),
        Test::Exists => value.is_some(),
        Test::Regex(regex) => any(&|value| value.and_then(Value::as_str).is_some_and(|text| regex.is_match(text))),
        Test::Contains(operand) => match value {
            Some(Value::String(text)) => operand.as_str().is_some_and(|part| text.to_lowercase().contains(&part.to_lowercase())),
            Some(Value::Array(items)) => items.iter().any(|item| equal(item, operand)),
            _ => false,
        },
        Test::StartsWith(start) => text.is_some_and(|text| text.starts_with(start)),
        Test::EndsWith(end) => text.is_some_and(|text| text.ends_with(end)),
        Test::Like(pattern) => text.is_some_and(|text| like(pattern).is_match(text)),
        Test::All(list) => !list.is_empty() && list.iter().all(|operand| any(&|value| is(operand, value))),
        Test::Size(len) => matches!(value, Some(Value::Array(items)) if items.len() as u64 == *len),
        Test::ElemMatch(filter) => {
            matches!(value, Some(Value::Array(items)) if items.iter().any(|item| (item.is_object() || item.is_array()) && matches(filter, item)))
        }
        Test::ElemTests(tests) => {
            matches!(value, Some(Value::Array(items)) if items.iter().any(|item| tests.iter().all(|(holds, test)| passes(test, Some(item)) == *holds)))
        }
    }
}

fn like(pattern: &str) -> regex::Regex {
    let mut out = "(?is)^".to_owned();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' => out.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex::Regex::new(&(out + "$")).unwrap()
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

/// The order of §6.1.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
        (Value::String(a), Value::String(b)) => a.chars().cmp(b.chars()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => a.to_string().cmp(&b.to_string()),
    })
}

/// The value a record is sorted by: the smallest one there is.
pub fn sort_value(record: &Value, Path(steps): &Path) -> Value {
    let reached = reach(record, steps).into_iter().flatten().filter(|value| !value.is_null());
    reached.min_by(compare).unwrap_or(Value::Null)
}

pub fn found(search: &Search, record: &Value) -> bool {
    let wanted = search.text.to_lowercase();
    let shows = |value: &Value| match value {
        Value::String(text) => text.to_lowercase().contains(&wanted),
        Value::Number(number) => number.to_string().contains(&wanted),
        _ => false,
    };
    if !search.paths.is_empty() {
        return search.paths.iter().any(|path| reach(record, &path.0).iter().any(|value| with_elements(value.as_ref()).iter().flatten().any(shows)));
    }
    let system = ["id", "createdBy", "createdAt", "updatedAt"];
    record
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| !system.contains(&key.as_str()) && !search.hidden.contains(key))
        .any(|(_, value)| strings(value, &wanted))
}

fn strings(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(wanted),
        Value::Array(items) => items.iter().any(|item| strings(item, wanted)),
        Value::Object(map) => map.values().any(|value| strings(value, wanted)),
        _ => false,
    }
}
