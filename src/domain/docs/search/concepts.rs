//! One meaning, many words: the two-way table of technical words, English and Korean, applied word by word to text and query.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::text::{self, Word};

/// One concept a line: its name, then the words and phrases that mean it.
const TABLE: &str = include_str!("concepts.txt");

/// A concept found in a text: words `from..to` of the text mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: &'static str,
    pub words: Range<usize>,
}

struct Table {
    /// First stem of a phrase: the phrases that begin with it.
    english: HashMap<String, Vec<(Vec<String>, &'static str)>>,
    /// First two syllables (or the only one) of a phrase: the phrases without spaces, longest first.
    korean: HashMap<String, Vec<(String, &'static str)>>,
}

static CONCEPTS: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { english: HashMap::new(), korean: HashMap::new() };
    for line in TABLE.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some((name, phrases)) = line.split_once(':') else { continue };
        phrases.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()).for_each(|phrase| table.add(name.trim(), phrase));
    }
    table.korean.values_mut().for_each(|list| list.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len())));
    table
});

impl Table {
    fn add(&mut self, name: &'static str, phrase: &str) {
        if phrase.chars().any(text::is_hangul) {
            let joined: String = phrase.split_whitespace().collect();
            self.korean.entry(joined.chars().take(2).collect()).or_default().push((joined, name));
        } else {
            let stems: Vec<String> = text::words(phrase).into_iter().map(|word| text::stem(&word.text)).collect();
            if let Some(first) = stems.first() {
                self.english.entry(first.clone()).or_default().push((stems, name));
            }
        }
    }
}

/// Every concept the words mean, in order of their first word.
pub fn find(words: &[Word]) -> Vec<Found> {
    let stems: Vec<String> = words.iter().map(|word| if word.hangul { String::new() } else { text::stem(&word.text) }).collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < words.len() {
        if words[i].hangul {
            let end = (i..words.len()).find(|at| !words[*at].hangul).unwrap_or(words.len());
            korean(words, i..end, &mut out);
            i = end;
            continue;
        }
        for (phrase, name) in CONCEPTS.english.get(&stems[i]).into_iter().flatten() {
            if stems[i..].starts_with(phrase) {
                out.push(Found { name, words: i..i + phrase.len() });
            }
        }
        i += 1;
    }
    out
}

/// Korean phrases stand inside words and, beginning where a word begins, across spaces. The longest at a place counts.
fn korean(words: &[Word], run: Range<usize>, out: &mut Vec<Found>) {
    // Each syllable with the word it is part of.
    let syllables: Vec<(char, usize)> = run.clone().flat_map(|at| words[at].text.chars().map(move |c| (c, at))).collect();
    let mut i = 0;
    while i < syllables.len() {
        let (_, word) = syllables[i];
        let begins = i == 0 || syllables[i - 1].1 != word;
        let rest = &syllables[i..];
        let pair: String = rest.iter().take(2).map(|(c, _)| *c).collect();
        let single: String = rest.iter().take(1).map(|(c, _)| *c).collect();
        let longest = CONCEPTS.korean.get(&pair).into_iter().flatten().find(|(phrase, _)| {
            let length = phrase.chars().count();
            length <= rest.len() && phrase.chars().zip(rest).all(|(a, (b, _))| a == *b) && (begins || rest[length - 1].1 == word)
        });
        let alone = || begins && super::hangul::stripped(&words[word].text) == single;
        let found = longest.or_else(|| CONCEPTS.korean.get(&single).into_iter().flatten().find(|_| alone()));
        let Some((phrase, _)) = found else {
            i += 1;
            continue;
        };
        let length = phrase.chars().count();
        let covered = word..rest[length - 1].1 + 1;
        let key = if length == 1 { &single } else { &pair };
        let same = CONCEPTS.korean[key].iter().filter(|(other, _)| other == phrase);
        out.extend(same.map(|(_, name)| Found { name, words: covered.clone() }));
        i += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let mut names: Vec<_> = find(&text::words(&text::normalise(text))).into_iter().map(|found| found.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn words_of_one_meaning_meet_in_either_language() {
        for (a, b) in [
            ("logging in", "로그인하기"),
            ("회원 가입", "sign up"),
            ("2fa", "이중 인증"),
            ("토큰을", "tokens"),
            ("배포하려면", "deployment"),
            ("photos", "이미지"),
        ] {
            assert!(names(a).iter().any(|name| names(b).contains(name)), "{a}: {:?}, {b}: {:?}", names(a), names(b));
        }
    }

    #[test]
    fn korean_phrases_are_not_made_of_the_ends_of_words() {
        assert!(!names("단위 키다").contains(&"key"));
    }

    #[test]
    fn every_line_of_the_table_is_a_concept() {
        for line in TABLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (name, phrases) = line.split_once(':').unwrap();
            assert!(!name.contains(' ') && phrases.split(',').count() > 1, "{line}");
        }
    }
}
