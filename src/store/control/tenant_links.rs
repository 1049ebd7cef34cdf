//! One-time links to sign in or to choose a password: only SHA-256 hashes of their tokens are kept.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "hash, purpose, email, tenant_id, next, expires_at, used_at, voided, created_at";

#[derive(Debug, Clone)]
pub struct TenantLinkRow {
    pub hash: [u8; 32],
    /// `sign_in` or `password_reset`.
    pub purpose: String,
    /// Where it was sent.
    pub email: String,
    /// `None` for an address that had no account then.
    pub tenant_id: Option<String>,
    /// Where to go afterwards.
    pub next: Option<String>,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    /// A newer link took its place, or the account's address or password has changed.
    pub voided: bool,
    pub created_at: i64,
}

impl Reader<'_> {
    pub fn tenant_link(&self, hash: &[u8; 32]) -> StoreResult<Option<TenantLinkRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM tenant_links WHERE hash = ?1"))?
            .query_row([hash], |row| {
                Ok(TenantLinkRow {
                    hash: row.get(0)?,
                    purpose: row.get(1)?,
                    email: row.get(2)?,
                    tenant_id: row.get(3)?,
                    next: row.get(4)?,
                    expires_at: row.get(5)?,
                    used_at: row.get(6)?,
                    voided: row.get(7)?,
                    created_at: row.get(8)?,
                })
            })
            .optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_tenant_link(&mut self, l: &TenantLinkRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO tenant_links ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"))?.execute(params![
            l.hash,
            l.purpose,
            l.email,
            l.tenant_id,
            l.next,
            l.expires_at,
            l.used_at,
            l.voided,
            l.created_at
        ])?;
        Ok(())
    }

    /// Voids the unused links of one purpose that were sent to an address or belong to a tenant.
    pub fn void_tenant_links(&mut self, purpose: &str, email: &str, tenant_id: Option<&str>) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE tenant_links SET voided = 1 WHERE purpose = ?1 AND (email = ?2 OR tenant_id = ?3) AND used_at IS NULL")?
            .execute(params![purpose, email, tenant_id])?;
        Ok(())
    }

    pub fn use_tenant_link(&mut self, hash: &[u8; 32], now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE tenant_links SET used_at = ?2 WHERE hash = ?1")?.execute(params![hash, now])?;
        Ok(())
    }

    /// Drops links that expired before a time; they then answer like unknown ones.
    pub fn purge_tenant_links(&mut self, expired_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM tenant_links WHERE expires_at < ?1")?.execute([expired_before])?;
        Ok(())
    }
}
