//! Hashing passwords with Argon2id, on a bounded pool off the request threads: developers and end users share it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Error, Result};

/// KiB of memory per hash.
const MEMORY: u32 = 32 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// Hashes computed at a time, on machines with that many cores.
const AT_MOST: usize = 4;
/// Callers waiting for their turn.
const WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);
/// KiB a foreign hash may ask for; more is refused as damaged.
const FOREIGN_MEMORY: u32 = 1024 * 1024;

/// The pool. Memory is kept from one hash to the next only while somebody waits for it.
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Turns that work in the background may hold at a time: one fewer than there are, where there is more than one.
    background: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = cores.min(AT_MOST);
        let background = Arc::new(Semaphore::new((turns - 1).max(1)));
        Self { turns: Arc::new(Semaphore::new(turns)), background, waiting: Arc::default(), spare: Arc::default() }
    }
}

/// Counts a caller as waiting for as long as it lives.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Passwords {
    /// The hash of a password with a new salt, as a PHC string (`$argon2id$v=19$m=32768,t=2,p=1$…`).
    ///
    /// # Errors
    /// 503 `common/unavailable` when 64 others wait already or none of them is done within 10 seconds.
    pub async fn hash(&self, password: String) -> Result<String> {
        let spare = Arc::clone(&self.spare);
        self.run(move |reuse| with_memory(&spare, reuse, |memory| hash(&password, memory))).await?
    }

    /// As [`Passwords::hash`], for work that brings many: it waits as long as it takes, and neither takes the last turn from
    /// those who sign in nor a place among those who wait.
    ///
    /// # Errors
    /// None in practice.
    pub async fn hash_in_background(&self, password: String) -> Result<String> {
        let _one_of_few = Arc::clone(&self.background).acquire_owned().await.map_err(Error::internal)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        let spare = Arc::clone(&self.spare);
        self.work(turn, move |reuse| with_memory(&spare, reuse, |memory| hash(&password, memory))).await?
    }

    /// Whether a password is the one behind an Argon2 PHC string; a damaged string fits none.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn verify(&self, password: String, phc: String) -> Result<bool> {
        let spare = Arc::clone(&self.spare);
        self.run(move |reuse| with_memory(&spare, reuse, |memory| verify(&password, &phc, memory))).await?
    }

    /// The effort of [`Passwords::verify`] for an account that is not there or has no password, so that nobody learns from
    /// the time an answer takes which accounts there are.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn verify_nobody(&self, password: String) -> Result<()> {
        self.hash(password).await.map(drop)
    }

    /// Computes something of similar weight, such as a foreign hash, in its turn.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.run(move |_| work()).await
    }

    /// `work` hears whether somebody waits, when it has ended, through the function it gets.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static) -> Result<T> {
        let turn = match Arc::clone(&self.turns).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let place = self.waiting.fetch_add(1, Ordering::AcqRel);
                let _waiting = Waiting(Arc::clone(&self.waiting));
                if place >= WAITING {
                    return Err(busy());
                }
                let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await.map_err(|_| busy())?;
                turn.map_err(Error::internal)?
            }
        };
        self.work(turn, work).await
    }

    async fn work<T: Send + 'static>(&self, turn: OwnedSemaphorePermit, work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static) -> Result<T> {
        let waiting = Arc::clone(&self.waiting);
        // The turn ends with the work, also when the caller has gone away meanwhile.
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&|| waiting.load(Ordering::Acquire) > 0);
            drop(turn);
            result
        });
        worked.await.map_err(Error::internal)
    }
}

fn busy() -> Error {
    Error::unavailable("Too many sign-ins at once; try again in a second")
}

fn with_memory<T>(spare: &Mutex<Vec<Vec<Block>>>, reuse: &dyn Fn() -> bool, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
    let mut memory = spare.lock().pop().unwrap_or_default();
    let result = work(&mut memory);
    let mut spare = spare.lock();
    if reuse() && memory.len() == MEMORY as usize {
        spare.push(memory);
    } else {
        spare.clear();
    }
    result
}

fn hash(password: &str, memory: &mut Vec<Block>) -> Result<String> {
    let params = Params::new(MEMORY, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(Error::internal)?;
    let salt: [u8; SALT_BYTES] = rand::random();
    let mut output = [0; OUTPUT_BYTES];
    fill(&params, Algorithm::Argon2id, Version::V0x13, password, &salt, &mut output, memory).map_err(Error::internal)?;
    let phc = PasswordHash {
        algorithm: Ident::new("argon2id").map_err(Error::internal)?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(Error::internal)?,
        salt: Some(Salt::new(&salt).map_err(Error::internal)?),
        hash: Some(Output::new(&output).map_err(Error::internal)?),
    };
    Ok(phc.to_string())
}

fn verify(password: &str, phc: &str, memory: &mut Vec<Block>) -> Result<bool> {
    let Some((algorithm, version, params, salt, expected)) = parts(phc) else { return Ok(false) };
    let mut output = vec![0; expected.len()];
    fill(&params, algorithm, version, password, &salt, &mut output, memory).map_err(Error::internal)?;
    Ok(output.ct_eq(&expected).into())
}

/// Algorithm, version, costs, salt and output.
type Parts = (Algorithm, Version, Params, Vec<u8>, Vec<u8>);

/// What a PHC string says.
fn parts(phc: &str) -> Option<Parts> {
    let parsed = PasswordHash::new(phc).ok()?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).ok()?;
    let version = parsed.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let params = Params::try_from(&parsed).ok().filter(|p| p.m_cost() <= FOREIGN_MEMORY)?;
    Some((algorithm, version, params, parsed.salt?.to_vec(), parsed.hash?.as_bytes().to_vec()))
}

fn fill(
    params: &Params,
    algorithm: Algorithm,
    version: Version,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> argon2::Result<()> {
    memory.resize(params.block_count(), Block::new());
    Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Code;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::default();
        let phc = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=32768,t=2,p=1$"), "{phc}");
        assert_ne!(phc, passwords.hash("correct horse".to_owned()).await.unwrap());
        assert!(passwords.verify("correct horse".to_owned(), phc.clone()).await.unwrap());
        assert!(!passwords.verify("Correct horse".to_owned(), phc).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_of_others_are_read_with_their_own_costs() {
        let passwords = Passwords::default();
        let foreign = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$";
        for damaged in ["", "x", "$argon2id$", foreign, "$2b$12$abc", "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(!passwords.verify("x".to_owned(), damaged.to_owned()).await.unwrap(), "{damaged}");
        }
        // From the tests of the reference implementation.
        let known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(passwords.verify("password".to_owned(), known.to_owned()).await.unwrap());
    }

    #[tokio::test]
    async fn beyond_64_waiting_callers_the_server_is_busy() {
        let passwords = Arc::new(Passwords { turns: Arc::new(Semaphore::new(1)), ..Passwords::default() });
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let pool = Arc::clone(&passwords);
        let first = tokio::spawn(async move {
            pool.compute(move || {
                let _ = begin.send(());
                let _ = finished.recv();
            })
            .await
        });
        begun.await.unwrap();
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let pool = Arc::clone(&passwords);
                tokio::spawn(async move { pool.compute(|| ()).await })
            })
            .collect();
        while passwords.waiting.load(Ordering::Acquire) < WAITING {
            tokio::task::yield_now().await;
        }
        let refused = passwords.compute(|| ()).await.unwrap_err();
        assert_eq!((refused.code(), refused.retry_after()), (Code::UNAVAILABLE, Some(1)));
        finish.send(()).unwrap();
        first.await.unwrap().unwrap();
        for caller in waiting {
            caller.await.unwrap().unwrap();
        }
        assert_eq!(passwords.waiting.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn work_in_the_background_leaves_a_turn_to_those_who_sign_in() {
        let passwords = Arc::new(Passwords { turns: Arc::new(Semaphore::new(2)), background: Arc::new(Semaphore::new(1)), ..Passwords::default() });
        let held = Arc::clone(&passwords.background).acquire_owned().await.unwrap();
        let pool = Arc::clone(&passwords);
        let many = tokio::spawn(async move { pool.hash_in_background("x".to_owned()).await });
        // While the background is busy, it waits without a turn and without a place.
        passwords.hash("y".to_owned()).await.unwrap();
        assert!(!many.is_finished());
        assert_eq!((passwords.turns.available_permits(), passwords.waiting.load(Ordering::Acquire)), (2, 0));
        drop(held);
        assert!(many.await.unwrap().unwrap().starts_with("$argon2id$"));
    }

    #[tokio::test]
    async fn memory_is_given_back_when_nobody_waits() {
        let passwords = Passwords::default();
        passwords.hash("x".to_owned()).await.unwrap();
        assert!(passwords.spare.lock().is_empty());
    }
}
