//! The end of a request: counters, its log line and its entry in the request log. When the body of an answer is a stream,
//! its end is that of the stream.

use std::borrow::Cow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use bytes::Bytes;

use super::context::Context;
use super::log::{self, Line, Who};
use super::{State, cors, storage};
use crate::domain::access::Access;
use crate::domain::project::LogBodies;
use crate::domain::requests::{BODY_LIMIT, Bodies, Body, Entry};
use crate::domain::{id, time};

/// Counts and logs an answered request, now or at the end of its body.
pub fn finish(state: State, context: Rc<Context>, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let http = response.request().clone();
    let status = response.status().as_u16();
    let response_headers = if wants_entry(&http, &context) { lines(response.headers()) } else { Vec::new() };
    let capture = keeps_bodies(http.path()) && wants_bodies(&context) && is_json(response.headers()) && !response.headers().contains_key(CONTENT_ENCODING);
    let size = response.response().body().size();
    let mut end = End { http, state, context, status, response_headers, bytes_out: 0, body: None };
    let streams = matches!(size, BodySize::Stream) || (matches!(size, BodySize::Sized(_)) && storage::covers(end.http.path()));
    match size {
        BodySize::Stream | BodySize::Sized(_) if streams => response.map_body(|_, inner| {
            let body = capture.then(|| Body { bytes: Bytes::new(), whole: true });
            end.body = body;
            Watched { inner, end: Some(end) }.boxed()
        }),
        BodySize::None | BodySize::Stream => {
            end.done();
            response
        }
        BodySize::Sized(bytes) => {
            end.bytes_out = if *end.http.method() == Method::HEAD { 0 } else { bytes };
            if !capture {
                end.done();
                return response;
            }
            response.map_body(|_, inner| match inner.try_into_bytes() {
                Ok(bytes) => {
                    let kept = bytes.slice(..bytes.len().min(BODY_LIMIT));
                    end.body = Some(Body { whole: kept.len() == bytes.len(), bytes: kept });
                    end.done();
                    BoxBody::new(bytes)
                }
                Err(inner) => {
                    end.done();
                    inner
                }
            })
        }
    }
}

/// What is known when the answer begins and needed when it has ended.
struct End {
    http: HttpRequest,
    state: State,
    context: Rc<Context>,
    status: u16,
    response_headers: Vec<u8>,
    bytes_out: u64,
    body: Option<Body>,
}

impl End {
    fn done(self) {
        let took = self.context.started.elapsed();
        self.state.metrics().end(self.context.route.get(), self.status, took);
        let at = time::now() - took.as_millis() as i64;
        let micros = took.as_micros() as u64;
        if self.state.settings().log_requests && log::wants(self.status) {
            log::request(self.line(at, micros));
        }
        if wants_entry(&self.http, &self.context) {
            self.record(at, micros);
        }
    }

    fn line(&self, at: i64, micros: u64) -> Line {
        let app = || self.context.access.borrow().as_ref().map(|a| Who::App(a.caller.clone()));
        Line {
            at,
            method: self.http.method().clone(),
            target: self.http.uri().clone(),
            status: self.status,
            micros,
            who: self.context.tenant.borrow().clone().map(Who::Developer).or_else(app),
            request_id: self.context.request_id.clone(),
        }
    }

    fn record(self, at: i64, micros: u64) {
        let Some(Access { environment, caller }) = self.context.access.borrow_mut().take() else { return };
        let request = self.context.request_body.borrow_mut().take();
        let bodies = (request.is_some() || self.body.is_some()).then(|| Box::new(Bodies { request, response: self.body }));
        environment.requests().record(Entry {
            id: id::new_id(),
            request_id: self.context.request_id.to_string(),
            method: name(self.http.method()),
            target: self.http.uri().path_and_query().map_or_else(String::new, |target| target.as_str().to_owned()),
            status: self.status,
            duration_us: micros,
            bytes_in: self.context.bytes_in.get(),
            bytes_out: self.bytes_out,
            caller,
            error_code: self.context.error_code.get(),
            at,
            headers: lines(self.http.headers()),
            response_headers: self.response_headers,
            bodies,
            decision: self.context.decision.borrow_mut().take(),
            query_us: self.context.query_us.get(),
        });
    }
}

/// Requests of apps whose environment is known.
fn wants_entry(http: &HttpRequest, context: &Context) -> bool {
    cors::covers(http.path()) && context.access.borrow().is_some()
}

/// Whether bodies under this path may be kept at all: of object transfers only the sizes are.
pub fn keeps_bodies(path: &str) -> bool {
    path.starts_with("/v1/")
}

/// Whether the project wants bodies in the request log.
fn wants_bodies(context: &Context) -> bool {
    context.access.borrow().as_ref().is_some_and(|access| match access.environment.project().settings().request_log_bodies {
        LogBodies::All => true,
        LogBodies::Dev => access.environment.kind() == "dev",
        LogBodies::None => false,
    })
}

pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|v| v.as_bytes());
    kind.is_some_and(|k| k.get(..16).is_some_and(|start| start.eq_ignore_ascii_case(b"application/json")))
}

/// Takes note of a part of a request's body as it is read.
pub fn note_chunk(context: &Context, chunk: &Bytes, is_json: bool) {
    context.bytes_in.set(context.bytes_in.get() + chunk.len() as u64);
    if !is_json || !wants_bodies(context) {
        return;
    }
    let mut body = context.request_body.borrow_mut();
    keep(body.get_or_insert_with(|| Body { bytes: Bytes::new(), whole: true }), chunk);
}

fn keep(body: &mut Body, chunk: &Bytes) {
    let room = BODY_LIMIT - body.bytes.len();
    body.whole &= chunk.len() <= room;
    // Copied, since the piece may be a small part of a large buffer of the connection.
    body.bytes = [&body.bytes[..], &chunk[..chunk.len().min(room)]].concat().into();
}

/// Headers as `name: value` lines in one allocation.
fn lines(headers: &HeaderMap) -> Vec<u8> {
    let length = headers.iter().map(|(name, value)| name.as_str().len() + value.len().min(4096) + 3).sum();
    let mut out = Vec::with_capacity(length);
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        // A huge header is cut; the log is no archive.
        out.extend_from_slice(&value.as_bytes()[..value.len().min(4096)]);
        out.push(b'\n');
    }
    out
}

fn name(method: &Method) -> Cow<'static, str> {
    Cow::Borrowed(match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => return Cow::Owned(method.as_str().to_owned()),
    })
}

/// A body that is sent piece by piece; the request ends with it, also when the client leaves.
struct Watched {
    inner: BoxBody,
    end: Option<End>,
}

impl MessageBody for Watched {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_next(poller);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => {
                if let Some(end) = &mut self.end {
                    end.bytes_out += chunk.len() as u64;
                    if let Some(body) = &mut end.body {
                        keep(body, chunk);
                    }
                }
            }
            Poll::Ready(None | Some(Err(_))) => {
                if let Some(end) = self.end.take() {
                    end.done();
                }
            }
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.done();
        }
    }
}
