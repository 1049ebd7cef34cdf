//! The syntax tree every filter dialect is parsed into.

use serde_json::Value;

/// A dotted path, `["address", "city"]` or `["lines", "0", "qty"]`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<String>);

impl Path {
    /// The path of a top-level field.
    pub fn field(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// First step: the top-level field the path is about.
    pub fn root(&self) -> &str {
        &self.0[0]
    }

    pub fn is_top_level(&self) -> bool {
        self.0.len() == 1
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A condition on a record.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All hold; the empty list holds for everything.
    And(Vec<Filter>),
    /// Some holds; the empty list holds for nothing.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Field(Path, Test),
}

impl Filter {
    /// Holds for every record.
    pub fn all() -> Self {
        Self::And(Vec::new())
    }

    /// Holds for no record.
    pub fn none() -> Self {
        Self::Or(Vec::new())
    }

    pub fn is_all(&self) -> bool {
        matches!(self, Self::And(list) if list.iter().all(Self::is_all))
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a.is_all() => b,
            (a, b) if b.is_all() => a,
            (Self::And(mut a), Self::And(b)) => {
                a.extend(b);
                Self::And(a)
            }
            (Self::And(mut a), b) => {
                a.push(b);
                Self::And(a)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }

    /// `path` equals `value`.
    pub fn eq(path: &str, value: impl Into<Value>) -> Self {
        Self::Field(Path::field(path), Test::Eq(value.into()))
    }
}

/// What must hold for the value at a path (`02-data.md` §6.2). Negations are [`Filter::Not`]: `$ne` is not `$eq`.
///
/// Operands of declared dates, of `createdAt` and of `updatedAt` have been normalised to
/// `2026-01-15T10:30:00.000Z` text by whoever parsed the filter.
#[derive(Debug, Clone)]
pub enum Test {
    /// Equal, or an array with an equal element; null: null or missing.
    Eq(Value),
    /// Same type and so ordered, or an array with such an element.
    Cmp(Order, Value),
    /// Both inclusive.
    Between(Value, Value),
    /// Some equals.
    In(Vec<Value>),
    /// The key is present (null counts).
    Exists,
    /// A string, or a string element, in which the expression is found.
    Regex(regex::Regex),
    /// A string that contains the text, ignoring case; or an array with an equal element.
    Contains(Value),
    StartsWith(String),
    EndsWith(String),
    /// The whole string matches: `%` any run, `_` one character, `\` escapes; ignoring case.
    Like(String),
    /// An array (or, for one value, a scalar equal to it) that holds all of these.
    All(Vec<Value>),
    /// An array of that length.
    Size(u64),
    /// An array with one element for which the filter holds: paths in it start at the element.
    ElemMatch(Box<Filter>),
    /// An array with one element for which all these hold; `(false, test)`: for which the test does not hold.
    ElemTests(Vec<(bool, Test)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Gt,
    Gte,
    Lt,
    Lte,
}

/// One key to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    pub path: Path,
    pub descending: bool,
}

/// Plain search: a literal, case-insensitive part of a value.
#[derive(Debug, Clone)]
pub struct Search {
    pub text: String,
    /// Where to look; empty: any string at any depth except system fields.
    pub paths: Vec<Path>,
    /// Top-level fields left out of a search without paths: those the caller may not read.
    pub hidden: Vec<String>,
}

/// What kind of values a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Int,
    Double,
    Bool,
    Date,
    /// Object, array, mixed, undeclared: anything.
    Any,
}

/// What the store needs to know of a table to query it.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Name of the SQLite table.
    pub physical: String,
    /// Declared top-level fields, in declared order.
    pub columns: indexmap::IndexMap<String, Column>,
    /// Declared scalars inside declared objects (no arrays on the way), by their dotted path.
    pub nested: std::collections::HashMap<String, Kind>,
    /// Fields outside `columns` are treated as missing (`additionalFields: false`).
    pub closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name of the virtual generated column.
    pub name: String,
    pub kind: Kind,
}
