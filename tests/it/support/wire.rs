//! HTTP/1.1 over a plain socket: requests exactly as written, byte for byte, on connections that are kept.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that needs longer than this for one answer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One kept connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, undecoded but for the framing of its body.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Status line and header fields.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()))
    }
}

/// The bytes of a request: `headers` are whole lines without their line ends.
pub fn request(method: &str, target: &[u8], headers: &[Vec<u8>], body: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + target.len() + body.map_or(0, <[u8]>::len));
    bytes.extend_from_slice(method.as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(target);
    bytes.extend_from_slice(b" HTTP/1.1\r\nHost: localhost\r\n");
    for line in headers {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    if let Some(body) = body {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

impl Wire {
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its answer; `has_body` is false for answers to HEAD.
    pub async fn exchange(&mut self, request: &[u8], has_body: bool) -> Result<Reply> {
        let exchange = async {
            self.stream.write_all(request).await?;
            self.answer(has_body).await
        };
        tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| Error::new(ErrorKind::TimedOut, "no answer"))?
    }

    async fn answer(&mut self, has_body: bool) -> Result<Reply> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end);
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| Error::new(ErrorKind::InvalidData, head.clone()))?;
        let mut reply = Reply { status, head, body: Vec::new() };
        if status == 100 {
            return Box::pin(self.answer(has_body)).await;
        }
        if !has_body || matches!(status, 204 | 304) {
            return Ok(reply);
        }
        reply.body = match reply.header("content-length").and_then(|v| v.parse().ok()) {
            Some(length) => self.take(length).await?,
            None if reply.header("transfer-encoding").is_some() => self.chunks().await?,
            None => Vec::new(),
        };
        Ok(reply)
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                    break self.take(at + 2).await?;
                }
                self.more().await?;
            };
            let text = String::from_utf8_lossy(&line);
            let length = usize::from_str_radix(text.trim(), 16).map_err(|_| Error::new(ErrorKind::InvalidData, "chunk length"))?;
            let chunk = self.take(length + 2).await?;
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        Ok(())
    }
}
