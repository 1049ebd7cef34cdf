//! Requests per minute, key and address: counted in fixed windows, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::access::Access;
use super::error::{Code, Error, Result};

const WINDOW: Duration = Duration::from_secs(60);
const SHARDS: usize = 16;
/// Callers remembered per shard; about 100,000 in all, 4 MiB.
const CALLERS: usize = 6_000;

/// Counts requests by caller.
pub struct RateLimiter {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Window>>; SHARDS],
}

#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    count: u32,
}

/// Where a caller stands within its minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl RateLimiter {
    /// Counts a data request of this caller; `None` when the project sets no limit.
    ///
    /// # Errors
    /// 429 `data/rate-limit-exceeded` with the time to wait.
    pub fn count(&self, access: &Access, address: Option<IpAddr>) -> Result<Option<Standing>> {
        let Some(limit) = access.environment.project().settings().data_rate_limit else { return Ok(None) };
        let key = access.caller.key().map(|k| k.id.as_str());
        let caller = self.hasher.hash_one((access.environment.id(), key, address.map(network)));
        self.count_at(caller, limit, Instant::now()).map(Some).map_err(|wait| {
            let message = format!("More than {limit} data requests in a minute with this key from this address; wait {wait} s");
            Error::rate_limited(Code::DATA_RATE_LIMIT_EXCEEDED, message, limit, wait)
        })
    }

    /// Counts something `who` did against a limit that is the same for everybody; `what` it was, in the plural.
    ///
    /// # Errors
    /// 429 `common/rate-limit-exceeded` with the time to wait.
    pub fn count_for(&self, who: &str, limit: u32, what: &str) -> Result<Standing> {
        self.count_at(self.hasher.hash_one(who), limit, Instant::now()).map_err(|wait| {
            let message = format!("More than {limit} {what} in a minute; wait {wait} s");
            Error::rate_limited(Code::RATE_LIMIT_EXCEEDED, message, limit, wait)
        })
    }

    /// The error is the time to wait, in seconds.
    fn count_at(&self, caller: u64, limit: u32, now: Instant) -> Result<Standing, u32> {
        let mut shard = self.shards[(caller as usize) % SHARDS].lock();
        if shard.len() >= CALLERS && !shard.contains_key(&caller) {
            make_room(&mut shard, now);
        }
        let window = shard.entry(caller).or_insert(Window { start: now, count: 0 });
        if now.duration_since(window.start) >= WINDOW {
            *window = Window { start: now, count: 0 };
        }
        if window.count >= limit {
            return Err((WINDOW - now.duration_since(window.start)).as_millis().div_ceil(1000) as u32);
        }
        window.count += 1;
        Ok(Standing { limit, remaining: limit - window.count })
    }
}

/// Forgets callers whose minute is over, else those whose minute ends first.
fn make_room(shard: &mut HashMap<u64, Window>, now: Instant) {
    shard.retain(|_, w| now.duration_since(w.start) < WINDOW);
    if shard.len() >= CALLERS {
        let mut starts: Vec<Instant> = shard.values().map(|w| w.start).collect();
        let (_, median, _) = starts.select_nth_unstable(CALLERS / 2);
        let median = *median;
        shard.retain(|_, w| w.start > median);
    }
}

/// One home or host has a whole /64 of IPv6 addresses.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_the_limit_and_then_starts_anew() {
        let (limiter, start) = (RateLimiter::default(), Instant::now());
        assert_eq!(limiter.count_at(1, 2, start).unwrap().remaining, 1);
        assert_eq!(limiter.count_at(1, 2, start).unwrap().remaining, 0);
        assert_eq!(limiter.count_at(1, 2, start + Duration::from_secs(15)), Err(45));
        assert!(limiter.count_at(2, 2, start).is_ok(), "another caller has a count of its own");
        assert_eq!(limiter.count_at(1, 2, start + WINDOW).unwrap().remaining, 1);
    }

    #[test]
    fn memory_stays_bounded_under_many_addresses() {
        let (limiter, start) = (RateLimiter::default(), Instant::now());
        for caller in 0..300_000u64 {
            limiter.count_at(caller, 5, start + Duration::from_micros(caller)).unwrap();
        }
        assert!(limiter.shards.iter().all(|s| s.lock().len() <= CALLERS));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
