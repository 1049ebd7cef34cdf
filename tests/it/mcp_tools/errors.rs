//! What an error tells a model (`01-mcp.md` §4.3, §9).

use serde_json::json;

use crate::support::TestApp;

#[actix_web::test]
async fn every_not_found_lists_names_that_exist_at_most_twenty() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for i in 0..25 {
        app.table(json!({ "tableName": format!("table{i}"), "schema": {} })).await;
    }
    let error = tools.fails("backend_table_get", json!({ "projectId": "my-blog", "environment": "dev", "tableName": "x" }), "data/table-not-found").await;
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("table0 (") && hint.contains("table19 (") && !hint.contains("table20 (") && hint.contains("and 5 more"), "{hint}");
}

#[actix_web::test]
async fn errors_show_no_sql_no_paths_and_no_secret_keys() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": { "slug": { "type": "string", "unique": true } } })).await;
    let place = json!({ "projectId": "my-blog", "environment": "dev", "tableName": "posts", "data": { "slug": "a" } });
    tools.ok("backend_data_create", place.clone()).await;
    let error = tools.fails("backend_data_create", place, "data/duplicate-value").await.to_string();
    for leak in ["SELECT", "INSERT", "sqlite", "/tmp", ".bkend", "panicked"] {
        assert!(!error.contains(leak), "{error}");
    }
    assert!(error.contains("backend_data_list") && error.contains("andFilters"), "the hint looks at the value that is there: {error}");
    let everything = [
        tools.markdown("get_context", json!({})).await,
        tools.ok("backend_access_token_list", json!({})).await.to_string(),
        tools.ok("backend_project_list", json!({})).await.to_string(),
    ];
    assert!(everything.iter().all(|text| !text.contains(&app.secret_key)));
}
