//! A filter made ready to run: paths split into steps, texts folded, `$in` lists hashed.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::ast::{Filter, Order, Path, Search, Shape, Test};
use super::fold::{Folded, Like};
use super::value::{Operand, TWO_63, num};
use crate::store::jsonb::Num;

/// What [`Filter`] and [`Search`] become.
#[derive(Debug)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Leaf(Arc<Leaf>),
}

/// One test at one path.
#[derive(Debug)]
pub(super) struct Leaf {
    pub root: Root,
    /// The path as it was written.
    pub path: Path,
    pub steps: Vec<Step>,
    pub probe: Probe,
}

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Doc,
    Id,
    CreatedBy,
    CreatedAt,
    UpdatedAt,
    /// Nowhere: an undeclared field of a closed table, or a step into a system field.
    Missing,
}

#[derive(Debug)]
pub(super) struct Step {
    pub name: String,
    /// The step as an array position, if it can be one.
    pub position: Option<usize>,
}

/// [`Test`], ready to run.
#[derive(Debug)]
pub(super) enum Probe {
    Eq(Operand),
    Cmp(Order, Operand),
    Between(Operand, Operand),
    In(Set),
    Exists,
    Regex(regex::Regex),
    Contains(Option<Folded>, Operand),
    StartsWith(String),
    EndsWith(String),
    Like(Like),
    All(Vec<Operand>),
    Size(u64),
    ElemMatch(Box<Node>),
    ElemTests(Vec<(bool, Probe)>),
    /// The printed form of a string or number contains the text.
    Printed(Folded),
    /// Some string at any depth contains the text; the path is empty.
    AnyText {
        text: Folded,
        hidden: HashSet<String>,
        only: Option<HashSet<String>>,
    },
}

/// The values of `$in`.
#[derive(Debug, Default)]
pub(super) struct Set {
    pub null: bool,
    pub bools: Vec<bool>,
    pub numbers: Vec<Num>,
    pub strings: HashSet<String>,
    pub nested: Vec<Operand>,
    keys: HashSet<NumKey>,
}

/// One key for numbers of one value.
#[derive(Debug, PartialEq, Eq, Hash)]
enum NumKey {
    Int(i64),
    Float(u64),
}

impl From<Num> for NumKey {
    fn from(number: Num) -> Self {
        match number {
            Num::Int(int) => Self::Int(int),
            Num::Float(float) if float.fract() == 0.0 && (-TWO_63..TWO_63).contains(&float) => Self::Int(float as i64),
            Num::Float(float) => Self::Float(float.to_bits()),
        }
    }
}

impl Set {
    fn new(values: &[Value]) -> Self {
        let mut set = Self::default();
        for value in values {
            match value {
                Value::Null => set.null = true,
                Value::Bool(flag) => set.bools.push(*flag),
                Value::Number(number) => {
                    if set.keys.insert(num(number).into()) {
                        set.numbers.push(num(number));
                    }
                }
                Value::String(text) => {
                    set.strings.insert(text.clone());
                }
                nested => set.nested.push(nested.into()),
            }
        }
        set
    }

    pub fn has_number(&self, number: Num) -> bool {
        self.keys.contains(&number.into())
    }
}

/// What the first step of a path may mean.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Record(&'a Shape),
    /// An array element: all its fields are its own.
    Element,
}

impl Node {
    pub fn filter(filter: &Filter, shape: &Shape) -> Self {
        Self::build(filter, Scope::Record(shape))
    }

    /// A filter on a plain value that is no record.
    pub fn element(filter: &Filter) -> Self {
        Self::build(filter, Scope::Element)
    }

    pub fn search(search: &Search, shape: &Shape) -> Self {
        if !search.paths.is_empty() {
            return Self::Or(search.paths.iter().map(|path| leaf(path, Scope::Record(shape), Probe::Printed(Folded::new(&search.text)))).collect());
        }
        let probe = Probe::AnyText {
            text: Folded::new(&search.text),
            hidden: search.hidden.iter().cloned().collect(),
            only: shape.closed.then(|| shape.columns.keys().cloned().collect()),
        };
        Self::Leaf(Arc::new(Leaf { root: Root::Doc, path: Path(Vec::new()), steps: Vec::new(), probe }))
    }

    fn build(filter: &Filter, scope: Scope<'_>) -> Self {
        match filter {
            Filter::And(list) => Self::And(list.iter().map(|filter| Self::build(filter, scope)).collect()),
            Filter::Or(list) => Self::Or(list.iter().map(|filter| Self::build(filter, scope)).collect()),
            Filter::Not(filter) => Self::Not(Box::new(Self::build(filter, scope))),
            Filter::Field(path, test) => leaf(path, scope, Probe::new(test)),
        }
    }
}

fn leaf(path: &Path, scope: Scope<'_>, probe: Probe) -> Node {
    let root = match scope {
        Scope::Record(shape) => Root::of(path, shape),
        Scope::Element => Root::Doc,
    };
    Node::Leaf(Arc::new(Leaf { root, path: path.clone(), steps: steps(path.0.iter().map(String::as_str)), probe }))
}

pub(super) fn steps<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Step> {
    names.map(|name| Step { name: name.to_owned(), position: position(name) }).collect()
}

fn position(name: &str) -> Option<usize> {
    let canonical = name == "0" || !name.starts_with('0');
    if canonical && name.bytes().all(|c| c.is_ascii_digit()) { name.parse().ok() } else { None }
}

impl Root {
    pub fn of(path: &Path, shape: &Shape) -> Self {
        let root = match path.root() {
            "id" => Self::Id,
            "createdBy" => Self::CreatedBy,
            "createdAt" => Self::CreatedAt,
            "updatedAt" => Self::UpdatedAt,
            name if shape.closed && !shape.columns.contains_key(name) => Self::Missing,
            _ => return Self::Doc,
        };
        if path.is_top_level() { root } else { Self::Missing }
    }
}

impl Probe {
    /// How many values it compares with.
    pub fn values(&self) -> usize {
        match self {
            Self::In(set) => set.bools.len() + set.numbers.len() + set.strings.len() + set.nested.len(),
            Self::All(operands) => operands.len(),
            _ => 2,
        }
    }

    pub fn new(test: &Test) -> Self {
        match test {
            Test::Eq(value) => Self::Eq(value.into()),
            Test::Cmp(order, value) => Self::Cmp(*order, value.into()),
            Test::Between(low, high) => Self::Between(low.into(), high.into()),
            Test::In(values) => Self::In(Set::new(values)),
            Test::Exists => Self::Exists,
            Test::Regex(regex) => Self::Regex(regex.clone()),
            Test::Contains(value) => Self::Contains(value.as_str().map(Folded::new), value.into()),
            Test::StartsWith(text) => Self::StartsWith(text.clone()),
            Test::EndsWith(text) => Self::EndsWith(text.clone()),
            Test::Like(pattern) => Self::Like(Like::new(pattern)),
            Test::All(values) => Self::All(values.iter().map(Operand::from).collect()),
            Test::Size(len) => Self::Size(*len),
            Test::ElemMatch(filter) => Self::ElemMatch(Box::new(Node::element(filter))),
            Test::ElemTests(tests) => Self::ElemTests(tests.iter().map(|(holds, test)| (*holds, Self::new(test))).collect()),
        }
    }
}
