//! The audit log: one activity for each successful change made by a developer.

use serde_json::{Map, Value};

use super::caller::Tenant;
use super::id::new_id;
use super::time;
use crate::store::control::ActivityRow;

/// What was changed; becomes one activity `<entity>_<action>`.
#[derive(Debug, Clone, Default)]
pub struct Change<'a> {
    pub organization_id: Option<&'a str>,
    pub project_id: Option<&'a str>,
    pub environment: Option<&'a str>,
    /// `organization project environment table record user file access_token …`.
    pub entity: &'a str,
    /// `created updated deleted …`.
    pub action: &'a str,
    pub entity_id: &'a str,
    pub entity_name: &'a str,
    /// Never a secret.
    pub metadata: Map<String, Value>,
}

impl Change<'_> {
    /// The activity of this change by `actor`, with a new id that makes repetition harmless.
    pub fn by(self, actor: &Tenant) -> ActivityRow {
        let message = format!("{} {} {}", self.action, self.entity.replace('_', " "), self.entity_name);
        ActivityRow {
            id: new_id(),
            organization_id: self.organization_id.map(str::to_owned),
            project_id: self.project_id.map(str::to_owned),
            environment: self.environment.map(str::to_owned),
            entity_type: self.entity.to_owned(),
            action: self.action.to_owned(),
            entity_id: self.entity_id.to_owned(),
            entity_name: self.entity_name.to_owned(),
            actor: actor.actor().to_string(),
            message,
            metadata: Value::Object(self.metadata).to_string(),
            created_at: time::now(),
        }
    }
}
