//! Sessions of AI tools: whose they are, how they end, what survives, and the stream of notifications (`01-mcp.md` §2).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp::{Session, hello, rpc};
use crate::support::process::{DataDirectory, Process};
use crate::support::streams::Events;
use crate::support::{Answer, Client, TestApp};

async fn ping(client: &Client) -> Answer {
    client.post("/mcp", rpc(1, "ping", json!({}))).await
}

async fn stream(session: &Session) -> Events {
    session.header("Accept", "text/event-stream").events("/mcp").await
}

#[actix_web::test]
async fn a_missing_unknown_or_ended_session_is_404_in_the_words_clients_know() {
    let app = TestApp::start().await;
    let ended = app.mcp("2025-06-18").await;
    let answer = ended.delete("/mcp").await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let expected = json!({
        "jsonrpc": "2.0", "id": null,
        "error": {
            "code": -32002, "message": "Session not found or expired. Send initialize without Mcp-Session-Id.",
            "data": { "code": -32001, "reason": "session-not-found" }
        }
    });
    let unknown = app.operator().header("Mcp-Session-Id", &"0".repeat(64));
    for client in [&app.operator(), &unknown, &ended.client] {
        assert_eq!(ping(client).await.assert(404), expected);
        assert_eq!(client.delete("/mcp").await.assert(404), expected);
        assert_eq!(client.header("Accept", "text/event-stream").get("/mcp").await.assert(404), expected);
    }
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(app.operator().post("/mcp", notification).await.assert(404), expected);
}

#[actix_web::test]
async fn an_id_has_at_least_128_random_bits_and_is_visible_ascii() {
    let app = TestApp::start().await;
    let (a, b) = (app.mcp("2025-06-18").await, app.mcp("2025-06-18").await);
    assert_ne!(a.id, b.id);
    assert!(a.id.len() >= 32 && a.id.bytes().all(|byte| byte.is_ascii_graphic()), "{}", a.id);
}

#[actix_web::test]
async fn initialize_ignores_a_session_and_sessions_are_independent() {
    let app = TestApp::start().await;
    let first = app.mcp("2025-03-26").await;
    let second = first.client.mcp("2025-11-25").await;
    assert_ne!(first.id, second.id);
    let batch = json!([rpc(1, "ping", json!({}))]);
    first.post("/mcp", batch.clone()).await.assert(200);
    second.post("/mcp", batch).await.assert_rpc(400, -32600);
    first.delete("/mcp").await.assert(204);
    ping(&second).await.assert(200);
}

#[actix_web::test]
async fn a_session_belongs_to_a_tenant_and_an_organization_and_not_to_a_token() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "admin").await;
    let noah = app.member("noah", "admin").await;
    let session = mina.mcp("2025-06-18").await;
    ping(&noah.header("Mcp-Session-Id", &session.id)).await.assert_rpc(404, -32002);
    noah.header("Mcp-Session-Id", &session.id).delete("/mcp").await.assert_rpc(404, -32002);
    ping(&session).await.assert(200);
    let second = mina.post("/management/v1/tokens", json!({ "name": "second", "scope": "write" })).await;
    let second = if second.status == 201 { second.body["token"].as_str().unwrap().to_owned() } else { second_token(&app, &mina.id, "mina").await };
    ping(&app.bearer(&second).header("Mcp-Session-Id", &session.id)).await.assert(200);
    let other = mina.post("/management/v1/organizations", json!({ "name": "Harbor" })).await;
    if other.status == 201 {
        let id = other.body["id"].as_str().unwrap();
        ping(&session.header("X-Bkend-Organization", id)).await.assert_rpc(404, -32002);
    }
}

/// Tokens make no tokens; the domain does.
async fn second_token(app: &TestApp, id: &str, name: &str) -> String {
    use bkend_local::domain::caller::{Tenant, Via};
    use bkend_local::domain::tenancy::access_tokens::{NewAccessToken, TokenScope};
    let tenant = Tenant { id: id.to_owned(), name: name.to_owned(), email: String::new(), is_server_owner: false, via: Via::Operator };
    let new =
        NewAccessToken { name: "second".to_owned(), scope: TokenScope::Read, organization_id: None, project_id: None, expires_at: None, allow_prod: false };
    app.backend.create_access_token(&tenant, new).await.unwrap().token.unwrap()
}

#[actix_web::test]
async fn a_token_the_server_does_not_know_is_401_before_any_session() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    ping(&session.header("Authorization", &format!("Bearer pat_{}", "1".repeat(64)))).await.assert_rpc(401, -32001);
}

#[actix_web::test]
async fn a_restart_in_the_middle_of_a_session_does_not_end_it() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "admin").await;
    let session = mina.mcp("2025-03-26").await;
    let mut events = stream(&session).await;
    let (id, token) = (session.id.clone(), second_token(&app, &mina.id, "mina").await);
    drop((mina, session));
    let app = app.restart().await;
    assert_eq!(events.next().await, None, "open streams break");
    let client = app.bearer(&token).header("Mcp-Session-Id", &id);
    ping(&client).await.assert(200);
    // It kept its version too: this one has batches.
    client.post("/mcp", json!([rpc(1, "ping", json!({}))])).await.assert(200);
    let mut events = client.header("Accept", "text/event-stream").events("/mcp").await;
    app.table(json!({ "tableName": "boats", "schema": { "name": "string" } })).await;
    assert_eq!(events.next().await.unwrap().data["method"], "notifications/resources/list_changed");
}

#[actix_web::test]
async fn kill_9_does_not_end_sessions() {
    let directory = DataDirectory::with_tables(&[]).await;
    let operator = |process: &Process| {
        let token = std::fs::read_to_string(directory.path().join("secrets/operator")).unwrap();
        process.client("").header("Authorization", &format!("Bearer {}", token.trim()))
    };
    let mut process = Process::start(&directory.path()).await;
    let session = operator(&process).mcp("2025-06-18").await;
    process.kill();
    let process = Process::start(&directory.path()).await;
    ping(&operator(&process).header("Mcp-Session-Id", &session.id)).await.assert(200);
}

#[actix_web::test]
async fn sessions_end_after_30_days_without_a_request() {
    let app = TestApp::start().await;
    let (idle, used) = (app.mcp("2025-06-18").await, app.mcp("2025-06-18").await);
    let day = 24 * 60 * 60 * 1000_i64;
    let database = rusqlite::Connection::open(app.backend.data_dir().join("control.db")).unwrap();
    let moved = database.execute("UPDATE mcp_sessions SET last_used_at = last_used_at - ?1", [29 * day]).unwrap();
    assert_eq!(moved, 2);
    ping(&used).await.assert(200);
    // The use of the first request after the start is written at once, off the request's path.
    let recent = || database.query_row("SELECT count(*) FROM mcp_sessions WHERE last_used_at > ?1", [bkend_local::domain::time::now() - day], |r| r.get(0));
    for _ in 0..200 {
        if recent().unwrap_or(0) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    database.execute("UPDATE mcp_sessions SET last_used_at = last_used_at - ?1", [2 * day]).unwrap();
    ping(&idle).await.assert_rpc(404, -32002);
    ping(&used).await.assert(200);
    app.mcp("2025-06-18").await;
    let left: i64 = database.query_row("SELECT count(*) FROM mcp_sessions", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 2, "what has ended is dropped");
}

#[actix_web::test]
async fn beyond_1000_sessions_the_longest_idle_ends_and_documentation_pushes_nobody_out() {
    let app = TestApp::start().await;
    let (first, second) = (app.mcp("2025-06-18").await, app.mcp("2025-06-18").await);
    for _ in 0..14 {
        futures_util::future::join_all((0..71).map(|_| app.mcp("2025-06-18"))).await;
    }
    for _ in 0..4 {
        app.mcp("2025-06-18").await;
    }
    // 1,000 now. Those used since were not idle the longest.
    ping(&first).await.assert(200);
    for _ in 0..20 {
        app.client().post("/mcp/docs", hello("2025-06-18")).await.assert(200);
    }
    ping(&second).await.assert(200);
    app.mcp("2025-06-18").await;
    app.mcp("2025-06-18").await;
    ping(&first).await.assert(200);
    ping(&second).await.assert(200);
    let database = rusqlite::Connection::open(app.backend.data_dir().join("control.db")).unwrap();
    let count = |kind: &str| database.query_row(&format!("SELECT count(*) FROM mcp_sessions WHERE tenant_id IS {kind}"), [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!((count("NOT NULL"), count("NULL")), (1000, 20));
}

#[actix_web::test]
async fn ids_are_stored_as_hashes_only() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    let database = rusqlite::Connection::open(app.backend.data_dir().join("control.db")).unwrap();
    let (hash, client, version): (Vec<u8>, String, String) =
        database.query_row("SELECT hash, client_name, version FROM mcp_sessions", [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap();
    assert_eq!((hash.len(), client.as_str(), version.as_str()), (32, "tests", "2025-06-18"));
    assert_ne!(hash, session.id.as_bytes());
}

#[actix_web::test]
async fn the_stream_has_its_headers_and_needs_its_accept() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    let response = session.request(Method::GET, "/mcp").header("Accept", "text/event-stream").header("Last-Event-ID", "7").send().await.unwrap();
    assert_eq!(response.status(), 200);
    for (name, value) in [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")] {
        assert_eq!(response.headers()[name], value);
    }
    for accept in ["*/*", "application/json", "text/html"] {
        let answer = session.header("Accept", accept).get("/mcp").await;
        assert!(answer.header("allow").is_some());
        answer.assert_rpc(405, -32600);
    }
    session.header("MCP-Protocol-Version", "1").header("Accept", "text/event-stream").get("/mcp").await.assert_rpc(400, -32022);
}

#[actix_web::test]
async fn list_changed_fires_when_a_project_environment_or_table_appears_is_renamed_or_goes() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    let mut events = stream(&session).await;
    let operator = app.operator();
    let organization = format!("/management/v1/organizations/{}/projects", app.organization_id().await);
    let mut heard = async |what: &str, answer: Answer| {
        assert!((200..300).contains(&answer.status), "{what}: {}", answer.text);
        let event = events.next().await.unwrap();
        assert_eq!((event.id, event.name.as_str()), (None, "message"));
        assert_eq!(event.data, json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed" }), "{what}");
        answer.body
    };
    let project = heard("project appears", operator.post(&organization, json!({ "name": "Shop" })).await).await;
    let path = format!("/management/v1/projects/{}", project["id"].as_str().unwrap());
    heard("project renamed", operator.patch(&path, json!({ "name": "Store" })).await).await;
    heard("environment appears", operator.post(&format!("{path}/environments"), json!({ "environment": "staging" })).await).await;
    let table = json!({ "tableName": "boats", "schema": { "name": "string" } });
    heard("table appears", operator.post(&format!("{path}/environments/staging/tables"), table).await).await;
    heard("table goes", operator.delete(&format!("{path}/environments/staging/tables/boats?confirm=boats")).await).await;
    heard("environment goes", operator.delete(&format!("{path}/environments/staging?confirm=staging")).await).await;
    heard("project goes", operator.delete(&format!("{path}?confirm=Store")).await).await;
}

#[actix_web::test]
async fn a_stream_hears_of_its_own_organization_alone() {
    let app = TestApp::start().await;
    let browser = app.console(None).await;
    let other = browser.post("/management/v1/organizations", json!({ "name": "Harbor" })).await.assert(201);
    let mine = app.mcp("2025-06-18").await;
    let mut events = stream(&mine).await;
    let projects = format!("/management/v1/organizations/{}/projects", other["id"].as_str().unwrap());
    app.operator().post(&projects, json!({ "name": "Elsewhere" })).await.assert(201);
    let heard = tokio::time::timeout(Duration::from_millis(300), events.next()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[actix_web::test]
async fn a_second_stream_replaces_the_first_and_delete_ends_it() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-06-18").await;
    let mut first = stream(&session).await;
    let mut second = stream(&session).await;
    assert_eq!(first.next().await, None);
    let other = app.mcp("2025-06-18").await;
    let _apart = stream(&other).await;
    app.table(json!({ "tableName": "boats", "schema": { "name": "string" } })).await;
    assert!(second.next().await.is_some());
    session.delete("/mcp").await.assert(204);
    assert_eq!(second.next().await, None);
}

#[actix_web::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "admin").await;
    let session = mina.mcp("2025-06-18").await;
    let mut events = stream(&session).await;
    app.table(json!({ "tableName": "boats", "schema": { "name": "string" } })).await;
    assert!(events.next().await.is_some());
    let database = rusqlite::Connection::open(app.backend.data_dir().join("control.db")).unwrap();
    database.execute("UPDATE access_tokens SET revoked_at = ?1 WHERE tenant_id = ?2", rusqlite::params![1, mina.id]).unwrap();
    app.table(json!({ "tableName": "docks", "schema": { "name": "string" } })).await;
    assert_eq!(events.next().await, None);
}

#[actix_web::test]
async fn parallel_sessions_and_requests_do_not_disturb_each_other() {
    let app = TestApp::start().await;
    let sessions = futures_util::future::join_all((0..8).map(|_| app.mcp("2025-11-25"))).await;
    let asked = sessions.iter().flat_map(|session| (0..20).map(move |n| async move { (n, session.post("/mcp", rpc(n, "tools/list", json!({}))).await) }));
    for (n, answer) in futures_util::future::join_all(asked).await {
        assert_eq!(answer.assert(200)["id"], Value::from(n));
    }
}
