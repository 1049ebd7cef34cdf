//! Identities that were chosen at the stand-in for a provider.

use rusqlite::{Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SimulatorIdentityRow {
    /// `google` or `github`.
    pub provider: String,
    /// Normalised.
    pub email: String,
    pub name: String,
    pub picture: Option<String>,
    pub email_verified: bool,
    pub used_at: i64,
}

const COLUMNS: &str = "provider, email, name, picture, email_verified, used_at";

impl SimulatorIdentityRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { provider: r.get(0)?, email: r.get(1)?, name: r.get(2)?, picture: r.get(3)?, email_verified: r.get(4)?, used_at: r.get(5)? })
    }
}

impl Reader<'_> {
    /// The identities of a provider, last used first.
    pub fn simulator_identities(&self, provider: &str) -> StoreResult<Vec<SimulatorIdentityRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _simulator_identities WHERE provider = ?1 ORDER BY used_at DESC, email");
        self.connection().prepare_cached(&sql)?.query_map([provider], SimulatorIdentityRow::read)?.map(|r| r.map_err(Into::into)).collect()
    }
}

impl Tx<'_> {
    /// Remembers an identity, or that it was used again, and forgets all but the `most` last used.
    pub fn remember_simulator_identity(&mut self, i: &SimulatorIdentityRow, most: u32) -> StoreResult<()> {
        let sql = format!("INSERT OR REPLACE INTO _simulator_identities ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        self.connection().prepare_cached(&sql)?.execute(params![i.provider, i.email, i.name, i.picture, i.email_verified, i.used_at])?;
        self.connection()
            .prepare_cached(
                "DELETE FROM _simulator_identities WHERE provider = ?1 AND email NOT IN
                 (SELECT email FROM _simulator_identities WHERE provider = ?1 ORDER BY used_at DESC, email LIMIT ?2)",
            )?
            .execute(params![i.provider, most])?;
        Ok(())
    }
}
