//! The worked examples of `05-storage.md` that are about bytes: 3, 8, 10, 11, 13, 15, 16 and 17, from presign to download.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::storage::{HELLO, HELLO_ETAG, get, put, send};
use crate::support::{TestApp, User};

/// Path and query of an absolute URL.
fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/storage/").unwrap()..].to_owned()
}

/// Example 1.
async fn presigned(user: &User) -> Value {
    user.post("/v1/files/presigned-url", json!({ "filename": "hello.txt", "contentType": "text/plain", "fileSize": 12, "category": "documents" }))
        .await
        .assert(200)
}

async fn registered(app: &TestApp, user: &User) -> Value {
    let begun = presigned(user).await;
    put(&app.client(), &path_of(&begun["url"]), HELLO.to_vec(), &[("Content-Type", "text/plain")]).await.assert(200);
    let file = json!({ "s3Key": begun["key"], "originalName": "hello.txt", "mimeType": "text/plain", "size": 12 });
    user.post("/v1/files", file).await.assert(201)
}

async fn download_url(user: &User, file: &Value) -> String {
    let answer = user.post(&format!("/v1/files/{}/download-url", file["id"].as_str().unwrap()), json!({})).await.assert(200);
    path_of(&answer["url"])
}

#[actix_web::test]
async fn example_3_a_put_answers_with_the_etag() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let begun = presigned(&user).await;
    assert_eq!(begun["method"], "PUT");
    let answer = put(&app.client(), begun["url"].as_str().unwrap().trim_start_matches(&app.url), HELLO.to_vec(), &[("Content-Type", "text/plain")]).await;
    assert_eq!((answer.status, answer.header("etag"), answer.header("content-length")), (200, Some(HELLO_ETAG), Some("0")));
}

#[actix_web::test]
async fn example_8_a_private_file_has_no_plain_url() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let file = registered(&app, &user).await;
    let answer = get(&app.client(), &format!("/storage/{}", file["s3Key"].as_str().unwrap()), &[]).await;
    assert_eq!(answer.assert_error(403, "file/access-denied")["error"]["s3Code"], "AccessDenied");
    // The file's own url is signed, and reads.
    assert_eq!(get(&app.client(), &path_of(&file["url"]), &[]).await.text.as_bytes(), HELLO);
}

#[actix_web::test]
async fn example_10_a_range_of_a_download() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let url = download_url(&user, &registered(&app, &user).await).await;
    let part = get(&app.client(), &url, &[("Range", "bytes=6-10")]).await;
    assert_eq!((part.status, part.text.as_str()), (206, "bkend"));
    assert_eq!((part.header("content-range"), part.header("content-length")), (Some("bytes 6-10/12"), Some("5")));
    assert!(part.header("content-disposition").unwrap().starts_with("attachment; "));
    let beyond = get(&app.client(), &url, &[("Range", "bytes=12-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */12")));
}

#[actix_web::test]
async fn example_11_a_known_etag_is_304() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let url = download_url(&user, &registered(&app, &user).await).await;
    assert_eq!(get(&app.client(), &url, &[("If-None-Match", HELLO_ETAG)]).await.status, 304);
}

#[actix_web::test]
async fn example_13_the_head_of_a_public_file_with_a_korean_name() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let file = registered(&app, &user).await;
    let change = json!({ "originalName": "회의록 3월.txt", "visibility": "public", "metadata": { "description": "notes" } });
    let changed = user.patch(&format!("/v1/files/{}", file["id"].as_str().unwrap()), change).await.assert(200);
    let answer = send(&app.client(), Method::HEAD, &path_of(&changed["url"]), Vec::new(), &[]).await;
    assert_eq!(answer.status, 200);
    let name = "inline; filename=\"___ 3_.txt\"; filename*=UTF-8''%ED%9A%8C%EC%9D%98%EB%A1%9D%203%EC%9B%94.txt";
    assert_eq!(answer.header("content-disposition"), Some(name));
    assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), (Some("public, max-age=3600"), Some("nosniff")));
}

#[actix_web::test]
async fn example_15_a_changed_a_late_and_a_too_small_url() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let url = path_of(&presigned(&user).await["url"]);
    let digit = if url.ends_with('0') { "1" } else { "0" };
    let changed = format!("{}{digit}", &url[..url.len() - 1]);
    put(&app.client(), &changed, HELLO.to_vec(), &[]).await.assert_error(403, "file/signature-invalid");
    put(&app.client(), &url, b"hello bkend!\n".to_vec(), &[]).await.assert_error(400, "file/file-too-large");
    app.environment.clock().advance(16 * 60 * 1000);
    let late = put(&app.client(), &url, HELLO.to_vec(), &[]).await.assert_error(403, "file/url-expired");
    assert_eq!(late["message"], "Request has expired: ask POST /v1/files/presigned-url for a new URL");
}

#[actix_web::test]
async fn example_16_a_checksum_is_verified() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let url = path_of(&presigned(&user).await["url"]);
    put(&app.client(), &url, HELLO.to_vec(), &[("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).await.assert_error(400, "file/checksum-mismatch");
    put(&app.client(), &url, HELLO.to_vec(), &[("Content-MD5", "jcsmIS4iiCDfg+9EeEq+aQ==")]).await.assert(200);
}

#[actix_web::test]
async fn example_17_a_preflight() {
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let url = path_of(&presigned(&user).await["url"]);
    let headers = [("Origin", "http://localhost:3000"), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "content-type")];
    let answer = send(&app.client(), Method::OPTIONS, &url, Vec::new(), &headers).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("http://localhost:3000")));
    assert_eq!((answer.header("access-control-allow-methods"), answer.header("access-control-allow-headers")), (Some("GET, HEAD, PUT"), Some("content-type")));
}

#[actix_web::test]
async fn a_part_that_arrives_while_its_upload_is_aborted_leaves_nothing() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::start().await;
    let user = app.user("mina", "user").await;
    let begun = user.post("/v1/files/multipart/init", json!({ "filename": "two.txt", "contentType": "text/plain", "fileSize": 24 })).await.assert(200);
    let ask = json!({ "key": begun["key"], "uploadId": begun["uploadId"], "partNumber": 1 });
    let url = path_of(&user.post("/v1/files/multipart/presigned-url", ask.clone()).await.assert(200)["url"]);
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", app.port())).await.unwrap();
    stream.write_all(format!("PUT {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\nfirst ").as_bytes()).await.unwrap();
    put(&app.client(), &url, b"first half, ".to_vec(), &[]).await.assert(200);
    user.post("/v1/files/multipart/abort", ask).await.assert(200);
    stream.write_all(b"half, x").await.unwrap();
    let mut bytes = vec![0; 4096];
    let n = stream.read(&mut bytes).await.unwrap();
    assert!(bytes[..n].starts_with(b"HTTP/1.1 404 "), "{}", String::from_utf8_lossy(&bytes[..n]));
    assert!(crate::support::storage::settled(&app).await.is_empty());
}
