//! What developers change of records goes into the audit log: one activity for each call, a bulk call one in all
//! (`06-console.md` B1, "Audit"). Apps' calls leave none.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, json};

use super::changes::Op;
use super::gate::Records;
use crate::domain::activities::Change;
use crate::domain::caller::Caller;
use crate::domain::error::Result;
use crate::store::Tx;

/// Record ids an activity names at most.
const NAMED: usize = 20;

/// Changes of one call.
#[derive(Debug, Default)]
pub(super) struct Tally {
    created: u64,
    updated: u64,
    deleted: u64,
    ids: Vec<String>,
}

impl Records {
    /// The same, counting what it changes, if its caller is one whose changes are audited.
    pub(super) fn tallied(mut self) -> Self {
        self.tally = matches!(self.caller, Caller::Tenant(_)).then(Arc::<Mutex<Tally>>::default);
        self
    }

    pub(super) fn count_change(&self, op: Op, id: &str) {
        let Some(tally) = &self.tally else { return };
        let mut tally = tally.lock();
        match op {
            Op::Create => tally.created += 1,
            Op::Delete => tally.deleted += 1,
            _ => tally.updated += 1,
        }
        if tally.ids.len() < NAMED {
            tally.ids.push(id.to_owned());
        }
    }

    /// Writes the activity of the call into its transaction.
    pub(super) fn audit_changes(&self, tx: &mut Tx<'_>) -> Result<()> {
        let (Some(tally), Caller::Tenant(tenant)) = (&self.tally, &self.caller) else { return Ok(()) };
        let tally = tally.lock();
        let action = match (tally.created, tally.updated, tally.deleted) {
            (0, 0, 0) => return Ok(()),
            (_, 0, 0) => "created",
            (0, 0, _) => "deleted",
            _ => "updated",
        };
        let one = if tally.created + tally.updated + tally.deleted == 1 { tally.ids.first() } else { None };
        let metadata = json!({ "table": self.table.name, "created": tally.created, "updated": tally.updated, "deleted": tally.deleted, "ids": tally.ids });
        let project = self.environment.project();
        let change = Change {
            organization_id: Some(&project.organization_id),
            project_id: Some(&project.id),
            environment: Some(self.environment.name()),
            entity: "record",
            action,
            entity_id: one.map(String::as_str).unwrap_or_default(),
            entity_name: &self.table.name,
            metadata: metadata.as_object().cloned().unwrap_or_else(Map::new),
        };
        self.environment.audit(tx, &change.by(tenant))
    }
}
