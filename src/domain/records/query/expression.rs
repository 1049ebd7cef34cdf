//! Regular expressions of filters and `pattern` (`02-data.md` §6.4): the `regex` crate, linear time, bounded size.

use regex::{Regex, RegexBuilder};

/// Characters of an expression (`02-data.md` §12).
pub const MAX_EXPRESSION: usize = 1_000;
/// Bytes a compiled expression may take.
const MAX_COMPILED: usize = 1 << 20;

/// Compiles an expression with `$options` (letters of `i m s x`). The options become part of [`Regex::as_str`].
///
/// # Errors
/// `(rule, message)`: rule `limit` for one that is too long, else `regex` naming the construct.
pub fn compile(pattern: &str, options: &str) -> Result<Regex, (&'static str, String)> {
    if pattern.chars().nth(MAX_EXPRESSION).is_some() {
        return Err(("limit", format!("The regular expression is longer than {MAX_EXPRESSION} characters")));
    }
    if let Some(unknown) = options.chars().find(|c| !"imsx".contains(*c)) {
        return Err(("regex", format!("Unknown regular expression option \"{}\"; the options are i, m, s and x", unknown.escape_default())));
    }
    let mut flags: Vec<char> = options.chars().collect();
    flags.sort_unstable();
    flags.dedup();
    let whole = if flags.is_empty() { pattern.to_owned() } else { format!("(?{}){pattern}", flags.iter().collect::<String>()) };
    RegexBuilder::new(&whole).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).nest_limit(100).build().map_err(|error| ("regex", explain(&error)))
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "The regular expression is too large when compiled; use smaller repetitions".to_owned(),
        other => {
            let text = other.to_string();
            let reason = text.lines().rev().find_map(|line| line.trim().strip_prefix("error: ")).unwrap_or("bad syntax").to_owned();
            format!("The regular expression cannot be used: {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_construct_that_cannot_be_used_is_named() {
        for (pattern, part) in
            [("(?=F)", "look-around"), ("(?<!a)b", "look-around"), (r"(a)\1", "backreferences"), ("(", "unclosed group"), ("*", "repetition")]
        {
            let (rule, message) = compile(pattern, "").unwrap_err();
            assert_eq!(rule, "regex");
            assert!(message.contains(part), "{pattern}: {message}");
        }
        assert!(compile(r"\w{1000}", "").unwrap_err().1.contains("too large"));
        assert!(compile("a", "g").unwrap_err().1.contains("\"g\""));
        assert_eq!(compile(&"a".repeat(1_001), "").unwrap_err().0, "limit");
        assert!(compile(&"ä".repeat(1_000), "").is_ok());
    }

    #[test]
    fn options_travel_with_the_text_of_the_expression() {
        let regex = compile("^f # a comment", "xi").unwrap();
        assert!(regex.is_match("Fern"));
        assert!(Regex::new(regex.as_str()).unwrap().is_match("Fern"));
        assert!(!compile("^f", "").unwrap().is_match("Fern"));
    }
}
