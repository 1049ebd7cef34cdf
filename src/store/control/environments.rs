//! Environments; each has a directory of its own beside `control.db`.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, project_id, name, type, status, created_at";

#[derive(Debug, Clone)]
pub struct EnvironmentRow {
    pub id: String,
    pub project_id: String,
    pub name: String,
    /// `dev`, `staging`, `prod` or `custom`.
    pub kind: String,
    /// `creating`, `active`, `failed` or `deleting`.
    pub status: String,
    pub created_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<EnvironmentRow> {
    Ok(EnvironmentRow { id: row.get(0)?, project_id: row.get(1)?, name: row.get(2)?, kind: row.get(3)?, status: row.get(4)?, created_at: row.get(5)? })
}

impl Reader<'_> {
    pub fn environment(&self, id: &str) -> StoreResult<Option<EnvironmentRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM environments WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    /// By name, else by id.
    pub fn environment_of(&self, project_id: &str, name_or_id: &str) -> StoreResult<Option<EnvironmentRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM environments WHERE project_id = ?1 AND (name = ?2 OR id = ?2) ORDER BY name = ?2 DESC"))?
            .query_row([project_id, name_or_id], read)
            .optional()?)
    }

    /// The environments of a project, oldest first.
    pub fn environments_of(&self, project_id: &str) -> StoreResult<Vec<EnvironmentRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM environments WHERE project_id = ?1 ORDER BY id"))?
            .query_map([project_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// Every environment of the server, oldest first.
    pub fn all_environments(&self) -> StoreResult<Vec<EnvironmentRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM environments ORDER BY id"))?
            .query_map([], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_environment(&mut self, e: &EnvironmentRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO environments ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?.execute(params![
            e.id,
            e.project_id,
            e.name,
            e.kind,
            e.status,
            e.created_at
        ])?;
        Ok(())
    }

    pub fn set_environment_status(&mut self, id: &str, status: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE environments SET status = ?2 WHERE id = ?1")?.execute([id, status])?;
        Ok(())
    }

    /// Deletes an environment's row and its keys; the directory is the caller's.
    pub fn delete_environment(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM environments WHERE id = ?1")?.execute([id])? > 0)
    }
}
