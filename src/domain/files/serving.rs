//! As what an object may leave the server (`05-storage.md` §6.4): objects share their origin with the console, so nothing in one
//! may run there.

use super::disposition::Disposition;

/// How an object is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    pub content_type: String,
    pub disposition: Disposition,
    /// Whether a browser has to shut it into a sandbox.
    pub sandboxed: bool,
}

/// The policy of what is sandboxed.
pub const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const UNKNOWN: &str = "application/octet-stream";

impl Serving {
    /// How an object of a content type is sent to somebody who wants it shown or saved, or does not say.
    pub fn of(content_type: &str, wanted: Option<Disposition>) -> Self {
        let content_type = if is_sound(content_type) { content_type } else { UNKNOWN };
        let essence = essence(content_type);
        let kind = Kind::of(&essence);
        let disposition = if kind == Kind::Other { Disposition::Attachment } else { wanted.unwrap_or(Disposition::Inline) };
        Self { content_type: if is_script(&essence) { "text/plain".to_owned() } else { content_type.to_owned() }, disposition, sandboxed: kind != Kind::Media }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Raster images, audio, video, PDF: shown, and nothing in it can act in the name of the page's origin.
    Media,
    /// Shown in a sandbox.
    Text,
    /// Saved, whatever was asked for.
    Other,
}

impl Kind {
    fn of(essence: &str) -> Self {
        let (class, subtype) = essence.split_once('/').unwrap_or((essence, ""));
        // Browsers read any type that ends like this as a document.
        let document = subtype.ends_with("xml") || subtype.ends_with("html") || subtype.starts_with("svg");
        match class {
            "image" | "audio" | "video" if !document => Self::Media,
            _ if essence == "application/pdf" => Self::Media,
            _ if essence == "text/plain" => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Type and subtype, lower-case, without parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the text is one type and one subtype, so that every browser reads it alike; and can stand in a header.
fn is_sound(content_type: &str) -> bool {
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    let essence = essence(content_type);
    // A comma makes some browsers see a list of types.
    content_type.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b',')
        && essence.split_once('/').is_some_and(|(class, subtype)| token(class) && token(subtype))
}

/// The JavaScript types of the MIME Sniffing standard (§4.6), and the ones there are besides.
fn is_script(essence: &str) -> bool {
    let Some((class, subtype)) = essence.split_once('/') else { return false };
    let name = subtype.strip_prefix("x-").unwrap_or(subtype);
    matches!(class, "text" | "application")
        && (matches!(name, "javascript" | "ecmascript" | "jscript" | "livescript" | "typescript" | "vbscript" | "wasm")
            || name.strip_prefix("javascript").is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::Disposition::{Attachment, Inline};
    use super::*;

    #[test]
    fn pictures_sound_film_pdf_and_text_are_shown() {
        for media in ["image/png", "image/jpeg", "IMAGE/WebP", "image/avif", "audio/mpeg", "video/mp4", "application/pdf", "image/png; x=y"] {
            let expected = Serving { content_type: media.to_owned(), disposition: Inline, sandboxed: false };
            assert_eq!(Serving::of(media, None), expected);
            assert_eq!(Serving::of(media, Some(Attachment)).disposition, Attachment, "{media}");
        }
        let text = Serving { content_type: "text/plain; charset=utf-8".to_owned(), disposition: Inline, sandboxed: true };
        assert_eq!(Serving::of("text/plain; charset=utf-8", None), text);
    }

    #[test]
    fn everything_else_is_saved_whatever_was_asked_for() {
        for other in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "application/xhtml+xml",
            "image/svg+xml",
            "IMAGE/SVG+XML",
            "image/svg",
            "image/anything+xml",
            "video/x+xml",
            "audio/xml",
            "text/xml",
            "application/xml",
            "text/css",
            "text/csv",
            "application/json",
            "application/zip",
            "multipart/x-mixed-replace",
            "application/octet-stream",
            "message/rfc822",
            "font/woff2",
        ] {
            for wanted in [None, Some(Inline), Some(Attachment)] {
                let served = Serving::of(other, wanted);
                assert_eq!((served.disposition, served.sandboxed, served.content_type.as_str()), (Attachment, true, other));
            }
        }
    }

    #[test]
    fn scripts_are_text() {
        for script in [
            "text/javascript",
            "application/javascript",
            "application/x-javascript",
            "TEXT/JavaScript; charset=utf-8",
            "text/javascript1.5",
            "text/ecmascript",
            "text/jscript",
            "text/x-ecmascript",
            "application/wasm",
        ] {
            assert_eq!(
                Serving::of(script, Some(Inline)),
                Serving { content_type: "text/plain".to_owned(), disposition: Attachment, sandboxed: true },
                "{script}"
            );
        }
        assert_eq!(Serving::of("image/javascript", None).content_type, "image/javascript");
        assert_eq!(Serving::of("text/javascripting", None).content_type, "text/javascripting");
    }

    #[test]
    fn what_browsers_could_read_in_two_ways_is_unknown() {
        for odd in [
            "",
            "png",
            "image/",
            "/png",
            "image/png, text/html",
            "image/png\r\nX: y",
            "image /png",
            "im age/png",
            "text/plain;\u{7f}",
            "이미지/png",
            "image/png/html",
        ] {
            let served = Serving::of(odd, None);
            assert_eq!((served.content_type.as_str(), served.disposition, served.sandboxed), (UNKNOWN, Attachment, true), "{odd:?}");
        }
    }
}
