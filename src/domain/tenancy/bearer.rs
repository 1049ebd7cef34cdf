//! Who a bearer token of the management API or MCP stands for (`06-console.md` B1, `01-mcp.md` §3.5).

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::sessions::as_tenant;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::KeyKind;

const USE_INSTEAD: &str = "send a personal access token (pat_…) from bkend-local token create, or sign in to the console";

impl Backend {
    /// The developer a bearer token stands for: a personal access token, or the operator token.
    ///
    /// # Errors
    /// 401 `common/authentication-required`, saying what to use, for everything else.
    pub async fn tenant_of_bearer(self: &Arc<Self>, token: &str) -> Result<Tenant> {
        if token.starts_with("pat_") {
            return self.tenant_by_token(token).await;
        }
        if bool::from(token.as_bytes().ct_eq(self.operator_token().as_bytes())) {
            return self.operator_tenant().await;
        }
        Err(Error::new(Code::AUTHENTICATION_REQUIRED, format!("{}; {USE_INSTEAD}", why_refused(token))))
    }

    /// The server owner, as whoever may read the data directory acts.
    pub async fn operator_tenant(self: &Arc<Self>) -> Result<Tenant> {
        let owner = self.control().read::<_, Error, _>(|r| Ok(r.server_owner()?)).await?;
        Ok(as_tenant(owner.ok_or_else(|| Error::internal("no server owner"))?, Via::Operator))
    }
}

/// Why a text is no token of a developer.
pub fn why_refused(token: &str) -> &'static str {
    match KeyKind::of_value(token) {
        Some(KeyKind::Publishable) => "A publishable key (pk_…) is for /v1 in X-API-Key",
        Some(KeyKind::Secret) => "A secret key (sk_…) is for /v1 in X-API-Key",
        None if token.starts_with("op_") => "This operator token is of an earlier start of the server",
        None if token.bytes().filter(|b| *b == b'.').count() == 2 => "A user's access token is for /v1, an OAuth token for /mcp",
        None => "This is no token of this server",
    }
}
