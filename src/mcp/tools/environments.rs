//! Environments of a project.

use serde_json::{Value, json};

use super::answer::{deleted, list as as_list, without_null_members};
use super::call::Call;
use crate::domain::error::Result;
use crate::domain::tenancy::environments::{EnvironmentView, NewEnvironment};

/// The shape `Environment`.
fn view(environment: &EnvironmentView) -> Value {
    without_null_members(json!({
        "id": environment.id,
        "projectId": environment.project_id,
        "environment": environment.environment,
        "name": environment.environment,
        "environmentType": environment.environment_type,
        "status": environment.status,
        "deployment": { "status": environment.status },
        "tableCount": environment.stats.map_or(0, |stats| stats.tables),
        "publishableKey": environment.publishable_key,
        "alreadyExisted": environment.already_existed.then_some(true),
        "createdAt": environment.created_at,
        "updatedAt": environment.created_at,
    }))
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    let mut views = Vec::new();
    for project in super::projects::visible(call).await? {
        views.extend(call.backend().environments(call.tenant(), &project.id).await?);
    }
    let wanted = call.input.text("environment").or(call.connection.narrowing.environment.as_deref());
    views.retain(|e| wanted.is_none_or(|wanted| e.environment == wanted || e.id == wanted));
    Ok(as_list(views.iter().map(view).collect(), call.page()?))
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    let found = call.environment_ref().await?;
    Ok(view(&call.backend().environment_view(call.tenant(), &found.project_id, &found.id).await?))
}

pub async fn create(call: &Call<'_>) -> Result<Value> {
    let project = call.project().await?;
    let name = call.input.needed("environment")?;
    if let Some(pin) = call.connection.narrowing.environment.as_deref().filter(|pin| *pin != name) {
        return Err(super::call::outside(&format!("environment {pin}")));
    }
    let new = NewEnvironment { environment: name.to_owned(), environment_type: call.input.owned("environmentType"), clone_from: None };
    let made = call.backend().create_environment(call.tenant(), &project.id, new).await?;
    let mut answer = view(&made);
    if made.already_existed {
        answer["tableCount"] = view(&call.backend().environment_view(call.tenant(), &project.id, &made.id).await?)["tableCount"].take();
    }
    Ok(answer)
}

pub async fn delete(call: &Call<'_>) -> Result<Value> {
    let found = call.environment_ref().await?;
    call.unprotected(&found.name, &found.kind)?;
    let snapshot = call.backend().delete_environment(call.tenant(), &found.project_id, &found.id, Some(&found.name), true).await?;
    Ok(deleted(&found.id, snapshot))
}
