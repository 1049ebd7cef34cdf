//! What developers approved for AI clients: one row per connection, and how often it calls.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, client_id, client_name, redirect_uri, tenant_id, organization_id, scope, allow_prod, resource, created_at, issued_at, expires_at, \
                       last_used_at, last_tool, revoked_at";

#[derive(Debug, Clone)]
pub struct OauthGrantRow {
    pub id: String,
    pub client_id: String,
    pub client_name: String,
    /// The one the code was sent to.
    pub redirect_uri: String,
    pub tenant_id: String,
    pub organization_id: String,
    /// Space-separated.
    pub scope: String,
    pub allow_prod: bool,
    /// Audience of its tokens.
    pub resource: String,
    pub created_at: i64,
    /// When its first token was issued.
    pub issued_at: Option<i64>,
    /// When nothing issued from it works any more.
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
    pub last_tool: Option<String>,
    pub revoked_at: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<OauthGrantRow> {
    Ok(OauthGrantRow {
        id: row.get(0)?,
        client_id: row.get(1)?,
        client_name: row.get(2)?,
        redirect_uri: row.get(3)?,
        tenant_id: row.get(4)?,
        organization_id: row.get(5)?,
        scope: row.get(6)?,
        allow_prod: row.get(7)?,
        resource: row.get(8)?,
        created_at: row.get(9)?,
        issued_at: row.get(10)?,
        expires_at: row.get(11)?,
        last_used_at: row.get(12)?,
        last_tool: row.get(13)?,
        revoked_at: row.get(14)?,
    })
}

impl Reader<'_> {
    pub fn oauth_grant(&self, id: &str) -> StoreResult<Option<OauthGrantRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM oauth_grants WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    /// The grants of an organization that work at a time and have issued a token, newest first.
    pub fn oauth_grants_in(&self, organization_id: &str, now: i64) -> StoreResult<Vec<OauthGrantRow>> {
        self.connection()
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM oauth_grants WHERE organization_id = ?1 AND revoked_at IS NULL AND issued_at IS NOT NULL AND expires_at > ?2
                 ORDER BY id DESC"
            ))?
            .query_map(params![organization_id, now], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// Calls of a grant in the hours after one.
    pub fn oauth_calls_since(&self, grant_id: &str, hour: i64) -> StoreResult<u64> {
        let calls: i64 = self
            .connection()
            .prepare_cached("SELECT coalesce(sum(calls), 0) FROM oauth_calls WHERE grant_id = ?1 AND hour > ?2")?
            .query_row(params![grant_id, hour], |r| r.get(0))?;
        Ok(calls.unsigned_abs())
    }
}

impl Tx<'_> {
    pub fn insert_oauth_grant(&mut self, g: &OauthGrantRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO oauth_grants ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"))?
            .execute(params![
                g.id,
                g.client_id,
                g.client_name,
                g.redirect_uri,
                g.tenant_id,
                g.organization_id,
                g.scope,
                g.allow_prod,
                g.resource,
                g.created_at,
                g.issued_at,
                g.expires_at,
                g.last_used_at,
                g.last_tool,
                g.revoked_at
            ])?;
        Ok(())
    }

    /// Notes that a token was issued from a grant, which lives at least until `expires_at` from then on.
    pub fn issue_from_oauth_grant(&mut self, id: &str, now: i64, expires_at: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE oauth_grants SET issued_at = coalesce(issued_at, ?2), expires_at = max(expires_at, ?3) WHERE id = ?1")?
            .execute(params![id, now, expires_at])?;
        Ok(())
    }

    /// Ends a grant with everything issued from it; false when it had ended before.
    pub fn revoke_oauth_grant(&mut self, id: &str, now: i64) -> StoreResult<bool> {
        let ended =
            self.connection().prepare_cached("UPDATE oauth_grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")?.execute(params![id, now])?;
        Ok(ended > 0)
    }

    /// Adds calls of an hour to a grant, with the last one's time and tool. A grant that is gone takes none.
    pub fn note_oauth_calls(&mut self, id: &str, hour: i64, calls: u64, at: i64, tool: &str) -> StoreResult<()> {
        let known =
            self.connection().prepare_cached("UPDATE oauth_grants SET last_used_at = ?2, last_tool = ?3 WHERE id = ?1")?.execute(params![id, at, tool])?;
        if known > 0 {
            self.connection()
                .prepare_cached(
                    "INSERT INTO oauth_calls (grant_id, hour, calls) VALUES (?1, ?2, ?3) ON CONFLICT (grant_id, hour) DO UPDATE SET calls = calls + excluded.calls",
                )?
                .execute(params![id, hour, i64::try_from(calls).unwrap_or(i64::MAX)])?;
            self.connection().prepare_cached("DELETE FROM oauth_calls WHERE grant_id = ?1 AND hour < ?2")?.execute(params![id, hour - 24])?;
        }
        Ok(())
    }

    /// Drops grants of which nothing works since before a time, with their codes and tokens.
    pub fn purge_oauth_grants(&mut self, ended_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM oauth_grants WHERE expires_at < ?1 OR revoked_at < ?1")?.execute([ended_before])?;
        Ok(())
    }
}
