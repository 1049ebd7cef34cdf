//! The server under test: the release binary in a process of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::seed::Seeded;

pub struct Running {
    child: Child,
    pub port: u16,
    pub seeded: Seeded,
}

impl Running {
    fn spawn(seeded: &Seeded) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_bkend-local"))
            .arg("--data-dir")
            .arg(&seeded.path)
            .args(["serve", "--port", &port.to_string(), "--no-log-requests", "--no-secrets", "--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port, seeded: seeded.clone() }
    }

    /// A server that answers.
    pub fn start(seeded: &Seeded) -> Self {
        let server = Self::spawn(seeded);
        server.until_200("/healthz");
        server
    }

    /// How long it takes from the start of the process until `path` is answered with 200.
    pub fn start_and_time(seeded: &Seeded, path: &str) -> Duration {
        let begun = Instant::now();
        let server = Self::spawn(seeded);
        server.until_200(path);
        begun.elapsed()
    }

    fn until_200(&self, path: &str) {
        let request = get(path, &self.seeded);
        for _ in 0..30_000 {
            let mut status = [0; 12];
            let asked =
                TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| stream.write_all(&request).and_then(|()| stream.read_exact(&mut status)));
            if asked.is_ok() && status.ends_with(b"200") {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the server did not answer {path}");
    }

    /// Memory that the process occupies, mapped files that it has looked at included.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of a GET with the secret key.
pub fn get(path: &str, seeded: &Seeded) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\n\r\n", seeded.key).into_bytes()
}

/// The bytes of a POST with a JSON body.
pub fn post(path: &str, body: &str, seeded: &Seeded) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        seeded.key,
        body.len()
    )
    .into_bytes()
}
