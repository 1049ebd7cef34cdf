//! Requests that the HTTP machinery refuses before any handler runs (`02-data.md` §12, `00-conventions.md` "Bodies").

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Sends bytes as they are; answers status and body, however slowly the server reads.
async fn raw(app: &TestApp, request: Vec<u8>) -> (u16, Value) {
    let address = app.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // A server that answers early may stop reading; its answer counts, not whether everything went out.
        let sent = stream.write_all(&request);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(!answer.is_empty(), "no answer: {sent:?} {read:?}");
        String::from_utf8(answer).unwrap()
    };
    let answer = tokio::task::spawn_blocking(exchange).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let id = body["requestId"].as_str().unwrap_or_default();
    assert!(head.to_ascii_lowercase().contains(&format!("x-request-id: {id}")), "{head}");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

fn request(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

#[actix_web::test]
async fn a_request_target_beyond_64_kib_is_413_whatever_its_length() {
    let app = TestApp::start().await;
    for length in [64 * 1024 - 20, 64 * 1024 + 1, 70_000, 100_000, 130_000, 200_000, 1_000_000, 8_000_000] {
        let (status, body) = raw(&app, request(&format!("/v1/data/posts?x={}", "a".repeat(length)), "")).await;
        let expected = if length < 64 * 1024 - 19 { (401, "auth/unauthorized") } else { (413, "common/payload-too-large") };
        assert_eq!((status, body["error"]["code"].as_str().unwrap()), expected, "{length}");
        assert_eq!((&body["success"], &body["statusCode"]), (&json!(false), &json!(expected.0)));
    }
}

#[actix_web::test]
async fn too_many_or_too_large_headers_are_413_with_an_answer() {
    let app = TestApp::start().await;
    for count in [100, 1_000, 50_000] {
        let headers: String = (0..count).map(|n| format!("X-H{n}: v\r\n")).collect();
        let (status, body) = raw(&app, request("/healthz", &headers)).await;
        assert_eq!((status, body["error"]["code"].as_str().unwrap()), (413, "common/payload-too-large"), "{count}");
        assert!(body["message"].as_str().unwrap().contains("headers"));
    }
    let (status, _) = raw(&app, request("/healthz", &format!("X-A: {}\r\n", "a".repeat(300_000)))).await;
    assert_eq!(status, 413);
}

#[actix_web::test]
async fn what_is_no_http_gets_the_form_of_every_error_too() {
    let app = TestApp::start().await;
    for bytes in [
        b"\x00\x01\x02 garbage\r\n\r\n".to_vec(),
        b"GET /healthz HTTP/1.1\r\n\r\n".to_vec(),
        b"POST /v1/data/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
        b"POST /v1/data/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: minus\r\n\r\n".to_vec(),
    ] {
        let (status, body) = raw(&app, bytes).await;
        assert_eq!((status, body["error"]["code"].as_str().unwrap()), (400, "common/invalid-parameters"));
    }
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_413_and_not_a_dropped_connection() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    let body = json!({ "title": "x".repeat(12 * 1024 * 1024) });
    app.secret().post("/v1/data/posts", body).await.assert_error(413, "common/payload-too-large");
}

#[actix_web::test]
async fn a_query_typed_as_it_is_meant_is_understood() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts" })).await;
    app.secret().post("/v1/posts", json!({ "title": "é <b>" })).await.assert(201);
    let key = format!("X-API-Key: {}\r\nIf-None-Match: \"x\"\r\n", app.secret_key);
    for filter in [r#"{"title":"é%20<b>"}"#, r#"{"title":{"$contains":"É"}}"#] {
        let (status, body) = raw(&app, request(&format!("/v1/posts?andFilters={filter}"), &key)).await;
        assert_eq!((status, &body["pagination"]["total"]), (200, &json!(1)), "{filter}: {body}");
    }
}
