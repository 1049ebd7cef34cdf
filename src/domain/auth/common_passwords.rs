//! The 10,000 most common passwords, for `checkCommonPasswords`. The list is the beginning of that of zxcvbn 4.4 (MIT
//! licence, © 2012–2016 Dan Wheeler and Dropbox, Inc.), in order of frequency.

use std::collections::HashSet;
use std::sync::LazyLock;

static LIST: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Whether a password is one of them, in whatever case.
pub fn contains(password: &str) -> bool {
    LIST.contains(password.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_are_known_in_any_case() {
        assert_eq!(LIST.len(), 10_000);
        assert!(contains("123456") && contains("LetMeIn") && !contains("ebb-and-flow"));
    }
}
