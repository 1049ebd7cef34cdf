//! `/mcp` sentence by sentence: the order of checks, versions, messages, batches, errors (`01-mcp.md` §2).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp::{hello, meta, post_text, rpc};
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

#[actix_web::test]
async fn the_checks_come_in_the_order_of_the_contract() {
    let app = TestApp::start().await;
    let wrong = |method: Method, host: &str, origin: Option<&str>, token: bool, kind: &str| {
        let client = if token { app.operator() } else { app.client() };
        let request = client.request(method, "/mcp").header("Host", host.to_owned()).header("Content-Type", kind.to_owned());
        origin.iter().fold(request, |request, origin| request.header("Origin", *origin)).header("MCP-Protocol-Version", "1").header("Mcp-Session-Id", "none")
    };
    let (foreign, json) = (Some("https://evil.test"), "application/json");
    let huge = || "x".repeat(2 * 1024 * 1024);
    let send = async |request: reqwest::RequestBuilder| Answer::of(request.send().await.unwrap()).await;
    let codes = [
        (send(wrong(Method::PUT, "evil.test", foreign, false, "text/plain").body(huge())).await, 421, -32600),
        (send(wrong(Method::PUT, "localhost", foreign, false, "text/plain").body(huge())).await, 403, -32600),
        (send(wrong(Method::PUT, "localhost", None, false, "text/plain").body(huge())).await, 405, -32600),
        (send(wrong(Method::POST, "localhost", None, false, "text/plain").body(huge())).await, 413, -32600),
        (send(wrong(Method::POST, "localhost", None, false, "text/plain").body("{")).await, 401, -32001),
        (send(wrong(Method::POST, "localhost", None, true, "text/plain").body("{")).await, 415, -32600),
        (send(wrong(Method::POST, "localhost", None, true, json).body("{")).await, 400, -32700),
        (send(wrong(Method::POST, "localhost", None, true, json).body(rpc(1, "ping", json!({})).to_string())).await, 400, -32022),
    ];
    for (answer, status, code) in codes {
        answer.assert_rpc(status, code);
    }
    let known = app.operator().header("MCP-Protocol-Version", "2025-06-18").header("Mcp-Session-Id", "none");
    known.post("/mcp", rpc(1, "ping", json!({}))).await.assert_rpc(404, -32002);
}

#[actix_web::test]
async fn transport_errors_name_their_code_from_the_conventions() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let cases = [
        (operator.header("Host", "evil.test").post("/mcp", hello("2025-06-18")).await, 421, "common/misdirected-request"),
        (operator.header("Origin", "https://evil.test").post("/mcp", hello("2025-06-18")).await, 403, "common/origin-denied"),
        (post_text(&operator, "x".repeat(2 * 1024 * 1024)).await, 413, "common/payload-too-large"),
        (operator.patch("/mcp", json!({})).await, 405, "common/method-not-allowed"),
        (
            Answer::of(operator.request(Method::POST, "/mcp").header("Content-Type", "text/plain").body("{}").send().await.unwrap()).await,
            415,
            "common/unsupported-media-type",
        ),
    ];
    for (answer, status, code) in cases {
        assert!(answer.header("x-request-id").is_some());
        assert_eq!(answer.assert_rpc(status, -32600)["data"]["code"], code);
    }
}

#[actix_web::test]
async fn absent_loopback_and_own_origins_pass_and_everything_else_is_403() {
    let app = TestApp::start_with(|settings| settings.public_url = Some("https://dev.example.com".into())).await;
    let operator = app.operator();
    for origin in ["http://localhost:5173", "http://127.0.0.1:6274", "http://[::1]:1", "http://localhost", "https://dev.example.com"] {
        let answer = operator.header("Origin", origin).post("/mcp", hello("2025-06-18")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)), "{origin}");
        assert!(answer.header("access-control-expose-headers").is_some_and(|h| h.contains("Mcp-Session-Id") && h.contains("WWW-Authenticate")));
    }
    for origin in ["null", "https://evil.test", "http://localhost.evil.test", "http://dev.example.com", "file://", "https://dev.example.com.evil.test", ""] {
        for path in ["/mcp", "/mcp/", "/mcp/docs"] {
            let answer = operator.header("Origin", origin).post(path, hello("2025-06-18")).await;
            assert_eq!(answer.header("access-control-allow-origin"), None);
            answer.assert_rpc(403, -32600);
        }
    }
}

#[actix_web::test]
async fn preflights_need_no_token_and_allow_exactly_what_the_contract_names() {
    let app = TestApp::start().await;
    let preflight = async |path: &str, origin: &str| {
        let request = app.client().request(Method::OPTIONS, path).header("Origin", origin.to_owned()).header("Access-Control-Request-Method", "POST");
        Answer::of(request.send().await.unwrap()).await
    };
    for path in ["/mcp", "/mcp/", "/mcp/docs", "/mcp/oauth/register", "/mcp/oauth/token", "/mcp/oauth/revoke"] {
        let answer = preflight(path, "http://localhost:6274").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("http://localhost:6274")), "{path}");
        let names = "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID";
        assert_eq!(answer.header("access-control-allow-headers"), Some(names));
        assert!(["GET", "POST", "DELETE"].iter().all(|method| answer.header("access-control-allow-methods").unwrap().contains(method)));
    }
    preflight("/mcp", "https://evil.test").await.assert_rpc(403, -32600);
    assert_eq!(preflight("/mcp/oauth/token", "https://evil.test").await.header("access-control-allow-origin"), None);
    let info = app.client().header("Origin", "https://anywhere.test").get("/mcp/info").await;
    assert_eq!(info.header("access-control-allow-origin"), Some("*"));
}

#[actix_web::test]
async fn other_methods_are_405_with_allow() {
    let app = TestApp::start().await;
    for method in [Method::PUT, Method::PATCH, Method::HEAD, Method::OPTIONS] {
        let answer = app.operator().send(method.clone(), "/mcp", None).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST, DELETE")), "{method}");
    }
}

#[actix_web::test]
async fn info_is_open_and_says_where_everything_is() {
    let app = TestApp::start().await;
    let info = app.client().get("/mcp/info").await.assert(200);
    assert_eq!(
        info,
        json!({
            "name": "bkend", "version": env!("CARGO_PKG_VERSION"), "protocolVersion": "2025-03-26",
            "protocolVersions": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"], "transport": "streamable-http",
            "endpoint": format!("{}/mcp", app.url), "authorization": format!("{}/.well-known/oauth-protected-resource/mcp", app.url)
        })
    );
}

#[actix_web::test]
async fn a_request_without_a_usable_token_is_401_with_the_way_to_sign_in() {
    let app = TestApp::start().await;
    let metadata = format!("Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", app.url);
    let nobody = app.client().post("/mcp", hello("2025-06-18")).await;
    assert_eq!(nobody.header("www-authenticate"), Some(metadata.as_str()), "no error when nothing was sent");
    nobody.assert_rpc(401, -32001);
    for anonymous in [app.client().get("/mcp").await, app.client().delete("/mcp").await] {
        anonymous.assert_rpc(401, -32001);
    }
    let user = app.user("mina", "user").await;
    for (token, says) in [
        (app.publishable_key.as_str(), "token create"),
        (app.secret_key.as_str(), "token create"),
        (user.token.as_str(), "token create"),
        ("op_0000", "token create"),
        ("", ""),
        ("a b", ""),
        (&format!("pat_{}", "0".repeat(64)), ""),
    ] {
        let answer = app.bearer(token).post("/mcp", hello("2025-06-18")).await;
        let challenge = answer.header("www-authenticate").unwrap().to_owned();
        let rest = challenge.strip_prefix(&metadata).unwrap_or_else(|| panic!("{challenge}"));
        let description = rest.strip_prefix(", error=\"invalid_token\", error_description=\"").unwrap_or_else(|| panic!("{rest}"));
        assert!(!description.contains("scope=") && !description.contains("error="), "{description}");
        let error = answer.assert_rpc(401, -32001);
        assert!(error["message"].as_str().unwrap().contains(says), "{token}: {error}");
    }
    let basic = app.client().header("Authorization", "Basic eDp5").post("/mcp", hello("2025-06-18")).await;
    assert!(basic.header("www-authenticate").unwrap().contains("invalid_token"));
    basic.assert_rpc(401, -32001);
}

#[actix_web::test]
async fn a_token_in_the_query_is_no_token() {
    let app = TestApp::start().await;
    let token = app.backend.operator_token().to_owned();
    app.client().post(&format!("/mcp?access_token={token}&token={token}"), hello("2025-06-18")).await.assert_rpc(401, -32001);
}

#[actix_web::test]
async fn missing_capabilities_client_info_and_accept_are_tolerated() {
    let app = TestApp::start().await;
    let text = rpc(1, "initialize", json!({ "protocolVersion": "2025-06-18" })).to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        app.backend.operator_token(),
        text.len()
    );
    let mut wire = crate::support::wire::Wire::open(app.port()).await.unwrap();
    let reply = wire.exchange(request.as_bytes(), true).await.unwrap();
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{}", reply.head);
}

#[actix_web::test]
async fn notifications_and_responses_are_202_and_empty() {
    let app = TestApp::start().await;
    for version in VERSIONS {
        let session = app.mcp(version).await;
        for message in [
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "method": "initialized" }),
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/nobody/knows" }),
            json!({ "jsonrpc": "2.0", "id": 3, "result": {} }),
            json!({ "jsonrpc": "2.0", "id": 3, "error": { "code": 1, "message": "no" } }),
        ] {
            let answer = session.post("/mcp", message).await;
            assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        }
    }
}

#[actix_web::test]
async fn json_unless_accept_excludes_it_and_never_406() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    for accept in
        ["application/json", "*/*", "application/*", "text/html", "text/event-stream, application/json;q=0.1", "x", "", "application/json, text/event-stream"]
    {
        let answer = session.header("Accept", accept).post("/mcp", rpc(1, "ping", json!({}))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{accept}");
        assert_eq!(answer.body, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    }
    for accept in ["text/event-stream", "text/event-stream, application/json;q=0"] {
        let answer = session.header("Accept", accept).post("/mcp", rpc("a", "ping", json!({}))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")), "{accept}");
        let data = answer.text.strip_prefix("event: message\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(data).unwrap(), json!({ "jsonrpc": "2.0", "id": "a", "result": {} }));
    }
    session.header("Accept", "text/event-stream").post("/mcp", json!([])).await.assert_rpc(400, -32600);
}

#[actix_web::test]
async fn batches_are_for_the_two_oldest_versions_and_answered_in_order() {
    let app = TestApp::start().await;
    let ping = |id: i64| rpc(id, "ping", json!({}));
    let batch = json!([ping(7), { "jsonrpc": "2.0", "method": "notifications/initialized" }, rpc(3, "nothing", json!({})), 5, ping(1)]);
    for version in ["2024-11-05", "2025-03-26"] {
        let session = app.mcp(version).await;
        let answers = session.post("/mcp", batch.clone()).await.assert(200);
        let short: Vec<(Value, Option<i64>)> = answers.as_array().unwrap().iter().map(|a| (a["id"].clone(), a["error"]["code"].as_i64())).collect();
        assert_eq!(short, [(json!(7), None), (json!(3), Some(-32601)), (Value::Null, Some(-32600)), (json!(1), None)]);
        let silent = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }, { "jsonrpc": "2.0", "id": 1, "result": {} }]);
        let answer = session.post("/mcp", silent).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        let fifty = session.post("/mcp", Value::Array((0..50).map(ping).collect())).await.assert(200);
        assert_eq!(fifty.as_array().unwrap().len(), 50);
        for refused in [json!([]), Value::Array((0..51).map(ping).collect()), json!([ping(1), hello("2025-03-26")])] {
            session.post("/mcp", refused).await.assert_rpc(400, -32600);
        }
    }
    for version in ["2025-06-18", "2025-11-25"] {
        app.mcp(version).await.post("/mcp", batch.clone()).await.assert_rpc(400, -32600);
    }
    app.operator().header("MCP-Protocol-Version", "2026-07-28").post("/mcp", batch).await.assert_rpc(400, -32600);
}

#[actix_web::test]
async fn what_is_no_json_and_what_is_no_message_are_told_apart() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-11-25").await;
    let deep = format!("{}1{}", "[".repeat(400_000), "]".repeat(400_000));
    for text in ["", "{", "nonsense", "{\"jsonrpc\":\"2.0\",}", "\u{feff}{}", &deep, "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"} x"] {
        post_text(&session, text.to_owned()).await.assert_rpc(400, -32700);
    }
    post_text(&session, b"\xff\xfe{}".to_vec()).await.assert_rpc(400, -32700);
    for text in [
        "1",
        "null",
        "\"ping\"",
        "{}",
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
    ] {
        post_text(&session, text).await.assert_rpc(400, -32600);
    }
}

#[actix_web::test]
async fn ids_are_answered_as_they_came() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-11-25").await;
    for id in [json!(0), json!(-1), json!("a"), json!(""), json!(9_007_199_254_740_993_i64), json!("☃")] {
        assert_eq!(session.post("/mcp", rpc(id.clone(), "ping", json!({}))).await.assert(200)["id"], id);
    }
}

#[actix_web::test]
async fn in_band_errors_are_200_with_their_codes() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-11-25").await;
    for (method, params, code) in [
        ("nothing", json!({}), -32601),
        ("resources/subscribe", json!({ "uri": "bkend://projects" }), -32601),
        ("server/discover", json!({}), -32601),
        ("subscriptions/listen", json!({}), -32601),
        ("logging/setLevel", json!({ "level": "info" }), -32601),
        ("tools/call", json!({ "name": "no_such_tool" }), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/call", json!({ "name": 7 }), -32602),
        ("tools/call", json!({ "name": "get_context", "arguments": [] }), -32602),
        ("tools/call", json!({ "name": "get_context", "arguments": "x" }), -32602),
        ("prompts/get", json!({ "name": "no-such-prompt" }), -32602),
        ("prompts/get", json!({}), -32602),
        ("resources/read", json!({}), -32602),
        ("resources/read", json!({ "uri": "bkend://nothing/at/all" }), -32002),
        ("completion/complete", json!({}), -32602),
        ("tools/list", json!({ "cursor": "x" }), -32602),
        ("prompts/list", json!({ "cursor": "x" }), -32602),
        ("resources/templates/list", json!({ "cursor": "x" }), -32602),
        ("resources/list", json!({ "cursor": "x" }), -32602),
    ] {
        let error = session.ask(method, params.clone()).await.assert_rpc(200, code);
        if code == -32002 {
            assert_eq!(error["data"]["uri"], params["uri"]);
        }
    }
    let no_object = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": [] });
    session.post("/mcp", no_object).await.assert_rpc(200, -32602);
}

#[actix_web::test]
async fn nothing_waits_for_initialized_and_every_method_answers() {
    let app = TestApp::start().await;
    for version in VERSIONS {
        let session = app.mcp(version).await;
        assert_eq!(session.result("ping", json!({})).await, json!({}));
        for (method, member) in
            [("tools/list", "tools"), ("resources/list", "resources"), ("resources/templates/list", "resourceTemplates"), ("prompts/list", "prompts")]
        {
            let result = session.result(method, json!({})).await;
            assert!(result[member].is_array(), "{method}: {result}");
            for newer in ["resultType", "ttlMs", "cacheScope"] {
                assert!(result.get(newer).is_none(), "{method} has {newer} in {version}");
            }
        }
    }
}

#[actix_web::test]
async fn later_requests_follow_the_version_of_the_session_and_unknown_headers_are_refused() {
    let app = TestApp::start().await;
    let session = app.mcp("2024-11-05").await;
    for version in VERSIONS {
        session.header("MCP-Protocol-Version", version).post("/mcp", json!([rpc(1, "ping", json!({}))])).await.assert(200);
    }
    for unknown in ["2030-01-01", "latest", "", "2025-06-18, 2025-11-25"] {
        let error = session.header("MCP-Protocol-Version", unknown).post("/mcp", rpc(1, "ping", json!({}))).await.assert_rpc(400, -32022);
        assert_eq!(error["data"]["requested"], unknown);
        assert_eq!(error["data"]["supported"], json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]));
    }
}

#[actix_web::test]
async fn both_spellings_of_the_address_are_the_endpoint() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    assert_eq!(session.post("/mcp/", rpc(1, "ping", json!({}))).await.assert(200)["result"], json!({}));
}

#[actix_web::test]
async fn documentation_needs_no_sign_in_and_offers_nothing_else() {
    let app = TestApp::start().await;
    let answer = app.client().post("/mcp/docs", hello("2025-06-18")).await;
    let id = answer.header("mcp-session-id").unwrap().to_owned();
    let result = answer.assert(200)["result"].clone();
    assert_eq!(result["capabilities"], json!({ "tools": {}, "resources": {} }));
    let reader = app.client().header("Mcp-Session-Id", &id);
    reader.post("/mcp/docs", rpc(1, "tools/list", json!({}))).await.assert(200);
    // A session of one endpoint is none of the other, in both directions.
    app.operator().header("Mcp-Session-Id", &id).post("/mcp", rpc(1, "ping", json!({}))).await.assert_rpc(404, -32002);
    let signed_in = app.mcp("2025-06-18").await;
    app.client().header("Mcp-Session-Id", &signed_in.id).post("/mcp/docs", rpc(1, "ping", json!({}))).await.assert_rpc(404, -32002);
    let discover = json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": { "_meta": meta() } });
    let stateless = app.client().header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "server/discover");
    stateless.post("/mcp/docs", discover).await.assert(200);
}

#[actix_web::test]
async fn an_address_that_narrows_to_nothing_known_is_refused() {
    let app = TestApp::start().await;
    app.operator().post("/mcp?tools=core,nothing", hello("2025-06-18")).await.assert_rpc(400, -32602);
    app.operator().post("/mcp?readOnly=maybe", hello("2025-06-18")).await.assert_rpc(400, -32602);
    app.operator().post("/mcp?tools=core&readOnly=true&unknown=1", hello("2025-06-18")).await.assert(200);
}

#[actix_web::test]
async fn more_than_1200_calls_a_minute_with_one_token_are_refused_as_a_result() {
    let app = TestApp::start().await;
    let other = app.member("mina", "admin").await;
    let session = app.mcp("2025-11-25").await;
    let call = |client: &Client| {
        let client = client.clone();
        async move { client.post("/mcp", rpc(1, "tools/call", json!({ "name": "no_such_tool" }))).await }
    };
    for _ in 0..60 {
        let calls = (0..20).map(|_| call(&session));
        for answer in futures_util::future::join_all(calls).await {
            answer.assert_rpc(200, -32602);
        }
    }
    let refused = call(&session).await.assert(200)["result"].clone();
    assert_eq!(refused["isError"], true);
    let body: Value = serde_json::from_str(refused["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "common/rate-limit-exceeded");
    assert!(body["error"]["hint"].is_string() && body["requestId"].is_string() && refused.get("structuredContent").is_none());
    assert_eq!(session.result("ping", json!({})).await, json!({}), "only calls are counted");
    let another = other.mcp("2025-11-25").await;
    call(&another).await.assert_rpc(200, -32602);
}

#[actix_web::test]
async fn a_server_that_stops_answers_json_rpc_too() {
    let app = TestApp::start().await;
    app.begin_stopping();
    let answer = app.operator().post("/mcp", hello("2025-06-18")).await;
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.assert_rpc(503, -32603)["data"]["code"], "common/unavailable");
}

#[actix_web::test]
async fn an_endless_session_id_gets_an_answer() {
    let app = TestApp::start().await;
    app.operator().header("Mcp-Session-Id", &"z".repeat(10_000)).post("/mcp", rpc(1, "ping", json!({}))).await.assert_rpc(404, -32002);
}

#[actix_web::test]
async fn messages_of_every_kind_of_nonsense_never_break_the_server() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-03-26").await;
    let mut random = crate::support::random::Random::seeded("MCP_SEED");
    let words = ["jsonrpc", "2.0", "id", "method", "params", "tools/call", "name", "arguments", "_meta", "initialize", "cursor", "uri", "bkend://projects"];
    for _ in 0..300 {
        let mut value = json!({ "jsonrpc": "2.0", "id": 1 });
        for _ in 0..random.below(6) {
            let key = words[random.below(words.len())];
            value[key] = match random.below(6) {
                0 => Value::Null,
                1 => json!(random.below(9)),
                2 => json!([words[random.below(words.len())]]),
                3 => json!({ words[random.below(words.len())]: words[random.below(words.len())] }),
                4 => json!(true),
                _ => json!(words[random.below(words.len())]),
            };
        }
        let answer = session.post("/mcp", value.clone()).await;
        assert!(answer.status < 500, "{value}: {}", answer.text);
    }
}
