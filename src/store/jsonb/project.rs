//! Which parts of a document are written out.

use std::collections::{HashMap, HashSet};

/// A choice of paths; without any choice everything is written.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    keep: Option<Branch>,
    drop: Branch,
    only: Option<HashSet<String>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Branch {
    /// The path ends here: it is about the value whole.
    whole: bool,
    below: HashMap<String, Branch>,
}

/// What happens to one member of an object.
#[derive(Clone, Copy)]
pub(super) enum Fate<'a> {
    Skip,
    Whole,
    /// Only, or all but, what the branches name.
    Parts {
        keep: Option<&'a Branch>,
        drop: Option<&'a Branch>,
    },
}

impl Projection {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Writes this path besides those already kept, and nothing else. Steps go through arrays.
    #[must_use]
    pub fn keep<'a>(mut self, steps: impl IntoIterator<Item = &'a str>) -> Self {
        self.keep.get_or_insert_default().add(steps);
        self
    }

    /// Nothing but what [`keep`](Self::keep) adds: a selection of unknown names is empty, not everything.
    #[must_use]
    pub fn keep_nothing(mut self) -> Self {
        self.keep.get_or_insert_default();
        self
    }

    /// Leaves this path out. Steps go through arrays.
    #[must_use]
    pub fn drop<'a>(mut self, steps: impl IntoIterator<Item = &'a str>) -> Self {
        self.drop.add(steps);
        self
    }

    /// Leaves out every top-level field that is not among these.
    #[must_use]
    pub fn only(mut self, fields: impl IntoIterator<Item = String>) -> Self {
        self.only = Some(fields.into_iter().collect());
        self
    }

    /// Whether everything is written.
    pub fn is_all(&self) -> bool {
        self.keep.is_none() && self.drop.below.is_empty() && self.only.is_none()
    }

    pub(super) fn top(&self, key: &str) -> Fate<'_> {
        if self.only.as_ref().is_some_and(|only| !only.contains(key)) {
            return Fate::Skip;
        }
        fate(self.keep.as_ref(), Some(&self.drop), key)
    }
}

/// The fate of a member of an object these branches are about.
pub(super) fn fate<'a>(keep: Option<&'a Branch>, drop: Option<&'a Branch>, key: &str) -> Fate<'a> {
    let keep = match keep.map(|branch| branch.below.get(key)) {
        Some(None) => return Fate::Skip,
        Some(Some(branch)) if !branch.whole => Some(branch),
        _ => None,
    };
    match (keep, drop.and_then(|branch| branch.below.get(key))) {
        (_, Some(branch)) if branch.whole => Fate::Skip,
        (None, None) => Fate::Whole,
        (keep, drop) => Fate::Parts { keep, drop },
    }
}

impl Branch {
    fn add<'a>(&mut self, steps: impl IntoIterator<Item = &'a str>) {
        let end = steps.into_iter().fold(self, |branch, step| branch.below.entry(step.to_owned()).or_default());
        end.whole = true;
    }
}
