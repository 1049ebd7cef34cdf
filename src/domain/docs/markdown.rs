//! The little Markdown structure the corpus uses: headings with their anchors, sections, fenced code.

use std::collections::HashMap;

/// A heading with everything below it up to the next one of its level or above.
#[derive(Debug, PartialEq, Eq)]
pub struct Section<'a> {
    pub heading: &'a str,
    pub anchor: String,
    pub body: &'a str,
}

/// A fenced block: the words after the backticks and the text inside.
#[derive(Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    pub info: &'a str,
    pub code: &'a str,
}

/// Lines outside fenced code, with the offset each begins at.
fn prose_lines(markdown: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let mut at = 0;
    markdown.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let mark = line.starts_with("```");
        let skip = fenced || mark;
        fenced ^= mark;
        (!skip).then_some((start, line.trim_end()))
    })
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let text = line[level..].strip_prefix(' ')?.trim();
    (1..=6).contains(&level).then_some((level, text))
}

/// Every heading: level, text, offset.
pub fn headings(markdown: &str) -> Vec<(usize, &str, usize)> {
    prose_lines(markdown).filter_map(|(at, line)| heading(line).map(|(level, text)| (level, text, at))).collect()
}

/// The sections of one heading level; anchors are unique within the page, as GitHub makes them.
pub fn sections(markdown: &str, level: usize) -> Vec<Section<'_>> {
    let all = headings(markdown);
    let mut seen = HashMap::new();
    let mut out = Vec::new();
    for (i, (this, text, at)) in all.iter().enumerate() {
        let plain = slug(text);
        let count = seen.entry(plain.clone()).and_modify(|n| *n += 1).or_insert(0);
        if *this != level {
            continue;
        }
        let anchor = if *count == 0 { plain } else { format!("{plain}-{count}") };
        let end = all[i + 1..].iter().find(|(other, ..)| *other <= level).map_or(markdown.len(), |(.., end)| *end);
        let line_end = markdown[*at..].find('\n').map_or(end, |n| at + n + 1);
        out.push(Section { heading: text, anchor, body: markdown[line_end.min(end)..end].trim() });
    }
    out
}

/// The text under the title, with an empty heading, and then the H2 sections.
pub fn divided(markdown: &str) -> Vec<Section<'_>> {
    let all = headings(markdown);
    let top = all.iter().find(|(level, ..)| *level == 1).map_or(0, |(.., at)| markdown[*at..].find('\n').map_or(markdown.len(), |n| at + n));
    let end = all.iter().find(|(level, ..)| *level == 2).map_or(markdown.len(), |(.., at)| *at);
    let lead = Section { heading: "", anchor: String::new(), body: markdown[top.min(end)..end].trim() };
    std::iter::once(lead).chain(sections(markdown, 2)).collect()
}

/// The anchor GitHub gives a heading: lower case, punctuation dropped, spaces to hyphens.
pub fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

/// Every fenced block in order.
pub fn fences(markdown: &str) -> Vec<Fence<'_>> {
    let mut out = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in markdown.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if let Some(mark) = line.strip_prefix("```") {
            open = match open {
                None => Some((mark.trim(), at)),
                Some((info, from)) => {
                    out.push(Fence { info, code: &markdown[from..start] });
                    None
                }
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Top\n\nLead.\n\n## One `x`\n\na\n\n```bash sample=s\n# not a heading\n```\n\n### Deep\n\nb\n\n## One x\n\nc\n";

    #[test]
    fn sections_reach_to_the_next_heading_of_their_level() {
        let found = sections(TEXT, 2);
        assert_eq!(found.iter().map(|s| s.anchor.as_str()).collect::<Vec<_>>(), ["one-x", "one-x-1"]);
        assert!(found[0].body.starts_with('a') && found[0].body.ends_with('b'));
        assert_eq!(found[1].body, "c");
    }

    #[test]
    fn a_page_divides_into_its_lead_and_its_sections() {
        let found = divided(TEXT);
        assert_eq!(found.iter().map(|s| (s.heading, s.anchor.as_str())).collect::<Vec<_>>(), [("", ""), ("One `x`", "one-x"), ("One x", "one-x-1")]);
        assert_eq!(found[0].body, "Lead.");
        assert_eq!(divided("# T\n\nonly\n")[0].body, "only");
    }

    #[test]
    fn fences_keep_their_info_and_code() {
        assert_eq!(fences(TEXT), [Fence { info: "bash sample=s", code: "# not a heading\n" }]);
    }

    #[test]
    fn anchors_are_github_slugs() {
        assert_eq!(slug("Column-level permissions"), "column-level-permissions");
        assert_eq!(slug("What `/spec` answers, and to whom?"), "what-spec-answers-and-to-whom");
    }
}
