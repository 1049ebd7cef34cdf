//! Names that are no words: paths, codes, headers, parameters, tools, operators, numbers of errors.

use super::routes;
use crate::domain::error::Code;

/// A piece of text that may be an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    pub text: &'a str,
    /// Byte offset in the text it was found in.
    pub start: usize,
    pub shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Has a slash: a path, an address or an error code.
    Path,
    /// Looks like a name of a program: `andFilters`, `X-API-Key`, `$regex`, `-32601`, `PERMISSION_DENIED`.
    Name,
    /// A plain word, which may still be one.
    Word,
}

/// The pieces between spaces and punctuation that no identifier contains.
pub fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut before = ' ';
    let mut in_variable = false;
    for (at, c) in text.char_indices() {
        // `{id}` belongs to a path when it stands behind a slash.
        in_variable |= c == '{' && before == '/';
        let breaks = match c {
            '{' | '}' | '<' | '>' => !(in_variable || (c == '<' && before == '/') || (c == '>' && text[start..at].contains("/<"))),
            _ => c.is_whitespace() || "\"'`,;()[]|=&?!#\\".contains(c),
        };
        if c == '}' {
            in_variable = false;
        }
        if breaks {
            push(text, start, at, &mut out);
            start = at + c.len_utf8();
            in_variable = false;
        }
        before = c;
    }
    push(text, start, text.len(), &mut out);
    out
}

fn push<'a>(text: &'a str, start: usize, end: usize, out: &mut Vec<Chunk<'a>>) {
    let raw = &text[start..end];
    let trimmed = raw.trim_end_matches(['.', ':', '*', '/', '-', '…', '~', '^']);
    let trimmed = if trimmed.is_empty() { raw } else { trimmed };
    let lead = trimmed.len() - trimmed.trim_start_matches(['.', ':', '*', '~', '^']).len();
    let inner = &trimmed[lead..];
    if inner.chars().any(char::is_alphanumeric) {
        out.push(Chunk { text: inner, start: start + lead, shape: shape(inner) });
    }
}

fn shape(text: &str) -> Shape {
    let inside = |c: char| text.char_indices().any(|(at, x)| x == c && at > 0);
    let mut pairs = text.chars().zip(text.chars().skip(1));
    if text.contains('/') {
        Shape::Path
    } else if text.starts_with(['$', '_', '@'])
        || text.contains('_')
        || inside('-')
        || inside(':')
        || (inside('.') && !text.ends_with('.'))
        || pairs.any(|(a, b)| a.is_lowercase() && b.is_uppercase())
        || (text.starts_with('-') && text[1..].bytes().all(|b| b.is_ascii_digit()))
    {
        Shape::Name
    } else {
        Shape::Word
    }
}

/// The one way a name is written in index and query: case, hyphens and underscores do not tell names apart.
pub fn canonical(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_') && !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The names one identifier is known by: as it is, and for a code also its part behind the slash.
pub fn forms(name: &str) -> Vec<String> {
    let mut out = vec![canonical(name)];
    let code = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if let Some((domain, slug)) = name.split_once('/').filter(|(domain, slug)| code(domain) && code(slug)) {
        let _ = domain;
        out.push(canonical(slug));
    }
    out
}

/// Whether a name in backticks is an error code: `domain/slug` of a domain that has codes.
pub fn is_code(name: &str) -> bool {
    const DOMAINS: &[&str] = &["auth", "user", "file", "mail", "webhook", "import", "seed"];
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    name.split_once('/')
        .is_some_and(|(domain, slug)| plain(slug) && (DOMAINS.contains(&domain) || Code::ALL.iter().any(|code| code.name.split('/').next() == Some(domain))))
}

/// What of a query comes from tools and not from whoever asks: the keys every error body has, and what every request carries.
pub fn boilerplate(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "success",
        "statuscode",
        "message",
        "error",
        "code",
        "details",
        "requestid",
        "data",
        "true",
        "false",
        "null",
        "http",
        "https",
        "localhost",
        "contenttype",
        "application",
        "json",
        "application/json",
        "authorization",
        "bearer",
        "accept",
        "curl",
        "host",
        "useragent",
        "v1",
        "h",
        "x",
        "d",
        "post",
        "get",
        "patch",
        "put",
        "delete",
        "status",
        "at",
        "node",
        "modules",
        "js",
        "ts",
        "tsx",
        "jsx",
        "internal",
        "process",
        "async",
        "await",
        "promise",
        "object",
        "anonymous",
        "users",
        "home",
        "src",
        "app",
        "index",
        "line",
        "file",
        "type",
        "name",
        "path",
        "response",
        "request",
        "console",
        "log",
        "undefined",
        "uncaught",
        "typeerror",
        "ok",
        "url",
    ];
    routes::is_method(name) || NAMES.contains(&canonical(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        chunks(text).into_iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn identifiers_are_taken_out_of_what_surrounds_them() {
        assert_eq!(texts(r#"{"code":"auth/mfa-required","message":"no"}"#), ["code", "auth/mfa-required", "message", "no"]);
        assert_eq!(texts("GET /v1/data/{table}/{id}?page=2&limit=5."), ["GET", "/v1/data/{table}/{id}", "page", "2", "limit", "5"]);
        assert_eq!(texts("-H 'X-API-Key: pk_1'"), ["-H", "X-API-Key", "pk_1"]);
        assert_eq!(texts("`$regex`, (-32601)!"), ["$regex", "-32601"]);
        assert!(texts("{}[]()\"'`,.;:- ").is_empty());
    }

    #[test]
    fn shapes_tell_names_from_words() {
        for name in ["andFilters", "X-API-Key", "$regex", "-32601", "PERMISSION_DENIED", "backend_table_create", "pk_", "error.code", "--json"] {
            assert_eq!(shape(name), Shape::Name, "{name}");
        }
        assert_eq!(shape("auth/mfa-required"), Shape::Path);
        assert_eq!(shape("token"), Shape::Word);
        assert!(is_code("auth/mfa-required") && is_code("data/not-found") && !is_code("image/png") && !is_code("database/05-list/x"));
    }

    #[test]
    fn spellings_of_one_name_meet() {
        assert_eq!(canonical("X-API-Key"), canonical("x_api_key"));
        assert!(forms("data/permission-denied").contains(&canonical("PERMISSION_DENIED")));
    }
}
