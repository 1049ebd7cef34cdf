//! Everything a list-like request asks for, read in one go.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::cursor::{self, Begin, Cursor};
use super::filter::{Join, Reader};
use super::include::Include;
use super::kinds::Kinds;
use super::params::{Given, Params, Source};
use super::select::Select;
use super::{include, search, sort};
use crate::domain::error::{Error, Result};
use crate::domain::page::{Page, whole};
use crate::store::query::ast::{Filter, Search, SortKey};

/// Which records are meant: `count`, `PATCH` and `DELETE` by filter take no more than this.
#[derive(Debug, Clone)]
pub struct Condition {
    pub filter: Filter,
    pub search: Option<Search>,
    /// Whether the request holds any filter that is not empty.
    pub filtered: bool,
    /// Every top-level field that filters and `searchType` name.
    pub named_fields: BTreeSet<String>,
}

impl Condition {
    /// Reads `andFilters`, `orFilters`, `filter`, `search` and `searchType`.
    ///
    /// # Errors
    /// `data/validation-error` for filters, `common/invalid-parameters` for the others.
    pub fn parse(params: &Params, body: Option<&Value>, kinds: &dyn Kinds) -> Result<Self> {
        Self::read(Source::new(params, body)?, kinds)
    }

    pub(super) fn read(source: Source<'_>, kinds: &dyn Kinds) -> Result<Self> {
        let mut reader = Reader::new(kinds);
        let mut filter = Filter::all();
        for (name, join) in [("andFilters", Join::All), ("orFilters", Join::Any), ("filter", Join::All)] {
            filter = filter.and(read_filter(source, &mut reader, name, join)?);
        }
        let search = search::read(source)?;
        let mut named_fields = reader.fields;
        named_fields.extend(search.iter().flat_map(|search| &search.paths).map(|path| path.root().to_owned()));
        Ok(Self { filtered: !filter.is_all(), filter, search, named_fields })
    }

    /// As [`Condition::parse`], for `PATCH` and `DELETE` of everything that matches (`02-data.md` §5.6).
    ///
    /// # Errors
    /// Also `common/invalid-parameters` when there is no filter and not `all=true`.
    pub fn parse_for_write(params: &Params, kinds: &dyn Kinds) -> Result<Self> {
        let source = Source::new(params, None)?;
        let condition = Self::read(source, kinds)?;
        if !condition.filtered && !source.flag("all")? {
            let message = "This would change every record of the table; give andFilters, orFilters or filter, or say all=true";
            return Err(Error::invalid_parameter("andFilters", message));
        }
        Ok(condition)
    }
}

/// All that was sent under one name: JSON, repeated JSON, and brackets.
fn read_filter(source: Source<'_>, reader: &mut Reader<'_>, name: &str, join: Join) -> Result<Filter> {
    let mut parts = Vec::new();
    for given in source.given(name) {
        parts.push(match given {
            Given::Text(text) => reader.parameter_text(name, &text, join)?,
            Given::Json(value) => reader.parameter(name, &value, join)?,
        });
    }
    parts.extend(reader.brackets(name, source.params, join)?);
    // No filter among alternatives is no filter, not an alternative that always holds.
    parts.retain(|part| !part.is_all());
    Ok(if parts.is_empty() { Filter::all() } else { super::filter::joined(parts, join) })
}

/// A list, as `GET /:table` and `POST /:table/query` ask for it.
#[derive(Debug, Clone)]
pub struct ListQuery {
    pub filter: Filter,
    pub search: Option<Search>,
    /// Never empty: `id` descending when the request names nothing. Ties go by `id` in the direction of the last key.
    pub sort: Vec<SortKey>,
    pub page: Page,
    /// Set when the request goes by cursor; `page.offset` then means nothing.
    pub cursor: Option<Begin>,
    pub select: Select,
    pub include: Vec<Include>,
    /// Every top-level field that filter, sort, `searchType` or `include` name, for column permissions.
    pub named_fields: BTreeSet<String>,
    fingerprint: String,
}

impl ListQuery {
    /// Reads a list of `table`.
    ///
    /// # Errors
    /// `data/validation-error` for filters, `common/invalid-parameters` for the other parameters.
    pub fn parse(table: &str, params: &Params, body: Option<&Value>, kinds: &dyn Kinds) -> Result<Self> {
        let source = Source::new(params, body)?;
        let Condition { filter, search, mut named_fields, .. } = Condition::read(source, kinds)?;
        let named = sort::named(source)?;
        let include = include::read(source)?;
        named_fields.extend(named.iter().map(|key| key.path.root().to_owned()));
        named_fields.extend(include.iter().map(|one| one.path.root().to_owned()));
        let sort = if named.is_empty() { sort::read(source)? } else { named };
        let fingerprint = cursor::fingerprint(table, &filter, search.as_ref(), &sort);
        let cursor = read_cursor(source, &fingerprint)?;
        Ok(Self { filter, search, sort, page: read_page(source)?, cursor, select: Select::read(source)?, include, named_fields, fingerprint })
    }

    /// As [`ListQuery::parse`] without paging, as `export` takes it: page parameters are not even read.
    ///
    /// # Errors
    /// As [`ListQuery::parse`].
    pub fn parse_unpaged(table: &str, params: &Params, body: Option<&Value>, kinds: &dyn Kinds) -> Result<Self> {
        const PAGING: [&str; 5] = ["page", "limit", "offset", "skip", "cursor"];
        let rest = params.iter().filter(|(name, _)| !PAGING.contains(name)).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body: Option<Value> = body.map(|body| match body {
            Value::Object(map) => {
                Value::Object(map.iter().filter(|(key, _)| !PAGING.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect::<Map<_, _>>())
            }
            other => other.clone(),
        });
        Self::parse(table, &Params::new(rest.collect()), body.as_ref(), kinds)
    }

    /// The position to go on after, of the store's type; `None` at the start of a list and without a cursor.
    ///
    /// # Errors
    /// `common/invalid-parameters` for a cursor somebody made up.
    pub fn after<P: DeserializeOwned>(&self) -> Result<Option<P>> {
        match &self.cursor {
            Some(Begin::After(position)) => P::deserialize(position).map(Some).map_err(|_| cursor::not_a_cursor()),
            _ => Ok(None),
        }
    }

    /// The `nextCursor` that goes on after a record, given its position in the list.
    pub fn cursor_after(&self, position: &impl Serialize) -> String {
        // Positions are texts and JSON values, which always serialise.
        Cursor::new(&self.fingerprint, serde_json::to_value(position).unwrap_or_default()).encode()
    }
}

pub(super) fn read_page(source: Source<'_>) -> Result<Page> {
    let mut page = Page::parse(source.text("page")?.as_deref(), source.text("limit")?.as_deref())?;
    // A page in the query string wins over an offset in the body.
    let asked = |name: &str| source.in_params(name) || !source.in_params("page");
    for name in ["offset", "skip"] {
        let other_wins = name == "skip" && source.in_params("offset");
        if let Some(text) = source.text(name)?.filter(|_| asked(name) && !other_wins) {
            page.offset = whole(name, &text, 0)?;
            page.number = page.offset / u64::from(page.limit) + 1;
            break;
        }
    }
    Ok(page)
}

fn read_cursor(source: Source<'_>, fingerprint: &str) -> Result<Option<Begin>> {
    match source.text("cursor")? {
        None => Ok(None),
        Some(token) if token.trim().is_empty() => Ok(Some(Begin::Start)),
        Some(token) => Cursor::decode(token.trim(), fingerprint).map(|position| Some(Begin::After(position))),
    }
}

/// One record by id: `select` and `include`.
#[derive(Debug, Clone, Default)]
pub struct ReadQuery {
    pub select: Select,
    pub include: Vec<Include>,
    /// Every top-level field that `include` names.
    pub named_fields: BTreeSet<String>,
}

impl ReadQuery {
    /// # Errors
    /// `common/invalid-parameters`.
    pub fn parse(params: &Params) -> Result<Self> {
        let source = Source::new(params, None)?;
        let include = include::read(source)?;
        let named_fields = include.iter().map(|one| one.path.root().to_owned()).collect();
        Ok(Self { select: Select::read(source)?, include, named_fields })
    }
}

/// A filter that stands somewhere else than in a request: a row filter (its `$userId` already replaced),
/// an entry of `filters` on `/v1/changes`, the operand of `$pull`. Answers the filter and the top-level fields it names.
///
/// # Errors
/// `data/validation-error`; `details[0].field` starts with `name`.
pub fn filter_from_json(name: &str, value: &Value, kinds: &dyn Kinds) -> Result<(Filter, BTreeSet<String>)> {
    let mut reader = Reader::new(kinds);
    let filter = reader.parameter(name, value, Join::All)?;
    Ok((filter, reader.fields))
}

/// The row filters that apply to a caller, joined by OR; with none of them, nothing is visible.
///
/// # Errors
/// As [`filter_from_json`].
pub fn row_filters(applying: &[Value], kinds: &dyn Kinds) -> Result<Filter> {
    let each = applying.iter().enumerate().map(|(i, value)| filter_from_json(&format!("rowFilters.{i}.filter"), value, kinds).map(|(filter, _)| filter));
    Ok(Filter::Or(each.collect::<Result<_>>()?))
}
