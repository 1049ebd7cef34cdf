//! Sign-in by a one-time link: 10 minutes, single use, only its hash is kept (`06-console.md` B3).

use std::sync::Arc;

use super::attempts::PER_ADDRESS;
use super::guard;
use super::sessions::{Device, NewConsoleSession};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::sha256;
use crate::domain::{id, time};
use crate::store::Tx;
use crate::store::control::{LoginLinkRow, TenantRow};

const LIFETIME: i64 = 10 * 60 * 1000;
/// Used and expired links answer as such for a day, then like unknown ones.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// A link just made; its token exists nowhere else.
#[derive(Debug, Clone)]
pub struct LoginLink {
    /// 64 hex characters, for `<base>/console/link#<token>`.
    pub token: String,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
}

/// A redeemed link.
#[derive(Debug)]
pub struct SignedIn {
    pub session: NewConsoleSession,
    /// A path of this server to go on to.
    pub next: Option<String>,
}

impl Backend {
    /// A link for the server owner, made by the server itself for its banner.
    pub async fn owner_login_link(self: &Arc<Self>) -> Result<LoginLink> {
        self.control()
            .write::<_, Error, _>(|tx| {
                let owner = tx.reader().server_owner()?.ok_or_else(|| Error::internal("no server owner"))?;
                issue(tx, &owner, None)
            })
            .await
    }

    /// Whether anybody has ever signed in to the console.
    pub async fn anyone_signed_in(self: &Arc<Self>) -> Result<bool> {
        self.control().read::<_, Error, _>(|r| Ok(r.anyone_signed_in()?)).await
    }

    /// A link for the owner, or for the tenant with this address; voids that tenant's earlier ones.
    ///
    /// # Errors
    /// `management/forbidden` unless the operator asks; `tenant/not-found`.
    pub async fn create_login_link(self: &Arc<Self>, tenant: &Tenant, email: Option<&str>, next: Option<String>) -> Result<LoginLink> {
        guard::operator(tenant)?;
        let (tenant, email) = (tenant.clone(), email.map(|e| e.trim().to_lowercase()));
        let next = next.filter(|n| is_own_path(n));
        self.control()
            .write::<_, Error, _>(move |tx| {
                let found = match &email {
                    Some(email) => tx.reader().tenant_by_email(email)?,
                    None => tx.reader().server_owner()?,
                };
                let found = found.ok_or_else(|| Error::new(Code::TENANT_NOT_FOUND, "No developer account of this server has this address"))?;
                let link = issue(tx, &found, next)?;
                let change = Change { entity: "session", action: "created", entity_id: &found.id, entity_name: &found.name, ..Change::default() };
                guard::audit(tx, &tenant, change)?;
                Ok(link)
            })
            .await
    }

    /// Signs in with the token of a link.
    ///
    /// # Errors
    /// 400 `tenant/link-invalid`, `tenant/link-used`, `tenant/link-expired`; 429 `tenant/too-many-attempts`.
    pub async fn redeem_login_link(self: &Arc<Self>, token: &str, device: Device) -> Result<SignedIn> {
        let address = device.ip_address.clone();
        self.attempts().check(&address, PER_ADDRESS)?;
        let hash = sha256(token);
        let result = self.control().write::<_, Error, _>(move |tx| redeem(tx, &hash, device)).await;
        if result.as_ref().is_err_and(|e| e.code().status == 400) {
            self.attempts().failed(&address);
        }
        result
    }
}

fn issue(tx: &mut Tx<'_>, tenant: &TenantRow, next: Option<String>) -> Result<LoginLink> {
    let now = time::now();
    let token = id::random_hex(32);
    tx.purge_login_links(now - REMEMBERED)?;
    tx.void_login_links(&tenant.id)?;
    let expires_at = now + LIFETIME;
    tx.insert_login_link(&LoginLinkRow {
        hash: sha256(&token),
        tenant_id: tenant.id.clone(),
        next,
        expires_at,
        used_at: None,
        voided: false,
        created_at: now,
    })?;
    Ok(LoginLink { token, expires_at })
}

fn redeem(tx: &mut Tx<'_>, hash: &[u8; 32], device: Device) -> Result<SignedIn> {
    const NEW_ONE: &str = "bkend-local login-link makes a new one";
    let now = time::now();
    let invalid = |why: &str| Error::new(Code::TENANT_LINK_INVALID, format!("{why}; {NEW_ONE}"));
    let link = tx.reader().login_link(hash)?.ok_or_else(|| invalid("This sign-in link is not one of this server"))?;
    if link.used_at.is_some() {
        return Err(Error::new(Code::TENANT_LINK_USED, format!("This sign-in link was used already; {NEW_ONE}")));
    }
    if link.voided {
        return Err(invalid("A newer sign-in link took the place of this one"));
    }
    if now >= link.expires_at {
        return Err(Error::new(Code::TENANT_LINK_EXPIRED, format!("This sign-in link has expired; {NEW_ONE}")));
    }
    let mut row = tx.reader().tenant(&link.tenant_id)?.ok_or_else(|| invalid("The account of this sign-in link is gone"))?;
    tx.use_login_link(hash, now)?;
    row.signed_in_at = Some(now);
    tx.update_tenant(&row)?;
    let session = super::sessions::open(tx, &row, device)?;
    let actor = Tenant { id: row.id.clone(), name: row.name.clone(), email: row.email, is_server_owner: row.is_owner, via: Via::Session(session.id.clone()) };
    let change = Change { entity: "session", action: "signed_in", entity_id: &session.id, entity_name: &row.name, ..Change::default() };
    guard::audit(tx, &actor, change)?;
    Ok(SignedIn { session, next: link.next })
}

/// `next` leads to pages of this server only: an absolute path under `/console` or `/mcp/`.
pub fn is_own_path(next: &str) -> bool {
    let clean = !next.contains('\\') && !next.chars().any(char::is_control) && !next.split(['?', '#']).next().unwrap_or_default().split('/').any(|s| s == "..");
    clean && (next == "/console" || ["/console/", "/console?", "/mcp/"].iter().any(|start| next.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_takes_own_paths_only() {
        for good in ["/console", "/console/orgs/x?y=1", "/mcp/oauth/authorize?client_id=a"] {
            assert!(is_own_path(good), "{good}");
        }
        for bad in ["", "//evil.test", "https://evil.test/console/", "/v1/data", "/console/../v1", "/consolex", "/console/\\evil", "console/"] {
            assert!(!is_own_path(bad), "{bad}");
        }
    }
}
