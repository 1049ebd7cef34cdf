//! Users without address and password, until they sign up (`03-auth.md` §12).

use std::sync::Arc;

use super::events::{self, Event};
use super::throttle::Rule;
use super::{TokenPair, Visit, sessions, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::store::data::UserRow;

/// Makes an anonymous user with the role `guest` and signs it in.
///
/// # Errors
/// 400 `auth/anonymous-disabled`; 429 `auth/too-many-requests`.
pub async fn create(environment: &Arc<Environment>, visit: &Visit, name: Option<String>) -> Result<TokenPair> {
    if !environment.auth_config().users.anonymous_enabled {
        return Err(Error::new(Code::ANONYMOUS_DISABLED, "Anonymous users are switched off in this environment"));
    }
    environment.count_peer(Rule::SignUp, visit)?;
    let (this, visit, now) = (Arc::clone(environment), visit.clone(), environment.now());
    let user = UserRow {
        id: new_id(),
        name,
        role: "guest".to_owned(),
        is_anonymous: true,
        profile: "{}".to_owned(),
        last_login_at: Some(now),
        created_at: now,
        updated_at: now,
        ..UserRow::default()
    };
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            tx.insert_user(&user)?;
            events::record(tx, &this, Event::of("signup", &user.id, &visit))?;
            sessions::open(tx, &this, &user, &visit).map(|(_, pair)| pair)
        })
        .await
}

/// Signing up with the expired token of an anonymous user would make another user and lose the first one's data.
///
/// # Errors
/// 401 `auth/token-expired`, if the session behind the token lives and its user is anonymous.
pub async fn check_expired(environment: &Arc<Environment>, token: &str) -> Result<()> {
    let Some((user_id, session_id)) = tokens::expired_owner(environment, token) else { return Ok(()) };
    let now = environment.now();
    let lives = environment
        .data()
        .read::<_, Error, _>(move |r| {
            let session = r.session(&session_id)?.filter(|s| s.user_id == user_id && s.expires_at > now);
            Ok(session.is_some() && r.user(&user_id)?.is_some_and(|u| u.is_anonymous))
        })
        .await?;
    if lives { Err(tokens::expired()) } else { Ok(()) }
}
