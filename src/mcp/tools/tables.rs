//! Tables.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{deleted, without_null_members};
use super::call::Call;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::page::List;
use crate::domain::tables::field::{Field, FieldKind};
use crate::domain::tables::ops::NewTable;
use crate::domain::tables::table::Table;
use crate::domain::tenancy::reach::Branch;
use crate::domain::time;

/// The shape `Table`; its permissions are those in force.
pub async fn view(call: &Call<'_>, environment: &Arc<Environment>, table: &Arc<Table>) -> Result<Value> {
    let mut view = environment.table_view(table, &call.connection.base).await?;
    if view["permissions"].is_null() {
        view["permissions"] = table.permissions.effective_matrix();
    }
    Ok(without_null_members(view))
}

/// The tables a call's filters and the connection leave, oldest environment first.
pub async fn visible(call: &Call<'_>) -> Result<Vec<(Arc<Environment>, Arc<Table>)>> {
    let only = call.some_project().await?;
    let id = call.input.text("environmentId");
    let wanted = id.or_else(|| call.input.text("environment"));
    if let Some(wanted) = wanted
        && (only.is_some() || id.is_some())
    {
        // An environment that is named wrongly is told, rather than answered with an empty list.
        call.some_environment().await?;
        return tables_of(call, &|b: &Branch| only.as_ref().is_none_or(|p| p.id == b.project.id), Some(wanted)).await;
    }
    let pin = call.connection.narrowing.environment.as_deref();
    if let (Some(wanted), Some(pin)) = (wanted, pin)
        && wanted != pin
    {
        return Err(super::call::outside(&format!("environment {pin}")));
    }
    tables_of(call, &|b: &Branch| only.as_ref().is_none_or(|p| p.id == b.project.id), wanted.or(pin)).await
}

async fn tables_of(call: &Call<'_>, here: &(dyn Fn(&Branch) -> bool + Sync), environment: Option<&str>) -> Result<Vec<(Arc<Environment>, Arc<Table>)>> {
    let mut all = Vec::new();
    for branch in call.backend().branches(call.tenant(), call.organization()).await?.into_iter().filter(|b| here(b)) {
        for found in branch.environments.iter().filter(|e| environment.is_none_or(|wanted| e.name == wanted || e.id == wanted)) {
            let environment = call.backend().environment(&found.id).await?;
            all.extend(environment.all_tables().into_iter().filter(|t| !t.system).map(|table| (Arc::clone(&environment), table)));
        }
    }
    Ok(all)
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    let List { items, pagination } = List::slice(visible(call).await?, call.page()?);
    let mut views = Vec::with_capacity(items.len());
    for (environment, table) in &items {
        views.push(entry(call, environment, table).await?);
    }
    Ok(json!({ "items": views, "pagination": pagination }))
}

/// A table as lists show it: fields in shorthand, or the whole schema.
async fn entry(call: &Call<'_>, environment: &Arc<Environment>, table: &Arc<Table>) -> Result<Value> {
    let full = call.input.flag("full");
    Ok(without_null_members(json!({
        "id": table.id,
        "projectId": environment.project().id,
        "environmentId": environment.id(),
        "environment": environment.name(),
        "tableName": table.name,
        "displayName": table.display_name,
        "description": table.description,
        "fields": (!full).then(|| shorthand(table)),
        "schema": full.then(|| table.schema.to_value()),
        "schemaVersion": table.schema_version,
        "indexVersion": table.index_version,
        "documentCount": environment.table_size(table).await?.0,
        "status": "deployed",
        "endpoint": format!("{}/v1/data/{}", call.connection.base, table.name),
        "createdAt": time::iso(table.created_at),
        "updatedAt": time::iso(table.updated_at),
    })))
}

/// `{ "title": "string!", "tags": "string[]" }`; `!` marks what is required.
pub fn shorthand(table: &Table) -> Value {
    let required = |field: &Field| if field.required { "!" } else { "" };
    Value::Object(
        table.schema.fields.iter().map(|(name, field)| (name.clone(), format!("{}{}", type_of(field), required(field)).into())).collect::<Map<_, _>>(),
    )
}

fn type_of(field: &Field) -> String {
    match (&field.reference, &field.items) {
        (Some(target), _) if target.is_empty() => "reference".to_owned(),
        (Some(target), _) => format!("reference:{target}"),
        (None, Some(items)) => format!("{}[]", type_of(items)),
        (None, None) if field.kind == FieldKind::Array => "mixed[]".to_owned(),
        (None, None) => field.kind.name().to_owned(),
    }
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_read().await?;
    view(call, &place.environment, &place.table).await
}

pub async fn create(call: &mut Call<'_>) -> Result<Value> {
    let environment = call.environment_to_write().await?;
    let body = call.input.part(&[
        "tableName",
        "displayName",
        "description",
        "schema",
        "indexes",
        "permissions",
        "additionalFields",
        "expressionPermissions",
        "columnPermissions",
        "rowFilters",
        "rowFilterScope",
    ]);
    let new = NewTable::parse(&Value::Object(body), true)?;
    let warnings = new.warnings.clone();
    let table = environment.create_table(call.tenant(), new).await?;
    call.input.warnings.extend(warnings);
    view(call, &environment, &table).await
}

pub async fn update(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let changes = call.input.part(&["displayName", "description", "permissions", "expressionPermissions", "columnPermissions", "rowFilters", "rowFilterScope"]);
    if changes.is_empty() {
        let message = "The call changes nothing: give displayName, description or a part of the permissions; fields are changed by backend_field_manage";
        return Err(Error::invalid_parameter("body", message));
    }
    let table = place.environment.update_table(call.tenant(), &place.table.name, Value::Object(changes)).await?;
    view(call, &place.environment, &table).await
}

pub async fn delete(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let snapshot = place.environment.delete_table(call.tenant(), &place.table.name, true).await?;
    Ok(deleted(&place.table.id, snapshot))
}
