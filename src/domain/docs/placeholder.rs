//! `@@TOKENS@@` of the corpus: the reader's own addresses, keys and the server's own limits.

use std::fmt::Write;

use crate::domain::page;
use crate::domain::records::{by_filter, operation, write};
use crate::domain::tables::{check, index_def, ops, pattern};

/// What is known about the reader. What is not known stays a word in braces.
#[derive(Debug, Clone)]
pub struct Placeholders {
    /// The running server's address, without a slash at its end.
    pub base: String,
    pub publishable_key: Option<String>,
    pub project: Option<String>,
    pub environment: Option<String>,
}

/// A token the corpus may not contain.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown placeholder @@{0}@@")]
pub struct UnknownPlaceholder(pub String);

impl Default for Placeholders {
    /// Without a server: the address it would have.
    fn default() -> Self {
        Self { base: "http://localhost:4300".to_owned(), publishable_key: None, project: None, environment: None }
    }
}

impl Placeholders {
    /// Replaces every token. Secret keys and access tokens are never filled in.
    ///
    /// # Errors
    /// The first token that has no meaning.
    pub fn replace(&self, text: &str) -> Result<String, UnknownPlaceholder> {
        let mut out = String::with_capacity(text.len() + 256);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("@@") {
            out.push_str(before);
            let (token, after) = after.split_once("@@").ok_or_else(|| UnknownPlaceholder(after.chars().take(40).collect()))?;
            self.write(&mut out, token)?;
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn write(&self, out: &mut String, token: &str) -> Result<(), UnknownPlaceholder> {
        let base = self.base.trim_end_matches('/');
        let path = match token {
            "BASE" => "",
            "MCP" => "/mcp",
            "CONSOLE" => "/console",
            "STORAGE" => "/storage",
            "IMG" => "/img",
            _ => {
                out.push_str(&self.word(token).ok_or_else(|| UnknownPlaceholder(token.to_owned()))?);
                return Ok(());
            }
        };
        write!(out, "{base}{path}").expect("a String takes everything");
        Ok(())
    }

    fn word(&self, token: &str) -> Option<String> {
        let or = |known: &Option<String>, else_: &str| known.clone().unwrap_or_else(|| else_.to_owned());
        Some(match token {
            "PK" => or(&self.publishable_key, "{pk_publishable_key}"),
            "SK" => "{sk_secret_key}".to_owned(),
            "TOKEN" => "{accessToken}".to_owned(),
            "PROJECT" => or(&self.project, "{project_id}"),
            "ENV" => or(&self.environment, "dev"),
            _ => value(token.strip_prefix("VALUE:")?)?,
        })
    }
}

/// A limit of the server by the name pages call it.
fn value(name: &str) -> Option<String> {
    Some(match name {
        "page-limit" => page::DEFAULT_LIMIT.to_string(),
        "page-limit-max" => page::MAX_LIMIT.to_string(),
        "record-size" => format!("{} MiB", write::MAX_RECORD / (1024 * 1024)),
        "record-depth" => grouped(check::MAX_DEPTH as u64),
        "record-keys" => grouped(check::MAX_KEYS as u64),
        "array-records" => grouped(operation::MAX_CREATES as u64),
        "bulk-operations" => grouped(operation::MAX_OPERATIONS as u64),
        "filter-hits" => grouped(by_filter::MAX_HITS),
        "pattern-length" => grouped(pattern::MAX_PATTERN as u64),
        "tables" => grouped(ops::MAX_TABLES as u64),
        "indexes" => grouped(index_def::MAX_INDEXES as u64),
        "version" => env!("CARGO_PKG_VERSION").to_owned(),
        _ => return None,
    })
}

/// Digits in groups of three: 100,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_the_readers_own_addresses() {
        let values = Placeholders { base: "https://x.test/".into(), project: Some("p1".into()), ..Placeholders::default() };
        assert_eq!(values.replace("@@BASE@@/v1 @@MCP@@ @@PROJECT@@/@@ENV@@").unwrap(), "https://x.test/v1 https://x.test/mcp p1/dev");
        assert_eq!(Placeholders::default().replace("@@PK@@ @@SK@@ @@TOKEN@@").unwrap(), "{pk_publishable_key} {sk_secret_key} {accessToken}");
        assert_eq!(values.replace("at most @@VALUE:page-limit-max@@").unwrap(), "at most 100");
    }

    #[test]
    fn large_limits_are_grouped() {
        assert_eq!(["7", "500", "1,000", "100,000", "1,234,567"], [7, 500, 1000, 100_000, 1_234_567].map(grouped).each_ref().map(String::as_str));
    }

    #[test]
    fn an_unknown_or_open_token_is_an_error() {
        let values = Placeholders::default();
        assert_eq!(values.replace("@@BASEMENT@@").unwrap_err(), UnknownPlaceholder("BASEMENT".into()));
        assert!(values.replace("@@VALUE:nothing@@").is_err());
        assert!(values.replace("a @@BASE b").is_err());
    }
}
