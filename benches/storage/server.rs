//! The server under test in a process of its own, and a client of it that does nothing but send and count.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub struct Running {
    child: Child,
    port: u16,
    key: String,
    publishable: String,
}

/// Who asks.
pub enum Caller {
    Secret,
    /// With this access token.
    User(String),
    Guest,
}

thread_local! {
    /// The kept connection of a thread.
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

struct Kept {
    stream: TcpStream,
    since: Instant,
}

impl Kept {
    /// The server closes what is idle for some seconds.
    fn is_fresh(&self) -> bool {
        self.since.elapsed() < Duration::from_secs(2)
    }
}

/// An answer whose body was read.
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Running {
    /// A server on a new data directory.
    pub fn start(folder: &Path) -> Self {
        let ready = folder.join("ready.json");
        let child = Command::new(env!("CARGO_BIN_EXE_bkend-local"))
            .arg("--data-dir")
            .arg(folder.join(".bkend"))
            .args(["serve", "--port", "0", "--no-log-requests", "--log-level", "error", "--ready-file"])
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let text = loop {
            if let Ok(text) = std::fs::read_to_string(&ready) {
                break text;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the server did not become ready");
            std::thread::sleep(Duration::from_millis(10));
        };
        let told: Value = serde_json::from_str(&text).unwrap();
        let port = told["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let key = |name: &str| told[name].as_str().unwrap().to_owned();
        Self { child, port, key: key("secretKey"), publishable: key("publishableKey") }
    }

    /// Memory that the process occupies.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024)
    }

    /// What `act` answers, and the most memory occupied meanwhile.
    pub fn peak_during<T>(&self, act: impl FnOnce() -> T) -> (usize, T) {
        let (stop, most) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    most.fetch_max(self.resident_bytes(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            let answer = act();
            stop.store(true, Ordering::Relaxed);
            (most.load(Ordering::Relaxed), answer)
        })
    }

    /// Sends JSON with the secret key; the answer must be a 2xx.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        serde_json::from_slice(&self.request(method, path, body.to_string().as_bytes(), "application/json").body).unwrap()
    }

    /// The same with any body.
    pub fn request(&self, method: &str, path: &str, body: &[u8], kind: &str) -> Answer {
        let headers = format!("X-API-Key: {}\r\nContent-Type: {kind}\r\n", self.key);
        self.send(method, path, &headers, body)
    }

    /// Reads what a caller may see.
    pub fn get(&self, path: &str, caller: &Caller) -> Answer {
        let headers = match caller {
            Caller::Secret => format!("X-API-Key: {}\r\n", self.key),
            Caller::User(token) => format!("X-API-Key: {}\r\nAuthorization: Bearer {token}\r\n", self.publishable),
            Caller::Guest => format!("X-API-Key: {}\r\n", self.publishable),
        };
        self.send("GET", path, &headers, b"")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = KEPT.take().filter(|kept| kept.is_fresh()).map_or_else(|| self.connect(), |kept| kept.stream);
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let (head, mut rest) = read_head(&mut stream);
        let length = length_of(&head);
        while rest.len() < length {
            let mut more = vec![0; length - rest.len()];
            let n = stream.read(&mut more).unwrap();
            assert!(n > 0, "the server closed the connection");
            rest.extend_from_slice(&more[..n]);
        }
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {head}{}", String::from_utf8_lossy(&rest));
        KEPT.set(Some(Kept { stream, since: Instant::now() }));
        Answer { head, body: rest }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// PUTs `size` bytes, the same piece again and again; answers the entity tag.
    pub fn put(&self, path: &str, piece: &[u8], size: usize) -> String {
        let mut stream = self.connect();
        stream.write_all(format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n").as_bytes()).unwrap();
        for at in (0..size).step_by(piece.len()) {
            stream.write_all(&piece[..piece.len().min(size - at)]).unwrap();
        }
        let (head, _) = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        etag(&head)
    }

    /// Bytes of an object, read and thrown away.
    pub fn download(&self, path: &str) -> usize {
        let mut stream = self.connect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let (head, rest) = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let (mut sum, mut scratch) = (rest.len(), vec![0; 256 * 1024]);
        loop {
            match stream.read(&mut scratch).unwrap() {
                0 => return sum,
                n => sum += n,
            }
        }
    }

    /// One small file, from its URL to its record.
    pub fn store_small(&self, bytes: &[u8]) {
        let begun =
            self.json("POST", "/v1/files/presigned-url", &json!({ "filename": "a.bin", "contentType": "application/octet-stream", "fileSize": bytes.len() }));
        self.request("PUT", &path_of(begun["url"].as_str().unwrap()), bytes, "application/octet-stream");
        let file = json!({ "s3Key": begun["key"], "originalName": "a.bin", "mimeType": "application/octet-stream", "size": bytes.len() });
        self.json("POST", "/v1/files", &file);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Path and query of an absolute URL.
pub fn path_of(url: &str) -> String {
    url[url.find("/storage/").unwrap()..].to_owned()
}

/// The head of an answer, and what came with it.
fn read_head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut bytes, mut scratch) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let n = stream.read(&mut scratch).unwrap();
        assert!(n > 0, "the server closed the connection");
        bytes.extend_from_slice(&scratch[..n]);
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return (String::from_utf8_lossy(&bytes).into_owned(), rest);
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()))
}

fn length_of(head: &str) -> usize {
    header(head, "content-length").map_or(0, |value| value.parse().unwrap())
}

fn etag(head: &str) -> String {
    header(head, "etag").unwrap().trim_matches('"').to_owned()
}
