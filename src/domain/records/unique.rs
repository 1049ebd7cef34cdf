//! Violations of unique fields and indexes as public errors.

use serde_json::Value;

use crate::domain::error::{Code, Detail, Error};
use crate::domain::tables::table::Table;
use crate::store::StoreError;
use crate::store::data::{Violation, violation};

/// The public error for a failed write: `data/duplicate-value` naming the fields for a unique violation.
pub(super) fn explain(error: StoreError, table: &Table, id: &str) -> Error {
    let StoreError::Unique(message) = &error else { return error.into() };
    match violation(message, &table.shape.physical) {
        Violation::Id => taken_id(id),
        Violation::Index(name) => match table.indexes.iter().find(|i| i.name == name) {
            Some(index) => duplicate(&index.fields.keys().cloned().collect::<Vec<_>>(), &name, None),
            None => duplicate(&[], &name, None),
        },
        Violation::Columns(columns) => {
            let fields: Vec<String> = columns.iter().map(|column| field_of(table, column)).collect();
            let index = table.indexes.iter().find(|i| i.unique && i.fields.keys().eq(fields.iter()));
            duplicate(&fields, index.map_or("", |i| i.name.as_str()), None)
        }
    }
}

/// The public error for an id that a record of the table has.
pub(super) fn taken_id(id: &str) -> Error {
    duplicate(&["id".to_owned()], "_id_", Some(id.into()))
}

fn field_of(table: &Table, column: &str) -> String {
    match column {
        "created_by" => "createdBy".to_owned(),
        "created_at" => "createdAt".to_owned(),
        "updated_at" => "updatedAt".to_owned(),
        _ => table.shape.columns.iter().find(|(_, c)| c.name == column).map_or_else(|| column.to_owned(), |(field, _)| field.clone()),
    }
}

/// `data/duplicate-value`; the other record's id is not told.
fn duplicate(fields: &[String], index: &str, value: Option<Value>) -> Error {
    let field = fields.join(",");
    let what = if fields.len() > 1 { format!("Another record has the same {}", fields.join(" and ")) } else { format!("Another record has this {field}") };
    let detail = Detail::new(field, "unique", format!("{what}; the value must be unique")).with("index", index);
    Error::with_details(Code::DUPLICATE_VALUE, vec![value.into_iter().fold(detail, |d, v| d.with("value", v))])
}
