//! Projects.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, organization_id, slug, name, description, primary_cloud, primary_region, settings, cors_origins, created_at, updated_at";

#[derive(Debug, Clone, Default)]
pub struct ProjectRow {
    pub id: String,
    pub organization_id: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub primary_cloud: String,
    pub primary_region: String,
    /// JSON object.
    pub settings: String,
    /// JSON array of origins.
    pub cors_origins: String,
    pub created_at: i64,
    pub updated_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<ProjectRow> {
    Ok(ProjectRow {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        slug: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        primary_cloud: row.get(5)?,
        primary_region: row.get(6)?,
        settings: row.get(7)?,
        cors_origins: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}

impl Reader<'_> {
    pub fn project(&self, id: &str) -> StoreResult<Option<ProjectRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM projects WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    pub fn project_by_slug(&self, organization_id: &str, slug: &str) -> StoreResult<Option<ProjectRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM projects WHERE organization_id = ?1 AND slug = ?2"))?
            .query_row([organization_id, slug], read)
            .optional()?)
    }

    /// Every project of the server, oldest first.
    pub fn all_projects(&self) -> StoreResult<Vec<ProjectRow>> {
        self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM projects ORDER BY id"))?.query_map([], read)?.map(|r| r.map_err(Into::into)).collect()
    }

    /// The projects of an organization, oldest first.
    pub fn projects_of(&self, organization_id: &str) -> StoreResult<Vec<ProjectRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM projects WHERE organization_id = ?1 ORDER BY id"))?
            .query_map([organization_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_project(&mut self, p: &ProjectRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO projects ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?.execute(
            params![
                p.id,
                p.organization_id,
                p.slug,
                p.name,
                p.description,
                p.primary_cloud,
                p.primary_region,
                p.settings,
                p.cors_origins,
                p.created_at,
                p.updated_at
            ],
        )?;
        Ok(())
    }

    /// Writes everything but ids and creation time.
    pub fn update_project(&mut self, p: &ProjectRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "UPDATE projects SET slug = ?2, name = ?3, description = ?4, primary_cloud = ?5, primary_region = ?6, settings = ?7,
                 cors_origins = ?8, updated_at = ?9 WHERE id = ?1",
            )?
            .execute(params![p.id, p.slug, p.name, p.description, p.primary_cloud, p.primary_region, p.settings, p.cors_origins, p.updated_at])?;
        Ok(())
    }

    /// Deletes a project with its environments and keys (rows only).
    pub fn delete_project(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM projects WHERE id = ?1")?.execute([id])? > 0)
    }
}
