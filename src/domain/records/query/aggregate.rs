//! Parameters of the aggregate route (`02-data.md` §6.7).

use std::collections::BTreeSet;

use serde_json::Value;

use super::kinds::{Kinds, kind_of};
use super::list::{Condition, read_page};
use super::params::{Params, Source, beyond_limit};
use super::{path, sort};
use crate::domain::error::{Error, Result, clip};
use crate::domain::page::Page;
use crate::store::query::ast::{Filter, Kind, Path, Search};

/// Paths to group by.
pub const MAX_GROUPS: usize = 3;
/// Figures of one query, so that one statement stays within the store's columns.
const MAX_FIGURES: usize = 100;

/// A stretch of time that dates are grouped by, in UTC; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Bucket {
    const ALL: [(&str, Self); 5] = [("hour", Self::Hour), ("day", Self::Day), ("week", Self::Week), ("month", Self::Month), ("year", Self::Year)];
}

/// One path to group by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its key in the answer: as the request wrote it, bucket left out.
    pub name: String,
    pub path: Path,
    pub bucket: Option<Bucket>,
}

/// A figure computed of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Sum,
    Avg,
    Min,
    Max,
    Distinct,
}

impl Figure {
    pub const ALL: [(&str, Self); 5] = [("sum", Self::Sum), ("avg", Self::Avg), ("min", Self::Min), ("max", Self::Max), ("distinct", Self::Distinct)];
}

/// What groups are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AggregateKey {
    /// Position in `group_by`.
    Group(usize),
    Count,
    /// Position in `figures`.
    Figure(usize),
}

#[derive(Debug, Clone)]
pub struct AggregateQuery {
    pub filter: Filter,
    pub search: Option<Search>,
    pub group_by: Vec<Group>,
    /// In the order sum, avg, min, max, distinct, and as sent within each.
    pub figures: Vec<(Figure, Path)>,
    /// With its direction: `true` is descending. Never empty when there are groups: they come ascending by default.
    pub sort: Vec<(AggregateKey, bool)>,
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
        let group_by = groups(source, kinds)?;
        let figures = figures(source)?;
        named_fields.extend(group_by.iter().map(|group| &group.path).chain(figures.iter().map(|(_, path)| path)).map(|path| path.root().to_owned()));
        let sort = order(source, &group_by, &figures)?;
        Ok(Self { filter, search, group_by, figures, sort, page: read_page(source)?, named_fields })
    }
}

fn groups(source: Source<'_>, kinds: &dyn Kinds) -> Result<Vec<Group>> {
    let mut out: Vec<Group> = Vec::new();
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
        out.push(Group { name: path.to_string(), path, bucket });
        if out.len() > MAX_GROUPS {
            return Err(beyond_limit("groupBy", format!("groupBy takes at most {MAX_GROUPS} paths")));
        }
    }
    Ok(out)
}

fn bucket(word: &str) -> Option<Bucket> {
    Bucket::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, bucket)| bucket)
}

fn bad_group(message: String) -> Error {
    Error::invalid_parameter("groupBy", message)
}

fn figures(source: Source<'_>) -> Result<Vec<(Figure, Path)>> {
    let mut out = Vec::new();
    for (name, figure) in Figure::ALL {
        for item in source.list(name)? {
            let one = (figure, path::of_parameter(name, &item)?);
            if !out.contains(&one) {
                out.push(one);
            }
            if out.len() > MAX_FIGURES {
                return Err(beyond_limit(name, format!("sum, avg, min, max and distinct take at most {MAX_FIGURES} paths together")));
            }
        }
    }
    Ok(out)
}

fn order(source: Source<'_>, groups: &[Group], figures: &[(Figure, Path)]) -> Result<Vec<(AggregateKey, bool)>> {
    let mut out: Vec<(AggregateKey, bool)> = Vec::new();
    for (parameter, name, descending) in sort::pairs(source)? {
        let key = key(&name, groups, figures).ok_or_else(|| {
            let message = format!("{parameter} must name a path of groupBy, count, or a figure asked for such as sum.price; \"{}\" is none", clip(&name));
            Error::invalid_parameter(parameter, message)
        })?;
        if out.iter().all(|(own, _)| *own != key) {
            out.push((key, descending));
        }
    }
    // The groups themselves come last, so that the order is complete.
    for i in 0..groups.len() {
        if out.iter().all(|(own, _)| *own != AggregateKey::Group(i)) {
            out.push((AggregateKey::Group(i), false));
        }
    }
    Ok(out)
}

fn key(name: &str, groups: &[Group], figures: &[(Figure, Path)]) -> Option<AggregateKey> {
    let bare = name.split_once(':').map_or(name, |(path, _)| path);
    let bare = bare.strip_prefix("group.").unwrap_or(bare);
    let path = path::read(bare).ok();
    if name == "count" {
        return Some(AggregateKey::Count);
    }
    if let Some(i) = groups.iter().position(|group| Some(&group.path) == path.as_ref() || group.name == name) {
        return Some(AggregateKey::Group(i));
    }
    let (word, path) = name.split_once('.')?;
    let path = path::read(path).ok()?;
    let figure = Figure::ALL.into_iter().find(|(own, _)| *own == word)?.1;
    figures.iter().position(|(own, at)| *own == figure && *at == path).map(AggregateKey::Figure)
}
