//! Fields, schema versions and schema documents on the management API (`06-console.md` B3, `08-cli.md` §5).

use serde_json::{Value, json};

use crate::support::TestApp;

fn path(app: &TestApp, rest: &str) -> String {
    format!("{}{rest}", app.environment_path())
}

fn document() -> Value {
    json!({ "version": 1, "tables": { "posts": {
        "description": "Articles",
        "fields": {
            "title": { "type": "string", "required": true, "maxLength": 200 },
            "state": { "type": "string", "enum": ["draft", "live"], "default": "draft" },
            "count": "integer",
        },
        "indexes": [{ "name": "idx_state", "fields": { "state": 1, "createdAt": -1 } }],
        "permissions": { "guest": { "read": true } } } } })
}

async fn apply(app: &TestApp, body: Value) -> crate::support::Answer {
    app.operator().post(&path(app, "/schema/apply"), body).await
}

#[actix_web::test]
async fn fields_are_managed_rehearsed_diffed_and_rolled_back() {
    let app = TestApp::start().await;
    let operator = app.operator();
    operator.post(&path(&app, "/tables"), json!({ "tableName": "posts", "schema": { "title": "string" } })).await.assert(201);
    let manage = path(&app, "/tables/posts/fields/manage");
    let change = json!({ "fieldsToAddOrUpdate": { "stock": { "type": "int" } } });
    operator.post(&format!("{manage}?dryRun=true"), change.clone()).await.assert(200);
    let schema = async || operator.get(&path(&app, "/tables/posts")).await.assert(200)["schema"].to_string();
    assert!(!schema().await.contains("stock"));
    assert_eq!(operator.post(&manage, change).await.assert(200)["schemaVersion"], 2);
    assert!(schema().await.contains("stock"));
    operator.post(&manage, json!({})).await.assert_error(400, "common/invalid-parameters");
    operator.header("If-Match", "\"old\"").post(&manage, json!({ "fieldsToRemove": ["stock"] })).await.assert_error(412, "management/version-conflict");
    let diff = operator.get(&path(&app, "/tables/posts/schema/diff?from=1&to=2")).await.assert(200);
    assert_eq!((&diff["changes"][0]["path"], &diff["changes"][0]["action"]), (&json!("fields.stock"), &json!("add")));
    operator.get(&path(&app, "/tables/posts/schema/diff?from=1")).await.assert_error(400, "common/invalid-parameters");
    operator.get(&path(&app, "/tables/posts/schema/diff?from=1&to=9")).await.assert_error(404, "table/schema-version-not-found");
    let rollback = path(&app, "/tables/posts/schema/rollback");
    operator.post(&rollback, json!({ "targetVersion": 9 })).await.assert_error(404, "table/schema-version-not-found");
    assert_eq!(operator.post(&rollback, json!({ "targetVersion": 1 })).await.assert(200)["schemaVersion"], 3);
    assert!(!schema().await.contains("stock"));
}

#[actix_web::test]
async fn a_schema_document_that_is_pulled_and_pushed_changes_nothing() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let made = apply(&app, json!({ "document": document() })).await.assert(200);
    assert_eq!((&made["changes"][0]["table"], &made["changes"][0]["action"]), (&json!("posts"), &json!("add")));
    let pulled = operator.get(&path(&app, "/schema")).await;
    assert!(pulled.header("etag").is_some());
    let again = operator.get(&path(&app, "/schema")).await;
    assert_eq!(pulled.text, again.text);
    let pulled = pulled.assert(200);
    assert_eq!(pulled["tables"]["posts"]["fields"]["count"]["type"], "integer");
    assert_eq!(pulled["tables"]["posts"]["indexes"], json!([{ "name": "idx_state", "fields": { "state": 1, "createdAt": -1 } }]));
    let plan = operator.post(&path(&app, "/schema/plan"), json!({ "document": pulled, "prune": true })).await.assert(200);
    assert_eq!((&plan["changes"], &plan["destructive"]), (&json!([]), &json!(false)));
    let yaml = operator.get(&path(&app, "/schema?format=yaml")).await;
    assert!(yaml.header("content-type").unwrap().starts_with("application/yaml") && yaml.text.contains("posts:"));
    operator.get(&path(&app, "/schema?format=xml")).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_plan_changes_nothing_and_names_every_change() {
    let app = TestApp::start().await;
    let operator = app.operator();
    apply(&app, json!({ "document": document() })).await.assert(200);
    let records = path(&app, "/tables/posts/records");
    operator.post(&records, json!({ "title": "a", "state": "live", "count": 7 })).await.assert(201);
    let mut next = document();
    let posts = &mut next["tables"]["posts"];
    posts["description"] = json!("Stories");
    posts["permissions"] = json!({ "guest": {} });
    posts["fields"] = json!({ "title": { "type": "string", "required": true, "maxLength": 100 }, "status": { "type": "string", "renamedFrom": "state" } });
    posts["indexes"] = json!([]);
    let body = json!({ "document": next, "prune": true });
    let plan = operator.post(&path(&app, "/schema/plan"), body.clone()).await.assert(200);
    let shown: Vec<String> =
        plan["changes"].as_array().unwrap().iter().map(|c| format!("{} {}", c["action"].as_str().unwrap(), c["path"].as_str().unwrap())).collect();
    for expected in
        ["rename fields.state", "change fields.title", "remove fields.count", "remove indexes.idx_state", "change description", "change permissions"]
    {
        assert!(shown.contains(&expected.to_owned()), "{expected} in {shown:?}");
    }
    assert_eq!(plan["destructive"], true);
    assert_eq!(operator.get(&path(&app, "/schema")).await.assert(200)["tables"]["posts"]["description"], "Articles");
    let refused = apply(&app, body.clone()).await.assert_error(409, "schema/destructive");
    assert_eq!(refused["error"]["details"][0]["count"], 1);
    assert_eq!(operator.get(&records).await.assert(200)["items"][0]["count"], 7);
    let mut consented = body;
    consented["allowDestructive"] = json!(true);
    consented["planHash"] = plan["hash"].clone();
    apply(&app, consented.clone()).await.assert(200);
    let record = operator.get(&records).await.assert(200)["items"][0].clone();
    assert_eq!((&record["status"], record.get("count"), record.get("state")), (&json!("live"), None, None));
    apply(&app, consented).await.assert_error(409, "schema/plan-changed");
}

#[actix_web::test]
async fn tables_and_fields_absent_from_the_document_stay_unless_pruned() {
    let app = TestApp::start().await;
    let operator = app.operator();
    apply(&app, json!({ "document": document() })).await.assert(200);
    let small = json!({ "version": 1, "tables": { "posts": { "fields": { "more": "string" } }, "pots": { "fields": {} } } });
    let plan = apply(&app, json!({ "document": small })).await.assert(200);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 2);
    let tables = operator.get(&path(&app, "/schema")).await.assert(200)["tables"].clone();
    assert_eq!(tables["posts"]["fields"].as_object().unwrap().len(), 4);
    let empty = json!({ "document": { "version": 1, "tables": {} }, "prune": true });
    apply(&app, empty.clone()).await.assert_error(409, "schema/destructive");
    apply(&app, json!({ "document": { "version": 1, "tables": {} }, "prune": true, "allowDestructive": true })).await.assert(200);
    assert_eq!(operator.get(&path(&app, "/schema")).await.assert(200), json!({ "version": 1, "tables": {} }));
}

#[actix_web::test]
async fn one_bad_table_leaves_all_as_they_were() {
    let app = TestApp::start().await;
    let operator = app.operator();
    apply(&app, json!({ "document": document() })).await.assert(200);
    for title in ["a", "b"] {
        operator.post(&path(&app, "/tables/posts/records"), json!({ "title": title, "count": 1 })).await.assert(201);
    }
    let bad = json!({ "version": 1, "tables": {
        "authors": { "fields": { "name": "string" } },
        "posts": { "fields": { "count": { "type": "integer", "unique": true } } } } });
    apply(&app, json!({ "document": bad })).await.assert_error(409, "data/duplicate-value");
    operator.get(&path(&app, "/tables/authors")).await.assert_error(404, "data/table-not-found");
    let plan = operator.post(&path(&app, "/schema/plan"), json!({ "document": bad })).await.assert(200);
    assert_eq!(plan["problems"][0]["code"], "data/duplicate-value");
    let invalid = json!({ "document": { "version": 1, "tables": { "posts": { "fields": { "x": { "type": "fish" } } } } } });
    let error = apply(&app, invalid).await.assert_error(400, "schema/invalid");
    assert!(error["error"]["details"][0]["field"].as_str().unwrap().starts_with("tables.posts.fields.x"));
    apply(&app, json!({})).await.assert_error(400, "common/invalid-parameters");
    apply(&app, json!({ "document": 1 })).await.assert_error(400, "schema/invalid");
}

#[actix_web::test]
async fn documents_ask_for_the_role_member() {
    let app = TestApp::start().await;
    let (member, billing) = (app.member("m", "member").await, app.member("b", "billing").await);
    member.post(&path(&app, "/schema/apply"), json!({ "document": document() })).await.assert(200);
    billing.get(&path(&app, "/schema")).await.assert_error(403, "organization/permission-denied");
    billing.post(&path(&app, "/schema/apply"), json!({ "document": document() })).await.assert_error(403, "organization/permission-denied");
}
