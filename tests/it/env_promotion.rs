//! Comparing environments and promoting between them (`06-console.md` A8, B3).

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// An app whose project has `prod` beside `dev`; the path of the project.
async fn two_environments() -> (TestApp, String) {
    let app = TestApp::start().await;
    let project = app.project_path();
    app.operator().post(&format!("{project}/environments"), json!({ "environment": "prod" })).await.assert(201);
    let posts = json!({ "tableName": "posts", "description": "Articles", "schema": { "title": { "type": "string", "required": true }, "n": "int" },
        "indexes": [{ "name": "by_n", "fields": { "n": 1 } }], "permissions": { "guest": { "read": false, "list": false } } });
    app.table(posts).await;
    app.table(json!({ "tableName": "tags", "schema": { "name": "string" } })).await;
    (app, project)
}

fn told(plan: &Value) -> Vec<String> {
    let text = |c: &Value, member: &str| c[member].as_str().unwrap().to_owned();
    plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {}", text(c, "action"), text(c, "table"), text(c, "path")).trim_end().to_owned())
        .collect()
}

async fn compare(client: &Client, project: &str) -> Vec<String> {
    told(&client.get(&format!("{project}/compare?from=dev&to=prod")).await.assert(200))
}

#[actix_web::test]
async fn a_comparison_shows_per_table_what_a_promotion_would_do() {
    let (app, project) = two_environments().await;
    let operator = app.operator();
    assert_eq!(compare(&operator, &project).await, ["add posts", "add tags"]);
    let promotions = format!("{project}/promotions");
    let wanted = json!({ "from": "dev", "to": "prod" });
    let plan = operator.post(&format!("{promotions}?dryRun=true"), wanted.clone()).await.assert(200);
    assert_eq!(compare(&operator, &project).await.len(), 2, "a dry run changes nothing");
    let stale = json!({ "from": "dev", "to": "prod", "planHash": "0" });
    operator.post(&promotions, stale).await.assert_error(409, "schema/plan-changed");
    let done = operator.post(&promotions, json!({ "from": "dev", "to": "prod", "planHash": plan["hash"] })).await.assert(200);
    assert_eq!((told(&done), &done["hash"]), (told(&plan), &plan["hash"]));
    assert_eq!(compare(&operator, &project).await, Vec::<String>::new());
    let events = operator.get(&format!("{project}/activities?action=promoted")).await.assert(200);
    assert_eq!((&events["items"][0]["event"], &events["items"][0]["environment"]), (&json!("environment_promoted"), &json!("prod")));
}

#[actix_web::test]
async fn tables_and_parts_are_chosen() {
    let (app, project) = two_environments().await;
    let (operator, promotions) = (app.operator(), format!("{project}/promotions"));
    let promote = async |body: Value| told(&operator.post(&promotions, body).await.assert(200));
    assert_eq!(promote(json!({ "from": "dev", "to": "prod", "parts": ["permissions"] })).await, Vec::<String>::new(), "a table comes with its schema only");
    assert_eq!(promote(json!({ "from": "dev", "to": "prod", "tables": ["posts"], "parts": ["schema"] })).await, ["add posts"]);
    assert_eq!(compare(&operator, &project).await, ["add posts indexes.by_n", "change posts permissions", "add tags"]);
    assert_eq!(promote(json!({ "from": "dev", "to": "prod", "tables": ["posts"], "parts": ["indexes"] })).await, ["add posts indexes.by_n"]);
    assert_eq!(promote(json!({ "from": "dev", "to": "prod", "tables": ["posts"], "parts": ["permissions"] })).await, ["change posts permissions"]);
    assert_eq!(compare(&operator, &project).await, ["add tags"]);
    let unknown = json!({ "from": "dev", "to": "prod", "tables": ["nothing"] });
    operator.post(&promotions, unknown).await.assert_error(404, "data/table-not-found");
    let colour = json!({ "from": "dev", "to": "prod", "parts": ["colour"] });
    operator.post(&promotions, colour).await.assert_error(400, "common/invalid-parameters");
    operator.post(&promotions, json!({ "from": "dev", "to": "dev" })).await.assert_error(400, "common/invalid-parameters");
    operator.get(&format!("{project}/compare?from=dev")).await.assert_error(400, "common/invalid-parameters");
    operator.get(&format!("{project}/compare?from=dev&to=x")).await.assert_error(404, "data/environment-not-found");
}

#[actix_web::test]
async fn what_the_target_has_and_the_source_lacks_goes_with_consent_only() {
    let (app, project) = two_environments().await;
    let (operator, promotions) = (app.operator(), format!("{project}/promotions"));
    operator.post(&promotions, json!({ "from": "dev", "to": "prod" })).await.assert(200);
    let prod = format!("{project}/environments/prod");
    let own = json!({ "fieldsToAddOrUpdate": { "extra": { "type": "string" } } });
    operator.post(&format!("{prod}/tables/posts/fields/manage"), own).await.assert(200);
    operator.post(&format!("{prod}/tables/posts/records"), json!({ "title": "a", "extra": "x" })).await.assert(201);
    let plan = operator.post(&format!("{promotions}?dryRun=true"), json!({ "from": "dev", "to": "prod" })).await.assert(200);
    assert_eq!(
        (told(&plan), &plan["destructive"], &plan["changes"][0]["affectedRows"]),
        (vec!["remove posts fields.extra".to_owned()], &json!(true), &json!(1))
    );
    operator.post(&promotions, json!({ "from": "dev", "to": "prod" })).await.assert_error(409, "schema/destructive");
    let done = operator.post(&promotions, json!({ "from": "dev", "to": "prod", "allowDestructive": true })).await;
    let snapshot = done.header("x-bkend-snapshot").unwrap().to_owned();
    done.assert(200);
    let saved = operator.get(&format!("{prod}/snapshots")).await.assert(200);
    assert_eq!((&saved["items"][0]["reason"], &saved["items"][0]["table"]), (&json!("before-promotion"), &json!("posts")));
    assert_eq!(saved["items"][0]["id"], json!(snapshot));
    let member = app.member("joon", "member").await;
    member.get(&format!("{project}/compare?from=dev&to=prod")).await.assert(200);
    member.post(&promotions, json!({ "from": "dev", "to": "prod" })).await.assert_error(403, "organization/permission-denied");
}
