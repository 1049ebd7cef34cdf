//! Keys of an organization's environments and the caller's own personal access tokens in one list, without their values.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::api_keys::needed;
use super::guard::{self, Need, Role};
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::keys::KeyKind;
use crate::domain::time;
use crate::store::Reader;
use crate::store::control::{AccessTokenRow, EnvironmentRow, KeyRow};

/// Something that proves who calls, as far as it may be shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    pub id: String,
    pub name: String,
    /// `publishable`, `secret`, or `management` for a personal access token.
    #[serde(rename = "type")]
    pub kind: String,
    pub masked_key: String,
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    /// Id of the environment a key belongs to.
    pub environment_id: Option<String>,
    /// Its name.
    pub environment: Option<String>,
    pub scopes: Vec<String>,
    /// `active`, `revoked` or `expired`.
    pub status: &'static str,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub created_by: Value,
    pub created_at: String,
    pub updated_at: String,
    pub revoked_at: Option<String>,
}

/// Which credentials are wanted.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    pub project_id: Option<String>,
    /// Name or id.
    pub environment: Option<String>,
}

impl Backend {
    /// The living keys the caller may see in an organization and the caller's own tokens that reach into it, oldest first.
    ///
    /// # Errors
    /// As [`guard::organization`].
    pub async fn credentials(self: &Arc<Self>, tenant: &Tenant, organization: &str, filter: CredentialFilter) -> Result<Vec<Credential>> {
        let mut all = self.all_credentials(tenant, organization).await?;
        all.retain(|one| {
            let here = |wanted: &String| one.environment.as_ref() == Some(wanted) || one.environment_id.as_ref() == Some(wanted);
            one.status != "revoked"
                && filter.project_id.as_ref().is_none_or(|wanted| one.project_id.as_ref() == Some(wanted))
                && filter.environment.as_ref().is_none_or(here)
        });
        Ok(all)
    }

    /// One of them, revoked ones included.
    ///
    /// # Errors
    /// 404 `access-token/not-found`; as [`guard::organization`].
    pub async fn credential(self: &Arc<Self>, tenant: &Tenant, organization: &str, id: &str) -> Result<Credential> {
        let found = self.all_credentials(tenant, organization).await?.into_iter().find(|one| one.id == id);
        found.ok_or_else(|| Error::new(Code::ACCESS_TOKEN_NOT_FOUND, format!("No API key or personal access token has the id {}", clip(id))))
    }

    async fn all_credentials(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Vec<Credential>> {
        let (tenant, organization) = (tenant.clone(), organization.to_owned());
        self.control().read::<_, Error, _>(move |r| read(r, &tenant, &organization)).await
    }
}

fn read(r: &Reader<'_>, tenant: &Tenant, organization: &str) -> Result<Vec<Credential>> {
    let access = guard::organization(r, tenant, organization, Need::glance(Role::Member))?;
    let mut all = Vec::new();
    for project in r.projects_of(&access.row.id)?.into_iter().filter(|p| guard::may_see_project(tenant, p)) {
        for environment in r.environments_of(&project.id)? {
            let keys = r.keys_of(&environment.id)?.into_iter().filter(|key| access.role >= needed(KeyKind::from_name(&key.kind)));
            all.extend(keys.map(|key| of_key(key, &access.row.id, &environment)).collect::<Result<Vec<_>>>()?);
        }
    }
    // A caller tied to one project hears of nothing outside it.
    let tied = match &tenant.via {
        Via::Token { project_id, .. } => project_id.clone(),
        _ => None,
    };
    let reaches =
        |token: &AccessTokenRow| token.organization_id.as_ref().is_none_or(|own| *own == access.row.id) && (tied.is_none() || token.project_id == tied);
    all.extend(r.access_tokens_of(&tenant.id)?.into_iter().filter(reaches).map(|token| of_token(token, tenant)));
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

fn of_key(row: KeyRow, organization_id: &str, environment: &EnvironmentRow) -> Result<Credential> {
    let created_at = time::iso(row.created_at);
    Ok(Credential {
        status: status(row.revoked_at, row.expires_at),
        updated_at: row.revoked_at.map_or_else(|| created_at.clone(), time::iso),
        id: row.id,
        name: row.name,
        kind: row.kind,
        masked_key: row.mask,
        organization_id: Some(organization_id.to_owned()),
        project_id: Some(environment.project_id.clone()),
        environment_id: Some(environment.id.clone()),
        environment: Some(environment.name.clone()),
        scopes: serde_json::from_str(&row.scopes).map_err(Error::internal)?,
        expires_at: row.expires_at.map(time::iso),
        last_used_at: row.last_used_at.map(time::iso),
        created_by: serde_json::from_str(&row.created_by).map_err(Error::internal)?,
        created_at,
        revoked_at: row.revoked_at.map(time::iso),
    })
}

fn of_token(row: AccessTokenRow, tenant: &Tenant) -> Credential {
    let created_at = time::iso(row.created_at);
    Credential {
        status: status(row.revoked_at, row.expires_at),
        updated_at: row.revoked_at.map_or_else(|| created_at.clone(), time::iso),
        id: row.id,
        name: row.name,
        kind: "management".to_owned(),
        masked_key: row.mask,
        organization_id: row.organization_id,
        project_id: row.project_id,
        environment_id: None,
        environment: None,
        scopes: vec![row.scope],
        expires_at: row.expires_at.map(time::iso),
        last_used_at: row.last_used_at.map(time::iso),
        created_by: json!({ "type": "tenant", "id": tenant.id, "name": tenant.name }),
        created_at,
        revoked_at: row.revoked_at.map(time::iso),
    }
}

fn status(revoked_at: Option<i64>, expires_at: Option<i64>) -> &'static str {
    match expires_at {
        _ if revoked_at.is_some() => "revoked",
        Some(at) if at <= time::now() => "expired",
        _ => "active",
    }
}
