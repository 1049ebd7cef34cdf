//! `Content-Disposition` (RFC 6266): whether a browser shows a file or saves it, and under which name.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `attr-char` of RFC 8187 §3.2.1 allows besides letters and digits.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Shown, or saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    Inline,
    Attachment,
}

impl Disposition {
    /// `inline` or `attachment`, as written in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "inline" => Some(Self::Inline),
            "attachment" => Some(Self::Attachment),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
        }
    }

    /// The header's value: the name itself for clients that read RFC 8187, and an ASCII fallback for the others.
    pub fn header(self, name: &str) -> String {
        let mut value = format!("{}; filename=\"", self.name());
        value.extend(name.chars().map(|c| if is_plain(c) { c } else { '_' }));
        // Writing to a string cannot fail.
        let _ = write!(value, "\"; filename*=UTF-8''{}", utf8_percent_encode(name, KEPT));
        value
    }
}

/// Whether every client reads the character in a quoted string alike: some undo `\`, some decode `%`.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_given_in_ascii_and_as_it_is() {
        let cases = [
            ("hello.txt", r#"inline; filename="hello.txt"; filename*=UTF-8''hello.txt"#),
            ("회의록 3월.txt", r#"inline; filename="___ 3_.txt"; filename*=UTF-8''%ED%9A%8C%EC%9D%98%EB%A1%9D%203%EC%9B%94.txt"#),
            (r#"a "b" \c.txt"#, r#"inline; filename="a _b_ _c.txt"; filename*=UTF-8''a%20%22b%22%20%5Cc.txt"#),
            ("50%41.txt", r#"inline; filename="50_41.txt"; filename*=UTF-8''50%2541.txt"#),
            ("it's (1); x=*.txt", r#"inline; filename="it's (1); x=*.txt"; filename*=UTF-8''it%27s%20%281%29%3B%20x%3D%2A.txt"#),
            ("👍🏽.png", r#"inline; filename="__.png"; filename*=UTF-8''%F0%9F%91%8D%F0%9F%8F%BD.png"#),
            ("a\r\nSet-Cookie: x", r#"inline; filename="a__Set-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"#),
        ];
        for (name, expected) in cases {
            assert_eq!(Disposition::Inline.header(name), expected);
        }
        assert!(Disposition::Attachment.header("x").starts_with("attachment; "));
    }

    #[test]
    fn only_the_two_words_are_dispositions() {
        for one in [Disposition::Inline, Disposition::Attachment] {
            assert_eq!(Disposition::parse(one.name()), Some(one));
        }
        assert!(["", "INLINE", "inline ", "form-data"].iter().all(|text| Disposition::parse(text).is_none()));
    }

    proptest! {
        #[test]
        fn any_name_comes_back_and_nothing_breaks_out(name in any::<String>()) {
            let header = Disposition::Attachment.header(&name);
            prop_assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)));
            let (fallback, exact) = header.strip_prefix("attachment; filename=\"").unwrap().split_once("\"; filename*=UTF-8''").unwrap();
            prop_assert!(!fallback.contains(['"', '\\', '%']));
            prop_assert_eq!(percent_encoding::percent_decode_str(exact).decode_utf8().unwrap(), name.as_str());
        }
    }
}
