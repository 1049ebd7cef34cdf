//! A new password, chosen by somebody who knows the old one (`03-auth.md` §5).

use std::sync::Arc;

use super::events::{self, Event};
use super::password::{self, Match};
use super::password_reset::refuse_the_same;
use super::{Visit, one_time};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};

/// Replaces the caller's password; every session ends, the current one too.
///
/// # Errors
/// 404 `auth/account-not-found` without a password; 429 `auth/too-many-login-attempts`; 401 `auth/invalid-password`; 400 of the
/// policy, `auth/same-as-previous-password`.
pub async fn change(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, current: String, new_password: &str) -> Result<()> {
    let current = password::typed("currentPassword", current)?;
    let id = user.id.clone();
    let known = environment.data().read::<_, Error, _>(move |r| Ok(r.user(&id)?.zip(r.password_of(&id)?))).await?;
    let no_password = || Error::new(Code::ACCOUNT_NOT_FOUND, "The account has no password; set one by POST /v1/auth/password/reset/request");
    let (row, stored) = known.ok_or_else(no_password)?;
    let permit = environment.admit_guess(row.email.as_deref().unwrap_or(&row.id), visit).await?;
    if password::compare(environment.passwords(), &current, &stored.hash).await? == Match::No {
        permit.failed(&current, environment.now());
        return Err(wrong());
    }
    permit.succeeded();
    let accepted = password::accept(&environment.auth_config().email.password_policy, "newPassword", new_password)?;
    refuse_the_same(environment, &accepted, Some(&stored.hash)).await?;
    let hash = password::hash(environment.passwords(), &accepted).await?;
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user(&row.id)?.ok_or_else(wrong)?;
            if !password::still_holds(&tx.reader(), &user.id, &stored)? {
                return Err(wrong());
            }
            tx.set_password(&user.id, &hash, this.now())?;
            tx.delete_sessions_of(&user.id, None)?;
            one_time::void_doors(tx, &user.id, user.email.as_deref())?;
            events::record(tx, &this, Event::of("password_changed", &user.id, &visit))
        })
        .await
}

fn wrong() -> Error {
    Error::new(Code::INVALID_PASSWORD, "currentPassword is wrong")
}
