//! Making users and sessions, and reading oneself.

use super::Me;
use crate::domain::auth::{Visit, sessions, sign_up};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::store::data::UserRow;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: String,
}

/// A session just opened, and its access token.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub session_id: String,
    pub access_token: String,
    pub expires_in: i64,
}

/// Adds a user and answers its id; an address becomes its sign-in method.
///
/// # Errors
/// 409 `auth/email-already-exists`.
pub async fn create(environment: &Environment, user: NewUser) -> Result<String> {
    let id = new_id();
    let now = environment.now();
    let row = UserRow {
        id: id.clone(),
        email: user.email,
        name: user.name,
        role: user.role,
        created_at: now,
        updated_at: now,
        profile: "{}".to_owned(),
        ..UserRow::default()
    };
    environment.data().write::<_, Error, _>(move |tx| sign_up::insert_with_email(tx, &row)).await?;
    Ok(id)
}

/// Opens a session of a user without asking for anything.
///
/// # Errors
/// 404 `user/not-found`.
pub async fn open_session(environment: &Arc<Environment>, user_id: &str) -> Result<NewSession> {
    let (this, id) = (Arc::clone(environment), user_id.to_owned());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user(&id)?.ok_or_else(not_found)?;
            let (session, pair) = sessions::open(tx, &this, &user, &Visit::default())?;
            Ok(NewSession { session_id: session.id, access_token: pair.access_token, expires_in: pair.expires_in })
        })
        .await
}

/// The caller as it sees itself; `base`: scheme and host of the URLs handed out.
///
/// # Errors
/// 401 `auth/session-expired` when it was deleted meanwhile.
pub async fn me(environment: &Arc<Environment>, user: &EndUser, base: &str) -> Result<Me> {
    let (this, id, base) = (Arc::clone(environment), user.id.clone(), base.to_owned());
    environment
        .data()
        .read::<_, Error, _>(move |r| {
            let user = r.user(&id)?.ok_or_else(|| Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"))?;
            Me::read(r, &this, &user, &base)
        })
        .await
}

/// Ends a session; its tokens are refused from the next request on.
pub async fn end_session(environment: &Environment, session_id: &str) -> Result<bool> {
    let id = session_id.to_owned();
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.delete_session(&id)?)).await
}

/// Changes a role; it holds from the next request on, for open sessions too.
pub async fn set_role(environment: &Environment, user_id: &str, role: &str) -> Result<bool> {
    let (id, role, now) = (user_id.to_owned(), role.to_owned(), environment.now());
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_user_role(&id, &role, now)?)).await
}

/// Bans a user until a time, or until lifted; or lifts a ban.
pub async fn set_banned(environment: &Environment, user_id: &str, banned: bool, until: Option<i64>) -> Result<bool> {
    let (id, now) = (user_id.to_owned(), environment.now());
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_user_banned(&id, banned, until, now)?)).await
}

fn not_found() -> Error {
    Error::new(Code::USER_NOT_FOUND, "No user of this environment has this id")
}
