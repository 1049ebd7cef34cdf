//! Forms that carry files, taken part by part (RFC 7578), in constant memory whatever they hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;

use super::State;
use crate::domain::error::{Code, Error, Result};

/// Pieces of the body that may wait for the disk.
const WAITING: usize = 4;
/// Bytes that may come without being the content of a part: what stands before the first part, and the headers of each.
const BETWEEN: usize = 1024 * 1024;

/// A form as it comes.
pub struct Form {
    parts: Multipart<'static>,
    patience: Patience,
}

/// A part of a form as it comes.
pub struct Part {
    field: Field<'static>,
    patience: Patience,
}

/// A part has more bytes than it may have.
#[derive(Debug)]
pub struct TooLong;

/// How long the next bytes may take, and how many came since something was made of them.
#[derive(Clone)]
struct Patience {
    idle: Duration,
    unused: Arc<AtomicUsize>,
}

impl Form {
    /// # Errors
    /// 415 for anything but a form with a boundary.
    pub fn open(request: &HttpRequest, mut body: Payload) -> Result<Self> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(|_| {
            Error::new(Code::UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be multipart/form-data with a boundary, which clients add by themselves")
        })?;
        // A payload stays on its thread, a form wants to be free to leave it.
        let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(WAITING);
        actix_web::rt::spawn(async move {
            while let Some(piece) = body.next().await {
                if sender.send(piece.map_err(|error| std::io::Error::other(error.to_string()))).await.is_err() {
                    return;
                }
            }
        });
        let patience = Patience { idle: State::of(request)?.settings().upload_idle, unused: Arc::default() };
        let unused = Arc::clone(&patience.unused);
        let counted = move |piece: std::io::Result<Bytes>| {
            let piece = piece?;
            // Whoever reads the form keeps everything until it finds the end of what it looks for.
            let sum = unused.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
            if sum > BETWEEN { Err(std::io::Error::other("a part of the form does not begin")) } else { Ok(piece) }
        };
        let pieces = stream::unfold((receiver, counted), |(mut receiver, counted)| async move {
            let piece = receiver.recv().await?;
            Some((counted(piece), (receiver, counted)))
        });
        Ok(Self { parts: Multipart::new(pieces, boundary), patience })
    }

    /// The next part, once its headers have come.
    ///
    /// # Errors
    /// 408 `file/upload-timeout`; 400 for a form that is none, or breaks off.
    pub async fn next(&mut self) -> Result<Option<Part>> {
        let patience = self.patience.clone();
        let field = patience.wait(self.parts.next_field()).await?;
        Ok(field.map(|field| Part { field, patience }))
    }
}

impl Part {
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of a file. Browsers write a quote in it as `%22`, and line breaks alike (HTML §4.10.22.7); of programs some
    /// send `filename*` (RFC 5987) instead.
    pub fn file_name(&self) -> Option<String> {
        let extended = || {
            let disposition = self.field.headers().get("content-disposition")?.to_str().ok()?;
            let (_, value) = disposition.split(';').find_map(|parameter| parameter.split_once('=').filter(|(name, _)| name.trim() == "filename*"))?;
            let (charset, text) = value.trim().split_once('\'')?;
            let (_, text) = text.split_once('\'')?;
            charset.eq_ignore_ascii_case("utf-8").then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
        };
        let plain = || self.field.file_name().map(|name| name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"));
        extended().or_else(plain)
    }

    pub fn content_type(&self) -> Option<String> {
        self.field.content_type().map(ToString::to_string)
    }

    /// Some bytes of its content.
    ///
    /// # Errors
    /// As [`Form::next`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let patience = self.patience.clone();
        patience.wait(self.field.chunk()).await
    }

    /// All of its content, or that it has more than `limit` bytes.
    ///
    /// # Errors
    /// As [`Form::next`].
    pub async fn bytes(&mut self, limit: usize) -> Result<std::result::Result<Bytes, TooLong>> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                return Ok(Err(TooLong));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Ok(bytes.freeze()))
    }
}

impl Patience {
    async fn wait<T>(&self, next: impl Future<Output = std::result::Result<Option<T>, multer::Error>>) -> Result<Option<T>> {
        let late = |_| {
            let message = format!("No byte came for {} seconds; nothing was stored. Send the form again", self.idle.as_secs());
            Error::new(Code::FILE_UPLOAD_TIMEOUT, message)
        };
        let next = tokio::time::timeout(self.idle, next).await.map_err(late)?.map_err(broken)?;
        self.unused.store(0, Ordering::Relaxed);
        Ok(next)
    }
}

fn broken(error: multer::Error) -> Error {
    Error::invalid_parameter("body", "The form is not valid multipart/form-data, or it broke off before its end; nothing was stored").because(error)
}
