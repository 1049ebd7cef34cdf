//! Connections as the HTTP machinery sees them: what it refuses before any handler runs gets the same form of error as
//! everything else, and the client gets to read it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::error;
use super::exchange::Exchange;
use crate::domain::error::{Code, Error};
use crate::domain::id;

/// A request line of this many bytes holds a target of about 64 KiB, the most an address can be.
const LONG_LINE: usize = 65_535;
/// What is read and thrown away of a refused request, so that closing does not reset the connection under the answer.
const DRAIN_LIMIT: u64 = 32 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// How long the body of a refused upload is read and thrown away (`05-storage.md` §6.3), less the second for which the HTTP
/// machinery does it.
const DISCARD_TIME: Duration = Duration::from_secs(9);
/// Bytes of an answer that the machinery makes by itself, at most.
const BARE: usize = 512;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A TCP connection.
pub struct Connection {
    /// `None` only once dropped.
    io: Option<TcpStream>,
    /// Bytes of the request line read so far.
    line: usize,
    in_line: bool,
    /// An answer was written since the last bytes were read: unless a body is on its way, a request comes next.
    answered: bool,
    /// What is sent in place of the answer the machinery wrote.
    instead: Option<Vec<u8>>,
    sent: usize,
    refused: bool,
    exchange: Exchange,
    /// What is still to be written of `100 Continue`.
    interim: &'static [u8],
}

impl Connection {
    pub fn new(io: TcpStream) -> Self {
        // Answers are written whole; waiting to fill a packet only delays them.
        if let Err(error) = io.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        Self { io: Some(io), line: 0, in_line: true, answered: false, instead: None, sent: 0, refused: false, exchange: Exchange::default(), interim: &[] }
    }

    /// What handlers tell this connection with.
    pub fn exchange(&self) -> Exchange {
        self.exchange.clone()
    }

    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.io.as_ref().and_then(|io| io.peer_addr().ok())
    }

    fn io(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.io.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Writes `100 Continue` when a handler asked for it.
    fn poll_continue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exchange.take_due() {
            self.interim = CONTINUE;
        }
        while !self.interim.is_empty() {
            let interim = self.interim;
            let written = ready!(self.io()?.poll_write(cx, interim))?;
            self.interim = &interim[written..];
        }
        Poll::Ready(Ok(()))
    }

    /// Measures the request line; answers its length if all of it was read just now.
    fn note(&mut self, read: &[u8]) -> Option<usize> {
        if std::mem::take(&mut self.answered) && !self.exchange.is_body() {
            (self.line, self.in_line) = (0, true);
        }
        if !self.in_line || read.is_empty() {
            return None;
        }
        let Some(end) = memchr::memchr(b'\n', read) else {
            self.line += read.len();
            return None;
        };
        let whole = self.line == 0;
        self.line += end;
        self.in_line = false;
        whole.then_some(end)
    }

    /// The error for an answer that did not come from a handler: it stands alone, has no body, and no request id.
    fn refusal(&self, answer: &[u8]) -> Option<Error> {
        let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        let is_bare = !self.answered && answer.len() < BARE && answer.ends_with(b"\r\n\r\n");
        if !is_bare || !matches!(status, b"400" | b"431") || memchr::memmem::find(answer, b"x-request-id").is_some() {
            return None;
        }
        Some(if self.line >= LONG_LINE {
            Error::new(Code::PAYLOAD_TOO_LARGE, "The request target is longer than 64 KiB; send a long query as a body to POST …/query")
        } else if status == b"431" {
            Error::new(Code::PAYLOAD_TOO_LARGE, "The headers of the request are more than 95, or larger than 128 KiB; send fewer or shorter ones")
        } else {
            Error::new(Code::INVALID_PARAMETERS, "This is no HTTP request that can be read; check request line, Host, Content-Length and Transfer-Encoding")
        })
    }
}

/// What was read, when its first `line` bytes are a request line with bytes that URIs must not have (RFC 3986 §2) and clients such
/// as curl send nevertheless, `?andFilters={"a":1}` above all: with these percent-encoded, as browsers do it.
fn mended(read: &[u8], line: usize) -> Option<Vec<u8>> {
    let refused = |byte: &u8| matches!(byte, b'"' | b'<' | b'>' | b'`' | 0x80..);
    if !is_request_line(&read[..line]) || !read[..line].iter().any(refused) {
        return None;
    }
    let mut mended = Vec::with_capacity(read.len() + 128);
    for byte in &read[..line] {
        if refused(byte) { mended.extend_from_slice(format!("%{byte:02X}").as_bytes()) } else { mended.push(*byte) }
    }
    mended.extend_from_slice(&read[line..]);
    Some(mended)
}

/// Whether it is a method, something, and a version (RFC 9112 §3).
fn is_request_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let method = memchr::memchr(b' ', line).unwrap_or(0);
    method > 0 && line[..method].iter().all(u8::is_ascii_uppercase) && (line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0"))
}

/// The whole answer for a request that no handler sees.
fn answer(error: &Error) -> Vec<u8> {
    let id = id::new_id();
    let body = error::body(error, &id).to_string();
    let reason = if error.code().status == 413 { "Payload Too Large" } else { "Bad Request" };
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-length: {}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n{body}",
        error.code().status,
        body.len()
    )
    .into_bytes()
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.io()?.poll_read(cx, buf))?;
        let line = self.note(&buf.filled()[before..]);
        if let Some(mended) = line.and_then(|line| mended(&buf.filled()[before..], line))
            && mended.len() <= buf.capacity() - before
        {
            buf.set_filled(before);
            buf.put_slice(&mended);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.exchange.is_held() && buf.starts_with(CONTINUE) {
            // The machinery sends it before any handler has looked at the request.
            self.exchange.taken();
            return Poll::Ready(Ok(CONTINUE.len()));
        }
        ready!(self.poll_continue(cx))?;
        if self.instead.is_none() {
            let Some(error) = self.refusal(buf) else {
                self.answered |= !buf.starts_with(CONTINUE);
                return self.io()?.poll_write(cx, buf);
            };
            (self.instead, self.sent, self.refused) = (Some(answer(&error)), 0, true);
        }
        while let Some(instead) = self.instead.take() {
            let sent = self.sent;
            let polled = self.io()?.poll_write(cx, &instead[sent..]);
            if let Poll::Ready(Ok(n)) = &polled {
                self.sent += n;
            }
            if self.sent < instead.len() {
                self.instead = Some(instead);
            }
            ready!(polled)?;
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_continue(cx))?;
        self.io()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_shutdown(cx)
    }
}

impl ActixStream for Connection {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.io.as_ref().map_or_else(|| Poll::Ready(Err(io::ErrorKind::NotConnected.into())), |io| ActixStream::poll_read_ready(io, cx))
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.io.as_ref().map_or_else(|| Poll::Ready(Err(io::ErrorKind::NotConnected.into())), |io| ActixStream::poll_write_ready(io, cx))
    }
}

impl Drop for Connection {
    /// Closing a socket with unread data resets the connection, and the client may lose the answer: the rest of a refused
    /// request is read first.
    fn drop(&mut self) {
        let (time, limit) = match (self.exchange.discards(), self.refused) {
            (true, _) => (DISCARD_TIME, u64::MAX),
            (false, true) => (DRAIN_TIME, DRAIN_LIMIT),
            (false, false) => return,
        };
        if let Some(io) = self.io.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(time, drain(io, limit)));
        }
    }
}

async fn drain(mut io: TcpStream, limit: u64) {
    if io.shutdown().await.is_err() {
        return;
    }
    let (mut scratch, mut left) = (vec![0; 64 * 1024], limit);
    while let Ok(n @ 1..) = io.read(&mut scratch).await {
        left = left.saturating_sub(n as u64);
        if left == 0 {
            return;
        }
    }
}
