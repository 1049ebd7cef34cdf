//! The mailbox of an environment, and what of it still has to be sent.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str =
    "id, template, recipient, sender, subject, html, text, variables, link, token, code, delivery, attempts, due_at, error, read_at, created_at";

#[derive(Debug, Clone, Default)]
pub struct MailRow {
    pub id: String,
    pub template: String,
    pub recipient: String,
    pub sender: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// JSON object.
    pub variables: String,
    pub link: Option<String>,
    pub token: Option<String>,
    pub code: Option<String>,
    /// `local`, `queued`, `sent` or `failed`.
    pub delivery: String,
    pub attempts: u32,
    /// When a queued one is to be tried next.
    pub due_at: Option<i64>,
    pub error: Option<String>,
    pub read_at: Option<i64>,
    pub created_at: i64,
}

/// Which mails are wanted; everything given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailFilter {
    pub id: Option<String>,
    /// The address, exactly as it is stored.
    pub to: Option<String>,
    /// Part of address, subject or text, ignoring the case of ASCII letters.
    pub search: Option<String>,
    pub template: Option<String>,
    /// Only those nobody has read, or only those somebody has.
    pub unread: Option<bool>,
    /// Sent then or later.
    pub since: Option<i64>,
}

impl MailFilter {
    /// The conditions with their values, in one order.
    fn compile(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1"];
        let mut values: Vec<Value> = Vec::new();
        let mut add = |condition: &'static str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value);
            }
        };
        add("id = ?", self.id.clone().map(Value::from));
        add("recipient = ?", self.to.clone().map(Value::from));
        add("template = ?", self.template.clone().map(Value::from));
        add("created_at >= ?", self.since.map(Value::from));
        add("(read_at IS NULL) = ?", self.unread.map(Value::from));
        let pattern = self.search.as_ref().map(|text| format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
        add("recipient || char(10) || subject || char(10) || text LIKE ? ESCAPE '\\'", pattern.map(Value::from));
        (conditions.join(" AND "), values)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<MailRow> {
    Ok(MailRow {
        id: row.get(0)?,
        template: row.get(1)?,
        recipient: row.get(2)?,
        sender: row.get(3)?,
        subject: row.get(4)?,
        html: row.get(5)?,
        text: row.get(6)?,
        variables: row.get(7)?,
        link: row.get(8)?,
        token: row.get(9)?,
        code: row.get(10)?,
        delivery: row.get(11)?,
        attempts: row.get(12)?,
        due_at: row.get(13)?,
        error: row.get(14)?,
        read_at: row.get(15)?,
        created_at: row.get(16)?,
    })
}

impl Reader<'_> {
    /// One page of the mailbox, newest first, and how many match in all.
    pub fn mails(&self, filter: &MailFilter, limit: u32, offset: u64) -> StoreResult<(Vec<MailRow>, u64)> {
        let (conditions, values) = filter.compile();
        let paged = values.iter().cloned().chain([Value::from(limit), Value::from(i64::try_from(offset).unwrap_or(i64::MAX))]);
        let rows = self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM _mail WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?"))?
            .query_map(params_from_iter(paged), read)?
            .collect::<rusqlite::Result<_>>()?;
        let count = format!("SELECT count(*) FROM _mail WHERE {conditions}");
        let total = self.connection().prepare_cached(&count)?.query_row(params_from_iter(values), |r| r.get(0))?;
        Ok((rows, total))
    }

    pub fn mail(&self, id: &str) -> StoreResult<Option<MailRow>> {
        Ok(self.connection().prepare_cached(&format!("SELECT {COLUMNS} FROM _mail WHERE id = ?1"))?.query_row([id], read).optional()?)
    }

    /// The queued mails that are due first.
    pub fn queued_mails(&self, limit: u32) -> StoreResult<Vec<MailRow>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM _mail WHERE delivery = 'queued' ORDER BY due_at, id LIMIT ?1"))?
            .query_map([limit], read)?
            .map(|row| row.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    /// Keeps the newest `keep` besides what is still to be sent.
    pub fn insert_mail(&mut self, m: &MailRow, keep: u32) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT INTO _mail ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"))?
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
                m.token,
                m.code,
                m.delivery,
                m.attempts,
                m.due_at,
                m.error,
                m.read_at,
                m.created_at
            ])?;
        self.connection()
            .prepare_cached("DELETE FROM _mail WHERE id <= (SELECT id FROM _mail ORDER BY id DESC LIMIT 1 OFFSET ?1) AND delivery <> 'queued'")?
            .execute([keep])?;
        Ok(())
    }

    /// Notes the outcome of an attempt to send.
    pub fn set_mail_delivery(&mut self, m: &MailRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _mail SET delivery = ?2, attempts = ?3, due_at = ?4, error = ?5 WHERE id = ?1")?
            .execute(params![m.id, m.delivery, m.attempts, m.due_at, m.error])?;
        Ok(())
    }

    pub fn set_mail_read(&mut self, id: &str, read_at: Option<i64>) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("UPDATE _mail SET read_at = ?2 WHERE id = ?1")?.execute(params![id, read_at])? > 0)
    }

    /// Deletes what matches; answers how many.
    pub fn delete_mails(&mut self, filter: &MailFilter) -> StoreResult<usize> {
        let (conditions, values) = filter.compile();
        Ok(self.connection().prepare_cached(&format!("DELETE FROM _mail WHERE {conditions}"))?.execute(params_from_iter(values))?)
    }
}
