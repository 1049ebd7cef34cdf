//! What developers change of records goes into the audit log: one activity for each call, a bulk call one in all
//! (`06-console.md` B1, "Audit"). Apps' calls leave none.

use std::io::Read;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::changes::Op;
use super::gate::Records;
use super::import::ImportReport;
use super::query::ImportOptions;
use crate::domain::activities::Change;
use crate::domain::caller::{Caller, Tenant};
use crate::domain::error::{Error, Result};
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

    /// Imports a file for a developer, and notes it once.
    ///
    /// # Errors
    /// As [`Records::import`].
    pub async fn import_for(&self, tenant: &Tenant, file: impl Read + Send + 'static, options: ImportOptions) -> Result<ImportReport> {
        let dry_run = options.dry_run;
        let report = self.import(file, options).await?;
        if !dry_run {
            let (this, tenant) = (self.clone(), tenant.clone());
            let metadata = serde_json::to_value(&report).map_err(Error::internal)?;
            // Rejected rows may hold anything; the log keeps the counts.
            let counts = metadata.as_object().into_iter().flatten().filter(|(_, value)| value.is_number()).map(|(k, v)| (k.clone(), v.clone())).collect();
            self.environment.data().write::<_, Error, _>(move |tx| this.note_activity(tx, &tenant, "imported", "", counts)).await?;
        }
        Ok(report)
    }

    fn note_activity(&self, tx: &mut Tx<'_>, tenant: &Tenant, action: &str, id: &str, metadata: Map<String, Value>) -> Result<()> {
        let project = self.environment.project();
        let change = Change {
            organization_id: Some(&project.organization_id),
            project_id: Some(&project.id),
            environment: Some(self.environment.name()),
            entity: "record",
            action,
            entity_id: id,
            entity_name: &self.table.name,
            metadata,
        };
        self.environment.audit(tx, &change.by(tenant))
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
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        self.note_activity(tx, tenant, action, one.map(String::as_str).unwrap_or_default(), metadata)
    }
}
