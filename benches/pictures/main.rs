//! How fast pictures are made under `/img`, beside the bare libraries doing the same work in the same run, and how fast the
//! cache answers.
//!
//! `cargo bench --bench pictures`. `BENCH_SECONDS` sets the length of one measurement (default 4).

#![allow(clippy::unwrap_used)] // a measurement that can't go on should stop where it stands
#![allow(dead_code)] // the parts shared with the other benchmark are used in part

#[path = "../speed/load.rs"]
mod load;
#[path = "../speed/report.rs"]
mod report;
#[path = "../speed/seed.rs"]
mod seed;
#[path = "../speed/server.rs"]
mod server;

use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{ImageFormat, Rgb, RgbImage};

use load::Load;
use report::Report;
use server::{Running, get};

/// What a phone takes: 12 megapixels.
const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
const WANTED: u32 = 800;

fn main() {
    let seconds = Duration::from_secs(std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4));
    let cores = std::thread::available_parallelism().unwrap().get();
    let photo = photo();
    println!("a JPEG of {WIDTH} × {HEIGHT}, {} KiB, to {WANTED} pixels as WebP; {cores} cores shared with the load generator", photo.len() / 1024);
    let seeded = seed::empty();
    let server = Running::start(&seeded);
    let key = upload(&server, &photo);
    let mut report = Report::default();
    // Each address is asked for once, so that nothing comes out of the cache.
    let fresh: Vec<Vec<u8>> = (0..40).flat_map(|w| (60..95).map(move |q| (WANTED - w, q))).map(|(w, q)| picture(w, q, &key, &server)).collect();
    let made = Load::new(server.port, fresh).run(seconds);
    let bare = bare_rate(&photo, cores, seconds);
    report.at_least("pictures made, 12 megapixels to 800 pixels", made, bare, "/s", 0.7);
    let cached = Load::new(server.port, vec![picture(WANTED, 59, &key, &server)]);
    cached.run(Duration::from_secs(1));
    println!("out of the cache: {:.0} pictures/s", cached.run(seconds));
    println!("memory afterwards: {:.0} MiB", server.resident_bytes() as f64 / 1024.0 / 1024.0);
    report.print();
}

/// Something with edges, surfaces and grain, as photographs have.
fn photo() -> Vec<u8> {
    let mut noise = 1u32;
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (noise >> 28) as u8;
        let wave = ((f64::from(x) / 90.0).sin() * (f64::from(y) / 70.0).cos() * 90.0 + 120.0) as u8;
        Rgb([wave.saturating_add(grain), (x / 16) as u8 / 2 + 60 + grain, (y / 12) as u8 / 2 + 40 + grain])
    });
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Jpeg).unwrap();
    out.into_inner()
}

fn picture(width: u32, quality: u32, key: &str, server: &Running) -> Vec<u8> {
    get(&format!("/img/fit-in/{width}x0/filters:quality({quality}):format(webp)/{key}"), &server.seeded)
}

/// Stores the photo under its key, readable by it.
fn upload(server: &Running, photo: &[u8]) -> String {
    let presign = server::post("/v1/files/presigned-url", r#"{"filename":"photo.jpg","contentType":"image/jpeg","visibility":"public"}"#, &server.seeded);
    let answer: serde_json::Value = serde_json::from_slice(&load::one(server.port, &presign)).unwrap();
    let url = url::Url::parse(answer["url"].as_str().unwrap()).unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let head = format!("PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", photo.len());
    load::one(server.port, &[head.as_bytes(), photo].concat());
    answer["key"].as_str().unwrap().to_owned()
}

/// What the libraries make by themselves, one thread a core.
fn bare_rate(photo: &[u8], cores: usize, length: Duration) -> f64 {
    let (begun, made) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while begun.elapsed() < length {
                    bare(photo);
                    made.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    made.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn bare(photo: &[u8]) -> Vec<u8> {
    let decoded = image::load_from_memory(photo).unwrap().into_rgba8();
    let source = ImageRef::new(WIDTH, HEIGHT, decoded.as_raw(), PixelType::U8x4).unwrap();
    let mut target = Image::new(WANTED, WANTED * HEIGHT / WIDTH, PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
    Resizer::new().resize(&source, &mut target, Some(&options)).unwrap();
    webpx::Encoder::new_rgba(target.buffer(), target.width(), target.height()).quality(80.0).method(4).encode(webpx::Unstoppable).unwrap()
}
