//! Runs filters on records in memory; the SQL function behind most leaves runs the same code.
//!
//! Paths step into objects and into every object of an array; a numeric step is also a position. A path that ends in
//! an array is tested against the array and, where the operator says so, against its elements (`02-data.md` §6.2).

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::ast::{Filter, Order, Search, Shape, Test};
use super::compile::{Leaf, Node, Probe, Root, Set, Step};
use super::fold::Folded;
use super::times;
use super::value::{Item, Operand};
use crate::store::jsonb::{Kind, Num, View, encode};

/// A record to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub id: &'a str,
    pub created_by: &'a str,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
    pub doc: View<'a>,
}

/// A filter and a search, compiled once for many records.
#[derive(Debug)]
pub struct Matcher {
    filter: Node,
    search: Option<Node>,
}

impl Matcher {
    pub fn new(shape: &Shape, filter: &Filter, search: Option<&Search>) -> Self {
        Self { filter: Node::filter(filter, shape), search: search.map(|search| Node::search(search, shape)) }
    }

    pub fn matches(&self, row: &Row<'_>) -> bool {
        self.filter.holds(row) && self.search.as_ref().is_none_or(|search| search.holds(row))
    }
}

/// Whether the filter holds for the record. For many records compile a [`Matcher`].
pub fn matches(filter: &Filter, shape: &Shape, row: &Row<'_>) -> bool {
    Node::filter(filter, shape).holds(row)
}

/// Whether the search finds the record.
pub fn search_matches(search: &Search, shape: &Shape, row: &Row<'_>) -> bool {
    Node::search(search, shape).holds(row)
}

/// Whether the filter holds for a value that is no record, such as an array element: its paths start in the value.
pub fn matches_value(filter: &Filter, value: &Value) -> bool {
    on_value(value, |view| Node::element(filter).holds_in(view))
}

/// Whether the test holds for a value.
pub fn test_value(test: &Test, value: &Value) -> bool {
    on_value(value, |view| Probe::new(test).holds(&view.into()))
}

fn on_value(value: &Value, test: impl FnOnce(View<'_>) -> bool) -> bool {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    View::parse(&bytes).is_ok_and(test)
}

impl Node {
    pub(super) fn holds(&self, row: &Row<'_>) -> bool {
        match self {
            Self::And(list) => list.iter().all(|node| node.holds(row)),
            Self::Or(list) => list.iter().any(|node| node.holds(row)),
            Self::Not(node) => !node.holds(row),
            Self::Leaf(leaf) => match leaf.root {
                Root::Doc => leaf.holds_in(row.doc),
                Root::Id => leaf.holds_text(row.id),
                Root::CreatedBy => leaf.holds_text(row.created_by),
                Root::CreatedAt => leaf.holds_time(row.created_at),
                Root::UpdatedAt => leaf.holds_time(row.updated_at),
                Root::Missing => leaf.probe.holds(&Item::Missing),
            },
        }
    }

    /// As for a value that has no system fields.
    pub(super) fn holds_in(&self, value: View<'_>) -> bool {
        match self {
            Self::And(list) => list.iter().all(|node| node.holds_in(value)),
            Self::Or(list) => list.iter().any(|node| node.holds_in(value)),
            Self::Not(node) => !node.holds_in(value),
            Self::Leaf(leaf) => leaf.holds_in(value),
        }
    }
}

impl Leaf {
    pub(super) fn holds_in(&self, doc: View<'_>) -> bool {
        if let Probe::AnyText { text, hidden, only } = &self.probe {
            let seen = |key: &str| !hidden.contains(key) && only.as_ref().is_none_or(|only| only.contains(key));
            return doc.entries().any(|(key, value)| seen(&key) && any_text(value, text));
        }
        walk(doc, &self.steps, &mut |item| self.probe.holds(&item))
    }

    pub(super) fn holds_text(&self, text: &str) -> bool {
        self.probe.holds(&Item::Str(Cow::Borrowed(text)))
    }

    pub(super) fn holds_time(&self, ms: i64) -> bool {
        self.probe.holds(&Item::Str(Cow::Owned(times::iso(ms))))
    }
}

/// Shows every value a path reaches to `visit`, until it answers true. A missing value is shown once for each object
/// that lacks the key; arrays without objects show nothing.
pub(super) fn walk<'a, F: FnMut(Item<'a>) -> bool>(value: View<'a>, steps: &[Step], visit: &mut F) -> bool {
    let Some((step, rest)) = steps.split_first() else { return visit(value.into()) };
    match value.kind() {
        Kind::Object => match value.get(&step.name) {
            Some(value) => walk(value, rest, visit),
            None => visit(Item::Missing),
        },
        Kind::Array => match step.position {
            Some(position) => walk_position(value, position, &step.name, rest, visit),
            None => value.elements().any(|element| element.kind() == Kind::Object && walk(element, steps, visit)),
        },
        _ => visit(Item::Missing),
    }
}

/// A numeric step: the element there, and the objects that have the number as a key.
fn walk_position<'a, F: FnMut(Item<'a>) -> bool>(array: View<'a>, position: usize, name: &str, rest: &[Step], visit: &mut F) -> bool {
    let mut found = false;
    for value in array.index(position).into_iter().chain(array.elements().filter_map(|element| element.get(name))) {
        found = true;
        if walk(value, rest, visit) {
            return true;
        }
    }
    !found && visit(Item::Missing)
}

fn any_text(value: View<'_>, text: &Folded) -> bool {
    match value.kind() {
        Kind::String => value.as_str().is_some_and(|string| text.is_in(&string)),
        Kind::Array => value.elements().any(|element| any_text(element, text)),
        Kind::Object => value.entries().any(|(_, value)| any_text(value, text)),
        _ => false,
    }
}

impl Order {
    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
        }
    }
}

/// Whether the item stands so to the operand; "not below null" and "not above null" are "is null".
fn ordered(order: Order, operand: &Operand, item: &Item<'_>) -> bool {
    match operand {
        Operand::Null => matches!(order, Order::Gte | Order::Lte) && matches!(item, Item::Null | Item::Missing),
        operand => operand.order(item).is_some_and(|ordering| order.accepts(ordering)),
    }
}

/// Whether the test holds for the item or, if that is an array, for one of its elements.
fn some(item: &Item<'_>, test: impl Fn(&Item<'_>) -> bool) -> bool {
    test(item) || matches!(item, Item::Array(array) if array.elements().any(|element| test(&element.into())))
}

impl Probe {
    /// Whether the test holds for the value a path has reached.
    pub(super) fn holds(&self, item: &Item<'_>) -> bool {
        match self {
            Self::Eq(operand) => some(item, |item| operand.equals(item)),
            Self::Cmp(order, operand) => some(item, |item| ordered(*order, operand, item)),
            Self::Between(low, high) => some(item, |item| ordered(Order::Gte, low, item) && ordered(Order::Lte, high, item)),
            Self::In(set) => some(item, |item| set.holds(item)),
            Self::Exists => !matches!(item, Item::Missing),
            Self::Regex(regex) => some(item, |item| matches!(item, Item::Str(text) if regex.is_match(text))),
            Self::Contains(text, operand) => match (item, text) {
                (Item::Str(string), Some(text)) => text.is_in(string),
                (Item::Array(array), _) => array.elements().any(|element| operand.equals(&element.into())),
                _ => false,
            },
            Self::StartsWith(start) => matches!(item, Item::Str(text) if text.starts_with(start.as_str())),
            Self::EndsWith(end) => matches!(item, Item::Str(text) if text.ends_with(end.as_str())),
            Self::Like(like) => matches!(item, Item::Str(text) if like.matches(text)),
            Self::All(operands) => !operands.is_empty() && operands.iter().all(|operand| some(item, |item| operand.equals(item))),
            Self::Size(len) => matches!(item, Item::Array(array) if array.len() as u64 == *len),
            Self::ElemMatch(node) => {
                matches!(item, Item::Array(array) if array.elements().any(|element| matches!(element.kind(), Kind::Object | Kind::Array) && node.holds_in(element)))
            }
            Self::ElemTests(tests) => {
                matches!(item, Item::Array(array) if array.elements().any(|element| {
                    let element = element.into();
                    tests.iter().all(|(holds, probe)| probe.holds(&element) == *holds)
                }))
            }
            Self::Printed(text) => some(item, |item| printed(item, text)),
            Self::AnyText { text, .. } => match item {
                Item::Str(string) => text.is_in(string),
                Item::Array(view) | Item::Object(view) => any_text(*view, text),
                _ => false,
            },
        }
    }
}

fn printed(item: &Item<'_>, text: &Folded) -> bool {
    match item {
        Item::Str(string) => text.is_in(string),
        Item::Num(Num::Int(int)) => text.is_in(itoa::Buffer::new().format(*int)),
        Item::Num(Num::Float(float)) => text.is_in(&super::value::json_text(&(*float).into())),
        _ => false,
    }
}

impl Set {
    fn holds(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Missing | Item::Null => self.null,
            Item::Bool(flag) => self.bools.contains(flag),
            Item::Num(number) => self.has_number(*number),
            Item::Str(text) => self.strings.contains(text.as_ref()),
            Item::Array(_) | Item::Object(_) => self.nested.iter().any(|operand| operand.equals(item)),
        }
    }
}
