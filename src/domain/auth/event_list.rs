//! Reading the log of what happened to accounts (`03-auth.md` §12).

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result, clip};
use crate::domain::page::{List, Page};
use crate::domain::time;
use crate::store::data::{AuthEventFilter, AuthEventRow};

/// Something that happened to an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthEvent {
    pub id: String,
    /// `signup`, `signin`, `signin_failed` …
    #[serde(rename = "type")]
    pub kind: String,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub ip_address: String,
    pub user_agent: String,
    pub success: bool,
    /// The public code of a failure.
    pub code: Option<String>,
    pub created_at: String,
}

impl From<AuthEventRow> for AuthEvent {
    fn from(row: AuthEventRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            user_id: row.user_id,
            session_id: row.session_id,
            ip_address: row.ip_address,
            user_agent: row.user_agent,
            success: row.success,
            code: row.code,
            created_at: time::iso(row.created_at),
        }
    }
}

/// Which events are wanted, as text from a query.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    pub user_id: Option<String>,
    pub kind: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl EventQuery {
    fn filter(self) -> Result<AuthEventFilter> {
        let at = |name: &str, text: Option<String>| {
            let parse =
                |text: String| time::parse(&text).ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be a time, not \"{}\"", clip(&text))));
            text.map(parse).transpose()
        };
        Ok(AuthEventFilter { user_id: self.user_id, kind: self.kind, from: at("from", self.from)?, to: at("to", self.to)? })
    }
}

/// A page of events, newest first.
///
/// # Errors
/// `common/invalid-parameters` for times that are none.
pub async fn list(environment: &Environment, query: EventQuery, page: Page) -> Result<List<AuthEvent>> {
    let filter = query.filter()?;
    let (rows, total) = environment.data().read::<_, Error, _>(move |r| Ok(r.auth_events(&filter, page.limit, page.offset)?)).await?;
    Ok(List::new(rows.into_iter().map(AuthEvent::from).collect(), page, total))
}
