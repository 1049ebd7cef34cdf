//! Log lines, `/healthz`, `/readyz`, `/metrics` and stopping (`00-conventions.md`, `08-cli.md` §3).

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bkend_local::http::log;

use crate::support::TestApp;

/// What this test process logged, of all its servers.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    log::init_to(log::Format::Pretty, tracing::level_filters::LevelFilter::INFO, Box::new(lines.clone()));
    lines
});

async fn line_of(request_id: &str) -> String {
    for _ in 0..500 {
        let text = String::from_utf8(LINES.0.lock().unwrap().clone()).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains(&format!("[{request_id}]"))) {
            return line.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no line for {request_id}");
}

#[actix_web::test]
async fn one_line_per_request_on_stderr_without_query_values_and_secrets() {
    LazyLock::force(&LINES);
    let app = TestApp::start_with(|settings| settings.log_requests = true).await;
    let user = app.user("mina", "user").await;
    let path = format!("/v1/nothing/of/this/kind/at/all/{}?apiKey={}", app.secret_key, app.publishable_key);
    user.header("X-Request-Id", "line-1").get(&path).await.assert_error(404, "common/not-found");
    let line = line_of("line-1").await;
    let fields: Vec<&str> = line.split("  ").collect();
    assert_eq!(fields[0].len(), "10:32:07.120".len());
    assert_eq!(fields[1..4], ["GET", "/v1/nothing/of/this/kind/at/all/•••", "404"]);
    assert!(fields[4].ends_with(" ms") && fields[4].trim_end_matches(" ms").parse::<u64>().is_ok(), "{line}");
    assert_eq!(fields[5..], ["pk:Default", &format!("user:{}", user.id), "[line-1]"]);
    assert!(!line.contains("apiKey") && !line.contains(&app.publishable_key) && !line.contains(&app.secret_key));
}

#[actix_web::test]
async fn no_log_requests_means_no_line_per_request() {
    LazyLock::force(&LINES);
    let (silent, loud) = (TestApp::start().await, TestApp::start_with(|settings| settings.log_requests = true).await);
    silent.client().header("X-Request-Id", "silent-1").get("/healthz").await.assert(200);
    loud.client().header("X-Request-Id", "loud-1").get("/healthz").await.assert(200);
    line_of("loud-1").await;
    assert!(!String::from_utf8_lossy(&LINES.0.lock().unwrap()).contains("silent-1"));
}

#[actix_web::test]
async fn healthz_and_readyz_answer_200_without_credentials() {
    let app = TestApp::start().await;
    app.client().get("/healthz").await.assert(200);
    app.client().get("/readyz").await.assert(200);
    app.client().post("/readyz", serde_json::json!({})).await.assert_error(405, "common/method-not-allowed");
}

#[actix_web::test]
async fn while_stopping_readyz_and_new_requests_get_503_and_healthz_still_answers() {
    let app = TestApp::start().await;
    app.begin_stopping();
    let answer = app.client().get("/readyz").await;
    assert!(answer.header("retry-after").is_some());
    answer.assert_error(503, "common/unavailable");
    app.guest().get("/v1/data/posts").await.assert_error(503, "common/unavailable");
    app.client().get("/healthz").await.assert(200);
}

#[actix_web::test]
async fn metrics_are_prometheus_text_by_route_method_and_status() {
    let app = TestApp::start().await;
    app.client().get("/healthz").await.assert(200);
    app.guest().get("/v1/no/such/route/here/at/all").await.assert(404);
    let answer = app.client().get("/metrics").await;
    assert!(answer.header("content-type").is_some_and(|t| t.starts_with("text/plain; version=0.0.4")));
    for line in [
        "bkend_http_requests_total{route=\"/healthz\",method=\"GET\",status=\"2xx\"} 1",
        "bkend_http_requests_total{route=\"unmatched\",method=\"\",status=\"4xx\"} 1",
        "bkend_http_request_duration_seconds_count{route=\"/healthz\",method=\"GET\"} 1",
        "bkend_http_requests_in_flight 1",
        "bkend_http_streams_open 0",
        "bkend_database_bytes{environment=\"\",database=\"control\"}",
        "bkend_build_info{version=\"",
    ] {
        assert!(answer.text.contains(line), "{line} is missing in\n{}", answer.text);
    }
    assert!(cfg!(not(target_os = "linux")) || answer.text.contains("process_resident_memory_bytes"));
    let malformed = answer.text.lines().find(|line| !line.starts_with('#') && line.rsplit_once(' ').is_none_or(|(_, value)| value.parse::<f64>().is_err()));
    assert_eq!(malformed, None);
}
