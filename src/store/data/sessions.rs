//! Sessions of end users.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionRow {
    pub id: String,
    pub user_id: String,
    pub user_agent: String,
    pub ip_address: String,
    pub last_activity_at: i64,
    pub created_at: i64,
    /// After this the session is as good as gone.
    pub expires_at: i64,
    /// Of the newest refresh token; 0 when there is none.
    pub generation: i64,
    /// When the newest refresh token was issued.
    pub issued_at: i64,
    pub refresh_expires_at: i64,
    /// The key that signed the newest refresh token.
    pub kid: String,
    pub impersonated: bool,
}

const COLUMNS: &str =
    "id, user_id, user_agent, ip_address, last_activity_at, created_at, expires_at, generation, issued_at, refresh_expires_at, kid, impersonated";

impl SessionRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            user_id: r.get(1)?,
            user_agent: r.get(2)?,
            ip_address: r.get(3)?,
            last_activity_at: r.get(4)?,
            created_at: r.get(5)?,
            expires_at: r.get(6)?,
            generation: r.get(7)?,
            issued_at: r.get(8)?,
            refresh_expires_at: r.get(9)?,
            kid: r.get(10)?,
            impersonated: r.get(11)?,
        })
    }
}

impl Reader<'_> {
    pub fn session(&self, id: &str) -> StoreResult<Option<SessionRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _sessions WHERE id = ?1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([id], SessionRow::read).optional()?)
    }

    /// The living sessions of a user, newest activity first.
    pub fn sessions_of(&self, user_id: &str, now: i64) -> StoreResult<Vec<SessionRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _sessions WHERE user_id = ?1 AND expires_at > ?2 ORDER BY last_activity_at DESC, id DESC");
        self.connection().prepare_cached(&sql)?.query_map(params![user_id, now], SessionRow::read)?.map(|r| r.map_err(Into::into)).collect()
    }
}

impl Reader<'_> {
    /// When the last of the sessions ends; `None` when there are none.
    pub fn last_session_end(&self) -> StoreResult<Option<i64>> {
        Ok(self.connection().prepare_cached("SELECT max(expires_at) FROM _sessions")?.query_row([], |row| row.get(0))?)
    }
}

impl Tx<'_> {
    pub fn insert_session(&mut self, s: &SessionRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _sessions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
        self.connection().prepare_cached(&sql)?.execute(params![
            s.id,
            s.user_id,
            s.user_agent,
            s.ip_address,
            s.last_activity_at,
            s.created_at,
            s.expires_at,
            s.generation,
            s.issued_at,
            s.refresh_expires_at,
            s.kid,
            s.impersonated
        ])?;
        Ok(())
    }

    /// Stores what a rotation changes.
    pub fn rotate_session(&mut self, s: &SessionRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "UPDATE _sessions SET generation = ?2, issued_at = ?3, refresh_expires_at = ?4, kid = ?5, expires_at = ?6, last_activity_at = ?7 WHERE id = ?1",
            )?
            .execute(params![s.id, s.generation, s.issued_at, s.refresh_expires_at, s.kid, s.expires_at, s.last_activity_at])?;
        Ok(())
    }

    /// Moves the time of last activity, and the end of the session if that is nearer.
    pub fn touch_session(&mut self, id: &str, at: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _sessions SET last_activity_at = max(last_activity_at, ?2) WHERE id = ?1")?.execute(params![id, at])?;
        Ok(())
    }

    /// Keeps a session alive at least until a time.
    pub fn extend_session(&mut self, id: &str, until: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _sessions SET expires_at = ?2 WHERE id = ?1 AND expires_at < ?2")?.execute(params![id, until])?;
        Ok(())
    }

    pub fn delete_session(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _sessions WHERE id = ?1")?.execute([id])? > 0)
    }

    /// Ends every session of a user but one; answers how many there were.
    pub fn delete_sessions_of(&mut self, user_id: &str, except: Option<&str>) -> StoreResult<u64> {
        let gone = self.connection().prepare_cached("DELETE FROM _sessions WHERE user_id = ?1 AND id IS NOT ?2")?.execute(params![user_id, except])?;
        Ok(gone as u64)
    }

    /// Ends every session of the environment.
    pub fn delete_all_sessions(&mut self) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("DELETE FROM _sessions")?.execute([])? as u64)
    }

    /// Removes sessions that ended before a time.
    pub fn purge_sessions(&mut self, ended_before: i64) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("DELETE FROM _sessions WHERE expires_at < ?1")?.execute([ended_before])? as u64)
    }
}
