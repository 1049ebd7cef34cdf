//! Names of tables, fields and indexes, parsed once and then right.

use crate::domain::error::{Code, Detail, Error, Result, clip};

/// The fields every record has; they cannot be declared.
pub const SYSTEM_FIELDS: [&str; 4] = ["id", "createdBy", "createdAt", "updatedAt"];

/// Tables that are read-only views for admins.
pub const SYSTEM_TABLES: [&str; 4] = ["users", "accounts", "sessions", "files"];

/// Words that follow `/:table/` in routes and so can never be record ids.
pub const ROUTE_WORDS: [&str; 10] = ["spec", "openapi", "query", "count", "aggregate", "upsert", "bulk", "import", "export", "changes"];

/// Whether a field belongs to the server; `_id` is the older spelling of `id`.
pub fn is_system_field(name: &str) -> bool {
    name == "_id" || SYSTEM_FIELDS.contains(&name)
}

/// Whether a table is a system table: one of the four, or any name starting with `_`.
pub fn is_system_table(name: &str) -> bool {
    name.starts_with('_') || SYSTEM_TABLES.contains(&name)
}

/// Whether a text may be given as the id of a new record: 1–64 of `A-Za-z0-9_-`, and no word of the routes.
pub fn is_record_id(text: &str) -> bool {
    crate::domain::id::is_acceptable(text) && !ROUTE_WORDS.contains(&text)
}

/// Keys that scripts in browsers would take for something of the language.
pub fn is_forbidden_key(key: &str) -> bool {
    matches!(key, "__proto__" | "constructor" | "prototype")
}

/// A well-formed table name: a letter, then up to 63 of `A-Za-z0-9_-`. Case is significant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName(String);

impl TableName {
    /// # Errors
    /// `table/schema-validation-failed`. Names starting with `_` fail too: ask [`is_system_table`] first.
    pub fn parse(text: &str) -> Result<Self> {
        if well_formed(text, u8::is_ascii_alphabetic, b"_-") {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("tableName \"{}\" is not valid: use a letter followed by up to 63 letters, digits, _ or -", clip(text));
        Err(Error::with_details(Code::SCHEMA_VALIDATION_FAILED, vec![Detail::new("tableName", "name", message)]))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_system(&self) -> bool {
        is_system_table(&self.0)
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that may be declared: a letter, then up to 63 of `A-Za-z0-9_`, and nothing a record may not have as a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldName(String);

impl FieldName {
    /// # Errors
    /// `table/schema-validation-failed`.
    pub fn parse(text: &str) -> Result<Self> {
        if is_field_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::with_details(Code::SCHEMA_VALIDATION_FAILED, vec![Detail::new(clip(text), "name", bad_field_name(text))]))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a field may have this name; says nothing about system fields.
pub fn is_field_name(text: &str) -> bool {
    well_formed(text, u8::is_ascii_alphabetic, b"_") && !is_forbidden_key(text)
}

pub(super) fn bad_field_name(text: &str) -> String {
    format!("field name \"{}\" is not valid: use a letter followed by up to 63 letters, digits or _", clip(text))
}

/// Whether an index may have this name: a letter or `_`, then up to 63 of `A-Za-z0-9_-`.
pub fn is_index_name(text: &str) -> bool {
    well_formed(text, |b| b.is_ascii_alphabetic() || *b == b'_', b"_-")
}

fn well_formed(text: &str, first: impl Fn(&u8) -> bool, extra: &[u8]) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len()) && first(&bytes[0]) && bytes[1..].iter().all(|b| b.is_ascii_alphanumeric() || extra.contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_name_is_a_letter_and_up_to_63_more() {
        for good in ["a", "Posts", "a-b_c9", &"x".repeat(64)] {
            assert_eq!(TableName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "_posts", "9a", "a b", "a.b", "ä", "a/b", &"x".repeat(65), "a\0"] {
            let error = TableName::parse(bad).unwrap_err();
            assert_eq!(error.code(), Code::SCHEMA_VALIDATION_FAILED, "{bad}");
        }
    }

    #[test]
    fn system_tables_are_the_four_and_every_name_starting_with_an_underscore() {
        assert!(["users", "accounts", "sessions", "files", "_x", "_"].into_iter().all(is_system_table));
        assert!(!["Users", "user", "posts", "data", "auth"].into_iter().any(is_system_table));
    }

    #[test]
    fn field_names_take_no_dash_and_no_key_scripts_would_trip_over() {
        assert!(["a", "aB_9"].into_iter().all(is_field_name));
        assert!(!["", "a-b", "_a", "a.b", "$a", "constructor", "prototype"].into_iter().any(is_field_name));
    }

    #[test]
    fn words_of_the_routes_can_never_be_record_ids() {
        assert!(ROUTE_WORDS.iter().all(|w| !is_record_id(w)));
        assert!(is_record_id("data_7c1e") && !is_record_id("") && !is_record_id("a.b") && !is_record_id(&"a".repeat(65)));
    }
}
