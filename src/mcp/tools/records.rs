//! Records of a table, as a secret key sees them.

use serde_json::{Map, Value};

use super::answer::deleted;
use super::call::Call;
use super::input::Input;
use crate::domain::error::{Error, Result};
use crate::domain::records::answer::RecordAnswer;
use crate::domain::records::query::{AggregateQuery, ListQuery, Params, ReadQuery};
use crate::domain::records::write::Conditions;

/// Arguments that make a list a table of figures.
const FIGURES: [&str; 6] = ["groupBy", "sum", "avg", "min", "max", "distinct"];

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(Error::internal)
}

fn one(record: &RecordAnswer) -> Result<Value> {
    json(&record.json)
}

/// The arguments as a body of list parameters.
fn parameters(input: &Input) -> Value {
    let mut body = input.part(&[
        "page",
        "limit",
        "sortBy",
        "sortDirection",
        "andFilters",
        "orFilters",
        "search",
        "searchType",
        "select",
        "include",
        "cursor",
        "filter",
        "sort",
        "offset",
        "skip",
        "fields",
    ]);
    body.extend(input.part(&FIGURES));
    Value::Object(body)
}

pub async fn list(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_read().await?;
    let records = call.records(&place);
    let (none, body) = (Params::default(), parameters(&call.input));
    if FIGURES.iter().any(|name| call.input.has(name)) {
        let mut body = body;
        // Figures are put in order by `sort`, which lists call sortBy as well.
        if let (Some(map), None) = (body.as_object_mut(), call.input.get("sort")) {
            order_of_figures(map);
        }
        let query = AggregateQuery::parse(&none, Some(&body), &place.table.schema)?;
        return serde_json::to_value(records.aggregate(query).await?).map_err(Error::internal);
    }
    let query = ListQuery::parse(&place.table.name, &none, Some(&body), &place.table.schema)?;
    json(&records.list(query).await?)
}

fn order_of_figures(body: &mut Map<String, Value>) {
    let Some(Value::String(by)) = body.shift_remove("sortBy") else { return };
    let direction = body.shift_remove("sortDirection").and_then(|d| d.as_str().map(str::to_ascii_lowercase)).unwrap_or_else(|| "desc".to_owned());
    let keys: Vec<String> = by.split(',').map(|key| format!("{}:{direction}", key.trim())).collect();
    body.insert("sort".to_owned(), keys.join(",").into());
}

pub async fn get(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_read().await?;
    let mut params = Params::default();
    for name in ["select", "include"] {
        match call.input.get(name) {
            Some(Value::String(text)) => params.push(name, text.as_str()),
            Some(list @ Value::Array(_)) => params.push(name, list.to_string()),
            _ => {}
        }
    }
    one(&call.records(&place).get(call.input.needed("recordId")?, &ReadQuery::parse(&params)?).await?)
}

fn data(call: &Call<'_>) -> Value {
    call.input.get("data").cloned().unwrap_or_default()
}

pub async fn create(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    one(&call.records(&place).create(data(call)).await?)
}

pub async fn update(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    one(&call.records(&place).update(call.input.needed("recordId")?, data(call), Conditions::default()).await?)
}

pub async fn delete(call: &Call<'_>) -> Result<Value> {
    let place = call.table_to_write().await?;
    let id = call.input.needed("recordId")?;
    call.records(&place).delete(id, Conditions::default()).await?;
    Ok(deleted(id, None))
}
