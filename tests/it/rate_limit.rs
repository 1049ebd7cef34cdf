//! `dataRateLimit` (`02-data.md` §12, `06-console.md` B2).

use serde_json::json;

use crate::support::TestApp;

async fn limited(limit: u32) -> TestApp {
    let app = TestApp::start_with(|s| s.trust_proxy = vec!["127.0.0.0/8".parse().unwrap()]).await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string" }, "permissions": { "guest": { "read": true, "create": true } } })).await;
    app.operator().patch(&app.project_path(), json!({ "settings": { "dataRateLimit": limit } })).await.assert(200);
    app
}

#[actix_web::test]
async fn without_the_setting_nothing_is_counted() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    let answer = app.secret().get("/v1/data/posts").await;
    assert_eq!(answer.header("x-ratelimit-limit"), None);
    answer.assert(200);
}

#[actix_web::test]
async fn beyond_the_limit_data_routes_answer_429_with_retry_after_and_the_limit() {
    let app = limited(3).await;
    let guest = app.guest();
    for (path, remaining) in [("/v1/data/posts", "2"), ("/v1/posts", "1")] {
        let answer = guest.get(path).await;
        assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), (Some("3"), Some(remaining)));
        answer.assert(200);
    }
    // Requests that fail count, too, and say where the caller stands.
    let failed = guest.get("/v1/data/nothing").await;
    assert_eq!(failed.header("x-ratelimit-remaining"), Some("0"));
    failed.assert_error(404, "data/table-not-found");
    for path in ["/v1/data/posts", "/v1/posts"] {
        let refused = guest.get(path).await;
        let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), (Some("3"), Some("0")));
        refused.assert_error(429, "data/rate-limit-exceeded");
    }
    let written = guest.post("/v1/data/posts", json!({ "title": "x" })).await;
    written.assert_error(429, "data/rate-limit-exceeded");
    assert_eq!(app.secret().get("/v1/data/posts").await.assert(200)["pagination"]["total"], 0, "a refused write leaves no trace");
}

#[actix_web::test]
async fn each_key_and_each_address_has_its_own_count() {
    let app = limited(1).await;
    app.guest().get("/v1/data/posts").await.assert(200);
    app.guest().get("/v1/data/posts").await.assert_error(429, "data/rate-limit-exceeded");
    app.secret().get("/v1/data/posts").await.assert(200);
    let elsewhere = app.guest().header("X-Forwarded-For", "203.0.113.7");
    elsewhere.get("/v1/data/posts").await.assert(200);
    elsewhere.get("/v1/data/posts").await.assert_error(429, "data/rate-limit-exceeded");
}

#[actix_web::test]
async fn other_routes_are_not_counted() {
    let app = limited(1).await;
    for _ in 0..3 {
        app.guest().get("/v1/auth/no/such/route").await.assert(404);
        app.operator().get(&app.project_path()).await.assert(200);
    }
    app.guest().get("/v1/data/posts").await.assert(200);
}

#[actix_web::test]
async fn parallel_requests_never_pass_the_limit() {
    let app = limited(5).await;
    let guest = app.guest();
    let answers = futures_util::future::join_all((0..20).map(|_| guest.get("/v1/data/posts"))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 5);
    assert_eq!(answers.iter().filter(|a| a.status == 429).count(), 15);
}
