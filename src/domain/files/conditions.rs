//! Conditional requests (RFC 9110 §13): whether the object a client knows is still the one there is.

use std::time::{Duration, UNIX_EPOCH};

use crate::domain::time::Millis;

/// The conditions of a request, as they were sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'r> {
    pub if_match: Option<&'r str>,
    pub if_none_match: Option<&'r str>,
    pub if_modified_since: Option<&'r str>,
    pub if_unmodified_since: Option<&'r str>,
    pub if_range: Option<&'r str>,
}

/// What the conditions are held against.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'o> {
    /// A strong entity tag without its quotes.
    pub etag: &'o str,
    pub modified: Millis,
}

/// What a GET or HEAD answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Serve,
    /// 304
    NotModified,
    /// 412
    Failed,
}

impl Conditions<'_> {
    /// Looks at them in the order of RFC 9110 §13.2.2; `If-Range` is [`Conditions::range_counts`].
    pub fn judge(&self, object: Validators<'_>) -> Verdict {
        let modified_after = |header: &str| date(header).map(|date| object.seconds() > date);
        let unchanged = match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => names(tags, object.etag, Comparison::Strong),
            (None, Some(since)) => !modified_after(since).unwrap_or(false),
            (None, None) => true,
        };
        if !unchanged {
            return Verdict::Failed;
        }
        let known = match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => names(tags, object.etag, Comparison::Weak),
            (None, Some(since)) => modified_after(since) == Some(false),
            (None, None) => false,
        };
        if known { Verdict::NotModified } else { Verdict::Serve }
    }

    /// Whether `Range` is to be honoured: without `If-Range`, or when that names exactly this object, by its strong tag or by its
    /// date, once that is old enough that it cannot stand for two versions (§13.1.5).
    pub fn range_counts(&self, object: Validators<'_>, now: Millis) -> bool {
        match self.if_range.map(str::trim) {
            None => true,
            Some(tag) if tag.starts_with('"') => tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')) == Some(object.etag),
            Some(other) => date(other) == Some(object.seconds()) && now.div_euclid(1000) > object.seconds(),
        }
    }
}

impl Validators<'_> {
    /// The resolution of `Last-Modified`.
    fn seconds(&self) -> i64 {
        self.modified.div_euclid(1000)
    }

    /// The value of `Last-Modified`.
    pub fn last_modified(&self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(u64::try_from(self.seconds()).unwrap_or(0)))
    }

    /// The value of `ETag`.
    pub fn etag_header(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags, or `*`, holds the tag (§8.8.3.2). What cannot be read ends the list.
fn names(list: &str, etag: &str, comparison: Comparison) -> bool {
    let mut rest = list.trim_matches([' ', '\t']);
    if rest == "*" {
        return true;
    }
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let weak = rest.starts_with("W/");
        let Some(opaque) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"') else { return false };
        let Some((tag, after)) = opaque.split_once('"') else { return false };
        if tag == etag && !(weak && comparison == Comparison::Strong) {
            return true;
        }
        rest = after;
    }
}

/// A date in any of the three forms of §5.6.7, as Unix seconds.
fn date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Verdict::{Failed, NotModified, Serve};
    use super::*;

    const ETAG: &str = "8dcb26212e228820df83ef44784abe69";
    /// Sun, 06 Nov 1994 08:49:37 GMT, and a half.
    const MODIFIED: Millis = 784_111_777_500;
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn object() -> Validators<'static> {
        Validators { etag: ETAG, modified: MODIFIED }
    }

    fn quoted() -> String {
        object().etag_header()
    }

    #[test]
    fn the_headers_are_as_documented() {
        assert_eq!(object().last_modified(), SAME);
        assert_eq!(quoted(), "\"8dcb26212e228820df83ef44784abe69\"");
    }

    #[test]
    fn each_condition_alone() {
        let (tag, weak) = (quoted(), format!("W/{}", quoted()));
        let list = format!("\"x\", {tag} ,\"y\"");
        let none = Conditions::default();
        let cases = [
            (none, Serve),
            (Conditions { if_match: Some(&tag), ..none }, Serve),
            (Conditions { if_match: Some(&list), ..none }, Serve),
            (Conditions { if_match: Some("*"), ..none }, Serve),
            (Conditions { if_match: Some(&weak), ..none }, Failed),
            (Conditions { if_match: Some("\"x\""), ..none }, Failed),
            (Conditions { if_match: Some(ETAG), ..none }, Failed),
            (Conditions { if_match: Some(""), ..none }, Failed),
            (Conditions { if_none_match: Some(&tag), ..none }, NotModified),
            (Conditions { if_none_match: Some(&weak), ..none }, NotModified),
            (Conditions { if_none_match: Some(&list), ..none }, NotModified),
            (Conditions { if_none_match: Some(" * "), ..none }, NotModified),
            (Conditions { if_none_match: Some("\"x\""), ..none }, Serve),
            (Conditions { if_none_match: Some("\"*\""), ..none }, Serve),
            (Conditions { if_none_match: Some("\"a,b\", W/\"c"), ..none }, Serve),
            (Conditions { if_modified_since: Some(SAME), ..none }, NotModified),
            (Conditions { if_modified_since: Some(AFTER), ..none }, NotModified),
            (Conditions { if_modified_since: Some(BEFORE), ..none }, Serve),
            (Conditions { if_modified_since: Some("yesterday"), ..none }, Serve),
            (Conditions { if_modified_since: Some("Sunday, 06-Nov-94 08:49:37 GMT"), ..none }, NotModified),
            (Conditions { if_modified_since: Some("Sun Nov  6 08:49:37 1994"), ..none }, NotModified),
            (Conditions { if_unmodified_since: Some(SAME), ..none }, Serve),
            (Conditions { if_unmodified_since: Some(AFTER), ..none }, Serve),
            (Conditions { if_unmodified_since: Some(BEFORE), ..none }, Failed),
            (Conditions { if_unmodified_since: Some("soon"), ..none }, Serve),
        ];
        for (conditions, expected) in cases {
            assert_eq!(conditions.judge(object()), expected, "{conditions:?}");
        }
    }

    #[test]
    fn tags_go_before_dates_and_failing_before_knowing() {
        let tag = quoted();
        let none = Conditions::default();
        let cases = [
            // If-Unmodified-Since is not looked at beside If-Match.
            (Conditions { if_match: Some(&tag), if_unmodified_since: Some(BEFORE), ..none }, Serve),
            (Conditions { if_match: Some("\"x\""), if_unmodified_since: Some(AFTER), ..none }, Failed),
            // Nor If-Modified-Since beside If-None-Match.
            (Conditions { if_none_match: Some("\"x\""), if_modified_since: Some(AFTER), ..none }, Serve),
            (Conditions { if_none_match: Some(&tag), if_modified_since: Some(BEFORE), ..none }, NotModified),
            (Conditions { if_match: Some("\"x\""), if_none_match: Some(&tag), ..none }, Failed),
            (Conditions { if_match: Some(&tag), if_none_match: Some(&tag), ..none }, NotModified),
            (Conditions { if_unmodified_since: Some(BEFORE), if_modified_since: Some(AFTER), ..none }, Failed),
            (Conditions { if_unmodified_since: Some(SAME), if_modified_since: Some(SAME), ..none }, NotModified),
        ];
        for (conditions, expected) in cases {
            assert_eq!(conditions.judge(object()), expected, "{conditions:?}");
        }
    }

    #[test]
    fn a_range_counts_for_exactly_this_object() {
        let (tag, weak) = (quoted(), format!("W/{}", quoted()));
        let counts = |if_range: Option<&str>, now: Millis| Conditions { if_range, ..Conditions::default() }.range_counts(object(), now);
        let later = MODIFIED + 60_000;
        assert!(counts(None, later) && counts(Some(&tag), later) && counts(Some(SAME), later));
        for other in [&weak, "\"x\"", "\"", "", "*", ETAG, BEFORE, AFTER, "soon"] {
            assert!(!counts(Some(other), later), "{other}");
        }
        // In the second of its making, another version could follow with the same date.
        assert!(!counts(Some(SAME), MODIFIED + 100));
    }

    /// The table of RFC 9110 §13.2.2, written down a second time.
    fn model(m: Option<bool>, us: Option<bool>, nm: Option<bool>, ms: Option<bool>) -> Verdict {
        if m == Some(false) || (m.is_none() && us == Some(false)) {
            return Failed;
        }
        if nm == Some(false) || (nm.is_none() && ms == Some(false)) {
            return NotModified;
        }
        Serve
    }

    proptest! {
        #[test]
        fn any_combination_is_judged_as_the_standard_says(
            m in proptest::option::of(any::<bool>()), us in proptest::option::of(any::<bool>()),
            nm in proptest::option::of(any::<bool>()), ms in proptest::option::of(any::<bool>()),
        ) {
            let tag = quoted();
            let conditions = Conditions {
                if_match: m.map(|fits| if fits { tag.as_str() } else { "\"x\"" }),
                if_unmodified_since: us.map(|fits| if fits { AFTER } else { BEFORE }),
                if_none_match: nm.map(|fits| if fits { "\"x\"" } else { tag.as_str() }),
                if_modified_since: ms.map(|fits| if fits { BEFORE } else { AFTER }),
                if_range: None,
            };
            prop_assert_eq!(conditions.judge(object()), model(m, us, nm, ms));
        }

        #[test]
        fn no_header_is_a_panic(text in any::<String>()) {
            let all = Some(text.as_str());
            let conditions = Conditions { if_match: all, if_none_match: all, if_modified_since: all, if_unmodified_since: all, if_range: all };
            let _ = (conditions.judge(object()), conditions.range_counts(object(), MODIFIED));
        }
    }
}
