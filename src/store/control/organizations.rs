//! Organizations and who belongs to them.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "o.id, o.slug, o.name, o.display_name, o.description, o.created_at, o.updated_at";

#[derive(Debug, Clone)]
pub struct OrganizationRow {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A membership, with what lists show of the member.
#[derive(Debug, Clone)]
pub struct MemberRow {
    pub tenant_id: String,
    pub email: String,
    pub name: String,
    pub image: Option<String>,
    /// `owner`, `admin`, `member` or `billing`.
    pub role: String,
    pub joined_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<OrganizationRow> {
    Ok(OrganizationRow {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        display_name: row.get(3)?,
        description: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

impl Reader<'_> {
    /// By id, else by slug.
    pub fn organization(&self, id_or_slug: &str) -> StoreResult<Option<OrganizationRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM organizations o WHERE o.id = ?1 OR o.slug = ?1 ORDER BY o.id = ?1 DESC"))?
            .query_row([id_or_slug], read)
            .optional()?)
    }

    /// The organizations of a tenant with its role, oldest first.
    pub fn organizations_of(&self, tenant_id: &str) -> StoreResult<Vec<(OrganizationRow, String)>> {
        self.connection()
            .prepare_cached(&format!(
                "SELECT {COLUMNS}, m.role FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.tenant_id = ?1 ORDER BY o.id"
            ))?
            .query_map([tenant_id], |row| Ok((read(row)?, row.get(7)?)))?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// The role of a tenant in an organization, if it is a member.
    pub fn role_of(&self, organization_id: &str, tenant_id: &str) -> StoreResult<Option<String>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT role FROM members WHERE organization_id = ?1 AND tenant_id = ?2")?
            .query_row([organization_id, tenant_id], |r| r.get(0))
            .optional()?)
    }

    /// Everybody in an organization, in the order they joined.
    pub fn members(&self, organization_id: &str) -> StoreResult<Vec<MemberRow>> {
        self.connection()
            .prepare_cached(
                "SELECT t.id, t.email, t.name, t.image, m.role, m.joined_at FROM members m JOIN tenants t ON t.id = m.tenant_id
                 WHERE m.organization_id = ?1 ORDER BY m.joined_at, t.id",
            )?
            .query_map([organization_id], |row| {
                Ok(MemberRow { tenant_id: row.get(0)?, email: row.get(1)?, name: row.get(2)?, image: row.get(3)?, role: row.get(4)?, joined_at: row.get(5)? })
            })?
            .map(|r| r.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn insert_organization(&mut self, o: &OrganizationRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO organizations (id, slug, name, display_name, description, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![o.id, o.slug, o.name, o.display_name, o.description, o.created_at, o.updated_at])?;
        Ok(())
    }

    /// Writes name, display name, description and update time.
    pub fn update_organization(&mut self, o: &OrganizationRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE organizations SET name = ?2, display_name = ?3, description = ?4, updated_at = ?5 WHERE id = ?1")?
            .execute(params![o.id, o.name, o.display_name, o.description, o.updated_at])?;
        Ok(())
    }

    /// Deletes an organization with its memberships, projects, environments and keys (rows only).
    pub fn delete_organization(&mut self, id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM organizations WHERE id = ?1")?.execute([id])? > 0)
    }

    /// Adds a member, or changes its role.
    pub fn set_member(&mut self, organization_id: &str, tenant_id: &str, role: &str, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO members (organization_id, tenant_id, role, joined_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (organization_id, tenant_id) DO UPDATE SET role = excluded.role",
            )?
            .execute(params![organization_id, tenant_id, role, now])?;
        Ok(())
    }

    pub fn remove_member(&mut self, organization_id: &str, tenant_id: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM members WHERE organization_id = ?1 AND tenant_id = ?2")?.execute([organization_id, tenant_id])? > 0)
    }
}
