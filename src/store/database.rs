//! One SQLite database: a durable group-committing writer and readers that never wait for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::error::{StoreError, StoreResult};
use super::writer::{How, Tx, Writer};

/// Virtual-machine steps between two looks at budget and deadline.
const STEPS: i32 = 1_000;
/// Looks an inline read may take before it moves to a blocking thread: about a millisecond of work.
const INLINE_LOOKS: i64 = 20;
/// A query may run this long (`02-data.md` §12).
pub const QUERY_DEADLINE: Duration = Duration::from_secs(10);
const IDLE_READERS: usize = 8;
/// Reads that may run on blocking threads at once, per database.
const LONG_READS: usize = 16;
const STATEMENTS: usize = 128;

/// Registers SQL functions on a new connection.
pub type Setup = fn(&Connection) -> rusqlite::Result<()>;

pub struct Database {
    path: PathBuf,
    setup: Setup,
    writer: Writer,
    commits: Arc<AtomicU64>,
    idle: Mutex<Vec<ReadConnection>>,
    closed: AtomicBool,
    /// Somebody replaces the content: writes are refused.
    held: AtomicBool,
    /// Places for reads that outgrew the request's thread, so that bad queries wait for each other and for nobody else.
    long_reads: Semaphore,
}

/// Keeps writes out of a database for as long as it lives.
pub struct Hold(Arc<Database>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.store(false, Ordering::Release);
    }
}

struct ReadConnection {
    connection: Connection,
    limits: Arc<Limits>,
}

/// How long a read may take.
enum Allowance {
    /// This many looks, and no longer than [`QUERY_DEADLINE`].
    Looks(i64),
    /// Until this answers true.
    Until(Stop),
}

/// What the progress handler of a connection looks at.
struct Limits {
    looks_left: AtomicI64,
    /// Milliseconds since `start`; the handler interrupts past it.
    deadline: AtomicI64,
    start: Instant,
    past_deadline: AtomicBool,
    /// Ends a read without a deadline once it answers true.
    stop: Mutex<Option<Stop>>,
}

type Stop = Box<dyn Fn() -> bool + Send>;

/// A read in progress: one connection, one snapshot.
pub struct Reader<'a> {
    pub(super) connection: &'a Connection,
}

impl Database {
    /// Opens (or creates) the database and brings it to the newest format with `migrate`.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when it was written by a newer version; I/O and SQLite failures.
    pub fn open(path: &Path, durable: bool, setup: Setup, migrate: impl FnOnce(&mut Connection) -> StoreResult<()>) -> StoreResult<Arc<Self>> {
        let mut connection = Connection::open(path)?;
        configure(&connection, durable)?;
        setup(&connection)?;
        migrate(&mut connection)?;
        let commits = Arc::<AtomicU64>::default();
        Ok(Arc::new(Self {
            path: path.to_owned(),
            setup,
            writer: Writer::start(connection, path, Arc::clone(&commits))?,
            commits,
            idle: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
            held: AtomicBool::new(false),
            long_reads: Semaphore::new(LONG_READS),
        }))
    }

    /// Runs `operation` on the writer thread in a transaction of its own (a savepoint in a shared commit). When this
    /// answers `Ok`, the change is on the disk; when it answers an error, nothing of it is.
    pub async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.admit()?;
        self.writer.run(How::Shared, operation).await
    }

    /// As [`Database::write`], in a commit shared with nobody: for changes that later operations of the same batch
    /// would have to know of, such as those of a schema.
    pub async fn write_alone<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.admit()?;
        self.writer.run(How::Alone, operation).await
    }

    /// As [`Database::write`], also while the database is held: for what the server itself has to note.
    pub async fn write_held<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.writer.run(How::Alone, operation).await
    }

    /// As [`Database::write_held`], with another database attached as `source`.
    pub async fn write_beside<T, E, F>(&self, source: &Path, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.writer.run(How::Beside(source.to_owned()), operation).await
    }

    /// From now until the answer is dropped, writes are refused with [`StoreError::Held`]; reads go on. `None` when somebody
    /// holds the database already.
    pub fn hold(self: &Arc<Self>) -> Option<Hold> {
        (!self.held.swap(true, Ordering::AcqRel)).then(|| Hold(Arc::clone(self)))
    }

    /// Whether writes are refused.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    fn admit(&self) -> StoreResult<()> {
        if self.is_held() { Err(StoreError::Held) } else { Ok(()) }
    }

    /// As [`Database::write`], for start-up and threads outside the runtime.
    pub fn write_blocking<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.admit()?;
        self.writer.run_blocking(How::Shared, operation)
    }

    /// A number that rises with every commit, before its caller is answered. What is read after looking at it holds for as
    /// long as it stays.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Runs a read: first right here within a small step budget; when that is not enough, again on a blocking thread
    /// until the deadline. `operation` may therefore run twice and must not keep anything of a failed run.
    pub async fn read<T, E, F>(self: &Arc<Self>, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&Reader<'_>) -> Result<T, E> + Send + Sync + 'static,
    {
        let (result, interrupted) = self.run(Allowance::Looks(INLINE_LOOKS), &operation);
        if !interrupted {
            return result;
        }
        let this = Arc::clone(self);
        let place = tokio::time::timeout(QUERY_DEADLINE, self.long_reads.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(StoreError::Deadline.into()) };
        tokio::task::spawn_blocking(move || this.read_blocking(operation)).await.unwrap_or_else(|e| Err(StoreError::Other(e.to_string()).into()))
    }

    /// A read that may take until the deadline, on this thread.
    pub fn read_blocking<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: Fn(&Reader<'_>) -> Result<T, E>,
    {
        let (result, interrupted) = self.run(Allowance::Looks(i64::MAX), &operation);
        if interrupted { Err(StoreError::Deadline.into()) } else { result }
    }

    /// A read without a deadline, on this thread: for answers that are sent while they are read. Once `stop` answers
    /// true, it is interrupted with [`StoreError::OverBudget`].
    pub fn read_long<T, E, F>(&self, stop: impl Fn() -> bool + Send + 'static, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Reader<'_>) -> Result<T, E>,
    {
        self.run(Allowance::Until(Box::new(stop)), operation).0
    }

    fn run<T, E: From<StoreError>>(&self, allowance: Allowance, operation: impl FnOnce(&Reader<'_>) -> Result<T, E>) -> (Result<T, E>, bool) {
        let reader = match self.take() {
            Ok(reader) => reader,
            Err(error) => return (Err(error.into()), false),
        };
        reader.limits.arm(allowance);
        let result = operation(&Reader { connection: &reader.connection });
        let interrupted = result.is_err() && reader.limits.exhausted();
        if !reader.connection.is_autocommit() {
            // An error left the snapshot open; a connection that can't end it is not used again.
            if reader.connection.execute_batch("ROLLBACK").is_err() {
                return (result, interrupted);
            }
        }
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_READERS && !self.closed.load(Ordering::Relaxed) {
            idle.push(reader);
        }
        (result, interrupted)
    }

    fn take(&self) -> StoreResult<ReadConnection> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        if let Some(reader) = self.idle.lock().pop() {
            return Ok(reader);
        }
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        configure(&connection, true)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        (self.setup)(&connection)?;
        let limits = Arc::new(Limits {
            looks_left: AtomicI64::new(i64::MAX),
            deadline: AtomicI64::new(i64::MAX),
            start: Instant::now(),
            past_deadline: AtomicBool::new(false),
            stop: Mutex::new(None),
        });
        let seen = Arc::clone(&limits);
        connection.progress_handler(STEPS, Some(move || seen.look()))?;
        Ok(ReadConnection { connection, limits })
    }

    /// Whether [`Database::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives another connection the functions that indexes of this database call.
    pub(super) fn set_up(&self, connection: &Connection) -> StoreResult<()> {
        Ok((self.setup)(connection)?)
    }

    /// Bytes of the database file and its write-ahead log.
    pub fn size(&self) -> u64 {
        size_of(&self.path)
    }

    /// Waits for queued writes, checkpoints and closes. Later calls answer [`StoreError::Closed`].
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.idle.lock().clear();
        self.writer.stop();
    }
}

/// Bytes of a database file and its write-ahead log.
pub(super) fn size_of(path: &Path) -> u64 {
    let length = |suffix: &str| {
        let mut name = path.to_owned().into_os_string();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |m| m.len())
    };
    length("") + length("-wal")
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}

impl Limits {
    fn arm(&self, allowance: Allowance) {
        let deadline = (self.start.elapsed() + QUERY_DEADLINE).as_millis() as i64;
        let (looks, deadline, stop) = match allowance {
            Allowance::Looks(looks) => (looks, deadline, None),
            Allowance::Until(stop) => (i64::MAX, i64::MAX, Some(stop)),
        };
        self.past_deadline.store(false, Ordering::Relaxed);
        self.looks_left.store(looks, Ordering::Relaxed);
        self.deadline.store(deadline, Ordering::Relaxed);
        *self.stop.lock() = stop;
    }

    /// Called by SQLite every [`STEPS`]; true interrupts.
    fn look(&self) -> bool {
        if self.looks_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return true;
        }
        let late = self.start.elapsed().as_millis() as i64 > self.deadline.load(Ordering::Relaxed);
        if late {
            self.past_deadline.store(true, Ordering::Relaxed);
        }
        late || self.stop.lock().as_ref().is_some_and(|stop| stop())
    }

    fn exhausted(&self) -> bool {
        self.past_deadline.load(Ordering::Relaxed) || self.looks_left.load(Ordering::Relaxed) < 0
    }
}

impl<'a> Reader<'a> {
    /// The connection, for the store's own queries.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Makes everything `operation` reads come from one snapshot.
    pub fn snapshot<T, E: From<StoreError>>(&self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.connection.execute_batch("BEGIN").map_err(StoreError::from)?;
        let result = operation();
        self.connection.execute_batch("COMMIT").map_err(StoreError::from)?;
        result
    }
}

fn configure(connection: &Connection, durable: bool) -> StoreResult<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA foreign_keys = ON;
         PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;
         PRAGMA trusted_schema = ON;",
        if durable { "FULL" } else { "NORMAL" }
    ))?;
    Ok(())
}
