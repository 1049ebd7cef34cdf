//! `include`: records that come along because a field refers to them (`02-data.md` §6.8).

use super::params::{Source, beyond_limit};
use super::path;
use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::Path;

/// References followed by one query (`02-data.md` §12).
pub const MAX_INCLUDES: usize = 10;

/// A field whose value is the id of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    pub path: Path,
    /// The table named behind `:`; `None`: the one the field's declaration refers to.
    pub table: Option<String>,
}

pub(super) fn read(source: Source<'_>) -> Result<Vec<Include>> {
    let mut out: Vec<Include> = Vec::new();
    for item in source.list("include")? {
        let (field, table) = match item.split_once(':') {
            Some((field, table)) => (field.trim(), Some(table.trim())),
            None => (item.as_str(), None),
        };
        if table.is_some_and(|table| table.is_empty() || table.contains(':')) {
            return Err(Error::invalid_parameter("include", format!("include must be of the form field or field:table, not \"{}\"", clip(&item))));
        }
        let path = path::of_parameter("include", field)?;
        if out.iter().any(|one| one.path == path) {
            continue;
        }
        out.push(Include { path, table: table.map(str::to_owned) });
        if out.len() > MAX_INCLUDES {
            return Err(beyond_limit("include", format!("include takes at most {MAX_INCLUDES} fields")));
        }
    }
    Ok(out)
}
