//! Personal access tokens: `pat_` and 64 hex characters, kept as hash only (`06-console.md` B1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::guard::{self, Need, Role};
use super::input;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::{new_id, random_hex};
use crate::domain::keys::{mask, sha256};
use crate::domain::time::{self, Millis};
use crate::store::control::AccessTokenRow;
use crate::store::{Reader, StoreError};

const DEFAULT_LIFETIME: Millis = 90 * 24 * 60 * 60 * 1000;
const TOUCH_INTERVAL: Millis = 60_000;

/// What a token may do, besides what its owner's role allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenScope {
    /// Whatever changes nothing.
    Read,
    #[default]
    Write,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAccessToken {
    pub name: String,
    #[serde(default)]
    pub scope: TokenScope,
    /// All else is not there for the token.
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    /// Absent: 90 days; null: never.
    #[serde(default, deserialize_with = "input::present")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
    /// May change environments of type `prod` over MCP.
    #[serde(default)]
    pub allow_prod: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    pub id: String,
    pub name: String,
    pub masked_token: String,
    /// Only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[schema(value_type = TokenScope)]
    pub scope: String,
    pub allow_prod: bool,
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    /// Whose it is; in lists of an organization.
    pub tenant_id: String,
    /// `active`, `revoked` or `expired`.
    pub status: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub created_at: String,
    pub revoked_at: Option<String>,
}

impl AccessToken {
    fn from_row(row: AccessTokenRow) -> Self {
        Self {
            status: status(&row).to_owned(),
            id: row.id,
            name: row.name,
            masked_token: row.mask,
            token: None,
            scope: row.scope,
            allow_prod: row.allow_prod,
            organization_id: row.organization_id,
            project_id: row.project_id,
            tenant_id: row.tenant_id,
            expires_at: row.expires_at.map(time::iso),
            last_used_at: row.last_used_at.map(time::iso),
            created_at: time::iso(row.created_at),
            revoked_at: row.revoked_at.map(time::iso),
        }
    }
}

fn status(row: &AccessTokenRow) -> &'static str {
    match row.expires_at {
        _ if row.revoked_at.is_some() => "revoked",
        Some(at) if at <= time::now() => "expired",
        _ => "active",
    }
}

impl Backend {
    /// The caller's tokens, newest first; revoked ones only with `status` `revoked`.
    ///
    /// # Errors
    /// `management/forbidden` for tokens.
    pub async fn access_tokens(self: &Arc<Self>, tenant: &Tenant, wanted: Option<&str>) -> Result<Vec<AccessToken>> {
        guard::session_or_operator(tenant)?;
        let wanted = wanted.map(|s| input::one_of("status", s, &["active", "expired", "revoked"])).transpose()?;
        let id = tenant.id.clone();
        let rows = self.control().read::<_, Error, _>(move |r| Ok(r.access_tokens_of(&id)?)).await?;
        let shown = |token: &AccessToken| wanted.map_or(token.status != "revoked", |w| token.status == w);
        Ok(rows.into_iter().map(AccessToken::from_row).filter(shown).collect())
    }

    /// # Errors
    /// `management/forbidden` for tokens; 404 for an organization or project the caller does not see;
    /// `common/invalid-parameters`.
    pub async fn create_access_token(self: &Arc<Self>, tenant: &Tenant, new: NewAccessToken) -> Result<AccessToken> {
        guard::session_or_operator(tenant)?;
        let value = format!("pat_{}", random_hex(32));
        let mut row = row_of(tenant, &new, &value)?;
        let tenant = tenant.clone();
        let row = self
            .control()
            .write::<_, Error, _>(move |tx| {
                restrict(&tx.reader(), &tenant, &new, &mut row)?;
                tx.insert_access_token(&row)?;
                guard::audit(tx, &tenant, change(&row, "created"))?;
                Ok(row)
            })
            .await?;
        Ok(AccessToken { token: Some(value), ..AccessToken::from_row(row) })
    }

    /// # Errors
    /// `access-token/not-found`; `management/forbidden` for tokens.
    pub async fn revoke_access_token(self: &Arc<Self>, tenant: &Tenant, token_id: &str) -> Result<()> {
        guard::session_or_operator(tenant)?;
        let (tenant, id) = (tenant.clone(), token_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let row = tx.reader().access_token(&id)?.filter(|t| t.tenant_id == tenant.id && t.revoked_at.is_none()).ok_or_else(not_found)?;
                tx.revoke_access_token(&id, time::now())?;
                guard::audit(tx, &tenant, change(&row, "revoked"))
            })
            .await
    }

    /// The living tokens with which members can act in an organization.
    ///
    /// # Errors
    /// As [`guard::organization`].
    pub async fn organization_tokens(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Vec<AccessToken>> {
        let (tenant, organization) = (tenant.clone(), organization.to_owned());
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &organization, Need::read(Role::Admin))?;
                Ok(r.access_tokens_in(&access.row.id)?)
            })
            .await?;
        Ok(rows.into_iter().map(AccessToken::from_row).collect())
    }

    /// Revokes a member's token.
    ///
    /// # Errors
    /// As [`guard::organization`]; `access-token/not-found`; `member/role-too-high` for an admin and the token of another
    /// admin or an owner; `management/forbidden` for tokens.
    pub async fn revoke_organization_token(self: &Arc<Self>, tenant: &Tenant, organization: &str, token_id: &str) -> Result<()> {
        guard::session_or_operator(tenant)?;
        let (tenant, organization, id) = (tenant.clone(), organization.to_owned(), token_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let access = guard::organization(&r, &tenant, &organization, Need::write(Role::Admin))?;
                let row = r.access_tokens_in(&access.row.id)?.into_iter().find(|t| t.id == id).ok_or_else(not_found)?;
                let owner = r.role_of(&access.row.id, &row.tenant_id)?.and_then(|name| Role::parse(&name)).unwrap_or(Role::Billing);
                if row.tenant_id != tenant.id && owner.is_high() && access.role < Role::Owner {
                    return Err(Error::new(Code::MEMBER_ROLE_TOO_HIGH, "Only owners revoke tokens of admins and owners"));
                }
                tx.revoke_access_token(&id, time::now())?;
                guard::audit(tx, &tenant, Change { organization_id: Some(&access.row.id), ..change(&row, "revoked") })
            })
            .await
    }

    /// The developer behind a personal access token.
    ///
    /// # Errors
    /// 401 `common/authentication-required` when it is unknown, revoked or expired.
    pub(super) async fn tenant_by_token(self: &Arc<Self>, value: &str) -> Result<Tenant> {
        let hash = sha256(value);
        let found = self
            .control()
            .read::<_, Error, _>(move |r| {
                let Some(token) = r.access_token_by_hash(&hash)? else { return Ok(None) };
                Ok(r.tenant(&token.tenant_id)?.map(|tenant| (token, tenant)))
            })
            .await?;
        let (token, tenant) = found.ok_or_else(|| refused("No personal access token of this server has this value"))?;
        match status(&token) {
            "revoked" => return Err(refused("This personal access token was revoked")),
            "expired" => return Err(refused("This personal access token has expired")),
            _ => {}
        }
        self.touch_token(&token);
        let via = Via::Token {
            id: token.id,
            name: token.name,
            write: token.scope == "write",
            organization_id: token.organization_id,
            project_id: token.project_id,
            allow_prod: token.allow_prod,
        };
        Ok(super::sessions::as_tenant(tenant, via))
    }

    fn touch_token(self: &Arc<Self>, token: &AccessTokenRow) {
        let now = time::now();
        if token.last_used_at.is_some_and(|at| now - at < TOUCH_INTERVAL) {
            return;
        }
        let (control, id) = (Arc::clone(self.control()), token.id.clone());
        tokio::spawn(async move {
            if let Err(error) = control.write::<_, StoreError, _>(move |tx| tx.touch_access_token(&id, now)).await {
                tracing::debug!(%error, "could not note the use of a token");
            }
        });
    }
}

fn row_of(tenant: &Tenant, new: &NewAccessToken, value: &str) -> Result<AccessTokenRow> {
    let now = time::now();
    let expires_at = match &new.expires_at {
        None => Some(now + DEFAULT_LIFETIME),
        Some(None) => None,
        Some(Some(text)) => Some(input::future("expiresAt", text)?),
    };
    let scope = if new.scope == TokenScope::Read { "read" } else { "write" };
    Ok(AccessTokenRow {
        id: new_id(),
        tenant_id: tenant.id.clone(),
        name: input::name("name", &new.name)?,
        hash: sha256(value),
        mask: mask(value),
        scope: scope.to_owned(),
        allow_prod: new.allow_prod,
        organization_id: None,
        project_id: None,
        expires_at,
        last_used_at: None,
        created_at: now,
        revoked_at: None,
    })
}

/// Ties a token to what the caller named and sees; a project brings its organization along.
fn restrict(r: &Reader<'_>, tenant: &Tenant, new: &NewAccessToken, row: &mut AccessTokenRow) -> Result<()> {
    if let Some(organization) = &new.organization_id {
        row.organization_id = Some(guard::organization(r, tenant, organization, Need::read(Role::Billing))?.row.id);
    }
    if let Some(project) = &new.project_id {
        let project = guard::project(r, tenant, project, Need::read(Role::Member))?.row;
        if row.organization_id.as_ref().is_some_and(|o| *o != project.organization_id) {
            return Err(Error::invalid_parameter("projectId", "The project belongs to another organization than organizationId names"));
        }
        row.organization_id = Some(project.organization_id);
        row.project_id = Some(project.id);
    }
    Ok(())
}

fn change<'a>(row: &'a AccessTokenRow, action: &'a str) -> Change<'a> {
    let metadata = json!({ "scope": row.scope, "type": "personal" }).as_object().cloned().unwrap_or_default();
    Change {
        organization_id: row.organization_id.as_deref(),
        project_id: row.project_id.as_deref(),
        entity: "access_token",
        action,
        entity_id: &row.id,
        entity_name: &row.name,
        metadata,
        ..Change::default()
    }
}

fn not_found() -> Error {
    Error::new(Code::ACCESS_TOKEN_NOT_FOUND, "No such token, or it is revoked already")
}

fn refused(why: &str) -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, format!("{why}; bkend-local token create makes a new one"))
}
