//! `GET {E}/metrics`: time series out of the counted minutes.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::minutes::{BUCKETS, bounds};
use crate::domain::error::{Error, Result, clip};
use crate::domain::time;
use crate::store::log::MinuteRow;

/// Points in one series.
const MAX_POINTS: i64 = 11_000;

/// Length of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    name: &'static str,
    minutes: i64,
}

const STEPS: [Step; 4] =
    [Step { name: "1m", minutes: 1 }, Step { name: "5m", minutes: 5 }, Step { name: "1h", minutes: 60 }, Step { name: "1d", minutes: 1440 }];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    Requests,
    Errors,
    Errors4xx,
    Errors5xx,
    LatencyP50,
    LatencyP95,
    Rows,
    StorageBytes,
    Users,
}

const SERIES: [(&str, Series); 9] = [
    ("requests", Series::Requests),
    ("errors", Series::Errors),
    ("errors4xx", Series::Errors4xx),
    ("errors5xx", Series::Errors5xx),
    ("latencyP50", Series::LatencyP50),
    ("latencyP95", Series::LatencyP95),
    ("rows", Series::Rows),
    ("storageBytes", Series::StorageBytes),
    ("users", Series::Users),
];

/// A wanted time, its steps and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSeries {
    /// Minutes since the epoch; whole steps, the end not included.
    from: i64,
    to: i64,
    step: Step,
    series: Vec<(&'static str, Series)>,
}

/// Time and value; `null` where nothing is known.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Point(#[schema(value_type = String, format = DateTime)] pub String, pub Option<f64>);

/// Series by name; each point is `[time, value]`, the time being the start of its step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    #[schema(value_type = String, example = "5m")]
    pub step: &'static str,
    #[schema(value_type = std::collections::HashMap<String, Vec<Vec<serde_json::Value>>>)]
    pub points: IndexMap<&'static str, Vec<Point>>,
}

impl TimeSeries {
    /// Reads `from`, `to`, `step` and `series`: the last hour in minutes and every series unless they say otherwise.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the parameter.
    pub fn parse(from: Option<&str>, to: Option<&str>, step: Option<&str>, series: Option<&str>) -> Result<Self> {
        let moment = |name: &str, text: &str| {
            let bad = || Error::invalid_parameter(name, format!("{name} must be a time such as 2026-01-15T10:30:00Z, not \"{}\"", clip(text)));
            time::parse(text).ok_or_else(bad)
        };
        let wanted = step.unwrap_or("1m");
        let unknown = || Error::invalid_parameter("step", format!("step must be 1m, 5m, 1h or 1d, not \"{}\"", clip(wanted)));
        let step = *STEPS.iter().find(|s| s.name == wanted).ok_or_else(unknown)?;
        let to = to.map_or_else(|| Ok(time::now()), |text| moment("to", text))?;
        let from = from.map_or(Ok(to - 3_600_000), |text| moment("from", text))?;
        if from >= to {
            return Err(Error::invalid_parameter("from", "from must lie before to"));
        }
        let length = step.minutes * 60_000;
        let (first, last) = (from.div_euclid(length), (to + length - 1).div_euclid(length));
        if last - first > MAX_POINTS {
            return Err(Error::invalid_parameter(
                "step",
                format!("{} steps of {} are too many; choose a longer step or a shorter time", last - first, step.name),
            ));
        }
        Ok(Self { from: first * step.minutes, to: last * step.minutes, step, series: names(series)? })
    }

    /// Whether the time reaches the present.
    pub(super) fn includes_now(&self) -> bool {
        self.to * 60_000 > time::now()
    }

    /// The minutes wanted, the end not included.
    pub(super) fn minutes(&self) -> (i64, i64) {
        (self.from, self.to)
    }

    /// The series out of the minutes with traffic, oldest first, and the last known sizes before them.
    pub(super) fn answer(&self, rows: &[MinuteRow], before: Option<&MinuteRow>) -> Metrics {
        let mut steps: BTreeMap<i64, MinuteRow> = BTreeMap::new();
        for row in rows {
            let start = row.minute - (row.minute - self.from).rem_euclid(self.step.minutes);
            add(steps.entry(start).or_insert_with(|| MinuteRow { latency: vec![0; BUCKETS], ..MinuteRow::default() }), row);
        }
        let starts: Vec<i64> = (self.from..self.to).step_by(self.step.minutes as usize).collect();
        let points = self.series.iter().map(|(name, series)| {
            let mut last = before.and_then(|row| size(*series, row));
            let values = starts.iter().map(|start| {
                let step = steps.get(start);
                let value = match series {
                    Series::Rows | Series::StorageBytes | Series::Users => {
                        last = step.and_then(|s| size(*series, s)).or(last);
                        last.map(|n| n as f64)
                    }
                    Series::LatencyP50 => step.and_then(|s| percentile(&s.latency, 0.5)),
                    Series::LatencyP95 => step.and_then(|s| percentile(&s.latency, 0.95)),
                    counted => Some(step.map_or(0, |s| count(*counted, s)) as f64),
                };
                Point(time::iso(start * 60_000), value)
            });
            (*name, values.collect())
        });
        Metrics { step: self.step.name, points: points.collect() }
    }
}

fn names(list: Option<&str>) -> Result<Vec<(&'static str, Series)>> {
    let Some(list) = list.filter(|l| !l.trim().is_empty()) else { return Ok(SERIES.to_vec()) };
    let one = |name: &str| {
        let known = SERIES.iter().find(|(n, _)| *n == name).copied();
        known.ok_or_else(|| {
            let all: Vec<_> = SERIES.iter().map(|(n, _)| *n).collect();
            Error::invalid_parameter("series", format!("series has no \"{}\"; there are {}", clip(name), all.join(", ")))
        })
    };
    list.split(',').map(|name| one(name.trim())).collect()
}

fn add(sum: &mut MinuteRow, row: &MinuteRow) {
    sum.requests += row.requests;
    sum.errors_4xx += row.errors_4xx;
    sum.errors_5xx += row.errors_5xx;
    for (all, n) in sum.latency.iter_mut().zip(&row.latency) {
        *all += n;
    }
    sum.rows = row.rows.or(sum.rows);
    sum.storage_bytes = row.storage_bytes.or(sum.storage_bytes);
    sum.users = row.users.or(sum.users);
}

fn count(series: Series, step: &MinuteRow) -> u64 {
    match series {
        Series::Errors => step.errors_4xx + step.errors_5xx,
        Series::Errors4xx => step.errors_4xx,
        Series::Errors5xx => step.errors_5xx,
        _ => step.requests,
    }
}

fn size(series: Series, step: &MinuteRow) -> Option<u64> {
    match series {
        Series::Rows => step.rows,
        Series::StorageBytes => step.storage_bytes,
        Series::Users => step.users,
        _ => None,
    }
}

/// In milliseconds, taken linearly within its bucket; `None` without requests.
fn percentile(latency: &[u64], part: f64) -> Option<f64> {
    let total: u64 = latency.iter().sum();
    let wanted = total as f64 * part;
    let mut below = 0.0;
    for (bucket, count) in latency.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = *count as f64;
        if below + count >= wanted {
            let (low, high) = bounds(bucket);
            let micros = low + (high - low) * ((wanted - below) / count);
            return Some((micros / 10.0).round() / 100.0);
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64, requests: u64, bucket: usize, rows: Option<u64>) -> MinuteRow {
        let mut latency = vec![0; BUCKETS];
        latency[bucket] = requests;
        MinuteRow { minute, requests, errors_4xx: 1, errors_5xx: 0, latency, rows, ..MinuteRow::default() }
    }

    #[test]
    fn minutes_are_summed_into_steps_and_gaps_are_zero() {
        let wanted =
            TimeSeries::parse(Some("2026-01-15T10:00:00Z"), Some("2026-01-15T10:15:00Z"), Some("5m"), Some("requests,errors,latencyP50,rows")).unwrap();
        let from = wanted.from;
        let answer = wanted.answer(&[row(from + 1, 4, 10, Some(7)), row(from + 4, 6, 10, None)], None);
        let values = |name: &str| answer.points[name].iter().map(|p| p.1).collect::<Vec<_>>();
        assert_eq!(values("requests"), [Some(10.0), Some(0.0), Some(0.0)]);
        assert_eq!(values("errors"), [Some(2.0), Some(0.0), Some(0.0)]);
        assert_eq!(values("rows"), [Some(7.0), Some(7.0), Some(7.0)], "sizes stay until they change");
        let (low, high) = bounds(10);
        assert!(values("latencyP50")[0].is_some_and(|ms| low / 1e3 <= ms && ms <= high / 1e3));
        assert_eq!(values("latencyP50")[1], None);
        assert_eq!(answer.points["requests"][1].0, "2026-01-15T10:05:00.000Z");
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let error = |from, to, step, series| TimeSeries::parse(from, to, step, series).unwrap_err().detail_list()[0].field.clone();
        assert_eq!(error(Some("x"), None, None, None), "from");
        assert_eq!(error(None, Some("x"), None, None), "to");
        assert_eq!(error(None, None, Some("2m"), None), "step");
        assert_eq!(error(None, None, None, Some("requests,nope")), "series");
        assert_eq!(error(Some("2026-01-02"), Some("2026-01-01"), None, None), "from");
        assert_eq!(error(Some("2020-01-01"), Some("2026-01-01"), Some("1m"), None), "step");
    }
}
