//! The manual: contents, search and pages. Open to everybody; it contains nothing private.

use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::parameters::Parameters;
use super::reply;
use crate::domain::docs::search::{self, ListedPage};
use crate::domain::docs::view::{self, Contents, PageView};
use crate::domain::docs::{Lang, Placeholders};
use crate::domain::error::{Error, Result, clip};
use crate::http::{ApiResult, State, address};

/// Pages of one answer.
const MAX_LIMIT: usize = 20;
const LIMIT: usize = 10;

/// Pages that answer a query, best first.
#[derive(Serialize, ToSchema)]
pub struct DocsResults {
    items: Vec<ListedPage>,
}

/// List the pages of the manual.
#[utoipa::path(get, path = "/management/v1/docs", tag = "management", responses((status = 200, body = Contents)))]
pub async fn contents() -> ApiResult<HttpResponse> {
    reply::ok(&view::contents())
}

/// Search the manual.
#[utoipa::path(get, path = "/management/v1/docs/search", tag = "management",
    params(("q" = String, Query, description = "Words, an identifier or a pasted error; 2,000 characters count."),
        ("lang" = Option<String>, Query, description = "Language shown, `en` or `ko`; that of the query when absent."),
        ("limit" = Option<u32>, Query, description = "1 to 20, 10 when absent; more counts as 20."),
        ("prefix" = Option<bool>, Query, description = "`true`: the last word may be the beginning of one.")),
    responses((status = 200, body = DocsResults)))]
pub async fn search(request: HttpRequest, state: State, parameters: Parameters) -> ApiResult<HttpResponse> {
    let query = parameters.get("q").ok_or_else(|| Error::invalid_parameter("q", "q is missing: the words to search for"))?.to_owned();
    let (limit, prefix) = (limit(&parameters)?, parameters.flag("prefix")?);
    let lang = lang(&parameters)?.unwrap_or_else(|| search::lang_of(&query));
    let values = values(&request, &state);
    // The first search builds the index.
    let items = web::block(move || search::listed(&search::search(&query, prefix), limit, lang, &values)).await.map_err(Error::internal)?;
    reply::ok(&DocsResults { items })
}

/// Show a page of the manual by id or alias.
#[utoipa::path(get, path = "/management/v1/docs/pages/{id}", tag = "management",
    params(("id" = String, Path, description = "With its slashes, as in `database/08-filtering`."), ("lang" = Option<String>, Query, description = "`en` or `ko`.")),
    responses((status = 200, body = PageView)))]
pub async fn page(request: HttpRequest, state: State, path: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let lang = lang(&parameters)?.unwrap_or(Lang::En);
    reply::ok(&view::view(&path, lang, &values(&request, &state))?)
}

fn lang(parameters: &Parameters) -> Result<Option<Lang>> {
    let Some(text) = parameters.get("lang").filter(|text| !text.is_empty()) else { return Ok(None) };
    let refuse = || Error::invalid_parameter("lang", format!("lang must be en or ko, not \"{}\"", clip(text)));
    Lang::parse(text).map(Some).ok_or_else(refuse)
}

fn limit(parameters: &Parameters) -> Result<usize> {
    let Some(text) = parameters.get("limit").filter(|text| !text.is_empty()) else { return Ok(LIMIT) };
    let refuse = || Error::invalid_parameter("limit", format!("limit must be a number from 1 to {MAX_LIMIT}, not \"{}\"", clip(text)));
    let digits = text.bytes().all(|b| b.is_ascii_digit()).then_some(text).ok_or_else(refuse)?;
    // More digits than a number can have are more than the limit.
    let limit = digits.parse::<usize>().unwrap_or(usize::MAX);
    if limit == 0 { Err(refuse()) } else { Ok(limit.min(MAX_LIMIT)) }
}

fn values(request: &HttpRequest, state: &State) -> Placeholders {
    Placeholders { base: address::base_url(request, state.settings()), ..Placeholders::default() }
}
