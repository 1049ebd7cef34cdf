//! Text to words: normalised, split at scripts and case, English words stemmed.

use std::cell::RefCell;
use std::ops::Range;

use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};
use unicode_normalization::UnicodeNormalization;

/// Letters of a word that count; nobody tells longer ones apart.
const LONGEST: usize = 48;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// In lower case.
    pub text: String,
    /// The words inside a `camelCase` one, in lower case; empty for others.
    pub parts: Vec<String>,
    pub hangul: bool,
    /// Bytes of the text it was found in.
    pub range: Range<usize>,
}

/// Composed and half-width forms only (NFKC), invisible characters dropped, other control characters as spaces, plain quotes.
pub fn normalise(text: &str) -> String {
    text.chars()
        .filter(|c| !invisible(*c))
        .nfkc()
        .filter(|c| !invisible(*c))
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\n' => '\n',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

fn invisible(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

pub fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}')
}

/// Every word of a normalised text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            continue;
        }
        let hangul = is_hangul(first);
        let (mut raw, mut end) = (String::from(first), start + first.len_utf8());
        while let Some(&(at, c)) = chars.peek() {
            if c.is_alphanumeric() && is_hangul(c) == hangul {
                raw.push(c);
            } else if c == '\''
                && !hangul
                && let Some(tail) = contraction(&text[at + 1..])
            {
                raw.push_str(if tail.eq_ignore_ascii_case("s") { "" } else { tail });
                end = at + 1 + tail.len();
                while chars.next_if(|(at, _)| *at < end).is_some() {}
                continue;
            } else {
                break;
            }
            end = at + c.len_utf8();
            chars.next();
        }
        out.push(word(&raw, hangul, start..end));
    }
    out
}

/// The letters behind an apostrophe: `don't` is one word; the `s` of `user's` is taken with it and does not count.
fn contraction(rest: &str) -> Option<&str> {
    let tail = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
    (1..=2).contains(&tail.len()).then_some(tail)
}

fn word(raw: &str, hangul: bool, range: Range<usize>) -> Word {
    let text: String = raw.to_lowercase().chars().take(LONGEST).collect();
    let parts = if hangul { Vec::new() } else { case_parts(raw) };
    Word { text, parts, hangul, range }
}

/// `accessToken` is access and token, `XMLFile` is xml and file. Empty when there is only one part.
fn case_parts(raw: &str) -> Vec<String> {
    let chars: Vec<char> = raw.chars().collect();
    if chars.len() > LONGEST || !chars.iter().any(|c| c.is_lowercase()) {
        return Vec::new();
    }
    let mut parts = vec![String::new()];
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        let starts = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(|a| a.is_lowercase())));
        if starts {
            parts.push(String::new());
        }
        parts.last_mut().expect("there is always a last part").extend(c.to_lowercase());
    }
    if parts.len() < 2 { Vec::new() } else { parts }
}

thread_local! {
    static STEMMER: RefCell<TextAnalyzer> = RefCell::new(TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build());
}

/// The stem of an English word; other words stay as they are.
pub fn stem(word: &str) -> String {
    if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    STEMMER.with_borrow_mut(|analyzer| {
        let mut stream = analyzer.token_stream(word);
        if stream.advance() { stream.token().text.clone() } else { word.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(&normalise(text)).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn decomposed_full_width_zero_width_and_control_characters_are_normalised_or_dropped() {
        assert_eq!(texts("\u{1105}\u{1169}\u{1100}\u{1173}\u{110b}\u{1175}\u{11ab}"), ["로그인"]);
        assert_eq!(texts("ＡＰＩ　ｋｅｙ"), ["api", "key"]);
        assert_eq!(texts("to\u{200b}ken\u{0}\u{7}s\u{feff}"), ["token", "s"]);
        assert_eq!(texts("“don’t” user’s"), ["dont", "user"]);
    }

    #[test]
    fn words_end_where_the_script_changes() {
        assert_eq!(texts("JWT토큰을 갱신, Next.js에서"), ["jwt", "토큰을", "갱신", "next", "js", "에서"]);
    }

    #[test]
    fn changes_of_case_split_words() {
        let parts = |text: &str| words(text).remove(0).parts;
        assert_eq!(parts("accessToken"), ["access", "token"]);
        assert_eq!(parts("keysAsUrls"), ["keys", "as", "urls"]);
        assert_eq!(parts("XMLFile2Json"), ["xml", "file2", "json"]);
        assert!(parts("word").is_empty() && parts("Word").is_empty() && parts("JSON").is_empty());
    }

    #[test]
    fn stems_meet() {
        assert_eq!(stem("uploading"), stem("uploads"));
        assert_eq!(stem("policies"), stem("policy"));
        assert_eq!(stem("로그인"), "로그인");
    }
}
