//! Saved states of environments, and putting one back: jobs that a call waits for as long as it may.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{list as as_list, without_null_members};
use super::call::Call;
use super::input::missing_argument;
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::jobs::{Job, JobStatus};
use crate::domain::snapshots::{NewSnapshot, ResetParts, RestoreFrom, Snapshot};
use crate::domain::tenancy::reach::EnvironmentRef;

/// How long a call waits before it answers with the job.
const PATIENCE: Duration = Duration::from_secs(45);

pub async fn snapshot(call: &Call<'_>) -> Result<Value> {
    if let Some(id) = call.input.text("jobId") {
        return finished(call, id, "snapshot", None).await;
    }
    let environment = call.environment_ref().await?;
    if call.input.flag("list") {
        let all = call.backend().snapshots(call.tenant(), &environment.project_id, Some(&environment.id)).await?;
        return Ok(as_list(all.iter().map(|one| view(one, &environment)).collect::<Result<_>>()?, call.page()?));
    }
    let new = NewSnapshot { name: call.input.owned("name"), include_files: None };
    let job = call.backend().create_snapshot(call.tenant(), &environment.project_id, &environment.id, new).await?;
    finished(call, &job.id, "snapshot", Some(&environment)).await
}

fn view(snapshot: &Snapshot, environment: &EnvironmentRef) -> Result<Value> {
    let mut view = serde_json::to_value(snapshot).map_err(Error::internal)?;
    placed(&mut view, environment);
    Ok(without_null_members(view))
}

fn placed(view: &mut Value, environment: &EnvironmentRef) {
    view["projectId"] = json!(environment.project_id);
    view["environmentId"] = json!(environment.id);
}

pub async fn restore(call: &Call<'_>) -> Result<Value> {
    if let Some(id) = call.input.text("jobId") {
        return finished(call, id, "restore", None).await;
    }
    let source = Source::parse(call.input.text("source").ok_or_else(|| missing_argument("source", "snapshot:{id}, environment:{id or name} or empty"))?)?;
    let environment = call.environment_ref().await?;
    call.unprotected(&environment.name, &environment.kind)?;
    let (backend, tenant, project, id, name) =
        (call.backend(), call.tenant(), environment.project_id.as_str(), environment.id.as_str(), environment.name.as_str());
    let job = match source {
        Source::From(from) => backend.restore_environment(tenant, project, id, from, Some(name), true).await?,
        Source::Empty => backend.reset_environment(tenant, project, id, ResetParts::default(), Some(name), true).await?,
    };
    finished(call, &job.id, "restore", Some(&environment)).await
}

/// What takes the place of an environment's content.
enum Source {
    From(RestoreFrom),
    Empty,
}

impl Source {
    fn parse(text: &str) -> Result<Self> {
        match text.split_once(':').map(|(kind, which)| (kind, which.trim())) {
            None if text == "empty" => Ok(Self::Empty),
            Some(("snapshot", id)) if !id.is_empty() => Ok(Self::From(RestoreFrom::Snapshot(id.to_owned()))),
            Some(("environment", which)) if !which.is_empty() => Ok(Self::From(RestoreFrom::Environment(which.to_owned()))),
            _ => {
                let message = format!("source must be snapshot:{{id}}, environment:{{id or name}} or empty, not \"{}\"", clip(text));
                Err(Error::invalid_parameter("source", message))
            }
        }
    }
}

/// What a job answered, or how far it is when it takes longer.
async fn finished(call: &Call<'_>, id: &str, tool: &str, environment: Option<&EnvironmentRef>) -> Result<Value> {
    let Job { kind, status, progress, result, error, .. } = call.backend().wait_for_job(call.tenant(), id, PATIENCE).await?;
    let expected = if tool == "snapshot" { kind == "snapshot" } else { kind == "restore" || kind == "reset" };
    if !expected {
        return Err(Error::new(Code::JOB_NOT_FOUND, format!("The job {} is a {kind}, which another tool has started", clip(id))));
    }
    if !status.is_final() {
        return Ok(json!({ "jobId": id, "status": "running", "progress": progress }));
    }
    if let Some(error) = error {
        return Err(told(&error));
    }
    if status == JobStatus::Cancelled {
        return Err(Error::unavailable("The job was cancelled before anything was changed"));
    }
    let mut answer = without_null_members(result.unwrap_or_else(|| json!({})));
    if let Some(environment) = environment {
        placed(&mut answer, environment);
    }
    Ok(answer)
}

/// The error of a job as that of the call.
fn told(error: &Value) -> Error {
    let code = Code::ALL.iter().find(|code| error["code"] == code.name).copied().unwrap_or(Code::INTERNAL_ERROR);
    let message = error["message"].as_str().unwrap_or(code.meaning);
    let detail =
        |d: &Value| Detail::new(d["field"].as_str().unwrap_or_default(), d["rule"].as_str().unwrap_or_default(), d["message"].as_str().unwrap_or_default());
    Error::new(code, message).details(error["details"].as_array().map(|list| list.iter().map(detail).collect()).unwrap_or_default())
}
