//! Jobs, as far as they outlive the process: what ran, and how it ended.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, kind, status, progress, result, error, organization_id, project_id, tenant_id, created_at, finished_at";

#[derive(Debug, Clone)]
pub struct JobRow {
    pub id: String,
    pub kind: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// JSON, like the two below.
    pub progress: String,
    pub result: Option<String>,
    pub error: Option<String>,
    pub organization_id: String,
    pub project_id: String,
    /// Who started it.
    pub tenant_id: String,
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        status: row.get(2)?,
        progress: row.get(3)?,
        result: row.get(4)?,
        error: row.get(5)?,
        organization_id: row.get(6)?,
        project_id: row.get(7)?,
        tenant_id: row.get(8)?,
        created_at: row.get(9)?,
        finished_at: row.get(10)?,
    })
}

impl Reader<'_> {
    pub fn job(&self, id: &str) -> StoreResult<Option<JobRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?.query_row([id], read).optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_job(&mut self, j: &JobRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO jobs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?.execute(params![
            j.id,
            j.kind,
            j.status,
            j.progress,
            j.result,
            j.error,
            j.organization_id,
            j.project_id,
            j.tenant_id,
            j.created_at,
            j.finished_at
        ])?;
        Ok(())
    }

    pub fn finish_job(&mut self, id: &str, status: &str, progress: &str, result: Option<&str>, error: Option<&str>, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE jobs SET status = ?2, progress = ?3, result = ?4, error = ?5, finished_at = ?6 WHERE id = ?1")?
            .execute(params![id, status, progress, result, error, now])?;
        Ok(())
    }

    /// Ends what an earlier start of the server left running, and forgets what finished before `forget`.
    pub fn end_stale_jobs(&mut self, error: &str, now: i64, forget: i64) -> StoreResult<()> {
        self.connection()
            .execute("UPDATE jobs SET status = 'failed', error = ?1, finished_at = ?2 WHERE status IN ('queued', 'running')", params![error, now])?;
        self.connection().execute("DELETE FROM jobs WHERE finished_at < ?1", [forget])?;
        Ok(())
    }
}
