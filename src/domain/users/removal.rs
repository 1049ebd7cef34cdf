//! Leaving: what goes at once, and what is kept for a while (`03-auth.md` §10).

use std::sync::Arc;

use crate::domain::auth::events::{self, Event};
use crate::domain::auth::{Visit, mfa, one_time};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::store::Tx;
use crate::store::data::UserRow;

/// Deletes the caller's own account.
///
/// # Errors
/// 401 `auth/session-expired` when it was deleted meanwhile.
pub async fn withdraw(environment: &Arc<Environment>, visit: &Visit, user: &EndUser) -> Result<()> {
    let (this, visit, id) = (Arc::clone(environment), visit.clone(), user.id.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user(&id)?.ok_or_else(|| Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"))?;
            delete(tx, &this, user, Some(&visit))
        })
        .await
}

/// Deletes a user: sessions, secrets and sign-in methods go at once, the row stays hidden until it is swept away. Records and
/// files stay.
pub fn delete(tx: &mut Tx<'_>, environment: &Environment, mut user: UserRow, visit: Option<&Visit>) -> Result<()> {
    let now = environment.now();
    tx.delete_sessions_of(&user.id, None)?;
    one_time::void_all(tx, &user.id, user.email.as_deref())?;
    tx.remove_password(&user.id)?;
    tx.delete_accounts_of(&user.id)?;
    mfa::forget(tx, &user.id)?;
    user.deleted_at = Some(now);
    user.updated_at = now;
    tx.update_user(&user)?;
    let event = Event { kind: "user_deleted", user_id: Some(&user.id), session_id: None, visit, success: true, code: None };
    events::record(tx, environment, event)
}
