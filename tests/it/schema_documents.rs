//! Schema documents: what is written, planned and applied (`08-cli.md` §5).

use bkend_local::domain::error::{Error, Result};
use bkend_local::domain::tables::ops::{Apply, Scope};
use bkend_local::domain::tables::plan::Plan;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn plan(app: &TestApp, document: Value, prune: bool) -> Result<Plan> {
    app.environment.plan_schema(&app.owner(), &document, Scope { prune, only: None }).await
}

async fn apply(app: &TestApp, document: Value, options: Apply) -> Result<Plan> {
    app.environment.apply_schema(&app.owner(), &document, options).await.map(|done| done.plan)
}

async fn refused(app: &TestApp, document: Value, options: Apply, code: &str) -> Error {
    let before = app.environment.schema_document().to_string();
    let error = apply(app, document, options).await.unwrap_err();
    assert_eq!(error.code().name, code, "{error}");
    assert_eq!(app.environment.schema_document().to_string(), before);
    error
}

fn told(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .map(|c| {
            format!(
                "{} {} {}{}",
                json!(c.action).as_str().unwrap_or_default(),
                c.table,
                c.path.trim_start_matches("fields."),
                if c.destructive { "!" } else { "" }
            )
        })
        .collect()
}

fn blog() -> Value {
    json!({ "version": 1, "tables": {
        "posts": {
            "description": "Articles",
            "fields": {
                "title": { "type": "string", "required": true, "maxLength": 200 },
                "authorId": { "type": "reference", "table": "profiles" },
                "status": { "type": "string", "enum": ["draft", "live"], "default": "draft", "renamedFrom": "state" },
                "meta": { "type": "object", "properties": { "n": { "type": "integer", "required": true } } } },
            "indexes": [{ "name": "idx_status", "fields": { "status": 1, "createdAt": -1 } }],
            "permissions": { "guest": { "read": true, "list": true } } },
        "profiles": { "fields": { "handle": { "type": "string", "unique": true } } } } })
}

#[actix_web::test]
async fn a_document_that_was_applied_is_written_again_and_again_the_same() {
    let app = TestApp::start().await;
    let made = apply(&app, blog(), Apply::default()).await.unwrap();
    assert_eq!(told(&made), ["add posts ", "add profiles "]);
    let written = app.environment.schema_document();
    let posts = &written["tables"]["posts"];
    assert_eq!(written["tables"].as_object().unwrap().keys().collect::<Vec<_>>(), ["posts", "profiles"]);
    assert_eq!(posts["fields"]["title"].to_string(), r#"{"type":"string","required":true,"maxLength":200}"#);
    assert_eq!(posts["fields"]["authorId"], json!({ "type": "reference", "table": "profiles" }));
    assert_eq!(posts["indexes"], json!([{ "name": "idx_status", "fields": { "status": 1, "createdAt": -1 } }]));
    assert_eq!(posts["permissions"], json!({ "guest": { "read": true, "list": true } }));
    assert!(posts["fields"]["status"].get("renamedFrom").is_none() && posts.get("expressionPermissions").is_none());
    let json = app.environment.schema_document().to_string();
    let nothing = apply(&app, app.environment.schema_document(), Apply { scope: Scope { prune: true, only: None }, ..Apply::default() }).await.unwrap();
    assert_eq!(told(&nothing), Vec::<String>::new());
    assert_eq!(told(&apply(&app, blog(), Apply::default()).await.unwrap()), Vec::<String>::new());
    assert_eq!(app.environment.schema_document().to_string(), json);
    assert_eq!(app.environment.table("posts").unwrap().schema_version, 1);
    app.secret().post("/v1/data/posts", json!({ "title": "a" })).await.assert(201);
}

#[actix_web::test]
async fn renamed_from_moves_values_and_is_ignored_once_done() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string", "state": "string" } })).await;
    app.secret().post("/v1/data/posts", json!({ "title": "a", "state": "live" })).await.assert(201);
    app.secret().post("/v1/data/posts", json!({ "title": "b", "state": "odd" })).await.assert(201);
    let planned = plan(&app, blog(), false).await.unwrap();
    assert!(told(&planned).contains(&"rename posts state".to_owned()), "{:?}", told(&planned));
    assert_eq!(planned.changes[0].affected_rows, 2);
    assert!(planned.problems.iter().any(|p| p.code == "schema/warning" && p.message.contains("enum") && p.message.contains('1')), "{:?}", planned.problems);
    assert_eq!(app.environment.table("posts").unwrap().schema_version, 1);
    let done = apply(&app, blog(), Apply { plan_hash: Some(planned.hash.clone()), ..Apply::default() }).await.unwrap();
    assert_eq!(done.changes, planned.changes);
    let listed = app.secret().get("/v1/data/posts?sortBy=id&sortDirection=asc").await.assert(200);
    assert_eq!((&listed["items"][0]["status"], listed["items"][0].get("state")), (&json!("live"), None));
    assert_eq!(told(&plan(&app, blog(), false).await.unwrap()), Vec::<String>::new());
}

#[actix_web::test]
async fn tables_and_fields_absent_from_the_document_stay_unless_pruned() {
    let app = TestApp::start().await;
    app.table(
        json!({ "tableName": "posts", "schema": { "title": "string", "extra": "int", "empty": "int" }, "indexes": [{ "name": "x", "fields": ["extra"] }] }),
    )
    .await;
    app.table(json!({ "tableName": "old" })).await;
    app.secret().post("/v1/data/posts", json!({ "title": "a", "extra": 1 })).await.assert(201);
    app.secret().post("/v1/data/old", json!({ "a": 1 })).await.assert(201);
    let document = json!({ "version": 1, "tables": { "posts": { "fields": { "title": "string" }, "indexes": [] } } });
    assert_eq!(told(&plan(&app, document.clone(), false).await.unwrap()), Vec::<String>::new());
    let planned = plan(&app, document.clone(), true).await.unwrap();
    assert_eq!(told(&planned), ["remove posts extra!", "remove posts empty", "remove old !"]);
    assert!(planned.destructive && planned.changes.iter().map(|c| c.affected_rows).eq([1, 0, 1]));
    let prune = Apply { scope: Scope { prune: true, only: None }, ..Apply::default() };
    let error = refused(&app, document.clone(), prune.clone(), "schema/destructive").await;
    assert_eq!(error.detail_list().iter().map(|d| d.field.as_str()).collect::<Vec<_>>(), ["posts.fields.extra", "old"]);
    let stale = Apply { plan_hash: Some("0".repeat(64)), allow_destructive: true, ..prune.clone() };
    refused(&app, document.clone(), stale, "schema/plan-changed").await;
    app.secret().get("/v1/data/old").await.assert(200);
    apply(&app, document, Apply { plan_hash: Some(planned.hash), allow_destructive: true, ..prune }).await.unwrap();
    app.secret().get("/v1/data/old").await.assert_error(404, "data/table-not-found");
    let listed = app.secret().get("/v1/data/posts").await.assert(200);
    assert!(listed["items"][0].get("extra").is_none());
    assert!(!app.environment.table("posts").unwrap().indexes.iter().any(|i| i.name == "x"));
}

#[actix_web::test]
async fn one_table_that_cannot_follow_leaves_all_as_they_were() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "b", "schema": { "n": "string" } })).await;
    app.secret().post("/v1/data/b", json!({ "n": "x" })).await.assert(201);
    let document = json!({ "version": 1, "tables": {
        "a": { "fields": { "x": "int" } }, "b": { "fields": { "n": "int", "more": "int" }, "description": "d" }, "c": { "fields": {} } } });
    let planned = plan(&app, document.clone(), false).await.unwrap();
    assert_eq!(
        (planned.problems.len(), planned.problems[0].code.as_str(), &planned.problems[0].samples[0].more["value"]),
        (1, "schema/incompatible-values", &json!("x"))
    );
    assert!(told(&planned).contains(&"change b n".to_owned()));
    let error = refused(&app, document, Apply::default(), "schema/incompatible-values").await;
    assert_eq!(error.detail_list()[0].table.as_deref(), Some("b"));
    assert!(app.environment.table("a").is_none() && app.environment.table("c").is_none());
    app.secret().get("/v1/data/a").await.assert_error(404, "data/table-not-found");
}

#[actix_web::test]
async fn settings_permissions_and_unique_fields_follow_a_document() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "t", "schema": { "a": { "type": "string", "maxLength": 5 } }, "permissions": { "user": { "read": true } } })).await;
    let document = json!({ "version": 1, "tables": { "t": { "displayName": "T", "additionalFields": false, "fields": { "a": { "type": "string", "unique": true } },
        "rowFilters": [{ "expression": "user", "filter": { "a": "$userId" } }] } } });
    let done = apply(&app, document, Apply::default()).await.unwrap();
    assert_eq!(told(&done), ["change t a", "change t additionalFields", "change t displayName", "change t permissions"]);
    let table = app.environment.table("t").unwrap();
    assert_eq!((table.display_name.as_deref(), table.additional_fields, table.schema_version, table.index_version), (Some("T"), false, 2, 2));
    assert!(table.schema.fields["a"].max_length.is_none() && table.permissions.matrix.is_some());
    app.secret().post("/v1/data/t", json!({ "a": "long enough" })).await.assert(201);
    app.secret().post("/v1/data/t", json!({ "a": "long enough" })).await.assert_error(409, "data/duplicate-value");
}
