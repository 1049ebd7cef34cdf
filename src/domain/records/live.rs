//! Live changes as one subscriber sees them (`02-data.md` §10).
//!
//! A subscription listens first, then reads where it starts, then skips by number what it has read: nothing is lost
//! and nothing comes twice between the two. Everything is judged when it is sent, with the rights of that moment.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::changes::{Change, Event as Heard, Missed, Op, since};
use super::live_snapshot::{self, Begin, Part};
use super::live_table::{Sees, Wanted, Watch};
use crate::domain::access::Access;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time;

/// Streams per environment (`02-data.md` §12).
pub const MAX_STREAMS: usize = 200;
/// Rights of open streams are looked at this often; they bind within 5 s (§8.4).
const CHECK: Duration = Duration::from_secs(2);
/// Seconds after which a refused client may try again.
const RETRY_AFTER: u32 = 15;

/// What a subscriber is told.
#[derive(Debug)]
pub enum Event {
    /// A record: `snapshot`, `create`, `update`.
    Record {
        name: &'static str,
        seq: Option<i64>,
        table: String,
        id: String,
        json: Vec<u8>,
        at: i64,
    },
    Delete {
        seq: i64,
        table: String,
        id: String,
        at: i64,
    },
    /// The records of the table have to be read anew.
    Reset {
        seq: i64,
        table: String,
        at: i64,
    },
    /// Everything that matched at the start was sent.
    Ready {
        seq: i64,
        at: i64,
    },
    /// One of several tables cannot be watched, or no longer.
    TableError {
        table: String,
        error: Error,
    },
    /// The last event.
    Error(Error),
}

/// Finds out anew who is asking.
pub type Identify = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Access>>>>>;

/// Where a subscription starts.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `Last-Event-ID`; text that is no number resumes nothing.
    pub last_event_id: Option<String>,
    /// First send what matches now.
    pub initial: bool,
}

/// One open stream.
pub struct Subscription {
    identify: Identify,
    access: Access,
    watches: Vec<Watch>,
    /// Asked for by `?tables=`: a table that fails does not end the stream.
    several: bool,
    heard: Receiver<Heard>,
    _place: OwnedSemaphorePermit,
    /// Changes up to this number were looked at.
    seen: i64,
    waiting: VecDeque<Waiting>,
    snapshot: Option<mpsc::Receiver<Part>>,
    checked: Instant,
    ended: bool,
}

enum Waiting {
    Event(Box<Event>),
    Change(Change),
}

impl Subscription {
    /// Opens a stream of the changes of one table, or of several.
    ///
    /// # Errors
    /// For one table, as a list; 429 `data/rate-limit-exceeded` beyond 200 streams.
    pub async fn open(access: Access, identify: Identify, wanted: Vec<Wanted>, several: bool, start: Start) -> Result<Self> {
        let mut refused = Vec::new();
        let mut watches = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            match Watch::open(&access, wanted) {
                Ok(watch) => watches.push(watch),
                // A request that makes no sense is refused as a whole.
                Err((table, error)) if several && error.code().status != 400 => refused.push((table, error)),
                Err((_, error)) => return Err(error),
            }
        }
        let place = place(&access.environment)?;
        let heard = access.environment.bus().subscribe();
        let mut this = Self {
            identify,
            watches,
            several,
            heard,
            _place: place,
            seen: 0,
            waiting: refused.into_iter().map(|(table, error)| Event::TableError { table, error }.into()).collect(),
            snapshot: None,
            checked: Instant::now(),
            ended: false,
            access,
        };
        this.begin(start).await?;
        Ok(this)
    }

    /// The next event; `None` after the last.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return self.waiting.pop_front().and_then(Waiting::event);
            }
            if self.checked.elapsed() >= CHECK {
                self.check().await;
                continue;
            }
            match self.waiting.pop_front() {
                Some(Waiting::Event(event)) => return Some(*event),
                Some(Waiting::Change(change)) => match self.see(&change) {
                    Some(event) => return Some(event),
                    None => continue,
                },
                None if self.watches.is_empty() => {
                    self.ended = true;
                    continue;
                }
                None => {}
            }
            if let Err(error) = self.wait().await {
                self.fail(error);
            }
        }
    }

    /// Waits for something to happen.
    async fn wait(&mut self) -> Result<()> {
        let due = self.checked + CHECK;
        if let Some(snapshot) = &mut self.snapshot {
            return match tokio::time::timeout_at(due, snapshot.recv()).await {
                Ok(Some(Part::Event(event))) => {
                    self.waiting.push_back(event.into());
                    Ok(())
                }
                Ok(Some(Part::End(end))) => {
                    self.snapshot = None;
                    end
                }
                Ok(None) => Err(Error::internal("a snapshot broke off")),
                Err(_) => Ok(()),
            };
        }
        match tokio::time::timeout_at(due, self.heard.recv()).await {
            Ok(Ok(Heard::Changes(changes))) => {
                let new = changes.iter().filter(|c| c.seq > self.seen && self.watches.iter().any(|w| *w.table_id() == c.table_id));
                self.waiting.extend(new.cloned().map(Waiting::Change));
                self.seen = changes.last().map_or(self.seen, |c| c.seq.max(self.seen));
            }
            Ok(Ok(Heard::Table(name))) if self.watches.iter().any(|w| *w.name() == *name) => self.check().await,
            Ok(Ok(Heard::Table(_))) | Err(_) => {}
            Ok(Err(RecvError::Lagged(_))) => {
                self.check().await;
                if !self.ended {
                    self.catch_up().await?;
                }
            }
            // The environment has closed; who asks next finds the one in its place, or none.
            Ok(Err(RecvError::Closed)) => self.check().await,
        }
        Ok(())
    }

    async fn begin(&mut self, start: Start) -> Result<()> {
        let mut fresh = start.initial;
        if let Some(id) = start.last_event_id.filter(|id| !id.is_empty()) {
            match self.missed(id.trim().parse().unwrap_or(-1)).await? {
                Some(missed) => {
                    fresh = false;
                    self.take(missed);
                    if start.initial {
                        self.waiting.push_back(Event::Ready { seq: self.seen, at: time::now() }.into());
                    }
                }
                None => self.reset_all().await?,
            }
        } else if !start.initial {
            self.seen = newest(&self.access.environment).await?;
        }
        if fresh {
            let (cut, parts) = live_snapshot::read(&self.access.environment, self.watches.iter().map(Begin::of).collect()).await?;
            self.seen = cut;
            self.snapshot = Some(parts);
        }
        Ok(())
    }

    /// Reads from the store what the bus no longer has.
    async fn catch_up(&mut self) -> Result<()> {
        match self.missed(self.seen).await? {
            Some(missed) => {
                self.take(missed);
                Ok(())
            }
            None => self.reset_all().await,
        }
    }

    async fn missed(&self, seq: i64) -> Result<Option<Missed>> {
        if seq < 0 {
            return Ok(None);
        }
        let tables: HashSet<String> = self.watches.iter().map(|w| w.table_id().clone()).collect();
        since(&self.access.environment, seq, tables).await
    }

    fn take(&mut self, missed: Missed) {
        self.waiting.extend(missed.changes.into_iter().map(Waiting::Change));
        self.seen = missed.until;
    }

    /// Every table has to be read anew.
    async fn reset_all(&mut self) -> Result<()> {
        self.seen = newest(&self.access.environment).await?;
        let (seq, at) = (self.seen, time::now());
        self.waiting.extend(self.watches.iter().map(|w| Event::Reset { seq, table: w.name().clone(), at }.into()));
        Ok(())
    }

    /// What a change is to this subscriber.
    fn see(&self, change: &Change) -> Option<Event> {
        let watch = self.watches.iter().find(|w| *w.table_id() == change.table_id)?;
        let (seq, at, table) = (change.seq, change.at, watch.name().clone());
        if change.op == Op::Reset {
            return Some(Event::Reset { seq, table, at });
        }
        let id = change.record_id.clone();
        Some(match watch.sees(change.before.as_deref(), change.after.as_deref()) {
            Sees::Nothing => return None,
            Sees::Delete => Event::Delete { seq, table, id, at },
            Sees::Create(json) => Event::Record { name: "create", seq: Some(seq), table, id, json, at },
            Sees::Update(json) => Event::Record { name: "update", seq: Some(seq), table, id, json, at },
        })
    }

    /// Looks at credentials and rights anew.
    async fn check(&mut self) {
        self.checked = Instant::now();
        let access = match (self.identify)().await {
            Ok(access) => access,
            Err(error) => return self.fail(error),
        };
        let replaced = !Arc::ptr_eq(&access.environment, &self.access.environment);
        self.access = access;
        if replaced && let Err(error) = self.move_over().await {
            return self.fail(error);
        }
        let mut kept = Vec::with_capacity(self.watches.len());
        let mut changed = Vec::new();
        for mut watch in std::mem::take(&mut self.watches) {
            match watch.check(&self.access) {
                Ok(differs) => {
                    changed.extend((differs && !replaced).then(|| watch.name().clone()));
                    kept.push(watch);
                }
                Err(error) if self.several => self.waiting.push_front(Event::TableError { table: watch.name().clone(), error }.into()),
                Err(error) => return self.fail(error),
            }
        }
        self.watches = kept;
        if !changed.is_empty() {
            self.restart(&changed);
        }
    }

    /// What the subscriber may see of some tables is not what it was: it has to read them anew.
    fn restart(&mut self, changed: &[String]) {
        let (seq, at) = (self.seen, time::now());
        // A snapshot under way was begun with the rights of before.
        let interrupted = self.snapshot.take().is_some();
        for watch in self.watches.iter().filter(|w| interrupted || changed.contains(w.name())) {
            self.waiting.retain(|w| !matches!(w, Waiting::Change(change) if change.table_id == *watch.table_id()));
            self.waiting.push_back(Event::Reset { seq, table: watch.name().clone(), at }.into());
        }
        if interrupted {
            self.waiting.push_back(Event::Ready { seq, at }.into());
        }
    }

    /// The environment was put in another's place: a restore, or a reset.
    async fn move_over(&mut self) -> Result<()> {
        self._place = place(&self.access.environment)?;
        self.heard = self.access.environment.bus().subscribe();
        self.waiting.clear();
        self.snapshot = None;
        for watch in &mut self.watches {
            watch.follow(&self.access);
        }
        self.reset_all().await
    }

    /// Ends the stream with an error.
    fn fail(&mut self, error: Error) {
        self.waiting.clear();
        self.waiting.push_back(Event::Error(error).into());
        self.snapshot = None;
        self.ended = true;
    }
}

impl Waiting {
    fn event(self) -> Option<Event> {
        match self {
            Self::Event(event) => Some(*event),
            Self::Change(_) => None,
        }
    }
}

impl From<Event> for Waiting {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

/// A place among the streams of an environment.
fn place(environment: &Environment) -> Result<OwnedSemaphorePermit> {
    Arc::clone(environment.streams()).try_acquire_owned().map_err(|_| {
        let message = format!("{MAX_STREAMS} change streams are open in this environment; close some, or watch several tables on one with /v1/changes?tables=");
        Error::rate_limited(Code::DATA_RATE_LIMIT_EXCEEDED, message, MAX_STREAMS as u32, RETRY_AFTER)
    })
}

/// The number of the newest committed change.
async fn newest(environment: &Arc<Environment>) -> Result<i64> {
    environment.data().read::<_, Error, _>(|reader| Ok(reader.last_change()?)).await
}
