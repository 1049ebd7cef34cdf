//! The AI clients of an organization, as people see and revoke them, and what they were last seen doing
//! (`06-console.md` A7, B2).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use super::approval::audit;
use super::redirects::display_host;
use super::scopes::Scopes;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::tenancy::guard::{self, Need, Role};
use crate::domain::time::{self, Millis};
use crate::store::control::OauthGrantRow;
use crate::store::{Reader, StoreError, StoreResult, Tx};

const HOUR: Millis = 60 * 60 * 1000;
/// Calls are written at most this often.
const PAUSE: Duration = Duration::from_secs(1);

/// An AI client somebody approved.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
pub struct ConnectionView {
    pub id: String,
    /// As the client calls itself; unverified.
    pub client_name: String,
    /// `localhost:49190`.
    pub redirect_host: String,
    pub tenant: Approver,
    pub organization_id: String,
    pub scopes: Vec<String>,
    pub created_at: String,
    pub last_used_at: Option<String>,
    pub last_tool: Option<String>,
    /// Calls of tools in the last 24 hours.
    #[serde(rename = "calls24h")]
    pub calls_24h: u64,
}

/// Who approved a connection and whose rights it has.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Approver {
    pub id: String,
    pub name: String,
    pub email: String,
}

/// Calls not written yet, by connection and hour.
#[derive(Default)]
pub struct Calls(Mutex<HashMap<(String, i64), Noted>>);

struct Noted {
    calls: u64,
    at: Millis,
    tool: String,
}

impl Backend {
    /// The living connections of an organization, newest first: one's own, all of them for admins.
    ///
    /// # Errors
    /// As [`guard::organization`].
    pub async fn connections(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Vec<ConnectionView>> {
        self.write_mcp_calls().await;
        let (tenant, organization) = (tenant.clone(), organization.to_owned());
        self.control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &organization, Need::read(Role::Billing))?;
                let shown = r.oauth_grants_in(&access.row.id, time::now())?;
                shown.into_iter().filter(|grant| may_see(&tenant, access.role, grant)).filter_map(|grant| view(r, grant).transpose()).collect()
            })
            .await
    }

    /// Ends a connection; what was issued from it stops working at once.
    ///
    /// # Errors
    /// As [`guard::organization`]; `connection/not-found`.
    pub async fn revoke_connection(self: &Arc<Self>, tenant: &Tenant, organization: &str, connection_id: &str) -> Result<()> {
        let (tenant, organization, id) = (tenant.clone(), organization.to_owned(), connection_id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let access = guard::organization(&tx.reader(), &tenant, &organization, Need::write(Role::Billing))?;
                let grant = tx.reader().oauth_grant(&id)?.filter(|g| g.organization_id == access.row.id && may_see(&tenant, access.role, g));
                let grant = grant.ok_or_else(not_found)?;
                if !tx.revoke_oauth_grant(&grant.id, time::now())? {
                    return Err(not_found());
                }
                audit(tx, &tenant, &grant, "revoked", None)
            })
            .await
    }

    /// Notes a call of a tool over a connection, [`crate::domain::caller::Connection::id`]; written later, off the
    /// request's path.
    pub fn note_mcp_call(self: &Arc<Self>, connection_id: &str, tool: &str) {
        let at = time::now();
        let mut waiting = self.oauth().calls.0.lock();
        let first = waiting.is_empty();
        let noted = waiting.entry((connection_id.to_owned(), at.div_euclid(HOUR))).or_insert_with(|| Noted { calls: 0, at, tool: String::new() });
        noted.calls += 1;
        noted.at = at;
        tool.clone_into(&mut noted.tool);
        drop(waiting);
        if first {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                this.write_mcp_calls().await;
            });
        }
    }

    async fn write_mcp_calls(&self) {
        let waiting = std::mem::take(&mut *self.oauth().calls.0.lock());
        if waiting.is_empty() {
            return;
        }
        if let Err(error) = self.control().write::<_, StoreError, _>(move |tx| write(tx, &waiting)).await {
            tracing::debug!(%error, "could not note calls of AI clients");
        }
    }

    /// Writes what is still waiting, before the databases close. Blocks.
    pub(in crate::domain) fn keep_mcp_calls(&self) {
        let waiting = std::mem::take(&mut *self.oauth().calls.0.lock());
        if !waiting.is_empty()
            && let Err(error) = self.control().write_blocking::<_, StoreError, _>(move |tx| write(tx, &waiting))
        {
            tracing::debug!(%error, "could not note calls of AI clients");
        }
    }
}

fn write(tx: &mut Tx<'_>, waiting: &HashMap<(String, i64), Noted>) -> StoreResult<()> {
    let mut in_order: Vec<_> = waiting.iter().collect();
    in_order.sort_by_key(|(_, noted)| noted.at);
    in_order.into_iter().try_for_each(|((id, hour), noted)| tx.note_oauth_calls(id, *hour, noted.calls, noted.at, &noted.tool))
}

fn may_see(tenant: &Tenant, role: Role, grant: &OauthGrantRow) -> bool {
    role >= Role::Admin || grant.tenant_id == tenant.id
}

fn view(r: &Reader<'_>, grant: OauthGrantRow) -> Result<Option<ConnectionView>> {
    let Some(tenant) = r.tenant(&grant.tenant_id)? else { return Ok(None) };
    // A member who was removed has no connection any more, though its grant has not ended.
    if r.role_of(&grant.organization_id, &grant.tenant_id)?.is_none() {
        return Ok(None);
    }
    let calls_24h = r.oauth_calls_since(&grant.id, time::now().div_euclid(HOUR) - 24)?;
    Ok(Some(ConnectionView {
        redirect_host: display_host(&grant.redirect_uri),
        tenant: Approver { id: tenant.id, name: tenant.name, email: tenant.email },
        scopes: Scopes::known(&grant.scope).iter().map(str::to_owned).collect(),
        created_at: time::iso(grant.created_at),
        last_used_at: grant.last_used_at.map(time::iso),
        last_tool: grant.last_tool,
        calls_24h,
        id: grant.id,
        client_name: grant.client_name,
        organization_id: grant.organization_id,
    }))
}

fn not_found() -> Error {
    Error::new(Code::CONNECTION_NOT_FOUND, "No such connection, or it is revoked already")
}
