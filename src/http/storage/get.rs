//! GET and HEAD: conditions, ranges, and the bytes off the disk as they are sent.

use std::io;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::Stream;

use super::{error_response, locate, text};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::conditions::{Conditions, Validators, Verdict};
use crate::domain::files::disposition::Disposition;
use crate::domain::files::open::{self, Found, Reading};
use crate::domain::files::ranges::{self, Wanted};
use crate::domain::files::serving::{SANDBOX, Serving};
use crate::domain::files::signature::{self, Method};
use crate::http::context::Context;
use crate::http::{ApiResult, State};
use crate::store::Stored;

/// Bytes read at once; two such pieces belong to a download.
const CHUNK: u64 = 256 * 1024;

/// Sends an object, or a part of it.
pub(super) async fn get(state: State, request: HttpRequest) -> ApiResult<HttpResponse> {
    let (key, environment) = locate(&state, &request).await?;
    let (reading, wanted) = right(&environment, &key, request.query_string())?;
    send(&request, &environment, &key, reading, wanted).await
}

/// Sends an object that is read by this right.
pub(in crate::http) async fn send(
    request: &HttpRequest,
    environment: &Arc<Environment>,
    key: &str,
    reading: Reading,
    wanted: Option<Disposition>,
) -> ApiResult<HttpResponse> {
    let asked = Asked::of(request, environment.now());
    let (found, stored) = open::open(environment, key, reading, |found| asked.answer(found).length() > 0).await?;
    let answer = asked.answer(&found);
    let whole = found.size;
    let (first, length) = match answer {
        Answer::Failed => return Err(Error::new(Code::FILE_PRECONDITION_FAILED, "The object is not the one that If-Match or If-Unmodified-Since want").into()),
        Answer::Unsatisfiable => return Ok(unsatisfiable(request, whole)),
        Answer::NotModified => return Ok(described(HttpResponse::NotModified(), &found, wanted).finish()),
        Answer::Head => (0, whole),
        Answer::Whole(_) => (0, whole),
        Answer::Part { first, last } => (first, last - first + 1),
    };
    let mut response =
        described(if length < whole || matches!(answer, Answer::Part { .. }) { HttpResponse::PartialContent() } else { HttpResponse::Ok() }, &found, wanted);
    response.insert_header((header::ACCEPT_RANGES, "bytes"));
    if let Answer::Part { first, last } = answer {
        response.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{whole}")));
    }
    Ok(response.body(SizedStream::new(length, bytes(stored, first, length))))
}

/// By what right the URL reads, and whether the object is to be shown or saved, if it says.
///
/// # Errors
/// 403 `file/signature-invalid`, `file/url-expired`.
fn right(environment: &Environment, key: &str, query: &str) -> Result<(Reading, Option<Disposition>)> {
    if signature::is_signed(query) {
        let claim = signature::verify(&environment.url_secret(), Method::Get, key, query, environment.now())?;
        return Ok((Reading::Signed, claim.disposition));
    }
    Ok((Reading::Plain, asked_disposition(query)))
}

/// What `?download=1` on a plain URL asks for.
pub(in crate::http) fn asked_disposition(query: &str) -> Option<Disposition> {
    let download = url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "download" && value == "1");
    download.then_some(Disposition::Attachment)
}

/// How the conditions of a request hold against an object, or against what was made of one.
pub(in crate::http) fn judge(request: &HttpRequest, object: Validators<'_>) -> Verdict {
    Asked::of(request, 0).conditions().judge(object)
}

/// What the headers of a request ask for.
struct Asked {
    is_head: bool,
    now: i64,
    range: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<String>,
    if_unmodified_since: Option<String>,
    if_range: Option<String>,
}

/// What is answered.
#[derive(Clone, Copy)]
enum Answer {
    Failed,
    NotModified,
    Unsatisfiable,
    Head,
    Whole(u64),
    Part { first: u64, last: u64 },
}

impl Answer {
    /// Bytes that are needed for it.
    fn length(self) -> u64 {
        match self {
            Self::Whole(size) => size,
            Self::Part { first, last } => last - first + 1,
            _ => 0,
        }
    }
}

impl Asked {
    fn of(request: &HttpRequest, now: i64) -> Self {
        Self {
            is_head: request.method() == actix_web::http::Method::HEAD,
            now,
            range: text(request, header::RANGE),
            if_match: text(request, header::IF_MATCH),
            if_none_match: text(request, header::IF_NONE_MATCH),
            if_modified_since: text(request, header::IF_MODIFIED_SINCE),
            if_unmodified_since: text(request, header::IF_UNMODIFIED_SINCE),
            if_range: text(request, header::IF_RANGE),
        }
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            if_modified_since: self.if_modified_since.as_deref(),
            if_unmodified_since: self.if_unmodified_since.as_deref(),
            if_range: self.if_range.as_deref(),
        }
    }

    fn answer(&self, found: &Found) -> Answer {
        let conditions = self.conditions();
        match conditions.judge(found.validators()) {
            Verdict::Failed => return Answer::Failed,
            Verdict::NotModified => return Answer::NotModified,
            Verdict::Serve if self.is_head => return Answer::Head,
            Verdict::Serve => {}
        }
        let range = self.range.as_deref().filter(|_| conditions.range_counts(found.validators(), self.now));
        match ranges::wanted(range, found.size) {
            Wanted::Whole => Answer::Whole(found.size),
            Wanted::Part { first, last } => Answer::Part { first, last },
            Wanted::Unsatisfiable => Answer::Unsatisfiable,
        }
    }
}

/// An answer with everything that describes the object (§6.4).
fn described(mut response: HttpResponseBuilder, found: &Found, wanted: Option<Disposition>) -> HttpResponseBuilder {
    let serving = Serving::of(&found.content_type, wanted);
    response
        .insert_header((header::ETAG, found.validators().etag_header()))
        .insert_header((header::LAST_MODIFIED, found.validators().last_modified()))
        .insert_header((header::CACHE_CONTROL, found.cache_control()))
        .insert_header((header::CONTENT_DISPOSITION, serving.disposition.header(&found.name)))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"))
        .insert_header((header::CONTENT_TYPE, serving.content_type));
    if serving.sandboxed {
        response.insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX));
    }
    response
}

fn unsatisfiable(request: &HttpRequest, size: u64) -> HttpResponse {
    let error = Error::new(Code::FILE_INVALID_RANGE, format!("The range begins behind the end of the object, which has {size} bytes"));
    let context = Context::of(request);
    context.error_code.set(Some(error.code().name));
    let mut answer = error_response(&error, &context.request_id);
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        answer.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    debug_assert_eq!(answer.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    answer
}

/// The bytes of an object, read by blocking threads one piece ahead of what is sent; none without `stored`.
fn bytes(stored: Option<Stored>, first: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    async_stream::try_stream! {
        let end = first + length;
        let mut reading = stored.map(|stored| read(stored, first, end));
        while let Some(piece) = reading.take() {
            let (stored, at, bytes) = piece.await.map_err(io::Error::other)??;
            let next = at + bytes.len() as u64;
            if next < end {
                reading = Some(read(stored, next, end));
            }
            yield bytes;
        }
    }
}

type Piece = io::Result<(Stored, u64, Bytes)>;

fn read(mut stored: Stored, at: u64, end: u64) -> tokio::task::JoinHandle<Piece> {
    tokio::task::spawn_blocking(move || {
        let bytes = stored.read(at, (end - at).min(CHUNK) as usize)?;
        // An object that ends early breaks off the answer, which tells the client that it is not whole.
        if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok((stored, at, bytes.into())) }
    })
}
