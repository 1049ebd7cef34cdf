//! Sessions: opening, looking at and ending them (`03-auth.md` §2).

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::events::{self, Event};
use super::visit::device_of;
use super::{TokenPair, Visit, tokens};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::page::{List, Page};
use crate::domain::time;
use crate::domain::users::Me;
use crate::store::Tx;
use crate::store::data::{SessionRow, UserRow};

/// Sessions a user keeps.
const MOST: usize = 50;

/// A session as its user sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub id: String,
    pub user_id: String,
    pub user_agent: String,
    pub ip_address: String,
    /// `Firefox on Linux`
    pub device_info: String,
    /// Moves at most once a minute.
    pub last_activity_at: String,
    pub created_at: String,
    pub expires_at: String,
    /// The one this list was asked with.
    pub current: bool,
    pub impersonated: bool,
}

impl SessionInfo {
    pub fn of(row: SessionRow, current: &str) -> Self {
        Self {
            current: row.id == current,
            device_info: device_of(&row.user_agent),
            id: row.id,
            user_id: row.user_id,
            user_agent: row.user_agent,
            ip_address: row.ip_address,
            last_activity_at: time::iso(row.last_activity_at),
            created_at: time::iso(row.created_at),
            expires_at: time::iso(row.expires_at),
            impersonated: row.impersonated,
        }
    }
}

/// Opens a session of somebody who is acted for; it ends with its access token and is never refreshed.
pub fn open_impersonated(tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, visit: &Visit, seconds: i64) -> Result<SessionRow> {
    let now = environment.now();
    let row = SessionRow {
        id: new_id(),
        user_id: user.id.clone(),
        user_agent: visit.agent(),
        ip_address: visit.ip_address(),
        last_activity_at: now,
        created_at: now,
        expires_at: now + seconds * 1000,
        impersonated: true,
        ..SessionRow::default()
    };
    insert(tx, &row)?;
    Ok(row)
}

/// The least recently active one gives way to the 51st.
fn insert(tx: &mut Tx<'_>, row: &SessionRow) -> Result<()> {
    let living = tx.reader().sessions_of(&row.user_id, row.created_at)?;
    for surplus in living.iter().skip(MOST - 1) {
        tx.delete_session(&surplus.id)?;
    }
    Ok(tx.insert_session(row)?)
}

/// Opens a session of a user and signs its first tokens.
pub fn open(tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, visit: &Visit) -> Result<(SessionRow, TokenPair)> {
    let (now, lifetimes) = (environment.now(), environment.auth_config().tokens.clone());
    let refresh_until = now + lifetimes.refresh_token_seconds * 1000;
    let row = SessionRow {
        id: new_id(),
        user_id: user.id.clone(),
        user_agent: visit.agent(),
        ip_address: visit.ip_address(),
        last_activity_at: now,
        created_at: now,
        expires_at: refresh_until.max(now + lifetimes.access_token_seconds * 1000),
        generation: 1,
        issued_at: now,
        refresh_expires_at: refresh_until,
        kid: environment.keyring().kid().to_owned(),
        impersonated: false,
    };
    insert(tx, &row)?;
    let mut pair = pair(environment, &row, &user.role)?;
    pair.user = Some(Me::read(&tx.reader(), environment, user, &visit.base_url)?);
    Ok((row, pair))
}

/// The tokens of a session as it is now.
pub(super) fn pair(environment: &Environment, session: &SessionRow, role: &str) -> Result<TokenPair> {
    let seconds = environment.auth_config().tokens.access_token_seconds;
    Ok(TokenPair {
        access_token: tokens::access(environment, session, &environment.effective_role(role), seconds)?,
        refresh_token: Some(tokens::refresh(environment, session)?),
        token_type: "Bearer",
        expires_in: seconds,
        user: None,
        is_new_user: None,
    })
}

/// The caller's living sessions, newest activity first.
pub async fn list(environment: &Environment, user: &EndUser, page: Page) -> Result<List<SessionInfo>> {
    let (id, now) = (user.id.clone(), environment.now());
    let rows = environment.data().read::<_, Error, _>(move |r| Ok(r.sessions_of(&id, now)?)).await?;
    Ok(List::slice(rows.into_iter().map(|row| SessionInfo::of(row, &user.session_id)).collect(), page))
}

/// Ends the session the caller speaks in.
pub async fn sign_out(environment: &Arc<Environment>, user: &EndUser, visit: &Visit) -> Result<()> {
    let (this, user, visit) = (Arc::clone(environment), user.clone(), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            if tx.delete_session(&user.session_id)? {
                events::record(tx, &this, Event::of("signout", &user.id, &visit).session(&user.session_id))?;
            }
            Ok(())
        })
        .await
}

/// Ends one of the caller's sessions; the current one too.
///
/// # Errors
/// 404 `auth/session-not-found`, also for somebody else's.
pub async fn revoke(environment: &Arc<Environment>, user: &EndUser, visit: &Visit, session_id: &str) -> Result<()> {
    let (this, user, visit, id) = (Arc::clone(environment), user.clone(), visit.clone(), session_id.to_owned());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let now = this.now();
            if tx.reader().session(&id)?.is_none_or(|s| s.user_id != user.id || s.expires_at <= now) {
                return Err(Error::new(Code::AUTH_SESSION_NOT_FOUND, "You have no session with this id"));
            }
            tx.delete_session(&id)?;
            events::record(tx, &this, Event::of("session_revoked", &user.id, &visit).session(&id))
        })
        .await
}

/// Ends all of the caller's sessions but the current one; answers how many.
pub async fn revoke_others(environment: &Arc<Environment>, user: &EndUser, visit: &Visit) -> Result<u64> {
    let (this, user, visit) = (Arc::clone(environment), user.clone(), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let now = this.now();
            let others: Vec<SessionRow> = tx.reader().sessions_of(&user.id, now)?.into_iter().filter(|s| s.id != user.session_id).collect();
            tx.delete_sessions_of(&user.id, Some(&user.session_id))?;
            for session in &others {
                events::record(tx, &this, Event::of("session_revoked", &user.id, &visit).session(&session.id))?;
            }
            Ok(others.len() as u64)
        })
        .await
}
