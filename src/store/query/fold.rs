//! Text matching that ignores case: both sides go through Unicode simple case folding.

use std::cell::RefCell;

use memchr::memmem::Finder;

thread_local! {
    /// Folded copies of the values looked at; kept, since a scan folds one per row.
    static SCRATCH: RefCell<String> = const { RefCell::new(String::new()) };
}

/// One character for every letter that differs in case only.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // The dotless i is a letter of its own, though its capital is I.
    if c == 'ı' {
        return c;
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_some() { None } else { first }
}

fn fold_into(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.extend(text.chars().map(fold));
    }
}

/// The text as it is compared.
pub(in crate::store) fn folded(text: &str) -> String {
    let mut out = String::new();
    fold_into(text, &mut out);
    out
}

/// A literal to be found inside text.
#[derive(Debug)]
pub(super) struct Folded(Finder<'static>);

impl Folded {
    pub fn new(text: &str) -> Self {
        let mut needle = String::new();
        fold_into(text, &mut needle);
        Self(Finder::new(needle.as_bytes()).into_owned())
    }

    pub fn is_in(&self, text: &str) -> bool {
        SCRATCH.with_borrow_mut(|scratch| {
            fold_into(text, scratch);
            self.0.find(scratch.as_bytes()).is_some()
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Run,
    One,
    Char(char),
}

/// A pattern of SQL's LIKE: `%` any run, `_` one character, `\` takes the next character as it is.
#[derive(Debug)]
pub(super) enum Like {
    /// `%text%`: the usual pattern, for which there is a faster way.
    Inside(Box<Folded>),
    Tokens(Vec<Token>),
}

impl Like {
    pub fn new(pattern: &str) -> Self {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' if tokens.last() == Some(&Token::Run) => {}
                '%' => tokens.push(Token::Run),
                '_' => tokens.push(Token::One),
                '\\' => tokens.push(Token::Char(fold(chars.next().unwrap_or('\\')))),
                c => tokens.push(Token::Char(fold(c))),
            }
        }
        match tokens.as_slice() {
            [Token::Run, inner @ .., Token::Run] => literal(inner).map_or(Self::Tokens(tokens), |text| Self::Inside(Box::new(Folded::new(&text)))),
            _ => Self::Tokens(tokens),
        }
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let tokens = match self {
            Self::Inside(part) => return part.is_in(text),
            Self::Tokens(tokens) => tokens.as_slice(),
        };
        let (mut at, mut rest) = (0, text.chars());
        // Where to go on when a run has to take one character more; only the last run ever needs to.
        let mut retry = None;
        loop {
            match tokens.get(at) {
                Some(Token::Run) => {
                    at += 1;
                    if at == tokens.len() {
                        return true;
                    }
                    retry = Some((at, rest.clone()));
                    continue;
                }
                Some(token) => match rest.next() {
                    Some(c) if *token == Token::One || *token == Token::Char(fold(c)) => {
                        at += 1;
                        continue;
                    }
                    Some(_) => {}
                    None => return false,
                },
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((start, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*start, from.clone());
        }
    }
}

fn literal(tokens: &[Token]) -> Option<String> {
    tokens.iter().map(|token| if let Token::Char(c) = token { Some(*c) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ignored_in_every_script() {
        for (needle, text) in [("ER", "Fern"), ("", ""), ("É", "caf\u{e9}s"), ("σας", "ΟΔΟΣΑΣ"), ("ПРИ", "привет"), ("k", "\u{212a}"), ("straße", "STRAßE")]
        {
            assert!(Folded::new(needle).is_in(text), "{needle} in {text}");
        }
        for (needle, text) in [("%", "100"), ("a.c", "abc"), ("ss", "ß"), ("i", "ı"), ("abc", "ab")] {
            assert!(!Folded::new(needle).is_in(text), "{needle} in {text}");
        }
    }

    #[test]
    fn like_knows_runs_single_characters_and_escapes() {
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("%%", "x"),
            ("f%n", "Fern"),
            ("_ERN", "fern"),
            ("%é_", "caf\u{e9}s"),
            ("%É%", "caf\u{e9}s"),
            ("%ab%ab", "abaabab"),
            (r"100\%", "100%"),
            (r"a\_b", "A_B"),
            ("\\", "\\"),
            ("%a%b%c%", "xxaxxbxxcxx"),
            ("_", "😀"),
        ] {
            assert!(Like::new(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "x"), ("_", ""), ("f", "fern"), ("%rn", "ferns"), (r"100\%", "1000"), ("a_", "a"), ("%a%b%c", "abcd"), (r"\%", "x")] {
            assert!(!Like::new(pattern).matches(text), "{pattern} {text}");
        }
    }
}
