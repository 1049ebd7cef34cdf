//! `Range` (RFC 9110 §14): which bytes of an object a request wants.

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything: no range, several of them, or one that cannot be read.
    Whole,
    /// From the first to the last byte, both inclusive and inside the object.
    Part { first: u64, last: u64 },
    /// The range begins behind the last byte.
    Unsatisfiable,
}

/// A range as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spec {
    From(u64, Option<u64>),
    Suffix(u64),
}

/// What a `Range` header wants of an object of `size` bytes.
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    match header.and_then(single) {
        None => Wanted::Whole,
        Some(Spec::From(first, _)) if first >= size => Wanted::Unsatisfiable,
        Some(Spec::From(first, last)) => Wanted::Part { first, last: last.unwrap_or(u64::MAX).min(size - 1) },
        Some(Spec::Suffix(0)) => Wanted::Unsatisfiable,
        // The last bytes of nothing are nothing, and no Content-Range can say so.
        Some(Spec::Suffix(_)) if size == 0 => Wanted::Whole,
        Some(Spec::Suffix(length)) => Wanted::Part { first: size.saturating_sub(length), last: size - 1 },
    }
}

/// The one range of a header; `None` when there are several, or it is malformed.
fn single(header: &str) -> Option<Spec> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty members of a list do not count (RFC 9110 §5.6.1.2).
    let mut members = set.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    let only = members.next()?;
    if members.next().is_some() { None } else { spec(only) }
}

fn spec(text: &str) -> Option<Spec> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        return Some(Spec::Suffix(number(last)?));
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(Spec::From(first, None));
    }
    let last = number(last)?;
    (first <= last).then_some(Spec::From(first, Some(last)))
}

/// Digits as a number; what is too large for one is as good as infinite.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Wanted {
        Wanted::Part { first, last }
    }

    #[test]
    fn one_range_is_that_part() {
        let cases = [
            ("bytes=6-10", part(6, 10)),
            ("bytes=0-0", part(0, 0)),
            ("bytes=0-", part(0, 11)),
            ("bytes=11-", part(11, 11)),
            ("bytes=-1", part(11, 11)),
            ("bytes=-12", part(0, 11)),
            ("bytes=-13", part(0, 11)),
            ("bytes=0-11", part(0, 11)),
            ("bytes=3-999", part(3, 11)),
            ("bytes=3-99999999999999999999999999", part(3, 11)),
            ("bytes=-99999999999999999999999999", part(0, 11)),
            ("BYTES=6-10", part(6, 10)),
            ("bytes= 6-10 ", part(6, 10)),
            ("bytes=,6-10,,", part(6, 10)),
            ("bytes=006-010", part(6, 10)),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(Some(header), 12), expected, "{header}");
        }
    }

    #[test]
    fn a_range_behind_the_end_is_unsatisfiable() {
        for header in ["bytes=12-", "bytes=12-20", "bytes=99999999999999999999999999-", "bytes=-0"] {
            assert_eq!(wanted(Some(header), 12), Wanted::Unsatisfiable, "{header}");
        }
    }

    #[test]
    fn several_and_malformed_ranges_are_ignored() {
        for header in [
            "bytes=0-1,3-4",
            "bytes=0-1, 99-",
            "bytes=5-2",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=1",
            "bytes=--5",
            "bytes=1-2-3",
            "bytes=+1-2",
            "bytes=1 -2",
            "bytes 0-1",
            "items=0-1",
            "",
            "=0-1",
            "bytes=0x1-2",
            "bytes=٣-٤",
        ] {
            assert_eq!(wanted(Some(header), 12), Wanted::Whole, "{header}");
        }
        assert_eq!(wanted(None, 12), Wanted::Whole);
    }

    #[test]
    fn nothing_has_no_ranges() {
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=0-0"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=-5"), 0), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=-0"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(None, 0), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_what_slicing_gives(size in 0u64..40, first in 0u64..50, last in 0u64..50) {
            let bytes: Vec<u64> = (0..size).collect();
            let model = |header: &str, slice: Option<&[u64]>| match (wanted(Some(header), size), slice) {
                (Wanted::Part { first, last }, Some(slice)) => assert_eq!(&bytes[first as usize..=last as usize], slice, "{header}"),
                (Wanted::Unsatisfiable, None) => {}
                (got, want) => panic!("{header} of {size}: {got:?} instead of {want:?}"),
            };
            let from = bytes.get(first as usize..).filter(|rest| !rest.is_empty());
            model(&format!("bytes={first}-"), from);
            if first <= last {
                model(&format!("bytes={first}-{last}"), from.map(|rest| &rest[..rest.len().min((last - first + 1) as usize)]));
            }
            if size > 0 {
                model(&format!("bytes=-{last}"), (last > 0).then(|| &bytes[bytes.len().saturating_sub(last as usize)..]));
            }
        }

        #[test]
        fn whatever_a_header_says_a_part_lies_inside(header in "(bytes=)?[-0-9, a]{0,24}", size in any::<u64>()) {
            if let Wanted::Part { first, last } = wanted(Some(&header), size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
