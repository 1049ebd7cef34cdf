//! The outbox: what must outlive a crash is written here in the transaction of the change, and taken from here after it.

use rusqlite::params;

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct OutboxRow {
    pub id: String,
    /// `activity`, later also `webhook`.
    pub kind: String,
    /// JSON.
    pub payload: String,
}

impl Reader<'_> {
    /// The oldest entries.
    pub fn outbox(&self, limit: u32) -> StoreResult<Vec<OutboxRow>> {
        self.connection()
            .prepare_cached("SELECT id, kind, payload FROM _outbox ORDER BY id LIMIT ?1")?
            .query_map([limit], |r| Ok(OutboxRow { id: r.get(0)?, kind: r.get(1)?, payload: r.get(2)? }))?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn put_outbox(&mut self, id: &str, kind: &str, payload: &str, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO _outbox (id, kind, payload, created_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, kind, payload, now])?;
        Ok(())
    }

    pub fn remove_outbox(&mut self, id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM _outbox WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// A named setting of the environment, as JSON text.
    pub fn set_environment_setting(&mut self, key: &str, value: &str) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO _settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")?
            .execute([key, value])?;
        Ok(())
    }
}

impl Tx<'_> {
    pub fn remove_environment_setting(&mut self, key: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM _settings WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}

impl Reader<'_> {
    /// A named setting of the environment, as JSON text.
    pub fn environment_setting(&self, key: &str) -> StoreResult<Option<String>> {
        use rusqlite::OptionalExtension;
        Ok(self.connection().prepare_cached("SELECT value FROM _settings WHERE key = ?1")?.query_row([key], |r| r.get(0)).optional()?)
    }
}
