//! The server's own mailbox: mail to developers, for the server owner to read.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::guard;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::page::{List, Page};
use crate::domain::time;
use crate::store::control::TenantMailRow;

/// A mail to a developer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantMail {
    pub id: String,
    /// `magic_link`, `password_reset` or `invitation`.
    pub template: String,
    pub to: String,
    pub from: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    #[schema(value_type = Object)]
    pub variables: Value,
    pub link: String,
    /// What follows `#` in the link.
    pub token: String,
    /// `local`, `queued`, `sent` or `failed`.
    pub delivery: String,
    /// What the relay said when it did not take the mail.
    pub error: Option<String>,
    pub created_at: String,
}

impl Backend {
    /// Mail to developers, newest first.
    ///
    /// # Errors
    /// `management/forbidden` for everybody but the server owner, and for its tokens: the links here open sessions.
    pub async fn tenant_mailbox(self: &Arc<Self>, tenant: &Tenant, page: Page) -> Result<List<TenantMail>> {
        guard::server_owner_in_person(tenant)?;
        let (rows, total) = self.control().read::<_, Error, _>(move |r| Ok(r.tenant_mail(page.limit, page.offset)?)).await?;
        Ok(List::new(rows.into_iter().map(view).collect::<Result<_>>()?, page, total))
    }
}

fn view(row: TenantMailRow) -> Result<TenantMail> {
    Ok(TenantMail {
        token: row.link.split_once('#').map(|(_, token)| token.to_owned()).unwrap_or_default(),
        id: row.id,
        template: row.template,
        to: row.recipient,
        from: row.sender,
        subject: row.subject,
        html: row.html,
        text: row.text,
        variables: serde_json::from_str(&row.variables).map_err(Error::internal)?,
        link: row.link,
        delivery: row.delivery,
        error: row.error,
        created_at: time::iso(row.created_at),
    })
}
