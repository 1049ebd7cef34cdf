//! Versions of schemas and index lists, and the way back to an older one.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::own_table;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::page::{List, Page};
use crate::domain::tables::plan::{Plan, field_changes};
use crate::domain::tables::schema::Schema;
use crate::domain::tables::table::Table;
use crate::domain::time;
use crate::store::Tx;
use crate::store::data::{VersionKind, VersionRow};
use std::sync::Arc;

/// What a new version is noted with.
#[derive(Debug, Clone)]
pub struct Version {
    pub summary: String,
    /// `{ added, updated, removed }`: names.
    pub changes: Value,
}

/// A version as developers see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    pub id: String,
    pub version: u32,
    pub is_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub indexes: Option<Value>,
    pub summary: String,
    #[schema(value_type = Object)]
    pub changes: Value,
    #[schema(value_type = Object)]
    pub created_by: Value,
    pub created_at: String,
}

/// Stores the table's current schema, or index list, as its version of that number.
pub(in crate::domain) fn note(tx: &mut Tx<'_>, actor: &Tenant, table: &Table, kind: VersionKind, version: &Version) -> Result<()> {
    let (number, body) = match kind {
        VersionKind::Schema => (table.schema_version, table.schema.to_value()),
        VersionKind::Indexes => (table.index_version, json!(table.indexes.iter().map(|i| i.to_value()).collect::<Vec<_>>())),
    };
    tx.insert_version(
        kind,
        &VersionRow {
            id: new_id(),
            table_id: table.id.clone(),
            version: number,
            body: body.to_string(),
            summary: version.summary.clone(),
            changes: version.changes.to_string(),
            created_by: actor.actor().to_string(),
            created_at: time::now(),
        },
    )?;
    Ok(())
}

impl Environment {
    /// Versions of a table, newest first.
    ///
    /// # Errors
    /// 404 `data/table-not-found`.
    pub async fn table_versions(self: &Arc<Self>, table: &str, kind: VersionKind, page: Page) -> Result<List<VersionView>> {
        let table = own_table(self, table)?;
        let id = table.id.clone();
        let (rows, total) = self.data().read::<_, Error, _>(move |r| Ok(r.versions(&id, kind, page.limit, page.offset)?)).await?;
        let items = rows.iter().map(|row| view(row, kind, &table)).collect::<Result<_>>()?;
        Ok(List::new(items, page, total))
    }

    /// One version: `3`, `v3` or its id.
    ///
    /// # Errors
    /// 404 `table/schema-version-not-found`, `table/index-version-not-found`.
    pub async fn table_version(self: &Arc<Self>, table: &str, kind: VersionKind, which: &str) -> Result<VersionView> {
        let table = own_table(self, table)?;
        let row = find(self, &table, kind, which).await?;
        view(&row, kind, &table)
    }
}

impl Environment {
    /// The differences between two versions of a table's schema.
    ///
    /// # Errors
    /// 404 `data/table-not-found`, `table/schema-version-not-found`.
    pub async fn schema_diff(self: &Arc<Self>, table: &str, from: &str, to: &str) -> Result<Plan> {
        let table = own_table(self, table)?;
        let mut schemas = Vec::with_capacity(2);
        for which in [from, to] {
            let row = find(self, &table, VersionKind::Schema, which).await?;
            schemas.push(Schema::from_stored(&serde_json::from_str(&row.body).map_err(Error::internal)?)?);
        }
        Ok(Plan::new(field_changes(&table.name, &schemas[0], &schemas[1], &[]), Vec::new(), &table.etag()))
    }
}

pub(in crate::domain) async fn find(environment: &Arc<Environment>, table: &Table, kind: VersionKind, which: &str) -> Result<VersionRow> {
    let id = table.id.clone();
    let number = which.strip_prefix(['v', 'V']).filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())).unwrap_or(which).to_owned();
    let row = environment.data().read::<_, Error, _>(move |r| Ok(r.version(&id, kind, &number)?)).await?;
    row.ok_or_else(|| {
        let code = if kind == VersionKind::Schema { Code::SCHEMA_VERSION_NOT_FOUND } else { Code::INDEX_VERSION_NOT_FOUND };
        Error::new(code, format!("Table {} has no such version: {}", table.name, clip(which)))
    })
}

fn view(row: &VersionRow, kind: VersionKind, table: &Table) -> Result<VersionView> {
    let json = |text: &str| serde_json::from_str::<Value>(text).map_err(Error::internal);
    let body = json(&row.body)?;
    let (schema, indexes, active) = match kind {
        VersionKind::Schema => (Some(body), None, table.schema_version),
        VersionKind::Indexes => (None, Some(body), table.index_version),
    };
    Ok(VersionView {
        id: row.id.clone(),
        version: row.version,
        is_active: row.version == active,
        schema,
        indexes,
        summary: row.summary.clone(),
        changes: json(&row.changes)?,
        created_by: json(&row.created_by)?,
        created_at: time::iso(row.created_at),
    })
}
