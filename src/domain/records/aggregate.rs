//! Counts, sums and extremes by group (`02-data.md` §6.7).

use std::sync::Arc;

use serde_json::Value;

use super::gate::Records;
use super::query::AggregateQuery;
use crate::domain::error::{Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::page::List;
use crate::store::query::list::Query;

/// Groups of one query (`02-data.md` §12).
const MAX_GROUPS: u64 = 1000;

impl Records {
    /// The asked part of the groups.
    ///
    /// # Errors
    /// 403, 400, 503 past the deadline.
    pub async fn aggregate(&self, query: AggregateQuery) -> Result<List<Value>> {
        let grant = self.grant(Operation::List)?;
        self.may_name(&query.named_fields)?;
        let filter = self.condition_filter(&grant, query.filter)?;
        let search = self.search(query.search);
        let grouping = query.grouping;
        let (table, page) = (Arc::clone(&self.table), query.page);
        let (items, total) = self
            .environment
            .data()
            .read::<_, Error, _>(move |reader| {
                let query = Query { shape: &table.shape, filter: &filter, search: search.as_ref(), sort: &[] };
                Ok(reader.aggregate(&query, &grouping, page.limit.into(), page.offset)?)
            })
            .await?;
        if total > MAX_GROUPS {
            return Err(Error::validation(
                "groupBy",
                "limit",
                format!("The records fall into {total} groups; at most {MAX_GROUPS} are computed, so narrow the filter"),
            ));
        }
        Ok(List::new(items, page, total))
    }
}
