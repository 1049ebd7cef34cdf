//! The two system times: kept as milliseconds, compared and shown as `2026-01-15T10:30:00.000Z`.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const RANGE: (i64, i64) = (-62_135_596_800_000, 253_402_300_799_999);

/// The text of a time, 24 characters; times outside the years 0001–9999 are clamped.
pub(super) fn iso(ms: i64) -> String {
    let time = EPOCH.saturating_add(SignedDuration::from_millis(ms.clamp(RANGE.0, RANGE.1)));
    let parts = [
        (0, 4, i32::from(time.year())),
        (5, 2, time.month().into()),
        (8, 2, time.day().into()),
        (11, 2, time.hour().into()),
        (14, 2, time.minute().into()),
        (17, 2, time.second().into()),
        (20, 3, time.millisecond().into()),
    ];
    // Formatting by pattern takes ten times as long, and a scan does this for every record.
    let mut out = *b"0000-00-00T00:00:00.000Z";
    for (at, len, mut n) in parts {
        for slot in out[at..at + len].iter_mut().rev() {
            *slot = b'0' + (n % 10) as u8;
            n /= 10;
        }
    }
    out.iter().map(|c| char::from(*c)).collect()
}

/// The milliseconds of a text that is exactly what [`iso`] gives.
pub(super) fn ms(text: &str) -> Option<i64> {
    if !is_time(text) {
        return None;
    }
    let time: DateTime = text.strip_suffix('Z')?.parse().ok()?;
    let ms = i64::try_from(time.duration_since(EPOCH).as_millis()).ok()?;
    (iso(ms) == text).then_some(ms)
}

/// A period that times are grouped by, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
    Year,
}

impl Bucket {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year].into_iter().find(|bucket| bucket.name() == name)
    }

    /// Start of the period a time falls into; `None` for text that is no time.
    pub(super) fn start(self, time: &str) -> Option<String> {
        let keep = |len: usize, rest: &str| time.get(..len).map(|part| format!("{part}{rest}"));
        let start = match self {
            Self::Hour => keep(13, ":00:00.000Z"),
            Self::Day => keep(10, "T00:00:00.000Z"),
            Self::Week => Some(monday(time.get(..10)?)?),
            Self::Month => keep(7, "-01T00:00:00.000Z"),
            Self::Year => keep(4, "-01-01T00:00:00.000Z"),
        }?;
        is_time(time).then_some(start)
    }
}

/// Whether the text has the form of [`iso`].
fn is_time(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00.000Z";
    text.len() == form.len() && text.bytes().zip(form).all(|(c, form)| if *form == b'0' { c.is_ascii_digit() } else { c == *form })
}

fn monday(date: &str) -> Option<String> {
    let date: Date = date.parse().ok()?;
    let back = i64::from(date.weekday().to_monday_zero_offset());
    let monday = date.checked_sub(jiff::Span::new().days(back)).ok()?;
    Some(monday.strftime("%Y-%m-%dT00:00:00.000Z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_to_text_and_back() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_768_473_000_123, "2026-01-15T10:30:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (RANGE.0, "0001-01-01T00:00:00.000Z"),
            (RANGE.1, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(time), text);
            assert_eq!(ms(text), Some(time));
        }
        assert_eq!(iso(i64::MAX), "9999-12-31T23:59:59.999Z");
        for text in [
            "",
            "2026-01-15",
            "2026-01-15T10:30:00.123z",
            "2026-13-15T10:30:00.123Z",
            "2026-02-30T10:30:00.123Z",
            "2026-01-15 10:30:00.123Z",
            "é26-01-15T10:30:00.123Z",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn a_bucket_is_named_by_its_start() {
        for (bucket, expected) in [
            (Bucket::Hour, "2026-03-01T10:00:00.000Z"),
            (Bucket::Day, "2026-03-01T00:00:00.000Z"),
            (Bucket::Week, "2026-02-23T00:00:00.000Z"),
            (Bucket::Month, "2026-03-01T00:00:00.000Z"),
            (Bucket::Year, "2026-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(bucket.start("2026-03-01T10:30:00.123Z").as_deref(), Some(expected));
            assert_eq!(Bucket::named(bucket.name()), Some(bucket));
            assert_eq!(bucket.start("tomorrow"), None);
            assert_eq!(bucket.start("éééééééééééééééé"), None);
        }
    }
}
