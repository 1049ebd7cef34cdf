//! Renewing a session (`03-auth.md` §2): a refresh token rotates once, a late repetition within the grace gets the same
//! answer, and an old token that turns up again ends what it belongs to.

use std::sync::Arc;

use super::config::ReuseRevokes;
use super::events::{self, Event};
use super::throttle::Rule;
use super::{TokenPair, Verdict, Visit, sessions, tokens};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time::Millis;
use crate::store::Tx;
use crate::store::data::SessionRow;

/// What a presented generation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The newest one, and old enough.
    Rotate,
    /// The newest one just issued, or the one before it just replaced: the newest one is answered again.
    Repeat,
    Reuse,
}

fn standing(session: &SessionRow, generation: i64, grace: Millis, now: Millis) -> Standing {
    let fresh = now - session.issued_at < grace;
    match session.generation - generation {
        0 if fresh => Standing::Repeat,
        0 => Standing::Rotate,
        1 if fresh => Standing::Repeat,
        _ => Standing::Reuse,
    }
}

/// New tokens for a refresh token.
///
/// # Errors
/// 401 `auth/invalid-refresh-token`, `auth/session-expired`; 403 `auth/account-banned`; 429 `auth/too-many-requests`.
pub async fn refresh(environment: &Arc<Environment>, visit: &Visit, token: &str) -> Result<TokenPair> {
    let claims = tokens::refresh_claims(environment, token).ok_or_else(invalid)?;
    if claims.exp <= environment.now().div_euclid(1000) {
        return Err(Error::new(Code::SESSION_EXPIRED, "The refresh token has expired; sign in again"));
    }
    environment.count_by(Rule::Refresh, &claims.sid)?;
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let now = this.now();
            let user = tx.reader().user(&claims.sub)?.ok_or_else(invalid)?;
            if tokens::is_banned(user.banned, user.banned_until, now) {
                return Err(tokens::banned());
            }
            let session = tx.reader().session(&claims.sid)?.filter(|s| s.user_id == user.id && s.refresh_expires_at > now).ok_or_else(invalid)?;
            let grace = this.auth_config().tokens.refresh_grace_seconds * 1000;
            match standing(&session, claims.generation, grace, now) {
                Standing::Repeat => repeat(tx, &this, session, &user.role).map(Ok),
                Standing::Rotate => rotate(tx, &this, session, &user.role).map(Ok),
                Standing::Reuse => reused(tx, &this, &session, &visit),
            }
        })
        .await?
}

/// Rotates the session the caller speaks in, for the one organization there is: the project's own.
///
/// # Errors
/// 403 `auth/forbidden`.
pub async fn switch_organization(environment: &Arc<Environment>, user: &EndUser, organization_id: &str) -> Result<TokenPair> {
    if organization_id != environment.project().organization_id {
        return Err(Error::new(Code::FORBIDDEN, "Users of an app belong to the project's own organization only"));
    }
    let (this, user) = (Arc::clone(environment), user.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let ended = || Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again");
            let row = tx.reader().user(&user.id)?.ok_or_else(ended)?;
            let session = tx.reader().session(&user.session_id)?.filter(|s| s.expires_at > this.now()).ok_or_else(ended)?;
            if session.impersonated {
                return Err(Error::new(Code::FORBIDDEN, "An impersonated session has no refresh token and cannot be rotated"));
            }
            rotate(tx, &this, session, &row.role)
        })
        .await
}

fn rotate(tx: &mut Tx<'_>, environment: &Environment, mut session: SessionRow, role: &str) -> Result<TokenPair> {
    let (now, lifetimes) = (environment.now(), environment.auth_config().tokens.clone());
    session.generation += 1;
    session.issued_at = now;
    session.refresh_expires_at = now + lifetimes.refresh_token_seconds * 1000;
    session.kid = environment.keyring().kid().to_owned();
    session.expires_at = session.refresh_expires_at.max(now + lifetimes.access_token_seconds * 1000);
    session.last_activity_at = now;
    tx.rotate_session(&session)?;
    sessions::pair(environment, &session, role)
}

fn repeat(tx: &mut Tx<'_>, environment: &Environment, session: SessionRow, role: &str) -> Result<TokenPair> {
    let access_until = environment.now() + environment.auth_config().tokens.access_token_seconds * 1000;
    tx.extend_session(&session.id, access_until)?;
    sessions::pair(environment, &session, role)
}

/// A token that was replaced turns up: somebody else may hold it.
fn reused(tx: &mut Tx<'_>, environment: &Environment, session: &SessionRow, visit: &Visit) -> Verdict<TokenPair> {
    match environment.auth_config().tokens.reuse_revokes {
        ReuseRevokes::User => drop(tx.delete_sessions_of(&session.user_id, None)?),
        ReuseRevokes::Session => drop(tx.delete_session(&session.id)?),
    }
    let event = Event::of("refresh_reused", &session.user_id, visit).session(&session.id).failed(Code::INVALID_REFRESH_TOKEN.name);
    events::record(tx, environment, event)?;
    Ok(Err(invalid()))
}

fn invalid() -> Error {
    Error::new(Code::INVALID_REFRESH_TOKEN, "The refresh token is not valid any more; sign in again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_rotates_once_and_is_forgiven_within_the_grace_only() {
        let session = SessionRow { generation: 3, issued_at: 100_000, ..SessionRow::default() };
        let at = |generation, now| standing(&session, generation, 10_000, now);
        assert_eq!((at(3, 100_000), at(3, 109_999), at(3, 110_000)), (Standing::Repeat, Standing::Repeat, Standing::Rotate));
        assert_eq!((at(2, 109_999), at(2, 110_000)), (Standing::Repeat, Standing::Reuse));
        assert_eq!((at(1, 100_000), at(4, 100_000)), (Standing::Reuse, Standing::Reuse));
        assert_eq!(standing(&session, 3, 0, 100_000), Standing::Rotate);
        assert_eq!(standing(&session, 2, 0, 100_000), Standing::Reuse);
    }
}
