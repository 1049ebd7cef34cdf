//! What belongs to one request, and the middleware around every handler: request id, `Host`, CORS, error bodies, log line.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::error::{self, ApiError};
use super::{State, address, cors};
use crate::domain::access::Access;
use crate::domain::error::{Code, Error};
use crate::domain::id;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a request target (`02-data.md` §12).
const MAX_TARGET: usize = 64 * 1024;

/// What belongs to one request; in its extensions.
pub struct Context {
    pub request_id: String,
    pub started: Instant,
    /// Set once the caller is known.
    pub access: RefCell<Option<Access>>,
    /// The public code of the error that was answered.
    pub error_code: RefCell<Option<&'static str>>,
}

impl Context {
    fn new(request: &ServiceRequest) -> Self {
        let given = request.headers().get(&REQUEST_ID).and_then(|v| v.to_str().ok());
        let sane = given.filter(|g| (1..=128).contains(&g.len()) && g.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)));
        Self { request_id: sane.map_or_else(id::new_id, str::to_owned), started: Instant::now(), access: RefCell::new(None), error_code: RefCell::new(None) }
    }

    /// The context of a request.
    pub fn of(request: &HttpRequest) -> Rc<Self> {
        request.extensions().get::<Rc<Self>>().cloned().expect("the middleware puts a context into every request")
    }
}

/// The middleware around everything.
pub async fn around(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let context = Rc::new(Context::new(&request));
    request.extensions_mut().insert(Rc::clone(&context));
    let http = request.request().clone();
    let state = State::of(&http).cloned().map_err(ApiError::from)?;
    let early = refuse(&http, &state, &context).await;
    let mut response = match early {
        Some(answer) => request.into_response(answer),
        None => {
            let (request, rest) = keep_body(request);
            let response = match next.call(request).await {
                Ok(response) => response.map_into_boxed_body(),
                Err(error) => ServiceResponse::new(http.clone(), HttpResponse::from_error(error)),
            };
            if let Some(rest) = rest {
                rest.drain().await;
            }
            with_error_body(response, &context)
        }
    };
    add_headers(&http, &state, &context, response.headers_mut()).await;
    super::routing::log_request(&http, &state, &context, &response);
    Ok(response)
}

/// What is answered before any handler runs.
async fn refuse(http: &HttpRequest, state: &State, context: &Context) -> Option<HttpResponse> {
    let answer = |error: Error| {
        *context.error_code.borrow_mut() = Some(error.code().name);
        Some(error::response(&error, &context.request_id))
    };
    let host = http.headers().get(header::HOST).and_then(|v| v.to_str().ok()).or_else(|| http.uri().authority().map(|a| a.as_str()));
    if !host.is_some_and(|host| address::is_known_host(state.settings(), host)) {
        return answer(Error::new(
            Code::MISDIRECTED_REQUEST,
            "The Host header names a host this server does not know; use localhost, or start it with --allow-host or --public-url",
        ));
    }
    if http.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        return answer(Error::new(Code::PAYLOAD_TOO_LARGE, "The request target is longer than 64 KiB; send a long query as a body to POST …/query"));
    }
    if http.method() == Method::OPTIONS && http.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) && cors::covers(http.path()) {
        let origin = http.headers().get(header::ORIGIN)?;
        let text = origin.to_str().unwrap_or_default();
        let granted = address::is_loopback_origin(text) || state.any_project_allows(text).await;
        return Some(cors::preflight(granted.then_some(origin)));
    }
    None
}

/// Turns a domain error a handler answered into the error union.
fn with_error_body(response: ServiceResponse<BoxBody>, context: &Context) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let answer = match error.as_error::<ApiError>() {
        Some(ApiError(error)) => {
            *context.error_code.borrow_mut() = Some(error.code().name);
            error::response(error, &context.request_id)
        }
        None => {
            let error = foreign(error);
            *context.error_code.borrow_mut() = Some(error.code().name);
            error::response(&error, &context.request_id)
        }
    };
    ServiceResponse::new(response.request().clone(), answer)
}

/// Errors of the framework itself.
fn foreign(error: &actix_web::Error) -> Error {
    let status = error.as_response_error().status_code();
    match status.as_u16() {
        413 => Error::new(Code::PAYLOAD_TOO_LARGE, "The body is larger than this route accepts"),
        404 => Error::new(Code::NOT_FOUND, "No such route"),
        400..=499 => Error::new(Code::INVALID_PARAMETERS, "The request could not be read; check path, query and body").because(error),
        _ => Error::internal(error),
    }
}

async fn add_headers(http: &HttpRequest, state: &State, context: &Context, headers: &mut header::HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !cors::covers(http.path()) {
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = http.headers().get(header::ORIGIN) else { return };
    let text = origin.to_str().unwrap_or_default();
    let listed = || context.access.borrow().as_ref().is_some_and(|a| a.environment.project().allows_origin(text));
    let _ = state;
    if address::is_loopback_origin(text) || listed() {
        cors::allow(headers, origin);
    }
}

/// The rest of a request body that the handler did not read.
struct Rest(Rc<RefCell<Payload>>);

/// Bytes of an unread body that are read and thrown away, so that the client gets its answer instead of a reset.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;

fn keep_body(request: ServiceRequest) -> (ServiceRequest, Option<Rest>) {
    let has_body = request.headers().get(header::CONTENT_LENGTH).is_some_and(|v| v != "0") || request.headers().contains_key(header::TRANSFER_ENCODING);
    if !has_body {
        return (request, None);
    }
    let (http, payload) = request.into_parts();
    let shared = Rc::new(RefCell::new(payload));
    let reader = Rc::clone(&shared);
    let stream = futures_util::stream::poll_fn(move |cx| {
        use futures_util::Stream;
        std::pin::Pin::new(&mut *reader.borrow_mut()).poll_next(cx)
    });
    let boxed: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<bytes::Bytes, actix_web::error::PayloadError>>>> = Box::pin(stream);
    (ServiceRequest::from_parts(http, Payload::Stream { payload: boxed }), Some(Rest(shared)))
}

impl Rest {
    async fn drain(self) {
        use futures_util::Stream;
        let mut left = DRAIN_LIMIT;
        let drained = async {
            while let Some(Ok(chunk)) = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)).await {
                left = left.saturating_sub(chunk.len());
                if left == 0 {
                    return;
                }
            }
        };
        // A client that stops sending must not hold the answer back.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), drained).await;
    }
}

/// Environment and caller of a `/v1` request, remembered for log and CORS.
pub fn remember(request: &HttpRequest, access: &Access) {
    *Context::of(request).access.borrow_mut() = Some(access.clone());
}

/// The application state of a request, shared.
pub fn backend(request: &HttpRequest) -> Result<Arc<crate::domain::backend::Backend>, Error> {
    Ok(Arc::clone(State::of(request)?.backend()))
}
