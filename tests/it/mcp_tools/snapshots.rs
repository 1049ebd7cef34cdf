//! Saved states of environments over MCP (`01-mcp.md` §4.6).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

fn dev(app: &TestApp, more: Value) -> Value {
    let mut place = json!({ "projectId": app.project_id(), "environment": "dev" });
    for (name, value) in more.as_object().unwrap() {
        place[name] = value.clone();
    }
    place
}

#[actix_web::test]
async fn an_environment_is_saved_listed_and_put_back_with_a_way_back_from_that() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string" } })).await;
    tools.ok("backend_data_create", dev(&app, json!({ "tableName": "posts", "data": { "title": "before" } }))).await;
    let saved = tools.ok("backend_env_snapshot", dev(&app, json!({ "name": "clean" }))).await;
    assert_eq!(
        (&saved["name"], &saved["reason"], &saved["rows"], &saved["environmentId"]),
        (&json!("clean"), &json!("manual"), &json!(1), &json!(app.environment.id()))
    );
    tools.ok("backend_data_create", dev(&app, json!({ "tableName": "posts", "data": { "title": "after" } }))).await;

    let source = format!("snapshot:{}", saved["id"].as_str().unwrap());
    let restored = tools.ok("backend_env_restore", dev(&app, json!({ "source": source }))).await;
    assert_eq!((&restored["tables"], &restored["rows"]), (&json!(1), &json!(1)));
    let undo = restored["undoSnapshotId"].as_str().unwrap().to_owned();
    assert_eq!(column(&tools.ok("backend_data_list", dev(&app, json!({ "tableName": "posts" }))).await, "title"), ["before"]);
    let list = tools.ok("backend_env_snapshot", dev(&app, json!({ "list": "true" }))).await;
    assert_eq!(column(&list, "id"), [undo.as_str(), saved["id"].as_str().unwrap()]);
    assert_eq!((&list["pagination"]["total"], &list["items"][0]["environmentId"]), (&json!(2), &json!(app.environment.id())));

    tools.ok("backend_env_restore", dev(&app, json!({ "source": format!("snapshot:{undo}") }))).await;
    assert_eq!(tools.ok("backend_data_list", dev(&app, json!({ "tableName": "posts" }))).await["pagination"]["total"], 2);
    let emptied = tools.ok("backend_env_restore", dev(&app, json!({ "source": "empty" }))).await;
    assert_eq!((&emptied["tables"], &emptied["rows"]), (&json!(1), &json!(0)), "tables stay: {emptied}");
    app.guest().get("/v1/data/posts").await.assert(200);
}

#[actix_web::test]
async fn another_environment_can_be_the_source_by_name_or_id() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    tools.ok("backend_data_create", dev(&app, json!({ "tableName": "posts", "data": { "n": 1 } }))).await;
    let staging = tools.ok("backend_env_create", json!({ "projectId": app.project_id(), "environment": "staging" })).await;
    for source in ["environment:dev".to_owned(), format!("environment:{}", app.environment.id())] {
        let restored = tools.ok("backend_env_restore", json!({ "environmentId": staging["id"], "source": source })).await;
        assert_eq!((&restored["rows"], &restored["environmentId"]), (&json!(1), &staging["id"]));
    }
    tools.fails("backend_env_restore", dev(&app, json!({ "source": "environment:dev" })), "common/invalid-parameters").await;
    tools.fails("backend_env_restore", dev(&app, json!({ "source": "environment:qa" })), "data/environment-not-found").await;
}

#[actix_web::test]
async fn what_cannot_be_restored_is_told_with_what_there_is() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let saved = tools.ok("backend_env_snapshot", dev(&app, json!({}))).await;
    let error = tools.fails("backend_env_restore", dev(&app, json!({ "source": "snapshot:nothing" })), "snapshot/not-found").await;
    assert!(error["hint"].as_str().unwrap().contains(&format!("snapshot:{}", saved["id"].as_str().unwrap())), "{error}");
    for source in ["", "snapshot:", "nothing", "table:posts"] {
        tools.fails("backend_env_restore", dev(&app, json!({ "source": source })), "common/invalid-parameters").await;
    }
    tools.fails("backend_env_restore", dev(&app, json!({})), "common/invalid-parameters").await;
    for tool in ["backend_env_restore", "backend_env_snapshot"] {
        tools.fails(tool, json!({ "jobId": "0123456789abcdef01234567" }), "job/not-found").await;
    }
}

#[actix_web::test]
async fn a_call_with_only_a_job_id_waits_for_that_job() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let owner = tools.connection.access.as_ref().unwrap().tenant.clone();
    let job = app.backend.create_snapshot(&owner, &app.project_id(), "dev", Default::default()).await.unwrap();
    let saved = tools.ok("backend_env_snapshot", json!({ "jobId": job.id })).await;
    assert_eq!(saved["environment"], "dev");
    tools.fails("backend_env_restore", json!({ "jobId": job.id }), "job/not-found").await;
}

#[actix_web::test]
async fn a_member_saves_but_does_not_restore_and_deleting_an_environment_saves_it_first() {
    let app = TestApp::start().await;
    let member = app.tools_of_member("mina", "member").await;
    let saved = member.ok("backend_env_snapshot", dev(&app, json!({}))).await;
    let source = format!("snapshot:{}", saved["id"].as_str().unwrap());
    member.fails("backend_env_restore", dev(&app, json!({ "source": source })), "organization/permission-denied").await;
    let tools = app.tools().await;
    let made = tools.ok("backend_env_create", json!({ "projectId": app.project_id(), "environment": "live", "environmentType": "prod" })).await;
    tools.fails("backend_env_restore", json!({ "environmentId": made["id"], "source": "empty" }), "environment/protected").await;
    let gone = app.tools().await.allowing_prod().ok("backend_env_delete", json!({ "environmentId": made["id"] })).await;
    let back = tools.ok("backend_env_restore", dev(&app, json!({ "source": format!("snapshot:{}", gone["undoSnapshotId"].as_str().unwrap()) }))).await;
    assert!(back["undoSnapshotId"].is_string(), "a deleted environment can be the source: {back}");
}

#[actix_web::test]
async fn replacing_several_tables_saves_the_environment_first() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for name in ["posts", "notes"] {
        app.table(json!({ "tableName": name, "schema": {} })).await;
    }
    tools.ok("backend_data_seed", dev(&app, json!({ "tables": { "posts": [{ "n": 1 }], "notes": [{ "n": 1 }, { "n": 2 }] } }))).await;
    let replaced = tools.ok("backend_data_seed", dev(&app, json!({ "mode": "replace", "tables": { "posts": [], "notes": [] } }))).await;
    assert_eq!((&replaced["tables"]["posts"]["deleted"], &replaced["tables"]["notes"]["deleted"]), (&json!(1), &json!(2)));
    let source = format!("snapshot:{}", replaced["undoSnapshotId"].as_str().unwrap());
    assert_eq!(tools.ok("backend_env_restore", dev(&app, json!({ "source": source }))).await["rows"], 3);
}
