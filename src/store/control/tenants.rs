//! Developers' own accounts.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, email, name, image, password_hash, preferences, is_owner, signed_in_at, created_at, updated_at";

#[derive(Debug, Clone)]
pub struct TenantRow {
    pub id: String,
    pub email: String,
    pub name: String,
    pub image: Option<String>,
    pub password_hash: Option<String>,
    /// JSON object.
    pub preferences: String,
    /// Made at first run: the server owner.
    pub is_owner: bool,
    pub signed_in_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<TenantRow> {
    Ok(TenantRow {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        image: row.get(3)?,
        password_hash: row.get(4)?,
        preferences: row.get(5)?,
        is_owner: row.get(6)?,
        signed_in_at: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

impl Reader<'_> {
    pub fn tenant(&self, id: &str) -> StoreResult<Option<TenantRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM tenants WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    pub fn tenant_by_email(&self, email: &str) -> StoreResult<Option<TenantRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM tenants WHERE email = ?1"))?.query_row([email], read).optional()?)
    }

    /// The tenant made at first run.
    pub fn server_owner(&self) -> StoreResult<Option<TenantRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM tenants WHERE is_owner = 1"))?.query_row([], read).optional()?)
    }

    /// Whether anybody has ever signed in.
    pub fn anyone_signed_in(&self) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("SELECT EXISTS (SELECT 1 FROM tenants WHERE signed_in_at IS NOT NULL)")?.query_row([], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    pub fn insert_tenant(&mut self, t: &TenantRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO tenants ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))?.execute(params![
            t.id,
            t.email,
            t.name,
            t.image,
            t.password_hash,
            t.preferences,
            t.is_owner,
            t.signed_in_at,
            t.created_at,
            t.updated_at
        ])?;
        Ok(())
    }

    /// Writes everything but id, ownership and creation time.
    pub fn update_tenant(&mut self, t: &TenantRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "UPDATE tenants SET email = ?2, name = ?3, image = ?4, password_hash = ?5, preferences = ?6, signed_in_at = ?7, updated_at = ?8 WHERE id = ?1",
            )?
            .execute(params![t.id, t.email, t.name, t.image, t.password_hash, t.preferences, t.signed_in_at, t.updated_at])?;
        Ok(())
    }
}
