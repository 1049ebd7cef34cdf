//! Environments of a project.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_keys::{default_key, shown_value};
use super::guard::{self, EnvironmentAccess, Need, Role};
use super::input;
use super::removal::Removal;
use super::stats::EnvironmentStats;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::snapshots::{CloneFrom, Reason};
use crate::domain::time;
use crate::store::Reader;
use crate::store::control::{EnvironmentRow, ProjectRow};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Environment)]
pub struct EnvironmentView {
    pub id: String,
    pub project_id: String,
    /// Its name.
    pub environment: String,
    /// `dev`, `staging`, `prod` or `custom`.
    pub environment_type: String,
    /// `creating`, `active`, `failed` or `deleting`.
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<EnvironmentStats>,
    pub created_at: String,
    /// Only in the answer that creates the environment, or finds it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub already_existed: bool,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEnvironment {
    /// `^[a-z][a-z0-9-]{0,31}$`.
    pub environment: String,
    /// `dev`, `staging`, `prod` or `custom`; what the name says when absent, else `custom`.
    pub environment_type: Option<String>,
    /// A copy instead of an empty one.
    #[serde(default)]
    pub clone_from: Option<CloneFrom>,
}

impl EnvironmentView {
    pub(super) fn from_row(row: EnvironmentRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            environment: row.name,
            environment_type: row.kind,
            status: row.status,
            stats: None,
            created_at: time::iso(row.created_at),
            publishable_key: None,
            already_existed: false,
        }
    }
}

impl Backend {
    /// A running environment, for a caller with this need.
    ///
    /// # Errors
    /// As [`guard::environment`].
    pub async fn tenant_environment(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, need: Need) -> Result<Arc<Environment>> {
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::environment(r, &tenant, &project, &name, need)).await?;
        self.environment(&access.row.id).await
    }

    /// The environments of a project with what they hold, oldest first.
    ///
    /// # Errors
    /// As [`guard::project`].
    pub async fn environments(self: &Arc<Self>, tenant: &Tenant, project: &str) -> Result<Vec<EnvironmentView>> {
        let (tenant, id) = (tenant.clone(), project.to_owned());
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::project(r, &tenant, &id, Need::read(Role::Member))?;
                Ok(r.environments_of(&access.row.id)?)
            })
            .await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.with_stats(row).await?);
        }
        Ok(views)
    }

    /// # Errors
    /// As [`guard::environment`].
    pub async fn environment_view(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str) -> Result<EnvironmentView> {
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::environment(r, &tenant, &project, &name, Need::read(Role::Member))).await?;
        self.with_stats(access.row).await
    }

    async fn with_stats(self: &Arc<Self>, row: EnvironmentRow) -> Result<EnvironmentView> {
        let stats = if row.status == "active" { Some(self.stats_of(&row.id).await?) } else { None };
        Ok(EnvironmentView { stats, ..EnvironmentView::from_row(row) })
    }

    /// An empty environment with a publishable key "Default"; the one that is there already when name and type agree.
    ///
    /// # Errors
    /// As [`guard::project`]; `environment/already-exists` when it is of another type; `environment/invalid-name`.
    pub async fn create_environment(self: &Arc<Self>, tenant: &Tenant, project: &str, new: NewEnvironment) -> Result<EnvironmentView> {
        let name = parse_name(&new.environment)?.to_owned();
        let kind = new.environment_type.as_deref().map(|k| input::one_of("environmentType", k, &["dev", "staging", "prod", "custom"])).transpose()?;
        let kind = kind.map(str::to_owned);
        let now = time::now();
        let id = new_id();
        let (key, value) = default_key(self, tenant, &id, now);
        let (tenant, project, tree) = (tenant.clone(), project.to_owned(), self.tree().clone());
        let (row, existing_keys) = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let project = guard::project(&r, &tenant, &project, Need::write(Role::Admin))?.row;
                if let Some(row) = r.environment_of(&project.id, &name)?.filter(|e| e.name == name) {
                    return existing(row, kind.as_deref()).and_then(|row| Ok((row.clone(), Some(r.keys_of(&row.id)?))));
                }
                let kind = kind.unwrap_or_else(|| type_of(&name).to_owned());
                let row = EnvironmentRow { id, project_id: project.id.clone(), name, kind, status: "active".to_owned(), created_at: now };
                tx.insert_environment(&row)?;
                tx.insert_key(&key)?;
                guard::audit(tx, &tenant, change(&project, &row, "created"))?;
                tx.after_commit(move || tree.changed(&project.organization_id));
                Ok((row, None))
            })
            .await?;
        // Its databases are made now rather than at its first request.
        self.environment(&row.id).await?;
        let already_existed = existing_keys.is_some();
        let publishable_key = match existing_keys {
            None => Some(value),
            Some(keys) => keys.iter().filter(|k| k.revoked_at.is_none()).find_map(|k| shown_value(self, k)),
        };
        Ok(EnvironmentView { publishable_key, already_existed, ..EnvironmentView::from_row(row) })
    }

    /// An environment that is being made as a copy: its row and the value of its key, and its project.
    pub(in crate::domain) async fn reserve_environment(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        new: NewEnvironment,
    ) -> Result<(EnvironmentRow, String, ProjectRow)> {
        let name = parse_name(&new.environment)?.to_owned();
        let kind = new.environment_type.as_deref().map(|k| input::one_of("environmentType", k, &["dev", "staging", "prod", "custom"])).transpose()?;
        let kind = kind.unwrap_or_else(|| type_of(&name)).to_owned();
        let (id, now) = (new_id(), time::now());
        let (key, value) = default_key(self, tenant, &id, now);
        let (tenant, project) = (tenant.clone(), project.to_owned());
        let (row, project) = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let r = tx.reader();
                let project = guard::project(&r, &tenant, &project, Need::write(Role::Admin))?.row;
                if r.environment_of(&project.id, &name)?.is_some_and(|e| e.name == name) {
                    return Err(Error::new(Code::ENVIRONMENT_ALREADY_EXISTS, format!("An environment {name} exists already; a copy needs a name of its own")));
                }
                let row = EnvironmentRow { id, project_id: project.id.clone(), name, kind, status: "creating".to_owned(), created_at: now };
                tx.insert_environment(&row)?;
                tx.insert_key(&key)?;
                guard::audit(tx, &tenant, change(&project, &row, "created"))?;
                Ok((row, project))
            })
            .await?;
        Ok((row, value, project))
    }

    /// Opens an environment that was being made.
    pub(in crate::domain) async fn activated(self: &Arc<Self>, id: &str) -> Result<EnvironmentView> {
        let made = id.to_owned();
        self.control().write::<_, Error, _>(move |tx| Ok(tx.set_environment_status(&made, "active")?)).await?;
        let id = id.to_owned();
        let row = self.control().read::<_, Error, _>(move |r| Ok(r.environment(&id)?)).await?;
        self.with_stats(row.ok_or_else(|| Error::new(Code::ENVIRONMENT_NOT_FOUND, "The environment was deleted while it was made"))?).await
    }

    /// Takes back an environment that could not be made.
    pub(in crate::domain) async fn discard_environment(self: &Arc<Self>, id: &str) -> Result<()> {
        let (this, id) = (Arc::clone(self), id.to_owned());
        let removal = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut removal = Removal::default();
                removal.add_environment(tx, &id)?;
                tx.delete_environment(&id)?;
                removal.on_commit(tx, this);
                Ok(removal)
            })
            .await?;
        self.finish_removal(removal).await
    }

    /// Takes back what an earlier start of the server was still making.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn discard_unfinished_environments(self: &Arc<Self>) -> Result<()> {
        let rows = self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await?;
        for row in rows.iter().filter(|row| row.status == "creating") {
            self.discard_environment(&row.id).await?;
        }
        Ok(())
    }

    /// Deletes an environment with everything in it; `confirm` must be its name. With `snapshot`, it is saved first, and the
    /// snapshot's id answered.
    ///
    /// # Errors
    /// As [`guard::environment`]; `environment/last-environment`; `management/confirmation-required`.
    pub async fn delete_environment(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        confirm: Option<&str>,
        snapshot: bool,
    ) -> Result<Option<String>> {
        let saved = if snapshot { self.save_before_deletion(tenant, project, environment, confirm).await? } else { None };
        let (tenant, project, name) = (tenant.clone(), project.to_owned(), environment.to_owned());
        let (confirm, this) = (confirm.map(str::to_owned), Arc::clone(self));
        let removal = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let access = to_be_deleted(&tx.reader(), &tenant, &project, &name, confirm.as_deref())?;
                let mut removal = Removal::default();
                removal.add_environment(tx, &access.row.id)?;
                tx.delete_environment(&access.row.id)?;
                guard::audit(tx, &tenant, change(&access.project, &access.row, "deleted"))?;
                let tree = this.tree().clone();
                removal.on_commit(tx, this);
                tx.after_commit(move || tree.changed(&access.project.organization_id));
                Ok(removal)
            })
            .await?;
        self.finish_removal(removal).await?;
        Ok(saved)
    }

    async fn save_before_deletion(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, confirm: Option<&str>) -> Result<Option<String>> {
        let (who, project, name, confirm) = (tenant.clone(), project.to_owned(), environment.to_owned(), confirm.map(str::to_owned));
        let access = self.control().read::<_, Error, _>(move |r| to_be_deleted(r, &who, &project, &name, confirm.as_deref())).await?;
        if access.row.status != "active" {
            return Ok(None);
        }
        let environment = self.environment(&access.row.id).await?;
        Ok(Some(self.take_snapshot(&environment, tenant, None, Reason::BeforeDelete, true).await?.id))
    }
}

fn to_be_deleted(r: &Reader<'_>, tenant: &Tenant, project: &str, name: &str, confirm: Option<&str>) -> Result<EnvironmentAccess> {
    let access = guard::environment(r, tenant, project, name, Need::write(Role::Admin))?;
    if r.environments_of(&access.project.id)?.len() < 2 {
        return Err(Error::new(Code::ENVIRONMENT_LAST, "The last environment of a project cannot be deleted; delete the project instead"));
    }
    guard::confirm(confirm, &access.row.name)?;
    Ok(access)
}

fn existing(row: EnvironmentRow, kind: Option<&str>) -> Result<EnvironmentRow> {
    if kind.is_some_and(|kind| kind != row.kind) {
        let message = format!("The environment {} exists already, of type {}", row.name, row.kind);
        return Err(Error::new(Code::ENVIRONMENT_ALREADY_EXISTS, message));
    }
    Ok(row)
}

fn parse_name(name: &str) -> Result<&str> {
    let mut bytes = name.bytes();
    let sound =
        name.len() <= 32 && bytes.next().is_some_and(|b| b.is_ascii_lowercase()) && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if sound {
        return Ok(name);
    }
    let message = format!("\"{}\" is no environment name: a lower-case letter, then up to 31 of a-z, 0-9 and -", clip(name));
    Err(Error::new(Code::ENVIRONMENT_INVALID_NAME, message))
}

/// The type a name stands for by itself.
fn type_of(name: &str) -> &'static str {
    ["dev", "staging", "prod"].into_iter().find(|kind| *kind == name).unwrap_or("custom")
}

fn change<'a>(project: &'a ProjectRow, row: &'a EnvironmentRow, action: &'a str) -> Change<'a> {
    let mut change = Change {
        organization_id: Some(&project.organization_id),
        project_id: Some(&project.id),
        environment: Some(&row.name),
        entity: "environment",
        action,
        entity_id: &row.id,
        entity_name: &row.name,
        ..Change::default()
    };
    change.metadata.insert("environmentType".to_owned(), row.kind.clone().into());
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words() {
        for good in ["dev", "pr-12", "a"] {
            assert!(parse_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Dev", "1a", "-a", "a_b", "a.b", &"a".repeat(33)] {
            assert_eq!(parse_name(bad).unwrap_err().code(), Code::ENVIRONMENT_INVALID_NAME, "{bad}");
        }
        assert_eq!([type_of("prod"), type_of("pr-12")], ["prod", "custom"]);
    }
}
