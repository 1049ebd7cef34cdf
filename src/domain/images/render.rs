//! The transformation: a stored file in, another file out.

use std::io::{Read, Seek};

use image::metadata::Orientation;

use super::Refusal;
use super::crop::Part;
use super::decode::{self, Found, MAX_PIXELS, Source};
use super::encode::encode;
use super::options::{Format, Options, Size};
use super::stop::Stop;

/// What a picture becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// As it is seen, turned upright.
    pub width: u32,
    pub height: u32,
    pub format: Format,
}

/// A source that was looked at, and what is to be made of it.
pub enum Plan {
    Make(Box<Job>),
    /// An animation that stays as it is.
    Unchanged,
}

/// Work that is ready to be done.
pub struct Job {
    source: Source,
    target: Target,
    options: Options,
}

impl Job {
    /// Bytes of memory that it takes at most, roughly.
    pub fn weight(&self) -> u64 {
        self.source.weight() + u64::from(self.target.width) * u64::from(self.target.height) * 8
    }
}

/// Looks at a file of `size` bytes; `webp`: the caller takes WebP. Blocks.
///
/// # Errors
/// [`Refusal::Unreadable`] for what cannot be transformed, [`Refusal::Impossible`] for a result that no file can hold.
pub fn plan<R: Read + Seek + Send + 'static>(file: R, size: u64, options: Options, webp: bool, stop: &Stop) -> Result<Plan, Refusal> {
    let source = match decode::open(file, size, options.is_plain(), stop)? {
        Found::Animation => return Ok(Plan::Unchanged),
        Found::Picture(source) => source,
    };
    let (width, height) = upright((source.width, source.height), source.orientation);
    let (width, height) = sides((width, height), options.size)?;
    let longest = width.max(height);
    let format = match options.format {
        Some(format) => format,
        None if webp && longest <= Format::Webp.longest_side() => Format::Webp,
        None => source.format,
    };
    if longest > format.longest_side() {
        return Err(Refusal::Impossible(format!("A {} holds at most {} pixels a side", format.extension(), format.longest_side())));
    }
    Ok(Plan::Make(Box::new(Job { source, target: Target { width, height, format }, options })))
}

/// Does the work: the bytes and their format. Blocks.
///
/// # Errors
/// As [`plan`]; [`Refusal::TooLong`] when the work was given up.
pub fn render(job: Job, stop: &Stop) -> Result<(Vec<u8>, Format), Refusal> {
    let Job { source, target, options } = job;
    let orientation = source.orientation;
    let mut pixels = source.decode(stop)?;
    // Turned last, when there is least to turn: until then width and height are those of the source.
    let to = upright((target.width, target.height), orientation);
    let part = match options.size {
        Size::Exact(w, h) if w > 0 && h > 0 => Some(Part::middle(pixels.size(), to)),
        Size::Smart(w, h) if w > 0 && h > 0 => Some(pixels.most_detailed(Part::middle(pixels.size(), to))?),
        _ => None,
    };
    pixels.scale(part, to)?;
    stop.check()?;
    if options.blur > 0 {
        pixels.blur(f32::from(options.blur) / 100.0)?;
        stop.check()?;
    }
    pixels.convert_to_srgb();
    pixels.turn(orientation);
    let bytes = encode(pixels.image, target.format, options.quality, stop)?;
    Ok((bytes, target.format))
}

/// A size with its sides changed over when the picture lies on its side.
fn upright((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    if matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH) { (height, width) } else { (width, height) }
}

/// The size of the result for a picture of the size `from`.
fn sides(from: (u32, u32), asked: Size) -> Result<(u32, u32), Refusal> {
    let (from_width, from_height) = (f64::from(from.0), f64::from(from.1));
    let by = |factor: f64| ((from_width * factor).round().max(1.0), (from_height * factor).round().max(1.0));
    let (width, height) = match asked {
        Size::Original | Size::FitIn(0, 0) | Size::Exact(0, 0) | Size::Smart(0, 0) => return Ok(from),
        Size::FitIn(width, height) => {
            let factor = |asked: u32, from: f64| if asked == 0 { 1.0 } else { f64::from(asked) / from };
            by(factor(width, from_width).min(factor(height, from_height)).min(1.0))
        }
        Size::Exact(width, 0) | Size::Smart(width, 0) => by(f64::from(width) / from_width),
        Size::Exact(0, height) | Size::Smart(0, height) => by(f64::from(height) / from_height),
        Size::Exact(width, height) | Size::Smart(width, height) => return Ok((width, height)),
    };
    if width * height > MAX_PIXELS as f64 {
        return Err(Refusal::Impossible(format!("With this side free the picture would have {width}×{height} pixels; results have up to 50 megapixels")));
    }
    Ok((width as u32, height as u32))
}

#[cfg(test)]
mod tests;
