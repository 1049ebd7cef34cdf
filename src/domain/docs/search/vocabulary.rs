//! The words of the manual: what a mistyped word may have meant, and what a begun word may become.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::text::{self, Word};

/// Unstemmed words with how often they stand, and what search-as-you-type completes.
#[derive(Debug, Default)]
pub struct Vocabulary {
    counts: BTreeMap<String, u32>,
    stems: HashSet<String>,
    /// Words of titles, headings, keywords and identifiers.
    titles: BTreeSet<String>,
    /// Identifiers in their canonical form.
    identifiers: BTreeSet<String>,
    /// Words long enough to be a correction, with the letters they contain.
    candidates: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    word: String,
    letters: u64,
    length: usize,
    count: u32,
}

impl Vocabulary {
    pub fn add_text(&mut self, line: &str) {
        text::words(&text::normalise(line)).iter().for_each(|word| self.add_name(word));
    }

    pub fn add_title(&mut self, line: &str) {
        for word in text::words(&text::normalise(line)) {
            self.add_name(&word);
            self.titles.extend(word.parts.iter().cloned());
            self.titles.insert(word.text);
        }
    }

    pub fn add_name(&mut self, word: &Word) {
        for part in std::iter::once(&word.text).chain(&word.parts) {
            *self.counts.entry(part.clone()).or_default() += 1;
        }
    }

    pub fn add_identifier(&mut self, name: &str) {
        for word in text::words(name) {
            self.titles.extend(word.parts.iter().cloned());
            self.titles.insert(word.text);
        }
        self.identifiers.insert(super::identifiers::canonical(name));
    }

    /// Called once when everything is added.
    pub fn finish(&mut self) {
        self.stems = self.counts.keys().map(|word| text::stem(word)).collect();
        let words = self.counts.iter().filter(|(word, _)| word.len() >= 4 && word.bytes().all(|b| b.is_ascii_lowercase()));
        self.candidates = words.map(|(word, count)| Candidate { word: word.clone(), letters: letters(word), length: word.len(), count: *count }).collect();
    }

    /// Whether the manual has the word in any of its forms.
    pub fn knows(&self, word: &str) -> bool {
        self.counts.contains_key(word) || self.stems.contains(&text::stem(word))
    }

    /// How often the word stands in the manual.
    pub fn count(&self, word: &str) -> u32 {
        self.counts.get(word).copied().unwrap_or(0)
    }

    /// What a word the manual does not know may have meant, best first: one edit or swap away from 4 letters on, two from 8 on.
    pub fn corrections(&self, word: &str) -> Vec<String> {
        let length = word.len();
        if length < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return Vec::new();
        }
        let most = if length >= 8 { 2 } else { 1 };
        let wanted = letters(word);
        let mut near: Vec<(usize, bool, std::cmp::Reverse<u32>, &str)> = self
            .candidates
            .iter()
            .filter(|c| c.length.abs_diff(length) <= most && (c.letters ^ wanted).count_ones() as usize <= 2 * most)
            .map(|c| (strsim::osa_distance(&c.word, word), c.word.as_bytes()[0] != word.as_bytes()[0], std::cmp::Reverse(c.count), c.word.as_str()))
            .filter(|(distance, ..)| *distance <= most)
            .collect();
        near.sort_unstable();
        let best = near.first().map_or(0, |(distance, ..)| *distance);
        near.into_iter().take_while(|(distance, ..)| *distance == best).take(3).map(|(.., word)| word.to_owned()).collect()
    }

    /// The two known words a word without space is made of.
    pub fn halves(&self, word: &str) -> Option<(String, String)> {
        if !word.is_ascii() || word.len() < 7 {
            return None;
        }
        let known = |part: &str| part.len() >= 3 && self.count(part) >= 2;
        (3..=word.len() - 3)
            .filter(|at| known(&word[..*at]) && known(&word[*at..]))
            .max_by_key(|at| self.count(&word[..*at]).min(self.count(&word[*at..])))
            .map(|at| (word[..at].to_owned(), word[at..].to_owned()))
    }

    /// Words of titles, headings, keywords and identifiers that begin so, at most `most`, the commonest first.
    pub fn completions(&self, begin: &str, most: usize) -> Vec<String> {
        let mut found: Vec<&String> = self.titles.range(begin.to_owned()..).take_while(|word| word.starts_with(begin)).collect();
        found.sort_by_key(|word| std::cmp::Reverse(self.count(word)));
        found.into_iter().take(most).cloned().collect()
    }

    /// Identifiers that begin so.
    pub fn identifiers(&self, begin: &str, most: usize) -> Vec<String> {
        self.identifiers.range(begin.to_owned()..).take_while(|name| name.starts_with(begin)).take(most).cloned().collect()
    }
}

/// A bit for each letter a word contains; an edit changes at most two.
fn letters(word: &str) -> u64 {
    word.bytes().fold(0, |set, b| set | 1 << (b - b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        vocabulary.add_text("pagination pagination token tokens session authentication form from reset password reset password");
        vocabulary.add_title("Sessions");
        vocabulary.finish();
        vocabulary
    }

    #[test]
    fn one_edit_or_swap_is_forgiven_from_four_letters_on_and_two_from_eight_on() {
        let v = vocabulary();
        assert_eq!(v.corrections("tokne"), ["token"]);
        assert_eq!(v.corrections("pagniation"), ["pagination"]);
        assert_eq!(v.corrections("authentcaton"), ["authentication"]);
        assert!(v.corrections("tkne").is_empty() && v.corrections("tok").is_empty() && v.corrections("sesssssion").is_empty());
        assert!(v.corrections("tokxxn").is_empty());
    }

    #[test]
    fn known_words_and_their_forms_need_no_correction() {
        let v = vocabulary();
        assert!(v.knows("token") && v.knows("paginations") && !v.knows("tokne"));
    }

    #[test]
    fn words_written_together_come_apart() {
        assert_eq!(vocabulary().halves("resetpassword"), Some(("reset".into(), "password".into())));
        assert_eq!(vocabulary().halves("resetpasswxrd"), None);
    }

    #[test]
    fn a_begun_word_is_completed_from_titles() {
        assert_eq!(vocabulary().completions("sess", 5), ["sessions"]);
        assert!(vocabulary().completions("pagin", 5).is_empty());
    }
}
