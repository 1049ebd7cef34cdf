//! Making users and sessions.

use serde::{Deserialize, Serialize};

use super::token;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::time;
use crate::store::data::{SessionRow, UserRow};

/// Seconds an access token lives (`03-auth.md` §14).
pub const ACCESS_TOKEN_SECONDS: i64 = 3600;
const REFRESH_TOKEN_SECONDS: i64 = 604_800;

/// Settings of authentication that records need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthSettings {
    /// Roles besides `admin`, `user` and `guest`; a stored role that is not declared counts as `user`.
    pub custom_roles: Vec<String>,
}

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

/// Adds a user and answers its id.
pub async fn create(environment: &Environment, user: NewUser) -> Result<String> {
    let id = new_id();
    let now = time::now();
    let row = UserRow { id: id.clone(), email: user.email, name: user.name, role: user.role, created_at: now, updated_at: now };
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.insert_user(&row)?)).await?;
    Ok(id)
}

/// Opens a session of a user and signs its access token.
pub async fn open_session(environment: &Environment, user_id: &str, role: &str) -> Result<NewSession> {
    let now = time::now();
    let row = SessionRow {
        id: new_id(),
        user_id: user_id.to_owned(),
        user_agent: String::new(),
        ip_address: String::new(),
        created_at: now,
        expires_at: now + REFRESH_TOKEN_SECONDS * 1000,
    };
    let session_id = row.id.clone();
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.insert_session(&row)?)).await?;
    let access_token = token::sign(environment, user_id, &session_id, role, ACCESS_TOKEN_SECONDS)?;
    Ok(NewSession { session_id, access_token, expires_in: ACCESS_TOKEN_SECONDS })
}

/// Ends a session; its tokens are refused from the next request on.
pub async fn end_session(environment: &Environment, session_id: &str) -> Result<bool> {
    let id = session_id.to_owned();
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.delete_session(&id)?)).await
}

/// Changes a role; it holds from the next request on, for open sessions too.
pub async fn set_role(environment: &Environment, user_id: &str, role: &str) -> Result<bool> {
    let (id, role, now) = (user_id.to_owned(), role.to_owned(), time::now());
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_user_role(&id, &role, now)?)).await
}

/// Bans a user until a time, or until lifted; or lifts a ban.
pub async fn set_banned(environment: &Environment, user_id: &str, banned: bool, until: Option<i64>) -> Result<bool> {
    let (id, now) = (user_id.to_owned(), time::now());
    environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_user_banned(&id, banned, until, now)?)).await
}
