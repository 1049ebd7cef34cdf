//! Where a call acts: ids, slugs, names, what contradicts, and what the address of the connection pins (`01-mcp.md` §4.1, §2).

use serde_json::{Value, json};

use crate::support::TestApp;

#[actix_web::test]
async fn a_table_is_addressed_by_id_or_by_project_environment_and_name() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let id = app.table(json!({ "tableName": "posts", "schema": {} })).await.id.clone();
    let (project, environment) = (app.project_id(), app.environment.id().to_owned());
    for address in [
        json!({ "tableId": id }),
        json!({ "projectId": project, "environment": "dev", "tableName": "posts" }),
        json!({ "projectId": "my-blog", "environment": environment, "tableName": "posts" }),
        json!({ "environmentId": environment, "tableName": "posts" }),
        json!({ "envId": environment, "tableName": "posts", "orgId": tools.organization() }),
        json!({ "projectId": project, "environmentId": "dev", "tableName": "posts" }),
        json!({ "tableId": id, "projectId": project, "environment": "dev", "tableName": "posts", "environmentId": environment }),
        json!({ "tableId": "posts", "projectId": project, "environment": "dev" }),
    ] {
        assert_eq!(tools.ok("backend_table_get", address.clone()).await["id"], *id, "{address}");
    }
}

#[actix_web::test]
async fn what_contradicts_is_refused_and_what_is_missing_is_asked_for_with_what_exists() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let id = app.table(json!({ "tableName": "posts", "schema": {} })).await.id.clone();
    let other = tools.ok("backend_project_create", json!({ "name": "Other" })).await;
    let other_environment = other["environments"][0]["id"].clone();
    for (address, code) in [
        (json!({ "tableId": id, "tableName": "pages" }), "common/invalid-parameters"),
        (json!({ "tableId": id, "environment": "prod" }), "common/invalid-parameters"),
        (json!({ "tableId": id, "projectId": other["id"] }), "common/invalid-parameters"),
        (json!({ "environmentId": other_environment, "projectId": app.project_id(), "tableName": "posts" }), "common/invalid-parameters"),
        (json!({ "environmentId": app.environment.id(), "environment": "prod", "tableName": "posts" }), "common/invalid-parameters"),
        (json!({ "tableId": id, "organizationId": "0123456789abcdef01234567" }), "organization/not-found"),
        (json!({ "tableId": "0123456789abcdef01234567" }), "data/table-not-found"),
        (json!({ "projectId": "nothing", "environment": "dev", "tableName": "posts" }), "project/not-found"),
        (json!({ "projectId": app.project_id(), "environment": "qa", "tableName": "posts" }), "data/environment-not-found"),
        (json!({ "projectId": app.project_id(), "environment": "dev", "tableName": "pots" }), "data/table-not-found"),
        (json!({}), "common/invalid-parameters"),
    ] {
        tools.fails("backend_table_get", address, code).await;
    }
    let hint = |error: Value| error["hint"].as_str().unwrap().to_owned();
    assert!(hint(tools.fails("backend_table_get", json!({ "tableName": "posts" }), "common/invalid-parameters").await).contains("my-blog/dev"));
    let named = json!({ "projectId": app.project_id(), "environment": "dev" });
    let found = hint(tools.fails("backend_table_get", named.clone(), "common/invalid-parameters").await);
    assert!(found.contains(&format!("posts ({id})")), "{found}");
    let mut wrong = named;
    wrong["tableName"] = json!("pots");
    let found = hint(tools.fails("backend_table_get", wrong, "data/table-not-found").await);
    assert!(found.contains(&format!("posts ({id})")) && found.contains("backend_table_list {"), "{found}");
    assert!(hint(tools.fails("backend_project_get", json!({}), "common/invalid-parameters").await).contains("my-blog"));
}

#[actix_web::test]
async fn a_pinned_project_and_environment_are_the_defaults_and_nothing_else_is_reached() {
    let app = TestApp::start().await;
    let all = app.tools().await;
    let id = app.table(json!({ "tableName": "posts", "schema": {} })).await.id.clone();
    let other = all.ok("backend_project_create", json!({ "name": "Other" })).await;
    let there = json!({ "projectId": other["id"], "environment": "dev" });
    let table = all.ok("backend_table_create", json!({ "projectId": other["id"], "environment": "dev", "tableName": "pages" })).await;
    let pinned = app.tools().await.at("project=my-blog&environment=dev");
    assert_eq!(pinned.ok("backend_table_get", json!({ "tableName": "posts" })).await["id"], *id);
    assert_eq!(pinned.ok("backend_project_get", json!({})).await["slug"], "my-blog");
    assert_eq!(pinned.ok("backend_table_list", json!({})).await["pagination"]["total"], 1);
    assert_eq!(pinned.ok("backend_project_list", json!({})).await["pagination"]["total"], 1);
    assert_eq!(pinned.ok("backend_env_list", json!({})).await["pagination"]["total"], 1);
    assert_eq!(pinned.ok("backend_env_get", json!({})).await["id"], app.environment.id());
    assert_eq!(pinned.ok("backend_data_create", json!({ "tableName": "posts", "data": {} })).await["createdBy"], "");
    pinned.ok("backend_table_create", json!({ "tableName": "more" })).await;
    for (tool, arguments) in [
        ("backend_table_get", json!({ "tableId": table["id"] })),
        ("backend_table_list", there.clone()),
        ("backend_project_get", json!({ "projectId": other["id"] })),
        ("backend_env_get", json!({ "environmentId": other["environments"][0]["id"] })),
        ("backend_env_create", json!({ "environment": "staging" })),
        ("backend_project_create", json!({ "name": "Third" })),
    ] {
        pinned.fails(tool, arguments, "organization/permission-denied").await;
    }
    let context = pinned.markdown("get_context", json!({})).await;
    assert!(context.contains("posts") && !context.contains("pages"), "{context}");
}

#[actix_web::test]
async fn another_organizations_things_are_not_there() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let organization = app.operator().post("/management/v1/organizations", json!({ "name": "Second" })).await.assert(201);
    let path = format!("/management/v1/organizations/{}/projects", organization["id"].as_str().unwrap());
    let project = app.operator().post(&path, json!({ "name": "Hidden" })).await.assert(201);
    tools.fails("backend_project_get", json!({ "projectId": project["id"] }), "project/not-found").await;
    tools.fails("backend_env_get", json!({ "environmentId": project["environments"][0]["id"] }), "data/environment-not-found").await;
    tools.fails("backend_project_list", json!({ "organizationId": organization["id"] }), "organization/not-found").await;
    assert!(!tools.ok("backend_access_token_list", json!({})).await.to_string().contains(project["id"].as_str().unwrap()));
}
