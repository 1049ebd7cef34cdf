//! Developers' passwords: signing in with one, setting, forgetting and choosing a new one (`06-console.md` B3, ruling 10).

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::one_time::{self, Failures, Purpose};
use super::post::{Mail, variables};
use super::sessions::{self, Device, NewConsoleSession};
use super::{guard, input, login_links};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::sha256;
use crate::domain::time;
use crate::store::control::TenantRow;

/// Characters of a password.
const AT_LEAST: usize = 10;
const AT_MOST: usize = 256;

const FAILURES: Failures = Failures {
    unknown: "This password link is not one of this server",
    used: "This password link was used already",
    voided: "A newer password link took the place of this one, or the password was changed meanwhile",
    expired: "This password link has expired",
    remedy: "ask for a new one at /console/forgot, or sign in with bkend-local login-link",
};

impl Backend {
    /// Signs in with a password. Every failure sounds alike and takes as long, whether the account is there or not.
    ///
    /// # Errors
    /// 401 `tenant/invalid-credentials`; 429 `tenant/too-many-attempts`; 503 `common/unavailable`.
    pub async fn sign_in_with_password(self: &Arc<Self>, email: &str, password: &str, device: Device) -> Result<NewConsoleSession> {
        let email = email.trim().to_lowercase();
        let attempt = self.attempts().sign_in(&email, &device.ip_address)?;
        let result = self.check_and_sign_in(email, password, device).await;
        attempt.judge(result, |error| error.code() == Code::TENANT_INVALID_CREDENTIALS)
    }

    async fn check_and_sign_in(self: &Arc<Self>, email: String, password: &str, device: Device) -> Result<NewConsoleSession> {
        let row = self.control().read::<_, Error, _>(move |r| Ok(r.tenant_by_email(&email)?)).await?;
        let row = self.with_right_password(row, password).await?;
        self.control()
            .write::<_, Error, _>(move |tx| {
                // Changed or gone while the hash was computed: then this password counts no more.
                let same = |now: &TenantRow| now.password_hash == row.password_hash;
                let mut row = tx.reader().tenant(&row.id)?.filter(same).ok_or_else(wrong)?;
                sessions::sign_in(tx, &mut row, device)
            })
            .await
    }

    /// The row, if the password is its own.
    async fn with_right_password(self: &Arc<Self>, row: Option<TenantRow>, password: &str) -> Result<TenantRow> {
        let password = normal(password);
        let known = row.and_then(|row| row.password_hash.clone().map(|hash| (row, hash)));
        // Longer ones are nobody's, and hashing them costs more.
        let (Some((row, hash)), true) = (known, password.chars().count() <= AT_MOST) else {
            self.passwords().verify_nobody(password.chars().take(AT_MOST).collect()).await?;
            return Err(wrong());
        };
        if self.passwords().verify(password, hash).await? { Ok(row) } else { Err(wrong()) }
    }

    /// Sets or changes the caller's password and ends its other sessions. `current` is needed once there is one, except
    /// from the operator.
    ///
    /// # Errors
    /// `tenant/invalid-credentials`, `tenant/weak-password`; `management/forbidden` for tokens; 429
    /// `tenant/too-many-attempts`; 503 `common/unavailable`.
    pub async fn set_password(self: &Arc<Self>, tenant: &Tenant, current: Option<&str>, password: &str, address: &str) -> Result<()> {
        guard::session_or_operator(tenant)?;
        let password = acceptable(password)?;
        let id = tenant.id.clone();
        let row = self.control().read::<_, Error, _>(move |r| Ok(r.tenant(&id)?)).await?.ok_or_else(wrong)?;
        if row.password_hash.is_some() && tenant.via != Via::Operator {
            let attempt = self.attempts().sign_in(&row.email, address)?;
            let result = self.with_right_password(Some(row.clone()), current.unwrap_or_default()).await;
            attempt.judge(result, |error| error.code() == Code::TENANT_INVALID_CREDENTIALS)?;
        }
        let hash = self.passwords().hash(password).await?;
        let tenant = tenant.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                let same = |now: &TenantRow| now.password_hash == row.password_hash;
                let mut row = tx.reader().tenant(&row.id)?.filter(same).ok_or_else(wrong)?;
                (row.password_hash, row.updated_at) = (Some(hash), time::now());
                tx.update_tenant(&row)?;
                login_links::void_all(tx, &row)?;
                match &tenant.via {
                    Via::Session(own) => tx.delete_other_console_sessions(&row.id, own)?,
                    _ => tx.delete_console_sessions(&row.id)?,
                };
                guard::audit(tx, &tenant, change(&row))
            })
            .await
    }

    /// Mails a link to choose a new password, if the address has an account; the answer does not tell.
    ///
    /// # Errors
    /// `common/invalid-parameters`; 429 `tenant/too-many-attempts`.
    pub async fn send_password_link(self: &Arc<Self>, email: &str, base: &str, device: &Device) -> Result<()> {
        let email = input::email(email)?;
        self.attempts().requested(&email, &device.ip_address)?;
        let (this, base) = (Arc::clone(self), base.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let found = tx.reader().tenant_by_email(&email)?;
                let link = one_time::issue(tx, Purpose::PasswordReset, &email, found.as_ref().map(|t| t.id.as_str()), None)?;
                let Some(found) = found else { return Ok(one_time::withdraw(tx, Purpose::PasswordReset, &email)?) };
                this.post().put(tx, mail(&found, format!("{base}/console/reset#{}", link.token)))
            })
            .await
    }

    /// Chooses a new password with the token of a link, ends every session and signs in.
    ///
    /// # Errors
    /// 400 `tenant/link-invalid`, `tenant/link-used`, `tenant/link-expired`, `tenant/weak-password`; 429
    /// `tenant/too-many-attempts`; 503 `common/unavailable`.
    pub async fn reset_password(self: &Arc<Self>, token: &str, password: &str, device: Device) -> Result<NewConsoleSession> {
        // Before the link is looked at, so that a password that is too short does not cost it.
        let password = acceptable(password)?;
        let attempt = self.attempts().guess(&device.ip_address)?;
        let result = self.choose_password(sha256(token), password, device).await;
        attempt.judge(result, |error| error.code().status == 400)
    }

    async fn choose_password(self: &Arc<Self>, link: [u8; 32], password: String, device: Device) -> Result<NewConsoleSession> {
        self.control().read::<_, Error, _>(move |r| one_time::look_at(r.tenant_link(&link)?, Purpose::PasswordReset, &FAILURES).map(drop)).await?;
        let hash = self.passwords().hash(password).await?;
        self.control()
            .write::<_, Error, _>(move |tx| {
                let link = one_time::take(tx, Purpose::PasswordReset, &link, &FAILURES)?;
                let id = link.tenant_id.unwrap_or_default();
                let mut row = tx.reader().tenant(&id)?.ok_or_else(|| Error::new(Code::TENANT_LINK_INVALID, "The account of this password link is gone"))?;
                (row.password_hash, row.updated_at) = (Some(hash), time::now());
                login_links::void_all(tx, &row)?;
                tx.delete_console_sessions(&row.id)?;
                let session = sessions::sign_in(tx, &mut row, device)?;
                guard::audit(tx, &session.tenant, change(&row))?;
                Ok(session)
            })
            .await
    }
}

/// A password as it is hashed (NFKC, as NIST SP 800-63B asks), if it is long enough.
///
/// # Errors
/// 400 `tenant/weak-password`.
pub(super) fn acceptable(password: &str) -> Result<String> {
    let password = normal(password);
    match password.chars().count() {
        AT_LEAST..=AT_MOST => Ok(password),
        count if count < AT_LEAST => Err(Error::new(Code::TENANT_WEAK_PASSWORD, format!("password needs at least {AT_LEAST} characters"))),
        _ => Err(Error::new(Code::TENANT_WEAK_PASSWORD, format!("password must have at most {AT_MOST} characters"))),
    }
}

fn normal(password: &str) -> String {
    password.nfkc().collect()
}

/// One message for all causes.
fn wrong() -> Error {
    Error::new(Code::TENANT_INVALID_CREDENTIALS, "E-mail address or password is wrong; a sign-in link works without a password")
}

fn change(row: &TenantRow) -> Change<'_> {
    let mut change = Change { entity: "member", action: "updated", entity_id: &row.id, entity_name: &row.name, ..Change::default() };
    change.metadata.insert("changed".to_owned(), "password".into());
    change
}

fn mail(tenant: &TenantRow, link: String) -> Mail<'_> {
    Mail {
        template: "password_reset",
        to: &tenant.email,
        subject: "Choose a new bkend-local password".to_owned(),
        above: vec![format!("Hello {},", tenant.name), "with this link you choose a new password for bkend-local. It works once, for 60 minutes.".to_owned()],
        action: "Choose a password",
        variables: variables([("userName", &tenant.name), ("userEmail", &tenant.email), ("resetLink", &link), ("expiresIn", "60 minutes")]),
        link,
        below: vec!["If you did not ask for it, nothing needs to be done: the old password stays.".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_need_10_characters_and_no_composition_rules() {
        assert!(acceptable("aaaaaaaaaa").is_ok() && acceptable("비밀번호비밀번호비밀").is_ok());
        for bad in ["", "aaaaaaaaa", "비밀번호", &"x".repeat(257)] {
            assert_eq!(acceptable(bad).unwrap_err().code(), Code::TENANT_WEAK_PASSWORD, "{bad}");
        }
    }

    #[test]
    fn the_same_characters_typed_another_way_are_the_same_password() {
        assert_eq!(normal("cafe\u{301} au lait"), normal("caf\u{e9} au lait"));
    }
}
