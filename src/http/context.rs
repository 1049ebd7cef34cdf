//! What belongs to one request, and the middleware around every handler: request id, `Host`, CORS, error bodies.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::cors::Callers;
use super::error::{self, ApiError};
use super::exchange::Exchange;
use super::routing::RouteId;
use super::{State, address, cors, img, mcp, observe, storage};
use crate::domain::access::Access;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error};
use crate::domain::id;
use crate::domain::rate_limit::Standing;
use crate::domain::requests::Body;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a request target (`02-data.md` §12).
const MAX_TARGET: usize = 64 * 1024;

/// The id of a request as it stands in `X-Request-Id`; a clone shares the text.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl From<String> for RequestId {
    fn from(text: String) -> Self {
        Self(HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static("-")))
    }
}

/// What belongs to one request; in its extensions.
pub struct Context {
    pub request_id: RequestId,
    pub started: Instant,
    /// Set once environment and caller are known.
    pub access: RefCell<Option<Access>>,
    /// The developer who calls, on routes that are not an app's.
    pub tenant: RefCell<Option<Arc<Tenant>>>,
    /// The public code of the error that was answered.
    pub error_code: Cell<Option<&'static str>>,
    /// Why the permissions allowed or refused the request, for the request log.
    pub decision: RefCell<Option<String>>,
    /// Time spent in the database, in microseconds, for the request log.
    pub query_us: Cell<Option<u64>>,
    /// Which route serves the request.
    pub route: Cell<Option<RouteId>>,
    /// Where the caller stands within `dataRateLimit`.
    pub rate: Cell<Option<Standing>>,
    /// Bytes of the body read so far.
    pub bytes_in: Cell<u64>,
    /// What the request log keeps of the body.
    pub request_body: RefCell<Option<Body>>,
}

impl Context {
    fn new(request: &ServiceRequest) -> Self {
        let given = request.headers().get(&REQUEST_ID).filter(|value| {
            let bytes = value.as_bytes();
            (1..=128).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
        });
        Self {
            request_id: given.map_or_else(|| id::new_id().into(), |value| RequestId(value.clone())),
            started: Instant::now(),
            access: RefCell::default(),
            tenant: RefCell::default(),
            error_code: Cell::default(),
            decision: RefCell::default(),
            query_us: Cell::default(),
            route: Cell::default(),
            rate: Cell::default(),
            bytes_in: Cell::default(),
            request_body: RefCell::default(),
        }
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
    let state = State::of(request.request()).cloned().map_err(ApiError::from)?;
    state.metrics().begin();
    let early = refuse(request.request(), &state, &context).await;
    let mut response = match early {
        Some(answer) => request.into_response(answer),
        None => {
            // Routing needs the only handle to the request; it comes back with the answer.
            let (request, rest) = keep_body(request, &context);
            let mut response = match next.call(request).await {
                Ok(response) => response.map_into_boxed_body(),
                // Handlers answer their errors themselves; nothing between them and here fails.
                Err(error) => {
                    state.metrics().end(None, 500, context.started.elapsed());
                    return Err(error);
                }
            };
            match rest {
                Some(rest) if storage::covers(response.request().path()) => {
                    response = with_error_body(response, &context);
                    rest.leave(response)
                }
                rest => {
                    if let Some(rest) = rest {
                        rest.drain().await;
                    }
                    with_error_body(response, &context)
                }
            }
        }
    };
    add_headers(&mut response, &state, &context);
    if state.is_stopping() {
        response.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    Ok(observe::finish(state, context, response))
}

/// What is answered before any handler runs.
async fn refuse(http: &HttpRequest, state: &State, context: &Context) -> Option<HttpResponse> {
    let answer = |error: Error| {
        context.error_code.set(Some(error.code().name));
        Some(error::response_at(http.path(), &error, &context.request_id))
    };
    let host = http.headers().get(header::HOST).and_then(|v| v.to_str().ok()).or_else(|| http.uri().authority().map(|a| a.as_str()));
    if !host.is_some_and(|host| address::is_known_host(state.settings(), host)) {
        return answer(Error::new(
            Code::MISDIRECTED_REQUEST,
            "The Host header names a host this server does not know; use localhost, or start it with --allow-host or --public-url",
        ));
    }
    if mcp::is_endpoint(http.path())
        && let Err(refusal) = mcp::admit(http, state)
    {
        return answer(refusal);
    }
    if state.is_stopping() && !matches!(http.path(), "/healthz" | "/readyz") {
        return answer(Error::unavailable("The server is shutting down; try again once it is back"));
    }
    if http.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        return answer(Error::new(Code::PAYLOAD_TOO_LARGE, "The request target is longer than 64 KiB; send a long query as a body to POST …/query"));
    }
    if cors::is_preflight(http) && storage::covers(http.path()) {
        return Some(storage::preflight(http).await);
    }
    if cors::is_preflight(http)
        && let Some(callers) = cors::callers(http.path())
    {
        let origin = http.headers().get(header::ORIGIN)?;
        let text = origin.to_str().unwrap_or_default();
        let granted = match callers {
            Callers::Anyone => true,
            Callers::Tools => tool_origin(http, state, text),
            Callers::Apps => address::is_loopback_origin(text) || state.any_project_allows(text).await,
        };
        return Some(cors::preflight(callers, granted.then_some(origin)));
    }
    None
}

/// Whether pages of an origin may call what is for AI tools.
fn tool_origin(http: &HttpRequest, state: &State, origin: &str) -> bool {
    address::is_loopback_origin(origin) || address::is_own_origin(http, state.settings(), origin)
}

/// Turns a domain error a handler answered into the error union.
fn with_error_body(response: ServiceResponse<BoxBody>, context: &Context) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let answer = match error.as_error::<ApiError>() {
        Some(ApiError(error)) if error.code() == Code::ENVIRONMENT_BUSY && cors::covers(response.request().path()) => {
            let error = Error::unavailable(error.message());
            context.error_code.set(Some(error.code().name));
            error::response_at(response.request().path(), &error, &context.request_id)
        }
        Some(ApiError(error)) => {
            context.error_code.set(Some(error.code().name));
            note_refusal(error, context);
            error::response_at(response.request().path(), error, &context.request_id)
        }
        None => {
            let error = foreign(error);
            context.error_code.set(Some(error.code().name));
            error::response_at(response.request().path(), &error, &context.request_id)
        }
    };
    ServiceResponse::new(response.request().clone(), answer)
}

/// A refusal explains itself in the request log, unless something more exact was noted.
fn note_refusal(error: &Error, context: &Context) {
    let refusals = [Code::PERMISSION_DENIED, Code::SCOPE_INSUFFICIENT, Code::SYSTEM_TABLE_ACCESS, Code::PROJECT_ACCESS_DENIED];
    let mut decision = context.decision.borrow_mut();
    if decision.is_none() && refusals.contains(&error.code()) {
        *decision = Some(error.message().to_owned());
    }
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

fn add_headers(response: &mut ServiceResponse<BoxBody>, state: &State, context: &Context) {
    let http = response.request().clone();
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, context.request_id.0.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(Standing { limit, remaining }) = context.rate.get() {
        headers.insert(error::RATE_LIMIT, HeaderValue::from(limit));
        headers.insert(error::RATE_REMAINING, HeaderValue::from(remaining));
    }
    let Some(callers) = cors::callers(http.path()) else { return };
    let exposed = if storage::covers(http.path()) || img::covers(http.path()) { cors::EXPOSED_OF_OBJECTS } else { cors::EXPOSED };
    if callers == Callers::Anyone {
        return cors::allow(headers, &HeaderValue::from_static("*"), exposed);
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = http.headers().get(header::ORIGIN) else { return };
    let text = origin.to_str().unwrap_or_default();
    let listed = || context.access.borrow().as_ref().is_some_and(|a| a.environment.project().allows_origin(text));
    let granted = if callers == Callers::Tools { tool_origin(&http, state, text) } else { address::is_loopback_origin(text) || listed() };
    if granted {
        cors::allow(headers, origin, exposed);
    }
}

/// The rest of a request body that the handler did not read.
struct Rest {
    payload: Rc<RefCell<Payload>>,
    /// Whether its end was reached.
    ended: Rc<Cell<bool>>,
}

/// Bytes of an unread body that are read and thrown away, so that the client gets its answer instead of a reset.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;

fn keep_body(request: ServiceRequest, context: &Rc<Context>) -> (ServiceRequest, Option<Rest>) {
    let has_body = request.headers().get(header::CONTENT_LENGTH).is_some_and(|v| v != "0") || request.headers().contains_key(header::TRANSFER_ENCODING);
    if !has_body {
        return (request, None);
    }
    let (http, payload) = request.into_parts();
    let shared = Rc::new(RefCell::new(payload));
    let (reader, context) = (Rc::clone(&shared), Rc::clone(context));
    let ended = Rc::new(Cell::new(false));
    let end = Rc::clone(&ended);
    let exchange = Exchange::of(&http);
    exchange.body(true);
    let is_json = observe::keeps_bodies(http.path()) && observe::is_json(http.headers());
    let stream = futures_util::stream::poll_fn(move |cx| {
        use futures_util::Stream;
        let polled = std::pin::Pin::new(&mut *reader.borrow_mut()).poll_next(cx);
        match &polled {
            std::task::Poll::Ready(Some(Ok(chunk))) => observe::note_chunk(&context, chunk, is_json),
            std::task::Poll::Ready(None) => {
                end.set(true);
                exchange.body(false);
            }
            _ => {}
        }
        polled
    });
    let boxed: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<bytes::Bytes, actix_web::error::PayloadError>>>> = Box::pin(stream);
    (ServiceRequest::from_parts(http, Payload::Stream { payload: boxed }), Some(Rest { payload: shared, ended }))
}

impl Rest {
    /// Answers at once, whatever is still to come: the connection then reads and throws away for a while, and closes.
    fn leave(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        if self.ended.get() {
            return response;
        }
        Exchange::of(response.request()).discard();
        // As long as the body of the answer holds the payload, the machinery knows that there is more, and closes.
        response.map_body(|_, inner| BoxBody::new(Unread { inner, _payload: self.payload }))
    }

    async fn drain(self) {
        use futures_util::Stream;
        let mut left = DRAIN_LIMIT;
        let drained = async {
            while let Some(Ok(chunk)) = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *self.payload.borrow_mut()).poll_next(cx)).await {
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

/// An answer to a request whose body was not read to its end.
struct Unread {
    inner: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for Unread {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Result<bytes::Bytes, Self::Error>>> {
        Pin::new(&mut self.inner).poll_next(cx)
    }
}

/// Environment and caller of a `/v1` request, remembered for log and CORS.
pub fn remember(request: &HttpRequest, access: &Access) {
    *Context::of(request).access.borrow_mut() = Some(access.clone());
}

/// The environment of a request that came without a key, such as one by a mailed link.
pub fn remember_guest(request: &HttpRequest, environment: &Arc<crate::domain::environment::Environment>) {
    remember(request, &Access { environment: Arc::clone(environment), caller: crate::domain::caller::Caller::Guest { key: None } });
}

/// Why the permissions allowed or refused a request, for the request log.
pub fn note_decision(request: &HttpRequest, decision: impl Into<String>) {
    *Context::of(request).decision.borrow_mut() = Some(decision.into());
}

/// Finds out whose request it is that no handler of `/v1` takes, so that it stands in the right request log and its answer
/// can be read across origins. Credentials that are no good change nothing.
pub async fn look_up_environment(request: &HttpRequest) {
    use actix_web::FromRequest;
    if storage::covers(request.path()) {
        return storage::remember(request).await;
    }
    if img::covers(request.path()) {
        return img::remember(request).await;
    }
    if cors::covers(request.path()) {
        let _ = Access::from_request(request, &mut Payload::None).await;
    }
}

/// The application state of a request, shared.
pub fn backend(request: &HttpRequest) -> Result<Arc<crate::domain::backend::Backend>, Error> {
    Ok(Arc::clone(State::of(request)?.backend()))
}
