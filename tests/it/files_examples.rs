//! The worked examples of `05-storage.md` that concern `/v1/files`, as they stand there.

use serde_json::{Value, json};

use crate::support::files::{HELLO, named, registration};
use crate::support::storage::get;
use crate::support::{Client, TestApp};

async fn presign(client: &Client) -> Value {
    let body = json!({ "filename": "hello.txt", "contentType": "text/plain", "fileSize": 12, "category": "documents" });
    client.post("/v1/files/presigned-url", body).await.assert(200)
}

#[actix_web::test]
async fn a_presign_answers_url_key_name_type_id_method_and_end_bare_and_enveloped() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let upload = presign(&mina).await;
    let (key, id) = (upload["key"].as_str().unwrap(), upload["fileId"].as_str().unwrap());
    let head = format!("{}/{id}-", app.environment.id());
    let token = key.strip_prefix(&head).and_then(|rest| rest.strip_suffix("/hello.txt")).unwrap();
    assert!(token.len() == 26 && token.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')), "{key}");
    let url = upload["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/storage/{key}?X-Bkend-Expires=", app.url)), "{url}");
    assert!(url.contains("&X-Bkend-Max=12&X-Bkend-Type=text%2Fplain&X-Bkend-Signature="), "{url}");
    assert_eq!((&upload["filename"], &upload["contentType"], &upload["method"]), (&json!("hello.txt"), &json!("text/plain"), &json!("PUT")));
    assert!(upload["expiresAt"].as_str().unwrap().ends_with(".000Z"));
    let members: Vec<&String> = upload.as_object().unwrap().keys().collect();
    assert_eq!(members, ["url", "key", "filename", "contentType", "fileId", "method", "expiresAt"]);
    let enveloped = presign(&mina.header("X-Bkend-Envelope", "envelope")).await;
    assert_eq!((&enveloped["success"], enveloped["data"]["key"].is_string()), (&json!(true), true));
}

#[actix_web::test]
async fn a_file_is_put_registered_and_read_and_no_second_time() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let upload = presign(&mina).await;
    let body = registration(&upload, json!({ "metadata": { "tags": ["greeting"] } }));
    mina.post("/v1/files", body.clone()).await.assert_error(409, "file/upload-incomplete");
    let put = app.put_to(&upload["url"], HELLO).await;
    assert_eq!((put.status, put.header("etag"), put.text.as_str()), (200, Some("\"8dcb26212e228820df83ef44784abe69\""), ""));
    mina.post("/v1/files", registration(&upload, json!({ "size": 13 }))).await.assert_error(400, "file/size-mismatch");
    mina.post("/v1/files", registration(&upload, json!({ "s3Key": "../../etc/passwd" }))).await.assert_error(400, "file/invalid-path");
    let file = mina.post("/v1/files", body.clone()).await.assert(201);
    let expected = json!({
        "id": upload["fileId"], "s3Key": upload["key"], "key": upload["key"], "originalName": "hello.txt", "mimeType": "text/plain", "size": 12,
        "width": null, "height": null, "visibility": "private", "bucket": "documents", "ownerType": "user", "ownerId": mina.id,
        "metadata": { "tags": ["greeting"] }, "sharedWith": [], "url": file["url"], "urlExpiresAt": file["urlExpiresAt"],
        "etag": "8dcb26212e228820df83ef44784abe69", "createdAt": file["createdAt"], "updatedAt": file["createdAt"]
    });
    assert_eq!(file, expected);
    let plain = format!("{}/storage/{}", app.url, upload["key"].as_str().unwrap());
    assert!(file["url"].as_str().unwrap().starts_with(&format!("{plain}?X-Bkend-Disposition=inline&")));
    mina.post("/v1/files", body).await.assert_error(409, "file/s3-key-already-exists");
    let denied = get(&app.client(), &app.path_of(&json!(plain)), &[]).await.assert_error(403, "file/access-denied");
    assert_eq!(denied["error"]["s3Code"], "AccessDenied");
    let path = format!("/v1/files/{}", upload["fileId"].as_str().unwrap());
    let link = mina.send(reqwest::Method::POST, &format!("{path}/download-url"), None).await.assert(200);
    assert!(link["url"].as_str().unwrap().starts_with(&format!("{plain}?X-Bkend-Disposition=attachment&")));
    assert_eq!(
        link,
        json!({ "url": link["url"], "filename": "hello.txt", "contentType": "text/plain", "size": 12, "expiresAt": link["expiresAt"],
            "content_type": "text/plain", "expires_at": link["expiresAt"] })
    );
    assert_eq!(get(&app.client(), &app.path_of(&link["url"]), &[]).await.text.as_bytes(), HELLO);
}

#[actix_web::test]
async fn the_first_edition_registers_by_file_id_filename_and_content_type() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let upload = presign(&mina).await;
    app.put_to(&upload["url"], HELLO).await.assert(200);
    let body = json!({ "fileId": upload["fileId"], "filename": "hello.txt", "contentType": "text/plain", "size": 12, "visibility": "private" });
    let file = mina.post("/v1/files", body).await.assert(201);
    assert_eq!((&file["id"], &file["s3Key"], &file["originalName"]), (&upload["fileId"], &upload["key"], &json!("hello.txt")));
}

#[actix_web::test]
async fn a_change_renames_publishes_and_merges_and_guests_find_the_file() {
    let app = TestApp::start().await;
    let (mina, jun) = (app.user("mina", "user").await, app.user("jun", "user").await);
    let file = app.hello(&mina, json!({ "metadata": { "tags": ["greeting"] } })).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let change = json!({ "originalName": "회의록 3월.txt", "visibility": "public", "metadata": { "description": "notes" } });
    let changed = mina.patch(&path, change).await.assert(200);
    assert_eq!(changed["metadata"], json!({ "tags": ["greeting"], "description": "notes" }));
    assert_eq!((&changed["url"], &changed["urlExpiresAt"]), (&json!(format!("{}/storage/{}", app.url, file["key"].as_str().unwrap())), &Value::Null));
    let head = app.client().send(reqwest::Method::HEAD, &app.path_of(&changed["url"]), None).await;
    let disposition = "inline; filename=\"___ 3_.txt\"; filename*=UTF-8''%ED%9A%8C%EC%9D%98%EB%A1%9D%203%EC%9B%94.txt";
    assert_eq!((head.status, head.header("content-disposition"), head.header("cache-control")), (200, Some(disposition), Some("public, max-age=3600")));
    let list = app.guest().query("/v1/files", &[("visibility", "public"), ("search", "회의")]).await.assert(200);
    let item = list["items"][0].as_object().unwrap();
    assert_eq!((list["pagination"]["total"].as_u64(), &item["id"]), (Some(1), &file["id"]));
    assert!(!item.contains_key("ownerId") && !item.contains_key("metadata"));
    app.guest().post("/v1/files/presigned-url", json!({})).await.assert_error(401, "common/authentication-required");
    jun.delete(&path).await.assert_error(403, "file/access-denied");
}

#[actix_web::test]
async fn two_parts_become_one_object_once_they_are_listed_ascending() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, parts) = app.in_parts(&mina, 24, &[(1, b"first half, "), (2, b"second half\n")]).await;
    let members: Vec<&String> = upload.as_object().unwrap().keys().collect();
    assert_eq!(members, ["uploadId", "key", "filename", "fileId", "partSize", "expiresAt"]);
    assert_eq!((&upload["partSize"], &upload["filename"]), (&json!(8_388_608), &json!("two.txt")));
    assert_eq!(parts[0]["etag"], "\"6e90599034dbce23ca91f9b9a26195b5\"");
    assert_eq!(parts[1]["etag"], "\"e385503deb8954951627424aa0b43960\"");
    let descending = json!({ "parts": [parts[1], parts[0]] });
    mina.post("/v1/files/multipart/complete", named(&upload, descending)).await.assert_error(400, "file/invalid-parts-array");
    let done = mina.post("/v1/files/multipart/complete", named(&upload, json!({ "parts": parts }))).await.assert(200);
    let location = format!("{}/storage/{}", app.url, upload["key"].as_str().unwrap());
    assert_eq!(
        done,
        json!({ "key": upload["key"], "location": location, "fileId": upload["fileId"], "etag": "6498bbf4c6535be210b224d9898de39d-2", "size": 24 })
    );
    let (other, _) = app.in_parts(&mina, 24, &[]).await;
    mina.post("/v1/files/multipart/abort", named(&other, json!({}))).await.assert(200);
    mina.post("/v1/files/multipart/complete", named(&other, json!({ "parts": parts }))).await.assert_error(404, "file/upload-not-found");
}

#[actix_web::test]
async fn a_part_number_beyond_ten_thousand_is_refused() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let (upload, _) = app.in_parts(&mina, 24, &[]).await;
    for number in [json!(10_001), json!(0), json!(-1), json!(1.5), json!("1")] {
        let body = named(&upload, json!({ "partNumber": number }));
        mina.post("/v1/files/multipart/presigned-url", body).await.assert_error(400, "file/invalid-part-number-range");
    }
}

#[actix_web::test]
async fn a_deleted_file_is_gone_under_every_address() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let file = app.hello(&mina, json!({ "visibility": "public" })).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(mina.delete(&path).await.assert(200), json!({}));
    mina.get(&path).await.assert_error(404, "file/not-found");
    get(&app.client(), &app.path_of(&file["url"]), &[]).await.assert_error(404, "file/not-found");
    mina.delete(&path).await.assert_error(404, "file/not-found");
    let again = json!({ "s3Key": file["key"], "originalName": "hello.txt", "mimeType": "text/plain", "size": 12 });
    mina.post("/v1/files", again).await.assert_error(400, "file/invalid-path");
}
