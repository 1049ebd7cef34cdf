//! The load generator: 64 kept connections, each sending its next request as soon as the last is answered.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

pub const CLIENTS: usize = 64;

/// Requests to one server, sent in turn.
pub struct Load {
    port: u16,
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Load {
    pub fn new(port: u16, requests: Vec<Vec<u8>>) -> Rc<Self> {
        Rc::new(Self { port, requests, next: AtomicUsize::new(0) })
    }

    /// Answers per second.
    pub fn run(self: &Rc<Self>, length: Duration) -> f64 {
        self.run_with(CLIENTS, length)
    }

    /// The same by another number of clients.
    pub fn run_with(self: &Rc<Self>, clients: usize, length: Duration) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = Instant::now();
        let local = LocalSet::new();
        let answered: usize = local.block_on(&runtime, async {
            let clients: Vec<_> = (0..clients).map(|_| tokio::task::spawn_local(Rc::clone(self).client(begun + length))).collect();
            let mut sum = 0;
            for client in clients {
                sum += client.await.unwrap();
            }
            sum
        });
        answered as f64 / begun.elapsed().as_secs_f64()
    }

    async fn client(self: Rc<Self>, end: Instant) -> usize {
        let mut connection = Connection::open(self.port).await;
        let mut answered = 0;
        while Instant::now() < end {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.requests.len();
            connection.exchange(&self.requests[at]).await;
            answered += 1;
        }
        answered
    }
}

/// The body of one answer.
pub fn one(port: u16, request: &[u8]) -> Vec<u8> {
    many(port, std::slice::from_ref(&request.to_vec())).pop().unwrap().0
}

/// Sends requests one after another; answers each body and how long it took.
pub fn many(port: u16, requests: &[Vec<u8>]) -> Vec<(Vec<u8>, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let mut answers = Vec::new();
        for request in requests {
            let begun = Instant::now();
            let body = connection.exchange(request).await;
            answers.push((connection.buffer[body].to_vec(), begun.elapsed()));
        }
        answers
    })
}

/// Sends requests in turn, each once the one before is answered; answers how long each took, shortest first.
pub fn latencies(port: u16, requests: &[Vec<u8>], length: Duration) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut times = runtime.block_on(async {
        let (mut connection, mut times, end) = (Connection::open(port).await, Vec::new(), Instant::now() + length);
        for request in requests.iter().cycle() {
            let begun = Instant::now();
            connection.exchange(request).await;
            times.push(begun.elapsed());
            if Instant::now() >= end {
                break;
            }
        }
        times
    });
    times.sort_unstable();
    times
}

/// The status of one answer.
pub fn status(port: u16, request: &[u8]) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a request and reads its answer, which must be a 2xx; answers where in the buffer its body stands.
    async fn exchange(&mut self, request: &[u8]) -> std::ops::Range<usize> {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let mut whole = None;
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the connection");
            if whole.is_none()
                && let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n")
            {
                assert!(self.buffer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&self.buffer));
                whole = Some((end + 4, end + 4 + content_length(&self.buffer[..end])));
            }
            if let Some((body, end)) = whole
                && self.buffer.len() >= end
            {
                return body..end;
            }
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let at = memchr::memmem::find(head, b"ontent-").filter(|at| head[at + 7..].starts_with(b"length: ") || head[at + 7..].starts_with(b"Length: "));
    let at = at.or_else(|| memchr::memmem::find(head, b"content-length: ").map(|at| at + 1)).expect("every answer has a length") + 15;
    head[at..].iter().take_while(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0'))
}
