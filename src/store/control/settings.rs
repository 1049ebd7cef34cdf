//! Server-wide settings, as text by name.

use rusqlite::OptionalExtension;

use crate::store::{Reader, StoreResult, Tx};

impl Reader<'_> {
    pub fn setting(&self, key: &str) -> StoreResult<Option<String>> {
        Ok(self.connection().prepare_cached("SELECT value FROM settings WHERE key = ?1")?.query_row([key], |r| r.get(0)).optional()?)
    }
}

impl Tx<'_> {
    pub fn set_setting(&mut self, key: &str, value: &str) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")?
            .execute([key, value])?;
        Ok(())
    }

    pub fn delete_setting(&mut self, key: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
