//! Where pictures are made: as many at a time as there are cores, within a budget of memory, and none longer than ten seconds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Refusal;
use super::stop::{Stop, StopOnDrop};

/// How long a picture may wait and be worked on, together.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// MiB that all pictures being made may take together, roughly. One that asks for more is made alone.
const MEMORY: u32 = 1024;

pub struct Pool {
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

impl Default for Pool {
    fn default() -> Self {
        Self::of_places(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Pool {
    fn of_places(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), memory: Arc::new(Semaphore::new(MEMORY as usize)) }
    }

    /// Looks at a source with `plan`, asks `weight` for the bytes of memory the rest takes, and does it with `work`. Both run on
    /// threads that may block, and hear through [`Stop`] when their caller has gone or `deadline` has passed; the place is
    /// free again when they end.
    ///
    /// # Errors
    /// Those of `plan` and `work`; [`Refusal::TooLong`] past the deadline.
    pub async fn run<P: Send + 'static, T: Send + 'static>(
        &self,
        deadline: Instant,
        plan: impl FnOnce(&Stop) -> Result<P, Refusal> + Send + 'static,
        weight: impl FnOnce(&P) -> u64,
        work: impl FnOnce(P, &Stop) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let stop = Stop::default();
        let _given_up = StopOnDrop(stop.clone());
        let (places, memory, heard) = (Arc::clone(&self.places), Arc::clone(&self.memory), stop.clone());
        let all = async {
            let place = places.acquire_owned().await.map_err(Refusal::inside)?;
            // The place goes where the work is: it stays taken until a given-up step has noticed.
            let (planned, place) = blocking(move || (plan(&heard), place)).await?;
            let planned = planned?;
            let mib = u32::try_from(weight(&planned).div_ceil(1024 * 1024)).unwrap_or(MEMORY).clamp(1, MEMORY);
            let room = memory.acquire_many_owned(mib).await.map_err(Refusal::inside)?;
            blocking(move || {
                let made = stop.check().and_then(|()| work(planned, &stop));
                drop((place, room));
                made
            })
            .await?
        };
        timeout_at(deadline, all).await.unwrap_or(Err(Refusal::TooLong))
    }
}

/// A decoder that panics has met a file it cannot read.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "reading a picture failed");
        Refusal::unreadable("The file is damaged")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(pool: &Pool, work: impl FnOnce(&Stop) -> Result<(), Refusal> + Send + 'static) -> Result<(), Refusal> {
        pool.run(Instant::now() + PATIENCE, |_| Ok(()), |()| 0, move |(), stop| work(stop)).await
    }

    fn until(stop: &Stop) -> Result<(), Refusal> {
        while !stop.is_set() {
            std::thread::sleep(Duration::from_millis(1));
        }
        stop.check()
    }

    #[tokio::test]
    async fn work_past_its_deadline_is_given_up_and_frees_its_place() {
        let pool = Pool::of_places(1);
        let soon = Instant::now() + Duration::from_millis(50);
        let late = pool.run(soon, |_| Ok(()), |()| 0, |(), stop| until(stop)).await;
        assert!(matches!(late, Err(Refusal::TooLong)));
        run(&pool, |_| Ok(())).await.expect("the place is free again");
    }

    #[tokio::test]
    async fn so_is_work_whose_caller_has_gone() {
        let pool = Pool::of_places(1);
        {
            let gone = run(&pool, until);
            assert!(tokio::time::timeout(Duration::from_millis(50), gone).await.is_err());
        }
        run(&pool, |_| Ok(())).await.expect("the place is free again");
    }

    #[tokio::test]
    async fn whoever_waits_longer_than_allowed_for_a_place_or_for_memory_is_refused() {
        let pool = Arc::new(Pool::of_places(1));
        let taken = Arc::clone(&pool.places).acquire_owned().await.unwrap();
        let soon = || Instant::now() + Duration::from_millis(20);
        assert!(matches!(pool.run(soon(), |_| Ok(()), |()| 0, |(), _| Ok(())).await, Err(Refusal::TooLong)));
        drop(taken);
        let taken = Arc::clone(&pool.memory).acquire_many_owned(MEMORY).await.unwrap();
        assert!(matches!(pool.run(soon(), |_| Ok(()), |()| 5, |(), _| Ok(())).await, Err(Refusal::TooLong)));
        drop(taken);
        assert!(pool.run(soon() + PATIENCE, |_| Ok(()), |()| u64::MAX, |(), _| Ok(())).await.is_ok(), "what asks for all memory gets it");
    }

    #[tokio::test]
    async fn a_panic_of_a_decoder_is_a_damaged_file() {
        let pool = Pool::of_places(1);
        assert!(matches!(run(&pool, |_| panic!("index out of bounds")).await, Err(Refusal::Unreadable(_))));
        run(&pool, |_| Ok(())).await.expect("the place is free again");
    }
}
