//! Sessions of developers in the console: only SHA-256 hashes of their cookies are kept.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, hash, tenant_id, csrf, user_agent, ip_address, created_at, last_used_at";

#[derive(Debug, Clone)]
pub struct ConsoleSessionRow {
    pub id: String,
    /// SHA-256 of the cookie's value.
    pub hash: [u8; 32],
    pub tenant_id: String,
    pub csrf: String,
    pub user_agent: String,
    pub ip_address: String,
    pub created_at: i64,
    pub last_used_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<ConsoleSessionRow> {
    Ok(ConsoleSessionRow {
        id: row.get(0)?,
        hash: row.get(1)?,
        tenant_id: row.get(2)?,
        csrf: row.get(3)?,
        user_agent: row.get(4)?,
        ip_address: row.get(5)?,
        created_at: row.get(6)?,
        last_used_at: row.get(7)?,
    })
}

impl Reader<'_> {
    pub fn console_session_by_hash(&self, hash: &[u8; 32]) -> StoreResult<Option<ConsoleSessionRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM console_sessions WHERE hash = ?1"))?.query_row([hash], read).optional()?)
    }

    /// The sessions of a tenant, last used first.
    pub fn console_sessions_of(&self, tenant_id: &str) -> StoreResult<Vec<ConsoleSessionRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM console_sessions WHERE tenant_id = ?1 ORDER BY last_used_at DESC, id DESC"))?
            .query_map([tenant_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_console_session(&mut self, s: &ConsoleSessionRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO console_sessions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?.execute(params![
            s.id,
            s.hash,
            s.tenant_id,
            s.csrf,
            s.user_agent,
            s.ip_address,
            s.created_at,
            s.last_used_at
        ])?;
        Ok(())
    }

    pub fn touch_console_session(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE console_sessions SET last_used_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }

    /// Ends a session of a tenant; false when it has none of this id.
    pub fn delete_console_session(&mut self, tenant_id: &str, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM console_sessions WHERE tenant_id = ?1 AND id = ?2")?.execute([tenant_id, id])? > 0)
    }

    /// Ends every session of a tenant; answers how many there were.
    pub fn delete_console_sessions(&mut self, tenant_id: &str) -> StoreResult<usize> {
        Ok(self.connection().prepare_cached("DELETE FROM console_sessions WHERE tenant_id = ?1")?.execute([tenant_id])?)
    }

    /// Ends every session of a tenant but one.
    pub fn delete_other_console_sessions(&mut self, tenant_id: &str, kept: &str) -> StoreResult<usize> {
        Ok(self.connection().prepare_cached("DELETE FROM console_sessions WHERE tenant_id = ?1 AND id <> ?2")?.execute([tenant_id, kept])?)
    }

    /// Drops sessions not used since `idle_since` or opened before `opened_before`.
    pub fn purge_console_sessions(&mut self, idle_since: i64, opened_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM console_sessions WHERE last_used_at < ?1 OR created_at < ?2")?.execute([idle_since, opened_before])?;
        Ok(())
    }
}
