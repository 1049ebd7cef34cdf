//! Sizes, turning, formats and damaged files, on the transformation itself.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::*;

const RED: Rgb<u8> = Rgb([230, 20, 20]);
const GREEN: Rgb<u8> = Rgb([20, 230, 20]);
const BLUE: Rgb<u8> = Rgb([20, 20, 230]);
const WHITE: Rgb<u8> = Rgb([250, 250, 250]);

/// Four quarters: red and green above blue and white.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => WHITE,
    })
}

fn file(format: Format, picture: &RgbImage) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let kind = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::Webp => ImageFormat::WebP,
    };
    picture.write_to(&mut out, kind).unwrap();
    out.into_inner()
}

/// A JPEG with an EXIF orientation.
fn turned(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 95);
    encoder.set_exif_metadata(exif[6..].to_vec()).unwrap();
    encoder.write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
    out
}

fn run(bytes: &[u8], options: Options, webp: bool) -> Result<(Vec<u8>, Format), Refusal> {
    let stop = Stop::default();
    match plan(Cursor::new(bytes.to_vec()), bytes.len() as u64, options, webp, &stop)? {
        Plan::Make(job) => render(*job, &stop),
        Plan::Unchanged => Ok((bytes.to_vec(), Format::Gif)),
    }
}

fn sized(size: Size) -> Options {
    Options { size, ..Options::default() }
}

/// Red, green, blue or white.
fn colour(picture: &RgbImage, x: u32, y: u32) -> char {
    let pixel = picture.get_pixel(x, y);
    match pixel.0.map(|c| c > 128) {
        [true, false, false] => 'r',
        [false, true, false] => 'g',
        [false, false, true] => 'b',
        [true, true, true] => 'w',
        _ => '?',
    }
}

#[test]
fn every_size_has_the_sides_of_the_contract() {
    let from = (1600, 900);
    for (size, to) in [
        (Size::Original, (1600, 900)),
        (Size::FitIn(400, 300), (400, 225)),
        (Size::FitIn(400, 0), (400, 225)),
        (Size::FitIn(0, 300), (533, 300)),
        (Size::FitIn(4000, 4000), (1600, 900)),
        (Size::FitIn(0, 0), (1600, 900)),
        (Size::FitIn(1, 1), (1, 1)),
        (Size::Exact(4000, 4000), (4000, 4000)),
        (Size::Exact(100, 0), (100, 56)),
        (Size::Smart(0, 1800), (3200, 1800)),
        (Size::Smart(10, 10), (10, 10)),
        (Size::Smart(0, 0), (1600, 900)),
    ] {
        assert_eq!(sides(from, size).unwrap(), to, "{size:?}");
    }
    assert!(matches!(sides((1, 60_000), Size::Exact(4096, 0)), Err(Refusal::Impossible(_))));
}

#[test]
fn each_format_becomes_each_other() {
    let picture = quarters(64, 32);
    for from in Format::ALL {
        for to in [Format::Jpeg, Format::Png, Format::Webp] {
            let options = Options { format: Some(to), ..sized(Size::FitIn(32, 0)) };
            let (bytes, format) = run(&file(from, &picture), options, false).unwrap();
            assert_eq!((format, Format::of(&bytes)), (to, Some(to)));
            let out = image::load_from_memory(&bytes).unwrap().into_rgb8();
            assert_eq!(out.dimensions(), (32, 16));
            assert_eq!([(4, 4), (28, 4), (4, 12), (28, 12)].map(|(x, y)| colour(&out, x, y)), ['r', 'g', 'b', 'w'], "{from:?} {to:?}");
        }
        assert_eq!(run(&file(from, &picture), Options::default(), false).unwrap().1, from);
        assert_eq!(run(&file(from, &picture), Options::default(), true).unwrap().1, Format::Webp);
    }
}

#[test]
fn all_eight_orientations_come_out_upright() {
    let picture = quarters(64, 32);
    for (orientation, upright) in [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")] {
        let bytes = turned(&picture, orientation);
        let (out, _) = run(&bytes, Options { format: Some(Format::Png), ..Options::default() }, false).unwrap();
        let out = image::load_from_memory(&out).unwrap().into_rgb8();
        let (width, height) = if orientation < 5 { (64, 32) } else { (32, 64) };
        assert_eq!(out.dimensions(), (width, height), "{orientation}");
        let corners = [(3, 3), (width - 4, 3), (3, height - 4), (width - 4, height - 4)];
        assert_eq!(corners.map(|(x, y)| colour(&out, x, y)).iter().collect::<String>(), upright, "{orientation}");
        let (fit, _) = run(&bytes, Options { format: Some(Format::Png), ..sized(Size::Exact(40, 10)) }, false).unwrap();
        assert_eq!(image::load_from_memory(&fit).unwrap().into_rgb8().dimensions(), (40, 10));
    }
}

#[test]
fn metadata_does_not_come_along() {
    let bytes = turned(&quarters(64, 32), 6);
    for format in [Format::Jpeg, Format::Png, Format::Webp] {
        let (out, _) = run(&bytes, Options { format: Some(format), ..Options::default() }, false).unwrap();
        assert!(!out.windows(4).any(|w| w == b"Exif" || w == b"EXIF" || w == b"eXIf"), "{format:?}");
    }
}

#[test]
fn a_smart_crop_keeps_the_detail_and_is_always_the_same() {
    let mut picture = RgbImage::from_pixel(300, 100, Rgb([90, 90, 90]));
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        if (220..280).contains(&x) && (x / 4 + y / 4) % 2 == 0 {
            *pixel = RED;
        }
    }
    let bytes = file(Format::Png, &picture);
    let options = Options { format: Some(Format::Png), ..sized(Size::Smart(100, 100)) };
    let (out, _) = run(&bytes, options, false).unwrap();
    let seen = image::load_from_memory(&out).unwrap().into_rgb8();
    assert!(seen.pixels().filter(|p| p[0] > 150).count() > 2500);
    assert_eq!(out, run(&bytes, options, false).unwrap().0);
    let (middle, _) = run(&bytes, Options { format: Some(Format::Png), ..sized(Size::Exact(100, 100)) }, false).unwrap();
    assert!(image::load_from_memory(&middle).unwrap().into_rgb8().pixels().all(|p| p[0] < 150));
}

#[test]
fn a_blur_softens_edges_and_quality_changes_the_size() {
    let bytes = file(Format::Png, &quarters(200, 200));
    let (out, _) = run(&bytes, Options { blur: 1000, filtered: true, format: Some(Format::Png), ..Options::default() }, false).unwrap();
    let out = image::load_from_memory(&out).unwrap().into_rgb8();
    let edge = out.get_pixel(100, 20);
    assert!((60..=200).contains(&edge[0]) && (60..=200).contains(&edge[1]), "{edge:?}");
    let noisy = RgbImage::from_fn(200, 200, |x, y| Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8]));
    let size = |quality, format| run(&file(Format::Png, &noisy), Options { quality, format: Some(format), ..Options::default() }, false).unwrap().0.len();
    assert!(size(20, Format::Jpeg) < size(90, Format::Jpeg) && size(20, Format::Webp) < size(90, Format::Webp));
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    // A PNG whose header promises 60,000 × 60,000 pixels.
    let mut png = file(Format::Png, &quarters(8, 8));
    png[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        crc.sum()
    };
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut gif = file(Format::Gif, &quarters(8, 8));
    gif[6..10].copy_from_slice(&[0xFF; 4]);
    for (name, bytes) in [("png", &png), ("gif", &gif)] {
        let error = run(bytes, sized(Size::FitIn(10, 10)), false).unwrap_err();
        assert!(matches!(&error, Refusal::Unreadable(message) if message.contains("megapixels")), "{name}: {error:?}");
    }
    assert!(matches!(plan(Cursor::new(png), decode::MAX_BYTES + 1, Options::default(), false, &Stop::default()), Err(Refusal::Unreadable(_))));
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [
        &b""[..],
        b"GIF",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xFF\xD8\xFF",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"\x89PNG\r\n\x1A\n",
        b"BM\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        assert!(matches!(run(bytes, Options::default(), true), Err(Refusal::Unreadable(_))), "{bytes:?}");
    }
}

#[test]
fn a_result_that_its_format_cannot_hold_falls_back_or_is_refused() {
    let long = file(Format::Png, &RgbImage::new(17_000, 2));
    assert_eq!(run(&long, Options::default(), true).unwrap().1, Format::Png);
    let asked = Options { format: Some(Format::Webp), ..Options::default() };
    assert!(matches!(run(&long, asked, true), Err(Refusal::Impossible(_))));
}

#[test]
fn work_that_was_given_up_ends() {
    let stop = Stop::default();
    let bytes = file(Format::Png, &quarters(64, 32));
    let Plan::Make(job) = plan(Cursor::new(bytes.clone()), bytes.len() as u64, Options::default(), true, &stop).unwrap() else { panic!() };
    drop(super::super::stop::StopOnDrop(stop.clone()));
    assert!(matches!(render(*job, &stop), Err(Refusal::TooLong)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn damaged_files_are_refused_or_read_but_never_fail_otherwise(
        format in prop::sample::select(Format::ALL.to_vec()),
        cut in 0usize..3000,
        changes in prop::collection::vec((0usize..3000, any::<u8>()), 0..8),
    ) {
        let mut bytes = file(format, &quarters(40, 30));
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if cut < bytes.len() {
            bytes.truncate(cut);
        }
        let outcome = run(&bytes, sized(Size::Smart(16, 16)), true);
        prop_assert!(matches!(outcome, Ok(_) | Err(Refusal::Unreadable(_))), "{:?}", outcome.err());
    }
}
