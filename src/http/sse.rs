//! Event streams (`text/event-stream`): keep-alive comments, and an end when the server stops.

use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::State;
use super::metrics::OpenStream;

/// Between two comments that keep the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// One event.
#[derive(Debug, Clone, Default)]
pub struct Event {
    pub id: Option<String>,
    pub name: Option<&'static str>,
    /// Usually one line of JSON.
    pub data: String,
}

impl Event {
    fn to_bytes(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 64);
        if let Some(id) = &self.id {
            let _ = writeln!(text, "id: {id}");
        }
        if let Some(name) = self.name {
            let _ = writeln!(text, "event: {name}");
        }
        for line in self.data.split('\n') {
            let _ = writeln!(text, "data: {}", line.trim_end_matches('\r'));
        }
        text.push('\n');
        text.into()
    }
}

/// The answer that sends `events` until they end, the client leaves or the server stops. A comment is sent at once, so
/// that clients see the stream open, and every 15 s.
pub fn answer(state: &State, events: impl Stream<Item = Event> + 'static) -> HttpResponse {
    let (open, mut stopping) = (OpenStream::new(state), state.stopping());
    let body = async_stream::stream! {
        let _open = open;
        let mut events = pin!(events);
        yield Ok(COMMENT);
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        loop {
            let bytes = tokio::select! {
                biased;
                () = stopping.wait() => break,
                event = events.next() => match event {
                    Some(event) => event.to_bytes(),
                    None => break,
                },
                _ = ticks.tick() => COMMENT,
            };
            yield Ok::<_, std::convert::Infallible>(bytes);
        }
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_lines_and_an_empty_line() {
        let event = Event { id: Some("7".into()), name: Some("request"), data: "{\"a\":1}\nx".into() };
        assert_eq!(event.to_bytes(), "id: 7\nevent: request\ndata: {\"a\":1}\ndata: x\n\n");
    }
}
