//! Decoded pictures, 8 bits a channel, and what is done to them: cutting, scaling, blurring, turning, bringing to sRGB.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::Refusal;
use super::crop::Part;

/// The longer side of the small grey picture that detail is looked for in.
const DETAIL_SIDE: u32 = 256;

/// Pixels in rows, without gaps.
pub struct Pixels {
    pub image: Image8,
    profile: Option<Vec<u8>>,
}

/// The three layouts that everything is brought to.
pub enum Image8 {
    Grey(GrayImage),
    Rgb(RgbImage),
    Rgba(RgbaImage),
}

impl Image8 {
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Grey(image) => image.dimensions(),
            Self::Rgb(image) => image.dimensions(),
            Self::Rgba(image) => image.dimensions(),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Grey(image) => image.as_raw(),
            Self::Rgb(image) => image.as_raw(),
            Self::Rgba(image) => image.as_raw(),
        }
    }

    /// The pixels with four channels each: the only layout that scaling is compiled for, since each more is a part of the program
    /// as large as this one, and no faster.
    fn widened(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Grey(image) => image.iter().flat_map(|&grey| [grey, grey, grey, 255]).collect(),
            Self::Rgb(image) => image.as_chunks::<3>().0.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect(),
            Self::Rgba(image) => Cow::Borrowed(image.as_raw()),
        }
    }

    /// Of pixels with four channels those that this layout has.
    fn narrowed(&self, wide: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Grey(_) => wide.as_chunks::<4>().0.iter().map(|pixel| pixel[0]).collect(),
            Self::Rgb(_) => wide.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect(),
            Self::Rgba(_) => wide,
        }
    }

    /// Other pixels in the same layout.
    fn with(&self, width: u32, height: u32, bytes: Vec<u8>) -> Option<Self> {
        match self {
            Self::Grey(_) => GrayImage::from_raw(width, height, bytes).map(Self::Grey),
            Self::Rgb(_) => RgbImage::from_raw(width, height, bytes).map(Self::Rgb),
            Self::Rgba(_) => RgbaImage::from_raw(width, height, bytes).map(Self::Rgba),
        }
    }
}

impl Pixels {
    pub fn of(decoded: DynamicImage, profile: Option<Vec<u8>>) -> Self {
        let image = match decoded {
            DynamicImage::ImageLuma8(image) => Image8::Grey(image),
            DynamicImage::ImageRgb8(image) => Image8::Rgb(image),
            DynamicImage::ImageRgba8(image) => Image8::Rgba(image),
            DynamicImage::ImageLuma16(_) => Image8::Grey(decoded.into_luma8()),
            other if other.color().has_alpha() => Image8::Rgba(other.into_rgba8()),
            other => Image8::Rgb(other.into_rgb8()),
        };
        Self { image, profile }
    }

    pub fn size(&self) -> (u32, u32) {
        self.image.size()
    }

    /// A part of the picture, scaled to this size; `None`: all of it.
    ///
    /// # Errors
    /// [`Refusal::Inside`] when the library cannot: a bug.
    pub fn scale(&mut self, part: Option<Part>, to: (u32, u32)) -> Result<(), Refusal> {
        if part.is_none() && to == self.size() {
            return Ok(());
        }
        let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        if let Some(part) = part {
            options = options.crop(part.left, part.top, part.width, part.height);
        }
        let scaled = resized(&self.image, to, &options)?;
        self.image = self.image.with(to.0, to.1, scaled).ok_or_else(|| Refusal::inside("a scaled picture has too few bytes"))?;
        Ok(())
    }

    /// The part of the size of `middle` with the most detail.
    ///
    /// # Errors
    /// As [`Pixels::scale`].
    pub fn most_detailed(&self, middle: Part) -> Result<Part, Refusal> {
        let (width, height) = self.size();
        let factor = f64::from(DETAIL_SIDE) / f64::from(width.max(height));
        let side = |length: u32| ((f64::from(length) * factor.min(1.0)).round() as u32).max(1);
        let small_size = (side(width), side(height));
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        let bytes = resized(&self.image, small_size, &options)?;
        let small = self.image.with(small_size.0, small_size.1, bytes).ok_or_else(|| Refusal::inside("a small picture has too few bytes"))?;
        let luma = match small {
            Image8::Grey(image) => image,
            Image8::Rgb(image) => DynamicImage::ImageRgb8(image).into_luma8(),
            Image8::Rgba(image) => on_white(&image, |rgb| DynamicImage::ImageRgb8(rgb).into_luma8()),
        };
        Ok(middle.towards_detail((width, height), luma.as_raw(), (small_size.0 as usize, small_size.1 as usize)))
    }

    /// Blurs with this standard deviation, in pixels.
    ///
    /// # Errors
    /// As [`Pixels::scale`].
    pub fn blur(&mut self, deviation: f32) -> Result<(), Refusal> {
        // Colours of transparent pixels must not bleed into their neighbours.
        self.multiply_alpha(true)?;
        match &mut self.image {
            Image8::Grey(image) => *image = image::imageops::fast_blur(image, deviation),
            Image8::Rgb(image) => *image = image::imageops::fast_blur(image, deviation),
            Image8::Rgba(image) => *image = image::imageops::fast_blur(image, deviation),
        }
        self.multiply_alpha(false)
    }

    fn multiply_alpha(&mut self, times: bool) -> Result<(), Refusal> {
        let Image8::Rgba(image) = &mut self.image else { return Ok(()) };
        let (width, height) = image.dimensions();
        let mut view = Image::from_slice_u8(width, height, image, PixelType::U8x4).map_err(Refusal::inside)?;
        let done = if times { MulDiv::new().multiply_alpha_inplace(&mut view) } else { MulDiv::new().divide_alpha_inplace(&mut view) };
        done.map_err(Refusal::inside)
    }

    /// Turns and mirrors as the EXIF of the source says.
    pub fn turn(&mut self, orientation: Orientation) {
        let empty = Image8::Grey(GrayImage::new(0, 0));
        let mut image = match std::mem::replace(&mut self.image, empty) {
            Image8::Grey(image) => DynamicImage::ImageLuma8(image),
            Image8::Rgb(image) => DynamicImage::ImageRgb8(image),
            Image8::Rgba(image) => DynamicImage::ImageRgba8(image),
        };
        image.apply_orientation(orientation);
        self.image = Self::of(image, None).image;
    }

    /// Brings the colours to sRGB, since the profile that told of them is left out with all metadata. A profile that cannot
    /// be read is none.
    pub fn convert_to_srgb(&mut self) {
        let Some(profile) = self.profile.take().and_then(|bytes| ColorProfile::new_from_slice(&bytes).ok()) else { return };
        let layout = match self.image {
            Image8::Grey(_) => return,
            Image8::Rgb(_) => Layout::Rgb,
            Image8::Rgba(_) => Layout::Rgba,
        };
        if profile.color_space != DataColorSpace::Rgb {
            return;
        }
        let Ok(transform) = profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, TransformOptions::default()) else { return };
        let (width, height) = self.size();
        let mut converted = vec![0; self.image.bytes().len()];
        if transform.transform(self.image.bytes(), &mut converted).is_ok()
            && let Some(image) = self.image.with(width, height, converted)
        {
            self.image = image;
        }
    }
}

fn resized(image: &Image8, to: (u32, u32), options: &ResizeOptions) -> Result<Vec<u8>, Refusal> {
    let ((width, height), wide) = (image.size(), image.widened());
    let options = options.use_alpha(matches!(image, Image8::Rgba(_)));
    let source = ImageRef::new(width, height, &wide, PixelType::U8x4).map_err(Refusal::inside)?;
    let mut target = Image::new(to.0, to.1, PixelType::U8x4);
    Resizer::new().resize(&source, &mut target, Some(&options)).map_err(Refusal::inside)?;
    Ok(image.narrowed(target.into_vec()))
}

/// What is seen of a picture on a white ground.
pub fn on_white<T>(image: &RgbaImage, then: impl FnOnce(RgbImage) -> T) -> T {
    let over = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let bytes = image.pixels().flat_map(|p| [over(p[0], p[3]), over(p[1], p[3]), over(p[2], p[3])]).collect();
    then(RgbImage::from_raw(image.width(), image.height(), bytes).unwrap_or_default())
}
