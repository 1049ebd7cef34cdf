//! One-time sign-in links: only SHA-256 hashes of their tokens are kept.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct LoginLinkRow {
    pub hash: [u8; 32],
    pub tenant_id: String,
    /// Where to go afterwards.
    pub next: Option<String>,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    /// A newer link took its place.
    pub voided: bool,
    pub created_at: i64,
}

impl Reader<'_> {
    pub fn login_link(&self, hash: &[u8; 32]) -> StoreResult<Option<LoginLinkRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT hash, tenant_id, next, expires_at, used_at, voided, created_at FROM login_links WHERE hash = ?1")?
            .query_row([hash], |row| {
                Ok(LoginLinkRow {
                    hash: row.get(0)?,
                    tenant_id: row.get(1)?,
                    next: row.get(2)?,
                    expires_at: row.get(3)?,
                    used_at: row.get(4)?,
                    voided: row.get(5)?,
                    created_at: row.get(6)?,
                })
            })
            .optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_login_link(&mut self, l: &LoginLinkRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO login_links (hash, tenant_id, next, expires_at, used_at, voided, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![l.hash, l.tenant_id, l.next, l.expires_at, l.used_at, l.voided, l.created_at])?;
        Ok(())
    }

    /// Voids the unused links of a tenant.
    pub fn void_login_links(&mut self, tenant_id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE login_links SET voided = 1 WHERE tenant_id = ?1 AND used_at IS NULL")?.execute([tenant_id])?;
        Ok(())
    }

    pub fn use_login_link(&mut self, hash: &[u8; 32], now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE login_links SET used_at = ?2 WHERE hash = ?1")?.execute(params![hash, now])?;
        Ok(())
    }

    /// Drops links that expired before a time; they then answer like unknown ones.
    pub fn purge_login_links(&mut self, expired_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM login_links WHERE expires_at < ?1")?.execute([expired_before])?;
        Ok(())
    }
}
