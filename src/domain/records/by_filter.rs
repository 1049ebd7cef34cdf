//! Changing or deleting everything that matches; for admins (`02-data.md` §5.6).

use serde_json::Value;

use super::gate::Records;
use super::query::Condition;
use super::values;
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::store::Tx;

/// Records one call may hit.
pub const MAX_HITS: u64 = 100_000;

/// What a change by filter did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Modified {
    pub matched: u64,
    pub modified: u64,
}

impl Records {
    /// Only admins change by filter.
    ///
    /// # Errors
    /// 403 `data/scope-insufficient`, `data/permission-denied`.
    pub fn grant_by_filter(&self, operation: Operation) -> Result<()> {
        self.writable()?.in_scope(operation)?;
        if self.caller.is_admin() {
            return Ok(());
        }
        Err(Error::new(
            Code::PERMISSION_DENIED,
            format!("Only admins may {} records of {} by filter; name one record in the path", operation.name(), self.table.name),
        ))
    }

    /// PATCHes every record that matches.
    ///
    /// # Errors
    /// 403, 400 with rule `limit` beyond 100,000 records, 400, 409.
    pub async fn update_matching(&self, condition: Condition, body: Value) -> Result<Modified> {
        self.grant_by_filter(Operation::Update)?;
        let update = self.read_patch(values::body_object(body)?)?;
        self.run(move |this, tx| {
            let ids = this.hits(tx, &condition)?;
            let mut modified = 0;
            for id in &ids {
                let Some(record) = tx.reader().record(&this.table.shape.physical, id)? else { continue };
                let before = record.updated_at;
                modified += u64::from(this.patched(tx, record, &update)?.updated_at != before);
            }
            Ok(Modified { matched: ids.len() as u64, modified })
        })
        .await
    }

    /// Deletes every record that matches; answers how many.
    ///
    /// # Errors
    /// As [`Records::update_matching`].
    pub async fn delete_matching(&self, condition: Condition) -> Result<u64> {
        self.grant_by_filter(Operation::Delete)?;
        self.run(move |this, tx| {
            let ids = this.hits(tx, &condition)?;
            for id in &ids {
                if let Some(record) = tx.reader().record(&this.table.shape.physical, id)? {
                    this.remove(tx, record)?;
                }
            }
            Ok(ids.len() as u64)
        })
        .await
    }

    fn hits(&self, tx: &Tx<'_>, condition: &Condition) -> Result<Vec<String>> {
        let ids = tx.reader().matching(&self.table.shape, &condition.filter, condition.search.as_ref(), MAX_HITS + 1)?;
        if ids.len() as u64 > MAX_HITS {
            return Err(Error::validation("andFilters", "limit", "The filter hits more than 100,000 records; split it into narrower ones"));
        }
        Ok(ids)
    }
}
