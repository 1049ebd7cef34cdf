//! Invitations that users of an app have sent.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvitationRow {
    pub id: String,
    pub resource_type: String,
    pub resource_id: String,
    pub resource_name: Option<String>,
    pub resource_role: String,
    /// Normalised.
    pub email: String,
    pub name: Option<String>,
    /// Absent when a secret key has sent it.
    pub inviter_id: Option<String>,
    pub inviter_name: Option<String>,
    pub token_hash: Vec<u8>,
    /// `pending`, `accepted`, `rejected` or `revoked`; a pending one past `expires_at` has expired.
    pub status: String,
    /// When the role of an accepted one was given.
    pub granted_at: Option<i64>,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Which invitations are wanted.
#[derive(Debug, Clone, Default)]
pub struct InvitationFilter {
    pub inviter_id: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    /// Also `expired`.
    pub status: Option<String>,
    /// What counts as expired.
    pub now: i64,
}

const COLUMNS: &str = "id, resource_type, resource_id, resource_name, resource_role, email, name, inviter_id, inviter_name, token_hash, status, granted_at, \
                       expires_at, created_at, updated_at";
const WHERE: &str = "(?1 IS NULL OR inviter_id = ?1) AND (?2 IS NULL OR resource_type = ?2) AND (?3 IS NULL OR resource_id = ?3)
                     AND (?4 IS NULL OR CASE WHEN status = 'pending' AND expires_at <= ?5 THEN 'expired' ELSE status END = ?4)";

impl InvitationRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            resource_type: r.get(1)?,
            resource_id: r.get(2)?,
            resource_name: r.get(3)?,
            resource_role: r.get(4)?,
            email: r.get(5)?,
            name: r.get(6)?,
            inviter_id: r.get(7)?,
            inviter_name: r.get(8)?,
            token_hash: r.get(9)?,
            status: r.get(10)?,
            granted_at: r.get(11)?,
            expires_at: r.get(12)?,
            created_at: r.get(13)?,
            updated_at: r.get(14)?,
        })
    }
}

impl Reader<'_> {
    pub fn app_invitation(&self, id: &str) -> StoreResult<Option<InvitationRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _invitations WHERE id = ?1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([id], InvitationRow::read).optional()?)
    }

    pub fn app_invitation_by_token(&self, hash: &[u8]) -> StoreResult<Option<InvitationRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _invitations WHERE token_hash = ?1");
        Ok(self.connection().prepare_cached(&sql)?.query_row([hash], InvitationRow::read).optional()?)
    }

    /// A page of invitations, newest first, and how many there are.
    pub fn app_invitations(&self, f: &InvitationFilter, limit: u32, offset: u64) -> StoreResult<(Vec<InvitationRow>, u64)> {
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM _invitations WHERE {WHERE}"))?
            .query_row(params![f.inviter_id, f.resource_type, f.resource_id, f.status, f.now], |r| r.get(0))?;
        let sql = format!("SELECT {COLUMNS} FROM _invitations WHERE {WHERE} ORDER BY created_at DESC, id DESC LIMIT ?6 OFFSET ?7");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(
            params![f.inviter_id, f.resource_type, f.resource_id, f.status, f.now, limit, i64::try_from(offset).unwrap_or(i64::MAX)],
            InvitationRow::read,
        )?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    /// The living invitations that a user has sent, or those of an address to a resource.
    pub fn pending_app_invitations(&self, inviter_id: Option<&str>, to: Option<(&str, &str, &str)>, now: i64) -> StoreResult<Vec<InvitationRow>> {
        let (email, kind, resource) = to.map_or((None, None, None), |(email, kind, resource)| (Some(email), Some(kind), Some(resource)));
        let sql = format!(
            "SELECT {COLUMNS} FROM _invitations WHERE status = 'pending' AND expires_at > ?5 AND (?1 IS NULL OR inviter_id = ?1)
             AND (?2 IS NULL OR (email = ?2 AND resource_type = ?3 AND resource_id = ?4)) ORDER BY id"
        );
        self.connection()
            .prepare_cached(&sql)?
            .query_map(params![inviter_id, email, kind, resource, now], InvitationRow::read)?
            .map(|r| r.map_err(Into::into))
            .collect()
    }

    /// Accepted invitations of an address to a resource whose role was not given yet, newest acceptance first.
    pub fn ungranted_app_invitations(&self, email: &str, kind: &str, resource: &str) -> StoreResult<Vec<InvitationRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM _invitations WHERE email = ?1 AND resource_type = ?2 AND resource_id = ?3 AND status = 'accepted' AND granted_at IS NULL
             ORDER BY updated_at DESC, id DESC"
        );
        self.connection().prepare_cached(&sql)?.query_map([email, kind, resource], InvitationRow::read)?.map(|r| r.map_err(Into::into)).collect()
    }
}

impl Tx<'_> {
    pub fn insert_app_invitation(&mut self, i: &InvitationRow) -> StoreResult<()> {
        let sql = format!("INSERT INTO _invitations ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
        self.connection().prepare_cached(&sql)?.execute(params![
            i.id,
            i.resource_type,
            i.resource_id,
            i.resource_name,
            i.resource_role,
            i.email,
            i.name,
            i.inviter_id,
            i.inviter_name,
            i.token_hash,
            i.status,
            i.granted_at,
            i.expires_at,
            i.created_at,
            i.updated_at
        ])?;
        Ok(())
    }

    /// Answers, revokes or grants an invitation.
    pub fn set_app_invitation_status(&mut self, id: &str, status: &str, granted_at: Option<i64>, now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _invitations SET status = ?2, granted_at = ?3, updated_at = ?4 WHERE id = ?1")?
            .execute(params![id, status, granted_at, now])?;
        Ok(())
    }
}
