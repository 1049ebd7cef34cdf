//! The request log of an environment, live and stored, and its metrics.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::error::Result;
use crate::domain::page::List;
use crate::domain::requests::{Filter, Metrics, RequestDetail, RequestEntry, TimeSeries};
use crate::http::sse::{self, Event};
use crate::http::{ApiResult, State};

fn filter(parameters: &Parameters) -> Result<Filter> {
    Filter::parse(|name| parameters.get(name))
}

/// List the requests that apps made, newest first.
///
/// The newest 10,000 of the last 7 days.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/requests", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("method" = Option<String>, Query),
        ("path" = Option<String>, Query, description = "Part of the path."), ("status" = Option<String>, Query, description = "`404`, or `4xx` for a class."),
        ("minMs" = Option<f64>, Query, description = "Slower than this."), ("caller" = Option<String>, Query, description = "`guest`, `user` or `key`."),
        ("keyId" = Option<String>, Query), ("userId" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("sortBy" = Option<String>, Query, description = "`at`, `durationMs`, `status`, `path` or `method`."), ("sortDirection" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<RequestEntry>)))]
pub async fn list(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.request_entries(&developer, &path.0, &path.1, &filter(&parameters)?, parameters.page()?).await?)
}

/// Show a request with headers, bodies and the decision of the permissions.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/requests/{id}", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("id" = String, Path)), responses((status = 200, body = RequestDetail)))]
pub async fn show(state: State, developer: Developer, path: Path<(String, String, String)>) -> ApiResult<HttpResponse> {
    reply::ok(&state.request_entry(&developer, &path.0, &path.1, &path.2).await?)
}

/// Empty the request log; admins only. Metrics stay.
#[utoipa::path(delete, path = "/management/v1/projects/{projectId}/environments/{environment}/requests", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path)), responses((status = 204)))]
pub async fn clear(state: State, developer: Developer, path: Path<(String, String)>) -> ApiResult<HttpResponse> {
    state.clear_requests(&developer, &path.0, &path.1).await?;
    reply::no_content()
}

/// Watch requests as they come.
///
/// Events `request` with the entry as `data`; `Last-Event-ID` resumes within the newest 1,000.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/requests/stream", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("Last-Event-ID" = Option<String>, Header), ("method" = Option<String>, Query),
        ("path" = Option<String>, Query), ("status" = Option<String>, Query), ("minMs" = Option<f64>, Query), ("caller" = Option<String>, Query),
        ("keyId" = Option<String>, Query), ("userId" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn stream(request: HttpRequest, state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let last_id = request.headers().get("last-event-id").and_then(|v| v.to_str().ok());
    let (missed, mut live) = state.watch_requests(&developer, &path.0, &path.1, filter(&parameters)?, last_id).await?;
    let events = async_stream::stream! {
        for entry in missed {
            yield event(&entry);
        }
        while let Some(entry) = live.next().await {
            yield event(&entry);
        }
    };
    Ok(sse::answer(&state, events))
}

fn event(entry: &RequestEntry) -> Event {
    let data = serde_json::to_string(entry).expect("an entry holds nothing JSON has no form for");
    Event { id: Some(entry.id.clone()), name: Some("request"), data }
}

/// What an environment did and held over time.
#[utoipa::path(get, path = "/management/v1/projects/{projectId}/environments/{environment}/metrics", tag = "management",
    params(("projectId" = String, Path), ("environment" = String, Path), ("from" = Option<String>, Query, description = "An hour before `to` when absent."),
        ("to" = Option<String>, Query, description = "Now when absent."), ("step" = Option<String>, Query, description = "`1m`, `5m`, `1h` or `1d`."),
        ("series" = Option<String>, Query, description = "`requests`, `errors`, `errors4xx`, `errors5xx`, `latencyP50`, `latencyP95` (milliseconds), `rows`, \
            `storageBytes`, `users`, with commas between; all when absent.")),
    responses((status = 200, body = Metrics)))]
pub async fn metrics(state: State, developer: Developer, path: Path<(String, String)>, parameters: Parameters) -> ApiResult<HttpResponse> {
    let wanted = TimeSeries::parse(parameters.get("from"), parameters.get("to"), parameters.get("step"), parameters.get("series"))?;
    reply::ok(&state.environment_metrics(&developer, &path.0, &path.1, wanted).await?)
}
