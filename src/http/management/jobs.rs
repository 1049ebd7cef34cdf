//! Long work: looking at it, following it, cancelling it.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::Path;

use super::identity::Developer;
use super::parameters::Parameters;
use super::reply;
use crate::domain::error::Result;
use crate::domain::jobs::Job;
use crate::http::sse::{self, Event};
use crate::http::{ApiResult, State, download};

/// 202 with the job; with `wait`, 200 once it has ended in time.
pub async fn answer(state: &State, developer: &Developer, job: Job, parameters: &Parameters) -> ApiResult<HttpResponse> {
    let job = state.wait_for_job(developer, &job.id, parameters.wait()?).await?;
    if job.status.is_final() { reply::ok(&job) } else { reply::accepted(&job) }
}

/// Show a job, for whoever started it and for admins; `wait` waits for its end.
#[utoipa::path(get, path = "/management/v1/jobs/{id}", tag = "management",
    params(("id" = String, Path), ("wait" = Option<u64>, Query, description = "Seconds, up to 30.")), responses((status = 200, body = Job)))]
pub async fn show(state: State, developer: Developer, id: Path<String>, parameters: Parameters) -> ApiResult<HttpResponse> {
    reply::ok(&state.wait_for_job(&developer, &id, parameters.wait()?).await?)
}

/// Fetch what a job made, such as an archive of files; kept for a day.
#[utoipa::path(get, path = "/management/v1/jobs/{id}/artifact", tag = "management", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream")))]
pub async fn artifact(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    let mut artifact = state.job_artifact(&developer, &id).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", artifact.name)))
        .streaming(download::written(move |out| std::io::copy(&mut artifact.file, out).map(drop))))
}

/// Follow a job: events `job` with the whole job as `data`, until it has ended.
#[utoipa::path(get, path = "/management/v1/jobs/{id}/events", tag = "management", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn watch(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    let (now, watching) = state.watch_job(&developer, &id).await?;
    let events = async_stream::stream! {
        let ended = now.status.is_final();
        if let Ok(event) = event(&now) {
            yield event;
        }
        let Some(mut watching) = watching.filter(|_| !ended) else { return };
        loop {
            let job = watching.borrow_and_update().clone();
            if let Ok(event) = event(&job) {
                yield event;
            }
            if job.status.is_final() || watching.changed().await.is_err() {
                return;
            }
        }
    };
    Ok(sse::answer(&state, events))
}

/// Cancel a job before its next step.
#[utoipa::path(post, path = "/management/v1/jobs/{id}/cancel", tag = "management", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = 409)))]
pub async fn cancel(state: State, developer: Developer, id: Path<String>) -> ApiResult<HttpResponse> {
    reply::ok(&state.cancel_job(&developer, &id).await?)
}

fn event(job: &Job) -> Result<Event> {
    let data = serde_json::to_string(job).map_err(crate::domain::error::Error::internal)?;
    Ok(Event { name: Some("job"), data, ..Event::default() })
}
