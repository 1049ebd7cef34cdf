//! What `search_docs` answers: Markdown of at most 6,000 characters.

use std::fmt::Write as _;

use super::excerpt::{self, length};
use super::{Found, Hit, blank, contents, text};
use crate::domain::docs::{self, Lang, Page, Placeholders, markdown};

/// Characters of an answer.
pub const MAX_ANSWER: usize = 6_000;
/// Pages of an answer.
pub const MAX_PAGES: usize = 5;
/// Characters of a query that are repeated.
const MAX_ECHO: usize = 80;
/// Characters below which a section is not worth showing.
const LEAST: usize = 160;

/// Answers a query as the MCP tool does: pages for words, one page for its id, the contents for nothing. `limit` counts pages (1
/// to 5; more is 5), `lang` is the language shown, by default that of the query. Takes a while at the first call.
pub fn answer(query: &str, limit: Option<u32>, lang: Option<&str>, values: &Placeholders) -> String {
    let view = View { lang: lang.and_then(Lang::parse).unwrap_or_else(|| super::lang_of(query)), values };
    let head = format!("## Search Results for \"{}\"\n\n", echoed(query));
    if blank(query) {
        return contents::table(&head, view.lang, MAX_ANSWER);
    }
    let limit = limit.map_or(MAX_PAGES, |limit| limit.clamp(1, MAX_PAGES as u32) as usize);
    let (ids, anchor) = docs::resolve(&text::normalise(query));
    let named: Vec<&Page> = ids.into_iter().filter_map(docs::page).take(limit).collect();
    if named.is_empty() { view.searched(head, &super::search(query, false), query, limit) } else { view.named(head, &named, anchor.as_deref()) }
}

/// How pages are shown to this reader.
struct View<'a> {
    lang: Lang,
    values: &'a Placeholders,
}

impl View<'_> {
    /// The pages a query in words found.
    fn searched(&self, mut out: String, found: &Found, query: &str, limit: usize) -> String {
        if found.cut {
            out.push_str("Only the first 2,000 characters of the query were used.\n\n");
        }
        let best = found.hits.first().map_or(0.0, |hit| hit.score);
        let hits: Vec<&Hit> = found.hits.iter().take_while(|hit| hit.score * 5.0 >= best).take(limit).collect();
        let Some(first) = hits.first() else { return self.nothing(out, query) };
        let last = format!("One page, whole: search for its id, `{}`; one section: its id and anchor, `{}#…`.", first.page.meta.id, first.page.meta.id);
        let space = MAX_ANSWER.saturating_sub(length(&out) + length(&last));
        let mut left = space;
        for (at, hit) in hits.iter().enumerate() {
            let share = if at == 0 && hits.len() > 1 { space * 2 / 5 } else { left / (hits.len() - at) };
            let most = [3, 2].get(at).copied().unwrap_or(1);
            if let Some(shown) = self.hit(hit, most, share) {
                left -= length(&shown);
                out.push_str(&shown);
            }
        }
        out + &last
    }

    /// One page with its best sections in `space` characters.
    fn hit(&self, hit: &Hit, most: usize, space: usize) -> Option<String> {
        let page = hit.page;
        let mut out = self.title(page);
        let end = format!("{}---\n\n", next(page));
        let parts = markdown::divided(page.text(self.lang));
        let picked: Vec<&markdown::Section<'_>> =
            hit.sections.iter().filter_map(|ordinal| parts.get(*ordinal)).filter(|part| !part.body.is_empty()).take(most).collect();
        for (at, part) in picked.iter().enumerate() {
            let left = space.saturating_sub(length(&out) + length(&end));
            // The best section may leave little to the others, but not nothing.
            let share = if at + 1 < picked.len() { left * 3 / 5 } else { left };
            match self.section(page, part, share) {
                Some(shown) => out.push_str(&shown),
                None if at == 0 => return None,
                None => break,
            }
        }
        Some(out + &end)
    }

    fn section(&self, page: &Page, part: &markdown::Section<'_>, space: usize) -> Option<String> {
        let heading = if part.heading.is_empty() { page.title(self.shown_lang(page)) } else { part.heading };
        let head = format!("**{heading}**\n");
        let left = space.checked_sub(length(&head) + 2).filter(|left| *left >= LEAST)?;
        let text = excerpt::fit(&self.replaced(part.body), left, &place(page, &part.anchor));
        (!text.is_empty()).then(|| format!("{head}{text}\n\n"))
    }

    /// Pages asked for by id: whole as far as there is space, then the headings left out.
    fn named(&self, mut out: String, pages: &[&Page], anchor: Option<&str>) -> String {
        let last = format!("One section: search for its id and anchor, `{}#…`.", pages[0].meta.id);
        let mut left = MAX_ANSWER.saturating_sub(length(&out) + length(&last));
        for (at, page) in pages.iter().enumerate() {
            let shown = self.whole(page, anchor, left / (pages.len() - at));
            left = left.saturating_sub(length(&shown));
            out.push_str(&shown);
        }
        out + &last
    }

    fn whole(&self, page: &Page, anchor: Option<&str>, space: usize) -> String {
        let mut out = self.title(page);
        let end = format!("{}---\n\n", next(page));
        let all = markdown::divided(page.text(self.lang));
        let one = anchor.and_then(|anchor| self.anchored(page, anchor));
        let parts: Vec<&markdown::Section<'_>> = one.as_ref().map_or_else(|| all.iter().collect(), |one| vec![one]);
        let mut missing: Vec<String> = Vec::new();
        for part in parts.iter().filter(|part| !part.body.is_empty()) {
            let head = if part.heading.is_empty() { String::new() } else { format!("**{}**\n", part.heading) };
            let place = place(page, &part.anchor);
            // What is left must also hold the headings that may be left out.
            let later: usize = parts.iter().map(|part| length(&part.anchor) + 5).sum::<usize>() + 40 + length(&page.meta.id);
            let left = space.saturating_sub(length(&out) + length(&head) + length(&end) + later + 2);
            let body = self.replaced(part.body);
            let text = if missing.is_empty() { excerpt::fit(&body, left, &place) } else { String::new() };
            if text.is_empty() {
                missing.push(format!("`#{}`", part.anchor));
                continue;
            }
            if length(&text) < length(&excerpt::shown(&body)) && !part.anchor.is_empty() && one.is_none() {
                missing.push(format!("`#{}`", part.anchor));
            }
            let _ = write!(out, "{head}{text}\n\n");
        }
        if !missing.is_empty() {
            let _ = write!(out, "Left out, whole or in part: {}\n\n", missing.join(", "));
        }
        out + &end
    }

    /// The section an anchor names, at any depth. Anchors of the English page count on the Korean one too.
    fn anchored<'p>(&self, page: &'p Page, anchor: &str) -> Option<markdown::Section<'p>> {
        let find = |lang: Lang| (2..=6).flat_map(|level| markdown::sections(page.text(lang), level)).find(|part| part.anchor.eq_ignore_ascii_case(anchor));
        if let Some(here) = find(self.lang) {
            return Some(here);
        }
        let at = markdown::divided(page.text(Lang::En)).iter().position(|part| part.anchor.eq_ignore_ascii_case(anchor));
        at.and_then(|at| markdown::divided(page.text(self.lang)).into_iter().nth(at)).or_else(|| find(Lang::En))
    }

    fn nothing(&self, mut out: String, query: &str) -> String {
        out.push_str("Nothing in the manual matches. The nearest titles:\n\n");
        for page in contents::nearest(query, 3) {
            let _ = writeln!(out, "- `{}` {}", page.meta.id, self.both(page));
        }
        out + "\nOne page, whole: search for its id, as in `getting-started/02-quickstart`."
    }

    fn title(&self, page: &Page) -> String {
        format!("### {}\n`{}` · {}\n\n", self.both(page), page.meta.id, page.url(self.lang, self.values))
    }

    /// The title in the reader's language, with the English one when the text is English.
    fn both(&self, page: &Page) -> String {
        if self.lang == Lang::Ko && page.korean.is_none() {
            format!("{} · {}", page.title(Lang::Ko), page.title(Lang::En))
        } else {
            page.title(self.lang).to_owned()
        }
    }

    fn shown_lang(&self, page: &Page) -> Lang {
        if page.korean.is_some() { self.lang } else { Lang::En }
    }

    fn replaced(&self, markdown: &str) -> String {
        self.values.replace(markdown).expect("a test knows every placeholder of the corpus")
    }
}

fn place(page: &Page, anchor: &str) -> String {
    if anchor.is_empty() { page.meta.id.clone() } else { format!("{}#{anchor}", page.meta.id) }
}

fn next(page: &Page) -> String {
    let related: Vec<String> = page.meta.related.iter().take(3).map(|id| format!("`{id}`")).collect();
    if related.is_empty() { String::new() } else { format!("Next: {}\n\n", related.join(", ")) }
}

/// The query on one line of at most 80 characters, nothing in it a mark of Markdown.
fn echoed(query: &str) -> String {
    let line = text::normalise(&query.chars().take(400).collect::<String>()).split_whitespace().collect::<Vec<_>>().join(" ");
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::new();
    let mut used = 0;
    for (at, c) in chars.iter().enumerate() {
        let inner = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric());
        let escaped = match c {
            '_' => !(at > 0 && inner(at - 1) && inner(at + 1)),
            c => "\\`*[]<>&~|#!".contains(*c),
        };
        let width = 1 + usize::from(escaped);
        // A place is kept for the sign that something follows.
        let rest = usize::from(at + 1 < chars.len());
        if used + width + rest > MAX_ECHO {
            out.push('…');
            break;
        }
        if escaped {
            out.push('\\');
        }
        out.push(*c);
        used += width;
    }
    out
}
