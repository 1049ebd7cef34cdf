//! Projects.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::api_keys::default_key;
use super::environments::EnvironmentView;
use super::guard::{self, Need, Role};
use super::removal::Removal;
use super::version::{self, Versioned};
use super::{input, slug};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::project::ProjectSettings;
use crate::domain::time;
use crate::store::Reader;
use crate::store::control::{EnvironmentRow, ProjectRow};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub struct ProjectView {
    pub id: String,
    pub organization_id: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub primary_cloud: String,
    pub primary_region: String,
    /// Always `active`.
    pub status: &'static str,
    pub environment_count: usize,
    pub environments: Vec<EnvironmentView>,
    pub settings: ProjectSettings,
    pub created_at: String,
    pub updated_at: String,
    /// Of the environment `dev`; only in the answer that creates the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewProject {
    /// 1–64 characters.
    pub name: String,
    /// 3–50 of a-z 0-9 -, unique in the organization; made from the name when absent.
    pub slug: Option<String>,
    pub description: Option<String>,
    /// A label without effect.
    pub primary_cloud: Option<String>,
    /// A label without effect.
    pub primary_region: Option<String>,
}

/// What is absent stays; settings are merged by key.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectPatch {
    pub name: Option<String>,
    pub slug: Option<String>,
    #[serde(default, deserialize_with = "input::present")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    #[schema(value_type = Option<ProjectSettings>)]
    pub settings: Option<Map<String, Value>>,
}

/// A project as it is stored, with its environments.
pub(super) struct Stored {
    pub row: ProjectRow,
    pub environments: Vec<EnvironmentRow>,
}

impl Stored {
    pub(super) fn load(r: &Reader<'_>, row: ProjectRow) -> Result<Self> {
        Ok(Self { environments: r.environments_of(&row.id)?, row })
    }

    fn view(self) -> Result<ProjectView> {
        Ok(ProjectView {
            settings: serde_json::from_str(&self.row.settings).map_err(Error::internal)?,
            id: self.row.id,
            organization_id: self.row.organization_id,
            slug: self.row.slug,
            name: self.row.name,
            description: self.row.description,
            primary_cloud: self.row.primary_cloud,
            primary_region: self.row.primary_region,
            status: "active",
            environment_count: self.environments.len(),
            environments: self.environments.into_iter().map(EnvironmentView::from_row).collect(),
            created_at: time::iso(self.row.created_at),
            updated_at: time::iso(self.row.updated_at),
            publishable_key: None,
        })
    }
}

impl Backend {
    /// The projects of an organization that the caller sees, oldest first.
    ///
    /// # Errors
    /// As [`guard::organization`].
    pub async fn projects(self: &Arc<Self>, tenant: &Tenant, organization: &str) -> Result<Vec<ProjectView>> {
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let stored = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &id, Need::glance(Role::Member))?;
                let rows = r.projects_of(&access.row.id)?.into_iter().filter(|p| guard::may_see_project(&tenant, p));
                rows.map(|row| Stored::load(r, row)).collect::<Result<Vec<_>>>()
            })
            .await?;
        stored.into_iter().map(Stored::view).collect()
    }

    /// # Errors
    /// As [`guard::project`].
    pub async fn project_view(self: &Arc<Self>, tenant: &Tenant, project: &str) -> Result<Versioned<ProjectView>> {
        let (tenant, id) = (tenant.clone(), project.to_owned());
        let stored = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::project(r, &tenant, &id, Need::read(Role::Member))?;
                Stored::load(r, access.row)
            })
            .await?;
        Versioned::of(stored.view()?)
    }

    /// A project with the environment `dev` and a publishable key "Default" in it.
    ///
    /// # Errors
    /// As [`guard::organization`]; `project/already-exists`; `common/invalid-parameters`.
    pub async fn create_project(self: &Arc<Self>, tenant: &Tenant, organization: &str, new: NewProject) -> Result<Versioned<ProjectView>> {
        let mut row = new_row(new)?;
        let now = row.created_at;
        let environment = EnvironmentRow {
            id: new_id(),
            project_id: row.id.clone(),
            name: "dev".to_owned(),
            kind: "dev".to_owned(),
            status: "active".to_owned(),
            created_at: now,
        };
        let (key, value) = default_key(self, tenant, &environment.id, now);
        let (tenant, id, tree) = (tenant.clone(), organization.to_owned(), self.tree().clone());
        let stored = self
            .control()
            .write::<_, Error, _>(move |tx| {
                row.organization_id = guard::organization(&tx.reader(), &tenant, &id, Need::write(Role::Admin))?.row.id;
                slug_is_free(&tx.reader(), &row)?;
                tx.insert_project(&row)?;
                tx.insert_environment(&environment)?;
                tx.insert_key(&key)?;
                guard::audit(tx, &tenant, change(&row, "created"))?;
                let organization_id = row.organization_id.clone();
                tx.after_commit(move || tree.changed(&organization_id));
                Ok(Stored { row, environments: vec![environment] })
            })
            .await?;
        let view = Versioned::of(stored.view()?)?;
        Ok(view.with(|project| project.publishable_key = Some(value)))
    }

    /// Changes what is named; settings apply from the next request on.
    ///
    /// # Errors
    /// As [`guard::project`]; `project/already-exists`; `common/invalid-parameters`; `management/version-conflict`.
    pub async fn update_project(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        patch: ProjectPatch,
        expected: &version::Expected,
    ) -> Result<Versioned<ProjectView>> {
        let (tenant, id, expected) = (tenant.clone(), project.to_owned(), expected.clone());
        let this = Arc::clone(self);
        let stored = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut row = guard::project(&tx.reader(), &tenant, &id, Need::write(Role::Admin))?.row;
                expected.check(&Versioned::of(Stored::load(&tx.reader(), row.clone())?.view()?)?)?;
                apply(&mut row, patch)?;
                slug_is_free(&tx.reader(), &row)?;
                tx.update_project(&row)?;
                guard::audit(tx, &tenant, change(&row, "updated"))?;
                let changed = row.clone();
                tx.after_commit(move || {
                    this.project_changed(&changed);
                    this.tree().changed(&changed.organization_id);
                });
                Stored::load(&tx.reader(), row)
            })
            .await?;
        Versioned::of(stored.view()?)
    }

    /// Deletes a project with its environments; `confirm` must be its name.
    ///
    /// # Errors
    /// As [`guard::project`]; `management/confirmation-required`.
    pub async fn delete_project(self: &Arc<Self>, tenant: &Tenant, project: &str, confirm: Option<&str>) -> Result<()> {
        let (tenant, id, confirm) = (tenant.clone(), project.to_owned(), confirm.map(str::to_owned));
        let this = Arc::clone(self);
        let removal = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let row = guard::project(&tx.reader(), &tenant, &id, Need::write(Role::Admin))?.row;
                guard::confirm(confirm.as_deref(), &row.name)?;
                let mut removal = Removal::default();
                removal.add_project(tx, &row.id)?;
                tx.delete_project(&row.id)?;
                guard::audit(tx, &tenant, change(&row, "deleted"))?;
                let tree = this.tree().clone();
                removal.on_commit(tx, this);
                tx.after_commit(move || tree.changed(&row.organization_id));
                Ok(removal)
            })
            .await?;
        self.finish_removal(removal).await
    }
}

fn new_row(new: NewProject) -> Result<ProjectRow> {
    let (now, id) = (time::now(), new_id());
    let label = |field: &str, text: Option<String>| Ok::<_, Error>(input::optional_name(field, text.as_deref())?.unwrap_or_else(|| "local".to_owned()));
    Ok(ProjectRow {
        slug: slug::wanted(new.slug.as_deref(), &new.name, &id)?,
        id,
        organization_id: String::new(),
        name: input::name("name", &new.name)?,
        description: input::description(new.description.as_deref())?,
        primary_cloud: label("primaryCloud", new.primary_cloud)?,
        primary_region: label("primaryRegion", new.primary_region)?,
        settings: serde_json::to_string(&ProjectSettings::default()).map_err(Error::internal)?,
        cors_origins: "[]".to_owned(),
        created_at: now,
        updated_at: now,
    })
}

fn apply(row: &mut ProjectRow, patch: ProjectPatch) -> Result<()> {
    if let Some(name) = patch.name {
        row.name = input::name("name", &name)?;
    }
    if let Some(wanted) = patch.slug {
        row.slug = slug::wanted(Some(&wanted), "", &row.id)?;
    }
    if let Some(description) = patch.description {
        row.description = input::description(description.as_deref())?;
    }
    if let Some(changes) = patch.settings {
        row.settings = merged(&row.settings, changes)?;
    }
    row.updated_at = time::now();
    Ok(())
}

/// Settings with some of them replaced; each change is checked by itself, so that the message can name it.
fn merged(stored: &str, changes: Map<String, Value>) -> Result<String> {
    let mut all: Map<String, Value> = serde_json::from_str(stored).map_err(Error::internal)?;
    for (key, value) in changes {
        if !all.contains_key(&key) {
            continue;
        }
        let field = format!("settings.{key}");
        let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
        let allowed = match key.as_str() {
            "responseEnvelope" => "bare or envelope",
            "requestLogBodies" => "dev, all or none",
            _ => "null or a whole number of requests per minute, from 1",
        };
        let sound = serde_json::from_value::<ProjectSettings>(alone).is_ok_and(|s| s.data_rate_limit != Some(0));
        if !sound {
            return Err(Error::invalid_parameter(&field, format!("{field} must be {allowed}")));
        }
        all.insert(key, value);
    }
    Ok(Value::Object(all).to_string())
}

fn slug_is_free(r: &Reader<'_>, row: &ProjectRow) -> Result<()> {
    if r.project_by_slug(&row.organization_id, &row.slug)?.is_some_and(|other| other.id != row.id) {
        return Err(Error::new(Code::PROJECT_ALREADY_EXISTS, format!("Another project of the organization has the slug {}; choose another one", row.slug)));
    }
    Ok(())
}

pub(super) fn change<'a>(row: &'a ProjectRow, action: &'a str) -> Change<'a> {
    Change {
        organization_id: Some(&row.organization_id),
        project_id: Some(&row.id),
        entity: "project",
        action,
        entity_id: &row.id,
        entity_name: &row.name,
        ..Change::default()
    }
}
