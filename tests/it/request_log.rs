//! The request log and the metrics of an environment (`06-console.md` B2, B3).

use bkend_local::domain::caller::Caller;
use bkend_local::domain::requests::Entry;
use bkend_local::domain::{id, time};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::developers::column;
use crate::support::{Client, TestApp};

async fn with_posts() -> TestApp {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": { "title": "string" }, "permissions": { "user": { "create": true, "read": true } } })).await;
    app
}

impl TestApp {
    async fn logged(&self, query: &str) -> Value {
        self.operator().get(&format!("{}/requests{query}", self.environment_path())).await.assert(200)
    }

    /// The newest entry, in full.
    async fn newest(&self) -> Value {
        let id = column(&self.logged("").await, "id").remove(0);
        self.operator().get(&format!("{}/requests/{id}", self.environment_path())).await.assert(200)
    }

    async fn settings(&self, settings: Value) {
        self.operator().patch(&self.project_path(), json!({ "settings": settings })).await.assert(200);
    }
}

#[actix_web::test]
async fn every_v1_request_of_a_known_environment_is_an_entry() {
    let app = with_posts().await;
    let mina = app.user("mina", "user").await;
    let made = mina.header("X-Request-Id", "made-1").header("User-Agent", "harbor/1").post("/v1/data/posts?limit=2", json!({ "title": "a" })).await.assert(201);
    app.guest().get("/v1/posts").await.assert(403);
    app.secret().get("/v1/data/nope").await.assert(404);
    app.guest().header("Authorization", "Bearer bad").get("/v1/posts").await.assert(401);
    app.guest().get("/v1/no/such/route/at/all").await.assert(404);
    app.client().get("/v1/posts").await.assert(401);
    app.client().get("/healthz").await.assert(200);

    let list = app.logged("").await;
    assert_eq!(column(&list, "path"), ["/v1/no/such/route/at/all", "/v1/posts", "/v1/data/nope", "/v1/posts", "/v1/data/posts"]);
    assert_eq!(list["pagination"]["total"], 5);
    let statuses: Vec<_> = list["items"].as_array().unwrap().iter().map(|i| i["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [404, 401, 404, 403, 201]);
    let first = &list["items"][4];
    assert_eq!((&first["requestId"], &first["method"], &first["query"]), (&json!("made-1"), &json!("POST"), &json!("limit=2")));
    assert_eq!((&first["caller"]["type"], &first["caller"]["keyName"], &first["caller"]["userId"]), (&json!("user"), &json!("Default"), &json!(mina.id)));
    assert_eq!((&first["userAgent"], &first["errorCode"]), (&json!("harbor/1"), &Value::Null));
    assert_eq!(first["bytesIn"], json!({ "title": "a" }).to_string().len());
    assert_eq!(first["bytesOut"], made.to_string().len());
    assert!(first["durationMs"].as_f64().is_some_and(|ms| ms > 0.0) && first["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(list["items"][3]["errorCode"], "data/permission-denied");
    assert_eq!((&list["items"][2]["caller"]["type"], &list["items"][3]["caller"]["type"]), (&json!("key"), &json!("guest")));
}

#[actix_web::test]
async fn entries_are_filtered_by_method_path_status_time_and_caller() {
    let app = with_posts().await;
    let mina = app.user("mina", "user").await;
    mina.post("/v1/data/posts", json!({ "title": "a" })).await.assert(201);
    mina.get("/v1/data/users").await.assert_error(403, "data/system-table-access");
    app.secret().get("/v1/data/posts").await.assert(200);
    app.secret().get("/v1/data/nope").await.assert(404);
    let key = app.logged("?method=GET&status=200").await["items"][0]["caller"]["keyId"].as_str().unwrap().to_owned();
    let user = mina.id.clone();
    for (query, total) in [
        ("?method=post", 1),
        ("?path=nope", 1),
        ("?status=404", 1),
        ("?status=4xx", 2),
        ("?status=5xx", 0),
        ("?minMs=0", 4),
        ("?minMs=60000", 0),
        ("?caller=user", 2),
        (&*format!("?keyId={key}"), 2),
        (&*format!("?userId={user}&status=2xx"), 1),
        ("?from=2020-01-01", 4),
        ("?to=2020-01-01", 0),
        ("?limit=3&page=2", 4),
    ] {
        assert_eq!(app.logged(query).await["pagination"]["total"], total, "{query}");
    }
    assert_eq!(column(&app.logged("?sortDirection=asc&limit=1").await, "method"), ["POST"]);
    for (query, name) in [("?status=abc", "status"), ("?minMs=x", "minMs"), ("?caller=me", "caller"), ("?from=soon", "from"), ("?limit=0", "limit")] {
        let answer = app.operator().get(&format!("{}/requests{query}", app.environment_path())).await;
        assert_eq!(answer.details(), [format!("{name}/parameter")]);
        answer.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn details_show_headers_bodies_and_decision_with_secrets_masked() {
    let app = with_posts().await;
    let mina = app.user("mina", "user").await;
    let body = json!({ "title": "a", "password": "hunter2", "nested": { "otpCode": 123_456 } });
    mina.header("Cookie", "a=b").post("/v1/data/posts?apiKey=pk_secret&X-Bkend-Signature=abc", body).await.assert(201);
    let entry = app.newest().await;
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(entry["headers"][name], "•••", "{name}");
    }
    assert_eq!(entry["headers"]["content-type"], "application/json");
    assert_eq!(entry["responseHeaders"]["x-content-type-options"], "nosniff");
    assert_eq!(entry["query"], "apiKey=•••&X-Bkend-Signature=•••");
    let request: Value = serde_json::from_str(entry["requestBody"].as_str().unwrap()).unwrap();
    assert_eq!(request, json!({ "title": "a", "password": "•••", "nested": { "otpCode": "•••" } }));
    let response: Value = serde_json::from_str(entry["responseBody"].as_str().unwrap()).unwrap();
    assert_eq!((&response["title"], &response["password"]), (&json!("a"), &json!("•••")));
    let text = entry.to_string();
    for secret in ["hunter2", "123456", "pk_secret", &app.publishable_key, &mina.token] {
        assert!(!text.contains(secret), "{secret}");
    }
    app.guest().get("/v1/posts").await.assert(403);
    let refused = app.newest().await;
    assert!(refused["decision"].as_str().is_some_and(|d| !d.is_empty()));
    assert!(refused["responseBody"].as_str().unwrap().contains("data/permission-denied"), "the server's own codes are no secrets");
}

#[actix_web::test]
async fn bodies_are_kept_as_the_project_says_and_the_first_16_kib_only() {
    let app = with_posts().await;
    let mina = app.user("mina", "user").await;
    let long = json!({ "title": "x".repeat(40_000), "token": "s3cret" });
    mina.post("/v1/data/posts", long).await.assert(201);
    let entry = app.newest().await;
    for side in ["requestBody", "responseBody"] {
        let kept = entry[side].as_str().unwrap();
        assert!(kept.len() <= 16 * 1024 && kept.len() > 16_000, "{}", kept.len());
    }
    app.settings(json!({ "requestLogBodies": "none" })).await;
    mina.post("/v1/data/posts", json!({ "title": "b" })).await.assert(201);
    let entry = app.newest().await;
    assert_eq!((&entry["requestBody"], &entry["responseBody"]), (&Value::Null, &Value::Null));
    app.settings(json!({ "requestLogBodies": "all" })).await;
    mina.get("/v1/data/posts").await.assert(200);
    assert!(app.newest().await["responseBody"].is_string());
}

#[actix_web::test]
async fn members_see_the_log_and_admins_empty_it() {
    let app = with_posts().await;
    app.secret().get("/v1/posts").await.assert(200);
    let path = format!("{}/requests", app.environment_path());
    let member = app.member("mina", "member").await;
    assert_eq!(member.get(&path).await.assert(200)["pagination"]["total"], 1);
    member.delete(&path).await.assert_error(403, "organization/permission-denied");
    app.member("bill", "billing").await.get(&path).await.assert_error(403, "organization/permission-denied");
    app.developer("stranger").await.get(&path).await.assert_error(404, "project/not-found");
    app.client().get(&path).await.assert_error(401, "common/authentication-required");
    app.secret().get(&path).await.assert(401);
    member.get(&format!("{path}/65f0a1b2c3d4e5f6a7b8c9d0")).await.assert_error(404, "request/not-found");
    app.operator().delete(&path).await.assert(204);
    assert_eq!(app.logged("").await["pagination"]["total"], 0);
    let audit = app.operator().get(&format!("{}/activities", app.project_path())).await.assert(200);
    assert_eq!(audit["items"][0]["metadata"]["cleared"], "requests");
}

/// Events of a stream until there are `wanted` of them.
async fn events(client: &Client, path: &str, wanted: usize, meanwhile: impl AsyncFnOnce()) -> Vec<(String, Value)> {
    let response = client.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut chunks = response.bytes_stream();
    let mut text = String::from_utf8(chunks.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(text.starts_with(':'), "a comment shows at once that the stream is open");
    meanwhile().await;
    while text.matches("event: request").count() < wanted || !text.ends_with("\n\n") {
        text.push_str(std::str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap());
    }
    let field = |event: &str, name: &str| event.lines().find_map(|l| l.strip_prefix(name)).map(str::to_owned);
    text.split("\n\n").filter_map(|e| Some((field(e, "id: ")?, serde_json::from_str(&field(e, "data: ")?).unwrap()))).collect()
}

#[actix_web::test]
async fn the_stream_sends_requests_as_they_come_and_resumes_after_the_last_id() {
    let app = with_posts().await;
    let path = format!("{}/requests/stream", app.environment_path());
    let seen = events(&app.operator(), &format!("{path}?status=2xx"), 2, async || {
        app.guest().get("/v1/posts").await.assert(403);
        app.secret().get("/v1/posts?search=1").await.assert(200);
        app.secret().get("/v1/posts?search=2").await.assert(200);
    })
    .await;
    assert_eq!(seen.iter().map(|(_, e)| e["query"].as_str().unwrap()).collect::<Vec<_>>(), ["search=1", "search=2"]);
    assert_eq!(seen[0].0, seen[0].1["id"].as_str().unwrap());
    let again = app.operator().header("Last-Event-ID", &seen[0].0);
    let resumed = events(&again, &format!("{path}?status=2xx"), 2, async || {
        app.secret().get("/v1/posts?search=3").await.assert(200);
    })
    .await;
    assert_eq!(resumed.iter().map(|(_, e)| e["query"].as_str().unwrap()).collect::<Vec<_>>(), ["search=2", "search=3"]);
}

#[actix_web::test]
async fn streams_end_when_the_server_stops() {
    let app = with_posts().await;
    let path = format!("{}/requests/stream", app.environment_path());
    let response = app.operator().request(reqwest::Method::GET, &path).send().await.unwrap();
    let mut chunks = response.bytes_stream();
    chunks.next().await.unwrap().unwrap();
    assert!(app.client().get("/metrics").await.text.contains("bkend_http_streams_open 1"));
    app.begin_stopping();
    while let Some(chunk) = chunks.next().await {
        chunk.unwrap();
    }
}

#[actix_web::test]
async fn the_log_keeps_the_newest_10000_or_7_days() {
    let app = with_posts().await;
    let secret = app.secret();
    for _ in 0..3 {
        secret.get("/v1/posts").await.assert(200);
    }
    assert_eq!(app.logged("").await["pagination"]["total"], 3);
    let log = app.environment.requests();
    log.record(Entry { at: time::now() - 8 * 86_400_000, target: "/v1/old".into(), ..entry() });
    for _ in 0..12_000 {
        log.record(entry());
    }
    let list = app.logged("?to=2100-01-01").await;
    assert_eq!(list["pagination"]["total"], 10_000);
    assert_eq!(app.logged("?path=old").await["pagination"]["total"], 0, "the entry from before 7 days is gone");
    let requests = app.operator().get(&format!("{}/metrics?series=requests", app.environment_path())).await.assert(200);
    let counted: f64 = requests["points"]["requests"].as_array().unwrap().iter().filter_map(|p| p[1].as_f64()).sum();
    assert_eq!(counted, 12_003.0, "what the log drops is counted all the same");
}

#[actix_web::test]
async fn metrics_are_series_of_points() {
    let app = with_posts().await;
    app.secret().post("/v1/posts", json!({ "title": "a" })).await.assert(201);
    app.guest().get("/v1/posts").await.assert(403);
    let path = format!("{}/metrics", app.environment_path());
    let all = app.operator().get(&path).await.assert(200);
    assert_eq!(all["step"], "1m");
    let last = |series: &str| all["points"][series].as_array().unwrap().iter().rev().find_map(|p| p[1].as_f64());
    let sum = |series: &str| all["points"][series].as_array().unwrap().iter().filter_map(|p| p[1].as_f64()).sum::<f64>();
    assert_eq!((sum("requests"), sum("errors"), last("rows"), last("users")), (2.0, 1.0, Some(1.0), Some(0.0)));
    assert!(last("latencyP95").unwrap() >= last("latencyP50").unwrap() && last("latencyP50").unwrap() > 0.0);
    let days = app.operator().get(&format!("{path}?from=2026-01-01&to=2026-01-08&step=1d&series=requests,rows")).await.assert(200);
    assert_eq!(days["points"].as_object().unwrap().len(), 2);
    assert_eq!(days["points"]["requests"].as_array().unwrap().len(), 7);
    assert_eq!(days["points"]["requests"][0], json!(["2026-01-01T00:00:00.000Z", 0.0]));
    assert_eq!(days["points"]["rows"][0][1], Value::Null);
    for (query, name) in [("step=2m", "step"), ("series=x", "series"), ("from=x", "from"), ("from=2020-01-01&step=1m", "step")] {
        let answer = app.operator().get(&format!("{path}?{query}")).await;
        assert_eq!(answer.details(), [format!("{name}/parameter")]);
        answer.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn entries_survive_a_clean_stop() {
    use std::sync::Arc;

    use bkend_local::domain::backend::{Backend, Options};
    use bkend_local::domain::page::Page;
    use bkend_local::domain::requests::Filter;

    let directory = tempfile::tempdir().unwrap();
    let options = || Options { data_dir: directory.path().join(".bkend"), project_name: "blog".into(), ..Options::default() };
    let backend = Arc::new(Backend::open(options()).unwrap());
    let first = backend.first_run().await.unwrap().unwrap();
    let environment_id = backend.keys().resolve(backend.control(), &first.publishable_key).await.unwrap().environment_id.clone();
    let environment = backend.environment(&environment_id).await.unwrap();
    environment.requests().record(entry());
    let closing = Arc::clone(&backend);
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    environment.requests().record(entry());
    drop((environment, backend));
    // The dispatcher of the closed environment lets go of its database a moment later.
    let mut reopened = Backend::open(options());
    for _ in 0..500 {
        if reopened.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        reopened = Backend::open(options());
    }
    let reopened = Arc::new(reopened.ok().unwrap());
    let environment = reopened.environment(&environment_id).await.unwrap();
    let list = environment.requests().list(&Filter::default(), Page::default()).await.unwrap();
    assert_eq!(list.pagination.total, 1, "what came after the end is not kept");
}

fn entry() -> Entry {
    Entry {
        id: id::new_id(),
        request_id: "r".into(),
        method: "GET".into(),
        target: "/v1/posts".into(),
        status: 200,
        duration_us: 100,
        bytes_in: 0,
        bytes_out: 0,
        caller: Caller::Guest { key: None },
        error_code: None,
        at: time::now(),
        headers: Vec::new(),
        response_headers: Vec::new(),
        bodies: None,
        decision: None,
        query_us: None,
    }
}
