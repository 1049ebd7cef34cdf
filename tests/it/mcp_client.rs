//! The official Rust SDK as a client, end to end: with a token, without sessions, and the whole way of OAuth.

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{Peer, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, serve_client_with_lifecycle};
use serde_json::json;

use crate::support::oauth::Consent;
use crate::support::{TestApp, http_client};

type Running = RunningService<RoleClient, ()>;

fn transport(app: &TestApp, token: &str) -> StreamableHttpClientTransport<reqwest::Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", app.url)).auth_header(token);
    StreamableHttpClientTransport::with_client(http_client(), config)
}

/// A client that never initializes.
async fn stateless(app: &TestApp, token: &str) -> Running {
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    serve_client_with_lifecycle((), transport(app, token), lifecycle).await.unwrap()
}

/// What every client does first.
async fn walk(peer: &Peer<RoleClient>) {
    let tools = peer.list_all_tools().await.unwrap();
    assert!(tools.iter().any(|tool| tool.name == "get_context"));
    let context = peer.call_tool(CallToolRequestParams::new("get_context")).await.unwrap();
    assert!(context.content[0].as_text().unwrap().text.starts_with("## Your Session"));
    let projects = peer.call_tool(CallToolRequestParams::new("backend_project_list")).await.unwrap();
    assert_eq!(projects.structured_content.unwrap()["items"][0]["name"], "my-blog");
    let json = json!({ "tableId": "nothing" });
    let arguments = json.as_object().unwrap().clone();
    let refused = peer.call_tool(CallToolRequestParams::new("backend_table_get").with_arguments(arguments)).await.unwrap();
    assert_eq!(refused.is_error, Some(true));
    assert!(peer.call_tool(CallToolRequestParams::new("no_such_tool")).await.is_err());
    assert!(!peer.list_all_resources().await.unwrap().is_empty());
    assert!(!peer.list_all_resource_templates().await.unwrap().is_empty());
    assert!(!peer.list_all_prompts().await.unwrap().is_empty());
}

#[actix_web::test]
async fn the_rust_sdk_works_in_a_session() {
    let app = TestApp::start().await;
    let client = ().serve(transport(&app, app.backend.operator_token())).await.unwrap();
    assert_eq!(client.peer_info().unwrap().protocol_version.as_str(), "2025-11-25");
    walk(&client).await;
    client.cancel().await.unwrap();
}

#[actix_web::test]
async fn the_rust_sdk_works_without_sessions() {
    let app = TestApp::start().await;
    let client = stateless(&app, app.backend.operator_token()).await;
    assert_eq!(client.peer_info().unwrap().protocol_version.as_str(), "2026-07-28");
    walk(&client).await;
    client.cancel().await.unwrap();
}

#[actix_web::test]
async fn a_session_of_the_rust_sdk_outlives_the_server() {
    let app = TestApp::start().await;
    let (mina, port) = (app.member("mina", "admin").await, app.port());
    let token = mina.client.request(reqwest::Method::GET, "/").build().unwrap().headers()["authorization"].to_str().unwrap()[7..].to_owned();
    let client = ().serve(transport(&app, &token)).await.unwrap();
    walk(&client).await;
    drop(mina);
    let app = app.restart_at(port).await;
    walk(&client).await;
    client.cancel().await.unwrap();
    drop(app);
}

#[actix_web::test]
async fn the_rust_sdk_discovers_registers_is_approved_calls_refreshes_and_is_revoked() {
    let app = TestApp::start().await;
    let endpoint = format!("{}/mcp", app.url);
    let mut oauth = OAuthState::new(&endpoint, None).await.unwrap();
    let request = AuthorizationRequest::new("http://localhost:51423/callback").with_client_name("Rust SDK").with_initial_scope_selection();
    oauth.start_authorization(request).await.unwrap();
    let address = oauth.get_authorization_url().await.unwrap();
    let browser = app.console(None).await;
    let page = browser.get(address.strip_prefix(&app.url).unwrap()).await;
    assert!(page.status == 200 && page.text.contains("Rust SDK"), "{}", page.text);
    let approved = Consent::read(page.text).authorize(&browser).await;
    assert_eq!(approved.status, 303, "{}", approved.text);
    oauth.handle_callback_url(approved.header("location").unwrap()).await.unwrap();
    let manager = oauth.into_authorization_manager().unwrap();
    let first = manager.get_access_token().await.unwrap();
    let client = stateless(&app, &first).await;
    walk(&client).await;
    manager.refresh_token().await.unwrap();
    let second = manager.get_access_token().await.unwrap();
    assert_ne!(first, second);
    let refreshed = ().serve(transport(&app, &second)).await.unwrap();
    walk(&refreshed).await;
    app.client().form("/mcp/oauth/revoke", &[("token", &second)]).await.assert(200);
    for dead in [&client, &refreshed] {
        // Not a list, which a client may have kept.
        assert!(dead.call_tool(CallToolRequestParams::new("get_context")).await.is_err(), "the whole grant is dead at once");
    }
}
