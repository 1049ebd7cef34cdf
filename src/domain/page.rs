//! Page numbers, limits and the `pagination` object every list answers with.

use serde::Serialize;
use utoipa::ToSchema;

use super::error::Error;

pub const DEFAULT_LIMIT: u32 = 20;
pub const MAX_LIMIT: u32 = 100;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub number: u64,
    pub limit: u32,
    pub offset: u64,
}

impl Default for Page {
    fn default() -> Self {
        Self { number: 1, limit: DEFAULT_LIMIT, offset: 0 }
    }
}

impl Page {
    /// Reads `page` and `limit` as text: `page` from 1, `limit` from 1, above 100 counts as 100.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the parameter.
    pub fn parse(page: Option<&str>, limit: Option<&str>) -> Result<Self, Error> {
        let number = page.map_or(Ok(1), |text| whole("page", text, 1))?;
        let limit = limit.map_or(Ok(u64::from(DEFAULT_LIMIT)), |text| whole("limit", text, 1))?.min(MAX_LIMIT.into()) as u32;
        Ok(Self { number, limit, offset: (number - 1).saturating_mul(limit.into()).min(i64::MAX as u64) })
    }
}

/// A whole number not below `min`, or `common/invalid-parameters` naming the parameter.
pub fn whole(name: &str, text: &str, min: u64) -> Result<u64, Error> {
    text.trim()
        .parse::<u64>()
        .ok()
        .filter(|n| *n >= min && *n <= i64::MAX as u64)
        .ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be a whole number of at least {min}, not \"{}\"", super::error::clip(text))))
}

/// Where a list stands among everything that matches.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub total: u64,
    pub page: u64,
    pub limit: u32,
    pub total_pages: u64,
    pub has_next: bool,
    pub has_prev: bool,
    /// Same as `hasNext`.
    pub has_next_page: bool,
    /// Same as `hasPrev`.
    pub has_prev_page: bool,
}

impl Pagination {
    pub fn new(page: Page, total: u64) -> Self {
        let has_next = page.offset.saturating_add(page.limit.into()) < total;
        let has_prev = page.offset > 0;
        Self {
            total,
            page: page.number,
            limit: page.limit,
            total_pages: total.div_ceil(page.limit.into()),
            has_next,
            has_prev,
            has_next_page: has_next,
            has_prev_page: has_prev,
        }
    }
}

/// A list and its place: `{ "items": [...], "pagination": {...} }`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    pub pagination: Pagination,
}

impl<T> List<T> {
    pub fn new(items: Vec<T>, page: Page, total: u64) -> Self {
        Self { items, pagination: Pagination::new(page, total) }
    }

    /// The asked part of a list that is small enough to be held whole.
    pub fn slice(all: Vec<T>, page: Page) -> Self {
        let total = all.len() as u64;
        let items = all.into_iter().skip(usize::try_from(page.offset).unwrap_or(usize::MAX)).take(page.limit as usize).collect();
        Self::new(items, page, total)
    }
}
