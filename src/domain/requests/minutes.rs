//! Counting requests by minute and latency.

use super::entry::Entry;
use crate::store::log::MinuteRow;

/// Buckets grow by half an octave from 64 µs; the last one holds everything slower than about a minute.
pub const BUCKETS: usize = 42;

/// The bucket of a duration.
fn bucket(micros: u64) -> usize {
    if micros < 64 {
        return 0;
    }
    let octave = micros.ilog2();
    // Half way up the octave, in its geometric middle: 2^(octave + 1/2).
    let upper_half = (micros as f64) >= 2f64.powf(f64::from(octave) + 0.5);
    (1 + (octave as usize - 6) * 2 + usize::from(upper_half)).min(BUCKETS - 1)
}

/// Bounds of a bucket, in microseconds.
pub fn bounds(bucket: usize) -> (f64, f64) {
    let edge = |n: usize| 2f64.powf(6.0 + n as f64 / 2.0);
    if bucket == 0 { (0.0, edge(0)) } else { (edge(bucket - 1), edge(bucket)) }
}

/// Counts of the minutes that are not written yet; seldom more than two.
#[derive(Default)]
pub struct Minutes(Vec<MinuteRow>);

impl Minutes {
    pub fn count(&mut self, entry: &Entry) {
        let minute = self.at(entry.at);
        minute.requests += 1;
        minute.errors_4xx += u64::from(matches!(entry.status, 400..=499));
        minute.errors_5xx += u64::from(entry.status >= 500);
        minute.latency[bucket(entry.duration_us)] += 1;
    }

    fn at(&mut self, at: i64) -> &mut MinuteRow {
        let minute = at.div_euclid(60_000);
        let place = self.0.iter().rposition(|m| m.minute == minute).unwrap_or_else(|| {
            self.0.push(MinuteRow { minute, latency: vec![0; BUCKETS], ..MinuteRow::default() });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rows(&self) -> impl Iterator<Item = MinuteRow> + '_ {
        self.0.iter().cloned()
    }

    pub fn note_sizes(&mut self, now: i64, rows: u64, storage_bytes: u64, users: u64) {
        let minute = self.at(now);
        (minute.rows, minute.storage_bytes, minute.users) = (Some(rows), Some(storage_bytes), Some(users));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_within_the_bounds_of_its_bucket() {
        for micros in (0..10_000).chain([65_536, 92_681, 92_682, 1_000_000, 50_000_000]) {
            let (low, high) = bounds(bucket(micros));
            assert!(low <= micros as f64 && (micros as f64) < high, "{micros}: {low}..{high}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
