//! End users and their sessions.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Debug, Clone)]
pub struct SessionRow {
    pub id: String,
    pub user_id: String,
    pub user_agent: String,
    pub ip_address: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// What every request with a token asks of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    pub user_id: String,
    pub role: String,
    pub banned: bool,
    pub banned_until: Option<i64>,
}

impl Reader<'_> {
    /// The living session and its user as they are now.
    pub fn session_state(&self, session_id: &str) -> StoreResult<Option<SessionState>> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT u.id, u.role, u.banned, u.banned_until FROM _sessions s JOIN _users u ON u.id = s.user_id WHERE s.id = ?1 AND u.deleted_at IS NULL",
            )?
            .query_row([session_id], |r| Ok(SessionState { user_id: r.get(0)?, role: r.get(1)?, banned: r.get(2)?, banned_until: r.get(3)? }))
            .optional()?)
    }

    /// The stored role of a user who is not deleted.
    pub fn role_of_user(&self, id: &str) -> StoreResult<Option<String>> {
        Ok(self.connection().prepare_cached("SELECT role FROM _users WHERE id = ?1 AND deleted_at IS NULL")?.query_row([id], |r| r.get(0)).optional()?)
    }

    /// Users who are not deleted.
    pub fn count_users(&self) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("SELECT count(*) FROM _users WHERE deleted_at IS NULL")?.query_row([], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when id or address is taken.
    pub fn insert_user(&mut self, u: &UserRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO _users (id, email, name, role, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![u.id, u.email, u.name, u.role, u.created_at, u.updated_at])?;
        Ok(())
    }

    pub fn set_user_role(&mut self, id: &str, role: &str, now: i64) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("UPDATE _users SET role = ?2, updated_at = ?3 WHERE id = ?1")?.execute(params![id, role, now])? > 0)
    }

    pub fn set_user_banned(&mut self, id: &str, banned: bool, until: Option<i64>, now: i64) -> StoreResult<bool> {
        Ok(self
            .connection()
            .prepare_cached("UPDATE _users SET banned = ?2, banned_until = ?3, updated_at = ?4 WHERE id = ?1")?
            .execute(params![id, banned, until, now])?
            > 0)
    }

    pub fn insert_session(&mut self, s: &SessionRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _sessions (id, user_id, user_agent, ip_address, last_activity_at, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            )?
            .execute(params![s.id, s.user_id, s.user_agent, s.ip_address, s.created_at, s.expires_at])?;
        Ok(())
    }

    pub fn delete_session(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _sessions WHERE id = ?1")?.execute([id])? > 0)
    }
}
