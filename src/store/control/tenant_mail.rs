//! Mail to developers: the server's own mailbox, and what of it still has to be sent.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, template, recipient, sender, subject, html, text, variables, link, delivery, attempts, due_at, error, created_at";

#[derive(Debug, Clone)]
pub struct TenantMailRow {
    pub id: String,
    pub template: String,
    pub recipient: String,
    pub sender: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// JSON object.
    pub variables: String,
    pub link: String,
    /// `local`, `queued`, `sent` or `failed`.
    pub delivery: String,
    pub attempts: u32,
    /// When a queued one is to be tried next.
    pub due_at: Option<i64>,
    pub error: Option<String>,
    pub created_at: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<TenantMailRow> {
    Ok(TenantMailRow {
        id: row.get(0)?,
        template: row.get(1)?,
        recipient: row.get(2)?,
        sender: row.get(3)?,
        subject: row.get(4)?,
        html: row.get(5)?,
        text: row.get(6)?,
        variables: row.get(7)?,
        link: row.get(8)?,
        delivery: row.get(9)?,
        attempts: row.get(10)?,
        due_at: row.get(11)?,
        error: row.get(12)?,
        created_at: row.get(13)?,
    })
}

impl Reader<'_> {
    /// One page of the mailbox, newest first, and how many there are in all.
    pub fn tenant_mail(&self, limit: u32, offset: u64) -> StoreResult<(Vec<TenantMailRow>, u64)> {
        let rows = self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM tenant_mail ORDER BY id DESC LIMIT ?1 OFFSET ?2"))?
            .query_map(params![limit, offset], read)?
            .collect::<rusqlite::Result<_>>()?;
        let total = self.connection().prepare_cached("SELECT count(*) FROM tenant_mail")?.query_row([], |r| r.get(0))?;
        Ok((rows, total))
    }

    /// The queued mail that is due first.
    pub fn next_tenant_mail(&self) -> StoreResult<Option<TenantMailRow>> {
        Ok(self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM tenant_mail WHERE delivery = 'queued' ORDER BY due_at, id LIMIT 1"))?
            .query_row([], read)
            .optional()?)
    }
}

impl Tx<'_> {
    /// Keeps the newest `keep` besides what is still to be sent.
    pub fn insert_tenant_mail(&mut self, m: &TenantMailRow, keep: u32) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO tenant_mail ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"))?
            .execute(params![
                m.id,
                m.template,
                m.recipient,
                m.sender,
                m.subject,
                m.html,
                m.text,
                m.variables,
                m.link,
                m.delivery,
                m.attempts,
                m.due_at,
                m.error,
                m.created_at
            ])?;
        self.connection()
            .prepare_cached("DELETE FROM tenant_mail WHERE id <= (SELECT id FROM tenant_mail ORDER BY id DESC LIMIT 1 OFFSET ?1) AND delivery <> 'queued'")?
            .execute([keep])?;
        Ok(())
    }

    /// Notes the outcome of an attempt to send.
    pub fn set_tenant_mail_delivery(&mut self, m: &TenantMailRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE tenant_mail SET delivery = ?2, attempts = ?3, due_at = ?4, error = ?5 WHERE id = ?1")?
            .execute(params![m.id, m.delivery, m.attempts, m.due_at, m.error])?;
        Ok(())
    }
}
