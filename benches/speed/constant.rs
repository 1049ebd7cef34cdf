//! The raw limit of HTTP: an actix-web handler that returns the same bytes every time, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;

pub const FLAG: &str = "--constant";

/// A running handler; ends when dropped.
pub struct Handler {
    child: Child,
    pub port: u16,
    _body: tempfile::NamedTempFile,
}

impl Handler {
    pub fn start(body: &[u8]) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), body).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap()).arg(FLAG).arg(file.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap(), _body: file }
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Serves the bytes of a file until killed; prints its port.
pub fn serve(file: &str) {
    let body = Bytes::from(std::fs::read(file).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let run = async move {
        let answer = move || {
            let body = body.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(body) }
        };
        HttpServer::new(move || App::new().default_service(web::to(answer.clone()))).listen(listener).unwrap().run().await
    };
    actix_web::rt::System::new().block_on(run).unwrap();
}
