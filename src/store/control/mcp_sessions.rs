//! Sessions of AI tools: only SHA-256 hashes of their ids are kept.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "hash, tenant_id, organization_id, version, client_name, client_version, created_at, last_used_at";

#[derive(Debug, Clone)]
pub struct McpSessionRow {
    /// SHA-256 of the id.
    pub hash: [u8; 32],
    /// `None`, as the organization: documentation only.
    pub tenant_id: Option<String>,
    pub organization_id: Option<String>,
    /// Of the protocol.
    pub version: String,
    /// What the client calls itself.
    pub client_name: String,
    pub client_version: String,
    pub created_at: i64,
    pub last_used_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<McpSessionRow> {
    Ok(McpSessionRow {
        hash: row.get(0)?,
        tenant_id: row.get(1)?,
        organization_id: row.get(2)?,
        version: row.get(3)?,
        client_name: row.get(4)?,
        client_version: row.get(5)?,
        created_at: row.get(6)?,
        last_used_at: row.get(7)?,
    })
}

impl Reader<'_> {
    pub fn mcp_session(&self, hash: &[u8; 32]) -> StoreResult<Option<McpSessionRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM mcp_sessions WHERE hash = ?1"))?.query_row([hash], read).optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_mcp_session(&mut self, s: &McpSessionRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO mcp_sessions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?.execute(params![
            s.hash,
            s.tenant_id,
            s.organization_id,
            s.version,
            s.client_name,
            s.client_version,
            s.created_at,
            s.last_used_at
        ])?;
        Ok(())
    }

    /// Notes a use; never moves the time back.
    pub fn touch_mcp_session(&mut self, hash: &[u8; 32], at: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE mcp_sessions SET last_used_at = ?2 WHERE hash = ?1 AND last_used_at < ?2")?.execute(params![hash, at])?;
        Ok(())
    }

    pub fn delete_mcp_session(&mut self, hash: &[u8; 32]) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM mcp_sessions WHERE hash = ?1")?.execute([hash])? > 0)
    }

    /// Drops sessions not used since `idle_since`, then the longest idle of a kind until `room` of it are left;
    /// `documentation` are those without a tenant.
    pub fn purge_mcp_sessions(&mut self, idle_since: i64, documentation: bool, room: u32) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM mcp_sessions WHERE last_used_at < ?1")?.execute([idle_since])?;
        self.connection()
            .prepare_cached(
                "DELETE FROM mcp_sessions WHERE hash IN
                 (SELECT hash FROM mcp_sessions WHERE (tenant_id IS NULL) = ?1 ORDER BY last_used_at DESC, created_at DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![documentation, room])?;
        Ok(())
    }
}
