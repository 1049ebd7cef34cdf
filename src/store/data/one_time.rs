//! Links and codes that work once: hashes, never the secrets themselves.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneTimeRow {
    pub id: String,
    pub purpose: String,
    /// The normalised address it was sent to, or whatever else its purpose binds it to.
    pub address: String,
    pub user_id: Option<String>,
    pub hash: Vec<u8>,
    /// JSON object.
    pub payload: String,
    /// Wrong guesses so far.
    pub tries: i64,
    /// `live`, `used` or `void`.
    pub state: String,
    pub created_at: i64,
    pub expires_at: i64,
}

const COLUMNS: &str = "id, purpose, address, user_id, hash, payload, tries, state, created_at, expires_at";

impl OneTimeRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            purpose: r.get(1)?,
            address: r.get(2)?,
            user_id: r.get(3)?,
            hash: r.get(4)?,
            payload: r.get(5)?,
            tries: r.get(6)?,
            state: r.get(7)?,
            created_at: r.get(8)?,
            expires_at: r.get(9)?,
        })
    }
}

impl Reader<'_> {
    pub fn one_time_by_hash(&self, purpose: &str, hash: &[u8]) -> StoreResult<Option<OneTimeRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _one_time WHERE hash = ?1 AND purpose = ?2");
        Ok(self.connection().prepare_cached(&sql)?.query_row(params![hash, purpose], OneTimeRow::read).optional()?)
    }

    /// The newest of a purpose and address, whatever its state.
    pub fn newest_one_time(&self, purpose: &str, address: &str) -> StoreResult<Option<OneTimeRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _one_time WHERE purpose = ?1 AND address = ?2 ORDER BY id DESC LIMIT 1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([purpose, address], OneTimeRow::read).optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_one_time(&mut self, o: &OneTimeRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _one_time ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        self.connection().prepare_cached(&sql)?.execute(params![
            o.id,
            o.purpose,
            o.address,
            o.user_id,
            o.hash,
            o.payload,
            o.tries,
            o.state,
            o.created_at,
            o.expires_at
        ])?;
        Ok(())
    }

    pub fn set_one_time_state(&mut self, id: &str, state: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _one_time SET state = ?2 WHERE id = ?1")?.execute([id, state])?;
        Ok(())
    }

    /// Stores what is known of wrong guesses.
    pub fn set_one_time_payload(&mut self, id: &str, payload: &str, tries: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _one_time SET payload = ?2, tries = ?3 WHERE id = ?1")?.execute(params![id, payload, tries])?;
        Ok(())
    }

    pub fn delete_one_time(&mut self, id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM _one_time WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Voids what is live of a purpose and address.
    pub fn void_one_time(&mut self, purpose: &str, address: &str) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _one_time SET state = 'void' WHERE purpose = ?1 AND address = ?2 AND state = 'live'")?
            .execute([purpose, address])?;
        Ok(())
    }

    /// Voids what a user, or whoever has its address, could still use of a purpose; used ones too, where those still say something.
    pub fn void_one_time_of(&mut self, purpose: &str, user_id: &str, address: Option<&str>) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _one_time SET state = 'void' WHERE purpose = ?1 AND (user_id = ?2 OR address = ?3)")?
            .execute(params![purpose, user_id, address])?;
        Ok(())
    }

    /// Forgets what ended before a time.
    pub fn purge_one_time(&mut self, ended_before: i64) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("DELETE FROM _one_time WHERE expires_at < ?1")?.execute([ended_before])? as u64)
    }
}
