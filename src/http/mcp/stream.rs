//! Event streams of the endpoint, and the end of a session. A stream ends when its token stops to be good, another takes
//! its place, its session ends, or the server stops.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use parking_lot::Mutex;
use rmcp::model::ProtocolVersion;
use serde_json::Value;
use tokio::sync::oneshot;

use super::post::{SESSION, VERSION, session};
use super::{accepts_stream, answer, caller, header_text, not_allowed};
use crate::domain::oauth::McpAccess;
use crate::domain::tenancy::TreeChanges;
use crate::domain::tenancy::mcp_sessions::McpSession;
use crate::http::State;
use crate::http::sse::{self, Event};
use crate::mcp::protocol::subscription::{self, Subscription};
use crate::mcp::protocol::{Fault, Request, version};

/// The open stream of each session.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<[u8; 32], Open>>>);

/// Its number among those of the session, and what ends it.
type Open = (u64, oneshot::Sender<()>);

/// A stream's place; free again when dropped.
struct Place {
    streams: Streams,
    key: [u8; 32],
    number: u64,
}

impl Streams {
    /// Takes the place of a session's stream; the receiver ends with the place.
    fn take(&self, key: [u8; 32]) -> (Place, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let mut streams = self.0.lock();
        let number = streams.get(&key).map_or(0, |(number, _)| number + 1);
        streams.insert(key, (number, sender));
        (Place { streams: self.clone(), key, number }, receiver)
    }

    fn end(&self, key: &[u8; 32]) {
        self.0.lock().remove(key);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.streams.0.lock();
        if streams.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            streams.remove(&self.key);
        }
    }
}

/// GET: notifications for a session.
pub async fn open(request: HttpRequest, state: State) -> HttpResponse {
    let opened = async {
        let access = caller::access(&request, &state).await?;
        if !accepts_stream(&request) {
            return Err(caller::refuse(&request, &not_allowed(&request, "send Accept: text/event-stream for a stream of notifications, or POST a message")));
        }
        let session = session_of(&request, &state, access.as_ref()).await?;
        let (place, replaced) = state.mcp().streams.take(session.key);
        Ok(sse::answer(&state, notifications(Watch::new(&request, &state, access), Some((place, replaced)), None, subscription::resources_changed())))
    };
    opened.await.unwrap_or_else(|refusal| refusal)
}

/// DELETE: the end of a session.
pub async fn end(request: HttpRequest, state: State) -> HttpResponse {
    let ended = async {
        let access = caller::access(&request, &state).await?;
        let session = session_of(&request, &state, access.as_ref()).await?;
        state.end_mcp_session(&session).await.map_err(|error| caller::refuse(&request, &error))?;
        state.mcp().streams.end(&session.key);
        Ok(HttpResponse::NoContent().finish())
    };
    ended.await.unwrap_or_else(|refusal: HttpResponse| refusal)
}

/// `subscriptions/listen`: the same without a session.
///
/// # Errors
/// A wish that cannot be read.
pub fn listen(request: &HttpRequest, state: &State, access: Option<McpAccess>, listen: &Request) -> Result<HttpResponse, Fault> {
    let subscription = Subscription::of(listen)?;
    let access = access.filter(|_| subscription.resources);
    let events = notifications(Watch::new(request, state, access), None, Some(subscription.acknowledged()), subscription.changed());
    Ok(sse::answer(state, events))
}

async fn session_of(request: &HttpRequest, state: &State, access: Option<&McpAccess>) -> Result<McpSession, HttpResponse> {
    if let Some(header) = header_text(request, VERSION) {
        match version::known(&header) {
            None => return Err(answer::fault(request, &version::unsupported(Value::Null, &header))),
            Some(version) if version == ProtocolVersion::V_2026_07_28 => {
                return Err(caller::refuse(request, &not_allowed(request, "version 2026-07-28 has POST alone")));
            }
            Some(_) => {}
        }
    }
    session(state, access, header_text(request, SESSION.as_str()).as_deref(), request).await
}

/// Hears of changes, as long as the caller may.
struct Watch {
    request: HttpRequest,
    state: State,
    changes: Option<TreeChanges>,
}

impl Watch {
    fn new(request: &HttpRequest, state: &State, access: Option<McpAccess>) -> Self {
        let changes = access.map(|access| state.tree().listen(&access.organization_id));
        Self { request: request.clone(), state: state.clone(), changes }
    }

    /// The next change; false when the token is no longer good.
    async fn next(&mut self) -> bool {
        match &mut self.changes {
            Some(changes) => changes.next().await,
            None => std::future::pending().await,
        }
        caller::access(&self.request, &self.state).await.is_ok()
    }
}

fn notifications(mut watch: Watch, place: Option<(Place, oneshot::Receiver<()>)>, first: Option<Value>, changed: Value) -> impl Stream<Item = Event> + 'static {
    async_stream::stream! {
        if let Some(first) = first {
            yield event(&first);
        }
        let (_place, mut replaced) = place.unzip();
        loop {
            let taken = async {
                match &mut replaced {
                    Some(replaced) => drop(replaced.await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = taken => break,
                good = watch.next() => if good { yield event(&changed) } else { break },
            }
        }
    }
}

fn event(message: &Value) -> Event {
    Event { id: None, name: Some("message"), data: message.to_string() }
}
