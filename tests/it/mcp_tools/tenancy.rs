//! Organizations, projects, environments, keys and tokens over MCP.

use serde_json::json;

use crate::support::TestApp;
use crate::support::developers::column;

#[actix_web::test]
async fn the_one_organization_of_the_connection_is_listed_and_shown_with_its_projects_counted() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let list = tools.ok("backend_org_list", json!({ "orgId": tools.organization() })).await;
    assert_eq!(list["pagination"]["total"], 1);
    let one = &list["items"][0];
    assert_eq!((&one["id"], &one["plan"], &one["status"], &one["role"]), (&json!(tools.organization()), &json!("local"), &json!("active"), &json!("owner")));
    let detail = tools.ok("backend_org_get", json!({ "organizationId": tools.organization() })).await;
    assert_eq!(detail["projectCount"], 1);
    let error = tools.fails("backend_org_get", json!({ "organizationId": "0123456789abcdef01234567" }), "organization/not-found").await;
    assert!(error["hint"].as_str().unwrap().contains(&tools.organization()), "{error}");
}

#[actix_web::test]
async fn a_project_is_created_changed_shown_listed_and_deleted() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let made = tools.ok("backend_project_create", json!({ "body": { "name": "Coffee Shop", "primaryCloud": "aws", "region": "seoul" } })).await;
    assert_eq!((&made["slug"], &made["primaryCloud"], &made["primaryRegion"]), (&json!("coffee-shop"), &json!("aws"), &json!("seoul")));
    assert_eq!(made["organizationId"], tools.organization());
    assert_eq!(made["environments"][0]["environment"], "dev");
    assert!(made["publishableKey"].as_str().unwrap().starts_with("pk_") && made.get("description").is_none());
    let id = made["id"].as_str().unwrap();

    let error = tools.fails("backend_project_create", json!({ "name": "Coffee Shop" }), "project/already-exists").await;
    assert!(error["hint"].as_str().unwrap().contains(id), "{error}");

    let changed = tools
        .ok("backend_project_update", json!({ "projectId": "coffee-shop", "body": { "description": "Beans", "settings": { "responseEnvelope": "envelope" } } }))
        .await;
    assert_eq!((&changed["description"], &changed["settings"]["responseEnvelope"]), (&json!("Beans"), &json!("envelope")));
    let changed = tools.ok("backend_project_update", json!({ "projectId": id, "slug": "beans", "description": null })).await;
    assert!(changed.get("description").is_none() && changed["slug"] == "beans");
    tools.fails("backend_project_update", json!({ "projectId": id }), "common/invalid-parameters").await;
    tools.fails("backend_project_update", json!({ "projectId": id, "settings": { "responseEnvelope": "other" } }), "common/invalid-parameters").await;

    assert_eq!(tools.ok("backend_project_get", json!({ "projectId": "beans" })).await["id"], *id);
    assert_eq!(column(&tools.ok("backend_project_list", json!({})).await, "slug"), ["my-blog", "beans"]);
    let page = tools.ok("backend_project_list", json!({ "limit": "1", "page": 2 })).await;
    assert_eq!((column(&page, "slug"), &page["pagination"]["hasPrev"]), (vec!["beans".to_owned()], &json!(true)));

    assert_eq!(tools.ok("backend_project_delete", json!({ "projectId": id })).await, json!({ "id": id, "deleted": true }));
    let error = tools.fails("backend_project_get", json!({ "projectId": id }), "project/not-found").await;
    assert!(error["hint"].as_str().unwrap().contains("my-blog") && error["hint"].as_str().unwrap().contains("backend_project_list {}"), "{error}");
}

#[actix_web::test]
async fn an_environment_is_created_once_and_found_again() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let project = app.project_id();
    let made = tools.ok("backend_env_create", json!({ "body": { "projectId": project, "environment": "staging" } })).await;
    assert_eq!((&made["environment"], &made["name"], &made["environmentType"]), (&json!("staging"), &json!("staging"), &json!("staging")));
    assert_eq!((&made["status"], &made["deployment"]["status"], &made["tableCount"]), (&json!("active"), &json!("active"), &json!(0)));
    assert!(made["publishableKey"].as_str().unwrap().starts_with("pk_") && made.get("alreadyExisted").is_none());
    let again = tools.ok("backend_env_create", json!({ "projectId": "my-blog", "name": "staging" })).await;
    assert_eq!((&again["id"], &again["alreadyExisted"], &again["publishableKey"]), (&made["id"], &json!(true), &made["publishableKey"]));
    tools.fails("backend_env_create", json!({ "projectId": project, "environment": "staging", "environmentType": "prod" }), "environment/already-exists").await;
    tools.fails("backend_env_create", json!({ "projectId": project, "environment": "No Name" }), "environment/invalid-name").await;
    tools.fails("backend_env_create", json!({ "projectId": project }), "common/invalid-parameters").await;

    assert_eq!(column(&tools.ok("backend_env_list", json!({})).await, "environment"), ["dev", "staging"]);
    assert_eq!(column(&tools.ok("backend_env_list", json!({ "projectId": project, "limit": 1 })).await, "environment"), ["dev"]);
    for address in
        [json!({ "environmentId": made["id"] }), json!({ "projectId": project, "environment": "staging" }), json!({ "projectId": project, "envId": "staging" })]
    {
        assert_eq!(tools.ok("backend_env_get", address).await["id"], made["id"]);
    }
    let error = tools.fails("backend_env_get", json!({ "projectId": project, "environment": "prod" }), "data/environment-not-found").await;
    assert!(error["hint"].as_str().unwrap().contains("my-blog/staging"), "{error}");
    let error = tools.fails("backend_env_get", json!({ "projectId": project }), "common/invalid-parameters").await;
    assert!(error["hint"].as_str().unwrap().contains("my-blog/dev"), "{error}");

    let gone = tools.ok("backend_env_delete", json!({ "environmentId": made["id"] })).await;
    assert_eq!((&gone["id"], &gone["deleted"]), (&made["id"], &json!(true)));
    tools.fails("backend_env_delete", json!({ "projectId": project, "environment": "dev" }), "environment/last-environment").await;
}

#[actix_web::test]
async fn keys_and_personal_tokens_are_shown_without_their_values() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let place = json!({ "projectId": app.project_id(), "environment": "dev" });
    let mut new = place.clone();
    for (name, value) in [("type", json!("secret")), ("name", json!("Server")), ("scopes", json!(["posts:read"]))] {
        new[name] = value;
    }
    let made = tools.ok("backend_api_key_create", new.clone()).await;
    let secret = made["key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("sk_") && made["environment"] == "dev" && made["projectId"] == app.project_id() && made["scopes"] == json!(["posts:read"]));
    tools.fails("backend_api_key_create", new, "key/name-taken").await;
    let made_token = app.operator().post("/management/v1/account/tokens", json!({ "name": "laptop" })).await.assert(201);

    let list = tools.ok("backend_access_token_list", json!({})).await;
    assert!(!list.to_string().contains(&secret) && !list.to_string().contains(made_token["token"].as_str().unwrap()));
    let mut kinds = column(&list, "type");
    kinds.sort();
    assert_eq!(kinds, ["management", "publishable", "secret", "secret"]);
    assert!(list["items"].as_array().unwrap().iter().all(|t| t.get("key").is_none() && t["maskedKey"].is_string() && t["status"] == "active"));
    assert_eq!(tools.ok("backend_access_token_list", place.clone()).await["pagination"]["total"], 3, "personal tokens belong to no environment");
    let detail = tools.ok("backend_access_token_get", json!({ "accessTokenId": made["id"] })).await;
    assert!(detail["name"] == "Server" && detail.get("key").is_none());
    let error = tools.fails("backend_access_token_get", json!({ "accessTokenId": "nothing" }), "access-token/not-found").await;
    assert!(error["hint"].as_str().unwrap().contains("Server"), "{error}");
    let publishable = tools.ok("backend_api_key_create", place.clone()).await;
    assert!(publishable["key"].as_str().unwrap().starts_with("pk_"), "publishable is the default, and a name is made");
    tools.fails("backend_api_key_create", json!({ "projectId": app.project_id(), "environment": "dev", "type": "other" }), "common/invalid-parameters").await;
    tools
        .fails(
            "backend_api_key_create",
            json!({ "projectId": app.project_id(), "environment": "dev", "scopes": ["what is this"] }),
            "common/invalid-parameters",
        )
        .await;
}

#[actix_web::test]
async fn each_change_leaves_one_activity_of_the_client() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let place = |more: serde_json::Value| {
        let mut place = json!({ "projectId": app.project_id(), "environment": "dev", "tableName": "posts" });
        for (name, value) in more.as_object().unwrap() {
            place[name] = value.clone();
        }
        place
    };
    tools.ok("backend_table_create", place(json!({ "schema": { "title": "string" } }))).await;
    tools.ok("backend_table_update", place(json!({ "displayName": "Posts", "permissions": { "guest": { "read": true } } }))).await;
    let record = tools.ok("backend_data_create", place(json!({ "data": { "title": "a" } }))).await;
    tools.ok("backend_data_update", place(json!({ "recordId": record["id"], "data": { "title": "b" } }))).await;
    tools
        .ok("backend_data_seed", json!({ "projectId": app.project_id(), "environment": "dev", "tables": { "posts": [{ "title": "c" }, { "title": "d" }] } }))
        .await;
    tools.ok("backend_api_key_create", json!({ "projectId": app.project_id(), "environment": "dev", "name": "k" })).await;
    tools.ok("backend_table_delete", place(json!({}))).await;
    let mut events = Vec::new();
    for _ in 0..100 {
        let list = app.operator().get(&format!("{}/activities?limit=100", app.project_path())).await.assert(200);
        events = list["items"].as_array().unwrap().iter().filter(|e| e["actor"]["type"] == "mcp").cloned().collect();
        if events.len() >= 7 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut names: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token_created", "record_created", "record_imported", "record_updated", "table_created", "table_deleted", "table_updated"]);
    assert!(events.iter().all(|e| e["actor"]["type"] == "mcp" && e["actor"]["client"] == "Test Client"), "{events:?}");
}
