//! A developer's own account.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{guard, input, login_links};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time;
use crate::store::control::TenantRow;

/// Bytes of an image: an address or a small `data:` URL.
const IMAGE: usize = 64 * 1024;
/// Bytes of all preferences.
const PREFERENCES: usize = 16 * 1024;

/// A developer, as it sees itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tenant)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub name: String,
    pub image: Option<String>,
    #[schema(value_type = Object)]
    pub preferences: Map<String, Value>,
    /// Made at first run.
    pub server_owner: bool,
    pub has_password: bool,
    /// The simulated providers it has signed in with.
    pub providers: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// What is absent stays; preferences are merged by key, null removes one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountPatch {
    pub name: Option<String>,
    pub email: Option<String>,
    #[serde(default, deserialize_with = "input::present")]
    #[schema(value_type = Option<String>)]
    pub image: Option<Option<String>>,
    #[schema(value_type = Option<Object>)]
    pub preferences: Option<Map<String, Value>>,
}

impl Account {
    pub(super) fn from_row(row: TenantRow, providers: Vec<String>) -> Result<Self> {
        Ok(Self {
            id: row.id,
            email: row.email,
            name: row.name,
            image: row.image,
            preferences: serde_json::from_str(&row.preferences).map_err(Error::internal)?,
            server_owner: row.is_owner,
            has_password: row.password_hash.is_some(),
            providers,
            created_at: time::iso(row.created_at),
            updated_at: time::iso(row.updated_at),
        })
    }
}

impl Backend {
    pub async fn account(self: &Arc<Self>, tenant: &Tenant) -> Result<Account> {
        let id = tenant.id.clone();
        let (row, providers) = self.control().read::<_, Error, _>(move |r| Ok((r.tenant(&id)?, r.providers_of(&id)?))).await?;
        Account::from_row(row.ok_or_else(gone)?, providers)
    }

    /// # Errors
    /// `tenant/email-exists`; `common/invalid-parameters`; `auth/insufficient-scope`.
    pub async fn update_account(self: &Arc<Self>, tenant: &Tenant, patch: AccountPatch) -> Result<Account> {
        guard::own_account(tenant, true)?;
        let tenant = tenant.clone();
        let (row, providers) = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut row = tx.reader().tenant(&tenant.id)?.ok_or_else(gone)?;
                let before = row.clone();
                apply(&mut row, patch)?;
                if tx.reader().tenant_by_email(&row.email)?.is_some_and(|other| other.id != row.id) {
                    return Err(Error::new(Code::TENANT_EMAIL_EXISTS, format!("Another account of this server has the address {}", row.email)));
                }
                tx.update_tenant(&row)?;
                if row.email != before.email {
                    // Links to the old address open the account no more.
                    login_links::void_all(tx, &before)?;
                }
                let change = Change { entity: "member", action: "updated", entity_id: &row.id, entity_name: &row.name, ..Change::default() };
                guard::audit(tx, &tenant, change)?;
                let providers = tx.reader().providers_of(&row.id)?;
                Ok((row, providers))
            })
            .await?;
        Account::from_row(row, providers)
    }
}

fn apply(row: &mut TenantRow, patch: AccountPatch) -> Result<()> {
    if let Some(name) = patch.name {
        row.name = input::name("name", &name)?;
    }
    if let Some(email) = patch.email {
        row.email = input::email(&email)?;
    }
    if let Some(image) = patch.image {
        row.image = image.filter(|i| !i.is_empty());
        if row.image.as_ref().is_some_and(|i| i.len() > IMAGE) {
            return Err(Error::invalid_parameter("image", "image must be a URL of at most 64 KiB"));
        }
    }
    if let Some(changes) = patch.preferences {
        let mut all: Map<String, Value> = serde_json::from_str(&row.preferences).map_err(Error::internal)?;
        for (key, value) in changes {
            if value.is_null() {
                all.shift_remove(&key);
            } else {
                all.insert(key, value);
            }
        }
        row.preferences = Value::Object(all).to_string();
        if row.preferences.len() > PREFERENCES {
            return Err(Error::invalid_parameter("preferences", "preferences must be at most 16 KiB in all"));
        }
    }
    row.updated_at = time::now();
    Ok(())
}

fn gone() -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, "This account is no longer there; sign in again")
}
