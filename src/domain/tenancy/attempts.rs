//! Failed sign-ins and requested links per e-mail address and per network address, so that guessing is slow
//! (`06-console.md` B5, `tenant/too-many-attempts`).

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::error::{Code, Error, Result};
use crate::domain::time::{self, Millis};

const WINDOW: Millis = 15 * 60 * 1000;
/// Different keys held; beyond that, those whose window is over are dropped.
const CAPACITY: usize = 10_000;
/// Failures and requested links a network address may have in 15 minutes.
const PER_ADDRESS: usize = 20;
/// Failures, or requested links, an e-mail address may have in 15 minutes.
const PER_EMAIL: usize = 5;

/// Times of failures in the last 15 minutes. Kept in memory: a restart forgives.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<String, Vec<Millis>>>);

/// An attempt under way. It counts as failed from the start, so that guesses sent at once do not all slip through, until
/// [`Attempt::succeeded`] takes that back.
#[must_use]
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    keys: Vec<String>,
    at: Millis,
}

impl Attempts {
    /// A guess from a network address.
    ///
    /// # Errors
    /// 429 `tenant/too-many-attempts` after 20 failures in 15 minutes.
    pub fn guess(&self, address: &str) -> Result<Attempt<'_>> {
        self.begin(&[(format!("address {address}"), PER_ADDRESS)])
    }

    /// A sign-in to the account of an e-mail address.
    ///
    /// # Errors
    /// 429 `tenant/too-many-attempts` after 5 failures of the account or 20 of the network address.
    pub fn sign_in(&self, email: &str, address: &str) -> Result<Attempt<'_>> {
        self.begin(&[(format!("sign-in {email}"), PER_EMAIL), (format!("address {address}"), PER_ADDRESS)])
    }

    /// A link or code asked for, which counts whatever becomes of it.
    ///
    /// # Errors
    /// 429 `tenant/too-many-attempts` after 5 for the e-mail address or 20 from the network address.
    pub fn requested(&self, email: &str, address: &str) -> Result<()> {
        self.begin(&[(format!("link {email}"), PER_EMAIL), (format!("address {address}"), PER_ADDRESS)]).map(drop)
    }

    fn begin(&self, limits: &[(String, usize)]) -> Result<Attempt<'_>> {
        let now = time::now();
        let mut all = self.0.lock();
        for (key, limit) in limits {
            check(all.get(key).map_or(&[], Vec::as_slice), *limit, now)?;
        }
        if all.len() >= CAPACITY {
            all.retain(|_, times| times.last().is_some_and(|at| *at > now - WINDOW));
        }
        for (key, _) in limits {
            let times = all.entry(key.clone()).or_default();
            times.retain(|at| *at > now - WINDOW);
            times.push(now);
        }
        Ok(Attempt { attempts: self, keys: limits.iter().map(|(key, _)| key.clone()).collect(), at: now })
    }
}

impl Attempt<'_> {
    pub fn succeeded(self) {
        let mut all = self.attempts.0.lock();
        for key in &self.keys {
            let Some(times) = all.get_mut(key) else { continue };
            if let Some(own) = times.iter().rposition(|at| *at == self.at) {
                times.remove(own);
            }
            if times.is_empty() {
                all.remove(key);
            }
        }
    }

    /// Keeps the attempt as failed when the result says that somebody has guessed, else takes it back.
    pub fn judge<T>(self, result: Result<T>, is_guess: impl FnOnce(&Error) -> bool) -> Result<T> {
        if !result.as_ref().is_err_and(is_guess) {
            self.succeeded();
        }
        result
    }
}

fn check(times: &[Millis], limit: usize, now: Millis) -> Result<()> {
    let since = now - WINDOW;
    let recent: Vec<Millis> = times.iter().copied().filter(|at| *at > since).collect();
    if recent.len() < limit {
        return Ok(());
    }
    let seconds = (recent[recent.len() - limit] - since).div_euclid(1000) + 1;
    let message = format!("Too many attempts; try again in {} minutes", seconds.div_euclid(60) + 1);
    Err(Error::rate_limited(Code::TENANT_TOO_MANY_ATTEMPTS, message, limit as u32, u32::try_from(seconds).unwrap_or(900)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twentieth_failure_closes_the_door_for_this_address_only() {
        let attempts = Attempts::default();
        for _ in 0..20 {
            drop(attempts.guess("a").unwrap());
        }
        let error = attempts.guess("a").map(drop).unwrap_err();
        assert_eq!(error.code(), Code::TENANT_TOO_MANY_ATTEMPTS);
        assert!(error.retry_after().is_some_and(|s| (1..=901).contains(&s)));
        assert!(attempts.guess("b").is_ok());
    }

    #[test]
    fn five_failures_close_an_account_whatever_address_they_come_from() {
        let attempts = Attempts::default();
        for address in ["a", "b", "c", "d", "e"] {
            drop(attempts.sign_in("mina@harbor.test", address).unwrap());
        }
        assert!(attempts.sign_in("mina@harbor.test", "f").is_err());
        assert!(attempts.requested("mina@harbor.test", "f").is_ok());
        assert!(attempts.sign_in("ann@harbor.test", "a").is_ok());
    }

    #[test]
    fn a_success_does_not_count_and_one_under_way_does() {
        let attempts = Attempts::default();
        for _ in 0..30 {
            attempts.sign_in("mina@harbor.test", "a").unwrap().succeeded();
        }
        let under_way: Vec<_> = (0..5).map(|_| attempts.sign_in("mina@harbor.test", "a").unwrap()).collect();
        assert!(attempts.sign_in("mina@harbor.test", "a").is_err());
        under_way.into_iter().for_each(Attempt::succeeded);
        assert!(attempts.0.lock().is_empty());
    }
}
