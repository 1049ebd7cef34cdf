//! `table apply FILE`: a plan of what the document changes, then the changes, table by table.
//!
//! The plan is what the server answers to dry runs of the same calls, so that it says what will happen, not what should.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::confirm;
use super::context::{Context, EnvironmentPath};
use super::exit::{Exit, Failure, Result};
use super::keywords;
use super::reach::Connection;
use super::schema_document::{Document, Table};
use super::table::Apply;

/// One call that is to be made, and what it changes.
struct Step<'a> {
    table: &'a Table,
    /// The part of the table's definition it comes from, for messages.
    part: &'static str,
    method: Method,
    /// Below the environment.
    path: Vec<&'a str>,
    body: Value,
}

/// What would change, in the shape of the API's `Plan`.
#[derive(Default)]
struct Plan<'a> {
    steps: Vec<Step<'a>>,
    changes: Vec<Value>,
    problems: Vec<Value>,
}

pub async fn run(context: &Context, connection: &Connection, apply: &Apply) -> Result<()> {
    let document = Document::load(&apply.file)?;
    let client = &connection.client;
    let environment = context.environment(client).await?;
    let planner = Planner { client, environment: &environment, document: &document, allow_destructive: apply.allow_destructive };
    let mut plan = Plan::default();
    for table in &document.tables {
        planner.plan(table, &mut plan).await?;
    }
    let destructive: Vec<_> = plan.changes.iter().filter(|change| change["destructive"] == true).cloned().collect();
    if !destructive.is_empty() && !apply.allow_destructive && !apply.dry_run {
        let lines: Vec<_> = destructive.iter().map(line).collect();
        let message = format!("The change would remove stored values; nothing was changed. Consent with --allow-destructive: {}", lines.join("; "));
        return Err(Failure::new(Exit::Refused, "schema/destructive", message).details(destructive));
    }
    if !apply.dry_run && !plan.steps.is_empty() {
        if !context.output.json {
            context.output.hint(&human(&plan));
        }
        confirm::plainly(context, &format!("Apply this to {}?", environment.environment))?;
        for step in &plan.steps {
            planner.call(step, false).await?;
        }
    }
    let applied = !apply.dry_run && !plan.steps.is_empty();
    let result = json!({ "applied": applied, "destructive": !destructive.is_empty(), "changes": plan.changes, "problems": plan.problems });
    context.output.result(&result, |_| match (plan.steps.is_empty(), applied) {
        (true, _) => "Nothing to change".to_owned(),
        (_, true) => format!("Applied {} changes to {}", plan.changes.len(), environment.environment),
        _ => human(&plan),
    })
}

struct Planner<'a> {
    client: &'a Client,
    environment: &'a EnvironmentPath,
    document: &'a Document,
    allow_destructive: bool,
}

impl<'a> Planner<'a> {
    async fn plan(&self, table: &'a Table, plan: &mut Plan<'a>) -> Result<()> {
        match self.client.get(&self.environment.to(&["tables", &table.name])).await {
            Ok(present) => {
                self.plan_fields(table, &present, plan).await?;
                self.plan_indexes(table, &present, plan).await?;
                self.plan_permissions(table, plan).await?;
                plan_description(table, &present, plan);
                Ok(())
            }
            Err(failure) if failure.code == "data/table-not-found" => {
                plan_creation(table, plan);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn plan_fields(&self, table: &'a Table, present: &Value, plan: &mut Plan<'a>) -> Result<()> {
        let schema = &present["schema"];
        let mut body = json!({ "allowDestructive": self.allow_destructive });
        let renamed = keywords::renames(&table.fields(), schema);
        let fields = keywords::complete(&table.fields(), schema, &renamed);
        if !fields.is_empty() {
            body["fieldsToAddOrUpdate"] = Value::Object(fields);
        }
        if !renamed.is_empty() {
            body["fieldsToRename"] = json!(renamed);
        }
        let additional = table.definition.get("additionalFields");
        if let Some(additional) = additional {
            body["additionalFields"] = additional.clone();
        }
        if body.as_object().is_some_and(|members| members.len() == 1) {
            return Ok(());
        }
        let step = Step { table, part: "fields", method: Method::POST, path: vec!["tables", &table.name, "fields", "manage"], body };
        let answer = self.call(&step, true).await?;
        let mut changes = field_changes(table, schema, &answer["schema"], &renamed, &answer["removedValues"]);
        if let Some(additional) = additional
            && present["additionalFields"] != *additional
        {
            changes.push(change(&table.name, "additionalFields", "change", &present["additionalFields"], additional));
        }
        plan.problems.extend(answer["warnings"].as_array().into_iter().flatten().map(|warning| problem(table, warning)));
        if !changes.is_empty() {
            plan.changes.extend(changes);
            plan.steps.push(step);
        }
        Ok(())
    }

    async fn plan_indexes(&self, table: &'a Table, present: &Value, plan: &mut Plan<'a>) -> Result<()> {
        let wanted = table.indexes();
        if wanted.is_empty() {
            return Ok(());
        }
        let body = json!({ "indexesToAddOrUpdate": wanted });
        let step = Step { table, part: "indexes", method: Method::POST, path: vec!["tables", &table.name, "indexes", "manage"], body };
        let answer = self.call(&step, true).await?;
        let changes = index_changes(table, &present["indexes"], &answer["indexes"]);
        if !changes.is_empty() {
            plan.changes.extend(changes);
            plan.steps.push(step);
        }
        Ok(())
    }

    /// Saving permissions replaces the whole set, so what the document leaves out is sent as it is.
    async fn plan_permissions(&self, table: &'a Table, plan: &mut Plan<'a>) -> Result<()> {
        if !PERMISSIONS.iter().any(|part| table.definition.contains_key(*part)) {
            return Ok(());
        }
        let path = vec!["tables", &table.name, "permissions"];
        let present = self.client.get(&self.environment.to(&path)).await?;
        let mut wanted = Map::new();
        for part in PERMISSIONS {
            let value = table.definition.get(part).unwrap_or(&present[part]);
            wanted.insert(part.to_owned(), value.clone());
        }
        let changed: Vec<_> = PERMISSIONS.into_iter().filter(|part| !keywords::same_rights(&wanted[*part], &present[*part])).collect();
        if !changed.is_empty() {
            plan.changes.extend(changed.iter().map(|part| change(&table.name, part, "change", &present[*part], &wanted[*part])));
            plan.steps.push(Step { table, part: "permissions", method: Method::PUT, path, body: Value::Object(wanted) });
        }
        Ok(())
    }

    async fn call(&self, step: &Step<'_>, dry_run: bool) -> Result<Value> {
        let query: &[(&str, &str)] = if dry_run { &[("dryRun", "true")] } else { &[] };
        let answer = self.client.call(step.method.clone(), &self.environment.to(&step.path), query, Some(&step.body)).await;
        answer.map_err(|failure| self.document.locate(&step.table.name, step.part, failure))
    }
}

const PERMISSIONS: [&str; 5] = ["permissions", "expressionPermissions", "columnPermissions", "rowFilters", "rowFilterScope"];

fn plan_creation<'a>(table: &'a Table, plan: &mut Plan<'a>) {
    let mut body = Map::new();
    body.insert("tableName".to_owned(), json!(table.name));
    body.insert("schema".to_owned(), Value::Object(keywords::without_renames(&table.fields())));
    for key in ["displayName", "description", "indexes", "additionalFields", "permissions"] {
        if let Some(value) = table.definition.get(key) {
            body.insert(key.to_owned(), value.clone());
        }
    }
    plan.changes.push(change(&table.name, "", "add", &Value::Null, &json!({ "fields": table.fields().len(), "indexes": table.indexes().len() })));
    plan.steps.push(Step { table, part: "", method: Method::POST, path: vec!["tables"], body: Value::Object(body) });
    if PERMISSIONS[1..].iter().any(|part| table.definition.contains_key(*part)) {
        let rights = PERMISSIONS.into_iter().filter_map(|part| Some((part.to_owned(), table.definition.get(part)?.clone()))).collect();
        let path = vec!["tables", &table.name, "permissions"];
        plan.steps.push(Step { table, part: "permissions", method: Method::PUT, path, body: Value::Object(rights) });
    }
}

fn plan_description<'a>(table: &'a Table, present: &Value, plan: &mut Plan<'a>) {
    let mut body = Map::new();
    for key in ["displayName", "description"] {
        if let Some(wanted) = table.definition.get(key)
            && present[key] != *wanted
        {
            plan.changes.push(change(&table.name, key, "change", &present[key], wanted));
            body.insert(key.to_owned(), wanted.clone());
        }
    }
    if !body.is_empty() {
        plan.steps.push(Step { table, part: "", method: Method::PATCH, path: vec!["tables", &table.name], body: Value::Object(body) });
    }
}

fn field_changes(table: &Table, before: &Value, after: &Value, renamed: &Map<String, Value>, removed_values: &Value) -> Vec<Value> {
    let none = Map::new();
    let (before_fields, after_fields) = (before["properties"].as_object().unwrap_or(&none), after["properties"].as_object().unwrap_or(&none));
    let mut changes: Vec<_> = renamed.iter().map(|(old, new)| change(&table.name, old, "rename", &json!(old), new)).collect();
    for (name, definition) in after_fields {
        let old_name = renamed.iter().find(|(_, new)| *new == name).map_or(name, |(old, _)| old);
        let was_required = keywords::is_required(before, old_name);
        match before_fields.get(old_name) {
            None => changes.push(change(&table.name, name, "add", &Value::Null, definition)),
            Some(old) if old != definition || was_required != keywords::is_required(after, name) => {
                let with_required = |definition: &Value, required: bool| {
                    let mut shown = definition.clone();
                    shown["required"] = json!(required);
                    shown
                };
                let (from, to) = (with_required(old, was_required), with_required(definition, keywords::is_required(after, name)));
                changes.push(change(&table.name, name, "change", &from, &to));
            }
            Some(_) => {}
        }
    }
    for (name, count) in removed_values.as_object().into_iter().flatten().filter(|(_, count)| count.as_u64() != Some(0)) {
        let mut gone = change(&table.name, name, "remove", &before_fields.get(name).cloned().unwrap_or_default(), &Value::Null);
        gone["destructive"] = json!(true);
        gone["affectedRows"] = count.clone();
        changes.push(gone);
    }
    changes
}

fn index_changes(table: &Table, before: &Value, after: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let before = list(before);
    let compare = |index: &Value| {
        let old = before.iter().find(|old| old["name"] == index["name"]);
        // As text, because the order of an index's fields matters, which comparing objects leaves out.
        let definition = |index: &Value| format!("{} {} {}", index["fields"], index["unique"], index["sparse"]);
        let path = format!("indexes.{}", index["name"].as_str().unwrap_or_default());
        match old {
            None => Some(change(&table.name, &path, "add", &Value::Null, index)),
            Some(old) if definition(old) != definition(index) => Some(change(&table.name, &path, "change", old, index)),
            Some(_) => None,
        }
    };
    // Indexes that mirror a field's `unique` come with the field and are no change of their own.
    list(after).iter().filter(|index| index["system"] != true).filter_map(compare).collect()
}

fn change(table: &str, path: &str, action: &str, from: &Value, to: &Value) -> Value {
    json!({ "table": table, "path": path, "action": action, "from": from, "to": to, "destructive": false })
}

fn problem(table: &Table, warning: &Value) -> Value {
    let field = warning["field"].as_str().unwrap_or_default();
    let message = match (warning["message"].as_str().or(warning.as_str()), warning["rule"].as_str()) {
        (Some(message), _) => message.to_owned(),
        (None, Some(rule)) => format!("{} stored values of {field} break the rule {rule}", warning["count"]),
        _ => warning.to_string(),
    };
    json!({ "code": "schema/warning", "table": table.name, "path": field, "message": message })
}

fn human(plan: &Plan<'_>) -> String {
    let changes = plan.changes.iter().map(line);
    let problems = plan.problems.iter().map(|p| format!("! {}: {}", p["table"].as_str().unwrap_or_default(), p["message"].as_str().unwrap_or_default()));
    let lines: Vec<_> = changes.chain(problems).collect();
    if lines.is_empty() { "Nothing to change".to_owned() } else { lines.join("\n") }
}

fn line(change: &Value) -> String {
    let text = |member: &str| change[member].as_str().unwrap_or_default().to_owned();
    let place = [text("table"), text("path")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let rows = change["affectedRows"].as_u64().map(|count| format!("  ({count} values)")).unwrap_or_default();
    match text("action").as_str() {
        "add" if text("path").is_empty() => format!("+ {place}  (new table, {} fields)", change["to"]["fields"]),
        "add" => format!("+ {place}"),
        "rename" => format!("~ {place} → {}", text("to")),
        "remove" => format!("- {place}{rows}"),
        _ => format!("~ {place}"),
    }
}
