//! Names people give themselves (`03-auth.md` §1).

use crate::domain::error::{Code, Error, Result};

const NAME: usize = 100;
const NICKNAME: usize = 50;

/// Trimmed, 1–100 characters, none of them a control character.
///
/// # Errors
/// 400 `user/invalid-name`.
pub fn name(text: &str) -> Result<String> {
    line(text, NAME).ok_or_else(|| Error::new(Code::INVALID_NAME, format!("name must have 1–{NAME} characters and no control characters")))
}

/// Trimmed, 1–50 characters, none of them a control character.
///
/// # Errors
/// 400 `user/invalid-nickname`.
pub fn nickname(text: &str) -> Result<String> {
    line(text, NICKNAME).ok_or_else(|| Error::new(Code::INVALID_NICKNAME, format!("nickname must have 1–{NICKNAME} characters and no control characters")))
}

fn line(text: &str, max: usize) -> Option<String> {
    let text = text.trim();
    ((1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_counted_in_characters() {
        assert_eq!(name("  미나 Roh ").unwrap(), "미나 Roh");
        assert!(name(&"가".repeat(100)).is_ok() && nickname(&"가".repeat(50)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{7}", &"가".repeat(101)] {
            assert_eq!(name(bad).unwrap_err().code(), Code::INVALID_NAME);
        }
        assert_eq!(nickname(&"a".repeat(51)).unwrap_err().code(), Code::INVALID_NICKNAME);
    }
}
