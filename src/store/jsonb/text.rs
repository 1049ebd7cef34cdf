//! Numbers and strings inside binary JSON: they are kept as the text they came from.

use super::{Num, Type};

/// The number a payload spells; infinities are cut to the largest double.
pub(super) fn number(kind: Type, payload: &[u8]) -> Option<Num> {
    match kind {
        Type::Int => decimal(payload).map(Num::Int).or_else(|| float(payload)),
        Type::Int5 => Some(hexadecimal(payload)?.map_or(Num::Float(f64::MAX), |(negative, n)| match i64::try_from(n) {
            Ok(n) => Num::Int(if negative { -n } else { n }),
            Err(_) => Num::Float(if negative { -(n as f64) } else { n as f64 }),
        })),
        Type::Float | Type::Float5 => float(payload),
        _ => None,
    }
}

fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    // Counting down reaches i64::MIN, which has no positive twin.
    let n = digits.iter().try_fold(0i64, |n, d| {
        let d = d.wrapping_sub(b'0');
        if d > 9 { None } else { n.checked_mul(10)?.checked_sub(i64::from(d)) }
    })?;
    if negative { Some(n) } else { n.checked_neg() }
}

/// Sign and magnitude of `0x1F`; `None` inside when it exceeds 64 bits.
pub(super) fn hexadecimal(text: &[u8]) -> Option<Option<(bool, u64)>> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"))?;
    let mut n = Some(0u64);
    for digit in digits {
        let digit = char::from(*digit).to_digit(16)?;
        n = n.filter(|n| n >> 60 == 0).map(|n| n * 16 + u64::from(digit));
    }
    Some(n.map(|n| (negative, n)))
}

/// Whether these bytes can spell a number and nothing else.
pub(super) fn looks_numeric(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|c| matches!(c, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
}

fn float(text: &[u8]) -> Option<Num> {
    if !looks_numeric(text) {
        return None;
    }
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(Num::Float(number.clamp(f64::MIN, f64::MAX)))
}

/// Resolves JSON and JSON5 escapes; halves of surrogate pairs become U+FFFD.
pub(super) fn unescape(bytes: &[u8]) -> Option<String> {
    let mut rest = std::str::from_utf8(bytes).ok()?;
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], &mut out)?;
    }
    out.push_str(rest);
    Some(out)
}

/// Resolves one escape, whose backslash has been read.
fn escape<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let c = text.chars().next()?;
    let rest = &text[c.len_utf8()..];
    match c {
        'u' => return unicode(rest, out),
        'x' => {
            let code = u32::from_str_radix(rest.get(..2)?, 16).ok()?;
            out.push(char::from_u32(code)?);
            return rest.get(2..);
        }
        '\r' => return Some(rest.strip_prefix('\n').unwrap_or(rest)),
        '\n' | '\u{2028}' | '\u{2029}' => {}
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'v' => out.push('\u{b}'),
        '0' => out.push('\0'),
        '\'' | '"' | '/' | '\\' => out.push(c),
        _ => return None,
    }
    Some(rest)
}

fn unicode<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let high = hex4(rest)?;
    let after = &rest[4..];
    if (0xd800..0xdc00).contains(&high)
        && let Some(next) = after.strip_prefix("\\u")
        && let Some(low) = hex4(next).filter(|low| (0xdc00..0xe000).contains(low))
    {
        out.push(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?);
        return Some(&next[4..]);
    }
    out.push(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(after)
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|c| c.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}
