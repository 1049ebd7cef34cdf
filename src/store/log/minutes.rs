//! What an environment did, minute by minute.

use rusqlite::{Row, params};

use crate::store::{Reader, StoreResult, Tx};

/// One minute with traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MinuteRow {
    /// Minutes since the epoch.
    pub minute: i64,
    pub requests: u64,
    pub errors_4xx: u64,
    pub errors_5xx: u64,
    /// Requests per latency bucket.
    pub latency: Vec<u64>,
    pub rows: Option<u64>,
    pub storage_bytes: Option<u64>,
    pub users: Option<u64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<MinuteRow> {
    let latency: String = row.get(4)?;
    Ok(MinuteRow {
        minute: row.get(0)?,
        requests: row.get(1)?,
        errors_4xx: row.get(2)?,
        errors_5xx: row.get(3)?,
        latency: latency.split_ascii_whitespace().map(|n| n.parse().unwrap_or(0)).collect(),
        rows: row.get(5)?,
        storage_bytes: row.get(6)?,
        users: row.get(7)?,
    })
}

const COLUMNS: &str = "minute, requests, errors_4xx, errors_5xx, latency, rows, storage_bytes, users";

impl Reader<'_> {
    /// The minutes of a time, oldest first; the end is not included.
    pub fn minutes(&self, from: i64, to: i64) -> StoreResult<Vec<MinuteRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM minutes WHERE minute >= ?1 AND minute < ?2 ORDER BY minute"))?
            .query_map([from, to], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// The last minute before a time at which sizes were noted.
    pub fn sizes_before(&self, minute: i64) -> StoreResult<Option<MinuteRow>> {
        let mut statement =
            self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM minutes WHERE minute < ?1 AND rows IS NOT NULL ORDER BY minute DESC LIMIT 1"))?;
        let mut rows = statement.query_map([minute], read)?;
        Ok(rows.next().transpose()?)
    }
}

impl Tx<'_> {
    /// Adds to what is known of a minute; sizes replace those noted before.
    pub fn add_minute(&mut self, added: &MinuteRow) -> StoreResult<()> {
        let mut all = self.reader().minutes(added.minute, added.minute + 1)?.pop().unwrap_or_default();
        if all.latency.len() < added.latency.len() {
            all.latency.resize(added.latency.len(), 0);
        }
        for (sum, n) in all.latency.iter_mut().zip(&added.latency) {
            *sum += n;
        }
        let latency = all.latency.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        self.connection().prepare_cached(&format!("INSERT OR REPLACE INTO minutes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?.execute(params![
            added.minute,
            all.requests + added.requests,
            all.errors_4xx + added.errors_4xx,
            all.errors_5xx + added.errors_5xx,
            latency,
            added.rows.or(all.rows),
            added.storage_bytes.or(all.storage_bytes),
            added.users.or(all.users)
        ])?;
        Ok(())
    }

    pub fn trim_minutes(&mut self, since: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM minutes WHERE minute < ?1")?.execute([since])?;
        Ok(())
    }
}
