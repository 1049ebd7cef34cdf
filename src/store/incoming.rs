//! Bytes on their way to becoming an object: a temporary file with its checksums.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use md5::{Digest, Md5};
use sha2::Sha256;
use tempfile::NamedTempFile;

/// Bytes that are arriving; they go again unless they are placed.
#[derive(Debug)]
pub struct Incoming {
    file: NamedTempFile,
    size: u64,
    digests: Digests,
}

/// Checksums of bytes in the order they are told of.
#[derive(Debug, Default)]
pub struct Digests {
    md5: Md5,
    sha256: Option<Sha256>,
}

impl Digests {
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }
}

impl Incoming {
    /// Nothing yet, with MD5 and, when asked for, SHA-256 to come.
    pub(super) fn new(file: NamedTempFile, sha256: bool) -> Self {
        Self { file, size: 0, digests: Digests { md5: Md5::new(), sha256: sha256.then(Sha256::new) } }
    }

    /// Adds the bytes of a file alone; what follows has no checksum. Blocks.
    pub(super) fn append_file(&mut self, file: &mut File) -> io::Result<()> {
        // File to file, so that the system copies where it can.
        self.size += io::copy(file, self.file.as_file_mut())?;
        Ok(())
    }

    /// The file as it is, durable. Blocks.
    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        self.file.as_file().sync_all()?;
        Ok(self.file)
    }

    /// Adds bytes. Blocks.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.append(bytes)?;
        self.digests.update(bytes);
        Ok(())
    }

    /// Adds bytes to the file alone: somebody else tells [`Incoming::digests`] of them. Blocks.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_file_mut().write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The checksums so far, to be taken out and put back.
    pub fn digests(&mut self) -> &mut Digests {
        &mut self.digests
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Something to make durable with what was written so far, while more is written.
    pub fn flusher(&self) -> io::Result<Flusher> {
        self.file.as_file().try_clone().map(Flusher)
    }

    /// MD5 of everything written so far.
    pub fn md5(&self) -> [u8; 16] {
        self.digests.md5.clone().finalize().into()
    }

    /// SHA-256 of everything written so far, if it was asked for.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        self.digests.sha256.clone().map(|digest| digest.finalize().into())
    }

    /// The bytes from the beginning, to look at; what is written goes on at the end.
    pub fn peek(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        Read::take(&mut *file, limit).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok(bytes)
    }

    /// Where the bytes are for now.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Writes back what has arrived of an object.
#[derive(Debug)]
pub struct Flusher(File);

impl Flusher {
    /// Blocks. A failure is told once: whoever gets it must not go on to [`Objects::place`].
    pub fn flush(self) -> io::Result<()> {
        self.0.sync_data()
    }
}
