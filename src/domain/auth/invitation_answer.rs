//! Answering an invitation with the token from its mail, and the role that may come of it (`03-auth.md` §9).

use std::sync::Arc;

use super::events::{self, Event};
use super::invitations::{UserInvitation, check_open, end, note};
use super::throttle::Rule;
use super::{Email, Visit, invalid_link, one_time};
use crate::domain::backend::Backend;
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::time::Millis;
use crate::store::data::{InvitationRow, UserRow};
use crate::store::{Reader, Tx};

/// Accepts an invitation; nobody is signed in by it. A caller who has the invited address is verified by it.
///
/// # Errors
/// 401 `auth/invalid-token`; 400 `auth/invitation-expired`, `auth/invitation-already-accepted`; 404 `auth/invitation-not-found`.
pub async fn accept(environment: &Arc<Environment>, visit: &Visit, caller: Option<&EndUser>, token: &str, email: Option<&Email>) -> Result<UserInvitation> {
    environment.count_peer(Rule::Probe, visit)?;
    let (token, email, caller) = (token.to_owned(), email.cloned(), caller.map(|user| user.id.clone()));
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let row = open(&tx.reader(), this.now(), &token, email.as_ref())?;
            accept_in(tx, &this, &visit, row, caller.as_deref())
        })
        .await
}

/// Declines an invitation.
///
/// # Errors
/// As [`accept`].
pub async fn reject(environment: &Arc<Environment>, visit: &Visit, token: &str, email: Option<&Email>) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (token, email) = (token.to_owned(), email.cloned());
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let row = open(&tx.reader(), this.now(), &token, email.as_ref())?;
            let invitee = tx.reader().user_by_email(&row.email)?.map(|user| user.id);
            end(tx, &this, &row, "rejected", invitee.as_deref(), Some(&visit))
        })
        .await
}

/// The invitation of a token that still waits for an answer.
///
/// # Errors
/// As [`accept`].
pub async fn look_up(environment: &Environment, visit: &Visit, token: &str, email: &Email) -> Result<UserInvitation> {
    environment.count_peer(Rule::Probe, visit)?;
    let (token, email, now) = (token.to_owned(), email.clone(), environment.now());
    environment.data().read::<_, Error, _>(move |r| Ok(UserInvitation::of(open(r, now, &token, Some(&email))?, now))).await
}

/// Whether a token belongs to an invitation of this address at all, whatever became of it.
///
/// # Errors
/// 401 `auth/invalid-token`.
pub(super) async fn check_known(environment: &Environment, visit: &Visit, token: &str, email: &Email) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (token, email) = (token.to_owned(), email.clone());
    environment.data().read::<_, Error, _>(move |r| known(r, &token, Some(&email)).map(drop)).await
}

fn known(r: &Reader<'_>, token: &str, email: Option<&Email>) -> Result<InvitationRow> {
    let hash = one_time::token_hash(token).ok_or_else(invalid_link)?;
    let row = r.app_invitation_by_token(&hash)?.ok_or_else(invalid_link)?;
    if email.is_some_and(|email| email.as_str() != row.email) { Err(invalid_link()) } else { Ok(row) }
}

/// The invitation of a token that still waits for an answer.
pub(super) fn open(r: &Reader<'_>, now: Millis, token: &str, email: Option<&Email>) -> Result<InvitationRow> {
    let row = known(r, token, email)?;
    check_open(&row, now)?;
    Ok(row)
}

/// Accepts an invitation for a user who has just signed up with its token and address; answers the user as it is then.
pub(super) fn accept_at_sign_up(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, user: UserRow, token: &str) -> Result<UserRow> {
    let email = user.email.as_deref().map(Email::parse).transpose()?;
    let row = open(&tx.reader(), environment.now(), token, email.as_ref())?;
    accept_in(tx, environment, visit, row, Some(&user.id))?;
    Ok(tx.reader().user(&user.id)?.unwrap_or(user))
}

/// Accepts an invitation that a mailed link was asked for with, if it still waits: its address was verified by the link.
pub(super) fn accept_by_link(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, id: &str, user_id: &str) -> Result<()> {
    let waiting = tx.reader().app_invitation(id)?.filter(|row| check_open(row, environment.now()).is_ok());
    waiting.map_or(Ok(()), |row| accept_in(tx, environment, visit, row, Some(user_id)).map(drop))
}

/// Whether an invitation lets its address sign up where sign-up is closed: it waits, or was accepted.
///
/// # Errors
/// 400 `auth/invitation-expired`; 404 `auth/invitation-not-found`.
pub(super) fn check_admits(r: &Reader<'_>, now: Millis, id: &str) -> Result<()> {
    let row = r.app_invitation(id)?.ok_or_else(invalid_link)?;
    if row.status == "accepted" { Ok(()) } else { check_open(&row, now) }
}

fn accept_in(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, row: InvitationRow, holder: Option<&str>) -> Result<UserInvitation> {
    let now = environment.now();
    tx.set_app_invitation_status(&row.id, "accepted", None, now)?;
    let invitee = tx.reader().user_by_email(&row.email)?;
    note(tx, environment, "invitation_accepted", invitee.as_ref().map(|user| user.id.as_str()), Some(visit))?;
    if let Some(mut user) = invitee {
        if user.email_verified.is_none() && holder == Some(user.id.as_str()) {
            user.email_verified = Some(now);
            user.updated_at = now;
            tx.update_user(&user)?;
            events::record(tx, environment, Event::of("email_verified", &user.id, visit))?;
        }
        grant_waiting(tx, environment, visit, &user.id)?;
    }
    Ok(UserInvitation::of(InvitationRow { status: "accepted".to_owned(), updated_at: now, ..row }, now))
}

/// Gives a user the role of the invitation it has accepted last, once its address is verified. To be called wherever an
/// address becomes verified.
pub fn grant_waiting(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, user_id: &str) -> Result<()> {
    let Some(mut user) = tx.reader().user(user_id)?.filter(|user| user.email_verified.is_some()) else { return Ok(()) };
    let Some(email) = user.email.clone() else { return Ok(()) };
    let now = environment.now();
    let waiting = tx.reader().ungranted_app_invitations(&email, "project", &environment.project().id)?;
    if let Some(role) = waiting.first().map(|row| row.resource_role.clone()).filter(|role| user.role != "admin" && user.role != *role) {
        user.role = role;
        user.updated_at = now;
        tx.update_user(&user)?;
        events::record(tx, environment, Event::of("role_changed", &user.id, visit))?;
    }
    waiting.iter().try_for_each(|row| Ok(tx.set_app_invitation_status(&row.id, "accepted", Some(now), row.updated_at)?))
}

impl Backend {
    /// The environment that an invitation belongs to: its link is opened without a key.
    ///
    /// # Errors
    /// 429 `auth/too-many-requests`.
    pub async fn environment_of_invitation(self: &Arc<Self>, visit: &Visit, token: &str) -> Result<Option<Arc<Environment>>> {
        self.count_probe(visit)?;
        let found = match one_time::token_hash(token) {
            Some(hash) => self.environment_where(move |r, _| Ok(r.app_invitation_by_token(&hash)?.is_some())).await?,
            None => None,
        };
        if found.is_none() {
            self.count_stray(visit).await?;
        }
        Ok(found)
    }
}
