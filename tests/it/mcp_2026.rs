//! Version `2026-07-28`: every call stands for itself (`01-mcp.md` §2).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp::{meta, rpc};
use crate::support::streams::Events;
use crate::support::{Answer, Client, TestApp};

const SERVER: &str = "io.modelcontextprotocol/serverInfo";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A call with exactly these headers and `_meta`.
async fn call(client: &Client, headers: &[(&str, &str)], method: &str, params: Value) -> Answer {
    let client = headers.iter().fold(client.clone(), |client, (name, value)| client.header(name, value));
    client.post("/mcp", rpc(1, method, params)).await
}

#[actix_web::test]
async fn discover_says_versions_capabilities_and_instructions() {
    let app = TestApp::start().await;
    let answer = app.operator().stateless("server/discover", json!({})).await;
    assert_eq!(answer.header("mcp-session-id"), None, "never issued");
    let result = answer.assert(200)["result"].clone();
    assert_eq!(result["supportedVersions"], json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]));
    assert_eq!(result["capabilities"], json!({ "tools": {}, "resources": { "listChanged": true }, "prompts": {}, "completions": {} }));
    assert!(result["instructions"].as_str().unwrap().contains("get_context"));
    assert_eq!((&result["resultType"], &result["ttlMs"], &result["cacheScope"]), (&json!("complete"), &json!(300_000), &json!("public")));
    assert_eq!(result["_meta"][SERVER]["name"], "bkend");
}

#[actix_web::test]
async fn every_result_has_its_type_and_the_server_and_lists_have_hints() {
    let app = TestApp::start().await;
    let public = Some((300_000, "public"));
    for (method, hints) in [("tools/list", public), ("prompts/list", public), ("resources/templates/list", public), ("resources/list", Some((0, "private")))] {
        let result = app.operator().stateless(method, json!({})).await.assert(200)["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(result["_meta"][SERVER]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(hints, result["ttlMs"].as_i64().zip(result["cacheScope"].as_str()), "{method}");
    }
}

#[actix_web::test]
async fn an_anonymous_probe_is_401() {
    let app = TestApp::start().await;
    app.client().stateless("server/discover", json!({})).await.assert_rpc(401, -32001);
}

#[actix_web::test]
async fn a_session_is_ignored() {
    let app = TestApp::start().await;
    let client = app.operator().header("Mcp-Session-Id", "nobody");
    client.stateless("tools/list", json!({})).await.assert(200);
    for method in [Method::GET, Method::DELETE] {
        let client = app.operator().header("MCP-Protocol-Version", "2026-07-28").header("Accept", "text/event-stream");
        client.send(method, "/mcp", None).await.assert_rpc(405, -32600);
    }
}

#[actix_web::test]
async fn missing_required_meta_is_400_and_named() {
    let app = TestApp::start().await;
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    for params in [json!({}), json!({ "_meta": {} }), json!({ "_meta": 7 }), json!({ "_meta": { VERSION: "2026-07-28" } })] {
        let error = call(&app.operator(), &headers, "tools/list", params).await.assert_rpc(400, -32602);
        assert!(error["message"].as_str().unwrap().contains("clientCapabilities"), "{error}");
    }
    // A probe without anything is told what it lacks, too.
    call(&app.operator(), &[], "server/discover", json!({})).await.assert_rpc(400, -32602);
}

#[actix_web::test]
async fn headers_that_are_absent_or_unlike_the_body_are_400() {
    let app = TestApp::start().await;
    let (version, method, name) = (("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "no_such_tool"));
    let params = json!({ "name": "no_such_tool", "_meta": meta() });
    let operator = app.operator();
    call(&operator, &[version, method, name], "tools/call", params.clone()).await.assert_rpc(200, -32602);
    call(&operator, &[version, method, ("Mcp-Name", "=?base64?bm9fc3VjaF90b29s?=")], "tools/call", params.clone()).await.assert_rpc(200, -32602);
    for headers in [
        vec![method, name],
        vec![version, name],
        vec![version, method],
        vec![("MCP-Protocol-Version", "2025-11-25"), method, name],
        vec![version, ("Mcp-Method", "tools/list"), name],
        vec![version, method, ("Mcp-Name", "another")],
        vec![version, method, ("Mcp-Name", "=?base64?YW5vdGhlcg==?=")],
        vec![version, method, ("Mcp-Name", "=?base64?***?=")],
    ] {
        call(&operator, &headers, "tools/call", params.clone()).await.assert_rpc(400, -32020);
    }
    let mut older = meta();
    older[VERSION] = json!("2025-11-25");
    call(&operator, &[version, method, name], "tools/call", json!({ "name": "x", "_meta": older })).await.assert_rpc(400, -32020);
}

#[actix_web::test]
async fn an_unknown_version_is_400_with_what_is_supported() {
    let app = TestApp::start().await;
    let mut newer = meta();
    newer[VERSION] = json!("2027-01-01");
    for headers in [vec![("MCP-Protocol-Version", "2027-01-01"), ("Mcp-Method", "tools/list")], vec![("Mcp-Method", "tools/list")]] {
        let error = call(&app.operator(), &headers, "tools/list", json!({ "_meta": newer })).await.assert_rpc(400, -32022);
        assert_eq!((&error["data"]["requested"], &error["data"]["supported"][0]), (&json!("2027-01-01"), &json!("2026-07-28")));
    }
}

#[actix_web::test]
async fn unknown_and_removed_methods_are_404() {
    let app = TestApp::start().await;
    for method in ["nothing", "ping", "initialize", "resources/subscribe", "resources/unsubscribe", "logging/setLevel"] {
        app.operator().stateless(method, json!({})).await.assert_rpc(404, -32601);
    }
}

#[actix_web::test]
async fn an_unknown_resource_is_an_invalid_parameter_with_its_uri() {
    let app = TestApp::start().await;
    let error = app.operator().stateless("resources/read", json!({ "uri": "bkend://nothing/at/all" })).await.assert_rpc(200, -32602);
    assert_eq!(error["data"]["uri"], "bkend://nothing/at/all");
}

#[actix_web::test]
async fn notifications_are_202() {
    let app = TestApp::start().await;
    let client = app.operator().header("MCP-Protocol-Version", "2026-07-28");
    let answer = client.post("/mcp", json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
}

async fn listen(app: &TestApp, wanted: Value) -> Events {
    let client = app.operator().header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "subscriptions/listen");
    let body = rpc("sub-1", "subscriptions/listen", json!({ "_meta": meta(), "notifications": wanted }));
    client.events_of(Method::POST, "/mcp", Some(body)).await
}

#[actix_web::test]
async fn listening_acknowledges_changes_of_resources_only_and_then_tells_of_them() {
    let app = TestApp::start().await;
    let mut events = listen(
        &app,
        json!({ "resourcesListChanged": true, "toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["bkend://projects"] }),
    )
    .await;
    let acknowledged = events.next().await.unwrap().data;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], json!({ "resourcesListChanged": true }));
    assert_eq!(acknowledged["params"]["_meta"][SUBSCRIPTION], "sub-1");
    app.table(json!({ "tableName": "boats", "schema": { "name": "string" } })).await;
    let changed = events.next().await.unwrap().data;
    assert_eq!((&changed["method"], &changed["params"]["_meta"][SUBSCRIPTION]), (&json!("notifications/resources/list_changed"), &json!("sub-1")));
    // A second one does not replace the first.
    let mut second = listen(&app, json!({ "resourcesListChanged": true })).await;
    second.next().await.unwrap();
    app.table(json!({ "tableName": "docks", "schema": { "name": "string" } })).await;
    assert!(events.next().await.is_some() && second.next().await.is_some());
}

#[actix_web::test]
async fn listening_to_nothing_is_acknowledged_as_nothing_and_a_wish_is_required() {
    let app = TestApp::start().await;
    let mut events = listen(&app, json!({ "toolsListChanged": true })).await;
    assert_eq!(events.next().await.unwrap().data["params"]["notifications"], json!({}));
    app.operator().stateless("subscriptions/listen", json!({})).await.assert_rpc(200, -32602);
}
