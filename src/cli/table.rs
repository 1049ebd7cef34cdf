//! `table list|spec|openapi|apply|delete`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::args::{Confirm, TableName};
use super::confirm;
use super::context::Context;
use super::exit::Result;
use super::output::{bytes, items, text, time};
use super::reach::Connection;
use super::table_apply;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local table apply bkend.schema.json\n  bkend-local table spec posts --json")]
pub enum Table {
    /// List the tables
    #[command(after_help = "Example:\n  bkend-local table list --env staging")]
    List,
    /// Show fields, indexes and permissions of a table
    #[command(after_help = "Example:\n  bkend-local table spec posts")]
    Spec(TableName),
    /// Print the OpenAPI document of a table
    #[command(after_help = "Example:\n  bkend-local table openapi posts > posts.openapi.json")]
    Openapi(TableName),
    /// Create and change the tables that a schema document names
    Apply(Apply),
    /// Delete a table with its records
    Delete(Delete),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local table apply bkend.schema.json --dry-run\n\nTables and fields that the file does not name stay as they are.")]
pub struct Apply {
    /// Schema document, JSON or (.yaml, .yml) YAML
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Consent to changes that remove stored values
    #[arg(long)]
    pub allow_destructive: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local table delete drafts --confirm drafts")]
pub struct Delete {
    #[command(flatten)]
    table: TableName,
    #[command(flatten)]
    confirm: Confirm,
}

pub async fn run(context: &Context, connection: &Connection, command: &Table) -> Result<()> {
    match command {
        Table::List => list(context, connection).await,
        Table::Spec(table) => spec(context, connection, &table.name).await,
        Table::Openapi(table) => openapi(context, connection, &table.name).await,
        Table::Apply(apply) => table_apply::run(context, connection, apply).await,
        Table::Delete(delete) => remove(context, connection, delete).await,
    }
}

async fn list(context: &Context, connection: &Connection) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let tables = connection.client.list(&environment.to(&["tables"])).await?;
    context.output.result(&items(&tables), |output| {
        let row = |t: &Value| {
            let fields = t["schema"]["properties"].as_object().map_or(0, serde_json::Map::len);
            // System tables are views: they are never changed themselves.
            let (kind, updated) = if t["system"] == true { ("system", "–".to_owned()) } else { ("", time(&t["updatedAt"])) };
            vec![text(&t["tableName"]), text(&t["documentCount"]), fields.to_string(), bytes(&t["sizeBytes"]), updated, kind.to_owned()]
        };
        output.table(&["TABLE", "ROWS", "FIELDS", "SIZE", "UPDATED", ""], tables.iter().map(row).collect())
    })
}

async fn spec(context: &Context, connection: &Connection, table: &str) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let spec = connection.client.get(&environment.to(&["tables", table, "spec"])).await?;
    context.output.result(&spec, |output| {
        let mut parts = vec![output.table(&["FIELD", "TYPE", "REQUIRED", "UNIQUE", "RULES"], field_rows(&spec["schema"]))];
        let indexes: Vec<_> = spec["indexes"].as_array().into_iter().flatten().map(index_row).collect();
        if !indexes.is_empty() {
            parts.push(output.table(&["INDEX", "FIELDS", "UNIQUE"], indexes));
        }
        let permissions: Vec<_> = spec["permissions"].as_object().into_iter().flatten().map(|(group, rights)| permission_row(group, rights)).collect();
        if !permissions.is_empty() {
            parts.push(output.table(&["WHO", "MAY"], permissions));
        }
        parts.join("\n\n")
    })
}

fn field_rows(schema: &Value) -> Vec<Vec<String>> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|item| item == name));
    let row = |(name, field): (&String, &Value)| {
        let target = field["ref"].as_str().map(|table| format!(" → {table}")).unwrap_or_default();
        let shown = ["bsonType", "ref", "unique", "required", "properties"];
        let rules = field.as_object().into_iter().flatten().filter(|(key, _)| !shown.contains(&key.as_str()));
        let rules: Vec<_> = rules.map(|(key, value)| format!("{key}={value}")).collect();
        let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
        vec![name.clone(), format!("{}{target}", text(&field["bsonType"])), yes(required(name)), yes(field["unique"] == true), rules.join(" ")]
    };
    schema["properties"].as_object().into_iter().flatten().map(row).collect()
}

fn index_row(index: &Value) -> Vec<String> {
    let direction = |(path, order): (&String, &Value)| if *order == json!(-1) { format!("{path} desc") } else { path.clone() };
    let fields: Vec<_> = index["fields"].as_object().into_iter().flatten().map(direction).collect();
    let unique = if index["unique"] == true { "yes" } else { "" };
    vec![text(&index["name"]), fields.join(", "), unique.to_owned()]
}

fn permission_row(group: &str, rights: &Value) -> Vec<String> {
    let granted: Vec<_> = rights.as_object().into_iter().flatten().filter(|(_, may)| **may == json!(true)).map(|(operation, _)| operation.clone()).collect();
    vec![group.to_owned(), if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") }]
}

async fn openapi(context: &Context, connection: &Connection, table: &str) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let document = connection.client.get(&environment.to(&["tables", table, "openapi"])).await?;
    context.output.result(&document, |_| format!("{document:#}"))
}

async fn remove(context: &Context, connection: &Connection, delete: &Delete) -> Result<()> {
    let (client, name) = (&connection.client, &delete.table.name);
    let environment = context.environment(client).await?;
    let path = environment.to(&["tables", name]);
    let table = client.get(&path).await?;
    let losses = format!("Table {name} of {} goes with {} records and its indexes.", environment.environment, text(&table["documentCount"]));
    confirm::by_name(context, name, delete.confirm.confirm.as_deref(), &losses)?;
    client.delete(&path, Some(name)).await?;
    context.output.result(&json!({ "tableName": name, "deleted": true }), |_| format!("Deleted {name}"))
}
