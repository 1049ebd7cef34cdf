//! Content types: their form, when two are the same, and which class of size they belong to (`05-storage.md` §3).

use crate::domain::error::{Code, Error, Result, clip};

/// Characters of a content type with its parameters.
const MAX_LENGTH: usize = 100;
/// What bytes are that nothing is known of.
pub const UNKNOWN: &str = "application/octet-stream";

/// `type/subtype[;params]` (RFC 9110 §8.3.1); type and subtype in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    text: String,
    /// Length of `type/subtype`.
    essence: usize,
}

/// What the limit of a single upload depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Image,
    Media,
    Document,
    Other,
}

impl MediaType {
    /// `None` for an empty text: none was stated.
    ///
    /// # Errors
    /// `file/mime-type-too-long`, `file/invalid-format`.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(Error::new(Code::FILE_MIME_TYPE_TOO_LONG, format!("The content type may have {MAX_LENGTH} characters; send type/subtype")));
        }
        Self::of(text).map(Some).ok_or_else(|| {
            Error::new(Code::FILE_INVALID_FORMAT, format!("\"{}\" is no content type; send one such as image/png or text/plain; charset=utf-8", clip(text)))
        })
    }

    fn of(text: &str) -> Option<Self> {
        let (essence, parameters) = text.split_once(';').map_or((text, None), |(essence, rest)| (essence, Some(rest)));
        let essence = essence.trim_end();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) || kind == "*" || subtype == "*" {
            return None;
        }
        let mut out = essence.to_ascii_lowercase();
        let length = out.len();
        if let Some(parameters) = parameters {
            are_parameters(parameters).then_some(())?;
            out.push(';');
            out.push_str(parameters);
        }
        Some(Self { text: out, essence: length })
    }

    /// What the extension of a name says, else `application/octet-stream`.
    pub fn guess(filename: &str) -> Self {
        let guess = mime_guess::from_path(filename).first_raw().unwrap_or(UNKNOWN);
        Self::of(guess).unwrap_or_else(|| Self { text: UNKNOWN.to_owned(), essence: UNKNOWN.len() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn into_string(self) -> String {
        self.text
    }

    /// Type and subtype, with one name for JPEG.
    pub fn essence(&self) -> &str {
        match &self.text[..self.essence] {
            "image/jpg" => "image/jpeg",
            essence => essence,
        }
    }

    /// Whether two name the same type, whatever their parameters.
    pub fn is_same(&self, other: &Self) -> bool {
        self.essence() == other.essence()
    }

    /// One of the four types of pictures whose size can be read and that avatars may have.
    pub fn is_picture(&self) -> bool {
        matches!(self.essence(), "image/jpeg" | "image/png" | "image/gif" | "image/webp")
    }

    pub fn class(&self) -> Class {
        let essence = self.essence();
        match essence.split_once('/') {
            Some(("image", _)) => Class::Image,
            Some(("video" | "audio", _)) => Class::Media,
            Some(("text", _)) => Class::Document,
            Some(("application", subtype)) if is_document(subtype) => Class::Document,
            _ => Class::Other,
        }
    }

    /// Whether a pattern covers it: `image/png`, `image/*`, `*/*` or `*`.
    pub fn fits(&self, pattern: &str) -> bool {
        let essence = self.essence();
        match pattern.trim().to_ascii_lowercase().as_str() {
            "*" | "*/*" => true,
            "image/jpg" => essence == "image/jpeg",
            pattern => match pattern.strip_suffix("/*") {
                Some(kind) => essence.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')),
                None => essence == pattern,
            },
        }
    }
}

/// Whether a text can be a pattern of content types.
pub fn is_pattern(text: &str) -> bool {
    let valid = |part: &str| part == "*" || is_token(part);
    text == "*"
        || (text.len() <= MAX_LENGTH && text.split_once('/').is_some_and(|(kind, subtype)| valid(kind) && valid(subtype) && (kind != "*" || subtype == "*")))
}

/// PDF, RTF, Word, Excel, PowerPoint, OpenDocument.
fn is_document(subtype: &str) -> bool {
    matches!(subtype, "pdf" | "rtf" | "msword" | "vnd.ms-excel" | "vnd.ms-powerpoint")
        || ["vnd.openxmlformats-officedocument.", "vnd.oasis.opendocument.", "vnd.ms-word.", "vnd.ms-excel.", "vnd.ms-powerpoint."]
            .iter()
            .any(|family| subtype.starts_with(family))
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// RFC 9110 §5.6.6: `name=value`, the value a token or a quoted string; empty ones are allowed.
fn are_parameters(text: &str) -> bool {
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(';') {
            rest = after.trim_start();
            continue;
        }
        let Some((name, value)) = rest.split_once('=') else { return false };
        if !is_token(name) {
            return false;
        }
        let end = match value.strip_prefix('"') {
            Some(inner) => match closing_quote(inner) {
                Some(at) => at + 2,
                None => return false,
            },
            None => {
                let end = value.find([';', ' ', '\t']).unwrap_or(value.len());
                if !is_token(&value[..end]) {
                    return false;
                }
                end
            }
        };
        rest = value[end..].trim_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return false;
        }
    }
    true
}

/// Where a quoted string ends, if all of it may stand in a header.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if !(' '..='~').contains(&c) && c != '\t' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> MediaType {
        MediaType::parse(text).unwrap().unwrap()
    }

    #[test]
    fn types_compare_whatever_their_case_and_parameters() {
        assert!(of("Text/Plain; charset=utf-8").is_same(&of("text/plain")));
        assert!(of("image/JPG").is_same(&of("image/jpeg")));
        assert!(!of("image/png").is_same(&of("image/jpeg")));
        assert_eq!(of("Text/Plain; Charset=\"UTF-8\"").as_str(), "text/plain; Charset=\"UTF-8\"");
        assert_eq!(MediaType::parse("  ").unwrap(), None);
    }

    #[test]
    fn what_is_no_content_type_is_refused() {
        for bad in [
            "text",
            "text/",
            "/plain",
            "text/plain/x",
            "te xt/plain",
            "text/pl ain",
            "text/plain; a",
            "text/plain; a=\"b",
            "text/plain\r\nX: y",
            "*/*",
            "image/*",
            "text/한글",
            "text/plain; a=b c",
        ] {
            assert_eq!(MediaType::parse(bad).unwrap_err().code(), Code::FILE_INVALID_FORMAT, "{bad:?}");
        }
        assert_eq!(MediaType::parse(&format!("text/{}", "a".repeat(96))).unwrap_err().code(), Code::FILE_MIME_TYPE_TOO_LONG);
        assert!(MediaType::parse(&format!("text/{}", "a".repeat(95))).unwrap().is_some());
    }

    #[test]
    fn the_class_follows_the_type() {
        for (text, class) in [
            ("image/svg+xml", Class::Image),
            ("video/mp4", Class::Media),
            ("audio/ogg", Class::Media),
            ("text/csv", Class::Document),
            ("application/pdf", Class::Document),
            ("application/rtf", Class::Document),
            ("application/msword", Class::Document),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Class::Document),
            ("application/vnd.ms-powerpoint", Class::Document),
            ("application/vnd.oasis.opendocument.text", Class::Document),
            ("application/zip", Class::Other),
            ("font/woff2", Class::Other),
        ] {
            assert_eq!(of(text).class(), class, "{text}");
        }
    }

    #[test]
    fn patterns_cover_a_type_a_kind_or_everything() {
        let png = of("image/png");
        assert!(["*/*", "*", "image/*", "IMAGE/PNG"].iter().all(|pattern| png.fits(pattern)));
        assert!(["image/jpeg", "imag/*", "text/*", "image/pn"].iter().all(|pattern| !png.fits(pattern)));
        assert!(of("image/jpeg").fits("image/jpg"));
        assert!(["*/*", "*", "image/*", "image/png"].iter().all(|p| is_pattern(p)) && ["", "image", "*/png", "a b/c"].iter().all(|p| !is_pattern(p)));
    }

    #[test]
    fn the_extension_tells_the_type() {
        assert_eq!(MediaType::guess("photo.JPG").as_str(), "image/jpeg");
        assert_eq!(MediaType::guess("회의록.pdf").as_str(), "application/pdf");
        assert_eq!(MediaType::guess("noext").as_str(), UNKNOWN);
    }
}
