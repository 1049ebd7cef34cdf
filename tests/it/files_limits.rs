//! Quota, sweeping, uploading by form, copies and removal of environments, hostile input (`05-storage.md` §3, §5, §8, §9).

use std::time::Duration;

use bkend_local::domain::files::sweep::sweep;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::files::{HELLO, named, registration};
use crate::support::storage::{get, put, settled};
use crate::support::{Answer, Client, TestApp};

const UPLOAD: &str = "/v1/files/upload";
const HOUR: i64 = 3600;

#[actix_web::test]
async fn parallel_uploads_never_pass_the_quota() {
    let app = TestApp::start().await;
    app.storage(|s| s.quota_bytes = 12 * 5 + 6).await;
    let secret = app.secret();
    let mut urls = Vec::new();
    for _ in 0..16 {
        urls.push(secret.post("/v1/files/presigned-url", json!({ "filename": "a.txt", "contentType": "text/plain" })).await.assert(200));
    }
    let answers = join_all(urls.iter().map(|upload| app.put_to(&upload["url"], HELLO))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 5);
    for answer in answers.into_iter().filter(|a| a.status != 200) {
        answer.assert_error(507, "file/quota-exceeded");
    }
    // Parts and uploads by form count as well.
    let (upload, _) = app.in_parts(&secret, 12, &[(1, b"six by")]).await;
    let url = secret.post("/v1/files/multipart/presigned-url", named(&upload, json!({ "partNumber": 2 }))).await.assert(200);
    app.put_to(&url["url"], b"x").await.assert_error(507, "file/quota-exceeded");
    form(&secret, &[("file", Some("a.txt"), b"x")]).await.assert_error(507, "file/quota-exceeded");
    secret.post("/v1/files/multipart/abort", named(&upload, json!({}))).await.assert(200);
    form(&secret, &[("file", Some("a.txt"), b"x")]).await.assert(201);
    settled(&app).await;
}

#[actix_web::test]
async fn the_sum_of_stored_bytes_follows_every_change() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let stored = || app.environment.data().read_blocking::<_, bkend_local::store::StoreError, _>(|r| r.stored_bytes()).unwrap();
    let file = app.hello(&secret, json!({})).await;
    assert_eq!(stored(), 12);
    let upload = app.stored(&secret, json!({ "filename": "a.txt", "contentType": "text/plain" }), b"longer than hello").await;
    assert_eq!(stored(), 29);
    app.put_to(&upload["url"], b"less").await.assert(200);
    assert_eq!(stored(), 16);
    let (upload, mut parts) = app.in_parts(&secret, 24, &[(1, HELLO), (2, HELLO), (3, b"x")]).await;
    assert_eq!(stored(), 41);
    parts[2] = app.part(&secret, &upload, 3, b"yy").await;
    assert_eq!(stored(), 42);
    secret.post("/v1/files/multipart/complete", named(&upload, json!({ "parts": [parts[0], parts[2]] }))).await.assert(200);
    assert_eq!(stored(), 30);
    secret.delete(&format!("/v1/files/{}", file["id"].as_str().unwrap())).await.assert(200);
    assert_eq!(stored(), 18);
}

async fn is_there(app: &TestApp, upload: &Value) -> bool {
    let id = upload["fileId"].as_str().unwrap().to_owned();
    app.environment.data().read_blocking::<_, bkend_local::store::StoreError, _>(|r| r.upload(&id)).unwrap().is_some()
}

#[actix_web::test]
async fn uploads_nobody_wanted_are_swept_when_their_time_is_over() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let text = json!({ "filename": "a.txt", "contentType": "text/plain" });
    let pending = secret.post("/v1/files/presigned-url", text.clone()).await.assert(200);
    let orphan = app.stored(&secret, text.clone(), HELLO).await;
    let shown = app.stored(&secret, text.clone(), HELLO).await;
    let path = app.path_of(&shown["url"]);
    get(&app.client(), path.split('?').next().unwrap(), &[]).await.assert(200);
    let file = app.hello(&secret, json!({})).await;
    let (open, _) = app.in_parts(&secret, 24, &[(1, HELLO)]).await;
    let (aborted, _) = app.in_parts(&secret, 24, &[]).await;
    secret.post("/v1/files/multipart/abort", named(&aborted, json!({}))).await.assert(200);
    app.wait(23 * HOUR);
    assert_eq!(sweep(&app.environment).await.unwrap(), 0);
    // A new part keeps its upload.
    app.part(&secret, &open, 2, HELLO).await;
    app.wait(HOUR + 1);
    assert_eq!(sweep(&app.environment).await.unwrap(), 3);
    for (upload, stays) in [(&pending, false), (&orphan, false), (&aborted, false), (&shown, true), (&open, true)] {
        assert_eq!(is_there(&app, upload).await, stays, "{upload}");
    }
    app.wait(24 * HOUR);
    assert_eq!(sweep(&app.environment).await.unwrap(), 1);
    assert!(!is_there(&app, &open).await && is_there(&app, &shown).await);
    secret.get(&format!("/v1/files/{}", file["id"].as_str().unwrap())).await.assert(200);
    assert_eq!(settled(&app).await.len(), 2);
    secret.post("/v1/files", registration(&orphan, json!({}))).await.assert_error(400, "file/invalid-path");
    put(&app.client(), &app.path_of(&pending["url"]), HELLO.to_vec(), &[]).await.assert_error(403, "file/url-expired");
}

#[actix_web::test]
async fn orphans_and_stale_uploads_are_kept_as_long_as_the_settings_say() {
    let app = TestApp::start().await;
    app.storage(|s| (s.orphan_hours, s.stale_upload_hours) = (1, 48)).await;
    let secret = app.secret();
    let orphan = app.stored(&secret, json!({ "filename": "a.txt", "contentType": "text/plain" }), HELLO).await;
    let (open, _) = app.in_parts(&secret, 24, &[]).await;
    app.wait(HOUR + 1);
    assert_eq!(sweep(&app.environment).await.unwrap(), 1);
    assert!(!is_there(&app, &orphan).await);
    app.wait(46 * HOUR);
    assert_eq!(sweep(&app.environment).await.unwrap(), 0);
    app.wait(2 * HOUR);
    secret.post("/v1/files/multipart/complete", named(&open, json!({ "parts": [] }))).await.assert_error(404, "file/upload-not-found");
    assert_eq!(sweep(&app.environment).await.unwrap(), 1);
}

/// Sends a form: name, file name, bytes.
async fn form(client: &Client, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, filename, bytes) in parts {
        let filename = filename.map_or_else(String::new, |filename| format!("; filename=\"{filename}\""));
        body.extend_from_slice(format!("--harbor\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--harbor--\r\n");
    send(client, "multipart/form-data; boundary=harbor", body).await
}

async fn send(client: &Client, content_type: &str, body: Vec<u8>) -> Answer {
    Answer::of(client.request(Method::POST, UPLOAD).header(CONTENT_TYPE, content_type).body(body).send().await.unwrap()).await
}

#[actix_web::test]
async fn a_form_stores_and_registers_in_one_step() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    // What is said of the file may come before and after it; other parts mean nothing.
    let file = form(
        &mina,
        &[
            ("visibility", None, b"public"),
            ("namespace", None, b"x"),
            ("file", Some("회의록.txt"), HELLO),
            ("bucket", None, b"documents"),
            ("metadata", None, br#"{"tags":["a"]}"#),
        ],
    )
    .await
    .assert(201);
    let expected = [("originalName", json!("회의록.txt")), ("mimeType", json!("text/plain")), ("size", json!(12)), ("visibility", json!("public"))];
    for (member, value) in expected {
        assert_eq!(file[member], value);
    }
    assert_eq!((&file["bucket"], &file["metadata"], &file["ownerId"]), (&json!("documents"), &json!({ "tags": ["a"] }), &json!(mina.id)));
    assert_eq!(file["etag"], "8dcb26212e228820df83ef44784abe69");
    assert_eq!(get(&app.client(), &app.path_of(&file["url"]), &[]).await.text.as_bytes(), HELLO);
    let empty = form(&mina, &[("file", Some("empty.bin"), b"")]).await.assert(201);
    assert_eq!((&empty["size"], &empty["visibility"], &empty["bucket"]), (&json!(0), &json!("private"), &json!("attachments")));
}

#[actix_web::test]
async fn names_of_files_in_forms_are_read_as_browsers_and_programs_write_them() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for (written, name) in [
        ("; filename=\"a%22b.txt\"", "a\"b.txt"),
        ("; filename=\"a\\\"b.txt\"", "a\"b.txt"),
        ("; filename=\"100%.txt\"", "100%.txt"),
        ("; filename*=UTF-8''%ED%9A%8C%EC%9D%98.txt", "회의.txt"),
        ("; filename*=utf-8'ko'a%20b.txt; filename=\"a_b.txt\"", "a b.txt"),
        ("; filename=\"a_b.txt\"; filename*=UTF-8''a%20b.txt", "a b.txt"),
        ("; filename=plain.txt", "plain.txt"),
    ] {
        let body = format!("--harbor\r\nContent-Disposition: form-data; name=\"file\"{written}\r\n\r\nx\r\n--harbor--\r\n");
        let file = send(&mina, "multipart/form-data; boundary=harbor", body.into_bytes()).await.assert(201);
        assert_eq!(file["originalName"], name, "{written}");
    }
    for written in ["; filename=\"a%0D%0Ab.txt\"", "; filename=\"a%0Ab.txt\""] {
        let body = format!("--harbor\r\nContent-Disposition: form-data; name=\"file\"{written}\r\n\r\nx\r\n--harbor--\r\n");
        send(&mina, "multipart/form-data; boundary=harbor", body.into_bytes()).await.assert_error(400, "file/invalid-name");
    }
}

#[actix_web::test]
async fn a_form_whose_part_never_begins_is_refused_before_it_fills_the_memory() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for begun in ["", "--harbor\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", "--harbor\r\nX-Long: "] {
        let begun = begun.to_owned();
        // More than could ever be waited for: the answer comes long before the end.
        let pieces = futures_util::stream::iter(0..100_000)
            .map(move |n| Ok::<_, std::io::Error>(if n == 0 { begun.clone().into_bytes() } else { vec![b'a'; 64 * 1024] }));
        let request = mina.request(Method::POST, UPLOAD).header(CONTENT_TYPE, "multipart/form-data; boundary=harbor");
        Answer::of(request.body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap()).await.assert_error(400, "common/invalid-parameters");
    }
    assert!(settled(&app).await.is_empty());
    // A part of the same length is another matter: it goes to the disk.
    form(&mina, &[("file", Some("a.bin"), &vec![7; 5 * 1024 * 1024])]).await.assert(201);
}

#[actix_web::test]
async fn a_form_is_checked_like_the_single_steps_and_leaves_nothing_when_refused() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for (parts, status, code) in [
        (&[("file", Some("../a"), HELLO)][..], 400, "file/invalid-name"),
        (&[("file", Some(""), HELLO)], 400, "file/invalid-name"),
        (&[("file", None, HELLO)], 400, "file/invalid-name"),
        (&[("file", Some("a.html"), HELLO)], 400, "file/invalid-format"),
        (&[("visibility", None, b"public".as_slice())], 400, "common/invalid-parameters"),
        (&[("file", Some("a.txt"), HELLO), ("visibility", None, b"secret")], 400, "common/invalid-parameters"),
        (&[("file", Some("a.txt"), HELLO), ("metadata", None, b"{")], 400, "common/invalid-parameters"),
        (&[("file", Some("a.txt"), HELLO), ("bucket", None, b"avatars")], 400, "file/invalid-format"),
        (&[("file", Some("a.txt"), HELLO), ("file", Some("b.txt"), HELLO)], 400, "common/invalid-parameters"),
        (&[("file", Some("a.txt"), HELLO), ("metadata", None, &[b' '; 70_000])], 400, "common/invalid-parameters"),
    ] {
        form(&mina, parts).await.assert_error(status, code);
    }
    send(&mina, "application/json", b"{}".to_vec()).await.assert_error(415, "common/unsupported-media-type");
    send(&mina, "multipart/form-data", b"x".to_vec()).await.assert_error(415, "common/unsupported-media-type");
    send(&mina, "multipart/form-data; boundary=harbor", b"--harbor\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf".to_vec())
        .await
        .assert_error(400, "common/invalid-parameters");
    app.storage(|s| s.max_document_bytes = 11).await;
    form(&mina, &[("file", Some("a.txt"), HELLO)]).await.assert_error(400, "file/file-too-large");
    app.storage(|s| (s.max_document_bytes, s.min_file_bytes) = (100, 13)).await;
    form(&mina, &[("file", Some("a.txt"), HELLO)]).await.assert_error(400, "file/file-too-small");
    assert_eq!(mina.get("/v1/files").await.assert(200)["pagination"]["total"], 0);
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn a_deleted_environment_and_project_take_their_objects_with_them() {
    let app = TestApp::start().await;
    app.hello(&app.secret(), json!({})).await;
    let folder = app.backend.directory().environment(app.environment.id());
    assert!(folder.join("objects").exists());
    let project = app.environment.project().id.clone();
    app.operator().delete(&format!("/management/v1/projects/{project}?confirm=my-blog")).await.assert(204);
    for _ in 0..200 {
        if !folder.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} is still there", folder.display());
}

#[actix_web::test]
async fn admins_see_files_as_a_system_table() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let file = app.hello(&mina, json!({ "metadata": { "tags": ["a"] }, "sharedWith": [mina.id] })).await;
    let list = app.secret().get("/v1/data/files").await.assert(200);
    let row = &list["items"][0];
    for member in
        ["id", "s3Key", "originalName", "mimeType", "size", "visibility", "bucket", "ownerType", "ownerId", "metadata", "sharedWith", "etag", "createdAt"]
    {
        assert_eq!(row[member], file[member], "{member}");
    }
    mina.get("/v1/data/files").await.assert_error(403, "data/system-table-access");
}

#[actix_web::test]
async fn bodies_of_any_shape_and_depth_never_break_the_server() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let wide = json!({ "metadata": { "tags": vec!["x".repeat(1000); 500] } }).to_string();
    let huge = "9".repeat(400);
    let bodies = [
        "null".to_owned(),
        "[]".into(),
        "7".into(),
        "\"x\"".into(),
        "{".into(),
        format!("{{\"metadata\":{deep}}}"),
        wide,
        format!("{{\"size\":{huge},\"filename\":\"a\",\"contentType\":\"\"}}"),
        "{\"filename\":\"\\u0000\",\"contentType\":\"a/b\"}".into(),
        "{\"s3Key\":\"\\u0000\",\"originalName\":\"a\",\"mimeType\":\"\",\"size\":-1}".into(),
        "{\"key\":\"%2e%2e/x\",\"uploadId\":\"..\",\"parts\":[{}],\"partNumber\":{}}".into(),
    ];
    for path in
        ["", "/presigned-url", "/x/complete", "/multipart/init", "/multipart/presigned-url", "/multipart/complete", "/multipart/abort", "/multipart/x/complete"]
    {
        for body in &bodies {
            let answer = secret.send_text(Method::POST, &format!("/v1/files{path}"), body.clone()).await;
            assert!((400..500).contains(&answer.status) && answer.body["error"]["code"].is_string(), "{path} {}: {}", &body[..body.len().min(80)], answer.text);
        }
    }
    secret.send_text(Method::POST, "/v1/files", " ".repeat(1024 * 1024 + 1)).await.assert_error(413, "common/payload-too-large");
    secret.put("/v1/files", json!({})).await.assert_error(405, "common/method-not-allowed");
}
