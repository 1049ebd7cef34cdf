//! AI clients that registered themselves. All are public: there is no secret to keep.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct OauthClientRow {
    pub id: String,
    /// As the client calls itself; unverified.
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub created_at: i64,
    /// When somebody last approved it.
    pub used_at: Option<i64>,
}

impl Reader<'_> {
    pub fn oauth_client(&self, id: &str) -> StoreResult<Option<OauthClientRow>> {
        let row = self
            .connection()
            .prepare_cached("SELECT id, name, redirect_uris, created_at, used_at FROM oauth_clients WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?)))
            .optional()?;
        let Some((id, name, redirect_uris, created_at, used_at)) = row else { return Ok(None) };
        Ok(Some(OauthClientRow { id, name, redirect_uris: serde_json::from_str(&redirect_uris)?, created_at, used_at }))
    }
}

impl Tx<'_> {
    /// Takes the place of an earlier registration with the same id.
    pub fn insert_oauth_client(&mut self, client: &OauthClientRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT OR REPLACE INTO oauth_clients (id, name, redirect_uris, created_at, used_at) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![client.id, client.name, serde_json::to_string(&client.redirect_uris)?, client.created_at, client.used_at])?;
        Ok(())
    }

    pub fn use_oauth_client(&mut self, id: &str, now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE oauth_clients SET used_at = ?2 WHERE id = ?1")?.execute(params![id, now])?;
        Ok(())
    }

    /// Drops clients that registered before a time and were never approved.
    pub fn purge_oauth_clients(&mut self, registered_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM oauth_clients WHERE used_at IS NULL AND created_at < ?1")?.execute([registered_before])?;
        Ok(())
    }
}
