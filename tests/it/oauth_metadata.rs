//! Metadata, registration, and who may call from a browser (`01-mcp.md` §1, §3.1, §3.2).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::oauth::CALLBACK;
use crate::support::{Answer, TestApp};

const RESOURCE: [&str; 3] = ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/mcp/.well-known/oauth-protected-resource"];
const SERVER: [&str; 6] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/mcp/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
];

async fn register(app: &TestApp, body: Value) -> Answer {
    app.client().post("/mcp/oauth/register", body).await
}

#[actix_web::test]
async fn one_protected_resource_document_stands_at_three_addresses() {
    let app = TestApp::start().await;
    let mcp = format!("{}/mcp", app.url);
    for path in RESOURCE {
        let document = app.client().get(path).await.assert(200);
        assert_eq!(document["resource"], mcp, "{path}");
        assert_eq!(document["authorization_servers"], json!([mcp]));
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        assert!(document["resource_name"].is_string());
        let scopes = document["scopes_supported"].as_array().unwrap();
        assert_eq!(scopes.len(), 21);
        assert!(scopes.iter().all(|s| !s.as_str().unwrap().contains('*')), "no wildcards");
    }
}

#[actix_web::test]
async fn one_authorization_server_document_stands_at_six_addresses() {
    let app = TestApp::start().await;
    let mcp = format!("{}/mcp", app.url);
    for path in SERVER {
        let document = app.client().get(path).await.assert(200);
        assert_eq!(document["issuer"], mcp, "{path}");
        for (member, end) in [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("registration_endpoint", "register"),
            ("revocation_endpoint", "revoke"),
            ("jwks_uri", "jwks"),
        ] {
            assert_eq!(document[member], format!("{mcp}/oauth/{end}"));
        }
        for (member, value) in [
            ("response_types_supported", json!(["code"])),
            ("response_modes_supported", json!(["query"])),
            ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
            ("token_endpoint_auth_methods_supported", json!(["none"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            ("authorization_response_iss_parameter_supported", json!(true)),
            ("client_id_metadata_document_supported", json!(false)),
            ("subject_types_supported", json!(["public"])),
        ] {
            assert_eq!(document[member], value, "{member}");
        }
        assert!(document["id_token_signing_alg_values_supported"].is_array() && document["scopes_supported"].is_array());
    }
}

#[actix_web::test]
async fn metadata_names_the_address_it_was_asked_at_or_the_public_url() {
    let app = TestApp::start().await;
    let host = format!("127.0.0.1:{}", app.port());
    let document = app.client().header("Host", &host).get(&format!("{}?tools=core", SERVER[1])).await.assert(200);
    assert_eq!(document["issuer"], format!("http://{host}/mcp"));
    let public = TestApp::start_with(|s| s.public_url = Some("https://dev.harbor.test/".into())).await;
    assert_eq!(public.client().get(RESOURCE[1]).await.assert(200)["resource"], "https://dev.harbor.test/mcp");
}

#[actix_web::test]
async fn there_are_no_public_keys_and_other_methods_are_405_with_allow() {
    let app = TestApp::start().await;
    assert_eq!(app.client().get("/mcp/oauth/jwks").await.assert(200), json!({ "keys": [] }));
    for (path, method, allow) in [
        (RESOURCE[0], Method::POST, "GET, HEAD"),
        ("/mcp/oauth/register", Method::GET, "POST"),
        ("/mcp/oauth/token", Method::GET, "POST"),
        ("/mcp/oauth/revoke", Method::PUT, "POST"),
        ("/mcp/oauth/jwks", Method::DELETE, "GET, HEAD"),
        ("/mcp/oauth/authorize", Method::PATCH, "GET, HEAD, POST"),
    ] {
        let answer = app.client().send(method, path, None).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{path}");
        if path.starts_with("/mcp/oauth") {
            answer.assert_refused(405, "invalid_request");
        }
    }
    app.client().get("/mcp/oauth/nothing").await.assert_refused(404, "invalid_request");
    app.client().header("Host", "evil.test").get("/mcp/oauth/jwks").await.assert_refused(421, "invalid_request");
}

#[actix_web::test]
async fn browsers_read_metadata_from_anywhere_and_call_from_this_machine_only() {
    let app = TestApp::start().await;
    for path in RESOURCE.iter().chain(&SERVER).chain(&["/mcp/oauth/jwks", "/mcp/info"]) {
        let answer = app.client().header("Origin", "https://elsewhere.test").get(path).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{path}");
    }
    for path in ["/mcp/oauth/register", "/mcp/oauth/token", "/mcp/oauth/revoke"] {
        for origin in ["http://localhost:6274", "http://127.0.0.1:1", "http://[::1]:8080", &app.url] {
            let browser = app.client().header("Origin", origin);
            let preflight = browser.header("Access-Control-Request-Method", "POST").send(Method::OPTIONS, path, None).await;
            assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some(origin)), "{path}");
            let headers = preflight.header("access-control-allow-headers").unwrap();
            assert!(["Authorization", "Content-Type", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID"].iter().all(|h| headers.contains(h)));
            let answer = browser.post(path, json!({})).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert!(answer.header("access-control-expose-headers").unwrap().contains("WWW-Authenticate"));
        }
        for origin in ["https://elsewhere.test", "null", "http://localhost.evil.test", "https://localhost:1"] {
            let browser = app.client().header("Origin", origin);
            let answer = browser.post(path, json!({ "redirect_uris": [CALLBACK] })).await;
            assert_eq!(answer.header("access-control-allow-origin"), None);
            answer.assert_refused(403, "access_denied");
        }
    }
}

#[actix_web::test]
async fn registration_echoes_what_was_registered_and_issues_no_secret() {
    let app = TestApp::start().await;
    let answer = register(
        &app,
        json!({ "redirect_uris": [CALLBACK, "https://a.test/cb"], "token_endpoint_auth_method": "client_secret_basic", "contacts": ["x"],
        "grant_types": ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], "scope": "project:read nonsense", "jwks": { "keys": [] } }),
    )
    .await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let client = answer.assert(201);
    let id = client["client_id"].as_str().unwrap().strip_prefix("dyn-").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    assert!(client["client_id_issued_at"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(client["redirect_uris"], json!([CALLBACK, "https://a.test/cb"]));
    assert_eq!((&client["client_name"], &client["token_endpoint_auth_method"]), (&json!("MCP Client"), &json!("none")));
    assert_eq!((&client["grant_types"], &client["response_types"], &client["scope"]), (&json!(["refresh_token"]), &json!(["code"]), &json!("project:read")));
    assert!(client.get("client_secret").is_none());
}

#[actix_web::test]
async fn a_refused_redirect_uri_is_named() {
    let app = TestApp::start().await;
    let long = format!("https://a.test/{}", "x".repeat(2_048));
    let mut bad = vec!["http://a.test/cb", "https://a.test/cb#f", "https://*.a.test/cb", "not a uri", "com.app:/cb", "", &long];
    let schemes: Vec<String> = ["javascript", "data", "file", "blob", "about", "vbscript", "ftp", "ws", "wss", "mailto", "intent", "chrome-extension"]
        .iter()
        .flat_map(|scheme| [format!("{scheme}://x/y"), format!("{}://x/y", scheme.to_uppercase())])
        .collect();
    bad.extend(schemes.iter().map(String::as_str));
    for uri in bad {
        // A limit per minute must not end this test.
        let description = register(&app, json!({ "redirect_uris": [CALLBACK, uri] })).await.assert_refused(400, "invalid_redirect_uri");
        let shown: String = uri.chars().take(60).collect();
        assert!(description.contains(&shown), "{description}");
    }
}

#[actix_web::test]
async fn unusable_metadata_is_refused() {
    let app = TestApp::start().await;
    let many: Vec<String> = (0..11).map(|n| format!("https://a.test/{n}")).collect();
    for body in [
        json!({}),
        json!([]),
        json!("x"),
        json!({ "redirect_uris": [] }),
        json!({ "redirect_uris": CALLBACK }),
        json!({ "redirect_uris": [1] }),
        json!({ "redirect_uris": many }),
        json!({ "redirect_uris": [CALLBACK], "client_name": 7 }),
    ] {
        register(&app, body).await.assert_refused(400, "invalid_client_metadata");
    }
    for text in ["", "{", "redirect_uris=http://localhost"] {
        app.client().send_text(Method::POST, "/mcp/oauth/register", text).await.assert_refused(400, "invalid_client_metadata");
    }
    let huge = format!("{{\"client_name\":\"{}\"}}", "x".repeat(1024 * 1024));
    app.client().send_text(Method::POST, "/mcp/oauth/register", huge).await.assert_refused(413, "invalid_request");
    let plain = app.client().request(Method::POST, "/mcp/oauth/register").body(json!({ "redirect_uris": [CALLBACK] }).to_string());
    assert_eq!(Answer::of(plain.send().await.unwrap()).await.status, 201, "the media type of the body does not matter");
}

#[actix_web::test]
async fn more_than_60_registrations_a_minute_are_429_with_retry_after() {
    let app = TestApp::start().await;
    for _ in 0..60 {
        register(&app, json!({ "redirect_uris": [CALLBACK] })).await.assert(201);
    }
    let refused = register(&app, json!({ "redirect_uris": [CALLBACK] })).await;
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() <= 60);
    assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), (Some("60"), Some("0")));
    refused.assert_refused(429, "temporarily_unavailable");
}

#[actix_web::test]
async fn a_registration_never_used_is_dropped_after_30_days() {
    let app = TestApp::start().await;
    let (unused, used) = (app.tool_at("https://a.test/cb").await, app.tool_at("https://b.test/cb").await);
    let browser = app.console(None).await;
    used.code(&browser).await;
    app.tamper("UPDATE oauth_clients SET created_at = created_at - 31 * 86400000");
    assert_eq!(browser.query("/mcp/oauth/authorize", &unused.parameters()).await.status, 400);
    assert_eq!(browser.query("/mcp/oauth/authorize", &used.parameters()).await.status, 200);
    unused.redeem("x").await.assert_refused(401, "invalid_client");
}
