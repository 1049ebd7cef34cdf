//! Requests of AI clients that wait for sign-in and approval.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, client_id, client_name, redirect_uri, state, scope, challenge, resource, base, expires_at, tenant_id";

#[derive(Debug, Clone)]
pub struct OauthRequestRow {
    pub id: String,
    pub client_id: String,
    pub client_name: String,
    pub redirect_uri: String,
    /// Byte for byte as it came.
    pub state: Option<Vec<u8>>,
    /// Space-separated.
    pub scope: String,
    pub challenge: String,
    pub resource: String,
    /// Address of the server as the client knows it.
    pub base: String,
    pub expires_at: i64,
    /// Who approved it already.
    pub tenant_id: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<OauthRequestRow> {
    Ok(OauthRequestRow {
        id: row.get(0)?,
        client_id: row.get(1)?,
        client_name: row.get(2)?,
        redirect_uri: row.get(3)?,
        state: row.get(4)?,
        scope: row.get(5)?,
        challenge: row.get(6)?,
        resource: row.get(7)?,
        base: row.get(8)?,
        expires_at: row.get(9)?,
        tenant_id: row.get(10)?,
    })
}

impl Reader<'_> {
    pub fn oauth_request(&self, id: &str) -> StoreResult<Option<OauthRequestRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM oauth_requests WHERE id = ?1"))?.query_row([id], read).optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_oauth_request(&mut self, r: &OauthRequestRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO oauth_requests ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?
            .execute(params![r.id, r.client_id, r.client_name, r.redirect_uri, r.state, r.scope, r.challenge, r.resource, r.base, r.expires_at, r.tenant_id])?;
        Ok(())
    }

    pub fn approve_oauth_request(&mut self, id: &str, tenant_id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE oauth_requests SET tenant_id = ?2 WHERE id = ?1")?.execute([id, tenant_id])?;
        Ok(())
    }

    pub fn delete_oauth_request(&mut self, id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM oauth_requests WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Drops requests that expired before a time, and the oldest ones beyond `most`.
    pub fn purge_oauth_requests(&mut self, expired_before: i64, most: u32) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM oauth_requests WHERE expires_at < ?1")?.execute([expired_before])?;
        self.connection()
            .prepare_cached("DELETE FROM oauth_requests WHERE id IN (SELECT id FROM oauth_requests ORDER BY expires_at DESC LIMIT -1 OFFSET ?1)")?
            .execute([most])?;
        Ok(())
    }
}
