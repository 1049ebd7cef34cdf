//! New developer accounts: open on a server that listens on loopback only, else for invited people (`06-console.md` A6,
//! ruling 11).

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::sessions::{self, Device, NewConsoleSession};
use super::{input, invitations, passwords};
use crate::domain::backend::Backend;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::time;
use crate::store::control::TenantRow;
use crate::store::{Reader, Tx};

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAccount {
    pub email: String,
    /// 1–64 characters.
    pub name: String,
    /// At least 10 characters; absent: links only.
    pub password: Option<String>,
    /// The token of an invitation to this address; opens a closed sign-up.
    pub invitation: Option<String>,
}

impl Backend {
    /// Whether anybody may sign up.
    pub fn signup_open(&self) -> bool {
        self.options().loopback_only
    }

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// `tenant/signup-closed`, `tenant/email-exists`, `tenant/weak-password`; `common/invalid-parameters`; 429
    /// `tenant/too-many-attempts`; 503 `common/unavailable`.
    pub async fn sign_up(self: &Arc<Self>, new: NewAccount, device: Device) -> Result<NewConsoleSession> {
        let attempt = self.attempts().guess(&device.ip_address)?;
        let result = self.make_account(new, device).await;
        attempt.judge(result, |error| error.code() == Code::TENANT_EMAIL_EXISTS || error.code() == Code::INVITATION_INVALID)
    }

    async fn make_account(self: &Arc<Self>, new: NewAccount, device: Device) -> Result<NewConsoleSession> {
        let (email, name) = (input::email(&new.email)?, input::name("name", &new.name)?);
        let password = new.password.filter(|p| !p.is_empty()).map(|p| passwords::acceptable(&p)).transpose()?;
        let invitation = new.invitation.filter(|token| !token.is_empty());
        if !self.signup_open() && invitation.is_none() {
            return Err(closed());
        }
        let hash = match password {
            Some(password) => Some(self.passwords().hash(password).await?),
            None => None,
        };
        let open = self.signup_open();
        self.control()
            .write::<_, Error, _>(move |tx| {
                if let Some(token) = &invitation {
                    let invited = invitations::look_up(&tx.reader(), token)?;
                    if !open && invited.email != email {
                        return Err(closed());
                    }
                }
                if tx.reader().tenant_by_email(&email)?.is_some() {
                    return Err(Error::new(Code::TENANT_EMAIL_EXISTS, "An account with this address exists already; sign in instead"));
                }
                let mut row = create(tx, &email, &name, hash)?;
                sessions::sign_in(tx, &mut row, device)
            })
            .await
    }
}

/// Whether an address without an account may get one by proving that it is its own.
pub(super) fn may_appear(r: &Reader<'_>, backend: &Backend, email: &str) -> Result<bool> {
    Ok(backend.signup_open() || r.is_invited(email, time::now())?)
}

/// Makes an account in a transaction.
pub(super) fn create(tx: &mut Tx<'_>, email: &str, name: &str, password_hash: Option<String>) -> Result<TenantRow> {
    let now = time::now();
    let row = TenantRow {
        id: new_id(),
        email: email.to_owned(),
        name: name.to_owned(),
        image: None,
        password_hash,
        preferences: "{}".to_owned(),
        is_owner: false,
        signed_in_at: None,
        created_at: now,
        updated_at: now,
    };
    tx.insert_tenant(&row)?;
    Ok(row)
}

/// A name for somebody who has given none: what stands before the `@`.
pub(super) fn name_of(email: &str) -> String {
    email.split('@').next().unwrap_or(email).to_owned()
}

pub(super) fn closed() -> Error {
    Error::new(Code::TENANT_SIGNUP_CLOSED, "Sign-up is closed on this server; ask an admin of your organization for an invitation")
}
