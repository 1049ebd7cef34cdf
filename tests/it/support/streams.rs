//! Event streams as a browser reads them.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;

use super::{Answer, Client};

/// Long enough for any event that will come at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: Option<i64>,
    pub name: String,
    pub data: Value,
}

impl Event {
    /// `create Fern`: the kind, and the name of its record.
    pub fn short(&self) -> String {
        let name = self.data["record"]["name"].as_str().or(self.data["id"].as_str()).or(self.data["table"].as_str());
        format!("{} {}", self.name, name.unwrap_or_default()).trim_end().to_owned()
    }
}

/// An open stream; closes when dropped.
pub struct Events {
    response: reqwest::Response,
    text: String,
    ready: VecDeque<Event>,
    /// Comments seen so far.
    pub comments: usize,
}

impl Client {
    /// Opens a stream, once its first byte is there.
    pub async fn events(&self, path: &str) -> Events {
        self.events_of(Method::GET, path, None).await
    }

    /// The same for a stream that is asked for with a body.
    pub async fn events_of(&self, method: Method, path: &str, body: Option<Value>) -> Events {
        let request = self.request(method, path);
        let request = body.into_iter().fold(request, |request, body| request.header("Content-Type", "application/json").body(body.to_string()));
        let response = request.send().await.unwrap();
        if response.status() != 200 {
            panic!("no stream: {}", Answer::of(response).await.text);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Events { response, text: String::new(), ready: VecDeque::new(), comments: 0 };
        while events.comments == 0 && events.ready.is_empty() {
            assert!(events.read().await, "the stream ended at once");
        }
        events
    }
}

impl Events {
    /// The next event; `None` when the stream ends.
    pub async fn next(&mut self) -> Option<Event> {
        let next = async {
            while self.ready.is_empty() {
                if !self.read().await {
                    return None;
                }
            }
            self.ready.pop_front()
        };
        tokio::time::timeout(PATIENCE, next).await.expect("an event should have come")
    }

    /// The next event, in short.
    pub async fn short(&mut self) -> String {
        self.next().await.map_or_else(|| "end".to_owned(), |event| event.short())
    }

    /// The next events, in short.
    pub async fn take(&mut self, count: usize) -> Vec<String> {
        let mut out = Vec::new();
        for _ in 0..count {
            out.push(self.short().await);
        }
        out
    }

    async fn read(&mut self) -> bool {
        let Ok(Some(chunk)) = self.response.chunk().await else { return false };
        self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            self.block(block.trim_end());
        }
        true
    }

    fn block(&mut self, block: &str) {
        if block.starts_with(':') {
            self.comments += 1;
            return;
        }
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let data: String = block.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        self.ready.push_back(Event {
            id: field("id:").map(|id| id.parse().unwrap()),
            name: field("event:").unwrap_or("message").to_owned(),
            data: serde_json::from_str(&data).unwrap(),
        });
    }
}

/// The chunks of an answer, until the test stops taking them.
pub async fn first_bytes(client: &Client, path: &str, wanted: usize) -> usize {
    let response = client.request(Method::GET, path).send().await.unwrap();
    let (mut stream, mut bytes) = (response.bytes_stream(), 0);
    while bytes < wanted {
        bytes += stream.next().await.unwrap().unwrap().len();
    }
    bytes
}
