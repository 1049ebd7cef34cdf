//! API keys and personal access tokens.

use serde_json::{Value, json};

use super::answer::{list as as_list, without_null_members};
use super::call::Call;
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::api_keys::NewKey;
use crate::domain::tenancy::credentials::{Credential, CredentialFilter};
use crate::domain::time;

fn view(credential: &Credential) -> Result<Value> {
    Ok(without_null_members(serde_json::to_value(credential).map_err(Error::internal)?))
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    let environment = call.input.text("environmentId").or_else(|| call.input.text("environment")).or(call.connection.narrowing.environment.as_deref());
    let filter = CredentialFilter { project_id: call.some_project().await?.map(|p| p.id), environment: environment.map(str::to_owned) };
    let all = call.backend().credentials(call.tenant(), call.organization(), filter).await?;
    Ok(as_list(all.iter().map(view).collect::<Result<_>>()?, call.page()?))
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    view(&call.backend().credential(call.tenant(), call.organization(), call.input.needed("accessTokenId")?).await?)
}

pub async fn create_key(call: &Call<'_>) -> Result<Value> {
    let environment = call.environment_ref().await?;
    call.unprotected(&environment.name, &environment.kind)?;
    let kind = call.input.owned("type");
    let label = || format!("{} {}", kind.as_deref().unwrap_or("publishable"), time::iso(time::now()));
    let new = NewKey {
        name: call.input.owned("name").unwrap_or_else(label),
        kind: kind.clone(),
        scopes: call.input.texts("scopes"),
        expires_at: call.input.owned("expiresAt"),
        value: None,
    };
    let made = call.backend().create_api_key(call.tenant(), &environment.project_id, &environment.id, new).await?;
    let mut key = serde_json::to_value(&made).map(without_null_members).map_err(Error::internal)?;
    key["projectId"] = json!(environment.project_id);
    key["environmentId"] = json!(environment.id);
    key["environment"] = json!(environment.name);
    key["updatedAt"] = key["createdAt"].clone();
    Ok(key)
}
