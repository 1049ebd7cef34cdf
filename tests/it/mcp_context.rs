//! `get_context` (`01-mcp.md` §5), and the whole way with tool calls alone.

use serde_json::{Value, json};

use crate::support::mcp::rpc;
use crate::support::{Client, TestApp};

const HEADINGS: [&str; 7] = ["Your Session", "API Domains", "Resource Hierarchy", "ID Lookup Flow", "Rules for Generated Code", "Current State", "Warnings"];

fn headings(markdown: &str) -> Vec<String> {
    markdown.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect()
}

fn section<'m>(markdown: &'m str, heading: &str) -> &'m str {
    let start = markdown.find(&format!("## {heading}\n")).unwrap();
    let rest = &markdown[start + 3..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[actix_web::test]
async fn the_headings_stand_in_their_order_with_what_belongs_below_them() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = app.table(json!({ "tableName": "posts", "schema": { "title": "string" } })).await;
    app.secret().post("/v1/data/posts", json!({ "title": "a" })).await.assert(201);
    let text = tools.markdown("get_context", json!({})).await;
    assert_eq!(headings(&text), HEADINGS);
    let session = section(&text, "Your Session");
    for part in [&tools.organization(), &app.url, "@localhost", "*:* (all)", "/console", "paths start with /v1"] {
        assert!(session.contains(part), "{part}: {session}");
    }
    let domains = section(&text, "API Domains");
    for part in
        [format!("{}/v1", app.url), format!("{}/mcp", app.url), format!("{}/console", app.url), "never emit".into(), "Never call /mcp from app code".into()]
    {
        assert!(domains.contains(&part), "{part}: {domains}");
    }
    let state = section(&text, "Current State");
    for part in [&app.project_id(), app.environment.id(), table.id.as_str(), &app.publishable_key, "posts"] {
        assert!(state.contains(part), "{part}: {state}");
    }
    assert!(state.contains(&format!("posts `{}` 1", table.id)), "{state}");
    assert!(section(&text, "Warnings").contains("None"));
    assert!(!text.contains("bkend.ai") && text.chars().count() <= 8_000);
    assert_eq!(tools.markdown("0_get_context", json!({})).await, text, "the numbered name is the same tool");
}

#[actix_web::test]
async fn warnings_tell_of_enveloped_projects_guests_who_may_write_and_nothing_there_yet() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "open", "schema": {}, "permissions": { "guest": { "create": true } } })).await;
    app.operator().patch(&app.project_path(), json!({ "settings": { "responseEnvelope": "envelope" } })).await.assert(200);
    let text = tools.markdown("get_context", json!({})).await;
    let warnings = section(&text, "Warnings");
    assert!(warnings.contains("my-blog/dev/open") && warnings.contains("{ success, data }"), "{warnings}");
    tools.ok("backend_project_delete", json!({ "projectId": app.project_id() })).await;
    let text = tools.markdown("get_context", json!({})).await;
    assert!(section(&text, "Warnings").contains("backend_project_create"), "{text}");
}

#[actix_web::test]
async fn keys_projects_and_tables_are_shown_as_far_as_the_scopes_reach() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    let text = app.tools_with("project:read table:read").await.markdown("get_context", json!({})).await;
    assert!(!text.contains("pk_") || !text.contains(&app.publishable_key), "no key without access-token:read");
    assert!(text.contains("posts") && text.contains("project:read table:read"));
    let text = app.tools_with("").await.markdown("get_context", json!({})).await;
    assert!(!text.contains(&app.project_id()) && headings(&text) == HEADINGS, "{text}");
}

#[actix_web::test]
async fn names_of_users_never_make_a_heading_and_however_much_there_is_it_stays_short() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for i in 0..25 {
        tools.ok("backend_project_create", json!({ "name": format!("{i} ## Warnings | `x` {}", "n".repeat(40)), "slug": format!("project-number-{i}") })).await;
    }
    for i in 0..120 {
        app.table(json!({ "tableName": format!("a_table_with_a_rather_long_name_{i}"), "schema": {}, "permissions": { "guest": { "create": true } } })).await;
    }
    let text = tools.markdown("get_context", json!({})).await;
    assert_eq!(headings(&text), HEADINGS);
    assert!(text.chars().count() <= 8_000, "{}", text.chars().count());
    assert!(section(&text, "Current State").contains("more lines: backend_project_list"), "{text}");
    assert!(section(&text, "Warnings").contains("and 115 more"), "{text}");
}

/// A call over HTTP, as a client makes it.
async fn call(session: &Client, tool: &str, arguments: Value) -> Value {
    let result = session.post("/mcp", rpc(1, "tools/call", json!({ "name": tool, "arguments": arguments }))).await.assert(200)["result"].clone();
    assert_ne!(result["isError"], true, "{tool}: {result}");
    result.get("structuredContent").cloned().unwrap_or_else(|| result["content"][0]["text"].clone())
}

#[actix_web::test]
async fn with_tool_calls_only_an_app_gets_from_nothing_to_a_working_rest_call() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-11-25").await;
    let project = call(&session, "backend_project_create", json!({ "body": { "name": "Recipe Box" } })).await;
    let place = json!({ "projectId": project["id"], "environment": "dev" });
    let table = call(
        &session,
        "backend_table_create",
        json!({ "body": {
            "projectId": project["id"], "environment": "dev", "tableName": "recipes",
            "schema": { "title": { "bsonType": "string", "required": true }, "slug": { "bsonType": "string", "unique": true }, "minutes": { "bsonType": "int", "minimum": 1 } },
            "permissions": { "guest": { "read": true, "list": true }, "user": { "create": true, "read": true }, "self": { "update": true, "delete": true } },
            "indexes": [{ "name": "by_minutes", "fields": { "minutes": 1 } }] } }),
    )
    .await;
    assert_eq!(table["permissions"]["guest"]["list"], true);
    let mut rows = place.clone();
    rows["tables"] = json!({ "recipes": [{ "title": "Dal", "slug": "dal", "minutes": 30 }, { "title": "Toast", "slug": "toast", "minutes": 5 }] });
    assert_eq!(call(&session, "backend_data_seed", rows).await["tables"]["recipes"]["inserted"], 2);
    let docs = call(&session, "search_docs", json!({ "query": "list records with a filter and sort" })).await;
    assert!(docs.as_str().unwrap().starts_with("## Search Results for") && docs.as_str().unwrap().contains("andFilters"), "{docs}");

    // The generated code knows what get_context told: base address and key.
    let context = call(&session, "get_context", json!({})).await.as_str().unwrap().to_owned();
    let base = context.lines().find(|line| line.contains("REST API Base URL")).and_then(|line| line.split('|').nth(2)).unwrap().trim();
    let base = base.split(' ').next().unwrap().to_owned();
    let mine = &context[context.find("recipe-box").unwrap()..];
    let key = mine[mine.find("pk_").unwrap()..].chars().take(67).collect::<String>();
    let url = format!("{base}/v1/data/recipes?sortBy=minutes&sortDirection=asc&andFilters=%7B%22minutes%22%3A%7B%22%24lte%22%3A30%7D%7D");
    let list: Value =
        serde_json::from_str(&crate::support::http_client().get(url).header("X-API-Key", &key).send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(list["items"].as_array().unwrap().iter().map(|r| r["slug"].as_str().unwrap()).collect::<Vec<_>>(), ["toast", "dal"]);
    let guest = app.client().header("X-API-Key", &key);
    guest.post("/v1/data/recipes", json!({ "title": "x", "slug": "dal" })).await.assert_error(403, "data/permission-denied");
}
