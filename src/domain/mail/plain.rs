//! The plain-text part of a mail, out of its HTML: words, line breaks where blocks end, and where links lead.

/// Elements whose content nobody reads.
const HIDDEN: [&str; 4] = ["style", "script", "head", "title"];
/// Elements that begin and end a line.
const BLOCKS: [&str; 21] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "table",
    "tr",
    "blockquote",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "pre",
    "hr",
    "body",
];
/// Entities with a name; all others are numbers or stay as they are.
const ENTITIES: [(&str, char); 12] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("copy", '©'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("hellip", '…'),
    ("rarr", '→'),
    ("middot", '·'),
];

/// Reads any text as HTML; what is not well-formed is read as far as it goes. Takes time in proportion to its length.
pub fn text(html: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        writer.words(&rest[..open]);
        rest = &rest[open..];
        rest = match rest.strip_prefix("<!--") {
            Some(comment) => comment.split_once("-->").map_or("", |(_, after)| after),
            None if !Tag::begins(rest) => {
                writer.words("<");
                &rest[1..]
            }
            // A tag without an end hides what follows, as in browsers.
            None => Tag::parse(rest).map_or("", |(tag, after)| writer.tag(&tag, after)),
        };
    }
    writer.words(rest);
    writer.finish()
}

struct Tag {
    name: String,
    closing: bool,
    href: Option<String>,
}

impl Tag {
    /// Whether the `<` a text begins with is that of a tag.
    fn begins(text: &str) -> bool {
        text[1..].chars().next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?'))
    }

    /// The tag a text begins with, and what follows it; `None` when it does not end.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let inner = text.strip_prefix('<')?;
        let end = end_of_tag(inner)?;
        let (tag, after) = (&inner[..end], &inner[end + 1..]);
        let closing = tag.starts_with('/');
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let href = if name == "a" && !closing { attribute(tag, "href").map(|value| decoded(&value)) } else { None };
        Some((Self { name, closing, href }, after))
    }
}

/// Where the `>` stands that is in no quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let at = lower.match_indices(name).map(|(at, _)| at).find(|at| lower[..*at].ends_with(|c: char| c.is_ascii_whitespace()))?;
    let value = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|v| v.split(quote).next());
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or_else(|| value.split_ascii_whitespace().next().unwrap_or_default()).to_owned())
}

/// Text with its entities replaced.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // Names are short: an ampersand far from the next semicolon is one.
        let entity = rest.bytes().take(10).position(|b| b == b';').map(|end| &rest[..end]);
        match entity.and_then(|name| Some((name, character(name)?))) {
            Some((name, c)) => {
                out.push(c);
                rest = &rest[name.len() + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    let Some(number) = entity.strip_prefix('#') else {
        return ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, c)| *c);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control())
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Words read since the last break.
    line: String,
    space: bool,
    /// Where the link leads that is open, and where its words begin in `line`.
    link: Option<(String, usize)>,
}

impl Writer {
    fn words(&mut self, text: &str) {
        for c in decoded(text).chars() {
            if c.is_whitespace() {
                self.space = true;
            } else {
                if std::mem::take(&mut self.space) && !self.line.is_empty() {
                    self.line.push(' ');
                }
                self.line.push(c);
            }
        }
    }

    /// Answers what follows the tag and what it hides.
    fn tag<'a>(&mut self, tag: &Tag, after: &'a str) -> &'a str {
        match tag.name.as_str() {
            name if HIDDEN.contains(&name) && !tag.closing => return after_closing(after, name),
            "br" => self.end_line(),
            "li" => {
                if !self.line.is_empty() {
                    self.end_line();
                }
                if !tag.closing {
                    self.line.push('-');
                    self.space = true;
                }
            }
            "td" | "th" => self.space = true,
            "a" if tag.closing => self.end_link(),
            "a" => self.link = tag.href.clone().map(|href| (href, self.line.len())),
            name if BLOCKS.contains(&name) => self.end_block(),
            _ => {}
        }
        after
    }

    /// Says where a link leads, unless its words say so themselves.
    fn end_link(&mut self) {
        let Some((href, start)) = self.link.take() else { return };
        let words = self.line.get(start..).unwrap_or_default().trim();
        if href.is_empty() || words == href {
            return;
        }
        let gap = if words.is_empty() { "" } else { ": " };
        self.line.push_str(gap);
        self.line.push_str(&href);
    }

    fn end_line(&mut self) {
        self.end_link();
        self.out.push_str(self.line.trim_end());
        self.out.push('\n');
        self.line.clear();
        self.space = false;
    }

    /// Ends the line and leaves one empty below it.
    fn end_block(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn finish(mut self) -> String {
        self.end_link();
        self.end_block();
        let text = self.out.trim();
        if text.is_empty() { String::new() } else { format!("{text}\n") }
    }
}

/// What follows the closing tag; nothing when there is none.
fn after_closing<'a>(text: &'a str, name: &str) -> &'a str {
    let closing = format!("</{name}");
    let at = text.as_bytes().windows(closing.len()).position(|part| part.eq_ignore_ascii_case(closing.as_bytes()));
    at.and_then(|at| text[at..].split_once('>')).map_or("", |(_, after)| after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines_and_links_say_where_they_lead() {
        let html = "<!doctype html><html><head><title>x</title><style>p{}</style></head><body><h1>Hi  Mina</h1>\n<p>Use\n this:<br>\
            <a class=b href=\"http://localhost/in?a=1&amp;token=9\">Sign in</a></p><p><a href='http://x.test'>http://x.test</a></p>\
            <ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr></table></body></html>";
        let expected = "Hi Mina\n\nUse this:\nSign in: http://localhost/in?a=1&token=9\n\nhttp://x.test\n\n- one\n- two\n\na b\n";
        assert_eq!(text(html), expected);
    }

    #[test]
    fn entities_are_read_and_damaged_html_does_no_harm() {
        assert_eq!(text("&lt;b&gt; &amp;amp; &#39;&#x1F600;&#0; &nope; A&B & C"), "<b> &amp; '😀&#0; &nope; A&B & C\n");
        for (html, expected) in [
            ("", ""),
            ("<", "<\n"),
            ("a < b", "a < b\n"),
            ("a <p", "a\n"),
            ("a <i title=\"b>c", "a\n"),
            ("<!-- never closed", ""),
            ("<style>never closed", ""),
            ("x</a></p></li>", "x\n"),
            ("<a href>x</a>", "x\n"),
            ("<a href=\"a\">", "a\n"),
            ("한<b>국</b>어 <STYLE>이</STYLE >끝", "한국어 끝\n"),
            ("&한;", "&한;\n"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn a_large_hostile_body_is_read_in_one_go() {
        for part in ["<", "<a ", "&", "<style>", "<!--", "</", "<a href=\"", "href"] {
            text(&part.repeat(256 * 1024 / part.len()));
        }
    }
}
