//! Names of files as people write them, and the keys made from them (`05-storage.md` §1, §3).

use unicode_normalization::UnicodeNormalization;

use crate::domain::error::{Code, Error, Result};

/// Characters of a file name.
const MAX_NAME: usize = 255;
/// Characters of a file name that go into a key.
const MAX_KEY_NAME: usize = 80;
/// Characters of a key that is sent.
const MAX_KEY: usize = 500;
const TOKEN_LENGTH: usize = 26;
const TOKEN_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A file name, trimmed and in NFC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// # Errors
    /// `file/invalid-name`, `file/original-name-too-long`.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        // Normal forms need at most three characters for one; more than that can't become 255.
        if trimmed.chars().nth(MAX_NAME * 4).is_some() {
            return Err(too_long());
        }
        let name: String = trimmed.nfc().collect();
        if name.is_empty() {
            return Err(Error::new(Code::FILE_INVALID_NAME, "The file name is empty; send one such as photo.jpg"));
        }
        if name.chars().count() > MAX_NAME {
            return Err(too_long());
        }
        if name == "." || name == ".." || name.chars().any(is_forbidden) {
            let message =
                "The file name must not be . or .. and must not hold slashes, backslashes, control characters or marks that turn the direction of text";
            return Err(Error::new(Code::FILE_INVALID_NAME, message));
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// What of it stands at the end of a key.
    fn in_key(&self) -> String {
        let name: String = self.0.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).collect();
        // Segments of dots alone are taken for steps by every client.
        if name.bytes().all(|b| b == b'.') {
            return "file".to_owned();
        }
        if name.len() <= MAX_KEY_NAME {
            return name;
        }
        match name.rsplit_once('.') {
            Some((stem, extension)) if extension.len() < MAX_KEY_NAME => format!("{}.{extension}", &stem[..MAX_KEY_NAME - 1 - extension.len()]),
            _ => name[..MAX_KEY_NAME].to_owned(),
        }
    }
}

fn too_long() -> Error {
    Error::new(Code::FILE_ORIGINAL_NAME_TOO_LONG, format!("The file name may have {MAX_NAME} characters; shorten it"))
}

/// Separators, C0, DEL, C1, bidi embeddings, overrides and isolates (UAX #9 §2).
fn is_forbidden(c: char) -> bool {
    matches!(c, '/' | '\\' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') || c.is_control()
}

/// A key that nobody can guess: `<environment>/<file>-<token>/<name>`.
pub fn new_key(environment_id: &str, file_id: &str, name: &FileName) -> String {
    let random: [u8; TOKEN_LENGTH] = rand::random();
    let token: String = random.iter().map(|b| char::from(TOKEN_ALPHABET[usize::from(b % 32)])).collect();
    format!("{environment_id}/{file_id}-{token}/{}", name.in_key())
}

/// A key as it was sent: bare, or as the plain or signed URL of the object, whatever its host.
///
/// # Errors
/// `file/s3-key-too-long`.
pub fn sent_key(text: &str) -> Result<String> {
    let text = text.trim();
    let key = match text.split_once("://").and_then(|(_, rest)| rest.split_once("/storage/")) {
        Some((_, path)) => {
            let path = path.split(['?', '#']).next().unwrap_or(path);
            percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
        }
        None => text.to_owned(),
    };
    if key.chars().count() > MAX_KEY {
        return Err(Error::new(Code::FILE_S3_KEY_TOO_LONG, format!("The key may have {MAX_KEY} characters; send it as it was issued")));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_name(name: &str) -> String {
        FileName::parse(name).unwrap().in_key()
    }

    #[test]
    fn names_are_trimmed_normalised_and_keep_what_people_write() {
        assert_eq!(FileName::parse("  회의록 3월 (최종) '26 🎉.txt ").unwrap().as_str(), "회의록 3월 (최종) '26 🎉.txt");
        assert_eq!(FileName::parse("e\u{301}.txt").unwrap().as_str(), "é.txt");
        // Decomposed Hangul counts as it is stored.
        let decomposed: String = "한".repeat(255).nfd().collect();
        assert_eq!(FileName::parse(&decomposed).unwrap().as_str(), "한".repeat(255));
        assert!(FileName::parse(&"🎉".repeat(255)).is_ok());
    }

    #[test]
    fn hostile_and_overlong_names_are_refused() {
        for bad in ["", "   ", ".", "..", "a/b", "a\\b", "../../etc/passwd", "a\0b", "a\nb", "a\u{7f}b", "a\u{9f}b", "a\u{202e}gpj.exe", "a\u{2067}b"] {
            assert_eq!(FileName::parse(bad).unwrap_err().code(), Code::FILE_INVALID_NAME, "{bad:?}");
        }
        for long in ["한".repeat(256), "🎉".repeat(256), "a".repeat(1_000_000)] {
            assert_eq!(FileName::parse(&long).unwrap_err().code(), Code::FILE_ORIGINAL_NAME_TOO_LONG);
        }
    }

    #[test]
    fn a_key_holds_what_remains_of_the_name() {
        assert_eq!(key_name("hello world (1).txt"), "helloworld1.txt");
        assert_eq!(key_name("회의록"), "file");
        assert_eq!(key_name("..한"), "file");
        assert_eq!(key_name(&format!("{}.jpeg", "a".repeat(200))), format!("{}.jpeg", "a".repeat(75)));
        assert_eq!(key_name(&"a".repeat(200)), "a".repeat(80));
        assert_eq!(key_name(&format!("a.{}", "b".repeat(200))).len(), 80);
        let key = new_key("e", "f", &FileName::parse("a.txt").unwrap());
        let token = key.strip_prefix("e/f-").and_then(|rest| rest.strip_suffix("/a.txt")).unwrap();
        assert!(token.len() == 26 && token.bytes().all(|b| TOKEN_ALPHABET.contains(&b)));
    }

    #[test]
    fn a_key_may_be_sent_as_the_url_of_its_object() {
        for sent in ["e/f-t/a.txt", "http://localhost:4300/storage/e/f-t/a.txt", "https://x.test/storage/e/f-t/a.txt?X-Bkend-Max=1", " e/f-t/a.txt "] {
            assert_eq!(sent_key(sent).unwrap(), "e/f-t/a.txt", "{sent}");
        }
        assert_eq!(sent_key(&"k".repeat(501)).unwrap_err().code(), Code::FILE_S3_KEY_TOO_LONG);
        assert_eq!(sent_key("../../etc/passwd").unwrap(), "../../etc/passwd");
    }
}
