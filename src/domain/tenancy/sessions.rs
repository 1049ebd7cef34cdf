//! Console sessions: a cookie of 32 random bytes kept as hash, 14 days idle, 90 days at most (`06-console.md` B1).

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::guard;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::{new_id, random_hex};
use crate::domain::keys::sha256;
use crate::domain::time::{self, Millis};
use crate::store::control::{ConsoleSessionRow, TenantRow};
use crate::store::{StoreError, Tx};

const IDLE: Millis = 14 * DAY;
const AT_MOST: Millis = 90 * DAY;
const DAY: Millis = 24 * 60 * 60 * 1000;
/// Seconds a browser keeps the cookie.
pub const COOKIE_SECONDS: i64 = AT_MOST / 1000;
/// The time of last use moves at most this often.
const TOUCH_INTERVAL: Millis = 60_000;

/// From where somebody signs in.
#[derive(Debug, Clone, Default)]
pub struct Device {
    pub user_agent: String,
    pub ip_address: String,
}

/// A session just opened; the cookie's value exists nowhere else.
#[derive(Debug)]
pub struct NewConsoleSession {
    pub id: String,
    pub cookie: String,
    pub csrf: String,
    pub tenant: Tenant,
}

/// A living session behind a cookie.
#[derive(Debug, Clone)]
pub struct ConsoleSession {
    pub tenant: Tenant,
    pub csrf: String,
}

/// A session in the list of one's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    pub id: String,
    pub user_agent: String,
    pub ip_address: String,
    /// The one this list was asked with.
    pub current: bool,
    pub created_at: String,
    pub last_used_at: String,
    pub expires_at: String,
}

impl ConsoleSession {
    /// Whether a request carries this session's CSRF token; compared in constant time.
    pub fn has_csrf(&self, given: Option<&str>) -> bool {
        given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(self.csrf.as_bytes())))
    }
}

impl Backend {
    /// The living session behind a cookie's value.
    pub async fn console_session(self: &Arc<Self>, cookie: &str) -> Result<Option<ConsoleSession>> {
        let hash = sha256(cookie);
        let found = self
            .control()
            .read::<_, Error, _>(move |r| {
                let Some(session) = r.console_session_by_hash(&hash)? else { return Ok(None) };
                Ok(r.tenant(&session.tenant_id)?.map(|tenant| (session, tenant)))
            })
            .await?;
        let now = time::now();
        let Some((session, tenant)) = found.filter(|(session, _)| expires_at(session) > now) else { return Ok(None) };
        self.touch_session(&session, now);
        Ok(Some(ConsoleSession { csrf: session.csrf, tenant: as_tenant(tenant, Via::Session(session.id)) }))
    }

    /// What a form carries that was shown to a browser with this cookie before anybody signed in.
    pub fn form_token(&self, cookie: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret()).expect("HMAC takes keys of any length");
        mac.update(b"form\0");
        mac.update(cookie.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// Whether a form carries the token of the browser's cookie; compared in constant time.
    pub fn has_form_token(&self, cookie: &str, given: &str) -> bool {
        given.as_bytes().ct_eq(self.form_token(cookie).as_bytes()).into()
    }

    /// Notes the use of a session, off the request's path.
    fn touch_session(self: &Arc<Self>, session: &ConsoleSessionRow, now: Millis) {
        if now - session.last_used_at < TOUCH_INTERVAL {
            return;
        }
        let (control, id) = (Arc::clone(self.control()), session.id.clone());
        tokio::spawn(async move {
            if let Err(error) = control.write::<_, StoreError, _>(move |tx| tx.touch_console_session(&id, now)).await {
                tracing::debug!(%error, "could not note the use of a session");
            }
        });
    }

    /// The caller's sessions, last used first.
    ///
    /// # Errors
    /// `management/forbidden` for tokens.
    pub async fn sessions(self: &Arc<Self>, tenant: &Tenant) -> Result<Vec<SessionView>> {
        guard::session_or_operator(tenant)?;
        let id = tenant.id.clone();
        let rows = self.control().read::<_, Error, _>(move |r| Ok(r.console_sessions_of(&id)?)).await?;
        let now = time::now();
        let current = match &tenant.via {
            Via::Session(id) => Some(id),
            _ => None,
        };
        let view = |row: ConsoleSessionRow| SessionView {
            current: Some(&row.id) == current,
            expires_at: time::iso(expires_at(&row)),
            created_at: time::iso(row.created_at),
            last_used_at: time::iso(row.last_used_at),
            id: row.id,
            user_agent: row.user_agent,
            ip_address: row.ip_address,
        };
        Ok(rows.into_iter().filter(|row| expires_at(row) > now).map(view).collect())
    }

    /// Ends one session of the caller.
    ///
    /// # Errors
    /// `session/not-found`; `management/forbidden` for tokens.
    pub async fn revoke_session(self: &Arc<Self>, tenant: &Tenant, session_id: &str) -> Result<()> {
        guard::session_or_operator(tenant)?;
        let (tenant, id) = (tenant.clone(), session_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                if !tx.delete_console_session(&tenant.id, &id)? {
                    return Err(Error::new(Code::SESSION_NOT_FOUND, "You have no session with this id"));
                }
                revoked(tx, &tenant, &id)
            })
            .await
    }

    /// Ends the caller's own session, or all of its sessions.
    ///
    /// # Errors
    /// `management/forbidden` for tokens.
    pub async fn sign_out(self: &Arc<Self>, tenant: &Tenant, all: bool) -> Result<()> {
        guard::session_or_operator(tenant)?;
        let tenant = tenant.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                let own = match &tenant.via {
                    Via::Session(id) => Some(id.clone()),
                    _ => None,
                };
                let ended = match (&own, all) {
                    (_, true) => tx.delete_console_sessions(&tenant.id)? > 0,
                    (Some(id), false) => tx.delete_console_session(&tenant.id, id)?,
                    (None, false) => false,
                };
                if ended { revoked(tx, &tenant, own.as_deref().unwrap_or_default()) } else { Ok(()) }
            })
            .await
    }
}

/// Signs a developer in, in a transaction: notes when, opens a session, writes the activity.
pub(super) fn sign_in(tx: &mut Tx<'_>, row: &mut TenantRow, device: Device) -> Result<NewConsoleSession> {
    row.signed_in_at = Some(time::now());
    tx.update_tenant(row)?;
    let session = open(tx, row, device)?;
    let change = Change { entity: "session", action: "signed_in", entity_id: &session.id, entity_name: &row.name, ..Change::default() };
    guard::audit(tx, &session.tenant, change)?;
    Ok(session)
}

/// Opens a session in a transaction.
fn open(tx: &mut Tx<'_>, row: &TenantRow, device: Device) -> Result<NewConsoleSession> {
    let now = time::now();
    tx.purge_console_sessions(now - IDLE, now - AT_MOST)?;
    let (id, cookie, csrf) = (new_id(), random_hex(32), random_hex(32));
    tx.insert_console_session(&ConsoleSessionRow {
        id: id.clone(),
        hash: sha256(&cookie),
        tenant_id: row.id.clone(),
        csrf: csrf.clone(),
        user_agent: device.user_agent.chars().take(512).collect(),
        ip_address: device.ip_address,
        created_at: now,
        last_used_at: now,
    })?;
    let tenant = as_tenant(row.clone(), Via::Session(id.clone()));
    Ok(NewConsoleSession { id, cookie, csrf, tenant })
}

pub(super) fn as_tenant(row: TenantRow, via: Via) -> Tenant {
    Tenant { id: row.id, name: row.name, email: row.email, is_server_owner: row.is_owner, via }
}

fn expires_at(session: &ConsoleSessionRow) -> Millis {
    (session.last_used_at + IDLE).min(session.created_at + AT_MOST)
}

fn revoked(tx: &mut Tx<'_>, tenant: &Tenant, session_id: &str) -> Result<()> {
    let change = Change { entity: "session", action: "revoked", entity_id: session_id, entity_name: &tenant.name, ..Change::default() };
    guard::audit(tx, tenant, change)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(created_at: Millis, last_used_at: Millis) -> ConsoleSessionRow {
        ConsoleSessionRow {
            id: String::new(),
            hash: [0; 32],
            tenant_id: String::new(),
            csrf: String::new(),
            user_agent: String::new(),
            ip_address: String::new(),
            created_at,
            last_used_at,
        }
    }

    #[test]
    fn a_session_ends_after_14_idle_days_and_90_days_at_most() {
        assert_eq!(expires_at(&session(0, 0)), 14 * DAY);
        assert_eq!(expires_at(&session(0, 80 * DAY)), 90 * DAY);
    }
}
