//! What an empty data directory is filled with (`08-cli.md` §3, "First run").

use std::sync::Arc;

use super::slug;
use crate::domain::backend::Backend;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::keys::{KeyKind, derive_publishable, is_well_formed, mask, new_secret, sha256};
use crate::domain::project::ProjectSettings;
use crate::domain::time;
use crate::store::control::{EnvironmentRow, KeyRow, OrganizationRow, ProjectRow, TenantRow};

/// What the first run made, with the values that nothing can show later.
#[derive(Debug, Clone)]
pub struct FirstRun {
    pub publishable_key: String,
    /// Absent when a secret key was adopted.
    pub secret_key: Option<String>,
}

impl Backend {
    /// Fills an empty data directory: owner, organization, project, environment `dev`, keys. Does nothing on later runs,
    /// nor when a first run was cut off half-way: it is one transaction.
    ///
    /// # Errors
    /// `key/invalid-value` for a value to adopt that is no key.
    pub async fn first_run(self: &Arc<Self>) -> Result<Option<FirstRun>> {
        if self.control().read::<_, Error, _>(|r| Ok(r.server_owner()?)).await?.is_some() {
            return Ok(None);
        }
        let now = time::now();
        let owner = TenantRow {
            id: new_id(),
            email: "owner@localhost".to_owned(),
            name: "Owner".to_owned(),
            image: None,
            password_hash: None,
            preferences: "{}".to_owned(),
            is_owner: true,
            signed_in_at: None,
            created_at: now,
            updated_at: now,
        };
        let organization = OrganizationRow {
            id: new_id(),
            slug: "personal".to_owned(),
            name: "Personal".to_owned(),
            display_name: None,
            description: None,
            created_at: now,
            updated_at: now,
        };
        let project = self.first_project(&organization.id, now)?;
        let environment = EnvironmentRow {
            id: new_id(),
            project_id: project.id.clone(),
            name: "dev".to_owned(),
            kind: "dev".to_owned(),
            status: "active".to_owned(),
            created_at: now,
        };
        let actor = serde_json::json!({ "type": "system", "id": owner.id, "name": owner.name }).to_string();
        let (keys, made) = self.first_keys(&environment.id, &actor, now)?;
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.insert_tenant(&owner)?;
                tx.insert_organization(&organization)?;
                tx.set_member(&organization.id, &owner.id, "owner", now)?;
                tx.insert_project(&project)?;
                tx.insert_environment(&environment)?;
                keys.iter().try_for_each(|key| tx.insert_key(key))?;
                Ok(())
            })
            .await?;
        Ok(Some(made))
    }

    fn first_project(&self, organization_id: &str, now: i64) -> Result<ProjectRow> {
        let wanted = self.options().project_name.trim();
        let (name, slug) = match slug::from_name(wanted) {
            Some(slug) => (wanted.to_owned(), slug),
            None => ("my-project".to_owned(), "my-project".to_owned()),
        };
        Ok(ProjectRow {
            id: new_id(),
            organization_id: organization_id.to_owned(),
            slug,
            name,
            description: None,
            primary_cloud: "local".to_owned(),
            primary_region: "local".to_owned(),
            settings: serde_json::to_string(&ProjectSettings::default()).map_err(Error::internal)?,
            cors_origins: "[]".to_owned(),
            created_at: now,
            updated_at: now,
        })
    }

    /// A publishable and a secret key; values to adopt come beside the first, in place of the second.
    fn first_keys(&self, environment_id: &str, actor: &str, now: i64) -> Result<(Vec<KeyRow>, FirstRun)> {
        let row = |id: String, kind: KeyKind, name: &str, value: &str, adopted: bool| KeyRow {
            id,
            environment_id: environment_id.to_owned(),
            kind: kind.name().to_owned(),
            name: name.to_owned(),
            hash: sha256(value),
            mask: mask(value),
            adopted,
            scopes: "[]".to_owned(),
            expires_at: None,
            last_used_at: None,
            created_by: actor.to_owned(),
            created_at: now,
            revoked_at: None,
        };
        let id = new_id();
        let publishable_key = derive_publishable(self.secret(), &id);
        let mut keys = vec![row(id, KeyKind::Publishable, "Default", &publishable_key, false)];
        if let Some(value) = &self.options().adopt_publishable {
            keys.push(row(new_id(), KeyKind::Publishable, "Adopted publishable", adoptable(value, KeyKind::Publishable)?, true));
        }
        let secret_key = match &self.options().adopt_secret {
            Some(value) => {
                keys.push(row(new_id(), KeyKind::Secret, "Adopted secret", adoptable(value, KeyKind::Secret)?, true));
                None
            }
            None => {
                let value = new_secret();
                keys.push(row(new_id(), KeyKind::Secret, "Default secret", &value, false));
                Some(value)
            }
        };
        Ok((keys, FirstRun { publishable_key, secret_key }))
    }
}

/// A key value to be accepted here, if it is one of the wanted kind: lower-case hexadecimal.
fn adoptable(value: &str, kind: KeyKind) -> Result<&str> {
    let usable = is_well_formed(value) && KeyKind::of_value(value) == Some(kind) && !value.bytes().any(|b| b.is_ascii_uppercase());
    if usable {
        return Ok(value);
    }
    Err(Error::new(Code::KEY_INVALID_VALUE, format!("The {} key to adopt must be {} and 64 lower-case hexadecimal characters", kind.name(), kind.prefix())))
}
