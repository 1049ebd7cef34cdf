//! The one writer of a database: a thread that owns the write connection, takes queued operations in batches, runs each
//! in a savepoint inside one transaction, commits once, then answers all of them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::data::Record;
use super::error::{StoreError, StoreResult};
use super::noted::{Noted, Notes};

/// Operations in one commit.
const BATCH: usize = 256;

/// A write in progress: the store's write methods hang on it.
pub struct Tx<'a> {
    pub(super) connection: &'a Connection,
    /// Run before the commit and again after it, whether it succeeded or not.
    around: Vec<Box<dyn Fn() + Send>>,
    /// Run after a successful commit, before the caller is answered.
    after: Vec<Box<dyn FnOnce() + Send>>,
    /// Run at the end of the operation, as part of it.
    ending: Vec<Ending>,
    notes: Notes,
}

type Ending = Box<dyn for<'t> FnOnce(&mut Tx<'t>) -> StoreResult<()> + Send>;

impl<'a> Tx<'a> {
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Reads inside the transaction.
    pub fn reader(&self) -> super::database::Reader<'a> {
        super::database::Reader { connection: self.connection }
    }

    /// Runs `hook` once the change is durable and before its caller hears of it: cache invalidation, publication.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(hook));
    }

    /// Runs `hook` right before and right after the commit: version counters that caches compare.
    pub fn around_commit(&mut self, hook: impl Fn() + Send + 'static) {
        self.around.push(Box::new(hook));
    }

    /// Runs `hook` at the end of the operation, inside its transaction, once it has succeeded.
    pub fn at_end(&mut self, hook: impl for<'t> FnOnce(&mut Tx<'t>) -> StoreResult<()> + Send + 'static) {
        self.ending.push(Box::new(hook));
    }

    /// Notes that the operation has touched a record. Of several touches, the first `before` and the last `after` count.
    pub fn note_record(&mut self, table_id: &str, record_id: &str, before: Option<Arc<Record>>, after: Option<Arc<Record>>) {
        self.notes.note(table_id, record_id, before, after);
    }

    /// Notes that the operation has touched a table as a whole.
    pub fn note_table(&mut self, table_id: &str) {
        self.notes.reset(table_id);
    }

    pub fn nothing_noted(&self) -> bool {
        self.notes.is_empty()
    }

    /// Takes everything the operation has noted.
    pub fn take_noted(&mut self) -> Noted {
        self.notes.take()
    }

    /// Forgets what an earlier operation of the batch has left.
    fn begin(&mut self) {
        self.ending.clear();
        self.notes.clear();
    }

    fn end(&mut self) -> StoreResult<()> {
        std::mem::take(&mut self.ending).into_iter().try_for_each(|hook| hook(self))
    }

    /// Runs `operation` so that its failure undoes only what it did itself.
    pub fn nested<T, E: From<StoreError>>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let (around, after, mark) = (self.around.len(), self.after.len(), self.notes.mark());
        self.connection.execute_batch("SAVEPOINT nested").map_err(StoreError::from)?;
        let result = operation(self);
        let end = if result.is_ok() { "RELEASE nested" } else { "ROLLBACK TO nested; RELEASE nested" };
        self.connection.execute_batch(end).map_err(StoreError::from)?;
        if result.is_err() {
            self.around.truncate(around);
            self.after.truncate(after);
            self.notes.back_to(mark);
        }
        result
    }
}

/// Result of an operation's run: whether it is to be kept, and how to answer once the commit's fate is known.
struct Ran {
    keep: bool,
    answer: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

type Operation = Box<dyn FnOnce(&mut Tx<'_>) -> Ran + Send>;

enum Message {
    Run(Operation),
    /// Shares its commit with nobody: what it changes (a table's schema, say) is in force for every later operation.
    RunAlone(Operation),
    /// As `RunAlone`, with another database attached as `source`.
    RunBeside(PathBuf, Operation),
    Stop,
}

/// With whom an operation shares its commit.
pub(super) enum How {
    Shared,
    Alone,
    /// Alone, with this database file attached as `source`.
    Beside(PathBuf),
}

pub(super) struct Writer {
    queue: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// `commits` rises with every commit, before anybody hears of it.
    pub(super) fn start(connection: Connection, path: &Path, commits: Arc<AtomicU64>) -> StoreResult<Self> {
        let (sender, receiver) = channel();
        let name = format!("writer {}", path.file_name().unwrap_or_default().to_string_lossy());
        let thread = std::thread::Builder::new().name(name).spawn(move || serve(connection, &receiver, &commits))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn run<T, E, F>(&self, how: How, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.enqueue(how, operation, move |result| drop(answer.send(result)))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) fn run_blocking<T, E, F>(&self, how: How, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = channel();
        self.enqueue(how, operation, move |result| drop(answer.send(result)))?;
        answered.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    fn enqueue<T, E, F>(&self, how: How, operation: F, respond: impl FnOnce(Result<T, E>) + Send + 'static) -> Result<(), E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let run = move |tx: &mut Tx<'_>| {
            tx.begin();
            let whole = |tx: &mut Tx<'_>| {
                let value = operation(tx)?;
                tx.end()?;
                Ok(value)
            };
            let result = catch_unwind(AssertUnwindSafe(|| whole(tx))).unwrap_or_else(|panic| {
                tracing::error!(panic = text_of(&*panic), "a write panicked and was rolled back");
                Err(StoreError::Panicked.into())
            });
            let keep = result.is_ok();
            let answer = move |commit_error: Option<StoreError>| match commit_error {
                Some(error) if result.is_ok() => respond(Err(error.into())),
                _ => respond(result),
            };
            Ran { keep, answer: Box::new(answer) }
        };
        let message = match how {
            How::Shared => Message::Run(Box::new(run)),
            How::Alone => Message::RunAlone(Box::new(run)),
            How::Beside(source) => Message::RunBeside(source, Box::new(run)),
        };
        let sent = self.queue.lock().as_ref().is_some_and(|queue| queue.send(message).is_ok());
        if sent { Ok(()) } else { Err(StoreError::Closed.into()) }
    }

    /// Lets queued operations finish, checkpoints and ends the thread.
    pub(super) fn stop(&self) {
        if let Some(queue) = self.queue.lock().take() {
            // The thread also ends when the queue is gone.
            let _ = queue.send(Message::Stop);
        }
        // The last handle may be dropped by a hook on the writer thread itself, which cannot wait for itself.
        if let Some(thread) = self.thread.lock().take().filter(|t| t.thread().id() != std::thread::current().id())
            && thread.join().is_err()
        {
            tracing::error!("a writer thread had panicked");
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn serve(connection: Connection, queue: &Receiver<Message>, commits: &AtomicU64) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut next = queue.recv().ok();
    while let Some(message) = next.take() {
        match message {
            Message::Run(operation) => batch.push(operation),
            Message::RunAlone(operation) => {
                batch.push(operation);
                commit(&connection, &mut batch, commits);
                next = queue.recv().ok();
                continue;
            }
            Message::RunBeside(source, operation) => {
                run_beside(&connection, &source, operation, &mut batch, commits);
                next = queue.recv().ok();
                continue;
            }
            Message::Stop => break,
        }
        while batch.len() < BATCH {
            match queue.try_recv() {
                Ok(Message::Run(operation)) => batch.push(operation),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        commit(&connection, &mut batch, commits);
        if next.is_none() {
            next = queue.recv().ok();
        }
    }
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "checkpoint at close failed; the write-ahead log keeps the data");
    }
}

/// Attaching happens outside of transactions, so it is done around the commit.
fn run_beside(connection: &Connection, source: &Path, operation: Operation, batch: &mut Vec<Operation>, commits: &AtomicU64) {
    if let Err(error) = connection.execute("ATTACH ?1 AS source", [source.to_string_lossy()]) {
        tracing::error!(%error, "a copy could not be attached");
        // Its caller hears that the database is closed.
        return drop(operation);
    }
    batch.push(operation);
    commit(connection, batch, commits);
    connection.flush_prepared_statement_cache();
    if let Err(error) = connection.execute_batch("DETACH source") {
        tracing::error!(%error, "a copy could not be detached");
    }
}

/// Runs one batch and answers everybody in it.
fn commit(connection: &Connection, batch: &mut Vec<Operation>, commits: &AtomicU64) {
    let mut ran = Vec::with_capacity(batch.len());
    let mut tx = Tx { connection, around: Vec::new(), after: Vec::new(), ending: Vec::new(), notes: Notes::default() };
    let outcome = run_batch(&mut tx, batch, &mut ran);
    let error = outcome.err().inspect(|error| {
        tracing::error!(%error, "a commit failed");
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
    });
    commits.fetch_add(1, Ordering::AcqRel);
    tx.around.iter().for_each(|hook| hook());
    if error.is_none() {
        tx.after.drain(..).for_each(|hook| hook());
    }
    for Ran { answer, .. } in ran {
        answer(error.as_ref().map(same));
    }
}

fn run_batch(tx: &mut Tx<'_>, batch: &mut Vec<Operation>, ran: &mut Vec<Ran>) -> StoreResult<()> {
    let run_one = |tx: &mut Tx<'_>, statement: &str| tx.connection.prepare_cached(statement).and_then(|mut s| s.execute([])).map_err(StoreError::from);
    let begun = run_one(tx, "BEGIN IMMEDIATE").map(|_| ());
    for operation in batch.drain(..) {
        if begun.is_err() {
            ran.push(Ran { keep: false, answer: run_without(operation) });
            continue;
        }
        let (around, after) = (tx.around.len(), tx.after.len());
        run_one(tx, "SAVEPOINT op")?;
        let one = operation(tx);
        if !one.keep {
            run_one(tx, "ROLLBACK TO op")?;
            tx.around.truncate(around);
            tx.after.truncate(after);
        }
        ran.push(one);
        run_one(tx, "RELEASE op")?;
    }
    begun?;
    tx.around.iter().for_each(|hook| hook());
    run_one(tx, "COMMIT").map(|_| ())
}

/// Dropping an operation closes its answer channel, which its caller reads as [`StoreError::Closed`].
fn run_without(operation: Operation) -> Box<dyn FnOnce(Option<StoreError>) + Send> {
    Box::new(move |_| drop(operation))
}

fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        StoreError::Busy => StoreError::Busy,
        other => StoreError::Other(other.to_string()),
    }
}
