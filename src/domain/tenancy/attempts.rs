//! Failed sign-ins per address and per account, so that guessing is slow (`06-console.md` B5, `tenant/too-many-attempts`).

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::error::{Code, Error, Result};
use crate::domain::time::{self, Millis};

const WINDOW: Millis = 15 * 60 * 1000;
/// Different keys held; beyond that, those whose window is over are dropped.
const CAPACITY: usize = 10_000;
/// Failures a network address may have in 15 minutes.
pub const PER_ADDRESS: usize = 20;

/// Times of failures in the last 15 minutes. Kept in memory: a restart forgives.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<String, Vec<Millis>>>);

impl Attempts {
    /// # Errors
    /// 429 `tenant/too-many-attempts` when `key` has failed `limit` times in 15 minutes.
    pub fn check(&self, key: &str, limit: usize) -> Result<()> {
        let since = time::now() - WINDOW;
        let all = self.0.lock();
        let recent: Vec<Millis> = all.get(key).into_iter().flatten().copied().filter(|at| *at > since).collect();
        if recent.len() < limit {
            return Ok(());
        }
        let seconds = (recent[recent.len() - limit] - since).div_euclid(1000) + 1;
        let message = format!("Too many failed attempts; try again in {} minutes", seconds.div_euclid(60) + 1);
        Err(Error::rate_limited(Code::TENANT_TOO_MANY_ATTEMPTS, message, limit as u32, u32::try_from(seconds).unwrap_or(900)))
    }

    pub fn failed(&self, key: &str) {
        let now = time::now();
        let mut all = self.0.lock();
        if all.len() >= CAPACITY {
            all.retain(|_, times| times.last().is_some_and(|at| *at > now - WINDOW));
        }
        let times = all.entry(key.to_owned()).or_default();
        times.retain(|at| *at > now - WINDOW);
        times.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twentieth_failure_closes_the_door_for_this_address_only() {
        let attempts = Attempts::default();
        for _ in 0..19 {
            attempts.failed("a");
        }
        assert!(attempts.check("a", 20).is_ok());
        attempts.failed("a");
        let error = attempts.check("a", 20).unwrap_err();
        assert_eq!(error.code(), Code::TENANT_TOO_MANY_ATTEMPTS);
        assert!(error.retry_after().is_some_and(|s| (1..=901).contains(&s)));
        assert!(attempts.check("b", 20).is_ok());
    }
}
