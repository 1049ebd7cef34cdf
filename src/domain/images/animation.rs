//! Whether a picture moves: read from the structure of its file, without decoding anything.

use std::io::{BufRead, Read, Result, Seek, SeekFrom};

use super::options::Format;

/// Whether a file holds more than one frame. What is damaged does not move.
pub fn is_animated(source: &mut (impl BufRead + Seek), format: Format) -> bool {
    let found = match format {
        Format::Jpeg => Ok(false),
        Format::Gif => gif_has_two_frames(source),
        Format::Webp => webp_is_animated(source),
        Format::Png => png_is_animated(source),
    };
    found.unwrap_or(false)
}

fn read<const N: usize>(source: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// GIF89a §18–§25: looks for a second image descriptor.
fn gif_has_two_frames(source: &mut (impl BufRead + Seek)) -> Result<bool> {
    let screen: [u8; 13] = read(source)?;
    skip_colours(source, screen[10])?;
    let mut frames = 0;
    loop {
        match read::<1>(source)?[0] {
            0x2C => {
                frames += 1;
                if frames == 2 {
                    return Ok(true);
                }
                let descriptor: [u8; 9] = read(source)?;
                skip_colours(source, descriptor[8])?;
                source.seek_relative(1)?;
            }
            0x21 => source.seek_relative(1)?,
            _ => return Ok(false),
        }
        loop {
            match read::<1>(source)?[0] {
                0 => break,
                length => source.seek_relative(length.into())?,
            }
        }
    }
}

fn skip_colours(source: &mut impl Seek, flags: u8) -> Result<()> {
    if flags & 0x80 != 0 {
        source.seek(SeekFrom::Current(3 << ((flags & 7) + 1)))?;
    }
    Ok(())
}

/// The animation flag of a `VP8X` header.
fn webp_is_animated(source: &mut impl Read) -> Result<bool> {
    let header: [u8; 21] = read(source)?;
    Ok(&header[12..16] == b"VP8X" && header[20] & 0x02 != 0)
}

/// An `acTL` chunk before the first `IDAT` (PNG, third edition, §11.3.6.1).
fn png_is_animated(source: &mut (impl BufRead + Seek)) -> Result<bool> {
    source.seek_relative(8)?;
    loop {
        let [a, b, c, d, kind @ ..]: [u8; 8] = read(source)?;
        match &kind {
            b"acTL" => return Ok(true),
            b"IDAT" | b"IEND" => return Ok(false),
            _ => source.seek_relative(i64::from(u32::from_be_bytes([a, b, c, d])) + 4)?,
        }
    }
}
