//! API keys: only SHA-256 hashes of their values are kept.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, environment_id, type, name, hash, mask, adopted, scopes, expires_at, last_used_at, created_by, created_at, revoked_at";

#[derive(Debug, Clone)]
pub struct KeyRow {
    pub id: String,
    pub environment_id: String,
    /// `publishable` or `secret`.
    pub kind: String,
    pub name: String,
    /// SHA-256 of the whole key text.
    pub hash: [u8; 32],
    /// What lists show of it, such as `sk_3f9c…e1a2`.
    pub mask: String,
    /// An existing value accepted here; it can't be derived from the id.
    pub adopted: bool,
    /// JSON array.
    pub scopes: String,
    pub expires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    /// JSON actor `{ type, id, name }`.
    pub created_by: String,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        id: row.get(0)?,
        environment_id: row.get(1)?,
        kind: row.get(2)?,
        name: row.get(3)?,
        hash: row.get(4)?,
        mask: row.get(5)?,
        adopted: row.get(6)?,
        scopes: row.get(7)?,
        expires_at: row.get(8)?,
        last_used_at: row.get(9)?,
        created_by: row.get(10)?,
        created_at: row.get(11)?,
        revoked_at: row.get(12)?,
    })
}

impl Reader<'_> {
    pub fn key_by_hash(&self, hash: &[u8; 32]) -> StoreResult<Option<KeyRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE hash = ?1"))?.query_row([hash], read).optional()?)
    }

    pub fn key(&self, id: &str) -> StoreResult<Option<KeyRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    /// The keys of an environment, revoked ones included, oldest first.
    pub fn keys_of(&self, environment_id: &str) -> StoreResult<Vec<KeyRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE environment_id = ?1 ORDER BY id"))?
            .query_map([environment_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when the value or, among living keys of the environment, the name is taken.
    pub fn insert_key(&mut self, k: &KeyRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO api_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"))?
            .execute(params![
                k.id,
                k.environment_id,
                k.kind,
                k.name,
                k.hash,
                k.mask,
                k.adopted,
                k.scopes,
                k.expires_at,
                k.last_used_at,
                k.created_by,
                k.created_at,
                k.revoked_at
            ])?;
        Ok(())
    }

    pub fn rename_key(&mut self, id: &str, name: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE api_keys SET name = ?2 WHERE id = ?1")?.execute([id, name])?;
        Ok(())
    }

    pub fn revoke_key(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }

    pub fn touch_key(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }
}
