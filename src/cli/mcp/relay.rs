//! The relay: each line of stdin is one message, sent on as it is; each answer is one line of stdout. Requests run side by
//! side, but for `initialize`. A session that is lost is opened again by itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::BufRead as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, abortable};
use futures_util::stream::FuturesUnordered;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify, mpsc};

use super::events::Events;
use super::upstream::{Target, Upstream};
use super::wire;
use crate::cli::exit::Result;
use crate::cli::output::write_stdout;

/// Longer than any call takes (`01-mcp.md` §2).
const ANSWER: Duration = Duration::from_secs(120);
/// Streams end when they end.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// How long a server may be away before a message is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
const INTERNAL: i32 = -32603;
const PARSE_ERROR: i32 = -32700;
/// Messages sent on at once.
const AT_ONCE: usize = 32;
const LISTEN: &str = "subscriptions/listen";
const ACCEPT: &str = "application/json, text/event-stream";

/// A line of stdin, and what it says.
struct Message {
    line: Bytes,
    value: Value,
}

/// A session as the server knows it.
struct Session {
    id: String,
    version: String,
}

struct Relay<'a> {
    upstream: &'a Upstream<'a>,
    session: RefCell<Option<Rc<Session>>>,
    /// What the client opened its session with.
    hello: RefCell<Option<Bytes>>,
    /// Held while a session is opened.
    opening: Mutex<()>,
    opened: Notify,
    /// Nothing is read while the client initializes.
    initializing: Cell<bool>,
    /// The streams the client listens to, by the id of the request as text.
    streams: RefCell<HashMap<String, AbortHandle>>,
}

/// Relays until stdin ends and everything is answered.
///
/// # Errors
/// When no server can be reached or started at the beginning.
pub async fn until_end(upstream: &Upstream<'_>) -> Result<()> {
    upstream.target().await?;
    let relay = Relay {
        upstream,
        session: RefCell::default(),
        hello: RefCell::default(),
        opening: Mutex::default(),
        opened: Notify::new(),
        initializing: Cell::default(),
        streams: RefCell::default(),
    };
    tokio::select! {
        () = relay.serve(read_lines()) => {}
        () = relay.listen() => {}
    }
    relay.end().await;
    Ok(())
}

/// The lines of stdin. A thread of its own reads them, which the process does not wait for when it ends.
fn read_lines() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match stdin.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let line = line.trim_ascii();
            if !line.is_empty() && sender.blocking_send(Bytes::copy_from_slice(line)).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Relay<'_> {
    async fn serve(&self, mut lines: mpsc::Receiver<Bytes>) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                line = lines.recv(), if running.len() < AT_ONCE && !self.initializing.get() => match line {
                    Some(line) => running.extend(self.read(line).map(|message| self.pass(message))),
                    None => break,
                },
                Some(()) = running.next(), if !running.is_empty() => {}
            }
        }
        for (_, stream) in self.streams.borrow_mut().drain() {
            stream.abort();
        }
        while running.next().await.is_some() {}
    }

    /// A line as a message; what is none is answered here.
    fn read(&self, line: Bytes) -> Option<Message> {
        let value: Value = match serde_json::from_slice(&line) {
            Ok(value) => value,
            Err(error) => {
                self.write(&wire::error(&Value::Null, PARSE_ERROR, &format!("The line is not valid JSON: {error}")).to_string());
                return None;
            }
        };
        if value["method"] == "notifications/cancelled"
            && let Some(stream) = self.streams.borrow_mut().remove(&value["params"]["requestId"].to_string())
        {
            stream.abort();
            return None;
        }
        self.initializing.set(is_initialize(&value));
        Some(Message { line, value })
    }

    /// Sends a message on and writes what answers it.
    async fn pass(&self, message: Message) {
        if message.value["method"] == LISTEN {
            self.subscribe(&message).await;
        } else {
            match self.exchange(&message).await {
                Ok(response) => self.deliver(&message, response).await,
                Err(why) => self.refuse(&message, &why),
            }
        }
        if is_initialize(&message.value) {
            self.initializing.set(false);
        }
    }

    /// The answer to a message, from whichever server is there.
    async fn exchange(&self, message: &Message) -> Result<Answer, String> {
        let (begun, mut renewed, mut reopened) = (Instant::now(), false, false);
        let initializes = is_initialize(&message.value);
        // A probe belongs to no session even when it lacks what it should carry.
        let stands_alone = wire::version(&message.value).is_some() || message.value["method"] == "server/discover";
        loop {
            let target = self.upstream.target().await.map_err(|failure| failure.message)?;
            let waits = begun.elapsed() < PATIENCE;
            if !initializes && !stands_alone && self.session.borrow().is_none() {
                self.open(&target, None).await?;
            }
            let session = self.session.borrow().clone().filter(|_| !initializes && !stands_alone);
            let timeout = if message.value["method"] == LISTEN { FOREVER } else { ANSWER };
            match self.post(&target, message, session.as_deref()).timeout(timeout).send().await {
                Err(error) if error.is_connect() && waits => self.upstream.lost(&target),
                Err(error) => {
                    self.upstream.lost(&target);
                    return Err(lost(&error));
                }
                // The server stops; it has not done anything.
                Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE && waits => self.upstream.lost(&target),
                // A server started since has a token of its own.
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    self.upstream.lost(&target);
                    continue;
                }
                Ok(response) if response.status() == StatusCode::NOT_FOUND && session.is_some() && !reopened => {
                    reopened = true;
                    self.open(&target, session).await?;
                    continue;
                }
                Ok(response) => {
                    if initializes && response.status().is_success() {
                        *self.hello.borrow_mut() = Some(message.line.clone());
                        return self.take_session(response).await.map(Answer::Whole);
                    }
                    return Answer::of(response).await.map_err(|error| lost(&error));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn post(&self, target: &Target, message: &Message, session: Option<&Session>) -> RequestBuilder {
        let request = target.request(Method::POST).header("Content-Type", "application/json").header("Accept", ACCEPT).body(message.line.clone());
        let request = wire::headers(&message.value).into_iter().fold(request, |request, (name, value)| request.header(name, value));
        match (wire::version(&message.value), session) {
            (Some(version), _) => request.header("MCP-Protocol-Version", version),
            (None, Some(session)) => session.name(request),
            (None, None) => request,
        }
    }

    /// Opens a session as the client did, or as one that never did; nothing when another message has done so already.
    async fn open(&self, target: &Target, stale: Option<Rc<Session>>) -> Result<(), String> {
        let _opening = self.opening.lock().await;
        let known = self.session.borrow().clone();
        if known.as_ref().map(|session| &session.id) != stale.as_ref().map(|session| &session.id) {
            return Ok(());
        }
        let hello = self.hello.borrow().clone().unwrap_or_else(|| Bytes::from(default_hello().to_string()));
        let request = target.request(Method::POST).header("Content-Type", "application/json").header("Accept", ACCEPT).body(hello);
        let response = request.timeout(ANSWER).send().await.map_err(|error| lost(&error))?;
        self.take_session(response).await.map(drop)
    }

    /// Takes over the session that an answer to `initialize` opened.
    async fn take_session(&self, response: Response) -> Result<Bytes, String> {
        let id = response.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.map_err(|error| lost(&error))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let version = value["result"]["protocolVersion"].as_str().unwrap_or("2025-03-26").to_owned();
        let Some(id) = id else { return Err(value["error"]["message"].as_str().unwrap_or("The server opened no session").to_owned()) };
        *self.session.borrow_mut() = Some(Rc::new(Session { id, version }));
        self.opened.notify_one();
        Ok(body)
    }

    /// Writes what a message was answered.
    async fn deliver(&self, message: &Message, answer: Answer) {
        match answer {
            Answer::Whole(body) if body.is_empty() => {}
            Answer::Whole(body) => self.write(&String::from_utf8_lossy(&body)),
            Answer::Refusal(body) => {
                let error = serde_json::from_slice::<Value>(&body).ok().map(|mut body| body["error"].take()).filter(Value::is_object);
                let error =
                    error.unwrap_or_else(|| json!({ "code": INTERNAL, "message": "The server refused the message in a form that is not bkend-local's" }));
                for id in wire::ids(&message.value) {
                    self.write(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
                }
            }
            Answer::Stream(response) => self.forward(response, |_| true).await,
        }
    }

    /// Writes the messages of a stream that pass the filter, until it ends.
    async fn forward(&self, response: Response, wanted: impl Fn(&str) -> bool) {
        let (mut bytes, mut events) = (response.bytes_stream(), Events::default());
        while let Some(Ok(chunk)) = bytes.next().await {
            events.push(&chunk);
            while let Some(data) = events.next() {
                if wanted(&data) {
                    self.write(&data);
                }
            }
        }
    }

    /// `subscriptions/listen`: its stream is opened again when the server comes back, and acknowledged once.
    async fn subscribe(&self, message: &Message) {
        let listening = async {
            let mut acknowledged = false;
            loop {
                match self.exchange(message).await {
                    Ok(Answer::Stream(response)) => {
                        self.forward(response, |data| !(acknowledged && data.contains("notifications/subscriptions/acknowledged"))).await;
                        acknowledged = true;
                    }
                    Ok(refusal) if !acknowledged => return self.deliver(message, refusal).await,
                    Err(why) if !acknowledged => return self.refuse(message, &why),
                    _ => {}
                }
                self.wait_for_server().await;
            }
        };
        let (listening, handle) = abortable(listening);
        if let Some(id) = wire::ids(&message.value).first() {
            self.streams.borrow_mut().insert(id.to_string(), handle);
        }
        let _ = listening.await;
    }

    /// Writes what the server has to say to the session, as long as the relay runs.
    async fn listen(&self) {
        loop {
            let (target, session) = (self.upstream.current(), self.session.borrow().clone());
            let (Some(target), Some(session)) = (target, session) else {
                let _ = tokio::time::timeout(Duration::from_secs(1), self.opened.notified()).await;
                continue;
            };
            let stream = session.name(target.request(Method::GET)).header("Accept", "text/event-stream").timeout(FOREVER).send();
            if let Ok(response) = stream.await
                && response.status() == StatusCode::OK
            {
                tokio::select! {
                    () = self.forward(response, |_| true) => {}
                    () = self.opened.notified() => continue,
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Pauses; a server that is gone is not replaced for the sake of a stream.
    async fn wait_for_server(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.upstream.is_there().await {
                return;
            }
        }
    }

    /// Ends the session, if its server is still there.
    async fn end(&self) {
        let (target, session) = (self.upstream.current(), self.session.borrow_mut().take());
        if let (Some(target), Some(session)) = (target, session) {
            let _ = session.name(target.request(Method::DELETE)).timeout(Duration::from_secs(5)).send().await;
        }
    }

    fn refuse(&self, message: &Message, why: &str) {
        for id in wire::ids(&message.value) {
            self.write(&wire::error(&id, INTERNAL, why).to_string());
        }
    }

    /// One line of stdout. A client that went away ends the relay by closing stdin too.
    fn write(&self, message: &str) {
        let _ = if message.contains('\n') { write_stdout(&message.replace('\n', " ")) } else { write_stdout(message) };
    }
}

impl Session {
    fn name(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("Mcp-Session-Id", &self.id).header("MCP-Protocol-Version", &self.version)
    }
}

/// What a message was answered.
enum Answer {
    /// Nothing, or a message.
    Whole(Bytes),
    /// A message whose id may be unknown to the server.
    Refusal(Bytes),
    Stream(Response),
}

impl Answer {
    async fn of(response: Response) -> reqwest::Result<Self> {
        let is_stream = response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let is_fine = response.status().is_success();
        Ok(match (is_stream, is_fine) {
            (true, _) => Self::Stream(response),
            (false, true) => Self::Whole(response.bytes().await?),
            (false, false) => Self::Refusal(response.bytes().await?),
        })
    }
}

fn is_initialize(message: &Value) -> bool {
    message["method"] == "initialize" && message.get("id").is_some() && wire::version(message).is_none()
}

/// How a client that never initializes is introduced.
fn default_hello() -> Value {
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bkend-local mcp", "version": env!("CARGO_PKG_VERSION") } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn lost(error: &reqwest::Error) -> String {
    format!("The connection to the server was lost ({error}); the call may have been carried out. Look, then repeat it")
}
