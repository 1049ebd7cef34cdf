//! The log of what happened to accounts (`03-auth.md` §12). No secret is ever in it.

use super::Visit;
use crate::domain::environment::Environment;
use crate::domain::error::Result;
use crate::domain::id::new_id;
use crate::store::Tx;
use crate::store::data::AuthEventRow;

/// One event about to be written.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// `signup`, `signin`, `signin_failed` …
    pub kind: &'a str,
    pub user_id: Option<&'a str>,
    pub session_id: Option<&'a str>,
    /// Where it came from; `None` for what developers do.
    pub visit: Option<&'a Visit>,
    pub success: bool,
    /// The public code of a failure.
    pub code: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Something that succeeded for a user.
    pub fn of(kind: &'a str, user_id: &'a str, visit: &'a Visit) -> Self {
        Self { kind, user_id: Some(user_id), session_id: None, visit: Some(visit), success: true, code: None }
    }

    #[must_use]
    pub fn session(mut self, id: &'a str) -> Self {
        self.session_id = Some(id);
        self
    }

    #[must_use]
    pub fn failed(mut self, code: &'a str) -> Self {
        (self.success, self.code) = (false, Some(code));
        self
    }
}

/// Every type an event can have; those of invitations begin with `invitation_`.
pub const TYPES: [&str; 24] = [
    "signup",
    "signin",
    "signin_failed",
    "signout",
    "refresh_reused",
    "session_revoked",
    "password_changed",
    "password_reset",
    "email_verified",
    "email_changed",
    "mfa_enabled",
    "mfa_disabled",
    "account_linked",
    "account_unlinked",
    "invitation_created",
    "invitation_accepted",
    "invitation_rejected",
    "invitation_revoked",
    "role_changed",
    "user_banned",
    "user_unbanned",
    "user_deleted",
    "impersonated",
    "secret_rotated",
];

/// Writes an event in the transaction of what it tells of.
pub fn record(tx: &mut Tx<'_>, environment: &Environment, event: Event<'_>) -> Result<()> {
    tx.insert_auth_event(&AuthEventRow {
        id: new_id(),
        kind: event.kind.to_owned(),
        user_id: event.user_id.map(str::to_owned),
        session_id: event.session_id.map(str::to_owned),
        ip_address: event.visit.map(Visit::ip_address).unwrap_or_default(),
        user_agent: event.visit.map(Visit::agent).unwrap_or_default(),
        success: event.success,
        code: event.code.map(str::to_owned),
        created_at: environment.now(),
    })?;
    Ok(())
}
