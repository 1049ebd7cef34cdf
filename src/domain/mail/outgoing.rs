//! Writing a mail: into the mailbox, in the transaction of the secret it carries.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::letterhead::Letterhead;
use super::locale::Locale;
use super::render::Text;
use super::template::Template;
use super::{KEPT, built_in};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::store::data::MailRow;
use crate::store::{Reader, Tx};

/// A mail about to be written.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub template: Template,
    /// The address in its normal form.
    pub to: String,
    /// Absent: the local part of the address stands for it.
    pub user_name: Option<String>,
    /// The user's `locale` preference; absent or without texts: the environment's `defaultLocale`.
    pub locale: Option<String>,
    /// Seconds that the secret lives.
    pub lifetime: i64,
    pub link: Option<String>,
    pub token: Option<String>,
    pub code: Option<String>,
    /// Further variables, such as `inviterName`.
    pub variables: Map<String, Value>,
}

impl Outgoing {
    /// A mail with a link that carries a token. `lifetime` is in seconds.
    pub fn link(template: Template, to: impl Into<String>, link: impl Into<String>, token: impl Into<String>, lifetime: i64) -> Self {
        Self { link: Some(link.into()), token: Some(token.into()), ..Self::empty(template, to.into(), lifetime) }
    }

    /// A mail with a code. `lifetime` is in seconds.
    pub fn code(to: impl Into<String>, code: impl Into<String>, lifetime: i64) -> Self {
        Self { code: Some(code.into()), ..Self::empty(Template::EmailCode, to.into(), lifetime) }
    }

    fn empty(template: Template, to: String, lifetime: i64) -> Self {
        Self { template, to, user_name: None, locale: None, lifetime, link: None, token: None, code: None, variables: Map::new() }
    }

    /// Whom it is for, as far as that is known.
    #[must_use]
    pub fn user(mut self, name: Option<&str>, locale: Option<&str>) -> Self {
        self.user_name = name.map(str::to_owned);
        self.locale = locale.map(str::to_owned);
        self
    }

    /// Adds a variable, such as `inviterName` or `resourceName`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn locale_in(&self, letterhead: &Letterhead) -> Locale {
        self.locale.as_deref().and_then(Locale::of_tag).unwrap_or(letterhead.default_locale)
    }

    /// Everything a text may name.
    pub(super) fn all_variables(&self, letterhead: &Letterhead) -> Map<String, Value> {
        let local_part = || self.to.split('@').next().unwrap_or_default().to_owned();
        let mut all = Map::from_iter([
            ("userName".to_owned(), self.user_name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(local_part).into()),
            ("userEmail".to_owned(), self.to.clone().into()),
            ("appName".to_owned(), letterhead.app_name.clone().into()),
            ("expiresIn".to_owned(), self.locale_in(letterhead).span(self.lifetime).into()),
            ("logoUrl".to_owned(), letterhead.logo_url.clone().into()),
            ("brandColor".to_owned(), letterhead.brand_color.clone().into()),
            ("senderName".to_owned(), letterhead.sender_name.clone().into()),
        ]);
        let own = [(self.template.link_variable(), &self.link), (Some("token"), &self.token), (Some("code"), &self.code)];
        all.extend(own.into_iter().filter_map(|(name, value)| Some((name?.to_owned(), value.clone()?.into()))));
        all.extend(self.variables.clone());
        all
    }
}

/// The text in force: the own one while own texts are sent, else the built-in one.
pub(super) fn text_in_force(r: &Reader<'_>, letterhead: &Letterhead, template: Template, locale: Locale) -> Result<Text> {
    let own = if letterhead.override_defaults { r.mail_template(template.name(), locale.name())? } else { None };
    Ok(own.map_or_else(|| built_in::text(template, locale), |row| Text { subject: row.subject.into(), body: row.body.into() }))
}

impl Environment {
    /// Writes a mail into the mailbox in the text and language in force; answers its id. Once the transaction is durable,
    /// it is logged and, where SMTP is set up, sent: neither can fail what the mail belongs to.
    ///
    /// # Errors
    /// Those of the store.
    pub fn put_mail(&self, tx: &mut Tx<'_>, mail: &Outgoing) -> Result<String> {
        let letterhead = Letterhead::of(self);
        let text = text_in_force(&tx.reader(), &letterhead, mail.template, mail.locale_in(&letterhead))?;
        self.put_mail_as(tx, mail, &letterhead, &text)
    }

    /// The same with a text of the caller's.
    pub(super) fn put_mail_as(&self, tx: &mut Tx<'_>, mail: &Outgoing, letterhead: &Letterhead, text: &Text) -> Result<String> {
        let variables = mail.all_variables(letterhead);
        let (rendered, now) = (text.render(&variables), self.now());
        let row = MailRow {
            id: new_id(),
            template: mail.template.name().to_owned(),
            recipient: mail.to.clone(),
            sender: letterhead.from(),
            subject: rendered.subject,
            html: rendered.html,
            text: rendered.text,
            variables: serde_json::to_string(&variables).map_err(Error::internal)?,
            link: mail.link.clone(),
            token: mail.token.clone(),
            code: mail.code.clone(),
            delivery: if letterhead.sends { "queued" } else { "local" }.to_owned(),
            due_at: letterhead.sends.then_some(now),
            created_at: now,
            ..MailRow::default()
        };
        tx.insert_mail(&row, KEPT)?;
        let (post, id) = (Arc::clone(self.post()), row.id.clone());
        tx.after_commit(move || post.announce(&row.template, &row.recipient, row.link.as_deref().or(row.code.as_deref())));
        Ok(id)
    }
}
