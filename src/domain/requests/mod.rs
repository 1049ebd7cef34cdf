//! The request log of an environment: what apps called on `/v1`, kept off the request's path (`06-console.md` B3).

mod entry;
mod filter;
mod metrics;
mod minutes;
mod operations;
pub mod redact;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast};

pub use entry::{BODY_LIMIT, Bodies, Body, CallerInfo, Entry, RequestDetail, RequestEntry};
pub use filter::Filter;
pub use metrics::{Metrics, Point, TimeSeries};

use self::minutes::Minutes;
use super::error::{Code, Error, Result};
use super::page::{List, Page};
use super::time;
use crate::store::{Database, LazyDatabase, Tx};

/// Entries kept per environment.
const KEPT: usize = 10_000;
const KEPT_MILLIS: i64 = 7 * 86_400_000;
/// How long metrics are kept, in minutes.
const KEPT_MINUTES: i64 = 35 * 1440;
/// What waits for the next batch keeps at most this much of bodies; entries beyond it go without.
const WAITING_BODIES: usize = 16 * 1024 * 1024;
/// Between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(250);
/// Between two batches when the last one was large: of a flood, only the newest entries are written.
const FLOOD_PAUSE: Duration = Duration::from_secs(1);
const LARGE_BATCH: usize = 1_000;
/// Entries a live listener may lag behind, and that `Last-Event-ID` reaches back.
const LIVE: usize = 1_000;

/// Takes entries in memory and writes them in batches.
pub struct RequestLog {
    database: LazyDatabase,
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// `None` when the environment closes.
    live: broadcast::Sender<Option<Arc<Entry>>>,
    listeners: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Arc<Entry>>,
    body_bytes: usize,
    minutes: Minutes,
    closed: bool,
}

/// Entries as they come; ends when the environment closes.
pub struct Live {
    log: Arc<RequestLog>,
    entries: broadcast::Receiver<Option<Arc<Entry>>>,
    filter: Filter,
    /// Ids that were read from the log already.
    known: HashSet<String>,
}

impl RequestLog {
    pub fn new(database: LazyDatabase) -> Arc<Self> {
        let (live, waiting) = (broadcast::Sender::new(LIVE), Mutex::default());
        Arc::new(Self { database, waiting, wake: Notify::new(), live, listeners: AtomicUsize::new(0) })
    }

    /// Takes an entry. Never waits for the disk; when more comes than is written, the oldest waiting entries are dropped,
    /// as the log would drop them anyway.
    pub fn record(&self, mut entry: Entry) {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return;
        }
        waiting.minutes.count(&entry);
        if waiting.body_bytes + entry.body_bytes() > WAITING_BODIES {
            entry.bodies = None;
        }
        waiting.body_bytes += entry.body_bytes();
        let entry = Arc::new(entry);
        if self.listeners.load(Relaxed) > 0 {
            // Without a listener there is nobody to miss it.
            let _ = self.live.send(Some(Arc::clone(&entry)));
        }
        let oldest = if waiting.entries.len() == KEPT { waiting.entries.pop_front() } else { None };
        waiting.body_bytes -= oldest.as_ref().map_or(0, |oldest| oldest.body_bytes());
        waiting.entries.push_back(entry);
        let first = waiting.entries.len() == 1;
        drop(waiting);
        // Not while others wait for the lock.
        drop(oldest);
        if first {
            self.wake.notify_one();
        }
    }

    /// Writes batches until the environment closes, and notes now and then what it holds.
    pub(super) async fn write_batches(self: Arc<Self>, data: Arc<Database>) {
        let (mut next_sizes, mut pause) = (Instant::now(), BATCH_PAUSE);
        loop {
            self.wake.notified().await;
            tokio::time::sleep(pause).await;
            if self.waiting.lock().closed {
                return;
            }
            let start = Instant::now();
            if start >= next_sizes {
                if let Err(error) = self.note_sizes_of(&data).await {
                    tracing::debug!(%error, "what the environment holds could not be counted");
                }
                // Counting a large environment must not become its main occupation.
                next_sizes = start + (start.elapsed() * 200).max(Duration::from_secs(60));
            }
            match self.flush().await {
                Ok(written) => pause = if written > LARGE_BATCH { FLOOD_PAUSE } else { BATCH_PAUSE },
                Err(error) => tracing::warn!(%error, cause = error.cause(), "part of the request log could not be written"),
            }
        }
    }

    /// Writes what waits; returns how many entries that were, when they can be read.
    async fn flush(self: &Arc<Self>) -> Result<usize> {
        let waiting = self.take();
        let count = waiting.entries.len();
        if waiting.entries.is_empty() && waiting.minutes.is_empty() {
            return Ok(0);
        }
        let database = self.database().await?;
        database.write::<_, Error, _>(move |tx| write(tx, &waiting)).await?;
        Ok(count)
    }

    fn take(&self) -> Waiting {
        let mut waiting = self.waiting.lock();
        let closed = waiting.closed;
        std::mem::replace(&mut *waiting, Waiting { closed, ..Waiting::default() })
    }

    async fn database(self: &Arc<Self>) -> Result<Arc<Database>> {
        let this = Arc::clone(self);
        Ok(tokio::task::spawn_blocking(move || this.database.get()).await.map_err(Error::internal)??)
    }

    /// Entries, newest first.
    pub async fn list(self: &Arc<Self>, filter: &Filter, page: Page) -> Result<List<RequestEntry>> {
        self.flush().await?;
        let filter = filter.since(time::now() - KEPT_MILLIS);
        let database = self.database().await?;
        let (rows, total) = database.read::<_, Error, _>(move |r| Ok(r.requests(&filter, page.limit, page.offset)?)).await?;
        Ok(List::new(rows.into_iter().map(RequestEntry::from).collect(), page, total))
    }

    /// One entry with headers, bodies and decision.
    ///
    /// # Errors
    /// 404 `request/not-found`.
    pub async fn get(self: &Arc<Self>, id: &str) -> Result<RequestDetail> {
        self.flush().await?;
        let id = id.to_owned();
        let row = self.database().await?.read::<_, Error, _>(move |r| Ok(r.request(&id)?)).await?;
        let row = row.ok_or_else(|| Error::new(Code::REQUEST_NOT_FOUND, "The request log has no such entry; it keeps the newest 10,000 of 7 days"))?;
        RequestDetail::from_row(row)
    }

    /// Empties the log; metrics stay.
    pub async fn clear(self: &Arc<Self>) -> Result<()> {
        self.flush().await?;
        self.database().await?.write::<_, Error, _>(|tx| Ok(tx.clear_requests()?)).await
    }

    /// Entries from now on, and those after `last_id` before them (the newest 1,000).
    pub async fn subscribe(self: &Arc<Self>, filter: Filter, last_id: Option<&str>) -> Result<(Vec<RequestEntry>, Live)> {
        self.listeners.fetch_add(1, Relaxed);
        let mut live = Live { log: Arc::clone(self), entries: self.live.subscribe(), filter: filter.clone(), known: HashSet::new() };
        let Some(last_id) = last_id else { return Ok((Vec::new(), live)) };
        self.flush().await?;
        let filter = filter.after(last_id);
        let (mut rows, _) = self.database().await?.read::<_, Error, _>(move |r| Ok(r.requests(&filter, LIVE as u32, 0)?)).await?;
        rows.reverse();
        live.known = rows.iter().map(|row| row.id.clone()).collect();
        Ok((rows.into_iter().map(RequestEntry::from).collect(), live))
    }

    /// What the environment did in a time, in steps.
    ///
    /// # Errors
    /// `common/invalid-parameters` for a time that is empty or has too many steps.
    pub async fn metrics(self: &Arc<Self>, wanted: TimeSeries) -> Result<Metrics> {
        self.flush().await?;
        let (from, to) = wanted.minutes();
        let rows = self.database().await?.read::<_, Error, _>(move |r| Ok((r.minutes(from, to)?, r.sizes_before(from)?))).await?;
        Ok(wanted.answer(&rows.0, rows.1.as_ref()))
    }

    /// Notes what the environment holds now, for the metrics.
    async fn note_sizes_of(&self, data: &Arc<Database>) -> Result<()> {
        let (counts, rows) = data.read::<_, Error, _>(|r| Ok((r.environment_counts()?, r.record_count()?))).await?;
        self.waiting.lock().minutes.note_sizes(time::now(), rows, counts.storage_bytes, counts.users);
        Ok(())
    }

    pub fn size(&self) -> u64 {
        self.database.size()
    }

    /// Writes what waits and closes. Blocks.
    pub(super) fn close(&self) {
        let waiting = self.take();
        self.waiting.lock().closed = true;
        // Without a listener there is nobody to tell.
        let _ = self.live.send(None);
        if !waiting.entries.is_empty() {
            let written = self.database.get().map_err(Error::from).and_then(|database| database.write_blocking(move |tx| write(tx, &waiting)));
            if let Err(error) = written {
                tracing::warn!(%error, cause = error.cause(), "the end of the request log could not be written");
            }
        }
        self.database.close();
        self.wake.notify_one();
    }
}

/// One batch, on the log's own writer thread.
fn write(tx: &mut Tx<'_>, waiting: &Waiting) -> Result<()> {
    if waiting.entries.len() >= KEPT {
        tx.clear_requests()?;
    }
    for entry in &waiting.entries {
        tx.insert_request(&entry.to_row())?;
    }
    for minute in waiting.minutes.rows() {
        tx.add_minute(&minute)?;
    }
    tx.trim_requests(KEPT as u32, time::now() - KEPT_MILLIS)?;
    tx.trim_minutes(time::now() / 60_000 - KEPT_MINUTES)?;
    Ok(())
}

impl Live {
    /// The next entry that the filter lets through; `None` when the log is closed. Entries that came faster than they were
    /// taken are missing.
    pub async fn next(&mut self) -> Option<RequestEntry> {
        loop {
            match self.entries.recv().await {
                Ok(None) | Err(broadcast::error::RecvError::Closed) => return None,
                Ok(Some(entry)) => {
                    let row = entry.to_row();
                    if !self.known.contains(&row.id) && self.filter.matches(&row) {
                        return Some(RequestEntry::from(row));
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.log.listeners.fetch_sub(1, Relaxed);
    }
}
