//! What a table declares about the values at a path, as far as a query needs to know.

use crate::domain::tables::field::FieldKind;
use crate::domain::tables::schema::Schema;
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

impl Kinds for Schema {
    fn kind_at(&self, path: &Path) -> Option<Kind> {
        self.element_kind_at(&path.0).map(FieldKind::column)
    }

    fn is_container(&self, path: &Path) -> bool {
        matches!(Schema::kind_at(self, &path.0), Some(FieldKind::Object | FieldKind::Array))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tables::schema::Mode;

    #[test]
    fn a_schema_tells_the_kind_of_elements_and_of_what_lies_inside() {
        let input = serde_json::json!({ "tags": ["string"], "log": { "type": "array", "items": { "type": "object", "properties": { "at": "date" } } }, "care": { "type": "object", "properties": { "n": "int" } } });
        let schema = Schema::parse(&input, Mode::CREATE).unwrap().schema;
        let kind = |path: &str| Kinds::kind_at(&schema, &Path(path.split('.').map(str::to_owned).collect()));
        assert_eq!(kind("tags"), Some(Kind::String));
        assert_eq!(kind("log.at"), Some(Kind::Date));
        assert_eq!(kind("log.0.at"), Some(Kind::Date));
        assert_eq!(kind("care.n"), Some(Kind::Int));
        assert_eq!(kind("care"), Some(Kind::Any));
        assert_eq!(kind("care.x"), None);
        assert!(schema.is_container(&Path::field("tags")) && schema.is_container(&Path::field("care")) && !schema.is_container(&Path::field("nope")));
    }
}
