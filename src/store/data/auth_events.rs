//! What happened to accounts: sign-ins, changes, refusals. Never a secret.

use rusqlite::{Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthEventRow {
    pub id: String,
    pub kind: String,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub ip_address: String,
    pub user_agent: String,
    pub success: bool,
    pub code: Option<String>,
    pub created_at: i64,
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuthEventFilter {
    pub user_id: Option<String>,
    pub kind: Option<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

const COLUMNS: &str = "id, type, user_id, session_id, ip_address, user_agent, success, code, created_at";
const WHERE: &str = "(?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR type = ?2) AND (?3 IS NULL OR created_at >= ?3) AND (?4 IS NULL OR created_at <= ?4)";

impl AuthEventRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            kind: r.get(1)?,
            user_id: r.get(2)?,
            session_id: r.get(3)?,
            ip_address: r.get(4)?,
            user_agent: r.get(5)?,
            success: r.get(6)?,
            code: r.get(7)?,
            created_at: r.get(8)?,
        })
    }
}

impl Reader<'_> {
    /// A page of events, newest first, and how many there are.
    pub fn auth_events(&self, f: &AuthEventFilter, limit: u32, offset: u64) -> StoreResult<(Vec<AuthEventRow>, u64)> {
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM _auth_events WHERE {WHERE}"))?
            .query_row(params![f.user_id, f.kind, f.from, f.to], |r| r.get(0))?;
        let sql = format!("SELECT {COLUMNS} FROM _auth_events WHERE {WHERE} ORDER BY id DESC LIMIT ?5 OFFSET ?6");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params![f.user_id, f.kind, f.from, f.to, limit, offset as i64], AuthEventRow::read)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }
}

impl Tx<'_> {
    pub fn insert_auth_event(&mut self, e: &AuthEventRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _auth_events ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        self.connection().prepare_cached(&sql)?.execute(params![
            e.id,
            e.kind,
            e.user_id,
            e.session_id,
            e.ip_address,
            e.user_agent,
            e.success,
            e.code,
            e.created_at
        ])?;
        Ok(())
    }

    /// Forgets events before a time, and all but the newest `keep`.
    pub fn purge_auth_events(&mut self, before: i64, keep: u64) -> StoreResult<u64> {
        let old = self.connection().prepare_cached("DELETE FROM _auth_events WHERE created_at < ?1")?.execute([before])?;
        let more = self
            .connection()
            .prepare_cached("DELETE FROM _auth_events WHERE id <= (SELECT id FROM _auth_events ORDER BY id DESC LIMIT 1 OFFSET ?1)")?
            .execute([keep as i64])?;
        Ok((old + more) as u64)
    }
}
