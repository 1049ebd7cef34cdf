//! Projects.

use serde_json::{Value, json};

use super::answer::{deleted, list as as_list, without_null_members};
use super::call::Call;
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::projects::{NewProject, ProjectPatch, ProjectView};
use crate::domain::tenancy::version::Expected;

/// The shape `Project`.
fn view(project: &ProjectView) -> Value {
    let environments: Vec<Value> =
        project.environments.iter().map(|e| json!({ "id": e.id, "environment": e.environment, "environmentType": e.environment_type })).collect();
    without_null_members(json!({
        "id": project.id,
        "organizationId": project.organization_id,
        "name": project.name,
        "slug": project.slug,
        "description": project.description,
        "primaryCloud": project.primary_cloud,
        "primaryRegion": project.primary_region,
        "status": project.status,
        "settings": settings(project),
        "environmentCount": project.environment_count,
        "environments": environments,
        "publishableKey": project.publishable_key,
        "createdAt": project.created_at,
        "updatedAt": project.updated_at,
    }))
}

fn settings(project: &ProjectView) -> Value {
    serde_json::to_value(project.settings).map(without_null_members).unwrap_or_default()
}

/// The projects the connection sees: all, or the one it is restricted to.
pub async fn visible(call: &Call<'_>) -> Result<Vec<ProjectView>> {
    let mut projects = call.backend().projects(call.tenant(), call.organization()).await?;
    if let Some(only) = call.some_project().await? {
        projects.retain(|project| project.id == only.id);
    }
    Ok(projects)
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    Ok(as_list(visible(call).await?.iter().map(view).collect(), call.page()?))
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    let project = call.project().await?;
    Ok(view(&call.backend().project_view(call.tenant(), &project.id).await?.value))
}

pub async fn create(call: &Call<'_>) -> Result<Value> {
    if let Some(pin) = call.some_project().await? {
        return Err(super::call::outside(&format!("project {}", pin.slug)));
    }
    let new = NewProject {
        name: call.input.needed("name")?.to_owned(),
        slug: call.input.owned("slug"),
        description: call.input.owned("description"),
        primary_cloud: call.input.owned("primaryCloud"),
        primary_region: call.input.owned("primaryRegion"),
    };
    Ok(view(&call.backend().create_project(call.tenant(), call.organization(), new).await?.value))
}

pub async fn update(call: &Call<'_>) -> Result<Value> {
    let project = call.project().await?;
    let changes = call.input.part(&["name", "slug", "description", "settings"]);
    if changes.is_empty() {
        return Err(Error::invalid_parameter("body", "The call changes nothing: give name, slug, description or settings"));
    }
    let patch: ProjectPatch = serde_json::from_value(Value::Object(changes)).map_err(Error::internal)?;
    Ok(view(&call.backend().update_project(call.tenant(), &project.id, patch, &Expected::Any).await?.value))
}

pub async fn delete(call: &Call<'_>) -> Result<Value> {
    let project = call.project().await?;
    let view = call.backend().project_view(call.tenant(), &project.id).await?.value;
    for environment in &view.environments {
        call.unprotected(&environment.environment, &environment.environment_type)?;
    }
    call.backend().delete_project(call.tenant(), &project.id, Some(&project.name)).await?;
    Ok(deleted(&project.id, None))
}
