//! Approval: a person lets a client work in one organization, and the client gets a code (`01-mcp.md` §3.3).

use std::sync::Arc;

use serde_json::json;

use super::clients;
use super::redirects::{Redirect, display_host};
use super::requests::{living, may_adopt};
use super::scopes::Scopes;
use super::tokens::CODE_LIFETIME;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::{new_id, random_hex};
use crate::domain::keys::sha256;
use crate::domain::tenancy::guard::{self, Need, Role};
use crate::domain::tenancy::organizations::{self, NewOrganization};
use crate::domain::time::{self, Millis};
use crate::store::control::{OauthClientRow, OauthCodeRow, OauthGrantRow, OauthRequestRow};
use crate::store::{StoreError, Tx};

/// What is kept of grants that ended, so that late uses of their codes and tokens are known for what they are.
const REMEMBERED: Millis = 30 * 24 * 60 * 60 * 1000;

/// What a person ticked and chose.
#[derive(Debug, Clone)]
pub struct Approval {
    pub request_id: String,
    /// Names of [`super::scopes::GROUPS`].
    pub groups: Vec<String>,
    pub allow_prod: bool,
    pub place: Place,
}

/// The organization the client is to work in.
#[derive(Debug, Clone)]
pub enum Place {
    /// By id.
    Existing(String),
    /// Made on the way, with this name.
    New(String),
}

/// Why an approval did not go through.
#[derive(Debug)]
pub enum Unapproved {
    /// The request is over.
    Gone,
    /// Something is missing on the page: what, as a sentence.
    Incomplete(String),
    Failed(Error),
}

impl From<Error> for Unapproved {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Unapproved {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Backend {
    /// Approves a request: client, grant, code and activity in one transaction. Approving it again, as a second click
    /// does, answers the same redirect with `true` as long as its code is unused.
    pub async fn approve_authorization(self: &Arc<Self>, tenant: &Tenant, approval: Approval) -> std::result::Result<(Redirect, bool), Unapproved> {
        let code = self.oauth().keys.code(&approval.request_id, &tenant.id);
        let tenant = tenant.clone();
        self.control()
            .write(move |tx| {
                let request = living(&tx.reader(), &approval.request_id)?.ok_or(Unapproved::Gone)?;
                let redirect = Redirect::new(&request.redirect_uri, &[("code", &code)], request.state.as_deref(), &request.base);
                let hash = sha256(&code);
                if let Some(approver) = &request.tenant_id {
                    let unused = tx.reader().oauth_code(&hash)?.is_some_and(|code| code.used_at.is_none() && code.expires_at > time::now());
                    return if *approver == tenant.id && unused { Ok((redirect, true)) } else { Err(Unapproved::Gone) };
                }
                let scopes = Scopes::known(&request.scope).within(&approval.groups);
                if scopes.is_empty() {
                    return Err(Unapproved::Incomplete("Tick at least one permission, or decline.".to_owned()));
                }
                let organization_id = organization(tx, &tenant, &approval.place)?;
                let grant = granted(&request, &tenant, organization_id, &scopes, approval.allow_prod);
                keep(tx, &request, &grant, hash)?;
                Ok(audit(tx, &tenant, &grant, "created", None).map(|()| (redirect, false))?)
            })
            .await
    }
}

/// The id of the chosen organization, which the person must belong to.
fn organization(tx: &mut Tx<'_>, tenant: &Tenant, place: &Place) -> std::result::Result<String, Unapproved> {
    let incomplete = |error: Error| if error.code().status >= 500 { Unapproved::Failed(error) } else { Unapproved::Incomplete(error.message().to_owned()) };
    match place {
        Place::Existing(id) => Ok(guard::organization(&tx.reader(), tenant, id, Need::read(Role::Billing)).map_err(incomplete)?.row.id),
        Place::New(name) => {
            let mut new = NewOrganization { name: name.clone(), slug: None, display_name: None, description: None };
            let mut made = organizations::create(tx, tenant, &new);
            if made.as_ref().is_err_and(|error| error.code() == Code::ORGANIZATION_SLUG_TAKEN) {
                new.slug = Some(format!("organization-{}", random_hex(4)));
                made = organizations::create(tx, tenant, &new);
            }
            Ok(made.map_err(incomplete)?.id)
        }
    }
}

fn granted(request: &OauthRequestRow, tenant: &Tenant, organization_id: String, scopes: &Scopes, allow_prod: bool) -> OauthGrantRow {
    let now = time::now();
    OauthGrantRow {
        id: new_id(),
        client_id: request.client_id.clone(),
        client_name: request.client_name.clone(),
        redirect_uri: request.redirect_uri.clone(),
        tenant_id: tenant.id.clone(),
        organization_id,
        scope: scopes.to_string(),
        allow_prod,
        resource: request.resource.clone(),
        created_at: now,
        issued_at: None,
        expires_at: now + CODE_LIFETIME,
        last_used_at: None,
        last_tool: None,
        revoked_at: None,
    }
}

fn keep(tx: &mut Tx<'_>, request: &OauthRequestRow, grant: &OauthGrantRow, hash: [u8; 32]) -> std::result::Result<(), Unapproved> {
    let now = grant.created_at;
    tx.purge_oauth_grants(now - REMEMBERED)?;
    if clients::known(&tx.reader(), &grant.client_id)?.is_none() {
        if !may_adopt(&grant.client_id, &grant.redirect_uri) {
            return Err(Unapproved::Gone);
        }
        let redirect_uris = vec![grant.redirect_uri.clone()];
        tx.insert_oauth_client(&OauthClientRow {
            id: grant.client_id.clone(),
            name: grant.client_name.clone(),
            redirect_uris,
            created_at: now,
            used_at: None,
        })?;
    }
    tx.use_oauth_client(&grant.client_id, now)?;
    tx.insert_oauth_grant(grant)?;
    tx.insert_oauth_code(&OauthCodeRow {
        hash,
        grant_id: grant.id.clone(),
        challenge: request.challenge.clone(),
        expires_at: grant.expires_at,
        attempts: 0,
        used_at: None,
    })?;
    Ok(tx.approve_oauth_request(&request.id, &grant.tenant_id)?)
}

/// Writes the activity of a connection that came or went.
pub(super) fn audit(tx: &mut Tx<'_>, actor: &Tenant, grant: &OauthGrantRow, action: &str, reason: Option<&str>) -> Result<()> {
    let mut metadata = json!({ "redirectHost": display_host(&grant.redirect_uri), "scope": grant.scope, "allowProd": grant.allow_prod });
    if let Some(reason) = reason {
        metadata["reason"] = reason.into();
    }
    let change = Change {
        organization_id: Some(&grant.organization_id),
        entity: "connection",
        action,
        entity_id: &grant.id,
        entity_name: &grant.client_name,
        metadata: metadata.as_object().cloned().unwrap_or_default(),
        ..Change::default()
    };
    Ok(tx.insert_activity(&change.by(actor))?)
}
