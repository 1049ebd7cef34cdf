//! A table as developers see it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::tables::table::Table;
use crate::domain::time;
use crate::store::query::ast::Filter;
use crate::store::query::list::Query;

impl Environment {
    /// How many records a table holds, and their bytes; counted once for as long as nothing changes the table.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn table_size(self: &Arc<Self>, table: &Arc<Table>) -> Result<(u64, u64)> {
        let counted = Arc::clone(table);
        self.data()
            .read::<_, Error, _>(move |reader| {
                let everything = Filter::all();
                let generation = counted.generation();
                let known = |what: &str| counted.totals.get(what, generation).filter(|_| !counted.system);
                let count = match known("*") {
                    Some(count) => count,
                    None => reader.count(&Query { shape: &counted.shape, filter: &everything, search: None, sort: &[] })?,
                };
                let bytes = match known("bytes") {
                    Some(bytes) => bytes,
                    None => reader.table_bytes(&counted.shape.physical)?,
                };
                counted.totals.put("*", generation, count);
                counted.totals.put("bytes", generation, bytes);
                Ok((count, bytes))
            })
            .await
    }

    /// The shape `Table` of `06-console.md` B2, with counts.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn table_view(self: &Arc<Self>, table: &Arc<Table>, base_url: &str) -> Result<Value> {
        let (count, bytes) = self.table_size(table).await?;
        let rights = table.permissions.to_value();
        let mut view = json!({
            "id": table.id,
            "projectId": self.project().id,
            "environmentId": self.id(),
            "environment": self.name(),
            "tableName": table.name,
            "displayName": table.display_name,
            "description": table.description,
            "status": "deployed",
            "system": table.system,
            "documentCount": count,
            "sizeBytes": bytes,
            "schema": table.schema.to_value(),
            "additionalFields": table.additional_fields,
            "indexes": table.indexes.iter().map(|i| i.to_value()).collect::<Vec<_>>(),
            "schemaVersion": table.schema_version,
            "indexVersion": table.index_version,
            "endpoint": format!("{base_url}/v1/data/{}", table.name),
            "createdAt": time::iso(table.created_at),
            "updatedAt": time::iso(table.updated_at),
        });
        for key in ["permissions", "expressionPermissions", "columnPermissions", "rowFilters", "rowFilterScope"] {
            view[key] = rights[key].clone();
        }
        Ok(view)
    }
}
