//! Reading an environment's mailbox; for developers only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::activities::Change;
use crate::domain::auth::Email;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::page::{List, Page};
use crate::domain::tenancy::guard::{Need, Role};
use crate::domain::time;
use crate::store::data::{MailFilter, MailRow};

/// Characters of a search.
const SEARCH: usize = 100;

/// A mail an environment has sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    pub id: String,
    /// `signup_confirmation`, `email_verification`, `password_reset`, `magic_link`, `email_code` or `invitation`.
    pub template: String,
    pub to: String,
    pub from: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// What its text could name.
    #[schema(value_type = Object)]
    pub variables: Value,
    pub link: Option<String>,
    pub token: Option<String>,
    pub code: Option<String>,
    /// `local` (it stays here), `queued`, `sent` or `failed`.
    pub delivery: String,
    /// What the mail server said when it did not take the mail.
    pub error: Option<String>,
    pub read: bool,
    pub created_at: String,
}

/// Which mails are wanted, as text.
#[derive(Debug, Clone, Default)]
pub struct MailQuery {
    pub id: Option<String>,
    pub to: Option<String>,
    /// Part of address, subject or text.
    pub search: Option<String>,
    pub template: Option<String>,
    pub unread: Option<bool>,
    /// A time.
    pub since: Option<String>,
}

impl MailQuery {
    fn filter(self) -> Result<MailFilter> {
        let since = self.since.map(|text| {
            let wrong = || Error::invalid_parameter("since", format!("since must be a time such as 2026-01-15T10:30:00.000Z, not \"{}\"", clip(&text)));
            time::parse(&text).ok_or_else(wrong)
        });
        if self.search.as_ref().is_some_and(|text| text.chars().count() > SEARCH) {
            return Err(Error::invalid_parameter("search", format!("search has at most {SEARCH} characters")));
        }
        Ok(MailFilter {
            id: self.id,
            to: self.to.map(|to| Email::parse(&to).map_or(to, Email::into_string)),
            search: self.search,
            template: self.template,
            unread: self.unread,
            since: since.transpose()?,
        })
    }
}

impl Backend {
    /// Mail of an environment, newest first.
    ///
    /// # Errors
    /// As [`Backend::tenant_environment`]; `common/invalid-parameters`.
    pub async fn mailbox(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, query: MailQuery, page: Page) -> Result<List<Mail>> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        read(&environment, query.filter()?, page).await
    }

    /// The same; when nothing matches, answers as soon as something does, or an empty list after `wait`.
    ///
    /// # Errors
    /// As [`Backend::mailbox`].
    pub async fn mailbox_within(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        query: MailQuery,
        page: Page,
        wait: Duration,
    ) -> Result<List<Mail>> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        let (filter, deadline) = (query.filter()?, Instant::now() + wait);
        let mut arrivals = environment.post().arrivals();
        loop {
            arrivals.borrow_and_update();
            let found = read(&environment, filter.clone(), page).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if found.pagination.total > 0 || left.is_zero() {
                return Ok(found);
            }
            // Whichever comes first: another mail, the end of the patience, or that of the environment.
            if let Ok(Err(_)) = tokio::time::timeout(left, arrivals.changed()).await {
                return Ok(found);
            }
        }
    }

    /// # Errors
    /// As [`Backend::tenant_environment`]; 404 `mail/not-found`.
    pub async fn mail(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, id: &str) -> Result<Mail> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        one(&environment, id).await
    }

    /// Marks a mail as read, or as unread.
    ///
    /// # Errors
    /// As [`Backend::mail`].
    pub async fn mark_mail(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, id: &str, is_read: bool) -> Result<Mail> {
        let environment = self.tenant_environment(tenant, project, environment, Need::write(Role::Member)).await?;
        let wanted = id.to_owned();
        let read_at = is_read.then(|| environment.now());
        environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_mail_read(&wanted, read_at)?)).await?;
        one(&environment, id).await
    }

    /// Deletes one mail.
    ///
    /// # Errors
    /// As [`Backend::mail`].
    pub async fn delete_mail(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, id: &str) -> Result<()> {
        let filter = MailFilter { id: Some(id.to_owned()), ..MailFilter::default() };
        match self.delete_mails(tenant, project, environment, filter).await? {
            0 => Err(not_found(id)),
            _ => Ok(()),
        }
    }

    /// Deletes every mail that matches.
    ///
    /// # Errors
    /// As [`Backend::mailbox`].
    pub async fn clear_mailbox(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, query: MailQuery) -> Result<()> {
        self.delete_mails(tenant, project, environment, query.filter()?).await.map(drop)
    }

    async fn delete_mails(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, filter: MailFilter) -> Result<usize> {
        let environment = self.tenant_environment(tenant, project, environment, Need::write(Role::Member)).await?;
        let (this, tenant) = (Arc::clone(&environment), tenant.clone());
        environment
            .data()
            .write::<_, Error, _>(move |tx| {
                let deleted = tx.delete_mails(&filter)?;
                if deleted > 0 {
                    let mut change = environment_change(&this);
                    change.metadata.insert("cleared".to_owned(), "mailbox".into());
                    change.metadata.insert("count".to_owned(), deleted.into());
                    this.audit(tx, &change.by(&tenant))?;
                }
                Ok(deleted)
            })
            .await
    }
}

/// A change of an environment's settings or of what it keeps.
pub(super) fn environment_change(environment: &Environment) -> Change<'_> {
    Change {
        organization_id: Some(&environment.project().organization_id),
        project_id: Some(&environment.project().id),
        environment: Some(environment.name()),
        entity: "environment",
        action: "updated",
        entity_id: environment.id(),
        entity_name: environment.name(),
        ..Change::default()
    }
}

async fn read(environment: &Environment, filter: MailFilter, page: Page) -> Result<List<Mail>> {
    let (rows, total) = environment.data().read::<_, Error, _>(move |r| r.snapshot(|| Ok(r.mails(&filter, page.limit, page.offset)?))).await?;
    Ok(List::new(rows.into_iter().map(view).collect::<Result<_>>()?, page, total))
}

async fn one(environment: &Environment, id: &str) -> Result<Mail> {
    let wanted = id.to_owned();
    let row = environment.data().read::<_, Error, _>(move |r| Ok(r.mail(&wanted)?)).await?;
    view(row.ok_or_else(|| not_found(id))?)
}

fn not_found(id: &str) -> Error {
    Error::new(Code::MAIL_NOT_FOUND, format!("The mailbox has no mail {}; the newest {} are kept", clip(id), super::KEPT))
}

fn view(row: MailRow) -> Result<Mail> {
    Ok(Mail {
        id: row.id,
        template: row.template,
        to: row.recipient,
        from: row.sender,
        subject: row.subject,
        html: row.html,
        text: row.text,
        variables: serde_json::from_str(&row.variables).map_err(Error::internal)?,
        link: row.link,
        token: row.token,
        code: row.code,
        delivery: row.delivery,
        error: row.error,
        read: row.read_at.is_some(),
        created_at: time::iso(row.created_at),
    })
}
