//! The best place of a section in plain text, with the words that were asked for marked.

use std::collections::HashSet;

use super::{corpus, hangul, text};

/// Characters of a snippet.
const LENGTH: usize = 220;

/// A piece of plain text and where the words of the query stand in it, in UTF-16 units as JavaScript counts them.
#[derive(Debug, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    pub highlights: Vec<[usize; 2]>,
}

/// The part of the Markdown in which most of the marks stand close together; its beginning when none does.
pub fn of(markdown: &str, marks: &HashSet<String>) -> Snippet {
    let prose = prose(markdown);
    let found: Vec<(usize, usize)> = places(&prose, marks);
    let start = best(&prose, &found);
    let end = prose[start..].char_indices().nth(LENGTH).map_or(prose.len(), |(at, _)| at + start);
    // Words are not cut.
    let end = if end == prose.len() { end } else { prose[start..end].rfind(' ').map_or(end, |at| at + start) };
    let (lead, tail) = (if start == 0 { "" } else { "… " }, if end == prose.len() { "" } else { " …" });
    let shown = format!("{lead}{}{tail}", &prose[start..end]);
    let units = |from: usize, to: usize| prose[from..to].encode_utf16().count();
    let offset = lead.encode_utf16().count();
    let highlights = found
        .into_iter()
        .filter(|(from, to)| *from >= start && *to <= end)
        .map(|(from, to)| [offset + units(start, from), offset + units(start, to)])
        .collect();
    Snippet { text: shown, highlights }
}

/// One line of text without code blocks; of a section of code alone, the code.
fn prose(markdown: &str) -> String {
    let (prose, code) = corpus::apart(markdown);
    let prose = corpus::plain(&prose);
    let text = if prose.is_empty() { code } else { prose };
    text::normalise(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Byte ranges of the words that were asked for.
fn places(prose: &str, marks: &HashSet<String>) -> Vec<(usize, usize)> {
    let asked = |word: &text::Word| {
        if word.hangul {
            let bare = hangul::stripped(&word.text);
            marks.contains(bare) || hangul::grams(bare).iter().any(|gram| marks.contains(gram))
        } else {
            marks.contains(&text::stem(&word.text)) || word.parts.iter().any(|part| marks.contains(&text::stem(part)))
        }
    };
    text::words(prose).into_iter().filter(asked).map(|word| (word.range.start, word.range.end)).collect()
}

/// Where the snippet with the most different places begins: at a sentence when one is near.
fn best(prose: &str, found: &[(usize, usize)]) -> usize {
    let within = |from: usize| found.iter().filter(|(at, _)| *at >= from && *at < from + LENGTH).count();
    let Some((first, _)) = found.iter().max_by_key(|(at, _)| (within(*at), std::cmp::Reverse(*at))) else { return 0 };
    let before = &prose[..*first];
    let sentence = before.rfind(". ").map_or(0, |at| at + 2);
    if first - sentence <= LENGTH / 2 { sentence } else { *first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_name_the_words_that_were_asked_for() {
        let marks = HashSet::from(["token".to_owned(), "토큰".to_owned()]);
        for markdown in ["An access `token` here. **Tokens** end.", "🙂 로그인하면 토큰을 받습니다.", "```js\nconst token = 1\n```"] {
            let found = of(markdown, &marks);
            let units: Vec<u16> = found.text.encode_utf16().collect();
            assert!(!found.highlights.is_empty());
            for [from, to] in &found.highlights {
                let word = String::from_utf16(&units[*from..*to]).unwrap().to_lowercase();
                assert!(word.starts_with("token") || word.starts_with("토큰"), "{word}");
            }
        }
    }

    #[test]
    fn a_snippet_is_short_and_begins_near_what_was_asked() {
        let long = format!("{} The needle stands here. {}", "Nothing of it. ".repeat(60), "And more. ".repeat(60));
        let found = of(&long, &HashSet::from([text::stem("needle")]));
        assert!(found.text.chars().count() <= LENGTH + 4 && found.text.contains("needle") && found.text.starts_with("… "), "{}", found.text);
        assert_eq!(of("Plain.", &HashSet::new()), Snippet { text: "Plain.".into(), highlights: Vec::new() });
    }
}
