//! Whom a bearer token on `/mcp` stands for, in which organization, and how far it reaches (`01-mcp.md` §3.5).

use std::sync::Arc;

use super::Scopes;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};

/// A developer on `/mcp`: what a call may do is the scopes here and what the role allows, both read at call time.
#[derive(Debug, Clone)]
pub struct McpAccess {
    pub tenant: Tenant,
    /// The one organization the connection works in.
    pub organization_id: String,
    pub scopes: Scopes,
    /// Whether environments of type `prod` may be changed.
    pub allow_prod: bool,
}

impl Backend {
    /// The developer behind a bearer token: a personal access token, or the operator token. `organization` is
    /// the header `X-Bkend-Organization`, for tokens tied to no organization.
    ///
    /// # Errors
    /// 401 `common/authentication-required`, saying what to use; 404 `organization/not-found`.
    pub async fn mcp_access(self: &Arc<Self>, bearer: &str, organization: Option<&str>) -> Result<McpAccess> {
        let tenant = self.tenant_of_bearer(bearer).await?;
        self.mcp_access_of(tenant, organization).await
    }

    /// What a developer who proved who it is may do over MCP.
    ///
    /// # Errors
    /// 404 `organization/not-found`.
    pub async fn mcp_access_of(self: &Arc<Self>, tenant: Tenant, organization: Option<&str>) -> Result<McpAccess> {
        let (scopes, allow_prod, tied) = match &tenant.via {
            Via::Mcp(connection) => (connection.scopes.clone(), connection.allow_prod, Some(connection.organization_id.clone())),
            Via::Token { write, organization_id, allow_prod, .. } => {
                (if *write { Scopes::everything() } else { Scopes::reading() }, *allow_prod, organization_id.clone())
            }
            Via::Operator => (Scopes::everything(), true, None),
            Via::Session(_) => {
                return Err(Error::new(Code::AUTHENTICATION_REQUIRED, "A console session is not for /mcp; connect the tool, or send a personal access token"));
            }
        };
        let (id, wanted) = (tenant.id.clone(), tied.or_else(|| organization.map(str::to_owned)));
        let mut own = self.control().read::<_, Error, _>(move |r| Ok(r.organizations_of(&id)?)).await?;
        own.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        let found = own.into_iter().map(|(row, _)| row).find(|row| wanted.as_deref().is_none_or(|w| row.id == w || row.slug == w));
        let found = found.ok_or_else(|| Error::new(Code::ORGANIZATION_NOT_FOUND, "No such organization, or you are not a member of it"))?;
        Ok(McpAccess { tenant, organization_id: found.id, scopes, allow_prod })
    }
}
