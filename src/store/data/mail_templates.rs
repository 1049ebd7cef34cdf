//! Own texts of mails.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplateRow {
    pub template: String,
    pub locale: String,
    pub subject: String,
    /// HTML.
    pub body: String,
    pub updated_at: i64,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<MailTemplateRow> {
    Ok(MailTemplateRow { template: row.get(0)?, locale: row.get(1)?, subject: row.get(2)?, body: row.get(3)?, updated_at: row.get(4)? })
}

impl Reader<'_> {
    pub fn mail_template(&self, template: &str, locale: &str) -> StoreResult<Option<MailTemplateRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT template, locale, subject, body, updated_at FROM _mail_templates WHERE template = ?1 AND locale = ?2")?
            .query_row([template, locale], read)
            .optional()?)
    }

    pub fn mail_templates(&self) -> StoreResult<Vec<MailTemplateRow>> {
        self.connection()
            .prepare_cached("SELECT template, locale, subject, body, updated_at FROM _mail_templates")?
            .query_map([], read)?
            .map(|row| row.map_err(Into::into))
            .collect()
    }
}

impl Tx<'_> {
    pub fn put_mail_template(&mut self, t: &MailTemplateRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _mail_templates (template, locale, subject, body, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (template, locale) DO UPDATE SET subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at",
            )?
            .execute(params![t.template, t.locale, t.subject, t.body, t.updated_at])?;
        Ok(())
    }

    pub fn delete_mail_template(&mut self, template: &str, locale: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("DELETE FROM _mail_templates WHERE template = ?1 AND locale = ?2")?.execute([template, locale])? > 0)
    }
}
