//! Personal access tokens: only SHA-256 hashes of their values are kept.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, tenant_id, name, hash, mask, scope, allow_prod, organization_id, project_id, expires_at, last_used_at, created_at, revoked_at";

#[derive(Debug, Clone)]
pub struct AccessTokenRow {
    pub id: String,
    pub tenant_id: String,
    pub name: String,
    /// SHA-256 of the whole token text.
    pub hash: [u8; 32],
    pub mask: String,
    /// `read` or `write`.
    pub scope: String,
    pub allow_prod: bool,
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    pub expires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccessTokenRow> {
    Ok(AccessTokenRow {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        name: row.get(2)?,
        hash: row.get(3)?,
        mask: row.get(4)?,
        scope: row.get(5)?,
        allow_prod: row.get(6)?,
        organization_id: row.get(7)?,
        project_id: row.get(8)?,
        expires_at: row.get(9)?,
        last_used_at: row.get(10)?,
        created_at: row.get(11)?,
        revoked_at: row.get(12)?,
    })
}

impl Reader<'_> {
    pub fn access_token_by_hash(&self, hash: &[u8; 32]) -> StoreResult<Option<AccessTokenRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM access_tokens WHERE hash = ?1"))?.query_row([hash], read).optional()?)
    }

    pub fn access_token(&self, id: &str) -> StoreResult<Option<AccessTokenRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM access_tokens WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    /// The tokens of a tenant, revoked ones included, newest first.
    pub fn access_tokens_of(&self, tenant_id: &str) -> StoreResult<Vec<AccessTokenRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM access_tokens WHERE tenant_id = ?1 ORDER BY id DESC"))?
            .query_map([tenant_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// The living tokens with which members of an organization can act in it, newest first.
    pub fn access_tokens_in(&self, organization_id: &str) -> StoreResult<Vec<AccessTokenRow>> {
        self.connection()
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM access_tokens WHERE revoked_at IS NULL AND (organization_id IS NULL OR organization_id = ?1)
                 AND tenant_id IN (SELECT tenant_id FROM members WHERE organization_id = ?1) ORDER BY id DESC"
            ))?
            .query_map([organization_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_access_token(&mut self, t: &AccessTokenRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO access_tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"))?
            .execute(params![
                t.id,
                t.tenant_id,
                t.name,
                t.hash,
                t.mask,
                t.scope,
                t.allow_prod,
                t.organization_id,
                t.project_id,
                t.expires_at,
                t.last_used_at,
                t.created_at,
                t.revoked_at
            ])?;
        Ok(())
    }

    pub fn revoke_access_token(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE access_tokens SET revoked_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }

    pub fn touch_access_token(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE access_tokens SET last_used_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }
}
