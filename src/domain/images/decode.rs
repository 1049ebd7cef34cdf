//! Reading a stored picture: what it is, whether it is within the limits, and its pixels.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, Limits};

use super::options::Format;
use super::pixels::Pixels;
use super::stop::Stop;
use super::{Refusal, animation};

/// The largest source file, in bytes.
pub const MAX_BYTES: u64 = 50 * 1024 * 1024;
/// The largest picture, in pixels.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Bytes a decoder may use beside the file and the pixels themselves.
const MAX_ALLOCATION: u64 = 512 * 1024 * 1024;

/// A picture whose header was read and found to be within the limits; nothing is decoded yet.
pub struct Source {
    decoder: Box<dyn ImageDecoder + Send>,
    pub format: Format,
    /// As stored, before it is turned as its EXIF says.
    pub width: u32,
    pub height: u32,
    pub orientation: Orientation,
    profile: Option<Vec<u8>>,
}

/// What a stored file turned out to be.
pub enum Found {
    Picture(Source),
    /// Several frames, where they are wanted as they are.
    Animation,
}

/// A file that ends early when the work was given up.
struct Watched<R> {
    inner: R,
    stop: Stop,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check_io()?;
        self.inner.read(buffer)
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Reads the header of a file of `size` bytes. With `keep_animation`, one that moves is only recognised. Blocks.
///
/// # Errors
/// [`Refusal::Unreadable`] for anything but a JPEG, PNG, GIF or WebP within the limits.
pub fn open<R: Read + Seek + Send + 'static>(file: R, size: u64, keep_animation: bool, stop: &Stop) -> Result<Found, Refusal> {
    if size > MAX_BYTES {
        return Err(Refusal::unreadable(format!("The file has {size} bytes; pictures are transformed up to {MAX_BYTES}")));
    }
    let mut reader = BufReader::with_capacity(64 * 1024, Watched { inner: file, stop: stop.clone() });
    let mut beginning = Vec::with_capacity(12);
    reader.by_ref().take(12).read_to_end(&mut beginning).map_err(|error| stop.or_unreadable(error))?;
    let format =
        Format::of(&beginning).ok_or_else(|| Refusal::unreadable("Only JPEG, PNG, GIF and WebP are transformed, and the file begins like none of them"))?;
    let rewind = |reader: &mut BufReader<_>| reader.seek(SeekFrom::Start(0)).map_err(|error| stop.or_unreadable(error));
    rewind(&mut reader)?;
    if keep_animation {
        if animation::is_animated(&mut reader, format) {
            return Ok(Found::Animation);
        }
        rewind(&mut reader)?;
    }
    let mut decoder: Box<dyn ImageDecoder + Send> = match format {
        Format::Jpeg => Box::new(JpegDecoder::new(reader).map_err(|error| stop.or_unreadable(error))?),
        Format::Png => Box::new(PngDecoder::with_limits(reader, limits()).map_err(|error| stop.or_unreadable(error))?),
        Format::Gif => Box::new(GifDecoder::new(reader).map_err(|error| stop.or_unreadable(error))?),
        Format::Webp => Box::new(WebPDecoder::new(reader).map_err(|error| stop.or_unreadable(error))?),
    };
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width == 0 || height == 0 {
        return Err(Refusal::unreadable(format!("The picture has {width}×{height} pixels; pictures are transformed up to 50 megapixels")));
    }
    decoder.set_limits(limits()).map_err(|error| stop.or_unreadable(error))?;
    // What describes the picture may be damaged without harm to it.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or(None);
    Ok(Found::Picture(Source { decoder, format, width, height, orientation, profile }))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits
}

impl Source {
    /// Bytes of memory that decoding takes at most, roughly.
    pub fn weight(&self) -> u64 {
        // The decoded pixels, and once more when they are brought to 8 bits, or with four channels when they are scaled.
        let decoded = self.decoder.total_bytes();
        decoded.saturating_add(decoded.max(u64::from(self.width) * u64::from(self.height) * 4))
    }

    /// The pixels of the first frame, with 8 bits for each channel. Blocks.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] when the file is damaged; [`Refusal::TooLong`] when the work was given up.
    pub fn decode(self, stop: &Stop) -> Result<Pixels, Refusal> {
        let decoded = DynamicImage::from_decoder(self.decoder).map_err(|error| stop.or_unreadable(error))?;
        stop.check()?;
        Ok(Pixels::of(decoded, self.profile))
    }
}
