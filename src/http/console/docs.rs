//! The manual in the browser: plain HTML, no script, no session.

use std::fmt::Write as _;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{self, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use serde::Deserialize;

use crate::domain::docs::search::{self, ListedPage, ListedSection};
use crate::domain::docs::{self, Lang, Page, Placeholders};
use crate::domain::error::Error;
use crate::http::{ApiResult, State, address};

const FRAME: &str = include_str!("docs.html");
pub const STYLE: &str = include_str!("docs.css");

/// Stricter than the other pages: there is no script.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");

/// Results of one search.
const RESULTS: usize = 10;

#[derive(Deserialize)]
pub struct Asked {
    q: Option<String>,
    lang: Option<String>,
}

/// `/console/docs`: results with `?q=`, else the contents.
pub async fn index(request: HttpRequest, state: State, asked: Query<Asked>) -> ApiResult<HttpResponse> {
    let values = values(&request, &state);
    let Asked { q, lang } = asked.into_inner();
    let Some(query) = q.filter(|query| !search::blank(query)) else { return Ok(contents(lang.as_deref().and_then(Lang::parse).unwrap_or(Lang::En))) };
    // An id asked for is the page itself.
    if let Some(id) = docs::resolve(&query).0.into_iter().find(|id| docs::page(id).is_some()) {
        return Ok(to(id, Lang::En));
    }
    let lang = lang.as_deref().and_then(Lang::parse).unwrap_or_else(|| search::lang_of(&query));
    let shown = query.clone();
    // The first search builds the index.
    let found = web::block(move || search::listed(&search::search(&query, false), RESULTS, lang, &values)).await.map_err(Error::internal)?;
    Ok(frame(&mut HttpResponse::Ok(), lang, "Search", &shown, None, &results(&shown, &found)))
}

pub async fn english(request: HttpRequest, state: State, path: Path<String>) -> HttpResponse {
    show(&request, &state, &path, Lang::En)
}

pub async fn korean(request: HttpRequest, state: State, path: Path<String>) -> HttpResponse {
    show(&request, &state, &path, Lang::Ko)
}

fn show(request: &HttpRequest, state: &State, id: &str, lang: Lang) -> HttpResponse {
    match docs::page(id) {
        Some(page) => shown(page, lang, &values(request, state)),
        // An earlier name of a page, or another spelling of its id.
        None => match docs::resolve(id).0.into_iter().find(|id| docs::page(id).is_some()) {
            Some(id) => to(id, lang),
            None => missing(id, lang),
        },
    }
}

fn values(request: &HttpRequest, state: &State) -> Placeholders {
    Placeholders { base: address::base_url(request, state.settings()), ..Placeholders::default() }
}

fn to(id: &str, lang: Lang) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, href(id, lang))).finish()
}

fn href(id: &str, lang: Lang) -> String {
    let korean = if lang == Lang::Ko && docs::page(id).is_some_and(|page| page.korean.is_some()) { "ko/" } else { "" };
    format!("/console/docs/{korean}{id}")
}

fn frame(answer: &mut actix_web::HttpResponseBuilder, lang: Lang, title: &str, query: &str, current: Option<&Page>, content: &str) -> HttpResponse {
    // The content comes last: what it holds is replaced by nothing.
    let (head, rest) = FRAME.split_once("{tree}").expect("the frame has a place for the tree");
    let (middle, end) = rest.split_once("{content}").expect("the frame has a place for the content");
    let (before, after) = head.split_once("{query}").expect("the frame has a place for the query");
    let before = before.replace("{lang}", lang.as_str()).replacen("{title}", &escaped(title), 1);
    let page = format!("{before}{}{after}{}{middle}{content}{end}", escaped(query), tree(lang, current));
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .insert_header((HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")))
        .body(page)
}

/// Every section, the one of the current page open.
fn tree(lang: Lang, current: Option<&Page>) -> String {
    let mut out = String::new();
    for section in docs::view::contents().sections {
        let open = if current.is_some_and(|page| page.section() == section.id) { " open" } else { "" };
        let _ = writeln!(out, "<details{open}><summary>{}</summary><ul>", escaped(&section.id));
        for page in section.pages {
            let here = if current.is_some_and(|current| current.meta.id == page.id) { " aria-current=\"page\"" } else { "" };
            let title = if lang == Lang::Ko { &page.title_ko } else { &page.title };
            let _ = writeln!(out, "<li><a href=\"{}\"{here}>{}</a></li>", href(&page.id, lang), escaped(title));
        }
        out.push_str("</ul></details>\n");
    }
    out
}

fn contents(lang: Lang) -> HttpResponse {
    let mut out = String::from("<h1>Manual</h1>\n");
    for section in docs::view::contents().sections {
        let _ = writeln!(out, "<h2>{}</h2>\n<ul>", escaped(&section.id));
        for page in section.pages {
            let title = if lang == Lang::Ko { &page.title_ko } else { &page.title };
            let _ = writeln!(
                out,
                "<li><a href=\"{}\">{}</a> <span class=\"quiet\">{}</span></li>",
                href(&page.id, lang),
                escaped(title),
                escaped(&page.description)
            );
        }
        out.push_str("</ul>\n");
    }
    frame(&mut HttpResponse::Ok(), lang, "Manual", "", None, &out)
}

fn missing(id: &str, lang: Lang) -> HttpResponse {
    let content =
        format!("<h1>No such page</h1>\n<p>The manual has no page <code>{}</code>. The contents and the search lead to all it has.</p>\n", escaped(id));
    frame(&mut HttpResponse::NotFound(), lang, "No such page", "", None, &content)
}

fn results(query: &str, found: &[ListedPage]) -> String {
    let mut out = format!("<h1>Results for “{}”</h1>\n", escaped(query));
    if found.is_empty() {
        out.push_str("<p>Nothing in the manual matches. The nearest titles:</p>\n<ul>\n");
        for page in search::nearest(query, 3) {
            let _ = writeln!(out, "<li><a href=\"/console/docs/{}\">{}</a></li>", page.meta.id, escaped(&page.meta.title));
        }
        return out + "</ul>\n";
    }
    for page in found {
        let _ = writeln!(
            out,
            "<section class=\"result\"><h2><a href=\"{}\">{}</a></h2><p class=\"quiet\">{}</p>",
            escaped(&page.url),
            escaped(&page.title),
            escaped(&page.id)
        );
        for section in &page.sections {
            let link = if section.anchor.is_empty() {
                String::new()
            } else {
                format!("<a href=\"{}#{}\">{}</a>: ", escaped(&page.url), escaped(&section.anchor), escaped(&section.heading))
            };
            let _ = writeln!(out, "<p>{link}{}</p>", marked(section));
        }
        out.push_str("</section>\n");
    }
    out
}

/// A snippet with its highlights, which count UTF-16 units.
fn marked(section: &ListedSection) -> String {
    let units: Vec<u16> = section.snippet.encode_utf16().collect();
    let text = |from: usize, to: usize| escaped(&String::from_utf16_lossy(units.get(from..to).unwrap_or_default()));
    let mut out = String::new();
    let mut at = 0;
    for [from, to] in &section.highlights {
        let _ = write!(out, "{}<mark>{}</mark>", text(at, *from), text(*from, *to));
        at = *to;
    }
    out + &text(at, units.len())
}

fn shown(page: &Page, lang: Lang, values: &Placeholders) -> HttpResponse {
    let lang = if page.langs().contains(&lang) { lang } else { Lang::En };
    let mut out = rendered(&page.render_in(lang, values), lang);
    out.push_str("<h2>Next</h2>\n<ul>\n");
    for next in page.meta.related.iter().filter_map(|id| docs::page(id)) {
        let _ = writeln!(out, "<li><a href=\"{}\">{}</a></li>", href(&next.meta.id, lang), escaped(next.title(lang)));
    }
    out.push_str("</ul>\n");
    if page.korean.is_some() {
        let (other, name) = if lang == Lang::En { (Lang::Ko, "한국어") } else { (Lang::En, "English") };
        let _ = writeln!(out, "<p><a href=\"{}\" lang=\"{}\">{name}</a></p>", href(&page.meta.id, other), other.as_str());
    }
    frame(&mut HttpResponse::Ok(), lang, page.title(lang), "", Some(page), &out)
}

/// Markdown as HTML: no raw HTML, headings with their anchors, links to pages within the console, tables that scroll.
fn rendered(markdown: &str, lang: Lang) -> String {
    let anchors = docs::headings(markdown).into_iter().map(|(_, text, _)| docs::slug(text));
    let mut anchors = unique(anchors).into_iter();
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).flat_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
        Event::Start(Tag::Heading { level, .. }) => vec![heading(level, &anchors.next().unwrap_or_default())],
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            vec![Event::Start(Tag::Link { link_type, dest_url: target(&dest_url, lang).into(), title, id })]
        }
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
            let language = info.split_whitespace().next().unwrap_or_default().to_owned();
            vec![Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language.into())))]
        }
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => Vec::new(),
        Event::Start(Tag::Table(columns)) => vec![markup("<div class=\"wide\">"), Event::Start(Tag::Table(columns))],
        Event::End(TagEnd::Table) => vec![Event::End(TagEnd::Table), markup("</div>\n")],
        other => vec![other],
    });
    let mut out = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut out, events);
    out
}

fn markup(text: &'static str) -> Event<'static> {
    Event::Html(CowStr::Borrowed(text))
}

fn heading(level: HeadingLevel, anchor: &str) -> Event<'static> {
    Event::Start(Tag::Heading { level, id: Some(anchor.to_owned().into()), classes: Vec::new(), attrs: Vec::new() })
}

/// Anchors as GitHub tells equal headings apart.
fn unique(anchors: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    anchors
        .map(|anchor| {
            let count = seen.entry(anchor.clone()).and_modify(|n| *n += 1).or_insert(0);
            if *count == 0 { anchor } else { format!("{anchor}-{count}") }
        })
        .collect()
}

/// Where a link of the manual leads within the console; only pages, anchors and https addresses are links.
fn target(link: &str, lang: Lang) -> String {
    let (id, anchor) = link.split_once('#').map_or((link, String::new()), |(id, anchor)| (id, format!("#{anchor}")));
    match docs::page(id) {
        Some(page) => format!("{}{anchor}", href(&page.meta.id, lang)),
        None if id.is_empty() || link.starts_with("https://") || link.starts_with("http://") => link.to_owned(),
        None => format!("/console/docs/{id}{anchor}"),
    }
}

/// Text made safe for HTML, attributes included.
fn escaped(text: &str) -> String {
    minijinja::HtmlEscape(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_html_is_text_and_links_lead_into_the_console() {
        let html = rendered(
            "# A\n\n<script>x</script> <b>y</b>\n\n## B `c`\n\n[l](database/05-list#x) [j](javascript:x) ![i](http://x/i.png)\n\n```bash sample=a\nls\n```\n",
            Lang::En,
        );
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<img"), "{html}");
        assert!(html.contains("<h2 id=\"b-c\">") && html.contains("href=\"/console/docs/database/05-list#x\""), "{html}");
        assert!(!html.contains("\"javascript:") && !html.contains("sample="), "{html}");
    }
}
