//! How often something may be tried or asked for (`03-auth.md` §13): sliding windows per environment, and one for the server
//! where no environment is known yet, in bounded memory; a restart forgets them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::Visit;
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::rate_limit::network;
use crate::domain::time::{self, Millis};

/// The same wrong secret counts once within this time: clients repeat a refused call after a refresh.
const REPEAT: Millis = 10_000;
/// Windows held; beyond that the emptiest go first.
const CAPACITY: usize = 20_000;

/// What is counted, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Failed password or MFA code, wrong current password; by account.
    Guess,
    /// The same, by peer.
    GuessPeer,
    /// Mail with link or code; by purpose and address.
    Mail,
    MailPeer,
    /// Sign-up and anonymous users, by peer.
    SignUp,
    /// By session.
    Refresh,
    /// `accounts/check` and guesses of tokens, by peer.
    Probe,
    /// By inviter.
    Invitation,
}

impl Rule {
    /// Times within how many milliseconds, and the code beyond that.
    fn limit(self) -> (usize, Millis, &'static Code) {
        const MINUTE: Millis = 60_000;
        match self {
            Self::Guess => (5, 15 * MINUTE, Code::TOO_MANY_LOGIN_ATTEMPTS),
            Self::GuessPeer => (50, 15 * MINUTE, Code::TOO_MANY_LOGIN_ATTEMPTS),
            Self::Mail => (5, 15 * MINUTE, Code::TOO_MANY_CODE_REQUESTS),
            Self::MailPeer => (30, 15 * MINUTE, Code::TOO_MANY_CODE_REQUESTS),
            Self::SignUp => (30, 60 * MINUTE, Code::TOO_MANY_REQUESTS),
            Self::Refresh | Self::Probe => (60, MINUTE, Code::TOO_MANY_REQUESTS),
            Self::Invitation => (50, 60 * MINUTE, Code::TOO_MANY_REQUESTS),
        }
    }
}

type Key = (Rule, String);

#[derive(Default)]
struct Window {
    times: VecDeque<Millis>,
    /// Attempts whose outcome is not known yet; each could become a failure.
    in_flight: usize,
    /// Digests of wrong secrets and when they were counted.
    wrong: Vec<([u8; 32], Millis)>,
}

/// The windows of one environment, or of the server.
#[derive(Default)]
pub struct Throttle {
    windows: Mutex<HashMap<Key, Window>>,
    settled: Notify,
}

/// Leave to guess once. Dropped without a verdict, it counts for nothing.
pub struct Permit {
    throttle: Arc<Throttle>,
    keys: Vec<Key>,
    started: Millis,
}

impl Throttle {
    /// Counts one occurrence under each key; all of them, or none when one is at its limit.
    fn count(&self, keys: &[Key], now: Millis) -> Result<()> {
        let mut windows = self.windows.lock();
        for key in keys {
            check(&mut windows, key, now)?;
        }
        for key in keys {
            windows.entry(key.clone()).or_default().times.push_back(now);
        }
        Ok(())
    }

    /// Waits until the attempts under way leave room for another, whatever becomes of them.
    async fn admit(self: &Arc<Self>, keys: Vec<Key>, now: Millis) -> Result<Permit> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            {
                let mut windows = self.windows.lock();
                for key in &keys {
                    check(&mut windows, key, now)?;
                }
                let room = keys.iter().all(|key| windows.get(key).is_none_or(|w| w.times.len() + w.in_flight < key.0.limit().0));
                if room {
                    for key in &keys {
                        windows.entry(key.clone()).or_default().in_flight += 1;
                    }
                    return Ok(Permit { throttle: Arc::clone(self), keys, started: now });
                }
            }
            settled.await;
        }
    }

    fn forget(&self, key: &Key) {
        if let Some(window) = self.windows.lock().get_mut(key) {
            window.times.clear();
            window.wrong.clear();
        }
        self.settled.notify_waiters();
    }
}

impl Permit {
    /// The guess was wrong.
    pub fn failed(self, secret: &str, now: Millis) {
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let mut windows = self.throttle.windows.lock();
        // The account's window remembers what was guessed; the peer's counts along with it.
        let repeated = self
            .keys
            .first()
            .and_then(|key| windows.get(key))
            .is_some_and(|w| w.wrong.iter().any(|(known, at)| *known == digest && *at <= self.started && now - at <= REPEAT));
        if !repeated {
            for key in &self.keys {
                let window = windows.entry(key.clone()).or_default();
                window.times.push_back(now);
                window.wrong.retain(|(known, at)| *known != digest && now - at <= REPEAT);
                window.wrong.push((digest, now));
            }
        }
    }

    /// The guess was right: the account starts anew.
    pub fn succeeded(self) {
        if let Some(key) = self.keys.first().filter(|key| key.0 == Rule::Guess) {
            self.throttle.forget(key);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut windows = self.throttle.windows.lock();
        for key in &self.keys {
            if let Some(window) = windows.get_mut(key) {
                window.in_flight = window.in_flight.saturating_sub(1);
            }
        }
        drop(windows);
        self.throttle.settled.notify_waiters();
    }
}

/// # Errors
/// 429 with the time until the oldest of the counted ones leaves the window.
fn check(windows: &mut HashMap<Key, Window>, key: &Key, now: Millis) -> Result<()> {
    if windows.len() >= CAPACITY && !windows.contains_key(key) {
        make_room(windows, now);
    }
    let (limit, length, code) = key.0.limit();
    let Some(window) = windows.get_mut(key) else { return Ok(()) };
    window.times.retain(|at| *at > now - length);
    if window.times.len() < limit {
        return Ok(());
    }
    let wait = window.times[window.times.len() - limit] + length - now;
    Err(refusal(code, limit, wait))
}

fn refusal(code: &'static Code, limit: usize, wait: Millis) -> Error {
    let seconds = u32::try_from(wait.max(1)).unwrap_or(u32::MAX).div_ceil(1000);
    let what = if code == Code::TOO_MANY_LOGIN_ATTEMPTS { "Too many failed attempts" } else { "Too many requests" };
    Error::rate_limited(code, format!("{what}; try again in {seconds} seconds"), limit as u32, seconds)
}

fn make_room(windows: &mut HashMap<Key, Window>, now: Millis) {
    windows.retain(|key, w| w.in_flight > 0 || w.times.back().is_some_and(|at| *at > now - key.0.limit().1));
    for least in 1..=3 {
        if windows.len() >= CAPACITY {
            windows.retain(|_, w| w.in_flight > 0 || w.times.len() > least);
        }
    }
}

impl Environment {
    /// Leave to try a password or code of an account; its address need not exist.
    ///
    /// # Errors
    /// 429 `auth/too-many-login-attempts`.
    pub async fn admit_guess(&self, account: &str, visit: &Visit) -> Result<Permit> {
        let mut keys = vec![(Rule::Guess, account.to_owned())];
        keys.extend(self.peer_key(Rule::GuessPeer, visit));
        self.throttle().admit(keys, self.now()).await
    }

    /// Forgets the failures of an account.
    pub fn clear_guesses(&self, account: &str) {
        self.throttle().forget(&(Rule::Guess, account.to_owned()));
    }

    /// Counts a mail of a purpose to an address, whether the address is known or not.
    ///
    /// # Errors
    /// 429 `auth/too-many-code-requests`, also within `resendCooldownSeconds`.
    pub fn count_mail(&self, purpose: &str, address: &str, visit: &Visit) -> Result<()> {
        self.count_mail_and(purpose, address, visit, None)
    }

    /// Counts an invitation by its inviter, and as a mail to an address.
    ///
    /// # Errors
    /// 429 `auth/too-many-requests`, `auth/too-many-code-requests`.
    pub fn count_invitation(&self, inviter: Option<&str>, address: &str, visit: &Visit) -> Result<()> {
        self.count_mail_and("invitation", address, visit, inviter.map(|id| (Rule::Invitation, id.to_owned())))
    }

    fn count_mail_and(&self, purpose: &str, address: &str, visit: &Visit, more: Option<Key>) -> Result<()> {
        let (key, now) = ((Rule::Mail, format!("{purpose} {address}")), self.now());
        let cooldown = Millis::from(self.auth_config().email.resend_cooldown_seconds) * 1000;
        let last = self.throttle().windows.lock().get(&key).and_then(|w| w.times.back().copied());
        if let Some(wait) = last.map(|last| last + cooldown - now).filter(|wait| *wait > 0 && cooldown > 0) {
            return Err(refusal(Code::TOO_MANY_CODE_REQUESTS, 1, wait));
        }
        let mut keys = vec![key];
        keys.extend(self.peer_key(Rule::MailPeer, visit).into_iter().chain(more));
        self.throttle().count(&keys, now)
    }

    /// Counts something done by a peer; peers on this machine are free unless `throttleLoopback` is on.
    ///
    /// # Errors
    /// 429 with the code of the rule.
    pub fn count_peer(&self, rule: Rule, visit: &Visit) -> Result<()> {
        let keys: Vec<Key> = self.peer_key(rule, visit).into_iter().collect();
        self.throttle().count(&keys, self.now())
    }

    /// Counts something done by a session or user.
    ///
    /// # Errors
    /// 429 with the code of the rule.
    pub fn count_by(&self, rule: Rule, id: &str) -> Result<()> {
        self.throttle().count(&[(rule, id.to_owned())], self.now())
    }

    fn peer_key(&self, rule: Rule, visit: &Visit) -> Option<Key> {
        let counted = !visit.is_local() || self.auth_config().users.throttle_loopback;
        peer_key(rule, visit).filter(|_| counted)
    }
}

fn peer_key(rule: Rule, visit: &Visit) -> Option<Key> {
    Some((rule, network(visit.address?.to_canonical()).to_string()))
}

impl Backend {
    /// Counts a guess of a token on a route that needs no key, over all environments: before its own is looked for, since that
    /// takes a look into each. Peers on this machine are free.
    ///
    /// # Errors
    /// 429 `auth/too-many-requests`.
    pub(super) fn count_probe(&self, visit: &Visit) -> Result<()> {
        let keys: Vec<Key> = peer_key(Rule::Probe, visit).filter(|_| !visit.is_local()).into_iter().collect();
        self.probes().count(&keys, time::now())
    }

    /// Counts what turned out to be the token of no environment in those that count peers on this machine too.
    ///
    /// # Errors
    /// 429 `auth/too-many-requests`.
    pub(super) async fn count_stray(self: &Arc<Self>, visit: &Visit) -> Result<()> {
        if !visit.is_local() {
            return Ok(());
        }
        for row in self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await? {
            // One that was deleted meanwhile counts nothing.
            if let Ok(environment) = self.environment(&row.id).await {
                environment.count_peer(Rule::Probe, visit)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Vec<Key> {
        vec![(Rule::Guess, name.to_owned())]
    }

    #[tokio::test]
    async fn five_wrong_guesses_close_an_account_until_the_first_is_15_minutes_old() {
        let throttle = Arc::new(Throttle::default());
        for n in 0..5 {
            throttle.admit(account("a"), n * 1000).await.unwrap().failed(&n.to_string(), n * 1000);
        }
        let refused = throttle.admit(account("a"), 5_000).await.err().unwrap();
        assert_eq!((refused.code(), refused.retry_after(), refused.rate_limit()), (Code::TOO_MANY_LOGIN_ATTEMPTS, Some(895), Some((5, 0))));
        assert!(throttle.admit(account("b"), 5_000).await.is_ok());
        assert!(throttle.admit(account("a"), 900_001).await.is_ok());
    }

    #[tokio::test]
    async fn the_same_wrong_guess_counts_once_within_10_seconds() {
        let throttle = Arc::new(Throttle::default());
        for at in [0, 1_000, 2_000, 9_000, 10_000] {
            throttle.admit(account("a"), at).await.unwrap().failed("x", at);
        }
        assert_eq!(throttle.windows.lock()[&account("a")[0]].times.len(), 1);
        throttle.admit(account("a"), 10_001).await.unwrap().failed("x", 10_001);
        assert_eq!(throttle.windows.lock()[&account("a")[0]].times.len(), 2);
    }

    #[tokio::test]
    async fn twenty_parallel_guesses_get_at_most_five_verdicts_and_right_ones_wait_for_nothing_but_their_turn() {
        for same in [true, false] {
            let throttle = Arc::new(Throttle::default());
            let guess = |n: usize| {
                let throttle = Arc::clone(&throttle);
                async move {
                    let permit = throttle.admit(account("a"), 0).await.ok()?;
                    tokio::task::yield_now().await;
                    permit.failed(&if same { String::new() } else { n.to_string() }, 1);
                    Some(())
                }
            };
            let verdicts = futures_util::future::join_all((0..20).map(guess)).await;
            assert_eq!(verdicts.into_iter().flatten().count(), 5);
        }
        let throttle = Arc::new(Throttle::default());
        let right = |_| {
            let throttle = Arc::clone(&throttle);
            async move {
                let permit = throttle.admit(account("a"), 0).await.unwrap();
                tokio::task::yield_now().await;
                permit.succeeded();
            }
        };
        futures_util::future::join_all((0..20).map(right)).await;
        assert_eq!(throttle.windows.lock()[&account("a")[0]].in_flight, 0);
    }

    #[test]
    fn memory_stays_bounded_under_many_addresses() {
        let throttle = Throttle::default();
        for n in 0..50_000 {
            throttle.count(&[(Rule::Mail, n.to_string())], n).unwrap();
        }
        assert!(throttle.windows.lock().len() <= CAPACITY);
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let throttle = Throttle::default();
        let key = [(Rule::Mail, "magic_link a".to_owned()), (Rule::MailPeer, "10.0.0.1".to_owned())];
        for _ in 0..5 {
            throttle.count(&key, 0).unwrap();
        }
        for _ in 0..10 {
            assert_eq!(throttle.count(&key, 1).unwrap_err().code(), Code::TOO_MANY_CODE_REQUESTS);
        }
        assert_eq!(throttle.windows.lock()[&key[1]].times.len(), 5);
    }
}
