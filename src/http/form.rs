//! Forms that carry files, taken part by part (RFC 7578).

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use futures_util::{StreamExt, stream};
use multer::Multipart;
use tokio::sync::mpsc;

use crate::domain::error::{Code, Error, Result};

/// Pieces of the body that may wait for the disk.
const WAITING: usize = 4;

/// The parts of a form as they come.
///
/// # Errors
/// 415 for anything but a form with a boundary.
pub fn open(request: &HttpRequest, mut body: Payload) -> Result<Multipart<'static>> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        Error::new(Code::UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be multipart/form-data with a boundary, which clients add by themselves")
    })?;
    // A payload stays on its thread, a form wants to be free to leave it.
    let (sender, receiver) = mpsc::channel(WAITING);
    actix_web::rt::spawn(async move {
        while let Some(piece) = body.next().await {
            if sender.send(piece.map_err(|error| std::io::Error::other(error.to_string()))).await.is_err() {
                return;
            }
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    Ok(Multipart::new(pieces, boundary))
}
