//! Sign-in with simulated providers: identities that belong to tenants, and codes that wait to be typed.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct ChallengeRow {
    pub id: String,
    /// `google` or `github`.
    pub provider: String,
    pub email: String,
    pub name: String,
    /// Keyed hash of the code.
    pub code_hash: [u8; 32],
    pub tries: u32,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    pub created_at: i64,
}

impl Reader<'_> {
    pub fn challenge(&self, id: &str) -> StoreResult<Option<ChallengeRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT id, provider, email, name, code_hash, tries, expires_at, used_at, created_at FROM simulated_challenges WHERE id = ?1")?
            .query_row([id], |row| {
                Ok(ChallengeRow {
                    id: row.get(0)?,
                    provider: row.get(1)?,
                    email: row.get(2)?,
                    name: row.get(3)?,
                    code_hash: row.get(4)?,
                    tries: row.get(5)?,
                    expires_at: row.get(6)?,
                    used_at: row.get(7)?,
                    created_at: row.get(8)?,
                })
            })
            .optional()?)
    }

    /// The id of the tenant an identity belongs to.
    pub fn tenant_of_identity(&self, provider: &str, email: &str) -> StoreResult<Option<String>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT tenant_id FROM tenant_identities WHERE provider = ?1 AND email = ?2")?
            .query_row([provider, email], |r| r.get(0))
            .optional()?)
    }

    /// The providers a tenant has signed in with, in alphabetical order.
    pub fn providers_of(&self, tenant_id: &str) -> StoreResult<Vec<String>> {
        self.connection()
            .prepare_cached("SELECT DISTINCT provider FROM tenant_identities WHERE tenant_id = ?1 ORDER BY provider")?
            .query_map([tenant_id], |r| r.get(0))?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_challenge(&mut self, c: &ChallengeRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO simulated_challenges (id, provider, email, name, code_hash, tries, expires_at, used_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![c.id, c.provider, c.email, c.name, c.code_hash, c.tries, c.expires_at, c.used_at, c.created_at])?;
        Ok(())
    }

    pub fn count_challenge_try(&mut self, id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE simulated_challenges SET tries = tries + 1 WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    pub fn use_challenge(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE simulated_challenges SET used_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }

    pub fn purge_challenges(&mut self, expired_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM simulated_challenges WHERE expires_at < ?1")?.execute([expired_before])?;
        Ok(())
    }

    /// Notes that an identity belongs to a tenant.
    pub fn insert_identity(&mut self, provider: &str, email: &str, tenant_id: &str, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT OR IGNORE INTO tenant_identities (provider, email, tenant_id, created_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![provider, email, tenant_id, now])?;
        Ok(())
    }
}
