//! Sign-in by a one-time link: 10 minutes, single use, only its hash is kept (`06-console.md` B3).

use std::sync::Arc;

use super::one_time::{self, Failures, Purpose};
use super::post::{Mail, variables};
use super::sessions::{self, Device, NewConsoleSession};
use super::{guard, input, signup};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::sha256;
use crate::store::Tx;
use crate::store::control::TenantRow;

pub use super::one_time::NewLink as LoginLink;

const FAILURES: Failures = Failures {
    unknown: "This sign-in link is not one of this server",
    used: "This sign-in link was used already",
    voided: "A newer sign-in link took the place of this one",
    expired: "This sign-in link has expired",
    remedy: "bkend-local login-link makes a new one",
};

/// Somebody who has just signed in.
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
                one_time::issue(tx, Purpose::SignIn, &owner.email, Some(&owner.id), None)
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
                let link = one_time::issue(tx, Purpose::SignIn, &found.email, Some(&found.id), next)?;
                let change = Change { entity: "session", action: "created", entity_id: &found.id, entity_name: &found.name, ..Change::default() };
                guard::audit(tx, &tenant, change)?;
                Ok(link)
            })
            .await
    }

    /// Mails a sign-in link to an address. An address without an account gets one too while sign-up is open, or while an
    /// organization waits for its answer to an invitation; the account is made when the link is used. Whether the address
    /// has an account shows neither in the answer nor in the time it takes.
    ///
    /// # Errors
    /// `common/invalid-parameters`; 429 `tenant/too-many-attempts`.
    pub async fn send_login_link(self: &Arc<Self>, email: &str, next: Option<String>, base: &str, device: &Device) -> Result<()> {
        let email = input::email(email)?;
        self.attempts().requested(&email, &device.ip_address)?;
        let next = next.filter(|n| is_own_path(n));
        let (this, base) = (Arc::clone(self), base.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let found = tx.reader().tenant_by_email(&email)?;
                let link = one_time::issue(tx, Purpose::SignIn, &email, found.as_ref().map(|t| t.id.as_str()), next)?;
                if found.is_none() && !signup::may_appear(&tx.reader(), &this, &email)? {
                    return Ok(one_time::withdraw(tx, Purpose::SignIn, &email)?);
                }
                let link = format!("{base}/console/link#{}", link.token);
                let name = found.map_or_else(|| signup::name_of(&email), |t| t.name);
                this.post().put(tx, mail(&email, &name, link))
            })
            .await
    }

    /// Signs in with the token of a link.
    ///
    /// # Errors
    /// 400 `tenant/link-invalid`, `tenant/link-used`, `tenant/link-expired`; 429 `tenant/too-many-attempts`.
    pub async fn redeem_login_link(self: &Arc<Self>, token: &str, device: Device) -> Result<SignedIn> {
        let attempt = self.attempts().guess(&device.ip_address)?;
        let (this, hash) = (Arc::clone(self), sha256(token));
        let result = self.control().write::<_, Error, _>(move |tx| redeem(tx, &this, &hash, device)).await;
        attempt.judge(result, |error| error.code().status == 400)
    }
}

fn redeem(tx: &mut Tx<'_>, backend: &Backend, hash: &[u8; 32], device: Device) -> Result<SignedIn> {
    let link = one_time::take(tx, Purpose::SignIn, hash, &FAILURES)?;
    let found = match &link.tenant_id {
        Some(id) => tx.reader().tenant(id)?,
        None => tx.reader().tenant_by_email(&link.email)?,
    };
    let mut row = match found {
        Some(row) => row,
        None if signup::may_appear(&tx.reader(), backend, &link.email)? => signup::create(tx, &link.email, &signup::name_of(&link.email), None)?,
        None => return Err(signup::closed()),
    };
    let session = sessions::sign_in(tx, &mut row, device)?;
    Ok(SignedIn { session, next: link.next })
}

fn mail<'a>(email: &'a str, name: &str, link: String) -> Mail<'a> {
    Mail {
        template: "magic_link",
        to: email,
        subject: "Your bkend-local sign-in link".to_owned(),
        above: vec![format!("Hello {name},"), "this link signs you in to bkend-local. It works once, for 10 minutes.".to_owned()],
        action: "Sign in",
        variables: variables([("userName", name), ("userEmail", email), ("magicLink", &link), ("expiresIn", "10 minutes")]),
        link,
        below: vec!["If you did not ask for it, nothing needs to be done.".to_owned()],
    }
}

/// The account a new link is for keeps working links to itself: whoever changes address or password voids them.
pub(super) fn void_all(tx: &mut Tx<'_>, row: &TenantRow) -> Result<()> {
    for purpose in [Purpose::SignIn, Purpose::PasswordReset] {
        tx.void_tenant_links(purpose.name(), &row.email, Some(&row.id))?;
    }
    Ok(())
}

/// `next` leads to pages of this server only: an absolute path under `/console` or `/mcp/`, read as browsers read it.
pub fn is_own_path(next: &str) -> bool {
    const OWN: &str = "http://own.invalid";
    if !next.starts_with('/') || next.len() > 8 * 1024 || next.contains('\\') || next.chars().any(char::is_control) {
        return false;
    }
    let read = url::Url::parse(OWN).and_then(|own| own.join(next));
    read.is_ok_and(|url| {
        let path = url.path();
        url.origin().ascii_serialization() == OWN && (path == "/console" || path.starts_with("/console/") || path.starts_with("/mcp/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_takes_own_paths_only() {
        for good in ["/console", "/console?a=b", "/console/orgs/x?y=1", "/mcp/oauth/authorize?client_id=a&redirect_uri=http://localhost:1/cb"] {
            assert!(is_own_path(good), "{good}");
        }
        for bad in [
            "",
            "//evil.test",
            "//evil.test/console/",
            "https://evil.test/console/",
            "javascript:alert(1)",
            "/v1/data",
            "/console/../v1",
            "/console/%2e%2e/v1",
            "/consolex",
            "/console/\\evil",
            "/\\evil.test/console/",
            "/\t/evil.test/console/",
            "console/",
            "/mcp",
        ] {
            assert!(!is_own_path(bad), "{bad}");
        }
    }
}
