//! Links that work once: made, voided and taken in transactions, so that of two redemptions exactly one wins.

use crate::domain::error::{Code, Error, Result};
use crate::domain::id;
use crate::domain::keys::sha256;
use crate::domain::time::{self, Millis};
use crate::store::control::TenantLinkRow;
use crate::store::{StoreResult, Tx};

/// Used and expired links answer as such for a day, then like unknown ones.
const REMEMBERED: Millis = 24 * 60 * 60 * 1000;
const MINUTE: Millis = 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// 10 minutes.
    SignIn,
    /// 60 minutes.
    PasswordReset,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::PasswordReset => "password_reset",
        }
    }

    fn lifetime(self) -> Millis {
        match self {
            Self::SignIn => 10 * MINUTE,
            Self::PasswordReset => 60 * MINUTE,
        }
    }
}

/// A link just made; its token exists nowhere else.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// 64 hex characters, for what follows `#`.
    pub token: String,
    /// Milliseconds since the epoch.
    pub expires_at: Millis,
}

/// One sentence for each way a link can fail, and what helps.
pub(super) struct Failures {
    pub unknown: &'static str,
    pub used: &'static str,
    pub voided: &'static str,
    pub expired: &'static str,
    pub remedy: &'static str,
}

/// Makes a link and voids the earlier ones of the address or tenant.
pub(super) fn issue(tx: &mut Tx<'_>, purpose: Purpose, email: &str, tenant_id: Option<&str>, next: Option<String>) -> Result<NewLink> {
    let now = time::now();
    let token = id::random_hex(32);
    tx.purge_tenant_links(now - REMEMBERED)?;
    tx.void_tenant_links(purpose.name(), email, tenant_id)?;
    let expires_at = now + purpose.lifetime();
    tx.insert_tenant_link(&TenantLinkRow {
        hash: sha256(&token),
        purpose: purpose.name().to_owned(),
        email: email.to_owned(),
        tenant_id: tenant_id.map(str::to_owned),
        next,
        expires_at,
        used_at: None,
        voided: false,
        created_at: now,
    })?;
    Ok(NewLink { token, expires_at })
}

/// Takes a link just made back: nobody gets it, but making it took as long as for those who do.
pub(super) fn withdraw(tx: &mut Tx<'_>, purpose: Purpose, email: &str) -> StoreResult<()> {
    tx.void_tenant_links(purpose.name(), email, None)
}

/// The link with this hash, if it can be used now; nothing is changed.
///
/// # Errors
/// 400 `tenant/link-invalid`, `tenant/link-used`, `tenant/link-expired`.
pub(super) fn look_at(link: Option<TenantLinkRow>, purpose: Purpose, failures: &Failures) -> Result<TenantLinkRow> {
    let failed = |code, why: &str| Err(Error::new(code, format!("{why}; {}", failures.remedy)));
    let Some(link) = link.filter(|l| l.purpose == purpose.name()) else { return failed(Code::TENANT_LINK_INVALID, failures.unknown) };
    if link.used_at.is_some() {
        return failed(Code::TENANT_LINK_USED, failures.used);
    }
    if link.voided {
        return failed(Code::TENANT_LINK_INVALID, failures.voided);
    }
    if time::now() >= link.expires_at {
        return failed(Code::TENANT_LINK_EXPIRED, failures.expired);
    }
    Ok(link)
}

/// Uses a link up.
///
/// # Errors
/// As [`look_at`].
pub(super) fn take(tx: &mut Tx<'_>, purpose: Purpose, hash: &[u8; 32], failures: &Failures) -> Result<TenantLinkRow> {
    let link = look_at(tx.reader().tenant_link(hash)?, purpose, failures)?;
    tx.use_tenant_link(hash, time::now())?;
    Ok(link)
}
