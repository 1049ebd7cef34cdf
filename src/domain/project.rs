//! A project as requests need it: its settings and the origins its apps are served from.

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::error::{Error, Result};
use crate::store::control::ProjectRow;

/// Shape of successful answers on `/v1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    #[default]
    Bare,
    Envelope,
}

/// Whose request bodies the request log keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogBodies {
    /// Environments of type `dev` only.
    #[default]
    Dev,
    All,
    None,
}

/// Settings shared by the environments of a project (`06-console.md` B2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectSettings {
    pub response_envelope: Envelope,
    pub request_log_bodies: LogBodies,
    /// Requests per minute, key and address on `/v1/data`; null = off.
    #[schema(minimum = 1)]
    pub data_rate_limit: Option<u32>,
}

/// What requests need to know of a project; swapped whole when it changes.
#[derive(Debug)]
pub struct Project {
    pub id: String,
    pub organization_id: String,
    state: ArcSwap<ProjectState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectState {
    pub name: String,
    pub slug: String,
    pub settings: ProjectSettings,
    pub origins: Vec<String>,
}

impl Project {
    pub fn from_row(row: &ProjectRow) -> Result<Self> {
        Ok(Self { id: row.id.clone(), organization_id: row.organization_id.clone(), state: ArcSwap::from_pointee(ProjectState::from_row(row)?) })
    }

    pub fn state(&self) -> Arc<ProjectState> {
        self.state.load_full()
    }

    pub fn settings(&self) -> ProjectSettings {
        self.state.load().settings
    }

    /// Whether the project lists the origin.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.state.load().origins.iter().any(|o| o.eq_ignore_ascii_case(origin))
    }

    /// Takes over a changed row.
    pub fn update(&self, row: &ProjectRow) -> Result<()> {
        self.state.store(Arc::new(ProjectState::from_row(row)?));
        Ok(())
    }
}

impl ProjectState {
    fn from_row(row: &ProjectRow) -> Result<Self> {
        Ok(Self {
            name: row.name.clone(),
            slug: row.slug.clone(),
            settings: serde_json::from_str(&row.settings).map_err(Error::internal)?,
            origins: serde_json::from_str(&row.cors_origins).map_err(Error::internal)?,
        })
    }
}
