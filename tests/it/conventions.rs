//! `00-conventions.md`.

use crate::support::TestApp;

#[actix_web::test]
async fn unknown_routes_are_404_with_the_error_union_and_a_request_id() {
    let app = TestApp::start().await;
    let answer = app.client().header("X-Request-Id", "my-id").get("/nothing-here").await;
    assert_eq!(answer.header("x-request-id"), Some("my-id"));
    let body = answer.assert_error(404, "common/not-found");
    assert_eq!(body["requestId"], "my-id");
}

#[actix_web::test]
async fn an_unknown_host_is_misdirected() {
    let app = TestApp::start().await;
    app.client().header("Host", "evil.example").get("/v1/data/x").await.assert_error(421, "common/misdirected-request");
}
