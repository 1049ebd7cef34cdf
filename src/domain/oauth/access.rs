//! Whom a bearer token on `/mcp` stands for, in which organization, and how far it reaches (`01-mcp.md` §3.5).

use std::sync::Arc;

use super::Scopes;
use super::resource::own_audience;
use super::revocation::connection;
use super::tokens::BadToken;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::tenancy::why_refused;

const USE_INSTEAD: &str = "connect the tool with OAuth, or make a token for it with bkend-local token create";

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
    /// The developer behind a bearer token: an OAuth access token, a personal access token, or the operator token.
    /// `organization` is the header `X-Bkend-Organization`, for tokens tied to no organization; `base` the address the
    /// request came to, a name of this server even where a proxy or container maps its port.
    ///
    /// # Errors
    /// 401 `common/authentication-required`, saying what to use; 404 `organization/not-found`.
    pub async fn mcp_access(self: &Arc<Self>, bearer: &str, organization: Option<&str>, base: &str) -> Result<McpAccess> {
        if bearer.bytes().filter(|b| *b == b'.').count() == 2 {
            let tenant = self.tenant_of_access_token(bearer, base).await?;
            return self.mcp_access_of(tenant, None).await;
        }
        let tenant = self.tenant_of_bearer(bearer).await.map_err(|error| for_mcp(error, bearer))?;
        self.mcp_access_of(tenant, organization).await
    }

    /// The developer behind an OAuth access token. Signature, expiry, audience, grant and membership are checked each time.
    async fn tenant_of_access_token(self: &Arc<Self>, token: &str, base: &str) -> Result<Tenant> {
        let claims = self.oauth().keys.verify(token, true).map_err(|bad| match bad {
            BadToken::Expired => refused("The access token has expired; refresh it"),
            BadToken::Foreign => {
                refused(format!("This token was not issued by this server for /mcp, and access tokens of an app's users are for /v1; {USE_INSTEAD}"))
            }
        })?;
        if own_audience(self.options(), base, &claims.aud).is_none() {
            return Err(refused(format!("The access token is for another server; {USE_INSTEAD}")));
        }
        let id = claims.grant_id.clone();
        let found = self
            .control()
            .read::<_, Error, _>(move |r| {
                let Some(grant) = r.oauth_grant(&id)?.filter(|grant| grant.revoked_at.is_none()) else { return Ok(None) };
                let tenant = r.tenant(&grant.tenant_id)?;
                let role = r.role_of(&grant.organization_id, &grant.tenant_id)?;
                Ok(Some((grant, tenant.filter(|_| role.is_some()))))
            })
            .await?;
        let (grant, tenant) = found.ok_or_else(|| refused("This connection was revoked; connect the tool again"))?;
        let tenant = tenant.ok_or_else(|| refused("Whoever approved this connection is no longer a member of its organization; connect the tool again"))?;
        let via = Via::Mcp(Arc::new(connection(&grant, Scopes::known(&claims.scope))));
        Ok(Tenant { id: tenant.id, name: tenant.name, email: tenant.email, is_server_owner: tenant.is_owner, via })
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

fn refused(why: impl Into<String>) -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, why)
}

/// The refusal of something that is no token for `/mcp`, with what makes one.
fn for_mcp(error: Error, bearer: &str) -> Error {
    if error.code() == Code::AUTHENTICATION_REQUIRED && !bearer.starts_with("pat_") {
        return refused(format!("{}; {USE_INSTEAD}", why_refused(bearer)));
    }
    error
}
