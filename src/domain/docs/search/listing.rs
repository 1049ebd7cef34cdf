//! Search results as data, for the management API, the console and the command line.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Found, Hit, snippet};
use crate::domain::docs::{Lang, Placeholders, markdown};

/// Sections shown of a page.
const MAX_SECTIONS: usize = 3;

/// One page of the results.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedPage {
    pub id: String,
    pub title: String,
    /// Address in the console.
    pub url: String,
    /// At most three, most relevant first.
    pub sections: Vec<ListedSection>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSection {
    pub heading: String,
    pub anchor: String,
    /// Plain text, about 220 characters.
    pub snippet: String,
    /// Where words of the query stand in the snippet, in UTF-16 units.
    #[schema(value_type = Vec<Vec<usize>>)]
    pub highlights: Vec<[usize; 2]>,
}

/// The first `limit` pages in this language, where there is one; else in English.
pub fn listed(found: &Found, limit: usize, lang: Lang, values: &Placeholders) -> Vec<ListedPage> {
    found.hits.iter().take(limit).map(|hit| page(hit, found, lang, values)).collect()
}

fn page(hit: &Hit, found: &Found, lang: Lang, values: &Placeholders) -> ListedPage {
    let page = hit.page;
    let text = page.render_in(lang, values);
    let parts = markdown::divided(&text);
    let sections = hit.sections.iter().filter_map(|ordinal| parts.get(*ordinal)).filter(|part| !part.body.is_empty()).take(MAX_SECTIONS);
    let sections = sections.map(|part| {
        let snippet = snippet::of(part.body, &found.marks);
        ListedSection { heading: part.heading.to_owned(), anchor: part.anchor.clone(), snippet: snippet.text, highlights: snippet.highlights }
    });
    ListedPage { id: page.meta.id.clone(), title: page.title(lang).to_owned(), url: page.url(lang, values), sections: sections.collect() }
}
