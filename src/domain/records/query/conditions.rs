//! What must hold for the value of one entry, before it is tied to a path or to the elements of an array.

use crate::store::query::ast::{Filter, Path, Test};

#[derive(Debug, Clone)]
pub(super) enum Conditions {
    Test(Test),
    All(Vec<Conditions>),
    Any(Vec<Conditions>),
    Not(Box<Conditions>),
    /// Nothing matches.
    Never,
}

impl Conditions {
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The conditions on the value at a path of the record.
    pub fn at(self, path: &Path) -> Filter {
        match self {
            Self::Test(test) => Filter::Field(path.clone(), test),
            Self::All(list) if list.len() == 1 => Self::unwrap_one(list).at(path),
            Self::All(list) => Filter::And(list.into_iter().map(|one| one.at(path)).collect()),
            Self::Any(list) => Filter::Or(list.into_iter().map(|one| one.at(path)).collect()),
            Self::Not(inner) => Filter::Not(Box::new(inner.at(path))),
            Self::Never => Filter::none(),
        }
    }

    fn unwrap_one(list: Vec<Self>) -> Self {
        list.into_iter().next().unwrap_or(Self::Never)
    }

    /// The conditions on one element of the array at a path. An element cannot be asked for alternatives, so these
    /// become alternatives of the whole: some element has a or b = some element has a, or some element has b.
    pub fn of_an_element(&self, path: &Path) -> Filter {
        let mut alternatives: Vec<Filter> = self.alternatives(true).into_iter().map(|all| Filter::Field(path.clone(), Test::ElemTests(all))).collect();
        if alternatives.len() == 1 { alternatives.remove(0) } else { Filter::Or(alternatives) }
    }

    /// Disjunctive normal form of these conditions, or of their negation. Each operator stands once in an object,
    /// so the alternatives stay few.
    fn alternatives(&self, holds: bool) -> Vec<Vec<(bool, Test)>> {
        match (self, holds) {
            (Self::Test(test), _) => vec![vec![(holds, test.clone())]],
            (Self::Not(inner), _) => inner.alternatives(!holds),
            (Self::Never, true) => Vec::new(),
            (Self::Never, false) => vec![Vec::new()],
            (Self::All(list), true) | (Self::Any(list), false) => list.iter().fold(vec![Vec::new()], |sofar, one| {
                let next = one.alternatives(holds);
                sofar.iter().flat_map(|a| next.iter().map(move |b| a.iter().chain(b).cloned().collect())).collect()
            }),
            (Self::All(list), false) | (Self::Any(list), true) => list.iter().flat_map(|one| one.alternatives(holds)).collect(),
        }
    }
}
