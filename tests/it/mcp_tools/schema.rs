//! Tables, fields, indexes and their versions over MCP, in every accepted form (`01-mcp.md` §4.4, §4.5).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;
use crate::support::tools::Tools;

fn at(app: &TestApp, table: &str, more: Value) -> Value {
    let mut place = json!({ "projectId": app.project_id(), "environment": "dev", "tableName": table });
    for (name, value) in more.as_object().unwrap() {
        place[name] = value.clone();
    }
    place
}

async fn posts(app: &TestApp, tools: &Tools) -> Value {
    tools.ok("backend_table_create", at(app, "posts", json!({ "schema": { "title": { "type": "string", "required": true }, "views": "int" } }))).await
}

#[actix_web::test]
async fn a_table_is_created_in_every_form_of_schema_and_shown_in_the_full_one() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let full = json!({ "bsonType": "object", "required": ["title"], "properties": { "title": { "bsonType": "string" }, "age": { "bsonType": "double" } } });
    for (i, schema) in [
        json!({ "title": { "bsonType": "string", "required": true }, "age": { "bsonType": "double" } }),
        full.clone(),
        json!({ "title": { "type": "String", "required": true }, "age": { "type": "Number" } }),
        json!([{ "name": "title", "type": "string", "required": true }, { "name": "age", "type": "number" }]),
        json!({ "title": { "type": "string", "required": true }, "age": "number" }),
        Value::String(full.to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        let table = tools.ok("backend_table_create", json!({ "body": at(&app, &format!("t{i}"), json!({ "schema": schema })) })).await;
        assert_eq!(table["schema"], full, "form {i}");
    }
    let table =
        tools.ok("backend_table_create", at(&app, "tagged", json!({ "fields": { "tags": ["string"], "slug": { "type": "string", "unique": true } } }))).await;
    assert_eq!(table["schema"]["properties"]["tags"], json!({ "bsonType": "array", "items": { "bsonType": "string" } }));
    assert!(table["indexes"].as_array().unwrap().iter().any(|i| i["name"] == "slug_unique"), "{table}");
    let bare = tools.ok("backend_table_create", at(&app, "bare", json!({}))).await;
    assert_eq!(bare["schema"]["properties"], json!({}), "schema may be absent");
}

#[actix_web::test]
async fn a_table_answers_everything_the_next_step_needs() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = tools
        .ok(
            "backend_table_create",
            at(
                &app,
                "posts",
                json!({ "schema": { "title": "string" }, "displayName": "Posts", "permissions": { "guest": { "read": true } }, "indexes": [{ "fields": { "title": -1 } }], "additionalFields": false }),
            ),
        )
        .await;
    assert_eq!((&table["projectId"], &table["environmentId"], &table["environment"]), (&json!(app.project_id()), &json!(app.environment.id()), &json!("dev")));
    assert_eq!(
        (&table["status"], &table["documentCount"], &table["schemaVersion"], &table["indexVersion"]),
        (&json!("deployed"), &json!(0), &json!(1), &json!(1))
    );
    assert_eq!(
        (&table["endpoint"], &table["permissions"], &table["additionalFields"]),
        (&json!(format!("{}/v1/data/posts", app.url)), &json!({ "guest": { "read": true } }), &json!(false))
    );
    assert!(table["indexes"].as_array().unwrap().iter().any(|i| i["name"] == "idx_title_desc"));
    assert!(table.get("description").is_none(), "members without a value are omitted");
    assert_eq!(tools.ok("backend_table_get", json!({ "tableId": table["id"] })).await, table);
    app.guest().get("/v1/data/posts").await.assert(200);
    let error = tools.fails("backend_table_create", at(&app, "posts", json!({})), "table/already-exists").await;
    assert!(error["hint"].as_str().unwrap().contains("backend_table_get"), "{error}");
    tools.fails("backend_table_create", at(&app, "users", json!({})), "data/system-table-access").await;
    tools.fails("backend_table_create", at(&app, "9", json!({})), "table/schema-validation-failed").await;
}

#[actix_web::test]
async fn unknown_keywords_and_system_fields_are_dropped_with_a_warning() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = tools
        .ok(
            "backend_table_create",
            at(
                &app,
                "posts",
                json!({ "schema": { "id": "string", "title": { "type": "string", "anyOf": [] } }, "indexes": [{ "fields": ["title"], "background": true }] }),
            ),
        )
        .await;
    let warnings = table["warnings"].to_string();
    assert!(warnings.contains("anyOf") && warnings.contains("id is a system field") && warnings.contains("background"), "{warnings}");
    let changed = tools
        .ok(
            "backend_field_manage",
            at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "n": { "bsonType": "int", "foo": 1 } }, "fieldsToRemove": ["nothing"] })),
        )
        .await;
    let warnings = changed["warnings"].to_string();
    assert!(warnings.contains("foo") && warnings.contains("no declared field nothing"), "{warnings}");
    tools.fails("backend_field_manage", at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "createdAt": "date" } })), "table/system-field-protected").await;
}

#[actix_web::test]
async fn tables_are_listed_with_fields_in_shorthand_or_with_whole_schemas() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let schema =
        json!({ "title": { "type": "string", "required": true }, "tags": ["string"], "author": { "type": "reference", "ref": "users" }, "any": "mixed" });
    tools.ok("backend_table_create", at(&app, "posts", json!({ "schema": schema }))).await;
    tools.ok("backend_env_create", json!({ "projectId": app.project_id(), "environment": "staging" })).await;
    tools.ok("backend_table_create", json!({ "projectId": app.project_id(), "environment": "staging", "tableName": "other" })).await;
    tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": "a" } }))).await;
    let all = tools.ok("backend_table_list", json!({})).await;
    assert_eq!(column(&all, "tableName"), ["posts", "other"], "system tables are no tables of the developer");
    let posts = &all["items"][0];
    assert_eq!(posts["fields"], json!({ "title": "string!", "tags": "string[]", "author": "reference:users", "any": "mixed" }));
    assert_eq!((&posts["documentCount"], &posts["environment"]), (&json!(1), &json!("dev")));
    for absent in ["permissions", "indexes", "schema"] {
        assert!(posts.get(absent).is_none(), "{absent}");
    }
    let full = tools.ok("backend_table_list", json!({ "projectId": app.project_id(), "environment": "dev", "full": "true" })).await;
    assert!(full["items"][0]["schema"]["properties"]["title"].is_object() && full["items"][0].get("fields").is_none());
    assert_eq!(full["pagination"]["total"], 1);
    assert_eq!(tools.ok("backend_table_list", json!({ "environment": "staging" })).await["pagination"]["total"], 1);
    tools.fails("backend_table_list", json!({ "projectId": app.project_id(), "environment": "prod" }), "data/environment-not-found").await;
    tools.fails("backend_table_list", json!({ "projectId": "nothing" }), "project/not-found").await;
}

#[actix_web::test]
async fn a_part_of_the_permissions_replaces_what_it_names_and_leaves_the_rest() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    posts(&app, &tools).await;
    let first = tools
        .ok("backend_table_update", at(&app, "posts", json!({ "body": { "displayName": "Posts", "permissions": { "guest": { "create": true, "read": true } }, "rowFilters": [{ "expression": "guest", "filter": { "views": { "$gt": 1 } } }] } })))
        .await;
    assert_eq!((&first["displayName"], &first["permissions"]), (&json!("Posts"), &json!({ "guest": { "create": true, "read": true } })));
    let second = tools.ok("backend_table_update", at(&app, "posts", json!({ "permissions": "{\"user\":{\"read\":true}}" }))).await;
    assert_eq!(second["permissions"], json!({ "user": { "read": true } }));
    assert!(second["rowFilters"].is_array() && second["displayName"] == "Posts");
    let third = tools
        .ok("backend_table_update", at(&app, "posts", json!({ "expressionPermissions": { "read": "public" }, "rowFilters": null, "displayName": null })))
        .await;
    assert_eq!(third["expressionPermissions"], json!({ "read": "public" }));
    assert!(third.get("rowFilters").is_none() && third.get("displayName").is_none());
    tools.fails("backend_table_update", at(&app, "posts", json!({})), "common/invalid-parameters").await;
    let error = tools.fails("backend_table_update", at(&app, "posts", json!({ "expressionPermissions": { "read": "user &" } })), "data/validation-error").await;
    assert!(error["details"][0]["position"].is_number(), "{error}");
    assert_eq!(tools.ok("backend_table_get", at(&app, "posts", json!({}))).await["expressionPermissions"], json!({ "read": "public" }), "nothing was changed");
}

#[actix_web::test]
async fn fields_are_managed_in_the_newest_and_in_older_forms() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = posts(&app, &tools).await;
    let added = tools
        .ok(
            "backend_field_manage",
            at(
                &app,
                "posts",
                json!({ "body": { "fieldsToAddOrUpdate": { "price": { "bsonType": "double", "minimum": 0 } }, "requiredFieldsToAdd": ["price"] } }),
            ),
        )
        .await;
    assert_eq!((&added["tableId"], &added["tableName"]), (&table["id"], &json!("posts")));
    assert_eq!((&added["previousVersion"], &added["schemaVersion"]), (&json!(1), &json!(2)));
    assert_eq!((&added["appliedFields"]["added"], &added["appliedRequired"]["added"]), (&json!(["price"]), &json!(["price"])));
    for arguments in [
        json!({ "action": "add", "field": { "name": "a", "type": "string" } }),
        json!({ "action": "add", "fields": [{ "name": "b", "type": "number" }, { "name": "c", "type": "boolean" }] }),
        json!({ "action": "update", "field": { "name": "a", "type": "string", "maxLength": 9 } }),
        json!({ "action": "delete", "field": { "name": "b" } }),
        json!({ "action": "delete", "fields": ["c"] }),
        json!({ "fieldsToRename": { "a": "subtitle" } }),
    ] {
        tools.ok("backend_field_manage", at(&app, "posts", arguments)).await;
    }
    let schema = tools.ok("backend_table_get", at(&app, "posts", json!({}))).await["schema"].clone();
    let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["title", "views", "price", "subtitle"]);
    assert_eq!(schema["properties"]["subtitle"]["maxLength"], 9);
    tools.fails("backend_field_manage", at(&app, "posts", json!({})), "common/invalid-parameters").await;
    tools
        .fails("backend_field_manage", at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "x": "int" }, "fieldsToRemove": ["x"] })), "table/field-conflict")
        .await;
    let error = tools.fails("backend_field_manage", at(&app, "posts", json!({ "requiredFieldsToAdd": ["nothing"] })), "table/field-not-found").await;
    assert!(error["hint"].as_str().unwrap().contains("subtitle"), "{error}");
}

#[actix_web::test]
async fn removing_a_field_takes_a_copy_first_and_a_rehearsal_changes_nothing() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    posts(&app, &tools).await;
    tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": "a", "views": 7 } }))).await;
    let rehearsed = tools.ok("backend_field_manage", at(&app, "posts", json!({ "fieldsToRemove": ["views"], "dryRun": true }))).await;
    assert!(rehearsed["removedValues"] == json!({ "views": 1 }) && rehearsed.get("undoSnapshotId").is_none(), "{rehearsed}");
    let removed = tools.ok("backend_field_manage", at(&app, "posts", json!({ "fieldsToRemove": "[\"views\"]" }))).await;
    assert!(removed["removedValues"] == json!({ "views": 1 }) && removed["undoSnapshotId"].is_string(), "{removed}");
    let tightened = tools.ok("backend_field_manage", at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "title": { "minLength": 5 } } }))).await;
    assert!(tightened["warnings"][0].as_str().unwrap().contains("1 stored values of title break the rule minLength"), "{tightened}");
}

#[actix_web::test]
async fn a_type_change_that_does_not_fit_names_the_records() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    posts(&app, &tools).await;
    let record = tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": "abc" } }))).await;
    let error = tools
        .fails("backend_field_manage", at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "title": { "type": "int" } } })), "schema/incompatible-values")
        .await;
    assert_eq!((&error["count"], &error["details"][0]["id"]), (&json!(1), &record["id"]));
    assert!(error["hint"].as_str().unwrap().contains(record["id"].as_str().unwrap()), "{error}");
}

#[actix_web::test]
async fn indexes_are_managed_in_the_newest_and_in_older_forms() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = posts(&app, &tools).await;
    let added = tools
        .ok(
            "backend_index_manage",
            at(&app, "posts", json!({ "body": { "indexesToAddOrUpdate": [{ "name": "by_title", "fields": { "title": 1, "views": -1 } }] } })),
        )
        .await;
    assert_eq!((&added["tableId"], &added["previousIndexVersion"], &added["indexVersion"]), (&table["id"], &json!(1), &json!(2)));
    assert_eq!(added["appliedIndexes"], json!({ "added": ["by_title"], "updated": [], "removed": [] }));
    let older = tools.ok("backend_index_manage", at(&app, "posts", json!({ "action": "add", "index": { "fields": ["views"] } }))).await;
    assert_eq!(older["appliedIndexes"]["added"], json!(["idx_views"]));
    tools.ok("backend_index_manage", at(&app, "posts", json!({ "action": "delete", "indexes": ["idx_views"] }))).await;
    let again = tools
        .ok(
            "backend_index_manage",
            at(&app, "posts", json!({ "indexesToRemove": ["nothing"], "indexesToAddOrUpdate": [{ "name": "by_views", "fields": { "views": 1 }, "what": 1 }] })),
        )
        .await;
    assert_eq!(again["warnings"].as_array().unwrap().len(), 2, "{again}");
    tools.fails("backend_index_manage", at(&app, "posts", json!({})), "common/invalid-parameters").await;
    tools.fails("backend_index_manage", at(&app, "posts", json!({ "indexesToRemove": ["_id_"] })), "table/system-index-protected").await;
    for _ in 0..2 {
        tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": "same" } }))).await;
    }
    let error = tools
        .fails(
            "backend_index_manage",
            at(&app, "posts", json!({ "indexesToAddOrUpdate": [{ "fields": { "title": 1 }, "unique": true }] })),
            "data/duplicate-value",
        )
        .await;
    assert!(error["hint"].as_str().unwrap().contains("backend_data_list") && error["hint"].as_str().unwrap().contains("same"), "{error}");
}

#[actix_web::test]
async fn versions_go_by_id_number_or_v_number_and_the_older_names_still_roll_back() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = posts(&app, &tools).await;
    tools.ok("backend_field_manage", at(&app, "posts", json!({ "fieldsToAddOrUpdate": { "extra": "int" } }))).await;
    tools.ok("backend_index_manage", at(&app, "posts", json!({ "indexesToAddOrUpdate": [{ "fields": { "extra": 1 } }] }))).await;
    let list = tools.ok("backend_schema_version_list", json!({ "tableId": table["id"] })).await;
    assert_eq!(list["items"].as_array().unwrap().iter().map(|v| v["version"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    let first = &list["items"][1];
    assert!(first["tableId"] == table["id"] && first["isActive"] == false && first["createdBy"]["type"] == "mcp" && first["summary"].is_string());
    for which in [first["id"].clone(), json!(1), json!("1"), json!("v1")] {
        assert_eq!(tools.ok("backend_schema_version_get", json!({ "tableId": table["id"], "versionId": which })).await["id"], first["id"], "{which}");
    }
    let error = tools.fails("backend_schema_version_get", json!({ "tableId": table["id"], "versionId": 9 }), "table/schema-version-not-found").await;
    assert!(error["hint"].as_str().unwrap().contains("2, 1"), "{error}");
    tools.fails("backend_schema_version_get", json!({ "tableId": table["id"] }), "common/invalid-parameters").await;
    for (i, (tool, name)) in
        [("backend_schema_version_apply", "versionId"), ("backend_schema_rollback", "version"), ("backend_schema_version_rollback", "targetVersion")]
            .iter()
            .enumerate()
    {
        let applied = tools.ok(tool, at(&app, "posts", json!({ *name: if i % 2 == 0 { 1 } else { 2 } }))).await;
        assert_eq!((&applied["previousVersion"], &applied["schemaVersion"]), (&json!(2 + i), &json!(3 + i)), "{tool}");
    }
    assert_eq!(tools.ok("backend_index_version_list", json!({ "tableId": table["id"] })).await["pagination"]["total"], 2);
    let version = tools.ok("backend_index_version_get", json!({ "tableId": table["id"], "versionId": "v2" })).await;
    assert!(version["indexes"].as_array().unwrap().iter().any(|i| i["name"] == "idx_extra") && version.get("schema").is_none());
    let applied = tools.ok("backend_index_rollback", json!({ "tableId": table["id"], "version": 1 })).await;
    assert_eq!(
        (&applied["previousIndexVersion"], &applied["indexVersion"], &applied["appliedIndexes"]["removed"]),
        (&json!(2), &json!(3), &json!(["idx_extra"]))
    );
    tools.fails("backend_index_version_get", json!({ "tableId": table["id"], "versionId": "x" }), "table/index-version-not-found").await;
}

#[actix_web::test]
async fn deleting_a_table_takes_a_copy_first() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = posts(&app, &tools).await;
    let gone = tools.ok("backend_table_delete", json!({ "tableId": table["id"] })).await;
    assert!(gone["id"] == table["id"] && gone["deleted"] == true && gone["undoSnapshotId"].is_string(), "{gone}");
    tools.fails("backend_table_get", json!({ "tableId": table["id"] }), "data/table-not-found").await;
    tools.fails("backend_table_delete", at(&app, "users", json!({})), "data/system-table-access").await;
}
