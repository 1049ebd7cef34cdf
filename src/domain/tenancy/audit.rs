//! Reading the audit log.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::guard::{self, Need, Role};
use super::input;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::page::{List, Page};
use crate::domain::time;
use crate::store::control::{ActivityFilter, ActivityRow};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    pub id: String,
    pub entity_type: String,
    pub action: String,
    /// `<entityType>_<action>`.
    pub event: String,
    pub entity_id: String,
    pub entity_name: String,
    pub environment: Option<String>,
    /// `{ type: tenant|mcp|token|cli|system, id, name, client? }`.
    #[schema(value_type = Object)]
    pub actor: Value,
    pub message: String,
    #[schema(value_type = Object)]
    pub metadata: Value,
    pub created_at: String,
}

/// Which activities are wanted, as text.
#[derive(Debug, Clone, Default)]
pub struct ActivityQuery {
    pub entity_type: Option<String>,
    pub action: Option<String>,
    /// Id or name.
    pub actor: Option<String>,
    pub environment: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub search: Option<String>,
}

impl ActivityQuery {
    fn filter(self) -> Result<ActivityFilter> {
        let filled = |text: Option<String>| text.filter(|t| !t.is_empty());
        Ok(ActivityFilter {
            organization_id: None,
            project_id: None,
            environment: filled(self.environment),
            entity_type: filled(self.entity_type),
            action: filled(self.action),
            actor: filled(self.actor),
            from: filled(self.from).map(|t| input::instant("from", &t)).transpose()?,
            to: filled(self.to).map(|t| input::instant("to", &t)).transpose()?,
            search: filled(self.search),
        })
    }
}

impl Backend {
    /// The activities of a project, newest first.
    ///
    /// # Errors
    /// As [`guard::project`]; `common/invalid-parameters`.
    pub async fn project_activities(self: &Arc<Self>, tenant: &Tenant, project: &str, query: ActivityQuery, page: Page) -> Result<List<Activity>> {
        let filter = query.filter()?;
        let (tenant, id) = (tenant.clone(), project.to_owned());
        let (rows, total) = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::project(r, &tenant, &id, Need::read(Role::Member))?;
                Ok(r.activities(&ActivityFilter { project_id: Some(access.row.id), ..filter.clone() }, page.limit, page.offset)?)
            })
            .await?;
        list(rows, page, total)
    }

    /// The activities of an organization and its projects, newest first.
    ///
    /// # Errors
    /// As [`guard::organization`]; `common/invalid-parameters`.
    pub async fn organization_activities(self: &Arc<Self>, tenant: &Tenant, organization: &str, query: ActivityQuery, page: Page) -> Result<List<Activity>> {
        let filter = query.filter()?;
        let (tenant, id) = (tenant.clone(), organization.to_owned());
        let (rows, total) = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &tenant, &id, Need::read(Role::Member))?;
                Ok(r.activities(&ActivityFilter { organization_id: Some(access.row.id), ..filter.clone() }, page.limit, page.offset)?)
            })
            .await?;
        list(rows, page, total)
    }
}

fn list(rows: Vec<ActivityRow>, page: Page, total: u64) -> Result<List<Activity>> {
    Ok(List::new(rows.into_iter().map(view).collect::<Result<_>>()?, page, total))
}

fn view(row: ActivityRow) -> Result<Activity> {
    Ok(Activity {
        event: format!("{}_{}", row.entity_type, row.action),
        id: row.id,
        entity_type: row.entity_type,
        action: row.action,
        entity_id: row.entity_id,
        entity_name: row.entity_name,
        environment: row.environment,
        actor: serde_json::from_str(&row.actor).map_err(Error::internal)?,
        message: row.message,
        metadata: serde_json::from_str(&row.metadata).map_err(Error::internal)?,
        created_at: time::iso(row.created_at),
    })
}
