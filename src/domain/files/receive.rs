//! The bytes of a PUT on their way to the disk, and the moment they count (`05-storage.md` §6.3): temporary file, fsync, rename,
//! fsync of the folder, commit. Memory stays the same whatever the size; hashing and writing happen off the request threads.

use std::io;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::put::{self, PutPermit};
use crate::domain::error::{Code, Error, Result};
use crate::store::data::{ObjectRow, PartRow};
use crate::store::{Incoming, Objects, Placed, Tx};

/// Bytes that are handed to a blocking thread at once; two such buffers belong to a transfer.
const BUFFER: usize = 256 * 1024;
/// Fewer bytes are not worth a second thread.
const BESIDE: usize = 128 * 1024;
/// After this many bytes, the disk is looked at again.
const LOOK_AGAIN: u64 = 16 * 1024 * 1024;
/// After this many bytes the disk begins to write them back, so that little is left to do at the end.
const WRITE_BACK: u64 = 8 * 1024 * 1024;

/// A PUT that is being received.
pub struct Receiving {
    permit: PutPermit,
    received: u64,
    buffer: Vec<u8>,
    writing: Option<JoinHandle<Result<Written>>>,
    flushing: Option<JoinHandle<io::Result<()>>>,
    /// Bytes that were written when that began.
    flushed: u64,
}

/// What has been written, and an empty buffer.
struct Written {
    incoming: Incoming,
    spare: Vec<u8>,
}

impl PutPermit {
    /// Begins to take the bytes.
    pub fn receive(self) -> Receiving {
        Receiving { permit: self, received: 0, buffer: Vec::new(), writing: None, flushing: None, flushed: 0 }
    }
}

impl Receiving {
    /// Takes some bytes.
    ///
    /// # Errors
    /// 400 `file/file-too-large`; 503 when the disk is nearly full.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.received += bytes.len() as u64;
        self.permit.check_room(self.received)?;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BUFFER {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Hands the buffer over, once the one before it is written.
    async fn flush(&mut self) -> Result<()> {
        let (incoming, spare) = match self.written().await? {
            Some(Written { incoming, spare }) => {
                self.write_back(&incoming).await?;
                (Some(incoming), spare)
            }
            None => (None, Vec::with_capacity(BUFFER)),
        };
        let buffer = std::mem::replace(&mut self.buffer, spare);
        let (objects, sha256) = (self.permit.environment.objects().clone(), self.permit.sha256.is_some());
        self.writing = Some(tokio::task::spawn_blocking(move || write(&objects, incoming, sha256, buffer)));
        Ok(())
    }

    /// Begins to make durable what has arrived, when that is much and the disk is done with what came before.
    async fn write_back(&mut self, incoming: &Incoming) -> Result<()> {
        if incoming.size() - self.flushed < WRITE_BACK || self.flushing.as_ref().is_some_and(|flushing| !flushing.is_finished()) {
            return Ok(());
        }
        self.flushed_back().await?;
        self.flushed = incoming.size();
        let flusher = incoming.flusher().map_err(failed)?;
        self.flushing = Some(tokio::task::spawn_blocking(move || flusher.flush()));
        Ok(())
    }

    async fn flushed_back(&mut self) -> Result<()> {
        match self.flushing.take() {
            Some(flushing) => flushing.await.map_err(Error::internal)?.map_err(failed),
            None => Ok(()),
        }
    }

    async fn written(&mut self) -> Result<Option<Written>> {
        match self.writing.take() {
            Some(writing) => writing.await.map_err(Error::internal)?.map(Some),
            None => Ok(None),
        }
    }

    /// The body has ended: makes it the object, or the part; answers its entity tag without quotes.
    ///
    /// # Errors
    /// 400 `file/checksum-mismatch`, `file/file-too-small`; and what has changed since the PUT began: 404 `file/not-found`,
    /// `file/upload-not-found`, 409 `file/s3-key-already-exists`, 507 `file/quota-exceeded`, 503. Nothing is stored then.
    pub async fn finish(self) -> Result<String> {
        let permit = self.permit.clone();
        let (placed, object) = self.place().await?;
        let (etag, environment) = (object.etag.clone(), permit.environment.clone());
        environment.data().write::<_, Error, _>(move |tx| permit.commit(tx, placed, object)).await?;
        Ok(etag)
    }

    /// The body has ended: makes the bytes durable under a name of their own. No row names them yet.
    ///
    /// # Errors
    /// 400 `file/checksum-mismatch`, `file/file-too-small`; 503.
    pub(super) async fn place(mut self) -> Result<(Placed, ObjectRow)> {
        self.permit.check_size(self.received)?;
        let incoming = self.written().await?.map(|written| written.incoming);
        self.flushed_back().await?;
        let (permit, rest) = (self.permit, self.buffer);
        tokio::task::spawn_blocking(move || place(&permit, incoming, rest)).await.map_err(Error::internal)?
    }
}

fn write(objects: &Objects, incoming: Option<Incoming>, sha256: bool, mut buffer: Vec<u8>) -> Result<Written> {
    let mut incoming = incoming.map_or_else(|| objects.begin(sha256), Ok).map_err(failed)?;
    let before = incoming.size() / LOOK_AGAIN;
    if buffer.len() < BESIDE {
        incoming.write(&buffer).map_err(failed)?;
    } else {
        buffer = write_beside(&mut incoming, buffer)?;
    }
    if incoming.size() / LOOK_AGAIN > before {
        put::check_disk(objects.free_space(), 0)?;
    }
    buffer.clear();
    Ok(Written { incoming, spare: buffer })
}

/// Writes bytes while another thread adds them to the checksums: either takes about as long as the other.
fn write_beside(incoming: &mut Incoming, buffer: Vec<u8>) -> Result<Vec<u8>> {
    let (runtime, shared) = (tokio::runtime::Handle::current(), Arc::new(buffer));
    let (mut digests, bytes) = (std::mem::take(incoming.digests()), Arc::clone(&shared));
    let hashing = runtime.spawn_blocking(move || {
        digests.update(&bytes);
        digests
    });
    let written = incoming.append(&shared);
    *incoming.digests() = runtime.block_on(hashing).map_err(Error::internal)?;
    written.map_err(failed)?;
    Ok(Arc::try_unwrap(shared).unwrap_or_else(|_| Vec::with_capacity(BUFFER)))
}

/// Writes the rest, compares checksums and gives the object its name. Blocks.
fn place(permit: &PutPermit, incoming: Option<Incoming>, rest: Vec<u8>) -> Result<(Placed, ObjectRow)> {
    let objects = permit.environment.objects();
    let incoming = write(objects, incoming, permit.sha256.is_some(), rest)?.incoming;
    let md5 = incoming.md5();
    let differs = |header: &str| Error::new(Code::FILE_CHECKSUM_MISMATCH, format!("The body does not have the checksum of {header}; nothing was stored"));
    if permit.md5.is_some_and(|expected| expected != md5) {
        return Err(differs("Content-MD5"));
    }
    if permit.sha256.is_some() && permit.sha256 != incoming.sha256() {
        return Err(differs("x-amz-checksum-sha256"));
    }
    let object = ObjectRow {
        name: match permit.part_number {
            Some(number) => Objects::part_name_for(&permit.upload_id, number),
            None => Objects::name_for(&permit.upload_id),
        },
        size: incoming.size(),
        etag: hex::encode(md5),
        content_type: permit.content_type.clone(),
        width: None,
        height: None,
        stored_at: permit.environment.now(),
    };
    let placed = objects.place(incoming, &object.name).map_err(failed)?;
    Ok((placed, object))
}

impl PutPermit {
    /// The moment the bytes count. They go with the transaction when it fails, and stay with its commit.
    fn commit(&self, tx: &mut Tx<'_>, placed: Placed, object: ObjectRow) -> Result<()> {
        let row = tx.reader().upload_by_key(&self.key)?;
        let multipart_id = row.as_ref().and_then(|row| row.multipart_id.clone()).filter(|_| self.part_number.is_some());
        let wanted = if self.part_number.is_some() { Some(multipart_id.as_deref().unwrap_or_default()) } else { None };
        let row = put::current(row.filter(|row| row.id == self.upload_id), wanted, self.environment.now())?;
        if !placed.is_there() {
            return Err(Error::unavailable("The content of the environment was replaced meanwhile; upload again"));
        }
        let replaced = match self.part_number {
            Some(number) => tx.reader().part(&row.id, number)?.map(|part| (part.name, part.size)),
            None => row.object.map(|object| (object.name, object.size)),
        };
        let others = tx.reader().stored_bytes()?.saturating_sub(replaced.as_ref().map_or(0, |(_, size)| *size));
        let settings = self.environment.file_settings();
        settings.check_quota(others, object.size)?;
        match self.part_number {
            Some(number) => {
                let part = PartRow { number, name: object.name, size: object.size, etag: object.etag, stored_at: object.stored_at };
                tx.set_part(&row.id, &part, object.stored_at + settings.stale_uploads_kept())?;
            }
            None => drop(tx.set_object(&row.id, &object)?),
        }
        let objects = self.environment.objects().clone();
        tx.after_commit(move || {
            placed.keep();
            if let Some((name, _)) = replaced {
                objects.remove(&name);
            }
        });
        Ok(())
    }
}

/// Failures of the object directory as public errors.
pub(super) fn failed(error: io::Error) -> Error {
    use io::ErrorKind::{FileTooLarge, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => put::disk_full().because(error),
        NotFound | PermissionDenied | ReadOnlyFilesystem | NotADirectory => {
            Error::new(Code::FILE_BUCKET_NOT_CONFIGURED, "The object directory of the environment is missing or cannot be written").because(error)
        }
        _ => Error::internal(error),
    }
}
