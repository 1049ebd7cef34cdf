//! The end of a grant: its access tokens stop with the next request, its refresh tokens and codes with it.

use std::sync::Arc;

use super::approval::audit;
use super::scopes::Scopes;
use crate::domain::backend::Backend;
use crate::domain::caller::{Connection, Tenant, Via};
use crate::domain::error::{Error, Result};
use crate::domain::keys::sha256;
use crate::domain::time;
use crate::store::Tx;
use crate::store::control::OauthGrantRow;

impl Backend {
    /// Ends the grant of an access or refresh token (RFC 7009). What is no token of this server changes nothing.
    pub async fn revoke_oauth_token(self: &Arc<Self>, token: &str) -> Result<()> {
        let grant = self.oauth().keys.verify(token, false).map(|claims| claims.grant_id).ok();
        let hash = sha256(token);
        self.control()
            .write::<_, Error, _>(move |tx| {
                let refreshed = tx.reader().oauth_refresh_token(&hash)?.map(|token| token.grant_id);
                let Some(id) = grant.or(refreshed) else { return Ok(()) };
                let Some(grant) = tx.reader().oauth_grant(&id)? else { return Ok(()) };
                end(tx, &grant, "the client revoked it")
            })
            .await
    }
}

/// Ends a grant that has not ended yet, as an act of its client.
pub(super) fn end(tx: &mut Tx<'_>, grant: &OauthGrantRow, reason: &str) -> Result<()> {
    if !tx.revoke_oauth_grant(&grant.id, time::now())? {
        return Ok(());
    }
    let Some(tenant) = tx.reader().tenant(&grant.tenant_id)? else { return Ok(()) };
    let via = Via::Mcp(Arc::new(connection(grant, Scopes::known(&grant.scope))));
    let actor = Tenant { id: tenant.id, name: tenant.name, email: tenant.email, is_server_owner: tenant.is_owner, via };
    audit(tx, &actor, grant, "revoked", Some(reason))
}

/// A grant as callers carry it.
pub(super) fn connection(grant: &OauthGrantRow, scopes: Scopes) -> Connection {
    Connection { id: grant.id.clone(), client: grant.client_name.clone(), organization_id: grant.organization_id.clone(), scopes, allow_prod: grant.allow_prod }
}
