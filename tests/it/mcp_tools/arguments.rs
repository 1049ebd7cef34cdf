//! How forgiving arguments are, and where they are not (`01-mcp.md` §4.1).

use serde_json::json;

use crate::support::TestApp;

#[actix_web::test]
async fn unknown_arguments_are_named_in_warnings_and_ignored_by_tools_without_arguments() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let list = tools.ok("backend_project_list", json!({ "limitt": 3, "organizationId": tools.organization() })).await;
    assert_eq!(list["warnings"].as_array().unwrap().len(), 1);
    assert!(list["warnings"][0].as_str().unwrap().contains("did you mean limit?"), "{list}");
    assert!(tools.ok("backend_org_list", json!({ "whatever": true })).await.get("warnings").is_none());
    tools.markdown("get_context", json!({ "whatever": true })).await;
}

#[actix_web::test]
async fn paging_reads_texts_and_caps_the_limit() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let list = tools.ok("backend_project_list", json!({ "page": "1", "limit": "1000" })).await;
    assert_eq!((&list["pagination"]["limit"], &list["pagination"]["page"]), (&json!(100), &json!(1)));
    for arguments in [json!({ "page": "x" }), json!({ "limit": 0 }), json!({ "page": -1 }), json!({ "limit": 1.5 })] {
        let error = tools.fails("backend_project_list", arguments, "common/invalid-parameters").await;
        assert!(["page", "limit"].contains(&error["details"][0]["field"].as_str().unwrap()), "{error}");
    }
}

#[actix_web::test]
async fn hostile_arguments_are_errors_and_never_more() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    let long = "x".repeat(100_000);
    for value in
        [json!(""), json!(long), json!("'; DROP TABLE posts; --"), json!("../../etc"), json!("\u{0}"), json!(["a"]), json!({ "$ne": null }), json!(1e300)]
    {
        for name in ["projectId", "environmentId", "tableId", "tableName", "environment", "organizationId"] {
            for tool in ["backend_table_get", "backend_data_list", "backend_env_get", "backend_table_list"] {
                let reply = tools.reply_to(tool, json!({ name: value })).await;
                assert!(reply.text.len() < 20_000, "{tool} {name}: an answer repeats what was sent");
            }
        }
    }
    let error = tools.fails("search_docs", json!({}), "common/invalid-parameters").await;
    assert!(error["message"].as_str().unwrap().contains("query"), "{error}");
    tools.fails("search_docs", json!({ "query": ["a"] }), "common/invalid-parameters").await;
    tools.fails("search_docs", json!({ "query": "auth", "limit": 0 }), "common/invalid-parameters").await;
}
