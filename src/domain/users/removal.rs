//! Leaving: what goes at once, and what is kept for a while (`03-auth.md` §10).

use std::sync::Arc;

use serde_json::Map;

use super::access::{Asker, Deletable, not_found};
use super::image;
use super::profile::Profile;
use crate::domain::auth::events::{self, Event};
use crate::domain::auth::{Visit, invitations, mfa, one_time};
use crate::domain::caller::{Caller, EndUser};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::avatars;
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

impl Asker {
    /// Deletes a user; with `purge` its row is erased too, also that of a user who was deleted earlier.
    ///
    /// # Errors
    /// 404 `user/not-found` when somebody else deleted it meanwhile.
    pub async fn delete(&self, target: &Deletable) -> Result<()> {
        let (asker, Deletable { id, purge }) = (self.clone(), target.clone());
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                let user = if purge { tx.reader().any_user(&id)? } else { tx.reader().user(&id)? }.ok_or_else(not_found)?;
                let avatar_of = Profile::parse(&user.profile)?;
                asker.audit(tx, "deleted", &user, Map::from_iter([("purge".to_owned(), purge.into())]))?;
                if user.deleted_at.is_none() {
                    let visit = Some(&asker.visit).filter(|_| !matches!(asker.caller, Caller::Tenant(_)));
                    delete(tx, &asker.environment, user, visit)?;
                }
                if purge {
                    if let Some(key) = image::avatar(&avatar_of) {
                        avatars::release(tx, &asker.environment, &id, key)?;
                    }
                    tx.erase_user(&id)?;
                }
                Ok(())
            })
            .await
    }
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
    invitations::revoke_all_of(tx, environment, &user.id, visit)?;
    user.deleted_at = Some(now);
    user.updated_at = now;
    tx.update_user(&user)?;
    let event = Event { kind: "user_deleted", user_id: Some(&user.id), session_id: None, visit, success: true, code: None };
    events::record(tx, environment, event)
}
