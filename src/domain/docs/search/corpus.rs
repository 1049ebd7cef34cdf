//! What is indexed: every section of every page, its prose, code and identifiers apart.

use crate::domain::docs::{self, Page, Placeholders, markdown};

/// One section of a page, in one of its languages: the lead under the title, or an H2 with all below it.
#[derive(Debug)]
pub struct Section {
    /// Index into the pages of the manual.
    pub page: usize,
    /// Place within its page, the same in both languages.
    pub ordinal: usize,
    /// Headings within the section, H2 and H3.
    pub headings: String,
    /// Text without Markdown marks and without code blocks.
    pub prose: String,
    pub code: String,
    /// What stands in backticks.
    pub inline: Vec<String>,
}

/// Every section of the manual, in the order of the pages.
pub fn sections() -> Vec<Section> {
    docs::pages().iter().enumerate().flat_map(|(at, page)| in_languages(at, page)).collect()
}

fn in_languages(at: usize, page: &Page) -> Vec<Section> {
    let english = of_text(at, &page.markdown);
    let korean = page.korean.as_ref().map(|text| of_text(at, text)).unwrap_or_default();
    english.into_iter().chain(korean).collect()
}

fn of_text(page: usize, text: &str) -> Vec<Section> {
    // Addresses of the reader say nothing about the page.
    let values = Placeholders { base: String::new(), ..Placeholders::default() };
    markdown::divided(text)
        .into_iter()
        .enumerate()
        .map(|(ordinal, part)| {
            let body = values.replace(part.body).unwrap_or_else(|_| part.body.to_owned());
            let (prose, code) = apart(&body);
            let below = markdown::headings(part.body).into_iter().map(|(_, text, _)| text);
            let headings = std::iter::once(part.heading).chain(below).collect::<Vec<_>>().join("\n");
            let inline = prose.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Section { page, ordinal, headings, inline, prose: plain(&prose), code }
        })
        .collect()
}

/// Prose with its marks, and the text of the code blocks.
pub fn apart(text: &str) -> (String, String) {
    let (mut prose, mut code, mut fenced) = (String::new(), String::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let to = if fenced { &mut code } else { &mut prose };
        to.push_str(line);
        to.push('\n');
    }
    (prose, code)
}

/// Markdown without its marks: backticks, link targets, table rules, heading signs, bullets.
pub fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    for line in markdown.lines() {
        let line = line.trim();
        if !line.is_empty() && line.chars().all(|c| "|-: ".contains(c)) {
            continue;
        }
        let line = line.trim_start_matches('#').trim_start_matches("- ").trim();
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            out.push_str(&rest[..at]);
            rest = rest[at..].find(')').map_or("", |end| &rest[at + end + 1..]);
        }
        out.push_str(rest);
        out.push('\n');
    }
    let cells = out.replace(" | ", " · ");
    cells
        .chars()
        .filter(|c| !matches!(c, '`' | '[' | ']' | '|' | '*'))
        .collect::<String>()
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        assert_eq!(plain("## A `b`\n\n| x | y |\n| --- | --- |\n| `1` | [two](database/05-list#a) |\n\n- **z**\n"), "A b\nx · y\n1 · two\nz");
    }

    #[test]
    fn every_page_has_a_lead_and_sections_in_order() {
        let all = sections();
        assert!(all.len() > docs::pages().len());
        for (at, page) in docs::pages().iter().enumerate() {
            let mine: Vec<_> = all.iter().filter(|section| section.page == at).collect();
            assert!(mine[0].ordinal == 0 && mine.len() % (1 + usize::from(page.korean.is_some())) == 0, "{}", page.meta.id);
        }
    }
}
