//! The ways a user can sign in: `email`, or an identity at a provider.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountRow {
    pub id: String,
    pub user_id: String,
    /// `email`, `google` or `github`.
    pub provider: String,
    /// The address, for `email`.
    pub provider_account_id: String,
    pub email: Option<String>,
    pub connected_at: i64,
}

const COLUMNS: &str = "id, user_id, provider, provider_account_id, email, connected_at";

impl AccountRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: r.get(0)?, user_id: r.get(1)?, provider: r.get(2)?, provider_account_id: r.get(3)?, email: r.get(4)?, connected_at: r.get(5)? })
    }
}

impl Reader<'_> {
    /// The accounts of a user, oldest first.
    pub fn accounts_of(&self, user_id: &str) -> StoreResult<Vec<AccountRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _accounts WHERE user_id = ?1 ORDER BY connected_at, id");
        self.connection().prepare_cached(&sql)?.query_map([user_id], AccountRow::read)?.map(|r| r.map_err(Into::into)).collect()
    }

    pub fn account(&self, provider: &str, provider_account_id: &str) -> StoreResult<Option<AccountRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _accounts WHERE provider = ?1 AND provider_account_id = ?2");
        Ok(self.connection().prepare_cached(&sql)?.query_row([provider, provider_account_id], AccountRow::read).optional()?)
    }
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when the identity belongs to somebody.
    pub fn insert_account(&mut self, a: &AccountRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _accounts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        self.connection().prepare_cached(&sql)?.execute(params![a.id, a.user_id, a.provider, a.provider_account_id, a.email, a.connected_at])?;
        Ok(())
    }

    /// Follows a change of address in the method `email`, if the user has it.
    pub fn move_email_account(&mut self, user_id: &str, email: &str) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _accounts SET provider_account_id = ?2, email = ?2 WHERE user_id = ?1 AND provider = 'email'")?
            .execute([user_id, email])?;
        Ok(())
    }

    pub fn delete_account(&mut self, user_id: &str, provider: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _accounts WHERE user_id = ?1 AND provider = ?2")?.execute([user_id, provider])? > 0)
    }

    pub fn delete_identity(&mut self, provider: &str, provider_account_id: &str) -> StoreResult<()> {
        let sql = "DELETE FROM _accounts WHERE provider = ?1 AND provider_account_id = ?2";
        self.connection().prepare_cached(sql)?.execute([provider, provider_account_id])?;
        Ok(())
    }

    pub fn delete_accounts_of(&mut self, user_id: &str) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("DELETE FROM _accounts WHERE user_id = ?1")?.execute([user_id])? as u64)
    }
}
