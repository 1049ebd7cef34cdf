//! Fields and indexes of a table, their versions, and the way back to an older one.

use serde_json::{Value, json};

use super::answer::without_null_members;
use super::call::{Call, TablePlace};
use crate::domain::error::{Error, Result};
use crate::domain::page::List;
use crate::domain::tables::field_change::FieldChange;
use crate::domain::tables::index_change::IndexChange;
use crate::domain::tables::ops::{FieldsChanged, IndexesChanged, VersionKind, VersionView};
use crate::domain::time;

pub async fn manage_fields(call: &mut Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let body = call.input.part(&[
        "fieldsToAddOrUpdate",
        "fieldsToRemove",
        "requiredFieldsToAdd",
        "requiredFieldsToRemove",
        "fieldsToRename",
        "additionalFields",
        "backfill",
        "keepData",
        "dryRun",
        "action",
        "field",
        "fields",
    ]);
    let mut change = FieldChange::parse(&Value::Object(body), true)?;
    // Naming a field is consent; the copy taken before is the way back.
    change.allow_destructive = true;
    let changed = place.environment.manage_fields(call.tenant(), &place.table.name, change, None).await?;
    Ok(fields_changed(call, &place, changed))
}

pub async fn apply_schema(call: &mut Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let version = call.input.needed("versionId")?;
    let changed = place.environment.roll_back_schema(call.tenant(), &place.table.name, version, call.input.flag("dryRun"), None).await?;
    Ok(fields_changed(call, &place, changed))
}

/// The shape `Change` of fields.
fn fields_changed(call: &mut Call<'_>, place: &TablePlace, changed: FieldsChanged) -> Value {
    call.warn_of(&changed.warnings);
    without_null_members(json!({
        "id": place.table.id,
        "tableId": place.table.id,
        "tableName": place.table.name,
        "environmentId": place.environment.id(),
        "schemaVersion": changed.schema_version,
        "previousVersion": changed.previous_version,
        "schema": changed.schema,
        "appliedFields": changed.applied_fields,
        "appliedRequired": changed.applied_required,
        "removedValues": changed.removed_values,
        "undoSnapshotId": changed.snapshot,
        "createdAt": time::iso(place.table.created_at),
        "updatedAt": updated_at(place),
    }))
}

pub async fn manage_indexes(call: &mut Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let body = Value::Object(call.input.part(&["indexesToAddOrUpdate", "indexesToRemove", "action", "index", "indexes"]));
    let change = IndexChange::parse(&body, true)?;
    let changed = place.environment.manage_indexes(call.tenant(), &place.table.name, change, call.input.flag("dryRun")).await?;
    Ok(indexes_changed(call, &place, changed))
}

pub async fn apply_indexes(call: &mut Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let version = call.input.needed("versionId")?;
    let changed = place.environment.roll_back_indexes(call.tenant(), &place.table.name, version, call.input.flag("dryRun")).await?;
    Ok(indexes_changed(call, &place, changed))
}

/// The shape `Change` of indexes.
fn indexes_changed(call: &mut Call<'_>, place: &TablePlace, changed: IndexesChanged) -> Value {
    for warning in &changed.warnings {
        if !call.input.warnings.contains(warning) {
            call.warn(warning.clone());
        }
    }
    json!({
        "id": place.table.id,
        "tableId": place.table.id,
        "tableName": place.table.name,
        "environmentId": place.environment.id(),
        "indexVersion": changed.index_version,
        "previousIndexVersion": changed.previous_index_version,
        "indexes": changed.indexes,
        "appliedIndexes": changed.applied_indexes,
        "createdAt": time::iso(place.table.created_at),
        "updatedAt": updated_at(place),
    })
}

/// When the definition that is in force now was made.
fn updated_at(place: &TablePlace) -> String {
    let table = place.environment.table(&place.table.name);
    time::iso(table.map_or(place.table.updated_at, |table| table.updated_at))
}

pub async fn list_schemas(call: &Call<'_>) -> Result<Value> {
    list(call, VersionKind::Schema).await
}

pub async fn list_indexes(call: &Call<'_>) -> Result<Value> {
    list(call, VersionKind::Indexes).await
}

async fn list(call: &Call<'_>, kind: VersionKind) -> Result<Value> {
    let place = call.table_to_read().await?;
    let List { items, pagination } = place.environment.table_versions(&place.table.name, kind, call.page()?).await?;
    let items = items.iter().map(|version| view(&place, version)).collect::<Result<Vec<_>>>()?;
    Ok(json!({ "items": items, "pagination": pagination }))
}

pub async fn get_schema(call: &Call<'_>) -> Result<Value> {
    get(call, VersionKind::Schema).await
}

pub async fn get_indexes(call: &Call<'_>) -> Result<Value> {
    get(call, VersionKind::Indexes).await
}

async fn get(call: &Call<'_>, kind: VersionKind) -> Result<Value> {
    let place = call.table_to_read().await?;
    view(&place, &place.environment.table_version(&place.table.name, kind, call.input.needed("versionId")?).await?)
}

/// The shape `Version`.
fn view(place: &TablePlace, version: &VersionView) -> Result<Value> {
    let mut view = serde_json::to_value(version).map_err(Error::internal)?;
    view["tableId"] = json!(place.table.id);
    view["updatedAt"] = view["createdAt"].clone();
    Ok(without_null_members(view))
}
