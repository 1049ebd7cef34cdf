//! How large a picture is, as its header says: JPEG, PNG, GIF and WebP (`05-storage.md` §4).

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use imagesize::ImageType;

use super::media_type::{MediaType, UNKNOWN};
use crate::store::{Objects, Stored};

const LARGEST: usize = 65_535;

/// Whether an object of this type may be a picture whose size can be read.
pub fn may_have(content_type: &str) -> bool {
    MediaType::parse(content_type).ok().flatten().is_some_and(|media_type| media_type.is_picture() || media_type.essence() == UNKNOWN)
}

/// Width and height of a stored object, if it is such a picture. Blocks.
pub fn of_object(objects: &Objects, name: &str) -> Option<(u32, u32)> {
    let stored = objects.open(name).ok()?;
    of(BufReader::with_capacity(8 * 1024, Place { stored, at: 0 }))
}

/// Width and height of what a reader begins with.
pub fn of(mut reader: impl io::BufRead + Seek) -> Option<(u32, u32)> {
    let kind = imagesize::reader_type(&mut reader).ok()?;
    if !matches!(kind, ImageType::Jpeg | ImageType::Png | ImageType::Gif | ImageType::Webp) {
        return None;
    }
    reader.seek(SeekFrom::Start(0)).ok()?;
    let size = imagesize::reader_size(reader).ok()?;
    let side = |side: usize| u32::try_from(side).ok().filter(|side| (1..=LARGEST as u32).contains(side));
    Some((side(size.width)?, side(size.height)?))
}

/// A stored object as a reader.
struct Place {
    stored: Stored,
    at: u64,
}

impl Read for Place {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stored.read(self.at, buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.stored.size().checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
