//! Regular expressions as tables and filters accept them (`02-data.md` §6.4): the syntax of the `regex` crate,
//! Unicode, linear time.

use regex::{Regex, RegexBuilder};

/// Characters of a pattern (§12).
pub const MAX_PATTERN: usize = 1000;
/// Bytes of a compiled program; Unicode classes with repetitions grow fast.
const MAX_COMPILED: usize = 1 << 20;

/// A pattern beside its compiled form; two are equal when their texts are.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// # Errors
    /// A sentence naming the construct that is not supported.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), regex: compile(text, "")? })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Searched, not anchored.
    pub fn is_found_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Compiles a pattern with `$options`, letters of `i m s x`. The options become part of the expression's text, so that
/// it means the same wherever it is compiled again or compared.
///
/// # Errors
/// A sentence naming the construct, option or limit.
pub fn compile(text: &str, options: &str) -> Result<Regex, String> {
    if is_too_long(text) {
        return Err(format!("the pattern is longer than {MAX_PATTERN} characters"));
    }
    if let Some(unknown) = options.chars().find(|c| !"imsx".contains(*c)) {
        return Err(format!("unknown option \"{}\"; options are letters of i, m, s, x", unknown.escape_default()));
    }
    let flags: String = "imsx".chars().filter(|flag| options.contains(*flag)).collect();
    let whole = if flags.is_empty() { text.to_owned() } else { format!("(?{flags}){text}") };
    RegexBuilder::new(&whole).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build().map_err(|e| reason(&e))
}

/// Whether a text exceeds what a pattern may have.
pub fn is_too_long(text: &str) -> bool {
    text.chars().nth(MAX_PATTERN).is_some()
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large to compile; use fewer or smaller repetitions".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().rev().find_map(|line| line.trim().strip_prefix("error: ")).unwrap_or("bad syntax");
            last.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_around_and_backreferences_are_named() {
        assert!(compile("(?=F)", "").unwrap_err().contains("look-around"));
        assert!(compile(r"(a)\1", "").unwrap_err().contains("backreferences"));
        assert!(compile("(", "").unwrap_err().contains("unclosed group"));
        assert!(compile(r"\w{500}{500}", "").unwrap_err().contains("too large"));
        assert!(compile("a", "g").unwrap_err().contains('g'));
        assert!(compile(&"a".repeat(1001), "").is_err());
    }

    #[test]
    fn options_change_the_match() {
        assert!(compile("^f", "i").unwrap().is_match("Fern"));
        assert!(!compile("^f", "").unwrap().is_match("Fern"));
        let free = compile("^f # a comment", "xi").unwrap();
        assert!(Regex::new(free.as_str()).unwrap().is_match("Fern"));
    }
}
