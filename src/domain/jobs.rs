//! Long work that goes on while its caller waits or looks: started once, watched by its id (`06-console.md` B1, "Jobs").

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::backend::Backend;
use super::caller::Tenant;
use super::error::{Code, Error, Result};
use super::id::new_id;
use super::tenancy::guard::{self, Need, Role};
use super::time::{self, Millis};
use crate::store::control::{JobRow, ProjectRow};

/// The longest a call waits for a job, in seconds.
pub const MAX_WAIT: u64 = 30;
/// Finished jobs can be looked up this long.
const KEPT: Millis = 7 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(name: &str) -> Self {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Cancelled].into_iter().find(|s| s.name() == name).unwrap_or(Self::Failed)
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A file that a job made.
pub struct Artifact {
    pub name: String,
    pub file: File,
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct Progress {
    pub done: u64,
    /// 0 when it is not known.
    pub total: u64,
    /// What is counted: `steps`, `rows`, `bytes`.
    pub unit: String,
    pub stage: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: String,
    /// `snapshot`, `restore`, `reset` or `clone`.
    pub kind: String,
    pub status: JobStatus,
    pub progress: Progress,
    /// What the work answered.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// `{ code, message, details? }`.
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
    pub created_at: String,
    pub finished_at: Option<String>,
}

/// Jobs of this process that have not ended.
#[derive(Default)]
pub struct Jobs(Mutex<HashMap<String, Running>>);

#[derive(Clone)]
struct Running {
    job: watch::Sender<Job>,
    cancelled: Arc<AtomicBool>,
}

/// A job, for the work that it is.
#[derive(Clone)]
pub struct Task(Running);

impl Task {
    /// Of the job.
    pub fn id(&self) -> String {
        self.0.job.borrow().id.clone()
    }

    /// Tells which step of how many begins.
    ///
    /// # Errors
    /// When the job was cancelled: the work stops before the step.
    pub fn step(&self, done: u64, total: u64, stage: &str) -> Result<()> {
        let progress = Progress { done, total, unit: "steps".to_owned(), stage: stage.to_owned() };
        self.0.job.send_modify(|job| job.progress = progress);
        if self.0.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Code::UNAVAILABLE, "The job was cancelled before anything was changed"));
        }
        Ok(())
    }
}

impl Backend {
    /// Starts work in a project; it goes on when its caller leaves.
    ///
    /// # Errors
    /// Failures of the store. What goes wrong in the work is the job's `error`.
    pub async fn start_job<W, F>(self: &Arc<Self>, tenant: &Tenant, project: &ProjectRow, kind: &'static str, work: W) -> Result<Job>
    where
        W: FnOnce(Task) -> F + Send + 'static,
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        let now = time::now();
        let row = JobRow {
            id: new_id(),
            kind: kind.to_owned(),
            status: JobStatus::Running.name().to_owned(),
            progress: json!(Progress::default()).to_string(),
            result: None,
            error: None,
            organization_id: project.organization_id.clone(),
            project_id: project.id.clone(),
            tenant_id: tenant.id.clone(),
            created_at: now,
            finished_at: None,
        };
        let job = view(row.clone())?;
        self.control().write::<_, Error, _>(move |tx| Ok(tx.insert_job(&row)?)).await?;
        let running = Running { job: watch::Sender::new(job.clone()), cancelled: Arc::default() };
        self.jobs().0.lock().insert(job.id.clone(), running.clone());
        let (this, id) = (Arc::clone(self), job.id.clone());
        tokio::spawn(async move {
            // A panic of the work ends the job, not the server.
            let outcome = tokio::spawn(work(Task(running.clone()))).await.unwrap_or_else(|error| Err(Error::internal(error)));
            this.finish_job(&id, &running, outcome).await;
        });
        Ok(job)
    }

    async fn finish_job(self: &Arc<Self>, id: &str, running: &Running, outcome: Result<Value>) {
        let cancelled = running.cancelled.load(Ordering::Relaxed);
        let (status, result, error) = match outcome {
            Ok(result) => (JobStatus::Succeeded, Some(result), None),
            Err(_) if cancelled => (JobStatus::Cancelled, None, None),
            Err(error) => (JobStatus::Failed, None, Some(told(&error))),
        };
        let now = time::now();
        let finished = Job { status, result, error, finished_at: Some(time::iso(now)), ..running.job.borrow().clone() };
        let (id, stored) = (id.to_owned(), finished.clone());
        let row_id = id.clone();
        let written = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
                let (result, error) = (text(&stored.result), text(&stored.error));
                Ok(tx.finish_job(&row_id, stored.status.name(), &json!(stored.progress).to_string(), result.as_deref(), error.as_deref(), now)?)
            })
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "how a job ended could not be stored");
        }
        running.job.send_replace(finished);
        self.jobs().0.lock().remove(&id);
    }

    /// A job, for whoever started it and for admins.
    ///
    /// # Errors
    /// 404 `job/not-found`, for strangers too.
    pub async fn job(self: &Arc<Self>, tenant: &Tenant, id: &str) -> Result<Job> {
        let row = self.job_row(tenant, id, false).await?;
        match self.running(id) {
            Some(running) => Ok(running.job.borrow().clone()),
            None => view(self.finished_row(row).await?),
        }
    }

    /// The job once it has ended, or as it is after `wait` (at most [`MAX_WAIT`] seconds).
    ///
    /// # Errors
    /// As [`Backend::job`].
    pub async fn wait_for_job(self: &Arc<Self>, tenant: &Tenant, id: &str, wait: Duration) -> Result<Job> {
        if let Some(running) = self.running(id) {
            let mut seen = running.job.subscribe();
            // Running out of time is an answer like any other.
            let _ = tokio::time::timeout(wait, seen.wait_for(|job| job.status.is_final())).await;
        }
        self.job(tenant, id).await
    }

    /// Follows a job: every change until it has ended.
    ///
    /// # Errors
    /// As [`Backend::job`].
    pub async fn watch_job(self: &Arc<Self>, tenant: &Tenant, id: &str) -> Result<(Job, Option<watch::Receiver<Job>>)> {
        let watching = self.running(id).map(|running| running.job.subscribe());
        Ok((self.job(tenant, id).await?, watching))
    }

    /// What a job made, as bytes: an archive, kept for a day.
    ///
    /// # Errors
    /// As [`Backend::job`]; 404 also when it made none, or that is gone.
    pub async fn job_artifact(self: &Arc<Self>, tenant: &Tenant, id: &str) -> Result<Artifact> {
        let job = self.job(tenant, id).await?;
        let name = job.result.as_ref().and_then(|result| result["filename"].as_str()).unwrap_or("artifact").to_owned();
        let path = self.directory().artifact(&job.id);
        let opened = tokio::task::spawn_blocking(move || File::open(path)).await.map_err(Error::internal)?;
        let file = opened.map_err(|_| Error::new(Code::JOB_NOT_FOUND, "The job has no artifact: it made none, has not ended, or ended more than a day ago"))?;
        Ok(Artifact { name, file })
    }

    /// Asks a job to stop at its next step.
    ///
    /// # Errors
    /// As [`Backend::job`]; 409 `job/finished`.
    pub async fn cancel_job(self: &Arc<Self>, tenant: &Tenant, id: &str) -> Result<Job> {
        self.job_row(tenant, id, true).await?;
        let running = self.running(id).ok_or_else(|| Error::new(Code::JOB_FINISHED, "The job has ended already; there is nothing to cancel"))?;
        running.cancelled.store(true, Ordering::Relaxed);
        let job = running.job.borrow().clone();
        Ok(job)
    }

    /// Ends what an earlier start of the server left running.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn end_stale_jobs(self: &Arc<Self>) -> Result<()> {
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.directory().remove_artifacts()).await.map_err(Error::internal)?;
        let now = time::now();
        let error = json!({ "code": Code::UNAVAILABLE.name, "message": "The server stopped while the job was running; start it again" }).to_string();
        self.control().write::<_, Error, _>(move |tx| Ok(tx.end_stale_jobs(&error, now, now - KEPT)?)).await
    }

    async fn job_row(self: &Arc<Self>, tenant: &Tenant, id: &str, change: bool) -> Result<JobRow> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        let find = move |r: &crate::store::Reader<'_>| {
            let row = r.job(&id)?.ok_or_else(not_found)?;
            let need = if change { Need::write(Role::Billing) } else { Need::read(Role::Billing) };
            // The project may be gone by now; the organization decides then.
            let role = match guard::project(r, &tenant, &row.project_id, need) {
                Ok(access) => access.role,
                Err(error) if error.code().status == 404 => guard::organization(r, &tenant, &row.organization_id, need).map_err(hidden)?.role,
                Err(error) => return Err(error),
            };
            if row.tenant_id == tenant.id || role >= Role::Admin { Ok(row) } else { Err(not_found()) }
        };
        self.control().read::<_, Error, _>(find).await
    }

    /// The row once it is final: the job may have ended between two looks.
    async fn finished_row(self: &Arc<Self>, row: JobRow) -> Result<JobRow> {
        if JobStatus::parse(&row.status).is_final() {
            return Ok(row);
        }
        let id = row.id.clone();
        Ok(self.control().read::<_, Error, _>(move |r| Ok(r.job(&id)?)).await?.unwrap_or(row))
    }

    fn running(&self, id: &str) -> Option<Running> {
        self.jobs().0.lock().get(id).cloned()
    }
}

fn view(row: JobRow) -> Result<Job> {
    let read = |text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal);
    Ok(Job {
        status: JobStatus::parse(&row.status),
        progress: serde_json::from_str(&row.progress).map_err(Error::internal)?,
        result: read(row.result)?,
        error: read(row.error)?,
        id: row.id,
        kind: row.kind,
        created_at: time::iso(row.created_at),
        finished_at: row.finished_at.map(time::iso),
    })
}

/// An error as a job tells it.
fn told(error: &Error) -> Value {
    if error.code().status >= 500 {
        tracing::error!(code = error.code().name, cause = error.cause().unwrap_or("-"), "a job failed: {}", error.message());
    }
    let mut told = json!({ "code": error.code().name, "message": error.message() });
    if !error.detail_list().is_empty() {
        told["details"] = json!(error.detail_list());
    }
    told
}

fn hidden(error: Error) -> Error {
    if error.code().status == 404 { not_found() } else { error }
}

fn not_found() -> Error {
    Error::new(Code::JOB_NOT_FOUND, "No such job, or it was started by somebody else")
}
