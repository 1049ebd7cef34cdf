//! What a table declares about the values at a path, as far as a query needs to know.

use crate::store::query::ast::{Kind, Path};

/// The declared types of a table.
pub trait Kinds {
    /// Declared kind of the value at a path, through objects and into array items: for an array of dates, [`Kind::Date`].
    /// `None`: undeclared. System fields need not be answered.
    fn kind_at(&self, path: &Path) -> Option<Kind>;

    /// Whether the value at a path is itself declared as object or array.
    fn is_container(&self, path: &Path) -> bool {
        let _ = path;
        false
    }
}

/// A table that declares nothing.
pub struct Undeclared;

impl Kinds for Undeclared {
    fn kind_at(&self, _: &Path) -> Option<Kind> {
        None
    }
}

/// The four fields every record has.
pub const SYSTEM_FIELDS: [&str; 4] = ["id", "createdBy", "createdAt", "updatedAt"];

pub fn is_system(field: &str) -> bool {
    SYSTEM_FIELDS.contains(&field)
}

/// Declared kind at a path, system fields included.
pub(super) fn kind_of(kinds: &dyn Kinds, path: &Path) -> Option<Kind> {
    match (path.root(), path.is_top_level()) {
        ("createdAt" | "updatedAt", true) => Some(Kind::Date),
        ("id" | "createdBy", true) => Some(Kind::String),
        _ => kinds.kind_at(path),
    }
}
