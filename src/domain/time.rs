//! Times on the wire: ISO 8601 UTC with milliseconds; inside: milliseconds since the epoch.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// The time as one part of the server sees it. Nothing but a test ever moves it away from [`now`].
#[derive(Debug, Default)]
pub struct Clock(AtomicI64);

impl Clock {
    pub fn now(&self) -> Millis {
        now() + self.0.load(Ordering::Relaxed)
    }

    /// Moves this clock ahead.
    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

/// `2026-01-15T10:30:00.000Z`, for years 0001–9999; values outside are clamped.
pub fn iso(ms: Millis) -> String {
    String::from_utf8_lossy(&iso_bytes(ms)).into_owned()
}

/// The 24 ASCII bytes of [`iso`], without an allocation.
pub fn iso_bytes(ms: Millis) -> [u8; 24] {
    let ms = ms.clamp(MIN, MAX);
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let mut out = *b"0000-00-00T00:00:00.000Z";
    digits(&mut out[0..4], year as u32);
    digits(&mut out[5..7], month);
    digits(&mut out[8..10], day);
    digits(&mut out[11..13], (in_day / 3_600_000) as u32);
    digits(&mut out[14..16], (in_day / 60_000 % 60) as u32);
    digits(&mut out[17..19], (in_day / 1_000 % 60) as u32);
    digits(&mut out[20..23], (in_day % 1_000) as u32);
    out
}

/// 0001-01-01T00:00:00.000Z.
pub const MIN: Millis = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
pub const MAX: Millis = 253_402_300_799_999;

fn digits(out: &mut [u8], mut n: u32) {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + (n % 10) as u8;
        n /= 10;
    }
}

/// Days since the epoch to a date of the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Reads every form `02-data.md` §3 accepts: `YYYY-MM-DD`, or that plus `T` or a space and `HH:mm[:ss[.fraction]]`
/// and optional `Z`, `±HH:MM`, `±HHMM`. No zone = UTC; date only = midnight UTC; the fraction is cut to milliseconds.
pub fn parse(text: &str) -> Option<Millis> {
    let b = text.as_bytes();
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&b[0..4])?, number(&b[5..7])?, number(&b[8..10])?);
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let date = days_from_civil(year.into(), month, day) * 86_400_000;
    let rest = &b[10..];
    if rest.is_empty() {
        return Some(date);
    }
    if !matches!(rest[0], b'T' | b't' | b' ') || rest.len() < 6 || rest[3] != b':' {
        return None;
    }
    let (hour, minute) = (number(&rest[1..3])?, number(&rest[4..6])?);
    let mut rest = &rest[6..];
    let (mut second, mut millis) = (0, 0);
    if rest.first() == Some(&b':') {
        second = number(rest.get(1..3)?)?;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let len = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
            if len == 0 {
                return None;
            }
            millis = rest[1..=len].iter().chain(b"00").take(3).fold(0, |n, d| n * 10 + u32::from(d - b'0'));
            rest = &rest[1 + len..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = zone(rest)?;
    let ms = date + i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + i64::from(second) * 1_000 + i64::from(millis) - offset;
    (MIN..=MAX).contains(&ms).then_some(ms)
}

fn zone(text: &[u8]) -> Option<i64> {
    let sign = match text {
        [] | [b'Z'] | [b'z'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.len() {
        6 if text[3] == b':' => (number(&text[1..3])?, number(&text[4..6])?),
        5 => (number(&text[1..3])?, number(&text[3..5])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| sign * (i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_is_read() {
        for (text, expected) in [
            ("2026-01-15", "2026-01-15T00:00:00.000Z"),
            ("2026-01-15 10:30", "2026-01-15T10:30:00.000Z"),
            ("2026-01-15T10:30:05.1239Z", "2026-01-15T10:30:05.123Z"),
            ("2026-01-15T10:30:05.1", "2026-01-15T10:30:05.100Z"),
            ("2026-01-15T10:30:00+09:00", "2026-01-15T01:30:00.000Z"),
            ("2026-01-15T10:30:00-0530", "2026-01-15T16:00:00.000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse(text).map(iso).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "",
            "2026",
            "2026-02-30",
            "2025-02-29",
            "0000-01-01",
            "2026-13-01",
            "03/01/2026",
            "2026-01-15T",
            "2026-01-15T25:00",
            "2026-01-15T10",
            "2026-01-15T10:30:00.Z",
            "2026-01-15T10:30+9",
            "0001-01-01T00:00+01:00",
            "2026-01-15x",
            "2026-01-1é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
