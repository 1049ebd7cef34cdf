//! Directories of deleted environments that are still to be removed: a crash between the two leaves nothing behind.

use crate::store::{Reader, StoreResult, Tx};

impl Reader<'_> {
    /// Ids of deleted environments whose directories may still be there.
    pub fn removals(&self) -> StoreResult<Vec<String>> {
        self.connection().prepare_cached("SELECT environment_id FROM removals")?.query_map([], |r| r.get(0))?.map(|r| r.map_err(Into::into)).collect()
    }
}

impl Tx<'_> {
    pub fn insert_removal(&mut self, environment_id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("INSERT OR IGNORE INTO removals (environment_id) VALUES (?1)")?.execute([environment_id])?;
        Ok(())
    }

    pub fn delete_removal(&mut self, environment_id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM removals WHERE environment_id = ?1")?.execute([environment_id])?;
        Ok(())
    }
}
