//! API keys of an environment: made, shown, renamed and revoked by developers (`06-console.md` B2, B3, ruling 4).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::guard::{self, EnvironmentAccess, Need, Role};
use super::input;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::keys::scopes::Scopes;
use crate::domain::keys::{KeyKind, derive_publishable, is_well_formed, mask, new_secret, sha256};
use crate::domain::time;
use crate::store::Reader;
use crate::store::control::KeyRow;

/// Scopes one key may have.
const MAX_SCOPES: usize = 100;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub id: String,
    /// `publishable` or `secret`.
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    /// Of publishable keys made here; of secret ones only in the answer that creates them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub masked_key: String,
    pub scopes: Vec<String>,
    /// `active`, `revoked` or `expired`.
    pub status: &'static str,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    /// `{ type, id, name }`.
    #[schema(value_type = Object)]
    pub created_by: Value,
    pub created_at: String,
    pub revoked_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// `publishable` (default) or `secret`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// 1–64 characters, unique in the environment.
    pub name: String,
    /// `<table>:<operation>`; none or empty: unrestricted.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<String>,
    /// An existing key value to accept here.
    pub value: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct KeyPatch {
    pub name: String,
}

/// Which keys are wanted; revoked ones only with `status` `revoked`.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    pub kind: Option<String>,
    pub status: Option<String>,
}

/// The publishable key "Default" of a new environment, and its value.
pub(in crate::domain) fn default_key(backend: &Backend, tenant: &Tenant, environment_id: &str, now: i64) -> (KeyRow, String) {
    let id = new_id();
    let value = derive_publishable(backend.secret(), &id);
    let row = KeyRow {
        id,
        environment_id: environment_id.to_owned(),
        kind: KeyKind::Publishable.name().to_owned(),
        name: "Default".to_owned(),
        hash: sha256(&value),
        mask: mask(&value),
        adopted: false,
        scopes: "[]".to_owned(),
        expires_at: None,
        last_used_at: None,
        created_by: tenant.actor().to_string(),
        created_at: now,
        revoked_at: None,
    };
    (row, value)
}

/// The value of a key that can be shown again: a publishable one made here.
pub(super) fn shown_value(backend: &Backend, row: &KeyRow) -> Option<String> {
    (row.kind == KeyKind::Publishable.name() && !row.adopted).then(|| derive_publishable(backend.secret(), &row.id))
}

impl Backend {
    fn key_view(&self, row: KeyRow) -> Result<Key> {
        let status = match row.expires_at {
            _ if row.revoked_at.is_some() => "revoked",
            Some(at) if at <= time::now() => "expired",
            _ => "active",
        };
        Ok(Key {
            key: shown_value(self, &row),
            id: row.id,
            kind: row.kind,
            name: row.name,
            masked_key: row.mask,
            scopes: serde_json::from_str(&row.scopes).map_err(Error::internal)?,
            status,
            expires_at: row.expires_at.map(time::iso),
            last_used_at: row.last_used_at.map(time::iso),
            created_by: serde_json::from_str(&row.created_by).map_err(Error::internal)?,
            created_at: time::iso(row.created_at),
            revoked_at: row.revoked_at.map(time::iso),
        })
    }

    /// The keys of an environment, oldest first. Members see the publishable ones only.
    ///
    /// # Errors
    /// As [`guard::environment`]; `organization/permission-denied` for a member who asks for secret ones.
    pub async fn api_keys(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, filter: KeyFilter) -> Result<Vec<Key>> {
        let status = filter.status.as_deref().map(|s| input::one_of("status", s, &["active", "expired", "revoked"])).transpose()?;
        let kind = filter.kind.as_deref().map(parse_kind).transpose()?;
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::environment(r, &tenant, &project, &name, Need::read(needed(kind)))?;
                let mut rows = r.keys_of(&access.row.id)?;
                rows.retain(|row| {
                    let own = KeyKind::from_name(&row.kind);
                    kind.is_none_or(|kind| own == Some(kind)) && access.role >= needed(own)
                });
                Ok(rows)
            })
            .await?;
        let mut keys = rows.into_iter().map(|row| self.key_view(row)).collect::<Result<Vec<_>>>()?;
        keys.retain(|key| status.map_or(key.status != "revoked", |s| key.status == s));
        Ok(keys)
    }

    /// Makes a key, or accepts an existing value.
    ///
    /// # Errors
    /// As [`guard::environment`]; `key/name-taken`, `key/value-taken`, `key/invalid-value`; `common/invalid-parameters`.
    pub async fn create_api_key(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, new: NewKey) -> Result<Key> {
        let (kind, value) = self.value_for(&new)?;
        let mut row = row_of(tenant, &new, kind, &value)?;
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let (row, this) = (
            {
                let tenant = tenant.clone();
                self.control()
                    .write::<_, Error, _>(move |tx| {
                        let r = tx.reader();
                        let access = guard::environment(&r, &tenant, &project, &name, Need::write(needed(Some(kind))))?;
                        name_is_free(&r, &access.row.id, &row)?;
                        if r.key_by_hash(&row.hash)?.is_some() {
                            return Err(Error::new(Code::KEY_VALUE_TAKEN, "This key value is known to this server already; a deleted key cannot come back"));
                        }
                        row.environment_id = access.row.id.clone();
                        tx.insert_key(&row)?;
                        guard::audit(tx, &tenant, change(&access, &row, "created"))?;
                        Ok(row)
                    })
                    .await?
            },
            self,
        );
        let adopted = row.adopted;
        let mut key = this.key_view(row)?;
        if !adopted {
            key.key = Some(value.text);
        }
        Ok(key)
    }

    fn value_for(&self, new: &NewKey) -> Result<(KeyKind, KeyValue)> {
        let wanted = new.kind.as_deref().map(parse_kind).transpose()?;
        let Some(text) = &new.value else {
            let (kind, id) = (wanted.unwrap_or(KeyKind::Publishable), new_id());
            let text = if kind == KeyKind::Secret { new_secret() } else { derive_publishable(self.secret(), &id) };
            return Ok((kind, KeyValue { id, text, adopted: false }));
        };
        let kind = wanted.or(KeyKind::of_value(text)).unwrap_or(KeyKind::Publishable);
        let sound = is_well_formed(text) && KeyKind::of_value(text) == Some(kind) && !text.bytes().any(|b| b.is_ascii_uppercase());
        if !sound {
            let message = format!("value must be {} and 64 lower-case hexadecimal characters for a {} key", kind.prefix(), kind.name());
            return Err(Error::new(Code::KEY_INVALID_VALUE, message));
        }
        Ok((kind, KeyValue { id: new_id(), text: text.clone(), adopted: true }))
    }

    /// # Errors
    /// As [`guard::environment`]; `access-token/not-found`, `key/name-taken`; `common/invalid-parameters`.
    pub async fn rename_api_key(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, key_id: &str, patch: KeyPatch) -> Result<Key> {
        let wanted = input::name("name", &patch.name)?;
        let (tenant, project, name, key_id) = (tenant.clone(), project.to_owned(), environment.to_owned(), key_id.to_owned());
        let this = Arc::clone(self);
        let row = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let (access, mut row) = living_key(&tx.reader(), &tenant, &project, &name, &key_id)?;
                row.name = wanted;
                name_is_free(&tx.reader(), &access.row.id, &row)?;
                tx.rename_key(&row.id, &row.name)?;
                guard::audit(tx, &tenant, change(&access, &row, "updated"))?;
                tx.after_commit(move || this.keys().clear());
                Ok(row)
            })
            .await?;
        self.key_view(row)
    }

    /// Revokes a key: it is refused from the next request on; `confirm` must be its name.
    ///
    /// # Errors
    /// As [`guard::environment`]; `access-token/not-found`; `management/confirmation-required`.
    pub async fn delete_api_key(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, key_id: &str, confirm: Option<&str>) -> Result<()> {
        let (tenant, project, name, key_id) = (tenant.clone(), project.to_owned(), environment.to_owned(), key_id.to_owned());
        let (this, confirm) = (Arc::clone(self), confirm.map(str::to_owned));
        self.control()
            .write::<_, Error, _>(move |tx| {
                let (access, row) = living_key(&tx.reader(), &tenant, &project, &name, &key_id)?;
                guard::confirm(confirm.as_deref(), &row.name)?;
                tx.revoke_key(&row.id, time::now())?;
                guard::audit(tx, &tenant, change(&access, &row, "revoked"))?;
                tx.after_commit(move || this.keys().clear());
                Ok(())
            })
            .await
    }
}

struct KeyValue {
    id: String,
    text: String,
    adopted: bool,
}

/// Secret keys are for admins.
pub(super) fn needed(kind: Option<KeyKind>) -> Role {
    if kind == Some(KeyKind::Secret) { Role::Admin } else { Role::Member }
}

fn parse_kind(text: &str) -> Result<KeyKind> {
    let name = input::one_of("type", text, &["publishable", "secret"])?;
    KeyKind::from_name(name).ok_or_else(|| Error::internal("unknown key type"))
}

fn row_of(tenant: &Tenant, new: &NewKey, kind: KeyKind, value: &KeyValue) -> Result<KeyRow> {
    let scopes = new.scopes.clone().unwrap_or_default();
    if scopes.len() > MAX_SCOPES {
        return Err(Error::invalid_parameter("scopes", format!("scopes lists at most {MAX_SCOPES} entries")));
    }
    Scopes::parse(&scopes)?;
    Ok(KeyRow {
        id: value.id.clone(),
        environment_id: String::new(),
        kind: kind.name().to_owned(),
        name: input::name("name", &new.name)?,
        hash: sha256(&value.text),
        mask: mask(&value.text),
        adopted: value.adopted,
        scopes: serde_json::to_string(&scopes).map_err(Error::internal)?,
        expires_at: new.expires_at.as_deref().map(|text| input::future("expiresAt", text)).transpose()?,
        last_used_at: None,
        created_by: tenant.actor().to_string(),
        created_at: time::now(),
        revoked_at: None,
    })
}

fn name_is_free(r: &Reader<'_>, environment_id: &str, row: &KeyRow) -> Result<()> {
    if r.keys_of(environment_id)?.iter().any(|k| k.revoked_at.is_none() && k.name == row.name && k.id != row.id) {
        return Err(Error::new(Code::KEY_NAME_TAKEN, format!("Another key of the environment is called {}; choose another name", row.name)));
    }
    Ok(())
}

/// A key that is not revoked, for somebody who may change it.
fn living_key(r: &Reader<'_>, tenant: &Tenant, project: &str, environment: &str, key_id: &str) -> Result<(EnvironmentAccess, KeyRow)> {
    let access = guard::environment(r, tenant, project, environment, Need::write(Role::Member))?;
    let row = r.key(key_id)?.filter(|k| k.environment_id == access.row.id && k.revoked_at.is_none());
    let row = row.ok_or_else(|| Error::new(Code::ACCESS_TOKEN_NOT_FOUND, "The environment has no key with this id, or it is deleted already"))?;
    if KeyKind::from_name(&row.kind) == Some(KeyKind::Secret) {
        guard::environment(r, tenant, project, environment, Need::write(Role::Admin))?;
    }
    Ok((access, row))
}

fn change<'a>(access: &'a EnvironmentAccess, row: &'a KeyRow, action: &'a str) -> Change<'a> {
    let mut change = Change {
        organization_id: Some(&access.project.organization_id),
        project_id: Some(&access.project.id),
        environment: Some(&access.row.name),
        entity: "access_token",
        action,
        entity_id: &row.id,
        entity_name: &row.name,
        ..Change::default()
    };
    change.metadata.insert("type".to_owned(), row.kind.clone().into());
    change
}
