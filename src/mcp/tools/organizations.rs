//! The organization a connection works in.

use serde_json::{Value, json};

use super::answer::list as as_list;
use super::call::Call;
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::organizations::Organization;

fn view(organization: &Organization) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "plan": organization.plan,
        "status": organization.status,
        "role": organization.role,
        "createdAt": organization.created_at,
        "updatedAt": organization.updated_at,
    })
}

async fn own(call: &Call<'_>) -> Result<Value> {
    let organization = call.backend().organization(call.tenant(), call.organization()).await?;
    Ok(view(&organization))
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    Ok(as_list(vec![own(call).await?], call.page()?))
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    let mut organization = own(call).await?;
    // Whoever does billing sees the organization and nothing below it.
    match call.backend().branches(call.tenant(), call.organization()).await {
        Ok(branches) => organization["projectCount"] = json!(branches.len()),
        Err(error) if error.code().status == 403 => {}
        Err(error) => return Err::<Value, Error>(error),
    }
    Ok(organization)
}
