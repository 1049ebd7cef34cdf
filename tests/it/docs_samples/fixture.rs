//! Data sets that samples start from: users, tables with schema and permissions, rows.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{TestApp, User};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    users: Vec<String>,
    tables: Vec<Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What the call that creates the table would send.
    create: Value,
    /// Records in order; `createdBy` is the name of a user.
    rows: Vec<Value>,
}

/// Loads a data set; answers its users, `ana` always among them.
pub async fn load(app: &TestApp, name: Option<&str>) -> HashMap<String, User> {
    let fixture = name.map_or(Fixture { users: Vec::new(), tables: Vec::new() }, read);
    let mut users = HashMap::new();
    for name in fixture.users.iter().map(String::as_str).chain(["ana"]) {
        if !users.contains_key(name) {
            users.insert(name.to_owned(), app.user(name, "user").await);
        }
    }
    for mut table in fixture.tables {
        app.table(table.create.clone()).await;
        for row in &mut table.rows {
            if let Some(name) = row.get("createdBy").and_then(Value::as_str) {
                row["createdBy"] = users[name].id.clone().into();
            }
        }
        let path = format!("/v1/data/{}", table.create["tableName"].as_str().unwrap());
        app.secret().post(&path, table.rows.into()).await.assert(201);
    }
    users
}

fn read(name: &str) -> Fixture {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs-corpus/fixtures/{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
