//! PUT: bytes go to the disk as they come.

use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;

use super::{locate, text};
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::put::{PutHeaders, begin_put};
use crate::domain::files::receive::Receiving;
use crate::domain::files::signature::{self, Method};
use crate::http::exchange::Exchange;
use crate::http::{ApiResult, State};

/// Stores the body as the object, or the part, that the URL was issued for.
pub(super) async fn put(state: State, request: HttpRequest, body: web::Payload) -> ApiResult<HttpResponse> {
    let (key, environment) = locate(&state, &request).await?;
    let claim = signature::verify(&environment.url_secret(), Method::Put, &key, request.query_string(), environment.now())?;
    let (content_type, md5, sha256) = (text(&request, header::CONTENT_TYPE), text(&request, "content-md5"), text(&request, "x-amz-checksum-sha256"));
    let headers = PutHeaders {
        content_type: content_type.as_deref(),
        content_length: request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()),
        md5: md5.as_deref(),
        sha256: sha256.as_deref(),
    };
    let permit = begin_put(&environment, &claim, headers).await?;
    Exchange::of(&request).proceed();
    let mut receiving = permit.receive();
    receive(&mut receiving, body, state.settings().upload_idle).await?;
    let etag = receiving.finish().await?;
    let etag = HeaderValue::from_str(&format!("\"{etag}\"")).map_err(Error::internal)?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag)).insert_header((header::CONTENT_LENGTH, 0)).finish())
}

/// Reads the body to its end.
///
/// # Errors
/// 408 `file/upload-timeout` when no byte comes for `idle`; 400 when the body breaks off; as [`Receiving::push`].
async fn receive(receiving: &mut Receiving, mut body: web::Payload, idle: Duration) -> Result<()> {
    loop {
        let next = tokio::time::timeout(idle, body.next()).await.map_err(|_| {
            let message = format!("No byte came for {} seconds; nothing was stored. Send the file again", idle.as_secs());
            Error::new(Code::FILE_UPLOAD_TIMEOUT, message)
        })?;
        match next {
            None => return Ok(()),
            Some(Ok(bytes)) => receiving.push(&bytes).await?,
            Some(Err(error)) => {
                return Err(
                    Error::new(Code::INVALID_PARAMETERS, "The body broke off before its end, or its framing is wrong; nothing was stored").because(error)
                );
            }
        }
    }
}
