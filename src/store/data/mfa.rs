//! The second factor of users: sealed TOTP secrets and hashes of backup codes.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

/// The second factor of a user who has turned it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaRow {
    pub user_id: String,
    /// Sealed.
    pub secret: String,
    /// The last time step of which a code was taken.
    pub last_step: i64,
    pub enabled_at: i64,
}

impl Reader<'_> {
    pub fn mfa_of(&self, user_id: &str) -> StoreResult<Option<MfaRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT user_id, secret, last_step, enabled_at FROM _mfa WHERE user_id = ?1")?
            .query_row([user_id], |r| Ok(MfaRow { user_id: r.get(0)?, secret: r.get(1)?, last_step: r.get(2)?, enabled_at: r.get(3)? }))
            .optional()?)
    }

    pub fn has_mfa(&self, user_id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("SELECT EXISTS (SELECT 1 FROM _mfa WHERE user_id = ?1)")?.query_row([user_id], |r| r.get(0))?)
    }

    /// Backup codes a user has left.
    pub fn count_backup_codes(&self, user_id: &str) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("SELECT count(*) FROM _backup_codes WHERE user_id = ?1")?.query_row([user_id], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    /// Turns the second factor of a user on, with these backup codes and no others.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when it is on already.
    pub fn insert_mfa(&mut self, row: &MfaRow, backup_codes: &[Vec<u8>]) -> StoreResult<()> {
        self.connection().prepare_cached("INSERT INTO _mfa (user_id, secret, last_step, enabled_at) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            row.user_id,
            row.secret,
            row.last_step,
            row.enabled_at
        ])?;
        self.connection().prepare_cached("DELETE FROM _backup_codes WHERE user_id = ?1")?.execute([&row.user_id])?;
        let mut insert = self.connection().prepare_cached("INSERT INTO _backup_codes (user_id, hash) VALUES (?1, ?2)")?;
        backup_codes.iter().try_for_each(|hash| insert.execute(params![row.user_id, hash]).map(drop).map_err(Into::into))
    }

    /// Notes that a code of this step was taken, unless one of it or of a later step was.
    pub fn use_mfa_step(&mut self, user_id: &str, step: i64) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("UPDATE _mfa SET last_step = ?2 WHERE user_id = ?1 AND last_step < ?2")?.execute(params![user_id, step])? > 0)
    }

    /// Removes a backup code, if the user has it.
    pub fn use_backup_code(&mut self, user_id: &str, hash: &[u8]) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _backup_codes WHERE user_id = ?1 AND hash = ?2")?.execute(params![user_id, hash])? > 0)
    }

    /// Turns the second factor off and forgets its backup codes.
    pub fn delete_mfa(&mut self, user_id: &str) -> StoreResult<bool> {
        self.connection().prepare_cached("DELETE FROM _backup_codes WHERE user_id = ?1")?.execute([user_id])?;
        Ok(self.connection().prepare_cached("DELETE FROM _mfa WHERE user_id = ?1")?.execute([user_id])? > 0)
    }
}
