//! Pictures for tests, made byte by byte where no encoder would make them, and their way into the storage.

use std::io::Cursor;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Frame, ImageEncoder, ImageFormat, Rgb, RgbImage, RgbaImage};
use serde_json::{Value, json};

use super::{Answer, Client, TestApp, http_client};

const RED: Rgb<u8> = Rgb([230, 20, 20]);
const GREEN: Rgb<u8> = Rgb([20, 230, 20]);
const BLUE: Rgb<u8> = Rgb([20, 20, 230]);
const WHITE: Rgb<u8> = Rgb([250, 250, 250]);

/// Four quarters: red and green above blue and white.
pub fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => WHITE,
    })
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    file(&quarters(width, height), ImageFormat::Jpeg)
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    file(&quarters(width, height), ImageFormat::Png)
}

pub fn gif(width: u32, height: u32) -> Vec<u8> {
    file(&quarters(width, height), ImageFormat::Gif)
}

pub fn webp(width: u32, height: u32) -> Vec<u8> {
    file(&quarters(width, height), ImageFormat::WebP)
}

pub fn file(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// A JPEG of 64 × 32 stored pixels that EXIF turns, and says where it was taken.
pub fn turned_jpeg(orientation: u8) -> Vec<u8> {
    let picture = quarters(64, 32);
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend(b"SECRET-PLACE");
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 95);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&picture, 64, 32, ExtendedColorType::Rgb8).unwrap();
    out
}

/// Two frames, red and blue.
pub fn animated_gif() -> Vec<u8> {
    let mut out = Vec::new();
    let frame = |colour: Rgb<u8>| Frame::new(RgbaImage::from_pixel(20, 10, image::Rgba([colour[0], colour[1], colour[2], 255])));
    image::codecs::gif::GifEncoder::new(&mut out).encode_frames([frame(RED), frame(BLUE)]).unwrap();
    out
}

/// The same as WebP.
pub fn animated_webp() -> Vec<u8> {
    let chunk = |name: &[u8], body: &[u8]| {
        let mut chunk = [name, &(body.len() as u32).to_le_bytes(), body].concat();
        if body.len() % 2 == 1 {
            chunk.push(0);
        }
        chunk
    };
    let frame = |colour: Rgb<u8>| {
        let mut still = Vec::new();
        WebPEncoder::new_lossless(&mut still).encode(RgbImage::from_pixel(20, 10, colour).as_raw(), 20, 10, ExtendedColorType::Rgb8).unwrap();
        let head = [0, 0, 0, 0, 0, 0, 19, 0, 0, 9, 0, 0, 100, 0, 0, 0];
        chunk(b"ANMF", &[&head[..], &still[12..]].concat())
    };
    let canvas = chunk(b"VP8X", &[0x02, 0, 0, 0, 19, 0, 0, 9, 0, 0]);
    let body = [&b"WEBP"[..], &canvas, &chunk(b"ANIM", &[0; 6]), &frame(RED), &frame(BLUE)].concat();
    chunk(b"RIFF", &body)
}

/// A PNG of a few bytes that says it has 60,000 × 60,000 pixels.
pub fn png_bomb() -> Vec<u8> {
    let mut bytes = png(8, 8);
    bytes[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

/// A GIF with a logical screen of 65,535 × 65,535 around a small frame.
pub fn gif_bomb() -> Vec<u8> {
    let mut bytes = gif(8, 8);
    bytes[6..10].copy_from_slice(&[0xFF; 4]);
    bytes
}

/// The picture in an answer.
#[track_caller]
pub fn decoded(answer: &Bytes) -> RgbImage {
    image::load_from_memory(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}")).into_rgb8()
}

/// What the four corners look like: `r`, `g`, `b`, `w`.
pub fn corners(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let corners = [(1, 1), (width - 2, 1), (1, height - 2), (width - 2, height - 2)];
    let name = |(x, y): (u32, u32)| match picture.get_pixel(x, y).0.map(|c| c > 128) {
        [true, false, false] => 'r',
        [false, true, false] => 'g',
        [false, false, true] => 'b',
        [true, true, true] => 'w',
        _ => '?',
    };
    corners.into_iter().map(name).collect()
}

/// An answer that is not text.
pub struct Bytes {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(400)]);
        write!(f, "{} {:?} {text}", self.status, self.headers)
    }
}

impl Bytes {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn assert(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!((self.status, body["error"]["code"].as_str()), (status, Some(code)), "{self:?}");
        body
    }
}

impl TestApp {
    /// GET of a path or address with these headers.
    pub async fn bytes(&self, path: &str, headers: &[(&str, &str)]) -> Bytes {
        self.bytes_by("GET", path, headers).await
    }

    pub async fn bytes_by(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Bytes {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = http_client().request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Bytes { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }
}

/// Begins an upload and sends its bytes; the answer of the presign.
pub async fn upload(client: &Client, presign: Value, bytes: &[u8]) -> Value {
    let upload = client.post("/v1/files/presigned-url", presign).await.assert(200);
    put(&upload, bytes).await.assert(200);
    upload
}

/// Sends bytes to the URL of an upload.
pub async fn put(upload: &Value, bytes: &[u8]) -> Put {
    put_as(upload, upload["contentType"].as_str(), bytes).await
}

/// The same as this content type.
pub async fn put_as(upload: &Value, kind: Option<&str>, bytes: &[u8]) -> Put {
    let mut request = http_client().put(upload["url"].as_str().unwrap()).body(bytes.to_vec());
    if let Some(kind) = kind {
        request = request.header("Content-Type", kind);
    }
    Put(Answer::of(request.send().await.unwrap()).await)
}

pub struct Put(Answer);

impl Put {
    #[track_caller]
    pub fn assert(&self, status: u16) {
        assert_eq!(self.0.status, status, "{}", self.0.text);
    }
}

/// Uploads and registers; the file.
pub async fn store(client: &Client, name: &str, kind: &str, visibility: &str, bytes: &[u8]) -> Value {
    let upload = upload(client, json!({ "filename": name, "contentType": kind, "fileSize": bytes.len(), "visibility": visibility }), bytes).await;
    let file = json!({ "s3Key": upload["key"], "originalName": name, "mimeType": kind, "size": bytes.len() });
    client.post("/v1/files", file).await.assert(201)
}

/// The key of a public picture that the server's secret key stored.
pub async fn public(app: &TestApp, name: &str, kind: &str, bytes: &[u8]) -> String {
    store(&app.secret(), name, kind, "public", bytes).await["key"].as_str().unwrap().to_owned()
}
