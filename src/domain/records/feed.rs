//! Answers that are made on a blocking thread while they are sent: a bounded channel between the two.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// A receiver that takes nothing for this long is given up, lest it hold a snapshot of the database forever.
const STALL: Duration = Duration::from_secs(60);
/// Bytes sent at once.
const CHUNK: usize = 64 * 1024;

/// The sending end, for a thread of the blocking pool.
pub(super) struct Feed<T> {
    sender: mpsc::Sender<T>,
    runtime: Handle,
}

/// The receiver has gone, or stopped taking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes the answer any more")]
pub(super) struct Gone;

impl<T: Send> Feed<T> {
    /// Must be called inside the runtime.
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { sender, runtime: Handle::current() }, receiver)
    }

    /// Waits until there is room. Blocks.
    pub fn send(&self, item: T) -> Result<(), Gone> {
        self.runtime.block_on(async { tokio::time::timeout(STALL, self.sender.send(item)).await }).map_err(|_| Gone)?.map_err(|_| Gone)
    }

    /// Tells whether the receiver has gone, for reads that are to end with it.
    pub fn is_gone(&self) -> impl Fn() -> bool + use<T> {
        // A weak end: a strong one would keep the channel open for as long as the read may run again.
        let sender = self.sender.downgrade();
        move || sender.upgrade().is_none_or(|sender| sender.is_closed())
    }

    /// The runtime, for what has to wait inside.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// Sends what is written in chunks.
pub(super) struct Chunks<'f, E> {
    feed: &'f Feed<Result<Option<Bytes>, E>>,
    buffer: Vec<u8>,
}

impl<'f, E: Send> Chunks<'f, E> {
    pub fn new(feed: &'f Feed<Result<Option<Bytes>, E>>) -> Self {
        Self { feed, buffer: Vec::with_capacity(CHUNK) }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.feed.send(Ok(Some(chunk.into()))).map_err(|gone| io::Error::new(io::ErrorKind::BrokenPipe, gone))
    }
}

impl<E: Send> Write for Chunks<'_, E> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()
    }
}
