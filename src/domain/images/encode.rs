//! Writing pictures, without any metadata.

use image::codecs::gif::GifEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, SamplingFactor};

use super::Refusal;
use super::options::Format;
use super::pixels::{Image8, on_white};
use super::stop::{Output, Stop};

/// Pixels above which WebP is written with less effort, so that large pictures are ready in time.
const LARGE: u64 = 4_000_000;

/// The picture as a file. Blocks.
///
/// # Errors
/// [`Refusal::TooLong`] when the work was given up; [`Refusal::Inside`] when the library fails.
pub fn encode(image: Image8, format: Format, quality: u8, stop: &Stop) -> Result<Vec<u8>, Refusal> {
    stop.check()?;
    let mut output = Output { bytes: Vec::new(), stop: stop.clone() };
    match format {
        Format::Webp => return webp(image, quality, stop),
        Format::Jpeg => jpeg(image, quality, &mut output, stop)?,
        Format::Png => png(&image, &mut output, stop)?,
        Format::Gif => gif(image, &mut output, stop)?,
    }
    Ok(output.bytes)
}

fn given_up_or(stop: &Stop, error: impl std::fmt::Display) -> Refusal {
    if stop.is_set() { Refusal::TooLong } else { Refusal::inside(error) }
}

fn webp(image: Image8, quality: u8, stop: &Stop) -> Result<Vec<u8>, Refusal> {
    let (width, height) = image.size();
    let method = if u64::from(width) * u64::from(height) > LARGE { 2 } else { 4 };
    let image = match image {
        Image8::Grey(grey) => Image8::Rgb(DynamicImage::ImageLuma8(grey).into_rgb8()),
        other => other,
    };
    let encoder = match &image {
        Image8::Rgba(rgba) => webpx::Encoder::new_rgba(rgba, width, height),
        other => webpx::Encoder::new_rgb(other.bytes(), width, height),
    };
    encoder.quality(f32::from(quality)).method(method).encode(stop).map_err(|error| given_up_or(stop, error))
}

fn jpeg(image: Image8, quality: u8, output: &mut Output, stop: &Stop) -> Result<(), Refusal> {
    let image = match image {
        Image8::Rgba(rgba) => on_white(&rgba, Image8::Rgb),
        other => other,
    };
    let (width, height) = image.size();
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else { return Err(Refusal::inside("a side is too long for JPEG")) };
    let colours = if matches!(image, Image8::Grey(_)) { ColorType::Luma } else { ColorType::Rgb };
    let mut encoder = jpeg_encoder::Encoder::new(output, quality);
    // Not with optimised Huffman tables: decoders read those of pictures with few colours wrongly.
    encoder.set_sampling_factor(if quality < 90 { SamplingFactor::R_4_2_0 } else { SamplingFactor::R_4_4_4 });
    encoder.encode(image.bytes(), width, height, colours).map_err(|error| given_up_or(stop, error))
}

fn png(image: &Image8, output: &mut Output, stop: &Stop) -> Result<(), Refusal> {
    let (width, height) = image.size();
    let colours = match image {
        Image8::Grey(_) => ExtendedColorType::L8,
        Image8::Rgb(_) => ExtendedColorType::Rgb8,
        Image8::Rgba(_) => ExtendedColorType::Rgba8,
    };
    let encoder = PngEncoder::new_with_quality(output, CompressionType::Fast, FilterType::Adaptive);
    encoder.write_image(image.bytes(), width, height, colours).map_err(|error| given_up_or(stop, error))
}

fn gif(image: Image8, output: &mut Output, stop: &Stop) -> Result<(), Refusal> {
    let rgba = match image {
        Image8::Grey(image) => DynamicImage::ImageLuma8(image).into_rgba8(),
        Image8::Rgb(image) => DynamicImage::ImageRgb8(image).into_rgba8(),
        Image8::Rgba(image) => image,
    };
    GifEncoder::new_with_speed(output, 10).encode_frame(image::Frame::new(rgba)).map_err(|error| given_up_or(stop, error))
}
