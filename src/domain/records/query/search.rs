//! `search` and `searchType` (`02-data.md` §6.6).

use super::params::{Source, beyond_limit};
use super::path;
use crate::domain::error::Result;
use crate::store::query::ast::Search;

/// Characters of a search (`02-data.md` §12).
pub const MAX_SEARCH: usize = 200;

/// `None` without text; `searchType` alone means nothing.
pub(super) fn read(source: Source<'_>) -> Result<Option<Search>> {
    let Some(text) = source.text("search")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().nth(MAX_SEARCH).is_some() {
        return Err(beyond_limit("search", format!("search takes at most {MAX_SEARCH} characters")));
    }
    let mut paths = Vec::new();
    for name in source.list("searchType")? {
        let path = path::of_parameter("searchType", &name)?;
        if !paths.contains(&path) {
            paths.push(path);
        }
        if paths.len() > super::filter::MAX_CONDITIONS {
            return Err(beyond_limit("searchType", format!("searchType takes at most {} paths", super::filter::MAX_CONDITIONS)));
        }
    }
    Ok(Some(Search { text, paths, hidden: Vec::new() }))
}
