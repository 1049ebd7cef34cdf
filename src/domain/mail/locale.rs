//! The languages mails are written in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language with built-in texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    En,
    Ko,
}

impl Locale {
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    pub fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// Exactly `en` or `ko`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.name() == name)
    }

    /// The language of a user's locale, such as `ko-KR` (RFC 5646: the primary subtag).
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Self::parse(&primary.to_ascii_lowercase())
    }

    /// A lifetime in words: whole days from two on, whole hours, else minutes rounded up.
    pub fn span(self, seconds: i64) -> String {
        let (count, en, ko) = match seconds.max(0) {
            s if s > 86_400 && s % 86_400 == 0 => (s / 86_400, "day", "일"),
            s if s >= 3_600 && s % 3_600 == 0 => (s / 3_600, "hour", "시간"),
            s => ((s + 59) / 60, "minute", "분"),
        };
        match self {
            Self::Ko => format!("{count}{ko}"),
            Self::En if count == 1 => format!("1 {en}"),
            Self::En => format!("{count} {en}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_locale_names_its_language() {
        let of = |tag| Locale::of_tag(tag).map(Locale::name);
        assert_eq!([of("ko"), of("ko-KR"), of("KO_kr"), of("en-GB")], [Some("ko"), Some("ko"), Some("ko"), Some("en")]);
        assert_eq!([of("kok"), of("de"), of("")], [None, None, None]);
        assert_eq!([Locale::parse("ko"), Locale::parse("KO"), Locale::parse("ko-KR")], [Some(Locale::Ko), None, None]);
    }

    #[test]
    fn lifetimes_are_said_in_words() {
        let en: Vec<_> = [60, 90, 900, 3_600, 86_400, 604_800, 5_400].map(|s| Locale::En.span(s)).into();
        assert_eq!(en, ["1 minute", "2 minutes", "15 minutes", "1 hour", "24 hours", "7 days", "90 minutes"]);
        assert_eq!([900, 86_400, 604_800].map(|s| Locale::Ko.span(s)), ["15분", "24시간", "7일"]);
    }
}
