//! What an environment holds besides records, counted.

use crate::store::{Reader, StoreResult};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnvironmentCounts {
    pub users: u64,
    pub files: u64,
    /// Bytes of everything stored, parts and unregistered objects included.
    pub storage_bytes: u64,
}

/// When things happened first, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Firsts {
    pub table: Option<i64>,
    pub record: Option<i64>,
    pub user: Option<i64>,
    pub file: Option<i64>,
}

impl Reader<'_> {
    pub fn environment_counts(&self) -> StoreResult<EnvironmentCounts> {
        let (files, storage_bytes) = self
            .connection()
            .prepare_cached("SELECT (SELECT count(*) FROM _files), bytes FROM _stored_bytes")?
            .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(EnvironmentCounts { users: self.count_users()?, files, storage_bytes })
    }

    /// Records of all tables, by counting them.
    pub fn record_count(&self) -> StoreResult<u64> {
        let mut rows = 0;
        for name in self.physical_tables()? {
            rows += self.connection().prepare(&format!("SELECT count(*) FROM {}", quoted(&name)))?.query_row([], |r| r.get::<_, u64>(0))?;
        }
        Ok(rows)
    }

    pub fn firsts(&self) -> StoreResult<Firsts> {
        let first = |sql: &str| -> StoreResult<Option<i64>> { Ok(self.connection().prepare(sql)?.query_row([], |r| r.get(0))?) };
        let mut record = None;
        for name in self.physical_tables()? {
            // The lowest id is the oldest: the primary key answers without a scan.
            let sql = format!("SELECT (SELECT created_at FROM {} ORDER BY id LIMIT 1)", quoted(&name));
            record = [record, first(&sql)?].into_iter().flatten().min();
        }
        Ok(Firsts {
            table: first("SELECT min(created_at) FROM _tables")?,
            record,
            user: first("SELECT min(created_at) FROM _users WHERE deleted_at IS NULL")?,
            file: first("SELECT min(created_at) FROM _files")?,
        })
    }

    fn physical_tables(&self) -> StoreResult<Vec<String>> {
        self.connection().prepare_cached("SELECT physical FROM _tables")?.query_map([], |r| r.get(0))?.map(|r| r.map_err(Into::into)).collect()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
