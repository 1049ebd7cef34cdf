//! `00-conventions.md`.

use bkend_local::domain::id;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp};

async fn app_with_posts() -> TestApp {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string" }, "permissions": { "guest": { "create": true, "read": true }, "user": { "read": true } } })).await;
    app
}

#[actix_web::test]
async fn unknown_routes_are_404_with_the_error_union_and_a_request_id() {
    let app = TestApp::start().await;
    let answer = app.client().header("X-Request-Id", "my-id").get("/nothing-here").await;
    assert_eq!(answer.header("x-request-id"), Some("my-id"));
    let body = answer.assert_error(404, "common/not-found");
    assert_eq!(body["requestId"], "my-id");
    let made_up = app.client().header("X-Request-Id", "<script>").get("/nothing-here").await;
    assert_ne!(made_up.header("x-request-id"), Some("<script>"));
}

#[actix_web::test]
async fn an_unknown_host_is_misdirected_and_ip_literals_pass() {
    let app = app_with_posts().await;
    app.guest().header("Host", "evil.example").get("/v1/data/posts").await.assert_error(421, "common/misdirected-request");
    app.guest().header("Host", "192.168.1.5:4300").get("/v1/data/posts").await.assert(200);
}

#[actix_web::test]
async fn the_key_names_the_environment_and_bad_ones_are_told_apart() {
    let app = app_with_posts().await;
    let get = |name: &'static str, value: String| {
        let client = app.client().header(name, &value);
        async move { client.get("/v1/data/posts").await }
    };
    app.client().get("/v1/data/posts").await.assert_error(401, "auth/unauthorized");
    for bad in ["pk_", "pk_zz", "nonsense", "sk_123"] {
        get("X-API-Key", bad.into()).await.assert_error(401, "auth/invalid-token-format");
    }
    get("X-API-Key", format!("pk_{}", "0".repeat(64))).await.assert_error(401, "auth/invalid-api-key");
    let upper = format!("pk_{}", app.publishable_key[3..].to_uppercase());
    get("X-API-Key", upper).await.assert_error(401, "auth/invalid-api-key");
    get("Authorization", format!("Bearer {}", app.publishable_key)).await.assert(200);
    get("authorization", format!("bearer {}", app.secret_key)).await.assert(200);
    get("Authorization", "Basic abc".into()).await.assert_error(401, "auth/invalid-token");
    app.guest().header("Authorization", "Bearer x.y.z").get("/v1/data/posts").await.assert_error(401, "auth/invalid-token");
}

#[actix_web::test]
async fn project_and_environment_headers_are_accepted_instead_of_a_key() {
    let app = app_with_posts().await;
    let project = app.environment.project().id.clone();
    let by_project = app.client().header("X-Project-Id", &project);
    by_project.get("/v1/data/posts").await.assert(200);
    by_project.header("X-Environment", "dev").get("/v1/data/posts").await.assert(200);
    by_project.header("X-Environment", "prod").get("/v1/data/posts").await.assert_error(404, "data/environment-not-found");
    app.client().header("X-Project-Id", &id::new_id()).get("/v1/data/posts").await.assert_error(404, "data/environment-not-found");
    app.client().header("X-Environment", "dev").get("/v1/data/posts").await.assert_error(400, "data/invalid-header");
    app.guest().header("X-Project-Id", &id::new_id()).get("/v1/data/posts").await.assert_error(403, "data/project-access-denied");
    app.guest().header("X-Environment", "prod").get("/v1/data/posts").await.assert_error(403, "data/project-access-denied");
    app.guest().header("X-Project-Id", &project).header("X-Environment", "dev").get("/v1/data/posts").await.assert(200);
}

#[actix_web::test]
async fn a_jwt_of_another_environment_or_of_an_ended_session_is_refused() {
    let (app, other) = (app_with_posts().await, TestApp::start().await);
    let (ana, stranger) = (app.user("ana", "user").await, other.user("ana", "user").await);
    ana.get("/v1/data/posts").await.assert(200);
    let foreign = app.guest().header("Authorization", &format!("Bearer {}", stranger.token));
    foreign.get("/v1/data/posts").await.assert_error(401, "auth/invalid-token");
    bkend_local::domain::users::set_banned(&app.environment, &ana.id, true, None).await.unwrap();
    ana.get("/v1/data/posts").await.assert_error(403, "auth/account-banned");
    bkend_local::domain::users::set_banned(&app.environment, &ana.id, false, None).await.unwrap();
    bkend_local::domain::users::end_session(&app.environment, &ana.session_id).await.unwrap();
    ana.get("/v1/data/posts").await.assert_error(401, "auth/session-expired");
}

#[actix_web::test]
async fn bodies_of_the_wrong_kind_get_a_clear_error_and_never_a_dropped_connection() {
    let app = app_with_posts().await;
    let send = |content_type: &'static str, body: Vec<u8>| {
        let request = app.guest().request(Method::POST, "/v1/data/posts").header("Content-Type", content_type).body(body);
        async move { Answer::of(request.send().await.unwrap()).await }
    };
    send("application/json", b"{".to_vec()).await.assert_error(400, "common/invalid-json");
    send("application/json", b"{\"title\":\"\\ud800\"}".to_vec()).await.assert_error(400, "common/invalid-json");
    send("application/json", b"{\"n\":1e999}".to_vec()).await.assert_error(400, "common/invalid-json");
    send("text/plain", b"{}".to_vec()).await.assert_error(415, "common/unsupported-media-type");
    send("application/json; charset=utf-8", b"{}".to_vec()).await.assert(201);
    send("application/json", vec![b' '; 11 * 1024 * 1024]).await.assert_error(413, "common/payload-too-large");
    send("application/json", b"[]".to_vec()).await.assert_error(400, "data/validation-error");
    // Without a body any Content-Type is fine.
    let request = app.guest().request(Method::GET, "/v1/data/posts").header("Content-Type", "image/png");
    Answer::of(request.send().await.unwrap()).await.assert(200);
}

#[actix_web::test]
async fn answers_are_bare_or_enveloped_as_project_or_request_wants_and_errors_always_the_same() {
    let app = app_with_posts().await;
    let enveloped = app.guest().header("X-Bkend-Envelope", "envelope");
    let made = enveloped.post("/v1/data/posts", json!({ "title": "a" })).await.assert(201);
    assert_eq!((&made["success"], &made["data"]["title"]), (&json!(true), &json!("a")));
    let list = enveloped.get("/v1/data/posts").await.assert(200);
    assert_eq!(list["data"]["pagination"]["total"], 1);
    enveloped.get("/v1/data/nope").await.assert_error(404, "data/table-not-found");

    let project = &app.environment.project().id;
    let body = json!({ "settings": { "responseEnvelope": "envelope" } });
    app.operator().patch(&format!("/management/v1/projects/{project}"), body).await.assert(200);
    assert_eq!(app.guest().get("/v1/data/posts").await.assert(200)["success"], true);
    assert!(app.guest().header("X-Bkend-Envelope", "bare").get("/v1/data/posts").await.assert(200)["items"].is_array());
}

#[actix_web::test]
async fn lists_take_a_limit_above_100_as_100_and_refuse_what_is_no_number() {
    let app = app_with_posts().await;
    let pagination = |answer: Answer| answer.assert(200)["pagination"].clone();
    assert_eq!(pagination(app.guest().get("/v1/data/posts?limit=1000&unknown=1").await)["limit"], 100);
    let all = pagination(app.guest().get("/v1/data/posts").await);
    for key in ["total", "page", "limit", "totalPages", "hasNext", "hasPrev", "hasNextPage", "hasPrevPage"] {
        assert!(!all[key].is_null(), "{key}");
    }
    for bad in ["limit=0", "limit=-1", "limit=x", "page=0", "page=1.5", "sortDirection=up"] {
        let body = app.guest().get(&format!("/v1/data/posts?{bad}")).await.assert_error(400, "common/invalid-parameters");
        assert!(body["message"].as_str().unwrap().contains(bad.split('=').next().unwrap()), "{body}");
    }
}

#[actix_web::test]
async fn other_methods_are_405_with_allow() {
    let app = app_with_posts().await;
    let answer = app.guest().send(Method::PUT, "/v1/data/posts", None).await;
    assert!(answer.header("allow").is_some_and(|a| a.contains("GET") && a.contains("POST") && a.contains("PATCH")));
    answer.assert_error(405, "common/method-not-allowed");
}

#[actix_web::test]
async fn browsers_on_loopback_and_on_listed_origins_may_call_v1_and_others_get_no_headers() {
    let app = app_with_posts().await;
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"] {
        let answer = app.guest().header("Origin", origin).get("/v1/data/posts").await;
        assert_eq!(allowed(&answer).as_deref(), Some(origin));
        assert!(answer.header("access-control-expose-headers").is_some_and(|h| h.contains("ETag") && h.contains("X-Request-Id")));
        assert!(answer.header("vary").is_some_and(|v| v.contains("Origin")));
    }
    let shop = "https://shop.example";
    let answer = app.guest().header("Origin", shop).get("/v1/data/posts").await;
    assert_eq!((answer.status, allowed(&answer)), (200, None));
    let preflight = |origin: &'static str| {
        let request = app.client().header("Origin", origin).request(Method::OPTIONS, "/v1/data/posts");
        let request = request.header("Access-Control-Request-Method", "PATCH").header("Access-Control-Request-Headers", "x-api-key");
        async move { Answer::of(request.send().await.unwrap()).await }
    };
    assert_eq!(allowed(&preflight(shop).await), None);
    let project = &app.environment.project().id;
    app.operator().put(&format!("/management/v1/projects/{project}/cors"), json!({ "origins": [shop] })).await.assert(200);
    let granted = preflight(shop).await;
    assert_eq!(allowed(&granted).as_deref(), Some(shop));
    assert!(granted.header("access-control-allow-methods").is_some_and(|m| m.contains("PATCH")));
    assert!(granted.header("access-control-allow-headers").is_some_and(|h| h.to_lowercase().contains("x-api-key")));
    assert_eq!(allowed(&app.guest().header("Origin", shop).get("/v1/data/posts").await).as_deref(), Some(shop));
    assert_eq!(allowed(&app.operator().header("Origin", shop).get("/management/v1/auth/session").await), None);
}

#[actix_web::test]
async fn ids_are_24_hex_and_rise_and_times_have_milliseconds() {
    let app = app_with_posts().await;
    let mut last = String::new();
    for _ in 0..5 {
        let body = app.guest().post("/v1/data/posts", json!({})).await.assert(201);
        let id = body["id"].as_str().unwrap().to_owned();
        assert!(id.len() == 24 && id > last);
        last = id;
        let at = body["createdAt"].as_str().unwrap();
        assert!(at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.');
        assert!(body.get("_id").is_none());
    }
}
