//! Live changes as event streams (`02-data.md` §10).

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::access::{credentials, identify};
use super::query::params;
use crate::domain::access::Credentials;
use crate::domain::error::{Code, Error, Result};
use crate::domain::records::live::{Event, Identify, Start, Subscription};
use crate::domain::records::live_table::{Parameters, Wanted};
use crate::domain::records::query::{Params, TablesQuery};
use crate::domain::time;
use crate::http::context::{Context, RequestId};
use crate::http::{ApiResult, State, error, sse};

/// Watch a table.
///
/// Events `create`, `update` and `delete` as this caller sees them; `reset` when the table has to be read anew, `error`
/// when the stream ends. `Last-Event-ID` resumes. Key and token may stand in the query string as `apiKey` and `accessToken`.
#[utoipa::path(get, path = "/v1/data/{table}/changes", tag = "data", params(("table" = String, Path), ("andFilters" = Option<String>, Query),
    ("orFilters" = Option<String>, Query), ("filter" = Option<String>, Query), ("search" = Option<String>, Query), ("select" = Option<String>, Query),
    ("initial" = Option<bool>, Query, description = "First send what matches now as `snapshot` events, then `ready`."),
    ("apiKey" = Option<String>, Query, description = "A publishable key."), ("accessToken" = Option<String>, Query),
    ("Last-Event-ID" = Option<String>, Header)), responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn table_changes(request: HttpRequest, state: State, table: web::Path<String>) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    let wanted = vec![Wanted { table: table.into_inner(), parameters: Parameters::Query(params.clone()) }];
    stream(request, state, &params, |_| Ok((wanted, false))).await
}

/// Watch several tables on one connection.
///
/// As `/v1/data/{table}/changes`, for up to 50 tables; one that the caller may not list gets an `error` event of its own.
#[utoipa::path(get, path = "/v1/changes", tag = "data", params(("tables" = String, Query, description = "Names by comma, up to 50."),
    ("filters" = Option<String>, Query, description = "JSON object: `andFilters` by table."),
    ("initial" = Option<bool>, Query, description = "First send what matches now as `snapshot` events, then `ready`."),
    ("apiKey" = Option<String>, Query, description = "A publishable key."), ("accessToken" = Option<String>, Query),
    ("Last-Event-ID" = Option<String>, Header)), responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn changes(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let params = params(&request)?;
    stream(request, state, &params, |params| {
        let TablesQuery { tables, mut filters, .. } = TablesQuery::parse(params)?;
        let wanted = tables.into_iter().map(|table| Wanted { parameters: Parameters::Filter(filters.shift_remove(&table)), table });
        Ok((wanted.collect(), true))
    })
    .await
}

async fn stream(request: HttpRequest, state: State, params: &Params, read: impl FnOnce(&Params) -> Result<(Vec<Wanted>, bool)>) -> ApiResult<HttpResponse> {
    let owned = Owned::of(&request, params)?;
    let access = identify(&request, &owned.credentials()).await?;
    let (wanted, several) = read(params)?;
    let start = Start { last_event_id: last_event_id(&request, params), initial: flag(params, "initial")? };
    let mut subscription = Subscription::open(access, again(&state, owned), wanted, several, start).await?;
    let id = Context::of(&request).request_id.clone();
    let events = async_stream::stream! {
        while let Some(event) = subscription.next().await {
            yield framed(event, &id);
        }
    };
    Ok(sse::answer(&state, events))
}

/// What the request says of its caller, kept for asking again.
struct Owned {
    api_key: Option<String>,
    bearer: Option<String>,
    project_id: Option<String>,
    environment: Option<String>,
}

impl Owned {
    /// Headers; where they are silent, `apiKey` and `accessToken`.
    fn of(request: &HttpRequest, params: &Params) -> Result<Self> {
        let in_headers = credentials(request)?;
        let in_url = |name| params.get(name).map(str::trim).filter(|value| !value.is_empty());
        if [in_url("apiKey"), in_url("accessToken")].into_iter().flatten().any(|value| value.starts_with("sk_")) {
            return Err(Error::new(
                Code::INVALID_TOKEN_FORMAT,
                "A secret key must not stand in a URL, where logs and histories keep it; send it in X-API-Key, or use the publishable key",
            ));
        }
        let text = |value: Option<&str>| value.map(str::to_owned);
        Ok(Self {
            api_key: text(in_headers.api_key.or(in_url("apiKey"))),
            bearer: text(in_headers.bearer.or(in_url("accessToken"))),
            project_id: text(in_headers.project_id),
            environment: text(in_headers.environment),
        })
    }

    fn credentials(&self) -> Credentials<'_> {
        Credentials {
            api_key: self.api_key.as_deref(),
            bearer: self.bearer.as_deref(),
            project_id: self.project_id.as_deref(),
            environment: self.environment.as_deref(),
        }
    }
}

/// Asks the same credentials again.
fn again(state: &State, owned: Owned) -> Identify {
    let (backend, owned) = (Arc::clone(state.backend()), Arc::new(owned));
    Box::new(move || {
        let (backend, owned) = (Arc::clone(&backend), Arc::clone(&owned));
        Box::pin(async move { backend.access(&owned.credentials(), |_| {}).await })
    })
}

/// The header, or the parameter that replacements of `EventSource` send.
fn last_event_id(request: &HttpRequest, params: &Params) -> Option<String> {
    let header = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    header.or_else(|| params.get("lastEventId").map(str::to_owned))
}

fn flag(params: &Params, name: &str) -> Result<bool> {
    match params.get(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Error::invalid_parameter(name, format!("{name} must be true or false"))),
    }
}

fn framed(event: Event, request_id: &RequestId) -> sse::Event {
    let (seq, name, data) = match event {
        Event::Record { name, seq, table, id, json, at } => (seq, name, record(&table, &id, &json, at)),
        Event::Delete { seq, table, id, at } => (Some(seq), "delete", json!({ "table": table, "id": id, "at": time::iso(at) }).to_string()),
        Event::Reset { seq, table, at } => (Some(seq), "reset", json!({ "table": table, "at": time::iso(at) }).to_string()),
        Event::Ready { seq, at } => (Some(seq), "ready", json!({ "at": time::iso(at) }).to_string()),
        Event::TableError { table, error } => (None, "error", of_table(&table, error::body(&error, request_id)).to_string()),
        Event::Error(error) => (None, "error", error::body(&error, request_id).to_string()),
    };
    sse::Event { id: seq.map(|seq| seq.to_string()), name: Some(name), data }
}

fn of_table(table: &str, mut body: Value) -> Value {
    body["table"] = table.into();
    body
}

fn record(table: &str, id: &str, json: &[u8], at: i64) -> String {
    let (table, id, json) = (Value::from(table), Value::from(id), String::from_utf8_lossy(json));
    format!("{{\"table\":{table},\"id\":{id},\"record\":{json},\"at\":\"{}\"}}", time::iso(at))
}
