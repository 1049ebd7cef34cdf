//! End users: who they are, and their passwords.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

/// A user, living or deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserRow {
    pub id: String,
    /// Normalised.
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: String,
    /// JSON object of what the user tells of itself.
    pub profile: String,
    pub email_verified: Option<i64>,
    pub is_anonymous: bool,
    pub banned: bool,
    pub banned_until: Option<i64>,
    pub ban_reason: Option<String>,
    pub last_login_at: Option<i64>,
    pub deleted_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// A name of its own for addresses, lower case.
    pub slug: Option<String>,
    pub is_public: bool,
}

/// What every request with a token asks of its user and session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    pub role: String,
    pub banned: bool,
    pub banned_until: Option<i64>,
    /// Last activity and end of the session, while it lives.
    pub session: Option<(i64, i64)>,
}

/// The hash of a password and when it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRow {
    pub hash: String,
    pub changed_at: i64,
}

pub(super) const COLUMNS: &str = "id, email, name, role, profile, email_verified, is_anonymous, banned, banned_until, ban_reason, last_login_at, deleted_at, \
                                  created_at, updated_at, slug, is_public";

impl UserRow {
    pub(super) fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            email: r.get(1)?,
            name: r.get(2)?,
            role: r.get(3)?,
            profile: r.get(4)?,
            email_verified: r.get(5)?,
            is_anonymous: r.get(6)?,
            banned: r.get(7)?,
            banned_until: r.get(8)?,
            ban_reason: r.get(9)?,
            last_login_at: r.get(10)?,
            deleted_at: r.get(11)?,
            created_at: r.get(12)?,
            updated_at: r.get(13)?,
            slug: r.get(14)?,
            is_public: r.get(15)?,
        })
    }
}

impl Reader<'_> {
    /// A user who is not deleted, and whether the session is one of theirs.
    pub fn session_state(&self, user_id: &str, session_id: &str) -> StoreResult<Option<SessionState>> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT u.role, u.banned, u.banned_until, s.last_activity_at, s.expires_at FROM _users u
                 LEFT JOIN _sessions s ON s.id = ?2 AND s.user_id = u.id WHERE u.id = ?1 AND u.deleted_at IS NULL",
            )?
            .query_row([user_id, session_id], |r| {
                let (active, ends): (Option<i64>, Option<i64>) = (r.get(3)?, r.get(4)?);
                Ok(SessionState { role: r.get(0)?, banned: r.get(1)?, banned_until: r.get(2)?, session: active.zip(ends) })
            })
            .optional()?)
    }

    /// The stored role of a user who is not deleted.
    pub fn role_of_user(&self, id: &str) -> StoreResult<Option<String>> {
        Ok(self.connection().prepare_cached("SELECT role FROM _users WHERE id = ?1 AND deleted_at IS NULL")?.query_row([id], |r| r.get(0)).optional()?)
    }

    /// A user who is not deleted.
    pub fn user(&self, id: &str) -> StoreResult<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _users WHERE id = ?1 AND deleted_at IS NULL");
        Ok(self.connection().prepare_cached(&sql)?.query_row([id], UserRow::read).optional()?)
    }

    /// The user who has a normalised address and is not deleted.
    pub fn user_by_email(&self, email: &str) -> StoreResult<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _users WHERE email = ?1 AND deleted_at IS NULL");
        Ok(self.connection().prepare_cached(&sql)?.query_row([email], UserRow::read).optional()?)
    }

    /// A user, also one who was deleted.
    pub fn any_user(&self, id: &str) -> StoreResult<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _users WHERE id = ?1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([id], UserRow::read).optional()?)
    }

    /// The user who has a slug and is not deleted.
    pub fn user_by_slug(&self, slug: &str) -> StoreResult<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _users WHERE slug = ?1 AND deleted_at IS NULL");
        Ok(self.connection().prepare_cached(&sql)?.query_row([slug], UserRow::read).optional()?)
    }

    /// Users who are not deleted.
    pub fn count_users(&self) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("SELECT count(*) FROM _users WHERE deleted_at IS NULL")?.query_row([], |r| r.get(0))?)
    }

    /// The password of a user who has one.
    pub fn password_of(&self, user_id: &str) -> StoreResult<Option<PasswordRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT hash, changed_at FROM _passwords WHERE user_id = ?1")?
            .query_row([user_id], |r| Ok(PasswordRow { hash: r.get(0)?, changed_at: r.get(1)? }))
            .optional()?)
    }
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when id, address or slug is taken.
    pub fn insert_user(&mut self, u: &UserRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
        self.connection().prepare_cached(&sql)?.execute(params![
            u.id,
            u.email,
            u.name,
            u.role,
            if u.profile.is_empty() { "{}" } else { &u.profile },
            u.email_verified,
            u.is_anonymous,
            u.banned,
            u.banned_until,
            u.ban_reason,
            u.last_login_at,
            u.deleted_at,
            u.created_at,
            u.updated_at,
            u.slug,
            u.is_public
        ])?;
        Ok(())
    }

    /// Stores everything of a user but its id and when it was made.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when address or slug is taken.
    pub fn update_user(&mut self, u: &UserRow) -> StoreResult<bool> {
        let changed = self
            .connection()
            .prepare_cached(
                "UPDATE _users SET email = ?2, name = ?3, role = ?4, profile = ?5, email_verified = ?6, is_anonymous = ?7, banned = ?8,
                 banned_until = ?9, ban_reason = ?10, last_login_at = ?11, deleted_at = ?12, updated_at = ?13, slug = ?14, is_public = ?15 WHERE id = ?1",
            )?
            .execute(params![
                u.id,
                u.email,
                u.name,
                u.role,
                u.profile,
                u.email_verified,
                u.is_anonymous,
                u.banned,
                u.banned_until,
                u.ban_reason,
                u.last_login_at,
                u.deleted_at,
                u.updated_at,
                u.slug,
                u.is_public
            ])?;
        Ok(changed > 0)
    }

    /// Notes a sign-in; `updatedAt` stays.
    pub fn set_last_login(&mut self, id: &str, at: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _users SET last_login_at = ?2 WHERE id = ?1")?.execute(params![id, at])?;
        Ok(())
    }

    /// Moves the time a user was made, to that of the system it comes from.
    pub fn set_user_creation(&mut self, id: &str, at: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _users SET created_at = ?2 WHERE id = ?1")?.execute(params![id, at])?;
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

    /// Erases a user at once, with everything that stands beside its row.
    pub fn erase_user(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _users WHERE id = ?1")?.execute([id])? > 0)
    }

    /// Ids and stored pictures of those whom [`Tx::erase_users`] would erase, as far as the pictures are objects of this server.
    pub fn avatars_of_erasable(&self, deleted_before: i64, anonymous_idle_since: i64) -> StoreResult<Vec<(String, String)>> {
        let sql = "SELECT id, profile ->> '$.image' FROM _users WHERE profile ->> '$.image' GLOB '/storage/*' AND (deleted_at < ?1
            OR is_anonymous = 1 AND deleted_at IS NULL AND max(updated_at, coalesce(last_login_at, 0),
               coalesce((SELECT max(last_activity_at) FROM _sessions s WHERE s.user_id = _users.id), 0)) < ?2)";
        let mut statement = self.connection().prepare_cached(sql)?;
        Ok(statement.query_map(params![deleted_before, anonymous_idle_since], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?)
    }

    /// Erases rows of users who were deleted before a time, and of anonymous ones who were last active before another.
    pub fn erase_users(&mut self, deleted_before: i64, anonymous_idle_since: i64) -> StoreResult<u64> {
        let deleted = self.connection().prepare_cached("DELETE FROM _users WHERE deleted_at < ?1")?.execute([deleted_before])?;
        let anonymous = self
            .connection()
            .prepare_cached(
                "DELETE FROM _users WHERE is_anonymous = 1 AND deleted_at IS NULL AND max(updated_at, coalesce(last_login_at, 0),
                 coalesce((SELECT max(last_activity_at) FROM _sessions s WHERE s.user_id = _users.id), 0)) < ?1",
            )?
            .execute([anonymous_idle_since])?;
        Ok((deleted + anonymous) as u64)
    }

    /// Sets or replaces the password of a user.
    pub fn set_password(&mut self, user_id: &str, hash: &str, changed_at: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _passwords (user_id, hash, changed_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
            )?
            .execute(params![user_id, hash, changed_at])?;
        Ok(())
    }

    /// Puts a better hash of the same password in place of `old`, if that is still there.
    pub fn replace_hash(&mut self, user_id: &str, old: &str, new: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _passwords SET hash = ?3 WHERE user_id = ?1 AND hash = ?2")?.execute([user_id, old, new])?;
        Ok(())
    }

    pub fn remove_password(&mut self, user_id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _passwords WHERE user_id = ?1")?.execute([user_id])? > 0)
    }
}
