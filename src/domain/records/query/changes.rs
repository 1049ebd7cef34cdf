//! Parameters of subscriptions to changes (`02-data.md` §10).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::kinds::Kinds;
use super::list::Condition;
use super::params::{Given, Params, Source, beyond_limit};
use super::select::Select;
use crate::domain::error::{Error, Result, clip};
use crate::store::query::ast::{Filter, Search};

/// Tables on one connection.
pub const MAX_TABLES: usize = 50;

/// A subscription to the changes of one table.
#[derive(Debug, Clone)]
pub struct ChangesQuery {
    pub filter: Filter,
    pub search: Option<Search>,
    pub select: Select,
    /// First send what matches now.
    pub initial: bool,
    pub named_fields: BTreeSet<String>,
}

impl ChangesQuery {
    /// # Errors
    /// As [`ListQuery::parse`].
    pub fn parse(params: &Params, kinds: &dyn Kinds) -> Result<Self> {
        let source = Source::new(params, None)?;
        let Condition { filter, search, named_fields, .. } = Condition::read(source, kinds)?;
        Ok(Self { filter, search, select: Select::read(source)?, initial: source.flag("initial")?, named_fields })
    }
}

/// A subscription to several tables on one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct TablesQuery {
    /// As named, each once; 1–50.
    pub tables: Vec<String>,
    /// `andFilters` per table, to be read with the table's own types: [`filter_from_json`](super::filter_from_json)
    /// under the name `filters.<table>`.
    pub filters: Map<String, Value>,
    pub initial: bool,
}

impl TablesQuery {
    /// # Errors
    /// `common/invalid-parameters`; `data/validation-error` for `filters` that are no object.
    pub fn parse(params: &Params) -> Result<Self> {
        let source = Source::new(params, None)?;
        let mut tables: Vec<String> = Vec::new();
        for name in source.list("tables")? {
            if !tables.contains(&name) {
                tables.push(name);
            }
        }
        if tables.is_empty() {
            return Err(Error::invalid_parameter("tables", "Name the tables to watch, as in tables=posts,comments"));
        }
        if tables.len() > MAX_TABLES {
            return Err(beyond_limit("tables", format!("tables takes at most {MAX_TABLES} names")));
        }
        let filters = match source.given("filters").pop() {
            Some(Given::Text(text)) if !text.trim().is_empty() => serde_json::from_str(&text).map_err(|error| {
                let message = format!("filters must be a JSON object of filters by table, such as {{\"posts\": {{\"status\": \"open\"}}}}: {error}");
                Error::validation("filters", "json", message)
            })?,
            _ => Map::new(),
        };
        if let Some(other) = filters.keys().find(|name| !tables.contains(name)) {
            let message = format!("filters holds one for {}, which tables does not name", clip(other));
            return Err(Error::invalid_parameter("filters", message));
        }
        Ok(Self { tables, filters, initial: source.flag("initial")? })
    }
}
