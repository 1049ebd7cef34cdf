//! `/mcp` sentence by sentence: the order of checks, versions, messages, batches, errors (`01-mcp.md` §2).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp::{hello, post_text, rpc};
use crate::support::{Answer, Client, TestApp};

const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

#[actix_web::test]
async fn initialize_echoes_the_version_asked_for_and_says_what_the_server_offers() {
    let app = TestApp::start().await;
    for version in VERSIONS {
        let result = app.operator().post("/mcp", hello(version)).await.assert(200)["result"].clone();
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["capabilities"], json!({ "tools": {}, "resources": { "listChanged": true }, "prompts": {}, "completions": {} }));
        assert_eq!(result["serverInfo"]["name"], "bkend");
        assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(result["serverInfo"]["title"].is_string());
        let instructions = result["instructions"].as_str().unwrap();
        assert!(instructions.chars().count() <= 600 && instructions.contains("get_context") && instructions.contains("search_docs"), "{instructions}");
        assert!(instructions.contains(&format!("{}/v1", app.url)));
    }
}

#[actix_web::test]
async fn any_other_version_gets_the_newest_with_sessions_and_none_means_2025_03_26() {
    let app = TestApp::start().await;
    for (params, expected) in [
        (json!({ "protocolVersion": "2026-07-28" }), "2025-11-25"),
        (json!({ "protocolVersion": "1999-01-01" }), "2025-11-25"),
        (json!({ "protocolVersion": 7 }), "2025-11-25"),
        (json!({}), "2025-03-26"),
    ] {
        let answer = app.operator().post("/mcp", rpc(1, "initialize", params)).await.assert(200);
        assert_eq!(answer["result"]["protocolVersion"], expected);
    }
    let without_params = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" });
    assert_eq!(app.operator().post("/mcp", without_params).await.assert(200)["result"]["protocolVersion"], "2025-03-26");
}
