//! The whole way of a tool into `/mcp`, as the tools that must connect unmodified go it (`01-mcp.md` §3.7).

use serde_json::{Value, json};

use crate::support::oauth::{CHALLENGE, Tool, VERIFIER, pair, readable, sent_back};
use crate::support::{Client, TestApp};

/// The metadata addresses of a server, found as a client finds them after a 401.
async fn discover(app: &TestApp) -> Value {
    let refused = app.client().post("/mcp", json!({ "jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {} })).await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
    let resource = app.client().get(metadata.strip_prefix(&app.url).unwrap()).await.assert(200);
    assert_eq!(resource["resource"], format!("{}/mcp", app.url));
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    assert_eq!(issuer, format!("{}/mcp", app.url));
    app.client().get("/.well-known/oauth-authorization-server/mcp").await.assert(200)
}

fn path<'a>(app: &TestApp, url: &'a Value) -> &'a str {
    url.as_str().unwrap().strip_prefix(&app.url).unwrap()
}

async fn owner(app: &TestApp) -> Client {
    app.console(None).await
}

#[actix_web::test]
async fn claude_code_discovers_registers_signs_in_calls_and_refreshes() {
    let app = TestApp::start().await;
    let metadata = discover(&app).await;
    let all = metadata["scopes_supported"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join(" ");
    let registration = json!({ "client_name": "Claude Code (bkend)", "redirect_uris": ["http://localhost:51423/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": all });
    let client = app.client().post(path(&app, &metadata["registration_endpoint"]), registration).await.assert(201);
    assert_eq!((&client["redirect_uris"][0], client["scope"].as_str()), (&json!("http://localhost:51423/callback"), Some(all.as_str())));
    // Another start of the tool, another port.
    let tool = Tool { app: &app, id: client["client_id"].as_str().unwrap().to_owned(), callback: "http://localhost:60001/callback".into() };
    let resource = format!("{}/mcp", app.url);
    let browser = owner(&app).await;
    let answer = tool.consent(&browser, &[("scope", &all), ("resource", &resource)]).await.authorize(&browser).await;
    assert_eq!(answer.status, 303);
    let (target, parameters) = sent_back(&answer);
    assert_eq!(target, "http://localhost:60001/callback");
    assert_eq!((parameters["state"].as_str(), &parameters["iss"]), ("st", &resource));
    let fields =
        [("grant_type", "authorization_code"), ("code", &parameters["code"]), ("code_verifier", VERIFIER), ("redirect_uri", &target), ("resource", &resource)];
    let tokens = tool.token(&fields).await.assert(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"], tokens["scope"].as_str()), (&json!("Bearer"), &json!(3600), Some(all.as_str())));
    let (access, refresh) = pair(&tokens);
    let discovered = app.bearer(&access).stateless("server/discover", json!({})).await.assert(200);
    assert_eq!(discovered["result"]["resultType"], "complete", "{discovered}");
    let (again, _) = pair(&tool.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh), ("resource", &resource)]).await.assert(200));
    assert_eq!(app.bearer(&again).stateless("server/discover", json!({})).await.status, 200);
}

#[actix_web::test]
async fn mcp_remote_probes_first_and_asks_for_openid_scopes() {
    let app = TestApp::start().await;
    assert_eq!(app.client().header("Accept", "text/event-stream").get("/mcp").await.status, 401);
    let registration = json!({ "client_name": "MCP CLI Proxy", "client_uri": "https://github.com/modelcontextprotocol/mcp-cli", "software_id": "x",
        "redirect_uris": ["http://127.0.0.1:3334/oauth/callback"], "token_endpoint_auth_method": "none", "scope": "openid email profile" });
    let client = app.client().post("/mcp/oauth/register", registration).await.assert(201);
    let tool = Tool { app: &app, id: client["client_id"].as_str().unwrap().to_owned(), callback: "http://127.0.0.1:3334/oauth/callback".into() };
    let code = tool.code_for(&owner(&app).await, &[("scope", "openid email profile")]).await;
    let tokens = tool.redeem(&code).await.assert(200);
    assert!(tokens["scope"].as_str().unwrap().contains("table:data:delete"), "none known means the default set");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("scope", "openid email profile")];
    assert_eq!(tool.token(&refresh).await.assert(200)["scope"], tokens["scope"]);
}

#[actix_web::test]
async fn vs_code_lists_the_device_grant_and_uses_any_port() {
    let app = TestApp::start().await;
    let registration = json!({ "client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], "response_types": ["code"],
        "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/"], "token_endpoint_auth_method": "none" });
    let client = app.client().post("/mcp/oauth/register", registration).await.assert(201);
    assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
    let tool = Tool { app: &app, id: client["client_id"].as_str().unwrap().to_owned(), callback: "http://127.0.0.1:33418".into() };
    let (access, _) = tool.connect(&owner(&app).await).await;
    assert_eq!(app.bearer(&access).stateless("tools/list", json!({})).await.status, 200);
}

#[actix_web::test]
async fn cursor_registers_three_kinds_of_addresses_and_returns_to_its_own_scheme() {
    let app = TestApp::start().await;
    let private = "cursor://anysphere.cursor-mcp/oauth/callback";
    let registration =
        json!({ "client_name": "Cursor", "redirect_uris": [private, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"] });
    let client = app.client().post("/mcp/oauth/register", registration).await.assert(201);
    assert_eq!(client["redirect_uris"].as_array().unwrap().len(), 3);
    let tool = Tool { app: &app, id: client["client_id"].as_str().unwrap().to_owned(), callback: private.into() };
    let browser = owner(&app).await;
    let page = tool.consent(&browser, &[]).await;
    assert!(readable(&page.text).contains("<code>cursor://anysphere.cursor-mcp</code>"));
    let answer = page.authorize(&browser).await;
    let (target, parameters) = sent_back(&answer);
    assert_eq!((answer.status, target.as_str()), (303, private));
    assert!(readable(&answer.text).contains(&format!("href=\"{private}?code={}", parameters["code"])), "also offered as a link: {}", answer.text);
    let again = page.authorize(&browser).await;
    assert_eq!(again.status, 200, "a program that did not open is offered as a page");
    assert!(again.text.contains(&parameters["code"]));
    tool.redeem(&parameters["code"]).await.assert(200);
    assert_eq!(page.authorize(&browser).await.status, 400, "once the code is used, the request is over");
}

#[actix_web::test]
async fn a_tool_of_a_reset_server_gets_in_again_with_the_client_id_it_has_kept() {
    let app = TestApp::start().await;
    let tool = Tool { app: &app, id: format!("dyn-{}", "0123456789abcdef".repeat(2)), callback: "http://localhost:51423/callback".into() };
    let browser = owner(&app).await;
    tool.token(&[("grant_type", "refresh_token"), ("refresh_token", "rt_lost")]).await.assert_refused(401, "invalid_client");
    let (access, refresh) = tool.connect(&browser).await;
    assert_eq!(app.bearer(&access).stateless("tools/list", json!({})).await.status, 200);
    tool.refresh(&refresh).await.assert(200);
    let moved = Tool { app: &app, id: tool.id.clone(), callback: "http://localhost:7/callback".into() };
    assert_eq!(browser.query("/mcp/oauth/authorize", &moved.parameters()).await.status, 200, "it is a registration like any other");
    let elsewhere = Tool { app: &app, id: tool.id.clone(), callback: "http://localhost:7/other".into() };
    assert_eq!(browser.query("/mcp/oauth/authorize", &elsewhere.parameters()).await.status, 400);
    // Not of this server's shape, or not on this machine.
    for (id, callback) in [("some-tool".to_owned(), tool.callback.as_str()), (format!("dyn-{}", "f".repeat(32)), "https://tool.test/callback")] {
        let stranger = Tool { app: &app, id, callback: callback.into() };
        assert_eq!(browser.query("/mcp/oauth/authorize", &stranger.parameters()).await.status, 400);
    }
}

#[actix_web::test]
async fn connections_and_clients_outlive_the_server() {
    let app = TestApp::start().await;
    let (id, access, refresh) = {
        let tool = app.tool().await;
        let (access, refresh) = tool.connect(&owner(&app).await).await;
        (tool.id.clone(), access, refresh)
    };
    let app = app.restart().await;
    // Another port is another address of the server, as far as tokens are concerned.
    assert_eq!(app.bearer(&access).stateless("tools/list", json!({})).await.status, 401);
    let tool = Tool { app: &app, id, callback: crate::support::oauth::CALLBACK.into() };
    tool.refresh(&refresh).await.assert(200);
    assert_eq!(owner(&app).await.query("/mcp/oauth/authorize", &tool.asking(&[("code_challenge", CHALLENGE)])).await.status, 200);
}
