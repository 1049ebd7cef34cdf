//! PUT of objects and parts, row by row (`05-storage.md` §6.1, §6.3).

use std::time::Duration;

use bkend_local::domain::files::disposition::Disposition;
use bkend_local::domain::files::signature::Claim;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::storage::{HELLO, HELLO_ETAG, Upload, get, objects, put, send, settled};
use crate::support::wire::Wire;
use crate::support::{Answer, TestApp};

const MIB: usize = 1024 * 1024;

/// The stored bytes as the plain URL gives them.
async fn stored(app: &TestApp, upload: &Upload) -> Vec<u8> {
    let answer = app.client().request(Method::GET, &upload.path()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

fn s3(answer: Answer, status: u16, code: &str, s3_code: &str) {
    assert_eq!(answer.assert_error(status, code)["error"]["s3Code"], s3_code);
}

/// Sends bytes as they are and reads until the server closes or has answered.
async fn raw(app: &TestApp, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", app.port())).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 64 * 1024];
    let n = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut bytes)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&bytes[..n]).into_owned()
}

fn head(url: &str, headers: &str) -> Vec<u8> {
    format!("PUT {url} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

#[actix_web::test]
async fn a_put_answers_200_with_an_empty_body_and_the_md5_as_etag() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let answer = put(&app.client(), &upload.put_url(&app), HELLO.to_vec(), &[("Content-Type", "text/plain")]).await;
    assert_eq!((answer.status, answer.header("etag"), answer.header("content-length"), answer.text.as_str()), (200, Some(HELLO_ETAG), Some("0"), ""));
    assert_eq!(stored(&app, &upload).await, HELLO);
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn an_empty_object_is_an_object() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let answer = put(&app.client(), &upload.put_url(&app), Vec::new(), &[]).await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"d41d8cd98f00b204e9800998ecf8427e\"")));
    assert_eq!(stored(&app, &upload).await, b"");
}

#[actix_web::test]
async fn a_body_of_any_size_arrives_as_it_was_sent() {
    let app = TestApp::start().await;
    for size in [1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 512 * 1024, 5 * MIB + 7] {
        let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
        let upload = Upload::stored(&app, &bytes, |_| {}).await;
        assert!(stored(&app, &upload).await == bytes, "{size}");
    }
}

#[actix_web::test]
async fn a_stated_content_type_may_be_left_out_and_must_not_differ() {
    let app = TestApp::start().await;
    let (upload, client) = (Upload::begin(&app).await, app.client());
    for same in ["text/plain", "TEXT/Plain; charset=utf-8", ""] {
        put(&client, &upload.put_url(&app), HELLO.to_vec(), &[("Content-Type", same)]).await.assert(200);
    }
    put(&client, &upload.put_url(&app), HELLO.to_vec(), &[]).await.assert(200);
    for other in ["text/html", "text/plain2", "nonsense", "text/plain, text/html"] {
        let answer = put(&client, &upload.put_url(&app), b"other".to_vec(), &[("Content-Type", other)]).await;
        s3(answer, 403, "file/signature-invalid", "SignatureDoesNotMatch");
    }
    let answer = get(&client, &upload.path(), &[]).await;
    assert_eq!((answer.text.as_bytes(), answer.header("content-type")), (HELLO, Some("text/plain")));
    let picture = Upload::begin_with(&app, |row| row.content_type = Some("image/jpg".into())).await;
    put(&client, &picture.put_url(&app), HELLO.to_vec(), &[("Content-Type", "image/jpeg")]).await.assert(200);
}

#[actix_web::test]
async fn without_a_stated_type_the_header_decides() {
    let app = TestApp::start().await;
    let client = app.client();
    let begin = || Upload::begin_with(&app, |row| (row.content_type, row.filename) = (None, "notes.md".into()));
    let upload = begin().await;
    put(&client, &upload.put_url(&app), HELLO.to_vec(), &[("Content-Type", "application/zip")]).await.assert(200);
    assert_eq!(get(&client, &upload.path(), &[]).await.header("content-type"), Some("application/zip"));
    let guessed = begin().await;
    put(&client, &guessed.put_url(&app), HELLO.to_vec(), &[]).await.assert(200);
    assert_eq!(get(&client, &guessed.path(), &[]).await.header("content-type"), Some("text/markdown"));
    for (bad, code) in
        [("text/html", "file/invalid-format"), ("nonsense", "file/invalid-format"), (&format!("text/{}", "x".repeat(100)), "file/mime-type-too-long")]
    {
        put(&client, &begin().await.put_url(&app), HELLO.to_vec(), &[("Content-Type", bad)]).await.assert_error(400, code);
    }
    let avatar = Upload::begin_with(&app, |row| (row.content_type, row.bucket) = (None, Some("avatars".into()))).await;
    put(&client, &avatar.put_url(&app), HELLO.to_vec(), &[("Content-Type", "application/pdf")]).await.assert_error(400, "file/invalid-format");
}

#[actix_web::test]
async fn the_limit_of_the_class_holds_for_a_type_that_only_the_header_states() {
    let app = TestApp::start().await;
    let upload = Upload::begin_with(&app, |row| (row.content_type, row.max_size) = (None, 50 * MIB as u64)).await;
    let answer = put(&app.client(), &upload.put_url(&app), vec![0; 10 * MIB + 1], &[("Content-Type", "image/png")]).await;
    s3(answer, 400, "file/file-too-large", "EntityTooLarge");
}

#[actix_web::test]
async fn the_content_type_of_a_part_is_ignored() {
    let app = TestApp::start().await;
    let upload = Upload::begin_multipart(&app).await;
    for kind in ["text/html", "nonsense", ""] {
        let answer = put(&app.client(), &upload.part_url(&app, 1), b"first half, ".to_vec(), &[("Content-Type", kind)]).await;
        assert_eq!((answer.status, answer.header("etag"), answer.text.as_str()), (200, Some("\"6e90599034dbce23ca91f9b9a26195b5\""), ""));
    }
}

#[actix_web::test]
async fn a_length_above_the_limit_is_refused_before_the_body_is_sent() {
    let app = TestApp::start().await;
    let upload = Upload::begin_with(&app, |row| row.max_size = 12).await;
    let url = upload.put_url(&app);
    let mut stream = raw(&app, &head(&url, "Content-Length: 13\r\nExpect: 100-continue\r\n")).await;
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("file/file-too-large") && answer.contains("12 bytes"), "{answer}");
    s3(put(&app.client(), &url, b"hello bkend!\n".to_vec(), &[]).await, 400, "file/file-too-large", "EntityTooLarge");
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn a_client_that_asks_first_hears_100_continue_only_when_the_url_is_good() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let good = upload.put_url(&app);
    let mut stream = raw(&app, &head(&good, "Content-Length: 12\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(read_some(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(HELLO).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    // The connection is kept, and the next request on it is judged anew.
    let bad = good.replace("X-Bkend-Max=", "X-Bkend-Max=9");
    stream.write_all(&head(&bad, "Content-Length: 12\r\nExpect: 100-continue\r\n")).await.unwrap();
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("file/signature-invalid") && !answer.contains("100 Continue"), "{answer}");
    // Elsewhere the body may come at once.
    let mut other = raw(&app, b"POST /v1/data/posts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n").await;
    assert!(read_some(&mut other).await.starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
}

/// Bodies that a careless reader could take for the beginning of a request, or mend as one.
const LIKE_REQUESTS: [&[u8]; 4] =
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\"<`>\"\n\"second line\"\n", b"GET /\"a\" HTTP/1.1\r\nHost: x\r\n\r\n", "첫 줄\n둘째 줄\n".as_bytes()];

#[actix_web::test]
async fn bytes_are_kept_verbatim_when_they_come_after_100_continue() {
    let app = TestApp::start().await;
    for body in LIKE_REQUESTS {
        for _ in 0..8 {
            let upload = Upload::begin(&app).await;
            let mut stream = raw(&app, &head(&upload.put_url(&app), &format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len()))).await;
            assert_eq!(read_some(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
            stream.write_all(body).await.unwrap();
            let answer = read_some(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert_eq!(stored(&app, &upload).await, body);
            // The connection goes on with the next request, and a careless one is mended still.
            stream.write_all(b"GET /healthz?q=\"a\" HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
        }
    }
}

#[actix_web::test]
async fn bytes_are_kept_verbatim_when_requests_are_sent_ahead() {
    let app = TestApp::start().await;
    for body in LIKE_REQUESTS {
        let upload = Upload::begin(&app).await;
        let ahead = [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), head(&upload.put_url(&app), &format!("Content-Length: {}\r\n", body.len()))];
        let mut stream = raw(&app, &ahead.concat()).await;
        assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
        stream.write_all(body).await.unwrap();
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(stored(&app, &upload).await, body);
    }
}

#[actix_web::test]
async fn a_json_body_that_comes_after_100_continue_is_read_as_it_is() {
    let app = TestApp::start().await;
    let body = "{\"filename\":\"a.txt\",\"contentType\":\"text/plain\"}\n";
    let key = &app.secret_key;
    for _ in 0..8 {
        let head = format!("POST /v1/files/presigned-url HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n");
        let mut stream = raw(&app, format!("{head}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len()).as_bytes()).await;
        assert_eq!(read_some(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body.as_bytes()).await.unwrap();
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[actix_web::test]
async fn a_chunked_body_is_accepted_and_counted() {
    let app = TestApp::start().await;
    let upload = Upload::begin_with(&app, |row| row.max_size = 12).await;
    let chunked = |body: &str| {
        let mut bytes = head(&upload.put_url(&app), "Transfer-Encoding: chunked\r\n");
        bytes.extend_from_slice(body.as_bytes());
        bytes
    };
    let mut wire = Wire::open(app.port()).await.unwrap();
    let reply = wire.exchange(&chunked("6\r\nhello \r\n6\r\nbkend\n\r\n0\r\n\r\n"), true).await.unwrap();
    assert_eq!((reply.status, reply.header("etag")), (200, Some(HELLO_ETAG)));
    let reply = wire.exchange(&chunked("6\r\nhello \r\n7\r\nbkend!\n\r\n0\r\n\r\n"), true).await.unwrap();
    assert_eq!(reply.status, 400);
    assert!(String::from_utf8_lossy(&reply.body).contains("file/file-too-large"));
    assert_eq!(stored(&app, &upload).await, HELLO);
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn checksums_are_verified_and_nothing_is_stored_when_they_differ() {
    let app = TestApp::start().await;
    let (upload, client) = (Upload::begin(&app).await, app.client());
    let url = upload.put_url(&app);
    let sha = ("x-amz-checksum-sha256", "0BHMKpmiOJFUOV4hAwPy9VdyL53HKOyRQQrxKcbCq2Y=");
    let real = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(HELLO))
    };
    for bad in [
        ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("Content-MD5", "nonsense"),
        ("Content-MD5", ""),
        sha,
        ("x-amz-checksum-sha256", "jcsmIS4iiCDfg+9EeEq+aQ=="),
    ] {
        s3(put(&client, &url, HELLO.to_vec(), &[bad]).await, 400, "file/checksum-mismatch", "BadDigest");
        assert!(settled(&app).await.is_empty(), "{bad:?}");
    }
    put(&client, &url, HELLO.to_vec(), &[("Content-MD5", "jcsmIS4iiCDfg+9EeEq+aQ=="), ("x-amz-checksum-sha256", &real)]).await.assert(200);
    // A malformed one is told before the body.
    let mut stream = raw(&app, &head(&url, "Content-Length: 12\r\nContent-MD5: x\r\nExpect: 100-continue\r\n")).await;
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 400 "));
}

#[actix_web::test]
async fn other_headers_are_ignored_and_bytes_are_kept_verbatim() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let headers = [
        ("Content-Encoding", "gzip"),
        ("Content-Range", "bytes 0-5/100"),
        ("x-amz-acl", "public-read"),
        ("x-amz-meta-a", "b"),
        ("Authorization", "Bearer broken"),
        ("X-API-Key", "pk_nonsense"),
        ("If-None-Match", "*"),
    ];
    put(&app.client(), &upload.put_url(&app), HELLO.to_vec(), &headers).await.assert(200);
    let answer = get(&app.client(), &upload.path(), &[("Accept-Encoding", "gzip, br")]).await;
    assert_eq!((answer.text.as_bytes(), answer.header("content-encoding")), (HELLO, None));
}

#[actix_web::test]
async fn a_second_put_replaces_the_object_and_leaves_one_file() {
    let app = TestApp::start().await;
    let (upload, client) = (Upload::begin(&app).await, app.client());
    for bytes in [&b"first"[..], b"second, longer", b"3"] {
        put(&client, &upload.put_url(&app), bytes.to_vec(), &[]).await.assert(200);
        assert_eq!(stored(&app, &upload).await, bytes);
        assert_eq!(settled(&app).await.len(), 1);
    }
}

#[actix_web::test]
async fn a_put_after_registration_changes_nothing() {
    let app = TestApp::start().await;
    let upload = Upload::stored(&app, HELLO, |_| {}).await;
    upload.register(&app, "public").await;
    put(&app.client(), &upload.put_url(&app), b"other".to_vec(), &[]).await.assert_error(409, "file/s3-key-already-exists");
    assert_eq!(stored(&app, &upload).await, HELLO);
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn a_put_that_finishes_after_registration_changes_nothing() {
    let app = TestApp::start().await;
    let upload = Upload::stored(&app, HELLO, |_| {}).await;
    let mut stream = raw(&app, &head(&upload.put_url(&app), "Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
    read_some(&mut stream).await;
    stream.write_all(b"oth").await.unwrap();
    upload.register(&app, "public").await;
    stream.write_all(b"er").await.unwrap();
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 409 ") && answer.contains("file/s3-key-already-exists"), "{answer}");
    assert_eq!(stored(&app, &upload).await, HELLO);
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn a_part_to_an_upload_that_is_gone_is_404_also_when_it_vanishes_meanwhile() {
    let app = TestApp::start().await;
    let end = |id: String, state: &'static str| {
        let write = move |tx: &mut bkend_local::store::Tx<'_>| Ok::<_, bkend_local::domain::error::Error>(tx.end_multipart(&id, state, 1, None)?);
        app.environment.data().write(write)
    };
    for state in ["aborted", "completed"] {
        let upload = Upload::begin_multipart(&app).await;
        put(&app.client(), &upload.part_url(&app, 1), HELLO.to_vec(), &[]).await.assert(200);
        let mut stream = raw(&app, &head(&upload.part_url(&app, 2), "Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
        read_some(&mut stream).await;
        stream.write_all(b"pa").await.unwrap();
        end(upload.row.id.clone(), state).await.unwrap();
        stream.write_all(b"rt2").await.unwrap();
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("file/upload-not-found") && answer.contains("NoSuchUpload"), "{answer}");
        s3(put(&app.client(), &upload.part_url(&app, 1), HELLO.to_vec(), &[]).await, 404, "file/upload-not-found", "NoSuchUpload");
        upload.delete(&app).await;
        s3(put(&app.client(), &upload.part_url(&app, 1), HELLO.to_vec(), &[]).await, 404, "file/upload-not-found", "NoSuchUpload");
    }
}

#[actix_web::test]
async fn of_a_part_uploaded_again_the_last_finished_counts() {
    let app = TestApp::start().await;
    let upload = Upload::begin_multipart(&app).await;
    let client = app.client();
    let mut slow = raw(&app, &head(&upload.part_url(&app, 1), "Content-Length: 4\r\nExpect: 100-continue\r\n")).await;
    read_some(&mut slow).await;
    put(&client, &upload.part_url(&app, 1), b"fast".to_vec(), &[]).await.assert(200);
    slow.write_all(b"slow").await.unwrap();
    assert!(read_some(&mut slow).await.starts_with("HTTP/1.1 200 "));
    let names = settled(&app).await;
    assert_eq!(names.len(), 1);
    let path = app.backend.directory().environment(app.environment.id()).join("objects").join(&names[0]);
    assert_eq!(std::fs::read(path).unwrap(), b"slow");
}

#[actix_web::test]
async fn an_upload_of_which_no_byte_comes_times_out() {
    let app = TestApp::start_with(|settings| settings.upload_idle = Duration::from_millis(400)).await;
    let upload = Upload::begin(&app).await;
    let mut stream = raw(&app, &head(&upload.put_url(&app), "Content-Length: 12\r\n")).await;
    // A byte now and then is enough.
    for byte in HELLO.chunks(1).take(6) {
        stream.write_all(byte).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("file/upload-timeout"), "{answer}");
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn a_form_or_a_body_of_which_no_byte_comes_times_out() {
    let app = TestApp::start_with(|settings| settings.upload_idle = Duration::from_millis(400)).await;
    let part = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello bkend";
    for sent in [part, "--cu", "--cut\r\nContent-Disposition: form-data; name=\"visibility\"\r\n\r\npub"] {
        let key = &app.secret_key;
        let head = format!("POST /v1/files/upload HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: multipart/form-data; boundary=cut\r\n");
        let mut stream = raw(&app, format!("{head}Content-Length: 4000\r\n\r\n{sent}").as_bytes()).await;
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("file/upload-timeout"), "{answer}");
    }
    let key = &app.secret_key;
    let head = format!("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n");
    let mut stream = raw(&app, format!("{head}Content-Length: 4000\r\n\r\n{{\"s3Key\":").as_bytes()).await;
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("common/invalid-json"), "{answer}");
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn a_refusal_is_sent_at_once_and_can_be_read_after_the_whole_body_was_sent() {
    let app = TestApp::start().await;
    let upload = Upload::begin_with(&app, |row| row.max_size = 12).await;
    let body = vec![7u8; 24 * MIB];
    let (length, chunked) = (format!("Content-Length: {}\r\n", body.len()), "Transfer-Encoding: chunked\r\n".to_owned());
    for (framing, is_chunked) in [(length, false), (chunked, true)] {
        let mut stream = raw(&app, &head(&upload.put_url(&app), &framing)).await;
        if is_chunked {
            stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
        } else {
            // Nothing of the body was sent yet, and the answer is there.
            let mut first = [0; 12];
            tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut first)).await.expect("at once").unwrap();
            assert_eq!(&first, b"HTTP/1.1 400");
        }
        // A browser reads only when it has sent everything.
        stream.write_all(&body).await.expect("the server goes on reading");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the answer is not lost to a reset");
        let text = String::from_utf8_lossy(&rest);
        assert!(text.contains("file/file-too-large") && text.contains("connection: close"), "{text}");
    }
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn a_cut_connection_leaves_nothing() {
    let app = TestApp::start().await;
    let upload = Upload::begin_with(&app, |row| row.max_size = 100 * MIB as u64).await;
    for framing in ["Content-Length: 50000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = raw(&app, &head(&upload.put_url(&app), framing)).await;
        if framing.starts_with('T') {
            stream.write_all(b"2000000\r\n").await.unwrap();
        }
        stream.write_all(&vec![1; 2 * MIB]).await.unwrap();
        drop(stream);
    }
    assert!(settled(&app).await.is_empty());
    get(&app.client(), &upload.path(), &[]).await.assert_error(404, "file/not-found");
    put(&app.client(), &upload.put_url(&app), HELLO.to_vec(), &[]).await.assert(200);
}

#[actix_web::test]
async fn a_wrong_url_is_told_by_its_code() {
    let app = TestApp::start().await;
    let (upload, client) = (Upload::begin(&app).await, app.client());
    let url = upload.put_url(&app);
    let (plain, query) = url.split_once('?').unwrap();
    let last = if url.ends_with('0') { "1" } else { "0" };
    let tampered = [
        plain.to_owned(),
        format!("{}{last}", &url[..url.len() - 1]),
        format!("{url}&X-Bkend-Max=12"),
        format!("{url}&uploadId=x"),
        format!("{plain}?{}", query.split('&').skip(1).collect::<Vec<_>>().join("&")),
        upload.get_url(&app, Disposition::Inline),
        url.replace("hello.txt", "other.txt"),
    ];
    for url in tampered {
        s3(put(&client, &url, HELLO.to_vec(), &[]).await, 403, "file/signature-invalid", "SignatureDoesNotMatch");
    }
    put(&client, &format!("{url}&utm=1"), HELLO.to_vec(), &[]).await.assert(200);
    // It serves nothing but PUT.
    s3(get(&client, &url, &[]).await, 403, "file/signature-invalid", "SignatureDoesNotMatch");
    app.environment.clock().advance(16 * 60 * 1000);
    let late = put(&client, &url, HELLO.to_vec(), &[]).await;
    assert_eq!(late.body["message"], "Request has expired: ask POST /v1/files/presigned-url for a new URL");
    s3(late, 403, "file/url-expired", "AccessDenied");
    s3(put(&client, &url.replace("X-Bkend-Max=1", "X-Bkend-Max=2"), HELLO.to_vec(), &[]).await, 403, "file/signature-invalid", "SignatureDoesNotMatch");
}

#[actix_web::test]
async fn a_url_is_judged_when_the_headers_arrive() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let mut stream = raw(&app, &head(&upload.put_url(&app), "Content-Length: 12\r\nExpect: 100-continue\r\n")).await;
    read_some(&mut stream).await;
    app.environment.clock().advance(60 * 60 * 1000);
    stream.write_all(HELLO).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[actix_web::test]
async fn urls_work_through_every_name_of_the_server_and_survive_a_restart() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let url = upload.put_url(&app);
    for host in ["localhost", "127.0.0.1", "[::1]:9", "app.localhost:1"] {
        put(&app.client(), &url, HELLO.to_vec(), &[("Host", host)]).await.assert(200);
    }
    put(&app.client(), &url, HELLO.to_vec(), &[("Host", "evil.example")]).await.assert_error(421, "common/misdirected-request");
    let app = app.restart().await;
    put(&app.client(), &url, HELLO.to_vec(), &[]).await.assert(200);
}

#[actix_web::test]
async fn an_upload_that_is_gone_is_404() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let url = upload.put_url(&app);
    upload.delete(&app).await;
    s3(put(&app.client(), &url, HELLO.to_vec(), &[]).await, 404, "file/not-found", "NoSuchKey");
    let elsewhere = Claim::put("69577a001b7d4e8f90a1b2c3/x/y", Upload::expires(&app), 12, None);
    s3(put(&app.client(), &upload.sign(&app, &elsewhere), HELLO.to_vec(), &[]).await, 404, "file/not-found", "NoSuchKey");
}

#[actix_web::test]
async fn the_quota_counts_parts_and_unregistered_objects_and_is_checked_again_at_the_end() {
    let app = TestApp::start().await;
    let mut settings = app.environment.file_settings().as_ref().clone();
    settings.quota_bytes = 30;
    app.environment.set_file_settings(settings).await.unwrap();
    let client = app.client();
    let (first, parts) = (Upload::begin(&app).await, Upload::begin_multipart(&app).await);
    put(&client, &first.put_url(&app), HELLO.to_vec(), &[]).await.assert(200);
    put(&client, &parts.part_url(&app, 1), HELLO.to_vec(), &[]).await.assert(200);
    let third = Upload::begin(&app).await;
    put(&client, &third.put_url(&app), HELLO.to_vec(), &[]).await.assert_error(507, "file/quota-exceeded");
    // What is replaced does not count twice.
    put(&client, &first.put_url(&app), vec![b'x'; 18], &[]).await.assert(200);
    put(&client, &parts.part_url(&app, 1), b"x".to_vec(), &[]).await.assert(200);
    // Without a length, only the end can tell; and of two at once, one does not fit.
    let mut late = raw(&app, &head(&third.put_url(&app), "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n")).await;
    read_some(&mut late).await;
    put(&client, &parts.part_url(&app, 2), vec![b'x'; 9], &[]).await.assert(200);
    late.write_all(b"6\r\nhello \r\n0\r\n\r\n").await.unwrap();
    assert!(read_some(&mut late).await.starts_with("HTTP/1.1 507 "));
    assert_eq!(settled(&app).await.len(), 3);
}

#[actix_web::test]
async fn the_least_size_is_checked() {
    let app = TestApp::start().await;
    let mut settings = app.environment.file_settings().as_ref().clone();
    settings.min_file_bytes = 13;
    app.environment.set_file_settings(settings).await.unwrap();
    let upload = Upload::begin(&app).await;
    put(&app.client(), &upload.put_url(&app), HELLO.to_vec(), &[]).await.assert_error(400, "file/file-too-small");
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn the_request_log_knows_sizes_but_neither_bytes_nor_signature() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let url = upload.put_url(&app);
    put(&app.client(), &url, HELLO.to_vec(), &[("Content-Type", "text/plain")]).await.assert(200);
    get(&app.client(), &upload.get_url(&app, Disposition::Attachment), &[]).await;
    let organizations = app.operator().get("/management/v1/organizations").await.assert(200);
    let projects =
        app.operator().get(&format!("/management/v1/organizations/{}/projects", organizations["items"][0]["id"].as_str().unwrap())).await.assert(200);
    let path = format!("/management/v1/projects/{}/environments/dev/requests", projects["items"][0]["id"].as_str().unwrap());
    let mut list = serde_json::Value::Null;
    for _ in 0..200 {
        list = app.operator().get(&path).await.assert(200);
        if list["items"].as_array().is_some_and(|items| items.len() == 2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut all = list.to_string();
    for item in list["items"].as_array().unwrap() {
        all += &app.operator().get(&format!("{path}/{}", item["id"].as_str().unwrap())).await.assert(200).to_string();
    }
    let signature = url.rsplit('=').next().unwrap();
    assert!(all.contains("/storage/") && all.contains("\"PUT\"") && !all.contains(signature) && !all.contains("hello bkend"), "{all}");
}

#[actix_web::test]
async fn other_methods_are_405_with_allow() {
    let app = TestApp::start().await;
    let upload = Upload::stored(&app, HELLO, |_| {}).await;
    for method in [Method::POST, Method::DELETE, Method::PATCH] {
        let answer = send(&app.client(), method, &upload.path(), Vec::new(), &[("Origin", "http://localhost:3000")]).await;
        assert_eq!((answer.header("allow"), answer.header("access-control-allow-origin")), (Some("GET, HEAD, PUT, OPTIONS"), Some("http://localhost:3000")));
        s3(answer, 405, "common/method-not-allowed", "MethodNotAllowed");
    }
}

#[actix_web::test]
async fn many_uploads_at_once_all_arrive() {
    let app = TestApp::start().await;
    let client = app.client();
    let transfers = (0..32u8).map(|n| {
        let (app, client) = (&app, client.clone());
        async move {
            let bytes: Vec<u8> = vec![n; 700_000 + usize::from(n)];
            let upload = Upload::begin(app).await;
            put(&client, &upload.put_url(app), bytes.clone(), &[]).await.assert(200);
            assert!(stored(app, &upload).await == bytes, "{n}");
        }
    });
    futures_util::future::join_all(transfers).await;
    assert_eq!(settled(&app).await.len(), 32);
    assert!(!objects(&app.backend.directory().environment(app.environment.id())).iter().any(|name| name.starts_with("tmp")));
}

#[actix_web::test]
async fn a_slow_client_keeps_nobody_else_waiting() {
    let app = TestApp::start().await;
    let upload = Upload::begin(&app).await;
    let mut slow = Vec::new();
    for _ in 0..64 {
        slow.push(raw(&app, &head(&upload.put_url(&app), "Content-Length: 100\r\n")).await);
    }
    for stream in &mut slow {
        stream.write_all(b"x").await.unwrap();
    }
    let other = Upload::stored(&app, HELLO, |_| {}).await;
    assert_eq!(stored(&app, &other).await, HELLO);
}
