//! `02-data.md` §8: who may do what.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

async fn notes(permissions: Value) -> TestApp {
    let app = TestApp::start().await;
    let mut body = json!({ "tableName": "notes", "schema": { "title": "string", "secret": "string", "team": "string" } });
    body.as_object_mut().unwrap().extend(permissions.as_object().unwrap().clone());
    app.table(body).await;
    app
}

async fn add(client: &Client, body: Value) -> String {
    client.post("/v1/data/notes", body).await.assert(201)["id"].as_str().unwrap().to_owned()
}

fn path(id: &str) -> String {
    format!("/v1/data/notes/{id}")
}

#[actix_web::test]
async fn with_nothing_stored_guests_read_users_create_and_owners_change() {
    let app = notes(json!({})).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    let id = add(&ana, json!({ "title": "a" })).await;
    app.guest().get(&path(&id)).await.assert(200);
    app.guest().get("/v1/data/notes").await.assert(200);
    app.guest().post("/v1/data/notes", json!({})).await.assert_error(403, "data/permission-denied");
    ben.patch(&path(&id), json!({ "title": "b" })).await.assert_error(403, "data/permission-denied");
    ben.delete(&path(&id)).await.assert_error(403, "data/permission-denied");
    ana.patch(&path(&id), json!({ "title": "c" })).await.assert(200);
    ana.delete(&path(&id)).await.assert(200);
}

#[actix_web::test]
async fn an_empty_set_leaves_admins_only_and_groups_do_not_inherit() {
    let app = notes(json!({ "permissions": {} })).await;
    let (ana, admin) = (app.user("ana", "user").await, app.user("root", "admin").await);
    ana.get("/v1/data/notes").await.assert_error(403, "data/permission-denied");
    admin.post("/v1/data/notes", json!({})).await.assert(201);
    app.permissions("notes", json!({ "permissions": { "guest": { "read": true } } })).await;
    app.guest().get("/v1/data/notes").await.assert(200);
    ana.get("/v1/data/notes").await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn a_role_row_grants_to_that_declared_role_and_an_undeclared_role_counts_as_user() {
    let app = notes(json!({ "permissions": { "role:editor": { "create": true, "read": true }, "user": { "read": true } } })).await;
    let editor = app.user("ed", "editor").await;
    editor.post("/v1/data/notes", json!({})).await.assert_error(403, "data/permission-denied");
    let mut settings = bkend_local::domain::auth::AuthConfig::default();
    settings.users.custom_roles = vec!["editor".into()];
    app.environment.set_auth_config(settings).await.unwrap();
    editor.post("/v1/data/notes", json!({})).await.assert(201);
    bkend_local::domain::users::set_role(&app.environment, &editor.id, "user").await.unwrap();
    editor.post("/v1/data/notes", json!({})).await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn permission_comes_before_the_record_and_the_message_names_group_operation_and_table() {
    let app = notes(json!({ "permissions": { "user": { "read": true } } })).await;
    let ana = app.user("ana", "user").await;
    let body = ana.delete("/v1/data/notes/65f0a1b2c3d4e5f6a7b8c9d0").await.assert_error(403, "data/permission-denied");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("user") && message.contains("delete") && message.contains("notes"), "{message}");
    ana.get("/v1/data/notes/65f0a1b2c3d4e5f6a7b8c9d0").await.assert_error(404, "data/not-found");
}

#[actix_web::test]
async fn expressions_replace_the_matrix() {
    let app =
        notes(json!({ "permissions": {}, "expressionPermissions": { "create": "user", "read": "public", "update": "self|role:editor", "delete": "admin" } }))
            .await;
    let mut settings = bkend_local::domain::auth::AuthConfig::default();
    settings.users.custom_roles = vec!["editor".into()];
    app.environment.set_auth_config(settings).await.unwrap();
    let (ana, ben, editor) = (app.user("ana", "user").await, app.user("ben", "user").await, app.user("ed", "editor").await);
    let id = add(&ana, json!({ "title": "a" })).await;
    app.guest().get("/v1/data/notes").await.assert(200);
    app.guest().post("/v1/data/notes", json!({})).await.assert_error(403, "data/permission-denied");
    ben.patch(&path(&id), json!({ "title": "b" })).await.assert_error(403, "data/permission-denied");
    editor.patch(&path(&id), json!({ "title": "e" })).await.assert(200);
    ana.patch(&path(&id), json!({ "title": "c" })).await.assert(200);
    ana.delete(&path(&id)).await.assert_error(403, "data/permission-denied");
    app.secret().delete(&path(&id)).await.assert(200);
}

#[actix_web::test]
async fn unreadable_columns_are_left_out_and_may_not_be_named_in_queries() {
    let app = notes(json!({ "permissions": { "user": { "create": true, "read": true, "update": true } }, "columnPermissions": { "secret": { "read": "self", "write": "self" } } })).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    let id = add(&ana, json!({ "title": "a", "secret": "xyzzy" })).await;
    assert_eq!(ana.get(&path(&id)).await.assert(200)["secret"], "xyzzy");
    assert!(ben.get(&path(&id)).await.assert(200).get("secret").is_none());
    assert!(ben.get("/v1/data/notes").await.assert(200)["items"][0].get("secret").is_none());
    for query in [("andFilters", r#"{"secret":"xyzzy"}"#), ("sortBy", "secret"), ("searchType", "secret")] {
        let parameters = if query.0 == "searchType" { vec![query, ("search", "xyz")] } else { vec![query] };
        ben.query("/v1/data/notes", &parameters).await.assert_error(403, "data/permission-denied");
        app.secret().query("/v1/data/notes", &parameters).await.assert(200);
    }
    assert_eq!(ben.query("/v1/data/notes", &[("search", "xyzzy")]).await.assert(200)["pagination"]["total"], 0);
    ben.patch(&path(&id), json!({ "secret": "no" })).await.assert_error(403, "data/permission-denied");
    ben.patch(&path(&id), json!({ "title": "b" })).await.assert(200);
    assert_eq!(ana.get(&path(&id)).await.assert(200)["secret"], "xyzzy");
}

#[actix_web::test]
async fn row_filters_narrow_lists_and_with_scope_all_hide_single_records_as_404() {
    let rows = json!([{ "expression": "user", "filter": { "team": "red" } }, { "expression": "user", "filter": { "createdBy": "$userId" } }]);
    let set = |scope: &str| json!({ "permissions": { "user": { "create": true, "read": true } }, "rowFilters": rows, "rowFilterScope": scope });
    let app = notes(set("list")).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    let red = add(&ana, json!({ "team": "red" })).await;
    let blue = add(&ana, json!({ "team": "blue" })).await;
    assert_eq!(ana.get("/v1/data/notes").await.assert(200)["pagination"]["total"], 2);
    assert_eq!(ben.get("/v1/data/notes").await.assert(200)["pagination"]["total"], 1);
    assert_eq!(ben.get("/v1/data/notes/count").await.assert(200)["count"], 1);
    ben.get(&path(&blue)).await.assert(200);
    app.permissions("notes", set("all")).await;
    ben.get(&path(&blue)).await.assert_error(404, "data/not-found");
    ben.get(&path(&red)).await.assert(200);
    assert_eq!(app.secret().get("/v1/data/notes").await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn with_row_filters_stored_but_none_applying_the_list_is_empty() {
    let app = notes(json!({ "permissions": { "guest": { "read": true } }, "rowFilters": [{ "expression": "user", "filter": { "team": "red" } }] })).await;
    add(&app.secret(), json!({ "team": "red" })).await;
    assert_eq!(app.guest().get("/v1/data/notes").await.assert(200)["items"], json!([]));
}

#[actix_web::test]
async fn example_20_scopes_bind_secret_keys_too_and_name_what_is_missing() {
    let app = notes(json!({})).await;
    app.table(json!({ "tableName": "pots" })).await;
    let environment = format!("/management/v1/projects/{}/environments/dev", app.environment.project().id);
    for kind in ["publishable", "secret"] {
        let body = json!({ "type": kind, "name": format!("reader {kind}"), "scopes": ["notes:read"] });
        let key = app.operator().post(&format!("{environment}/keys"), body).await.assert(201)["key"].as_str().unwrap().to_owned();
        let client = app.client().header("X-API-Key", &key);
        client.get("/v1/data/notes").await.assert(200);
        client.get("/v1/data/notes/count").await.assert(200);
        let body = client.post("/v1/data/notes", json!({})).await.assert_error(403, "data/scope-insufficient");
        assert!(body["message"].as_str().unwrap().contains("notes:create"));
        client.get("/v1/data/pots").await.assert_error(403, "data/scope-insufficient");
    }
}

#[actix_web::test]
async fn a_deleted_key_is_revoked_and_an_expired_one_expired_from_the_next_request_on() {
    let app = notes(json!({})).await;
    let environment = format!("/management/v1/projects/{}/environments/dev", app.environment.project().id);
    let made = app.operator().post(&format!("{environment}/keys"), json!({ "type": "secret", "name": "short" })).await.assert(201);
    let client = app.client().header("X-API-Key", made["key"].as_str().unwrap());
    client.get("/v1/data/notes").await.assert(200);
    app.operator().delete(&format!("{environment}/keys/{}?confirm=short", made["id"].as_str().unwrap())).await.assert(204);
    client.get("/v1/data/notes").await.assert_error(401, "auth/api-key-revoked");

    let at = bkend_local::domain::time::iso(bkend_local::domain::time::now() + 700);
    let made = app.operator().post(&format!("{environment}/keys"), json!({ "type": "secret", "name": "brief", "expiresAt": at })).await.assert(201);
    let client = app.client().header("X-API-Key", made["key"].as_str().unwrap());
    client.get("/v1/data/notes").await.assert(200);
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    client.get("/v1/data/notes").await.assert_error(401, "auth/api-key-expired");
}

#[actix_web::test]
async fn spec_needs_read_in_any_way_and_hides_what_can_never_be_read() {
    let app = notes(json!({ "permissions": { "self": { "read": true } }, "columnPermissions": { "secret": { "read": "admin" } } })).await;
    let ana = app.user("ana", "user").await;
    app.guest().get("/v1/data/notes/spec").await.assert_error(401, "common/authentication-required");
    let spec = ana.get("/v1/data/notes/spec").await.assert(200);
    assert!(spec["schema"]["properties"].get("secret").is_none() && spec.get("columnPermissions").is_none());
    let admin = app.secret().get("/v1/data/notes/spec").await.assert(200);
    assert!(admin["schema"]["properties"].get("secret").is_some() && admin.get("columnPermissions").is_some());
    app.permissions("notes", json!({ "permissions": { "user": { "create": true } } })).await;
    ana.get("/v1/data/notes/spec").await.assert_error(403, "data/permission-denied");
    let openapi = app.secret().get("/v1/data/notes/openapi").await.assert(200);
    assert_eq!((&openapi["openapi"], &openapi["info"]["title"]), (&json!("3.0.0"), &json!("notes API")));
    assert!(openapi["servers"][0]["url"].as_str().unwrap().starts_with("http://localhost:"));
}
