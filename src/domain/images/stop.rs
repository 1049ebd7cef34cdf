//! Giving up work that nobody waits for any more: asked between two steps, and by readers and writers within them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Refusal;

/// Shared by the work and by whoever waits for it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Stops the work when it is dropped: its caller has gone, or has waited long enough.
pub struct StopOnDrop(pub Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`Refusal::TooLong`] once the work was given up.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.is_set() { Err(Refusal::TooLong) } else { Ok(()) }
    }

    /// The same for a reader or writer.
    pub fn check_io(&self) -> io::Result<()> {
        if self.is_set() { Err(io::Error::other("given up")) } else { Ok(()) }
    }

    /// What a failed step means: that the picture is damaged, unless the work was given up.
    pub fn or_unreadable(&self, error: impl std::fmt::Display) -> Refusal {
        if self.is_set() {
            return Refusal::TooLong;
        }
        tracing::debug!(%error, "a picture could not be read");
        Refusal::unreadable("The file is damaged, or larger inside than a picture may be")
    }
}

impl webpx::Stop for Stop {
    fn check(&self) -> Result<(), webpx::StopReason> {
        if self.is_set() { Err(webpx::StopReason::Cancelled) } else { Ok(()) }
    }
}

/// Bytes written to memory, until the work is given up.
pub struct Output {
    pub bytes: Vec<u8>,
    pub stop: Stop,
}

impl io::Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stop.check_io()?;
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
