//! Acting as a user for support and tests: a short session without a refresh token (`03-auth.md` §12).

use std::sync::Arc;

use super::events::{self, Event};
use super::{Email, TokenPair, Visit, sessions, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::users::Me;

/// Whom to act as.
#[derive(Debug, Clone)]
pub enum Whom {
    Id(String),
    Email(Email),
}

/// Opens a session of somebody else for some seconds.
///
/// # Errors
/// 404 `user/not-found`; 403 `auth/account-banned`.
pub async fn impersonate(environment: &Arc<Environment>, visit: &Visit, whom: Whom, seconds: i64) -> Result<TokenPair> {
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = match &whom {
                Whom::Id(id) => tx.reader().user(id)?,
                Whom::Email(email) => tx.reader().user_by_email(email.as_str())?,
            };
            let user = user.ok_or_else(|| Error::new(Code::USER_NOT_FOUND, "No user of this environment has this id or address"))?;
            if tokens::is_banned(user.banned, user.banned_until, this.now()) {
                return Err(tokens::banned());
            }
            let session = sessions::open_impersonated(tx, &this, &user, &visit, seconds)?;
            events::record(tx, &this, Event::of("impersonated", &user.id, &visit).session(&session.id))?;
            Ok(TokenPair {
                access_token: tokens::access(&this, &session, &this.effective_role(&user.role), seconds)?,
                refresh_token: None,
                token_type: "Bearer",
                expires_in: seconds,
                user: Some(Me::read(&tx.reader(), &this, &user, &visit.base_url)?),
                is_new_user: None,
            })
        })
        .await
}
