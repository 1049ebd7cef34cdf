//! The manual as data: its contents, and one page.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Lang, Page, Placeholders, divided, page, pages, resolve};
use crate::domain::error::{Code, Error, Result, clip};

/// The manual's table of contents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contents {
    pub sections: Vec<ContentsSection>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ContentsSection {
    pub id: String,
    pub pages: Vec<ContentsPage>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ContentsPage {
    pub id: String,
    pub title: String,
    #[serde(rename = "titleKo")]
    pub title_ko: String,
    pub description: String,
    /// `en`, and `ko` where the page exists in Korean.
    pub languages: Vec<&'static str>,
}

/// One page, placeholders replaced.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    pub id: String,
    /// Language of the text: the one asked for, or English.
    pub lang: &'static str,
    pub title: String,
    pub markdown: String,
    pub sections: Vec<PageSection>,
    /// Ids of pages to read next.
    pub related: Vec<String>,
    /// Earlier ids of the page.
    pub aliases: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PageSection {
    pub heading: String,
    pub anchor: String,
}

/// Every page by section, in order.
pub fn contents() -> Contents {
    let mut sections: Vec<ContentsSection> = Vec::new();
    for page in pages() {
        let id = page.section();
        if sections.last().is_none_or(|last| last.id != id) {
            sections.push(ContentsSection { id: id.to_owned(), pages: Vec::new() });
        }
        let meta = &page.meta;
        let languages = page.langs().iter().map(|lang| lang.as_str()).collect();
        let entry =
            ContentsPage { id: meta.id.clone(), title: meta.title.clone(), title_ko: meta.ko.title.clone(), description: meta.description.clone(), languages };
        sections.last_mut().expect("one was just pushed").pages.push(entry);
    }
    Contents { sections }
}

/// The page with this id or alias; of an alias with several pages the best.
///
/// # Errors
/// `docs/page-not-found`.
pub fn find(id: &str) -> Result<&'static Page> {
    let named = resolve(id).0.into_iter().find_map(page);
    named.ok_or_else(|| Error::new(Code::DOCS_PAGE_NOT_FOUND, format!("The manual has no page \"{}\"; GET /management/v1/docs lists them all", clip(id))))
}

/// The section an anchor names, with its heading.
pub fn part(markdown: &str, anchor: &str) -> Option<String> {
    let found = (2..=6).flat_map(|level| super::sections(markdown, level)).find(|part| part.anchor.eq_ignore_ascii_case(anchor))?;
    Some(format!("## {}\n\n{}", found.heading, found.body))
}

/// A page for display, in this language or English.
///
/// # Errors
/// `docs/page-not-found`.
pub fn view(id: &str, lang: Lang, values: &Placeholders) -> Result<PageView> {
    let page = find(id)?;
    let markdown = page.render_in(lang, values);
    let sections = divided(&markdown).into_iter().skip(1).map(|part| PageSection { heading: part.heading.to_owned(), anchor: part.anchor }).collect();
    let lang = if page.langs().contains(&lang) { lang } else { Lang::En };
    let meta = &page.meta;
    Ok(PageView {
        id: meta.id.clone(),
        lang: lang.as_str(),
        title: page.title(lang).to_owned(),
        markdown,
        sections,
        related: meta.related.clone(),
        aliases: meta.aliases.clone(),
    })
}
