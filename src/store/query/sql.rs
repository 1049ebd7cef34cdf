//! Filters as SQL. Leaves on declared scalars and system fields become plain conditions that indexes can serve; every
//! other leaf calls `bk_test`, which runs the evaluator on the document.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Params, Result, params_from_iter};

use super::ast::{Kind, Order, Path, Shape};
use super::compile::{Leaf, Node, Probe, Root, Set};
use super::functions::Lease;
use super::times;
use super::value::{Item, Operand};
use crate::store::jsonb::Num;

/// A statement, or a part of one, with what is bound to it. Keep it until the statement has run: the leaves that
/// `bk_test` looks up live in it.
#[derive(Debug, Default)]
pub struct Sql {
    text: String,
    params: Vec<Value>,
    leases: Vec<Lease>,
}

/// SQLite takes 32,766 parameters; a leaf that would not fit is left to the function.
const MAX_PARAMS: usize = 30_000;

impl Sql {
    /// Parameters are numbered, `?1` first.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn params(&self) -> impl Params + '_ {
        params_from_iter(&self.params)
    }

    /// Appends fixed text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a parameter.
    pub fn bind(&mut self, value: impl Into<Value>) {
        let name = self.param(value.into());
        self.text.push_str(&name);
    }

    /// Runs the statement, which the connection keeps prepared.
    ///
    /// # Errors
    /// What SQLite or `read` answers.
    pub fn rows<T>(&self, db: &Connection, read: impl FnMut(&rusqlite::Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        db.prepare_cached(&self.text)?.query_map(self.params(), read)?.collect()
    }

    pub(super) fn param(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("?{}", self.params.len())
    }

    /// Appends the condition.
    pub(super) fn node(&mut self, node: &Node, shape: &Shape) {
        self.condition(node, shape, false);
    }

    /// With `exact` the condition is 0 or 1; without, null stands for 0, which is all the same unless it is negated.
    fn condition(&mut self, node: &Node, shape: &Shape, exact: bool) {
        match node {
            Node::And(list) => self.joined(list, shape, exact, " AND ", "1"),
            Node::Or(list) => self.joined(list, shape, exact, " OR ", "0"),
            Node::Not(node) => {
                self.push("NOT ");
                self.condition(node, shape, true);
            }
            Node::Leaf(leaf) => {
                let text = self.leaf(leaf, shape);
                self.push(&if exact { format!("(({text}) IS TRUE)") } else { format!("({text})") });
            }
        }
    }

    fn joined(&mut self, list: &[Node], shape: &Shape, exact: bool, separator: &str, empty: &str) {
        self.push("(");
        for (at, node) in list.iter().enumerate() {
            if at > 0 {
                self.push(separator);
            }
            self.condition(node, shape, exact);
        }
        if list.is_empty() {
            self.push(empty);
        }
        self.push(")");
    }

    fn leaf(&mut self, leaf: &Arc<Leaf>, shape: &Shape) -> String {
        let native = match leaf.root {
            _ if leaf.probe.values() + self.params.len() > MAX_PARAMS => None,
            Root::Missing => Some(truth(leaf.probe.holds(&Item::Missing))),
            Root::Id => self.scalar("id", Kind::String, leaf),
            Root::CreatedBy => self.scalar("created_by", Kind::String, leaf),
            Root::CreatedAt => self.time("created_at", &leaf.probe),
            Root::UpdatedAt => self.time("updated_at", &leaf.probe),
            Root::Doc => scalar_column(shape, &leaf.path).and_then(|(column, kind)| self.scalar(&column, kind, leaf)),
        };
        native.unwrap_or_else(|| self.call(leaf))
    }

    fn call(&mut self, leaf: &Arc<Leaf>) -> String {
        let lease = Lease::new(leaf.clone());
        let number = self.param(Value::Integer(lease.number()));
        self.leases.push(lease);
        let of = match leaf.root {
            Root::Id => "id",
            Root::CreatedBy => "created_by",
            Root::CreatedAt => "created_at",
            Root::UpdatedAt => "updated_at",
            Root::Doc | Root::Missing => "doc",
        };
        format!("bk_test({number}, {of})")
    }

    /// A condition on a column that holds values of one kind, or null.
    fn scalar(&mut self, column: &str, kind: Kind, leaf: &Leaf) -> Option<String> {
        let textual = matches!(kind, Kind::String | Kind::Date);
        Some(match &leaf.probe {
            Probe::Eq(operand) => self.equal(column, operand, &|operand| bound(kind, operand)),
            Probe::Cmp(order, operand) => self.compared(column, *order, operand, &|operand| bound(kind, operand)),
            Probe::Between(low, high) => self.between(column, low, high, &|operand| bound(kind, operand)),
            Probe::In(set) => self.among(column, set, members(kind, set)),
            Probe::All(operands) if operands.is_empty() => truth(false),
            // A scalar equals few different values; SQLite limits how long a chain of conditions may be.
            Probe::All(operands) if operands.len() > 100 => return None,
            Probe::All(operands) => {
                let all: Vec<String> = operands.iter().map(|operand| self.equal(column, operand, &|operand| bound(kind, operand))).collect();
                all.join(" AND ")
            }
            Probe::StartsWith(start) if textual => self.prefix(column, start),
            Probe::Exists if leaf.root != Root::Doc => truth(true),
            Probe::Size(_) | Probe::ElemMatch(_) | Probe::ElemTests(_) => truth(false),
            Probe::Regex(_) | Probe::Contains(..) | Probe::StartsWith(_) | Probe::EndsWith(_) | Probe::Like(_) if !textual => truth(false),
            Probe::Exists
            | Probe::Regex(_)
            | Probe::Contains(..)
            | Probe::StartsWith(_)
            | Probe::EndsWith(_)
            | Probe::Like(_)
            | Probe::Printed(_)
            | Probe::AnyText { .. } => return None,
        })
    }

    /// A condition on a system time: never null, milliseconds, though operands are text.
    fn time(&mut self, column: &str, probe: &Probe) -> Option<String> {
        let bound = |operand: &Operand| match operand {
            Operand::Str(text) => times::ms(text).map(Value::Integer),
            _ => None,
        };
        // Text that is no time still has a place in the order of texts, which only the function knows.
        let odd = |operand: &Operand| matches!(operand, Operand::Str(_)) && bound(operand).is_none();
        Some(match probe {
            Probe::Eq(operand) => self.equal(column, operand, &bound),
            Probe::Cmp(order, operand) if !odd(operand) => self.compared(column, *order, operand, &bound),
            Probe::Between(low, high) if !odd(low) && !odd(high) => self.between(column, low, high, &bound),
            Probe::In(set) => self.among(column, set, set.strings.iter().filter_map(|text| times::ms(text)).map(Value::Integer).collect()),
            Probe::Exists => truth(true),
            Probe::Size(_) | Probe::ElemMatch(_) | Probe::ElemTests(_) => truth(false),
            _ => return None,
        })
    }

    fn equal(&mut self, column: &str, operand: &Operand, bound: &dyn Fn(&Operand) -> Option<Value>) -> String {
        match (operand, bound(operand)) {
            (Operand::Null, _) => format!("{column} IS NULL"),
            (_, Some(value)) => format!("{column} = {}", self.param(value)),
            (_, None) => truth(false),
        }
    }

    fn compared(&mut self, column: &str, order: Order, operand: &Operand, bound: &dyn Fn(&Operand) -> Option<Value>) -> String {
        let sign = match order {
            Order::Gt => ">",
            Order::Gte => ">=",
            Order::Lt => "<",
            Order::Lte => "<=",
        };
        match (operand, bound(operand)) {
            (Operand::Null, _) if matches!(order, Order::Gte | Order::Lte) => format!("{column} IS NULL"),
            (_, Some(value)) => format!("{column} {sign} {}", self.param(value)),
            (_, None) => truth(false),
        }
    }

    fn between(&mut self, column: &str, low: &Operand, high: &Operand, bound: &dyn Fn(&Operand) -> Option<Value>) -> String {
        match (low, high) {
            (Operand::Null, Operand::Null) => format!("{column} IS NULL"),
            _ => match (bound(low), bound(high)) {
                (Some(low), Some(high)) => format!("{column} BETWEEN {} AND {}", self.param(low), self.param(high)),
                _ => truth(false),
            },
        }
    }

    fn among(&mut self, column: &str, set: &Set, values: Vec<Value>) -> String {
        let null = set.null.then(|| format!("{column} IS NULL"));
        let list = (!values.is_empty()).then(|| {
            let params: Vec<String> = values.into_iter().map(|value| self.param(value)).collect();
            format!("{column} IN ({})", params.join(","))
        });
        let parts: Vec<String> = null.into_iter().chain(list).collect();
        if parts.is_empty() { truth(false) } else { parts.join(" OR ") }
    }

    /// Texts that start with another are a range of the order of texts.
    fn prefix(&mut self, column: &str, start: &str) -> String {
        let from = self.param(Value::Text(start.to_owned()));
        match after_prefix(start) {
            Some(end) => format!("{column} >= {from} AND {column} < {}", self.param(Value::Text(end))),
            None => format!("{column} >= {from}"),
        }
    }
}

fn truth(holds: bool) -> String {
    if holds { "1" } else { "0" }.to_owned()
}

/// The least text above every text that starts with `start`.
fn after_prefix(start: &str) -> Option<String> {
    let mut chars: Vec<char> = start.chars().collect();
    while let Some(last) = chars.pop() {
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The operand as a column of the kind would hold it; `None` if it never holds such a value.
fn bound(kind: Kind, operand: &Operand) -> Option<Value> {
    match (kind, operand) {
        (Kind::String | Kind::Date, Operand::Str(text)) => Some(Value::Text(text.clone())),
        (Kind::Int | Kind::Double, Operand::Num(number)) => Some(number_value(*number)),
        (Kind::Bool, Operand::Bool(flag)) => Some(Value::Integer(i64::from(*flag))),
        _ => None,
    }
}

pub(super) fn number_value(number: Num) -> Value {
    match number {
        Num::Int(int) => Value::Integer(int),
        Num::Float(float) => Value::Real(float),
    }
}

fn members(kind: Kind, set: &Set) -> Vec<Value> {
    match kind {
        Kind::String | Kind::Date => set.strings.iter().cloned().map(Value::Text).collect(),
        Kind::Int | Kind::Double => set.numbers.iter().copied().map(number_value).collect(),
        Kind::Bool => set.bools.iter().map(|flag| Value::Integer(i64::from(*flag))).collect(),
        Kind::Any => Vec::new(),
    }
}

/// The SQL that yields a declared scalar: its column, or a step into declared objects. `None` for anything else.
pub(super) fn scalar_column(shape: &Shape, path: &Path) -> Option<(String, Kind)> {
    if path.is_top_level() {
        let column = shape.columns.get(path.root()).filter(|column| column.kind != Kind::Any)?;
        return Some((quoted(&column.name), column.kind));
    }
    let kind = *shape.nested.get(&path.to_string()).filter(|kind| **kind != Kind::Any)?;
    let plain = path.0.iter().all(|step| step.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'));
    plain.then(|| {
        let steps: String = path.0.iter().map(|step| format!(".\"{step}\"")).collect();
        (format!("(doc ->> '${steps}')"), kind)
    })
}

/// An SQL identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A path as an SQL text literal; `None` if it holds a character that would end the statement.
pub(super) fn path_literal(path: &Path) -> Option<String> {
    let text = path.to_string();
    (!text.contains('\0')).then(|| format!("'{}'", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_followed_by_the_next_text() {
        for (start, next) in
            [("a", Some("b")), ("az", Some("a{")), ("\u{d7ff}", Some("\u{e000}")), ("a\u{10ffff}", Some("b")), ("\u{10ffff}", None), ("", None)]
        {
            assert_eq!(after_prefix(start).as_deref(), next);
        }
    }
}
