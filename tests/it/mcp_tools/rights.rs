//! Scope ∩ role, and production environments (`01-mcp.md` §3.6).

use bkend_local::domain::tenancy::access_tokens::{NewAccessToken, TokenScope};
use serde_json::{Value, json};

use crate::support::TestApp;

fn dev(app: &TestApp, more: Value) -> Value {
    let mut place = json!({ "projectId": app.project_id(), "environment": "dev" });
    for (name, value) in more.as_object().unwrap() {
        place[name] = value.clone();
    }
    place
}

#[actix_web::test]
async fn a_member_works_with_tables_and_records_but_not_with_projects_environments_and_secret_keys() {
    let app = TestApp::start().await;
    let tools = app.tools_of_member("mina", "member").await;
    tools.ok("backend_table_create", dev(&app, json!({ "tableName": "posts", "schema": { "title": "string" } }))).await;
    tools.ok("backend_data_create", dev(&app, json!({ "tableName": "posts", "data": { "title": "a" } }))).await;
    tools.ok("backend_field_manage", dev(&app, json!({ "tableName": "posts", "fieldsToRemove": ["title"] }))).await;
    tools.ok("backend_api_key_create", dev(&app, json!({ "type": "publishable", "name": "a" }))).await;
    assert!(!tools.ok("backend_access_token_list", json!({})).await.to_string().contains("\"secret\""), "a member sees publishable keys only");
    for (tool, arguments) in [
        ("backend_project_create", json!({ "name": "x" })),
        ("backend_project_update", json!({ "projectId": app.project_id(), "name": "x" })),
        ("backend_project_delete", json!({ "projectId": app.project_id() })),
        ("backend_env_create", dev(&app, json!({ "environment": "staging" }))),
        ("backend_env_delete", dev(&app, json!({}))),
        ("backend_api_key_create", dev(&app, json!({ "type": "secret", "name": "b" }))),
    ] {
        let error = tools.fails(tool, arguments, "organization/permission-denied").await;
        assert!(error["message"].as_str().unwrap().contains("admin"), "the role that is needed: {error}");
    }
}

#[actix_web::test]
async fn billing_reads_the_organization_and_nothing_below_it() {
    let app = TestApp::start().await;
    let tools = app.tools_of_member("bill", "billing").await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    assert_eq!(tools.ok("backend_org_list", json!({})).await["items"][0]["role"], "billing");
    assert!(tools.ok("backend_org_get", json!({ "organizationId": tools.organization() })).await.get("projectCount").is_none());
    for (tool, arguments) in [
        ("backend_project_list", json!({})),
        ("backend_project_get", json!({ "projectId": app.project_id() })),
        ("backend_env_list", json!({})),
        ("backend_table_list", json!({})),
        ("backend_data_list", dev(&app, json!({ "tableName": "posts" }))),
        ("backend_access_token_list", json!({})),
        ("backend_request_log", dev(&app, json!({}))),
    ] {
        tools.fails(tool, arguments, "organization/permission-denied").await;
    }
    let context = tools.markdown("get_context", json!({})).await;
    assert!(!context.contains("posts") && !context.contains(&app.project_id()), "{context}");
}

#[actix_web::test]
async fn an_admin_may_everything_and_a_role_is_read_at_call_time() {
    let app = TestApp::start().await;
    let tools = app.tools_of_member("ada", "admin").await;
    let made = tools.ok("backend_project_create", json!({ "name": "x" })).await;
    tools.ok("backend_project_delete", json!({ "projectId": made["id"] })).await;
    let id = tools.connection.access.as_ref().unwrap().tenant.id.clone();
    app.operator().patch(&format!("/management/v1/organizations/{}/members/{id}", tools.organization()), json!({ "role": "member" })).await.assert(200);
    tools.fails("backend_project_create", json!({ "name": "x" }), "organization/permission-denied").await;
}

#[actix_web::test]
async fn production_is_read_only_unless_a_person_ticked_the_box() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    tools.ok("backend_env_create", json!({ "projectId": app.project_id(), "environment": "live", "environmentType": "prod" })).await;
    let live = |more: Value| {
        let mut place = dev(&app, more);
        place["environment"] = json!("live");
        place
    };
    let allowed = app.tools().await.allowing_prod();
    let table = allowed.ok("backend_table_create", live(json!({ "tableName": "posts", "schema": { "title": "string" } }))).await;
    let record = allowed.ok("backend_data_create", live(json!({ "tableName": "posts", "data": { "title": "a" } }))).await;
    for (tool, arguments) in [
        ("backend_table_create", live(json!({ "tableName": "more" }))),
        ("backend_table_update", json!({ "tableId": table["id"], "displayName": "x" })),
        ("backend_table_delete", json!({ "tableId": table["id"] })),
        ("backend_field_manage", live(json!({ "tableName": "posts", "fieldsToRemove": ["title"] }))),
        ("backend_index_manage", live(json!({ "tableName": "posts", "indexesToRemove": ["x"] }))),
        ("backend_schema_version_apply", live(json!({ "tableName": "posts", "versionId": 1 }))),
        ("backend_data_create", live(json!({ "tableName": "posts", "data": {} }))),
        ("backend_data_update", live(json!({ "tableName": "posts", "recordId": record["id"], "data": {} }))),
        ("backend_data_delete", live(json!({ "tableName": "posts", "recordId": record["id"] }))),
        ("backend_data_seed", live(json!({ "tables": { "posts": [{}] } }))),
        ("backend_api_key_create", live(json!({ "name": "k" }))),
        ("backend_env_delete", live(json!({}))),
        ("backend_project_delete", json!({ "projectId": app.project_id() })),
    ] {
        let error = tools.fails(tool, arguments, "environment/protected").await;
        assert!(
            error["hint"].as_str().unwrap().contains("May change production environments") && error["hint"].as_str().unwrap().contains("--allow-prod"),
            "{error}"
        );
    }
    tools.ok("backend_data_get", live(json!({ "tableName": "posts", "recordId": record["id"] }))).await;
    tools.ok("backend_table_get", json!({ "tableId": table["id"] })).await;
}

#[actix_web::test]
async fn a_personal_token_reads_or_writes_as_its_scope_says_and_sees_its_project_only() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let other = tools.ok("backend_project_create", json!({ "name": "Other" })).await;
    let token = async |scope: TokenScope, project: Option<String>| {
        let new = NewAccessToken { name: "t".into(), scope, organization_id: None, project_id: project, expires_at: None, allow_prod: false };
        let mut owner = app.backend.mcp_access(app.backend.operator_token(), None, &app.url).await.unwrap().tenant;
        owner.via = bkend_local::domain::caller::Via::Operator;
        let value = app.backend.create_access_token(&owner, new).await.unwrap().token.unwrap();
        app.tools_of(app.backend.mcp_access(&value, None, &app.url).await.unwrap())
    };
    let reading = token(TokenScope::Read, None).await;
    assert_eq!(reading.ok("backend_project_list", json!({})).await["pagination"]["total"], 2);
    reading.fails("backend_project_create", json!({ "name": "x" }), "auth/insufficient-scope").await;
    let tied = token(TokenScope::Write, Some(app.project_id())).await;
    assert_eq!(tied.ok("backend_project_list", json!({})).await["pagination"]["total"], 1);
    tied.ok("backend_table_create", dev(&app, json!({ "tableName": "posts" }))).await;
    tied.fails("backend_project_get", json!({ "projectId": other["id"] }), "project/not-found").await;
    tied.fails("backend_env_get", json!({ "environmentId": other["environments"][0]["id"] }), "data/environment-not-found").await;
    let listed = tied.ok("backend_access_token_list", json!({})).await;
    assert!(listed["items"].as_array().unwrap().iter().all(|one| one["projectId"] == app.project_id()), "{listed}");
}
