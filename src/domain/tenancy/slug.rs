//! Slugs: 3–50 of `a-z 0-9 -` (`06-console.md` ruling 3).

use crate::domain::error::{Error, Result, clip};

/// Whether a text may be a slug.
pub fn is_slug(text: &str) -> bool {
    (3..=50).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A slug made from a name; `None` when nothing usable remains.
pub fn from_name(name: &str) -> Option<String> {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() == 50 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    is_slug(&slug).then_some(slug)
}

/// The slug asked for; else one made from the name; else, for a name without a single Latin letter or digit, from the id.
///
/// # Errors
/// `common/invalid-parameters` for a slug that is none.
pub fn wanted(slug: Option<&str>, name: &str, id: &str) -> Result<String> {
    match slug {
        Some(slug) if is_slug(slug) => Ok(slug.to_owned()),
        Some(slug) => {
            let message = format!("slug must be 3–50 of a-z, 0-9 and -, neither first nor last a -; not \"{}\"", clip(slug));
            Err(Error::invalid_parameter("slug", message))
        }
        None => Ok(from_name(name).unwrap_or_else(|| format!("x-{}", &id[id.len().saturating_sub(8)..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_comes_from_the_name() {
        assert_eq!(from_name("My Blog!").as_deref(), Some("my-blog"));
        assert_eq!(from_name("블로그"), None);
        assert_eq!(from_name("--a--b--c--").as_deref(), Some("a-b-c"));
        assert_eq!(from_name(&"x".repeat(80)).map(|s| s.len()), Some(50));
    }
}
