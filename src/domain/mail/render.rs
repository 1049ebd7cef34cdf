//! Texts with variables: `{{name}}` becomes its value, escaped in HTML; an unknown one becomes nothing.
//!
//! There is nothing else in the language, on purpose: a text that a developer has saved always renders, in one pass, to a
//! size that is known beforehand, and what strangers put into their names is never read as a text.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::plain;

/// `{{ name }}`.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]{0,63})\s*\}\}").expect("a fixed pattern"));
/// The picture of a logo.
static LOGO: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)<img\b[^<>]*\{\{\s*logoUrl\s*\}\}[^<>]*>").expect("a fixed pattern"));

/// A subject and an HTML body, with variables in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub subject: Cow<'static, str>,
    pub body: Cow<'static, str>,
}

/// A mail as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    /// The same without HTML, for readers that show none.
    pub text: String,
}

impl Text {
    /// Fills the variables in. A logo's picture is left out where there is no logo.
    pub fn render(&self, variables: &Map<String, Value>) -> Rendered {
        let has_logo = variables.get("logoUrl").is_some_and(|url| !plain_value(url).is_empty());
        let body = if has_logo { Cow::Borrowed(self.body.as_ref()) } else { LOGO.replace_all(&self.body, "") };
        let html = filled(&body, variables, escaped);
        Rendered { subject: one_line(&filled(&self.subject, variables, str::to_owned)), text: plain::text(&html), html }
    }

    /// How often subject and body name a variable.
    pub fn count_variables(&self) -> usize {
        VARIABLE.find_iter(&self.subject).count() + VARIABLE.find_iter(&self.body).count()
    }

    /// Names in subject and body that are none of these, in the order they come.
    pub fn unknown(&self, known: &[&str]) -> Vec<String> {
        let mut unknown: Vec<String> = Vec::new();
        for found in VARIABLE.captures_iter(&self.subject).chain(VARIABLE.captures_iter(&self.body)) {
            if !known.contains(&&found[1]) && !unknown.iter().any(|name| *name == found[1]) {
                unknown.push(found[1].to_owned());
            }
        }
        unknown
    }
}

fn filled(text: &str, variables: &Map<String, Value>, form: impl Fn(&str) -> String) -> String {
    let value = |found: &Captures<'_>| variables.get(&found[1]).map(|value| form(&plain_value(value))).unwrap_or_default();
    VARIABLE.replace_all(text, value).into_owned()
}

/// A value as text; null is nothing.
fn plain_value(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Text made safe for HTML, in elements and in quoted attributes alike.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A header is one line: line breaks and other control characters become spaces (RFC 5322 §2.2).
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(subject: &'static str, body: &'static str) -> Text {
        Text { subject: subject.into(), body: body.into() }
    }

    fn variables(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_variable_is_escaped_in_the_body_and_plain_in_the_subject() {
        let rendered = text("Hi {{userName}}", "<p title=\"{{userName}}\">{{ userName }}</p>").render(&variables(json!({ "userName": "<b>\"O'Neil\" & Co" })));
        assert_eq!(rendered.subject, "Hi <b>\"O'Neil\" & Co");
        let safe = "&lt;b&gt;&quot;O&#39;Neil&quot; &amp; Co";
        assert_eq!(rendered.html, format!("<p title=\"{safe}\">{safe}</p>"));
        assert_eq!(rendered.text, "<b>\"O'Neil\" & Co\n");
    }

    #[test]
    fn an_unknown_variable_renders_empty_and_is_named() {
        let text = text("{{appName}}{{nobody}}", "<p>{{userNmae}}|{{ nobody }}|{{userName}}|{{7}}|{{ }}</p>");
        let rendered = text.render(&variables(json!({ "userName": null })));
        assert_eq!((rendered.subject.as_str(), rendered.html.as_str()), ("", "<p>|||{{7}}|{{ }}</p>"));
        assert_eq!(text.unknown(&["appName", "userName"]), ["nobody", "userNmae"]);
    }

    #[test]
    fn a_value_is_never_read_as_a_text() {
        let rendered = text("{{userName}}", "{{userName}}").render(&variables(json!({ "userName": "{{token}}", "token": "secret" })));
        assert_eq!((rendered.subject.as_str(), rendered.html.as_str()), ("{{token}}", "{{token}}"));
    }

    #[test]
    fn line_breaks_are_stripped_from_subjects() {
        for breaking in ["a\r\nBcc: x@evil.test", "a\nBcc: x@evil.test", "a\u{2028}Bcc: x@evil.test", "a\u{85}\0\tBcc: x@evil.test"] {
            let rendered = text("  {{userName}}\n!", "").render(&variables(json!({ "userName": breaking })));
            assert_eq!(rendered.subject, "a Bcc: x@evil.test !", "{breaking:?}");
        }
    }

    #[test]
    fn without_a_logo_its_picture_is_left_out() {
        let text = text("", "<div><IMG alt=\"\"\n src=\"{{ logoUrl }}\" width=40><img src=\"x.png\"></div>");
        assert_eq!(text.render(&variables(json!({ "logoUrl": null }))).html, "<div><img src=\"x.png\"></div>");
        let with = text.render(&variables(json!({ "logoUrl": "https://harbor.test/l.png?a=1&b=2" }))).html;
        assert!(with.contains("src=\"https://harbor.test/l.png?a=1&amp;b=2\" width=40>"), "{with}");
    }
}
