//! Invitations to organizations: only SHA-256 hashes of their tokens are kept.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, organization_id, email, name, role, hash, generation, status, invited_by, expires_at, created_at, updated_at";

#[derive(Debug, Clone)]
pub struct InvitationRow {
    pub id: String,
    pub organization_id: String,
    pub email: String,
    pub name: String,
    pub role: String,
    pub hash: [u8; 32],
    /// How often its link was made anew.
    pub generation: u32,
    /// `pending`, `accepted`, `rejected`, `expired` or `revoked`.
    pub status: String,
    /// JSON: the actor.
    pub invited_by: String,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<InvitationRow> {
    Ok(InvitationRow {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        email: row.get(2)?,
        name: row.get(3)?,
        role: row.get(4)?,
        hash: row.get(5)?,
        generation: row.get(6)?,
        status: row.get(7)?,
        invited_by: row.get(8)?,
        expires_at: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
    })
}

impl Reader<'_> {
    /// The invitations of an organization, newest first.
    pub fn invitations(&self, organization_id: &str) -> StoreResult<Vec<InvitationRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM invitations WHERE organization_id = ?1 ORDER BY id DESC"))?
            .query_map([organization_id], read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    pub fn invitation(&self, organization_id: &str, id: &str) -> StoreResult<Option<InvitationRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM invitations WHERE organization_id = ?1 AND id = ?2"))?
            .query_row([organization_id, id], read)
            .optional()?)
    }

    pub fn invitation_by_hash(&self, hash: &[u8; 32]) -> StoreResult<Option<InvitationRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM invitations WHERE hash = ?1"))?.query_row([hash], read).optional()?)
    }

    /// Whether any organization waits for an answer of this address.
    pub fn is_invited(&self, email: &str, now: i64) -> StoreResult<bool> {
        Ok(self
            .connection()
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM invitations WHERE email = ?1 AND status = 'pending' AND expires_at > ?2)")?
            .query_row(params![email, now], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    pub fn insert_invitation(&mut self, i: &InvitationRow) -> StoreResult<()> {
        self.connection().prepare_cached(&format!("INSERT INTO invitations ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"))?.execute(
            params![i.id, i.organization_id, i.email, i.name, i.role, i.hash, i.generation, i.status, i.invited_by, i.expires_at, i.created_at, i.updated_at],
        )?;
        Ok(())
    }

    /// Writes what a new link or an answer changes.
    pub fn update_invitation(&mut self, i: &InvitationRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE invitations SET hash = ?2, generation = ?3, status = ?4, expires_at = ?5, updated_at = ?6 WHERE id = ?1")?
            .execute(params![i.id, i.hash, i.generation, i.status, i.expires_at, i.updated_at])?;
        Ok(())
    }

    /// Marks the pending invitations of an organization that are over.
    pub fn expire_invitations(&mut self, organization_id: &str, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE invitations SET status = 'expired' WHERE organization_id = ?1 AND status = 'pending' AND expires_at <= ?2")?
            .execute(params![organization_id, now])?;
        Ok(())
    }
}
