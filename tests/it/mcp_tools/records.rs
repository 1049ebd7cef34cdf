//! Records, seeding and the request log over MCP.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

fn at(app: &TestApp, table: &str, more: Value) -> Value {
    let mut place = json!({ "projectId": app.project_id(), "environment": "dev", "tableName": table });
    for (name, value) in more.as_object().unwrap() {
        place[name] = value.clone();
    }
    place
}

fn seed(app: &TestApp, more: Value) -> Value {
    let mut arguments = at(app, "", more);
    arguments.as_object_mut().unwrap().remove("tableName");
    arguments
}

#[actix_web::test]
async fn a_record_is_created_read_changed_and_deleted() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": { "type": "string", "required": true }, "views": "int" }, "permissions": {} })).await;
    let made = tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": "a", "views": 1, "note": null } }))).await;
    assert!(made["title"] == "a" && made["createdBy"] == "" && made["createdAt"].is_string());
    assert!(made["note"].is_null() && made.as_object().unwrap().contains_key("note"), "what a record holds is answered as it is");
    let older = tools.ok("backend_data_create", at(&app, "posts", json!({ "body": { "title": "b" } }))).await;
    let text = tools.ok("backend_data_create", at(&app, "posts", json!({ "data": "{\"title\":\"c\"}" }))).await;
    assert_eq!((&older["title"], &text["title"]), (&json!("b"), &json!("c")));
    let changed = tools.ok("backend_data_update", at(&app, "posts", json!({ "id": made["id"], "data": { "views": { "$inc": 4 } } }))).await;
    assert_eq!((&changed["views"], &changed["title"]), (&json!(5), &json!("a")));
    assert_eq!(tools.ok("backend_data_get", at(&app, "posts", json!({ "recordId": made["id"] }))).await, changed);
    assert_eq!(tools.ok("backend_data_delete", at(&app, "posts", json!({ "recordId": made["id"] }))).await, json!({ "id": made["id"], "deleted": true }));
    let error = tools.fails("backend_data_get", at(&app, "posts", json!({ "recordId": made["id"] })), "data/not-found").await;
    assert!(error["hint"].as_str().unwrap().contains(text["id"].as_str().unwrap()), "{error}");

    let error = tools.fails("backend_data_create", at(&app, "posts", json!({ "data": { "views": "many" } })), "data/validation-error").await;
    assert_eq!(error["details"].as_array().unwrap().len(), 2, "{error}");
    assert!(error["hint"].as_str().unwrap().contains("backend_table_get"), "{error}");
    tools.fails("backend_data_create", at(&app, "posts", json!({ "data": [1] })), "data/validation-error").await;
    tools.fails("backend_data_create", at(&app, "posts", json!({})), "common/invalid-parameters").await;
    tools.fails("backend_data_create", at(&app, "posts", json!({ "data": { "title": "x" }, "dat": 1 })), "common/invalid-parameters").await;
    tools.fails("backend_data_update", at(&app, "posts", json!({ "data": {} })), "common/invalid-parameters").await;
    tools.fails("backend_data_create", at(&app, "users", json!({ "data": {} })), "data/system-table-access").await;
}

#[actix_web::test]
async fn lists_take_filters_order_search_selection_includes_and_cursors() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "authors", "schema": { "name": "string" } })).await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string", "views": "int", "authorId": { "type": "reference", "ref": "authors" } } })).await;
    let author = tools.ok("backend_data_create", at(&app, "authors", json!({ "data": { "name": "Mina" } }))).await;
    for i in 1..=5 {
        tools.ok("backend_data_create", at(&app, "posts", json!({ "data": { "title": format!("post {i}"), "views": i, "authorId": author["id"] } }))).await;
    }
    let list = |more: Value| tools.ok("backend_data_list", at(&app, "posts", more));
    let titles = |list: Value| column(&list, "title");
    assert_eq!(titles(list(json!({ "andFilters": { "views": { "$gte": 4 } }, "sortBy": "views", "sortDirection": "asc" })).await), ["post 4", "post 5"]);
    assert_eq!(titles(list(json!({ "andFilters": "{\"views\":{\"$lt\":2}}" })).await), ["post 1"]);
    assert_eq!(titles(list(json!({ "orFilters": [{ "views": 1 }, { "views": 2 }], "sort": "views:desc" })).await), ["post 2", "post 1"]);
    assert_eq!(titles(list(json!({ "search": "POST 3", "searchType": "title" })).await), ["post 3"]);
    assert_eq!(list(json!({ "andFilters": "" })).await["pagination"]["total"], 5);
    let page = list(json!({ "limit": "2", "page": "2", "sortBy": "views", "sortDirection": "asc" })).await;
    assert_eq!((titles(page.clone()), &page["pagination"]["totalPages"]), (vec!["post 3".to_owned(), "post 4".to_owned()], &json!(3)));
    let selected = list(json!({ "select": ["title"], "limit": 1, "include": "authorId" })).await;
    assert!(selected["items"][0].get("views").is_none() && selected["items"][0]["_included"]["authorId"]["name"] == "Mina", "{selected}");
    let first = list(json!({ "cursor": "", "limit": 3 })).await;
    let second = list(json!({ "cursor": first["pagination"]["nextCursor"], "limit": 3 })).await;
    assert_eq!(titles(second), ["post 2", "post 1"]);
    let sums = list(json!({ "groupBy": "authorId", "sum": "views", "max": ["views"], "sortBy": "count" })).await;
    assert_eq!(sums["items"], json!([{ "group": { "authorId": author["id"] }, "count": 5, "sum": { "views": 15 }, "max": { "views": 5 } }]));
    let error = tools.fails("backend_data_list", at(&app, "posts", json!({ "andFilters": { "views": { "$where": 1 } } })), "data/validation-error").await;
    assert_eq!(error["details"][0]["rule"], "operator");
    let error = tools.fails("backend_data_list", at(&app, "posts", json!({ "filters": {} })), "common/invalid-parameters").await;
    assert!(error["message"].as_str().unwrap().contains("did you mean"), "{error}");
    tools.fails("backend_data_list", at(&app, "posts", json!({ "page": 0 })), "common/invalid-parameters").await;
}

#[actix_web::test]
async fn several_tables_are_seeded_at_once_with_references_in_both_directions() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string", "authorId": "reference" } })).await;
    app.table(json!({ "tableName": "authors", "schema": { "name": "string", "latest": "reference" } })).await;
    let done = tools
        .ok(
            "backend_data_seed",
            seed(
                &app,
                json!({ "tables": {
                    "posts": [{ "title": "a", "authorId": { "$ref": "authors.0" } }, { "title": "b", "meta": { "seen": [{ "$ref": "authors.1" }] } }],
                    "authors": [{ "name": "Mina", "latest": { "$ref": "posts.1" } }, { "id": "joon", "name": "Joon" }] } }),
            ),
        )
        .await;
    assert_eq!(done["tables"]["posts"]["inserted"], 2);
    assert_eq!(
        (&done["tables"]["authors"]["inserted"], &done["tables"]["authors"]["updated"], &done["tables"]["authors"]["deleted"]),
        (&json!(2), &json!(0), &json!(0))
    );
    let (posts, authors) = (&done["tables"]["posts"]["ids"], &done["tables"]["authors"]["ids"]);
    assert_eq!(authors[1], "joon");
    assert!(done.get("undoSnapshotId").is_none());
    let post = tools.ok("backend_data_get", at(&app, "posts", json!({ "recordId": posts[0] }))).await;
    assert_eq!(post["authorId"], authors[0]);
    assert_eq!(tools.ok("backend_data_get", at(&app, "posts", json!({ "recordId": posts[1] }))).await["meta"]["seen"][0], "joon");
    assert_eq!(tools.ok("backend_data_get", at(&app, "authors", json!({ "recordId": authors[0] }))).await["latest"], posts[1]);
}

#[actix_web::test]
async fn seeding_is_all_or_nothing() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "slug": { "type": "string", "required": true, "unique": true } } })).await;
    app.table(json!({ "tableName": "notes", "schema": {} })).await;
    for (tables, code) in [
        (json!({ "notes": [{ "a": 1 }], "posts": [{ "slug": "x" }, { "slug": "x" }] }), "data/duplicate-value"),
        (json!({ "notes": [{ "a": 1 }], "posts": [{}] }), "data/validation-error"),
        (json!({ "notes": [{ "a": { "$ref": "posts.7" } }] }), "data/validation-error"),
        (json!({ "notes": [{ "a": 1 }], "nothing": [{}] }), "data/table-not-found"),
        (json!({ "notes": [{ "a": 1 }], "users": [{}] }), "data/system-table-access"),
        (json!({ "notes": [1] }), "common/invalid-parameters"),
        (json!({}), "common/invalid-parameters"),
        (json!([]), "common/invalid-parameters"),
    ] {
        let error = tools.fails("backend_data_seed", seed(&app, json!({ "tables": tables })), code).await;
        if code.starts_with("data/duplicate") {
            assert_eq!((&error["details"][0]["table"], &error["details"][0]["position"]), (&json!("posts"), &json!(1)), "{error}");
        }
    }
    let many: Vec<Value> = (0..1001).map(|i| json!({ "n": i })).collect();
    let error = tools.fails("backend_data_seed", seed(&app, json!({ "tables": { "notes": many } })), "data/validation-error").await;
    assert_eq!(error["details"][0]["rule"], "limit");
    tools.fails("backend_data_seed", seed(&app, json!({ "tables": { "notes": [{}] }, "mode": "other" })), "common/invalid-parameters").await;
    tools.fails("backend_data_seed", seed(&app, json!({ "tables": { "notes": [{}] }, "made": "insert" })), "common/invalid-parameters").await;
    assert_eq!(tools.ok("backend_data_list", at(&app, "notes", json!({}))).await["pagination"]["total"], 0);
}

#[actix_web::test]
async fn upsert_matches_on_the_key_and_replace_empties_the_named_tables_after_a_copy() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "slug": "string", "lang": "string" } })).await;
    app.table(json!({ "tableName": "notes", "schema": { "postId": "reference", "n": "int" } })).await;
    let upsert = |tables: Value, key: Value| tools.ok("backend_data_seed", seed(&app, json!({ "tables": tables, "mode": "upsert", "key": key })));
    let first = upsert(json!({ "posts": [{ "slug": "a", "lang": "en" }, { "slug": "a", "lang": "ko" }] }), json!("slug,lang")).await;
    let again =
        upsert(json!({ "posts": [{ "slug": "a", "lang": "ko", "title": "x" }, { "slug": "b", "lang": "en" }] }), json!({ "posts": ["slug", "lang"] })).await;
    assert_eq!((&again["tables"]["posts"]["inserted"], &again["tables"]["posts"]["updated"]), (&json!(1), &json!(1)));
    assert_eq!(again["tables"]["posts"]["ids"][0], first["tables"]["posts"]["ids"][1]);
    // A key that refers to a record of the same call, found or made.
    let linked = json!({ "notes": [{ "postId": { "$ref": "posts.0" }, "n": 1 }], "posts": [{ "slug": "b", "lang": "en" }] });
    for expected in [(1, 0), (0, 1)] {
        let done = upsert(linked.clone(), json!({ "posts": "slug", "notes": "postId" })).await;
        assert_eq!((&done["tables"]["notes"]["inserted"], &done["tables"]["notes"]["updated"]), (&json!(expected.0), &json!(expected.1)));
    }
    let by_id = upsert(json!({ "notes": [{ "id": "one", "n": 1 }, { "n": 2 }] }), Value::Null).await;
    assert_eq!(by_id["tables"]["notes"]["inserted"], 2);
    assert_eq!(upsert(json!({ "notes": [{ "id": "one", "n": 5 }] }), Value::Null).await["tables"]["notes"]["updated"], 1);
    let mut circle =
        seed(&app, json!({ "mode": "upsert", "key": "x", "tables": { "notes": [{ "x": { "$ref": "posts.0" } }], "posts": [{ "x": { "$ref": "notes.0" } }] } }));
    let error = tools.fails("backend_data_seed", circle.clone(), "data/validation-error").await;
    assert!(error["message"].as_str().unwrap().contains("circle"), "{error}");
    circle["tables"] = json!({ "posts": [{ "slug": "a" }] });
    circle["key"] = json!("slug");
    tools.fails("backend_data_seed", circle, "data/ambiguous-match").await;

    let replaced = tools.ok("backend_data_seed", seed(&app, json!({ "tables": { "notes": [{ "n": 9 }] }, "mode": "replace" }))).await;
    assert_eq!((&replaced["tables"]["notes"]["deleted"], &replaced["tables"]["notes"]["inserted"]), (&json!(3), &json!(1)));
    assert!(replaced["undoSnapshotId"].is_string());
    assert_eq!(tools.ok("backend_data_list", at(&app, "posts", json!({}))).await["pagination"]["total"], 3, "other tables stay");
}

#[actix_web::test]
async fn seeding_needs_the_scopes_of_its_mode() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "notes", "schema": {} })).await;
    let tools = app.tools_with("table:data:create table:data:update").await;
    for (mode, missing) in [("insert", None), ("upsert", None), ("replace", Some("table:data:delete"))] {
        let arguments = seed(&app, json!({ "tables": { "notes": [{ "id": "a" }] }, "mode": mode }));
        match missing {
            None => drop(tools.ok("backend_data_seed", arguments).await),
            Some(scope) => assert_eq!(tools.fails("backend_data_seed", arguments, "auth/insufficient-scope").await["requiredScope"], scope),
        }
    }
}

#[actix_web::test]
async fn a_list_that_is_too_long_shortens_its_strings_and_says_so() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "notes", "schema": {} })).await;
    let rows: Vec<Value> = (0..50).map(|i| json!({ "n": i, "text": "x".repeat(2_000) })).collect();
    tools.ok("backend_data_seed", seed(&app, json!({ "tables": { "notes": rows } }))).await;
    let list = tools.ok("backend_data_list", at(&app, "notes", json!({ "limit": 50 }))).await;
    assert_eq!(list["truncated"], true);
    assert!(list["items"][0]["text"].as_str().unwrap().ends_with("…[+1500 characters]"));
    let short = tools.ok("backend_data_list", at(&app, "notes", json!({ "limit": 5 }))).await;
    assert!(short.get("truncated").is_none() && short["items"][0]["text"].as_str().unwrap().len() == 2_000);
}

#[actix_web::test]
async fn the_request_log_tells_why_a_call_failed() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string" } })).await;
    app.guest().get("/v1/data/posts").await.assert(200);
    let refused = app.guest().post("/v1/data/posts", json!({ "title": "a" })).await.assert_error(403, "data/permission-denied");
    let place = |more: Value| seed(&app, more);
    let list = tools.ok("backend_request_log", place(json!({ "status": "4xx", "path": "posts" }))).await;
    assert_eq!((&list["pagination"]["total"], &list["items"][0]["errorCode"]), (&json!(1), &json!("data/permission-denied")), "{list}");
    assert!(list["items"][0]["caller"].get("userId").is_none(), "members without a value are omitted");
    for id in [&list["items"][0]["id"], &refused["requestId"]] {
        let one = tools.ok("backend_request_log", place(json!({ "requestId": id }))).await;
        assert!(
            one["decision"].as_str().is_some_and(|d| d.contains("guest")) && one["responseBody"].as_str().is_some_and(|b| b.contains("data/permission-denied")),
            "{one}"
        );
    }
    assert_eq!(tools.ok("backend_request_log", place(json!({ "method": "get", "since": "2020-01-01T00:00:00Z" }))).await["pagination"]["total"], 1);
    tools.fails("backend_request_log", place(json!({ "status": "9xx" })), "common/invalid-parameters").await;
    tools.fails("backend_request_log", place(json!({ "requestId": "nothing" })), "request/not-found").await;
}
