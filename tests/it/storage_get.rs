//! GET, HEAD and OPTIONS of objects (`05-storage.md` §6.2, §6.4, §6.5), and what happens beside a running download (§8).

use std::time::Duration;

use bkend_local::domain::files::disposition::Disposition;
use bkend_local::domain::files::signature::Claim;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::storage::{HELLO, HELLO_ETAG, Upload, get, put, send, settled};
use crate::support::wire::{Wire, request};
use crate::support::{Answer, Client, TestApp};

fn s3(answer: Answer, status: u16, code: &str, s3_code: &str) {
    assert_eq!(answer.assert_error(status, code)["error"]["s3Code"], s3_code);
}

async fn hello(app: &TestApp) -> Upload {
    let upload = Upload::stored(app, HELLO, |_| {}).await;
    upload.register(app, "public").await;
    upload
}

async fn head(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(client, Method::HEAD, path, Vec::new(), headers).await
}

#[actix_web::test]
async fn bytes_that_look_like_a_refusal_of_the_server_come_as_they_are() {
    let app = TestApp::start().await;
    let refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    let small = [refusal.as_slice(), b"and more"].concat();
    // Wherever a piece of a large file begins, it begins like that.
    let large: Vec<u8> = refusal.iter().copied().cycle().take(3 << 20).collect();
    let aligned: Vec<u8> = refusal.iter().copied().chain(std::iter::repeat(b' ')).take(64 << 10).collect::<Vec<_>>().repeat(32);
    for body in [refusal.to_vec(), small, large, aligned] {
        let upload = Upload::stored(&app, &body, |_| {}).await;
        upload.register(&app, "public").await;
        for _ in 0..12 {
            let answer = app.client().request(Method::GET, &upload.path()).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.bytes().await.unwrap() == body, "{} bytes", body.len());
        }
    }
}

#[actix_web::test]
async fn a_plain_url_reads_by_state_and_visibility() {
    let app = TestApp::start().await;
    let client = app.client();
    for (stated, registered, status) in [
        (None, None, 200),
        (Some("public"), None, 200),
        (Some("private"), None, 403),
        (Some("protected"), None, 403),
        (Some("shared"), None, 403),
        (None, Some("public"), 200),
        (None, Some("private"), 403),
        (None, Some("protected"), 403),
        (Some("public"), Some("private"), 403),
        (Some("private"), Some("public"), 200),
        (Some("public"), Some("shared"), 403),
    ] {
        let upload = Upload::stored(&app, HELLO, |row| row.visibility = stated.map(str::to_owned)).await;
        if let Some(visibility) = registered {
            upload.register(&app, visibility).await;
        }
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(send(&client, method, &upload.path(), Vec::new(), &[]).await.status, status, "{stated:?} {registered:?}");
        }
        let signed = get(&client, &upload.get_url(&app, Disposition::Inline), &[]).await;
        assert_eq!((signed.status, signed.text.as_bytes()), (200, HELLO));
        if status == 403 {
            s3(get(&client, &upload.path(), &[]).await, 403, "file/access-denied", "AccessDenied");
        }
        upload.delete(&app).await;
        let gone = get(&client, &upload.path(), &[]).await;
        let headers =
            ["x-content-type-options", "referrer-policy", "cross-origin-resource-policy"].map(|name| gone.header(name).unwrap_or_default().to_owned());
        assert_eq!(headers, ["nosniff", "no-referrer", "cross-origin"]);
        s3(gone, 404, "file/not-found", "NoSuchKey");
        s3(get(&client, &upload.get_url(&app, Disposition::Inline), &[]).await, 404, "file/not-found", "NoSuchKey");
    }
    let pending = Upload::begin(&app).await;
    s3(get(&client, &pending.path(), &[]).await, 404, "file/not-found", "NoSuchKey");
    s3(get(&client, &pending.get_url(&app, Disposition::Inline), &[]).await, 404, "file/not-found", "NoSuchKey");
}

#[actix_web::test]
async fn reading_unregistered_objects_by_their_key_can_be_switched_off() {
    let app = TestApp::start().await;
    let mut settings = app.environment.file_settings().as_ref().clone();
    settings.read_unregistered_by_url = false;
    app.environment.set_file_settings(settings).await.unwrap();
    let (unstated, public) = (Upload::stored(&app, HELLO, |_| {}).await, Upload::stored(&app, HELLO, |row| row.visibility = Some("public".into())).await);
    s3(get(&app.client(), &unstated.path(), &[]).await, 403, "file/access-denied", "AccessDenied");
    get(&app.client(), &public.path(), &[]).await.assert(200);
}

#[actix_web::test]
async fn an_unregistered_object_that_was_fetched_plainly_is_remembered() {
    let app = TestApp::start().await;
    let fetched = async |upload: &Upload| {
        let id = upload.row.id.clone();
        let row = app.environment.data().read::<_, bkend_local::domain::error::Error, _>(move |r| Ok(r.upload(&id)?)).await.unwrap();
        row.unwrap().fetched_at.is_some()
    };
    let (plain, signed) = (Upload::stored(&app, HELLO, |_| {}).await, Upload::stored(&app, HELLO, |_| {}).await);
    get(&app.client(), &plain.path(), &[]).await.assert(200);
    get(&app.client(), &signed.get_url(&app, Disposition::Inline), &[]).await.assert(200);
    assert!(fetched(&plain).await && !fetched(&signed).await);
}

#[actix_web::test]
async fn a_signature_that_is_present_is_checked_also_for_public_files() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    let url = upload.get_url(&app, Disposition::Inline);
    for bad in [url.replace("inline", "attachment"), format!("{}?X-Bkend-Signature=", upload.path()), format!("{url}&X-Bkend-Expires=1"), upload.put_url(&app)]
    {
        s3(get(&client, &bad, &[]).await, 403, "file/signature-invalid", "SignatureDoesNotMatch");
    }
    // Without a signature, the other parameters mean nothing.
    get(&client, &format!("{}?X-Bkend-Expires=1&X-Bkend-Disposition=x", upload.path()), &[]).await.assert(200);
    head(&client, &url, &[]).await.assert(200);
    app.environment.clock().advance(16 * 60 * 1000);
    let late = get(&client, &url, &[]).await;
    assert!(late.body["message"].as_str().unwrap().starts_with("Request has expired"), "{}", late.text);
    s3(late, 403, "file/url-expired", "AccessDenied");
    get(&client, &upload.path(), &[]).await.assert(200);
}

#[actix_web::test]
async fn an_answer_describes_the_object() {
    let app = TestApp::start().await;
    let upload = hello(&app).await;
    for method in [Method::GET, Method::HEAD] {
        let answer = send(&app.client(), method.clone(), &upload.path(), Vec::new(), &[("Accept-Encoding", "gzip, deflate, br")]).await;
        assert_eq!((answer.status, answer.text.as_bytes()), (200, if method == Method::GET { HELLO } else { b"" }));
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", "12"),
            ("accept-ranges", "bytes"),
            ("etag", HELLO_ETAG),
            ("content-disposition", "inline; filename=\"hello.txt\"; filename*=UTF-8''hello.txt"),
            ("cache-control", "public, max-age=3600"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("content-security-policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {name}");
        }
        assert!(answer.header("last-modified").unwrap().ends_with(" GMT") && answer.header("content-encoding").is_none());
        assert!(answer.header("x-request-id").is_some());
    }
    let signed = get(&app.client(), &upload.get_url(&app, Disposition::Attachment), &[]).await;
    assert_eq!(signed.header("cache-control"), Some("private, no-cache"));
    assert!(signed.header("content-disposition").unwrap().starts_with("attachment; "));
    let unregistered = Upload::stored(&app, HELLO, |_| {}).await;
    assert_eq!(get(&app.client(), &unregistered.path(), &[]).await.header("cache-control"), Some("private, no-cache"));
}

#[actix_web::test]
async fn no_stored_file_can_act_in_the_name_of_the_server() {
    let app = TestApp::start().await;
    for (stored, sent, shown, sandboxed) in [
        ("image/png", "image/png", true, false),
        ("video/mp4", "video/mp4", true, false),
        ("audio/mpeg", "audio/mpeg", true, false),
        ("application/pdf", "application/pdf", true, false),
        ("text/plain", "text/plain", true, true),
        ("text/html", "text/html", false, true),
        ("image/svg+xml", "image/svg+xml", false, true),
        ("application/xml", "application/xml", false, true),
        ("application/zip", "application/zip", false, true),
        ("text/javascript", "text/plain", false, true),
        ("application/x-unknown", "application/x-unknown", false, true),
    ] {
        let upload = Upload::stored(&app, HELLO, |row| row.content_type = Some(stored.into())).await;
        for (url, saved) in [
            (upload.path(), false),
            (format!("{}?download=1", upload.path()), true),
            (format!("{}?download=0", upload.path()), false),
            (upload.get_url(&app, Disposition::Inline), false),
            (upload.get_url(&app, Disposition::Attachment), true),
        ] {
            let answer = get(&app.client(), &url, &[]).await;
            assert_eq!(answer.header("content-type"), Some(sent), "{stored}");
            let disposition = if shown && !saved { "inline; " } else { "attachment; " };
            assert!(answer.header("content-disposition").unwrap().starts_with(disposition), "{stored} {url}");
            assert_eq!(answer.header("content-security-policy").is_some(), sandboxed, "{stored}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }
}

#[actix_web::test]
async fn conditions_are_judged_in_the_order_of_the_standard() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    let modified = head(&client, &upload.path(), &[]).await.header("last-modified").unwrap().to_owned();
    let (past, future) = ("Thu, 01 Jan 1970 00:00:10 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
    let cases: [(&[(&str, &str)], u16); 16] = [
        (&[("If-None-Match", HELLO_ETAG)], 304),
        (&[("If-None-Match", "\"x\", W/\"8dcb26212e228820df83ef44784abe69\"")], 304),
        (&[("If-None-Match", "*")], 304),
        (&[("If-None-Match", "\"x\"")], 200),
        (&[("If-None-Match", "\"x\""), ("If-Modified-Since", future)], 200),
        (&[("If-Modified-Since", &modified)], 304),
        (&[("If-Modified-Since", past)], 200),
        (&[("If-Modified-Since", "nonsense")], 200),
        (&[("If-Match", HELLO_ETAG)], 200),
        (&[("If-Match", "*")], 200),
        (&[("If-Match", "\"x\"")], 412),
        (&[("If-Match", "W/\"8dcb26212e228820df83ef44784abe69\"")], 412),
        (&[("If-Match", HELLO_ETAG), ("If-Unmodified-Since", past)], 200),
        (&[("If-Unmodified-Since", past)], 412),
        (&[("If-Unmodified-Since", &modified)], 200),
        (&[("If-Match", "\"x\""), ("If-None-Match", HELLO_ETAG)], 412),
    ];
    for (headers, status) in cases {
        for method in [Method::GET, Method::HEAD] {
            let answer = send(&client, method.clone(), &upload.path(), Vec::new(), headers).await;
            assert_eq!(answer.status, status, "{method} {headers:?}");
            match status {
                304 => assert_eq!(
                    (answer.header("etag"), answer.header("cache-control"), answer.text.as_str()),
                    (Some(HELLO_ETAG), Some("public, max-age=3600"), "")
                ),
                412 if method == Method::GET => s3(answer, 412, "file/precondition-failed", "PreconditionFailed"),
                _ => {}
            }
        }
    }
}

#[actix_web::test]
async fn one_range_is_206_and_one_behind_the_end_416() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    for (range, part, bytes) in
        [("bytes=6-10", "6-10", "bkend"), ("bytes=-6", "6-11", "bkend\n"), ("bytes=6-", "6-11", "bkend\n"), ("bytes=0-99", "0-11", "hello bkend\n")]
    {
        let answer = get(&client, &upload.path(), &[("Range", range)]).await;
        assert_eq!((answer.status, answer.text.as_str()), (206, bytes), "{range}");
        assert_eq!(answer.header("content-range"), Some(format!("bytes {part}/12").as_str()));
        assert_eq!(answer.header("content-length"), Some(bytes.len().to_string().as_str()));
        assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (Some(HELLO_ETAG), Some("bytes")));
    }
    for range in ["bytes=12-", "bytes=-0", "bytes=999-1000"] {
        let answer = get(&client, &upload.path(), &[("Range", range)]).await;
        assert_eq!(answer.header("content-range"), Some("bytes */12"), "{range}");
        s3(answer, 416, "file/invalid-range", "InvalidRange");
    }
    for range in ["bytes=0-1,3-4", "bytes=5-2", "bytes=x", "items=0-1", "bytes"] {
        let answer = get(&client, &upload.path(), &[("Range", range)]).await;
        assert_eq!((answer.status, answer.text.as_bytes(), answer.header("content-range")), (200, HELLO, None), "{range}");
    }
    assert_eq!(head(&client, &upload.path(), &[("Range", "bytes=6-10")]).await.status, 200);
    // A condition that holds comes first.
    get(&client, &upload.path(), &[("Range", "bytes=12-"), ("If-None-Match", HELLO_ETAG)]).await.assert(304);
}

#[actix_web::test]
async fn if_range_sends_the_part_only_of_the_same_object() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    let modified = head(&client, &upload.path(), &[]).await.header("last-modified").unwrap().to_owned();
    app.environment.clock().advance(5_000);
    for (validator, status) in [
        (HELLO_ETAG, 206),
        (modified.as_str(), 206),
        ("\"x\"", 200),
        ("W/\"8dcb26212e228820df83ef44784abe69\"", 200),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 200),
        ("nonsense", 200),
    ] {
        let answer = get(&client, &upload.path(), &[("Range", "bytes=6-10"), ("If-Range", validator)]).await;
        assert_eq!(answer.status, status, "{validator}");
    }
}

#[actix_web::test]
async fn any_range_of_a_large_object_is_the_same_bytes() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 % 253) as u8).collect();
    let upload = Upload::stored(&app, &bytes, |_| {}).await;
    let mut random = crate::support::random::Random::seeded("RANGE_SEED");
    for _ in 0..60 {
        let first = random.below(bytes.len());
        let last = first + random.below(bytes.len() - first);
        let request = app.client().request(Method::GET, &upload.path()).header("Range", format!("bytes={first}-{last}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 206);
        assert!(answer.bytes().await.unwrap() == bytes[first..=last], "{first}-{last}");
    }
}

#[actix_web::test]
async fn a_key_is_matched_exactly_after_decoding_once() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    let path = upload.path();
    get(&client, &path.replace("hello", "%68ello"), &[]).await.assert(200);
    let id = app.environment.id();
    for other in [
        path.replace("hello", "%2568ello"),
        path.replace("/storage/", "/storage//"),
        path.replace("/hello.txt", "//hello.txt"),
        format!("{path}/"),
        path.to_uppercase().replace("/STORAGE", "/storage"),
        format!("/storage/{id}/..%2f..%2fcontrol.db"),
        format!("/storage/{id}/..%5c..%5ccontrol.db"),
        "/storage/%00".to_owned(),
        "/storage/%ff%fe".to_owned(),
        "/storage/a%0Ab".to_owned(),
        "/storage/".to_owned(),
        "/storage".to_owned(),
        format!("/storage/{}", "a".repeat(5000)),
        "/storage/%EA%B0%80".to_owned(),
        path.replace("hello.txt", "hello.txt%00"),
    ] {
        s3(get(&client, &other, &[]).await, 404, "file/not-found", "NoSuchKey");
    }
    // As it stands on the wire, undone by no client.
    for target in [format!("/storage/{id}/../../control.db"), format!("/storage/{id}/%2e%2e/%2e%2e/control.db"), "/storage/../storage/x".to_owned()] {
        let mut wire = Wire::open(app.port()).await.unwrap();
        let reply = wire.exchange(&request("GET", target.as_bytes(), &[], None), true).await.unwrap();
        assert!(reply.status == 404 && String::from_utf8_lossy(&reply.body).contains("file/not-found"), "{target}");
    }
}

#[actix_web::test]
async fn imported_keys_may_have_any_shape() {
    let app = TestApp::start().await;
    for key in ["photos/2024/a b (1)%.txt", "695f7c9c7a2e4c5d6e7f8091/other/회의록.txt", "x", "a?b#c/d"] {
        let upload = Upload::stored(&app, HELLO, |row| row.key = key.to_owned()).await;
        upload.register(&app, "public").await;
        assert_eq!(get(&app.client(), &upload.path(), &[]).await.text.as_bytes(), HELLO, "{key}");
        get(&app.client(), &upload.get_url(&app, Disposition::Inline), &[]).await.assert(200);
    }
}

#[actix_web::test]
async fn pages_of_other_origins_may_call_and_read_everything_also_errors() {
    let app = TestApp::start().await;
    let (upload, client) = (hello(&app).await, app.client());
    let origin = ("Origin", "http://localhost:3000");
    for (path, status) in [(upload.path(), 200), ("/storage/none".to_owned(), 404), (format!("{}?X-Bkend-Signature=0", upload.path()), 403)] {
        let answer = get(&client, &path, &[origin]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("http://localhost:3000")));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for name in ["ETag", "X-Request-Id", "Retry-After", "Content-Length", "Content-Range", "Content-Disposition", "Accept-Ranges", "Last-Modified"] {
            assert!(exposed.split(", ").any(|one| one == name), "{name}");
        }
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"));
    }
    let answer = put(&client, &upload.put_url(&app), HELLO.to_vec(), &[origin]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (409, Some("http://localhost:3000")));
    let foreign = get(&client, &upload.path(), &[("Origin", "https://evil.example")]).await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, None));
}

#[actix_web::test]
async fn a_preflight_grants_what_was_asked_for_and_is_allowed() {
    let app = TestApp::start().await;
    let (upload, client) = (Upload::begin(&app).await, app.client());
    let ask = |origin: &'static str, headers: &'static str| {
        let (client, url) = (client.clone(), upload.put_url(&app));
        async move {
            let mut sent = vec![("Origin", origin), ("Access-Control-Request-Method", "PUT")];
            if !headers.is_empty() {
                sent.push(("Access-Control-Request-Headers", headers));
            }
            send(&client, Method::OPTIONS, &url, Vec::new(), &sent).await
        }
    };
    let answer = ask("http://localhost:3000", "content-type").await;
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "http://localhost:3000"),
        ("access-control-allow-methods", "GET, HEAD, PUT"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "3600"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let many = ask("http://127.0.0.1:1", "content-md5,range, If-Match,if-range,authorization,X-API-Key,x-requested-with,cache-control,x-amz-acl,x-evil").await;
    let granted = "content-md5, range, If-Match, if-range, authorization, X-API-Key, x-requested-with, cache-control, x-amz-acl";
    assert_eq!(many.header("access-control-allow-headers"), Some(granted));
    assert_eq!(ask("http://[::1]:1", "").await.header("access-control-allow-headers"), None);
    let foreign = ask("https://shop.example", "content-type").await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (204, None));
    // Of the project the key belongs to.
    let organizations = app.operator().get("/management/v1/organizations").await.assert(200);
    let projects =
        app.operator().get(&format!("/management/v1/organizations/{}/projects", organizations["items"][0]["id"].as_str().unwrap())).await.assert(200);
    let cors = format!("/management/v1/projects/{}/cors", projects["items"][0]["id"].as_str().unwrap());
    app.operator().put(&cors, json!({ "origins": ["https://shop.example"] })).await.assert(200);
    assert_eq!(ask("https://shop.example", "content-type").await.header("access-control-allow-origin"), Some("https://shop.example"));
    let answer = put(&client, &upload.put_url(&app), HELLO.to_vec(), &[("Origin", "https://shop.example")]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("https://shop.example")));
    let plain = send(&client, Method::OPTIONS, &upload.path(), Vec::new(), &[]).await;
    assert_eq!((plain.status, plain.header("allow")), (204, Some("GET, HEAD, PUT, OPTIONS")));
}

/// A download of which nothing but the head and some bytes was read yet.
struct Download {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Download {
    async fn begin(app: &TestApp, path: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", app.port())).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut got = vec![0; 4096];
        let n = stream.read(&mut got).await.unwrap();
        got.truncate(n);
        Self { stream, got }
    }

    async fn rest(mut self) -> Vec<u8> {
        self.stream.read_to_end(&mut self.got).await.unwrap();
        let end = self.got.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        self.got.split_off(end)
    }
}

#[actix_web::test]
async fn a_running_download_outlives_delete_replacement_and_a_change_of_visibility() {
    let app = TestApp::start().await;
    let large = vec![b'a'; 24 * 1024 * 1024];
    let (deleted, replaced) = (Upload::stored(&app, &large, |_| {}).await, Upload::stored(&app, &large, |_| {}).await);
    let downloads = [Download::begin(&app, &deleted.path()).await, Download::begin(&app, &replaced.path()).await];
    deleted.delete(&app).await;
    put(&app.client(), &replaced.put_url(&app), HELLO.to_vec(), &[]).await.assert(200);
    get(&app.client(), &deleted.path(), &[]).await.assert_error(404, "file/not-found");
    assert_eq!(get(&app.client(), &replaced.path(), &[]).await.text.as_bytes(), HELLO);
    for download in downloads {
        assert!(download.rest().await == large);
    }
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn a_get_while_puts_replace_is_wholly_one_of_them() {
    let app = TestApp::start_with(|settings| settings.workers = Some(2)).await;
    let upload = Upload::stored(&app, &[0; 300_000], |_| {}).await;
    let (client, url) = (app.client(), upload.put_url(&app));
    let writer = async {
        for n in 1..40u8 {
            put(&client, &url, vec![n; 300_000 + usize::from(n)], &[]).await.assert(200);
        }
    };
    let readers = (0..4).map(|_| async {
        for _ in 0..30 {
            let answer = app.client().request(Method::GET, &upload.path()).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let etag = answer.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
            let bytes = answer.bytes().await.unwrap();
            assert!(bytes.iter().all(|b| *b == bytes[0]) && bytes.len() == 300_000 + usize::from(bytes[0]), "a mixture");
            use md5::Digest as _;
            assert_eq!(hex::encode(md5::Md5::digest(&bytes)), etag);
        }
    });
    futures_util::join!(writer, futures_util::future::join_all(readers));
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn clients_that_leave_a_download_or_read_it_slowly_harm_nobody() {
    let app = TestApp::start().await;
    let large = vec![b'b'; 16 * 1024 * 1024];
    let upload = Upload::stored(&app, &large, |_| {}).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(Download::begin(&app, &upload.path()).await);
    }
    slow.truncate(8);
    let whole = get(&app.client(), &upload.path(), &[]).await;
    assert_eq!((whole.status, whole.text.len()), (200, large.len()));
    for download in slow {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(download.rest().await == large);
    }
}

#[actix_web::test]
async fn thirty_two_downloads_at_once_all_arrive() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..2_000_000u32).map(|n| (n % 249) as u8).collect();
    let upload = Upload::stored(&app, &bytes, |_| {}).await;
    let all = (0..32).map(|_| async {
        let answer = app.client().request(Method::GET, &upload.path()).send().await.unwrap();
        assert!(answer.bytes().await.unwrap() == bytes);
    });
    futures_util::future::join_all(all).await;
}

#[actix_web::test]
async fn a_url_for_another_environment_reads_nothing_here() {
    let app = TestApp::start().await;
    let upload = hello(&app).await;
    let claim = Claim::get(&upload.row.key.replace(app.environment.id(), "69577a001b7d4e8f90a1b2c3"), Upload::expires(&app), Disposition::Inline);
    s3(get(&app.client(), &upload.sign(&app, &claim), &[]).await, 404, "file/not-found", "NoSuchKey");
}
