//! Uploads in parts and their races (`05-storage.md` §5.3, §8).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::files::{HELLO, named, registration};
use crate::support::storage::{get, settled};

const COMPLETE: &str = "/v1/files/multipart/complete";
const ABORT: &str = "/v1/files/multipart/abort";

#[actix_web::test]
async fn a_list_of_parts_must_be_ascending_and_stored_like_that_and_details_name_each_entry() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 36, &[(1, HELLO), (3, HELLO), (7, HELLO)]).await;
    let etag = parts[0]["etag"].clone();
    let many: Vec<Value> = (1..=10_001).map(|n| json!({ "partNumber": n, "etag": "x" })).collect();
    for (list, details) in [
        (json!([]), &["parts/parts"][..]),
        (json!(many), &["parts/parts"]),
        (json!("x"), &["parts/parts"]),
        (json!([parts[0], parts[0]]), &["parts[1].partNumber/order"]),
        (json!([parts[1], parts[0]]), &["parts[1].partNumber/order"]),
        (json!([parts[0], { "partNumber": 2, "etag": etag }]), &["parts[1].partNumber/stored"]),
        (json!([{ "partNumber": 1, "etag": "0".repeat(32) }, { "partNumber": 3, "etag": "x" }]), &["parts[0].etag/etag", "parts[1].etag/etag"]),
        (
            json!([{ "partNumber": 0, "etag": etag }, { "partNumber": 3 }, 7]),
            &["parts[0].partNumber/range", "parts[1].etag/required", "parts[2].partNumber/range"],
        ),
    ] {
        let answer = mina.post(COMPLETE, named(&upload, json!({ "parts": list }))).await;
        assert_eq!(answer.details(), details);
        answer.assert_error(400, "file/invalid-parts-array");
    }
    for absent in [json!({}), json!({ "parts": null })] {
        mina.post(COMPLETE, named(&upload, absent)).await.assert_error(400, "file/invalid-parts-array");
    }
    // Quotes are optional, hex in any case, S3's names; gaps are fine, and what is not listed is dropped.
    let upper = etag.as_str().unwrap().trim_matches('"').to_uppercase();
    let list = json!([{ "PartNumber": 1, "ETag": upper }, { "partNumber": 7, "etag": etag }]);
    let done = mina.post(COMPLETE, named(&upload, json!({ "parts": list }))).await.assert(200);
    assert_eq!((&done["size"], done["etag"].as_str().unwrap().ends_with("-2")), (&json!(24), true));
    assert_eq!(settled(&app).await.len(), 1);
    let body = json!({ "s3Key": upload["key"], "originalName": "two.txt", "mimeType": "text/plain", "size": 24, "visibility": "public" });
    let file = mina.post("/v1/files", body).await.assert(201);
    assert_eq!(get(&app.client(), &app.path_of(&file["url"]), &[]).await.text.as_bytes(), [HELLO, HELLO].concat());
}

#[actix_web::test]
async fn parts_may_have_any_size_from_1_byte() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, _) = app.in_parts(&mina, 36, &[]).await;
    let url = mina.post("/v1/files/multipart/presigned-url", named(&upload, json!({ "partNumber": 1 }))).await.assert(200);
    app.put_to(&url["url"], b"").await.assert_error(400, "file/file-too-small");
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(Vec::<u8>::new())]));
    let answer = app.client().request(reqwest::Method::PUT, &app.path_of(&url["url"])).body(chunked).send().await.unwrap();
    crate::support::Answer::of(answer).await.assert_error(400, "file/file-too-small");
    assert!(settled(&app).await.is_empty());
    app.put_to(&url["url"], b"x").await.assert(200);
}

#[actix_web::test]
async fn parts_beyond_the_declared_size_do_not_complete() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 20, &[(1, HELLO), (2, HELLO)]).await;
    mina.post(COMPLETE, named(&upload, json!({ "parts": parts }))).await.assert_error(400, "file/file-too-large");
    let less = json!({ "parts": [parts[1]] });
    assert_eq!(mina.post(COMPLETE, named(&upload, less)).await.assert(200)["size"], 12);
    // Less than declared is caught by size at registration.
    mina.post("/v1/files", registration(&upload, json!({ "size": 20 }))).await.assert_error(400, "file/size-mismatch");
}

#[actix_web::test]
async fn urls_are_asked_for_one_or_a_hundred_parts() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, _) = app.in_parts(&mina, 24, &[]).await;
    let path = "/v1/files/multipart/presigned-url";
    let one = mina.post(path, named(&upload, json!({ "partNumber": 10_000 }))).await.assert(200);
    assert_eq!((&one["partNumber"], one["expiresAt"].is_string()), (&json!(10_000), true));
    let url = one["url"].as_str().unwrap();
    assert!(url.contains("&X-Bkend-Max=24&uploadId=") && url.contains("&partNumber=10000&") && !url.contains("X-Bkend-Type"), "{url}");
    let numbers: Vec<u32> = (1..=100).collect();
    let many = mina.post(path, named(&upload, json!({ "partNumbers": numbers }))).await.assert(200);
    assert_eq!(many["items"].as_array().unwrap().len(), 100);
    assert_eq!(many["items"][1]["partNumber"], 2);
    for bad in [json!([]), json!((1..=101).collect::<Vec<u32>>()), json!(1)] {
        mina.post(path, named(&upload, json!({ "partNumbers": bad }))).await.assert_error(400, "common/invalid-parameters");
    }
    mina.post(path, named(&upload, json!({ "partNumbers": [1, 10_001] }))).await.assert_error(400, "file/invalid-part-number-range");
    for absent in [json!({}), json!({ "partNumber": null })] {
        mina.post(path, named(&upload, absent)).await.assert_error(400, "file/invalid-part-number-range");
    }
    mina.post(path, json!({ "uploadId": upload["uploadId"], "partNumber": 1 })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn an_open_upload_is_listed_read_with_its_parts_and_survives_a_restart() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 24, &[(2, b"second half\n"), (1, b"first half, ")]).await;
    let token = mina.token.clone();
    let app = app.restart().await;
    let mina = app.with(&token);
    let list = mina.get("/v1/files/multipart").await.assert(200);
    let item = &list["items"][0];
    assert_eq!((&item["uploadId"], &item["fileSize"], item.get("parts")), (&upload["uploadId"], &json!(24), None));
    let other = mina.get("/v1/files/multipart?key=other").await.assert(200);
    assert_eq!(other["pagination"]["total"], 0);
    let open = mina.get(&format!("/v1/files/multipart/{}", upload["uploadId"].as_str().unwrap())).await.assert(200);
    let members: Vec<&String> = open.as_object().unwrap().keys().collect();
    assert_eq!(members, ["uploadId", "key", "fileId", "filename", "fileSize", "partSize", "expiresAt", "parts"]);
    assert_eq!((&open["parts"][0]["partNumber"], &open["parts"][0]["size"], &open["parts"][1]["partNumber"]), (&json!(1), &json!(12), &json!(2)));
    let listed: Vec<Value> = open["parts"].as_array().unwrap().iter().map(|p| json!({ "partNumber": p["partNumber"], "etag": p["etag"] })).collect();
    assert_eq!(listed[0]["etag"], parts[1]["etag"].as_str().unwrap().trim_matches('"'));
    mina.post(COMPLETE, named(&upload, json!({ "parts": listed }))).await.assert(200);
    mina.get(&format!("/v1/files/multipart/{}", upload["uploadId"].as_str().unwrap())).await.assert_error(404, "file/upload-not-found");
}

#[actix_web::test]
async fn two_completes_with_the_same_list_answer_the_same_and_so_does_repeating_it_for_a_day() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 24, &[(1, HELLO), (2, HELLO)]).await;
    let body = named(&upload, json!({ "parts": parts }));
    let answers = join_all((0..8).map(|_| mina.post(COMPLETE, body.clone()))).await;
    let first = answers[0].body.clone();
    for answer in answers {
        assert_eq!(answer.assert(200), first);
    }
    assert_eq!(settled(&app).await.len(), 1, "one assembled");
    app.wait(23 * 3600);
    let mina = app.with(&bkend_local::domain::users::open_session(&app.environment, &mina.id).await.unwrap().access_token);
    assert_eq!(mina.post(COMPLETE, body.clone()).await.assert(200), first);
    app.wait(2 * 3600);
    app.secret().post(COMPLETE, body).await.assert_error(404, "file/upload-not-found");
}

#[actix_web::test]
async fn completing_again_with_another_list_and_aborting_afterwards_conflict_and_the_object_stays() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 24, &[(1, HELLO), (2, HELLO)]).await;
    mina.post(COMPLETE, named(&upload, json!({ "parts": parts }))).await.assert(200);
    mina.post(COMPLETE, named(&upload, json!({ "parts": [parts[0]] }))).await.assert_error(409, "file/upload-conflict");
    mina.post(ABORT, named(&upload, json!({}))).await.assert_error(409, "file/upload-conflict");
    mina.post("/v1/files", registration(&upload, json!({ "size": 24 }))).await.assert(201);
}

#[actix_web::test]
async fn aborting_twice_answers_200_for_a_day_and_nothing_remains() {
    let app = TestApp::start().await;
    let (upload, parts) = app.in_parts(&app.secret(), 24, &[(1, HELLO), (2, HELLO)]).await;
    let body = named(&upload, json!({}));
    for _ in 0..2 {
        assert_eq!(app.secret().post(ABORT, body.clone()).await.assert(200), json!({ "success": true, "key": upload["key"] }));
    }
    assert!(settled(&app).await.is_empty());
    app.secret().post(COMPLETE, named(&upload, json!({ "parts": parts }))).await.assert_error(404, "file/upload-not-found");
    app.secret().post("/v1/files", registration(&upload, json!({}))).await.assert_error(400, "file/invalid-path");
    app.wait(24 * 3600 + 1);
    app.secret().post(ABORT, body).await.assert_error(404, "file/upload-not-found");
}

#[actix_web::test]
async fn an_unknown_upload_and_one_of_another_key_are_not_found() {
    let app = TestApp::start().await;
    let (one, parts) = app.in_parts(&app.secret(), 24, &[(1, HELLO)]).await;
    let (other, _) = app.in_parts(&app.secret(), 24, &[]).await;
    for (key, id) in [(&one["key"], json!("695f7c9c7a2e4c5d6e7f8091")), (&other["key"], one["uploadId"].clone()), (&json!("x"), one["uploadId"].clone())] {
        let body = json!({ "key": key, "uploadId": id, "parts": parts, "partNumber": 1 });
        for path in ["presigned-url", "complete", "abort"] {
            app.secret().post(&format!("/v1/files/multipart/{path}"), body.clone()).await.assert_error(404, "file/upload-not-found");
        }
    }
}

#[actix_web::test]
async fn a_part_uploaded_again_wins_and_its_earlier_etag_no_longer_completes() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let (upload, first) = app.in_parts(&secret, 24, &[(1, b"first half, ")]).await;
    let second = app.part(&secret, &upload, 1, b"second half\n").await;
    secret.post(COMPLETE, named(&upload, json!({ "parts": first }))).await.assert_error(400, "file/invalid-parts-array");
    secret.post(COMPLETE, named(&upload, json!({ "parts": [second] }))).await.assert(200);
    let file = secret.post("/v1/files", registration(&upload, json!({ "visibility": "public" }))).await.assert(201);
    assert_eq!(get(&app.client(), &app.path_of(&file["url"]), &[]).await.text, "second half\n");
    assert_eq!(settled(&app).await.len(), 1);
}

#[actix_web::test]
async fn abort_against_complete_is_one_order() {
    let app = TestApp::start().await;
    let secret = app.secret();
    for _ in 0..12 {
        let (upload, parts) = app.in_parts(&secret, 24, &[(1, HELLO), (2, HELLO)]).await;
        let (complete, abort) =
            futures_util::join!(secret.post(COMPLETE, named(&upload, json!({ "parts": parts }))), secret.post(ABORT, named(&upload, json!({}))));
        match (complete.status, abort.status) {
            (200, 409) => drop(abort.assert_error(409, "file/upload-conflict")),
            (404, 200) => drop(complete.assert_error(404, "file/upload-not-found")),
            other => panic!("{other:?}: {} {}", complete.text, abort.text),
        }
    }
    settled(&app).await;
}

#[actix_web::test]
async fn a_part_in_flight_while_the_upload_ends_gets_404_and_leaves_nothing() {
    let app = TestApp::start().await;
    let secret = app.secret();
    for end in ["abort", "complete"] {
        let (upload, parts) = app.in_parts(&secret, 24, &[(1, HELLO)]).await;
        let url = secret.post("/v1/files/multipart/presigned-url", named(&upload, json!({ "partNumber": 2 }))).await.assert(200);
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
        sender.send(Ok("begun".into())).await.unwrap();
        let body = reqwest::Body::wrap_stream(futures_util::stream::unfold(receiver, |mut r| async move { r.recv().await.map(|chunk| (chunk, r)) }));
        let request = app.client().request(reqwest::Method::PUT, &app.path_of(&url["url"])).body(body);
        let put = actix_web::rt::spawn(async move { crate::support::Answer::of(request.send().await.unwrap()).await });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        secret.post(&format!("/v1/files/multipart/{end}"), named(&upload, json!({ "parts": parts }))).await.assert(200);
        drop(sender);
        put.await.unwrap().assert_error(404, "file/upload-not-found");
        let left = settled(&app).await;
        assert_eq!(left.len(), usize::from(end == "complete"), "{left:?}");
    }
}

#[actix_web::test]
async fn of_two_registrations_of_one_key_one_succeeds() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for _ in 0..5 {
        let upload = app.stored(&mina, json!({ "filename": "hello.txt", "contentType": "text/plain" }), HELLO).await;
        let answers = join_all((0..6).map(|_| mina.post("/v1/files", registration(&upload, json!({}))))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    }
}

#[actix_web::test]
async fn delete_against_patch_is_one_order() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for _ in 0..10 {
        let file = app.hello(&mina, json!({})).await;
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        let (delete, patch) = futures_util::join!(mina.delete(&path), mina.patch(&path, json!({ "bucket": "temp" })));
        delete.assert(200);
        if patch.status == 200 {
            drop(patch.assert(200))
        } else {
            drop(patch.assert_error(404, "file/not-found"))
        }
        mina.patch(&path, json!({})).await.assert_error(404, "file/not-found");
    }
    assert!(settled(&app).await.is_empty());
}

#[actix_web::test]
async fn ten_thousand_parts_become_one_object() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let (upload, _) = app.in_parts(&secret, 10_000, &[]).await;
    // One stored part under all numbers: rows are made here, bytes are there.
    let first = app.part(&secret, &upload, 1, b"x").await;
    let id = upload["fileId"].as_str().unwrap().to_owned();
    let write = move |tx: &mut bkend_local::store::Tx<'_>| {
        let first = tx.reader().parts(&id)?.remove(0);
        for number in 2..=10_000 {
            tx.set_part(&id, &bkend_local::store::data::PartRow { number, ..first.clone() }, 0)?;
        }
        Ok(())
    };
    app.environment.data().write::<_, bkend_local::domain::error::Error, _>(write).await.unwrap();
    let list: Vec<Value> = (1..=10_000).map(|n| json!({ "partNumber": n, "etag": first["etag"] })).collect();
    let open = secret.get(&format!("/v1/files/multipart/{}", upload["uploadId"].as_str().unwrap())).await.assert(200);
    assert_eq!(open["parts"].as_array().unwrap().len(), 10_000);
    let done = secret.post(COMPLETE, named(&upload, json!({ "parts": list }))).await.assert(200);
    assert_eq!((&done["size"], done["etag"].as_str().unwrap().ends_with("-10000")), (&json!(10_000), true));
    assert_eq!(settled(&app).await.len(), 1);
}
