//! Parameters of the aggregate route (`02-data.md` §6.7).

use std::collections::BTreeSet;

use serde_json::Value;

use super::kinds::{Kinds, kind_of};
use super::list::{Condition, read_page};
use super::params::{Params, Source, beyond_limit};
use super::{path, sort};
use crate::domain::error::{Error, Result, clip};
use crate::domain::page::Page;
use crate::store::query::aggregate::{AggregateSort, Bucket, GroupKey, Grouping, SortBy};
use crate::store::query::ast::{Filter, Kind, Path, Search};

/// Paths to group by.
pub const MAX_GROUPS: usize = 3;
/// Figures of one query, so that one statement stays within the store's columns.
const MAX_FIGURES: usize = 100;

/// An aggregation, as `GET` and `POST /:table/aggregate` ask for it.
#[derive(Debug, Clone)]
pub struct AggregateQuery {
    pub filter: Filter,
    pub search: Option<Search>,
    pub grouping: Grouping,
    pub page: Page,
    /// Every top-level field that filters, `searchType`, groups and figures name.
    pub named_fields: BTreeSet<String>,
}

impl AggregateQuery {
    /// # Errors
    /// `data/validation-error` for filters, `common/invalid-parameters` for the other parameters.
    pub fn parse(params: &Params, body: Option<&Value>, kinds: &dyn Kinds) -> Result<Self> {
        let source = Source::new(params, body)?;
        let Condition { filter, search, mut named_fields, .. } = Condition::read(source, kinds)?;
        let mut room = MAX_FIGURES;
        let mut grouping = Grouping {
            groups: groups(source, kinds)?,
            sum: figure(source, "sum", &mut room)?,
            avg: figure(source, "avg", &mut room)?,
            min: figure(source, "min", &mut room)?,
            max: figure(source, "max", &mut room)?,
            distinct: figure(source, "distinct", &mut room)?,
            sort: Vec::new(),
        };
        grouping.sort = order(source, &grouping)?;
        let paths = [&grouping.sum, &grouping.avg, &grouping.min, &grouping.max, &grouping.distinct].into_iter().flatten();
        named_fields.extend(paths.chain(grouping.groups.iter().map(|group| &group.path)).map(|path| path.root().to_owned()));
        Ok(Self { filter, search, grouping, page: read_page(source)?, named_fields })
    }
}

fn groups(source: Source<'_>, kinds: &dyn Kinds) -> Result<Vec<GroupKey>> {
    let mut out: Vec<GroupKey> = Vec::new();
    for item in source.list("groupBy")? {
        let (name, bucket) = match item.split_once(':') {
            None => (item.as_str(), None),
            Some((name, word)) => {
                (name, Some(bucket(word).ok_or_else(|| bad_group(format!("\"{}\" is no stretch of time; use hour, day, week, month or year", clip(word))))?))
            }
        };
        let path = path::of_parameter("groupBy", name)?;
        if bucket.is_some() && kind_of(kinds, &path) != Some(Kind::Date) {
            return Err(bad_group(format!("{path} is not declared as a date, so it cannot be grouped by hour, day, week, month or year")));
        }
        if out.iter().any(|group| group.path == path) {
            return Err(bad_group(format!("groupBy names {path} twice")));
        }
        out.push(GroupKey { label: path.to_string(), path, bucket });
        if out.len() > MAX_GROUPS {
            return Err(beyond_limit("groupBy", format!("groupBy takes at most {MAX_GROUPS} paths")));
        }
    }
    Ok(out)
}

fn bucket(word: &str) -> Option<Bucket> {
    match word {
        "hour" => Some(Bucket::Hour),
        "day" => Some(Bucket::Day),
        "week" => Some(Bucket::Week),
        "month" => Some(Bucket::Month),
        "year" => Some(Bucket::Year),
        _ => None,
    }
}

fn bad_group(message: String) -> Error {
    Error::invalid_parameter("groupBy", message)
}

/// The paths of one figure; `room` is what all figures together may still take.
fn figure(source: Source<'_>, name: &str, room: &mut usize) -> Result<Vec<Path>> {
    let mut out = Vec::new();
    for item in source.list(name)? {
        let path = path::of_parameter(name, &item)?;
        if out.contains(&path) {
            continue;
        }
        *room = room.checked_sub(1).ok_or_else(|| beyond_limit(name, format!("sum, avg, min, max and distinct take at most {MAX_FIGURES} paths together")))?;
        out.push(path);
    }
    Ok(out)
}

fn order(source: Source<'_>, grouping: &Grouping) -> Result<Vec<AggregateSort>> {
    let mut out: Vec<AggregateSort> = Vec::new();
    for (parameter, name, descending) in sort::pairs(source)? {
        let by = key(&name, grouping).ok_or_else(|| {
            let message = format!("{parameter} must name a path of groupBy, count, or a figure asked for such as sum.price; \"{}\" is none", clip(&name));
            Error::invalid_parameter(parameter, message)
        })?;
        if out.iter().all(|own| own.by != by) {
            out.push(AggregateSort { by, descending });
        }
    }
    Ok(out)
}

fn key(name: &str, grouping: &Grouping) -> Option<SortBy> {
    if name == "count" {
        return Some(SortBy::Count);
    }
    let bare = name.split_once(':').map_or(name, |(path, _)| path);
    let path = path::read(bare.strip_prefix("group.").unwrap_or(bare)).ok();
    if let Some(i) = grouping.groups.iter().position(|group| Some(&group.path) == path.as_ref()) {
        return Some(SortBy::Group(i));
    }
    let (word, path) = name.split_once('.')?;
    let path = path::read(path).ok()?;
    let at = |list: &[Path], by: fn(usize) -> SortBy| list.iter().position(|own| *own == path).map(by);
    match word {
        "sum" => at(&grouping.sum, SortBy::Sum),
        "avg" => at(&grouping.avg, SortBy::Avg),
        "min" => at(&grouping.min, SortBy::Min),
        "max" => at(&grouping.max, SortBy::Max),
        "distinct" => at(&grouping.distinct, SortBy::Distinct),
        _ => None,
    }
}
