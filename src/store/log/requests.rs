//! The request log.

use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, request_id, method, path, query, status, duration_us, bytes_in, bytes_out, caller_type, key_id, key_name, user_id, \
                       error_code, user_agent, at";

#[derive(Debug, Clone)]
pub struct RequestRow {
    pub id: String,
    pub request_id: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: u16,
    pub duration_us: i64,
    pub bytes_in: i64,
    pub bytes_out: i64,
    /// `guest`, `user` or `key`.
    pub caller_type: String,
    pub key_id: Option<String>,
    pub key_name: Option<String>,
    pub user_id: Option<String>,
    pub error_code: Option<String>,
    pub user_agent: Option<String>,
    pub at: i64,
    /// JSON object with headers, bodies and decision; only with a single entry.
    pub detail: Option<String>,
}

/// Which requests are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    pub method: Option<String>,
    /// Part of the path.
    pub path: Option<String>,
    /// Lowest and highest status.
    pub status: Option<(u16, u16)>,
    pub min_us: Option<i64>,
    pub caller_type: Option<String>,
    pub key_id: Option<String>,
    pub user_id: Option<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Only entries made after this id.
    pub after_id: Option<String>,
    pub order: RequestOrder,
    /// Lowest first.
    pub ascending: bool,
}

/// What a list of requests is sorted by; equal ones by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestOrder {
    #[default]
    Time,
    Duration,
    Status,
    Path,
    Method,
}

fn read(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        id: row.get(0)?,
        request_id: row.get(1)?,
        method: row.get(2)?,
        path: row.get(3)?,
        query: row.get(4)?,
        status: row.get(5)?,
        duration_us: row.get(6)?,
        bytes_in: row.get(7)?,
        bytes_out: row.get(8)?,
        caller_type: row.get(9)?,
        key_id: row.get(10)?,
        key_name: row.get(11)?,
        user_id: row.get(12)?,
        error_code: row.get(13)?,
        user_agent: row.get(14)?,
        at: row.get(15)?,
        detail: None,
    })
}

impl RequestFilter {
    fn order(&self) -> String {
        let direction = if self.ascending { "" } else { " DESC" };
        match self.order {
            RequestOrder::Time => format!("id{direction}"),
            RequestOrder::Duration => format!("duration_us{direction}, id{direction}"),
            RequestOrder::Status => format!("status{direction}, id{direction}"),
            RequestOrder::Path => format!("path{direction}, id{direction}"),
            RequestOrder::Method => format!("method{direction}, id{direction}"),
        }
    }

    fn sql(&self) -> (String, Vec<Box<dyn ToSql + '_>>) {
        let mut conditions = vec!["1"];
        let mut values: Vec<Box<dyn ToSql + '_>> = Vec::new();
        let texts = [
            ("method = ?", &self.method),
            ("instr(path, ?) > 0", &self.path),
            ("caller_type = ?", &self.caller_type),
            ("key_id = ?", &self.key_id),
            ("user_id = ?", &self.user_id),
            ("id > ?", &self.after_id),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(Box::new(value));
            }
        }
        for (condition, value) in [("duration_us >= ?", self.min_us), ("at >= ?", self.from), ("at <= ?", self.to)] {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(Box::new(value));
            }
        }
        if let Some((low, high)) = self.status {
            conditions.push("status BETWEEN ? AND ?");
            values.extend([Box::new(low) as Box<dyn ToSql>, Box::new(high)]);
        }
        (conditions.join(" AND "), values)
    }
}

impl Reader<'_> {
    /// Requests, newest first, and how many there are in all.
    pub fn requests(&self, filter: &RequestFilter, limit: u32, offset: u64) -> StoreResult<(Vec<RequestRow>, u64)> {
        let (conditions, mut values) = filter.sql();
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM requests WHERE {conditions}"))?
            .query_row(params_from_iter(&values), |r| r.get(0))?;
        values.extend([Box::new(limit) as Box<dyn ToSql>, Box::new(offset.min(i64::MAX as u64) as i64)]);
        let rows = self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM requests WHERE {conditions} ORDER BY {} LIMIT ? OFFSET ?", filter.order()))?
            .query_map(params_from_iter(&values), read)?
            .collect::<rusqlite::Result<_>>()?;
        Ok((rows, total))
    }

    /// One request with its detail: by its id, or the newest with this request id.
    pub fn request(&self, id: &str) -> StoreResult<Option<RequestRow>> {
        let with_detail = |row: &Row<'_>| Ok(RequestRow { detail: row.get(16)?, ..read(row)? });
        for condition in ["id = ?1", "request_id = ?1 ORDER BY id DESC LIMIT 1"] {
            let sql = format!("SELECT {COLUMNS}, detail FROM requests WHERE {condition}");
            if let Some(row) = self.connection().prepare_cached(&sql)?.query_row([id], with_detail).optional()? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

impl Tx<'_> {
    pub fn insert_request(&mut self, r: &RequestRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO requests ({COLUMNS}, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
            ))?
            .execute(params![
                r.id,
                r.request_id,
                r.method,
                r.path,
                r.query,
                r.status,
                r.duration_us,
                r.bytes_in,
                r.bytes_out,
                r.caller_type,
                r.key_id,
                r.key_name,
                r.user_id,
                r.error_code,
                r.user_agent,
                r.at,
                r.detail
            ])?;
        Ok(())
    }

    /// Keeps the newest `keep` requests and none from before `since`.
    pub fn trim_requests(&mut self, keep: u32, since: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM requests WHERE at < ?1")?.execute([since])?;
        self.connection().prepare_cached("DELETE FROM requests WHERE id <= (SELECT id FROM requests ORDER BY id DESC LIMIT 1 OFFSET ?1)")?.execute([keep])?;
        Ok(())
    }

    /// Empties the request log; metrics stay.
    pub fn clear_requests(&mut self) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM requests")?.execute([])?;
        Ok(())
    }
}
