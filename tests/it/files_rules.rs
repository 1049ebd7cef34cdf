//! Names, types, sizes, lists, changes and older dialects of `/v1/files` (`05-storage.md` §3–§5).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::files::{HELLO, registration};
use crate::support::storage::get;
use crate::support::{Client, TestApp, User};

const PRESIGN: &str = "/v1/files/presigned-url";

async fn start() -> (TestApp, User) {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    (app, mina)
}

fn named(name: &str) -> Value {
    json!({ "filename": name, "contentType": "text/plain" })
}

fn typed(content_type: &str) -> Value {
    json!({ "filename": "a", "contentType": content_type })
}

#[actix_web::test]
async fn a_file_name_has_1_to_255_characters_after_trimming_and_nfc() {
    let (_app, mina) = start().await;
    for (name, kept) in [("  a b.txt ", "a b.txt"), ("e\u{301}.txt", "é.txt"), ("회의록 '3월' \"최종\" 🎉.txt", "회의록 '3월' \"최종\" 🎉.txt")]
    {
        assert_eq!(mina.post(PRESIGN, named(name)).await.assert(200)["filename"], kept);
    }
    for character in ["한", "🎉", "a"] {
        let upload = mina.post(PRESIGN, named(&character.repeat(255))).await.assert(200);
        assert_eq!(upload["filename"].as_str().unwrap().chars().count(), 255);
        assert!(upload["key"].as_str().unwrap().rsplit('/').next().unwrap().len() <= 80);
        mina.post(PRESIGN, named(&character.repeat(256))).await.assert_error(400, "file/original-name-too-long");
    }
    for bad in ["", "  ", ".", "..", "a/b", "a\\b", "../../etc/passwd", "a\0.txt", "a\u{1}", "a\u{7f}", "a\u{85}b", "photo\u{202e}gpj.exe", "a\u{2066}b"] {
        mina.post(PRESIGN, named(bad)).await.assert_error(400, "file/invalid-name");
    }
    mina.post(PRESIGN, json!({ "filename": 7, "contentType": "" })).await.assert_error(400, "common/invalid-parameters");
    mina.post(PRESIGN, json!({ "contentType": "text/plain" })).await.assert_error(400, "common/invalid-parameters");
    mina.post(PRESIGN, json!({ "filename": "a" })).await.assert_error(400, "common/invalid-parameters");
    mina.post(PRESIGN, json!(["a"])).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_content_type_is_type_and_subtype_of_at_most_100_characters_and_not_blocked() {
    let (_app, mina) = start().await;
    for bad in [
        "text",
        "a/b/c",
        "image/*",
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "application/xhtml+xml",
        "application/javascript",
        "text/javascript",
        "application/x-msdownload",
        "application/x-sh",
        "application/x-msi",
    ] {
        mina.post(PRESIGN, typed(bad)).await.assert_error(400, "file/invalid-format");
    }
    mina.post(PRESIGN, typed(&format!("text/{}", "x".repeat(96)))).await.assert_error(400, "file/mime-type-too-long");
    mina.post(PRESIGN, typed(&format!("text/{}", "x".repeat(95)))).await.assert(200);
    assert_eq!(mina.post(PRESIGN, json!({ "filename": "a.png", "contentType": "" })).await.assert(200)["contentType"], "image/png");
    assert_eq!(mina.post(PRESIGN, typed("")).await.assert(200)["contentType"], "application/octet-stream");
    mina.post(PRESIGN, json!({ "filename": "a.html", "contentType": "" })).await.assert_error(400, "file/invalid-format");
}

#[actix_web::test]
async fn settings_allow_and_block_types() {
    let (app, mina) = start().await;
    app.storage(|s| (s.allowed_mime_types, s.blocked_mime_types) = (vec!["image/*".into(), "text/html".into()], vec!["image/gif".into()])).await;
    for (content_type, ok) in [("image/png", true), ("text/html", true), ("image/gif", false), ("text/plain", false)] {
        let answer = mina.post(PRESIGN, typed(content_type)).await;
        if ok { drop(answer.assert(200)) } else { drop(answer.assert_error(400, "file/invalid-format")) }
    }
    let mut wrong = bkend_local::domain::files::FileSettings::clone(&app.environment.file_settings());
    (wrong.upload_url_ttl, wrong.allowed_mime_types) = (59, vec!["x".into()]);
    let error = app.environment.set_file_settings(wrong).await.unwrap_err();
    assert_eq!(error.detail_list().iter().map(|d| d.field.as_str()).collect::<Vec<_>>(), ["uploadUrlTtl", "allowedMimeTypes.0"]);
}

#[actix_web::test]
async fn a_size_is_a_whole_number_of_bytes_within_the_limit_of_its_class() {
    let (_app, mina) = start().await;
    let sized = |content_type: &str, size: Value| json!({ "filename": "a", "contentType": content_type, "fileSize": size });
    mina.post(PRESIGN, sized("text/plain", json!(-1))).await.assert_error(400, "file/size-negative");
    mina.post(PRESIGN, sized("text/plain", json!(-0.5))).await.assert_error(400, "file/size-negative");
    for bad in [json!(1.5), json!("12"), json!(1e300), json!([]), json!(true)] {
        mina.post(PRESIGN, sized("text/plain", bad)).await.assert_error(400, "common/invalid-parameters");
    }
    const MIB: u64 = 1024 * 1024;
    for (content_type, mib) in [("image/png", 10), ("video/mp4", 100), ("audio/mpeg", 100), ("text/csv", 20), ("application/pdf", 20), ("application/zip", 50)]
    {
        mina.post(PRESIGN, sized(content_type, json!(mib * MIB))).await.assert(200);
        let error = mina.post(PRESIGN, sized(content_type, json!(mib * MIB + 1))).await.assert_error(400, "file/file-too-large");
        assert!(error["message"].as_str().unwrap().contains(&(mib * MIB).to_string()), "{error}");
        let unstated = mina.post(PRESIGN, typed(content_type)).await.assert(200);
        assert!(unstated["url"].as_str().unwrap().contains(&format!("X-Bkend-Max={}&", mib * MIB)));
    }
    mina.post(PRESIGN, sized("text/plain", json!(0))).await.assert(200);
    mina.post(PRESIGN, sized("text/plain", json!(12.0))).await.assert(200);
    let init = |size: Value| json!({ "filename": "a", "contentType": "video/mp4", "fileSize": size });
    mina.post("/v1/files/multipart/init", init(json!(5 * 1024 * MIB))).await.assert(200);
    mina.post("/v1/files/multipart/init", init(json!(5 * 1024 * MIB + 1))).await.assert_error(400, "file/file-too-large");
    mina.post("/v1/files/multipart/init", init(json!(0))).await.assert_error(400, "file/file-too-small");
    mina.post("/v1/files/multipart/init", init(Value::Null)).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn files_below_the_least_size_are_refused() {
    let (app, mina) = start().await;
    app.storage(|s| s.min_file_bytes = 13).await;
    let body = json!({ "filename": "a.txt", "contentType": "text/plain", "fileSize": 12 });
    mina.post(PRESIGN, body).await.assert_error(400, "file/file-too-small");
}

#[actix_web::test]
async fn words_sides_and_notes_are_checked() {
    let (app, mina) = start().await;
    for (member, bad) in [
        ("visibility", json!("secret")),
        ("visibility", json!(1)),
        ("bucket", json!("nope")),
        ("category", json!("nope")),
        ("width", json!(0)),
        ("width", json!(65_536)),
        ("height", json!(1.5)),
        ("height", json!("10")),
        ("metadata", json!("text")),
        ("metadata", json!([])),
        ("metadata", json!({ "description": "x".repeat(1001) })),
        ("metadata", json!({ "alt": 7 })),
        ("metadata", json!({ "tags": vec!["x"; 51] })),
        ("metadata", json!({ "tags": ["x".repeat(101)] })),
        ("metadata", json!({ "tags": [1] })),
        ("metadata", json!({ "custom": [] })),
        ("metadata", json!({ "other": "x".repeat(16 * 1024) })),
        ("sharedWith", json!({})),
    ] {
        let upload = app.stored(&mina, named("hello.txt"), HELLO).await;
        let mut more = json!({});
        more[member] = bad;
        let error = mina.post("/v1/files", registration(&upload, more)).await.assert_error(400, "common/invalid-parameters");
        assert!(error["message"].as_str().unwrap().contains(member), "{error}");
        mina.post("/v1/files", registration(&upload, json!({}))).await.assert(201);
    }
    let notes = json!({ "tags": ["x".repeat(100)], "description": "설".repeat(1000), "custom": { "a": [1, null] }, "own": { "deep": true } });
    let file = app.hello(&mina, json!({ "width": 65_535, "height": 1, "metadata": notes, "bucket": "temp" })).await;
    assert_eq!((&file["metadata"], &file["width"], &file["height"], &file["bucket"]), (&notes, &json!(65_535), &json!(1), &json!("temp")));
}

#[actix_web::test]
async fn the_bucket_avatars_takes_four_kinds_of_pictures() {
    let (app, mina) = start().await;
    for (content_type, ok) in
        [("image/png", true), ("image/jpg", true), ("image/webp", true), ("image/gif", true), ("image/svg+xml", false), ("text/plain", false)]
    {
        let answer = mina.post(PRESIGN, json!({ "filename": "a", "contentType": content_type, "category": "avatars" })).await;
        if ok { drop(answer.assert(200)) } else { drop(answer.assert_error(400, "file/invalid-format")) }
    }
    let upload = app.stored(&mina, named("hello.txt"), HELLO).await;
    mina.post("/v1/files", registration(&upload, json!({ "bucket": "avatars" }))).await.assert_error(400, "file/invalid-format");
    let file = mina.post("/v1/files", registration(&upload, json!({}))).await.assert(201);
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    mina.patch(&path, json!({ "bucket": "avatars" })).await.assert_error(400, "file/invalid-format");
}

#[actix_web::test]
async fn a_type_that_is_not_stated_is_checked_when_the_bytes_come() {
    let (app, mina) = start().await;
    for (filename, code) in [("evil.html", "file/invalid-format"), ("a.txt", "file/invalid-format"), ("a.sh", "file/invalid-format")] {
        let upload = mina.post(PRESIGN, json!({ "filename": filename, "contentType": "", "category": "avatars" })).await.assert(200);
        app.put_to(&upload["url"], b"<script>").await.assert_error(400, code);
        let body = json!({ "s3Key": upload["key"], "originalName": filename, "mimeType": "", "size": 8, "bucket": "files" });
        mina.post("/v1/files", body).await.assert_error(409, "file/upload-incomplete");
    }
    let upload = mina.post(PRESIGN, json!({ "filename": "me.png", "contentType": "", "category": "avatars" })).await.assert(200);
    app.put_to(&upload["url"], b"\x89PNG").await.assert(200);
}

#[actix_web::test]
async fn javascript_executables_installers_and_shell_scripts_are_blocked_whatever_they_are_called() {
    let (_app, mina) = start().await;
    for content_type in [
        "text/javascript",
        "TEXT/JavaScript1.5; charset=utf-8",
        "application/x-ecmascript",
        "application/x-bash",
        "text/x-msdos-batch",
        "application/x-ms-dos-executable",
        "application/x-pie-executable",
        "application/msix",
        "application/hta",
        "application/xhtml+xml",
    ] {
        mina.post(PRESIGN, json!({ "filename": "a", "contentType": content_type })).await.assert_error(400, "file/invalid-format");
    }
}

#[actix_web::test]
async fn registering_is_checked_in_the_order_of_the_table() {
    let (app, mina) = start().await;
    let jun = app.user("jun", "user").await;
    let upload = app.stored(&mina, named("hello.txt"), HELLO).await;
    for field in ["s3Key", "originalName", "mimeType", "size"] {
        let error = mina.post("/v1/files", registration(&upload, json!({ field: null }))).await.assert_error(400, "common/invalid-parameters");
        assert_eq!(error["error"]["details"][0]["field"], field);
    }
    // A malformed field comes before an unknown key, that before somebody else's, that before a wrong size.
    jun.post("/v1/files", registration(&upload, json!({ "size": -1 }))).await.assert_error(400, "file/size-negative");
    jun.post("/v1/files", registration(&upload, json!({ "s3Key": "k".repeat(501) }))).await.assert_error(400, "file/s3-key-too-long");
    jun.post("/v1/files", registration(&upload, json!({ "s3Key": "x" }))).await.assert_error(400, "file/invalid-path");
    jun.post("/v1/files", registration(&upload, json!({ "size": 1 }))).await.assert_error(403, "file/access-denied");
    mina.post("/v1/files", registration(&upload, json!({ "size": 1, "mimeType": "image/png" }))).await.assert_error(400, "file/size-mismatch");
    mina.post("/v1/files", registration(&upload, json!({ "mimeType": "image/png" }))).await.assert_error(400, "file/invalid-format");
    // A failed registration leaves the upload as it was.
    let file = mina.post("/v1/files", registration(&upload, json!({ "mimeType": "TEXT/plain; charset=utf-8", "originalName": "other.txt" }))).await.assert(201);
    assert_eq!(file["originalName"], "other.txt");
    let both = json!({ "size": 1, "mimeType": "image/png" });
    mina.post("/v1/files", registration(&upload, both)).await.assert_error(409, "file/s3-key-already-exists");
}

#[actix_web::test]
async fn what_registration_omits_comes_from_the_presign_and_the_object() {
    let (app, mina) = start().await;
    let body = json!({ "filename": "a.txt", "contentType": "", "visibility": "protected", "category": "exports" });
    let upload = app.stored(&mina, body, HELLO).await;
    let file = mina.post("/v1/files", registration(&upload, json!({ "mimeType": "" }))).await.assert(201);
    assert_eq!((&file["visibility"], &file["bucket"], &file["mimeType"]), (&json!("protected"), &json!("exports"), &json!("text/plain")));
    let file = app.hello(&mina, json!({})).await;
    assert_eq!((&file["visibility"], &file["bucket"], &file["metadata"]), (&json!("private"), &json!("attachments"), &json!({})));
}

/// A PNG header of 320 × 200.
fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x40\0\0\0\xc8\x08\x02\0\0\0".to_vec();
    bytes.extend([0; 32]);
    bytes
}

#[actix_web::test]
async fn sides_of_pictures_are_read_from_their_header_unless_sent() {
    let (app, mina) = start().await;
    let gif = b"GIF89a\x0a\0\x14\0\0\0\0;".to_vec();
    for (name, bytes, sides) in
        [("a.png", png(), json!([320, 200])), ("a.gif", gif, json!([10, 20])), ("broken.png", b"\x89PNG\r\n".to_vec(), json!([null, null]))]
    {
        let upload = app.stored(&mina, json!({ "filename": name, "contentType": "" }), &bytes).await;
        let body = json!({ "s3Key": upload["key"], "originalName": name, "mimeType": "", "size": bytes.len() });
        let file = mina.post("/v1/files", body).await.assert(201);
        assert_eq!(json!([file["width"], file["height"]]), sides, "{name}");
    }
    let upload = app.stored(&mina, json!({ "filename": "a.png", "contentType": "image/png" }), &png()).await;
    let body = json!({ "s3Key": upload["key"], "originalName": "a.png", "mimeType": "image/png", "size": png().len(), "width": 7, "height": 9 });
    let file = mina.post("/v1/files", body).await.assert(201);
    assert_eq!((&file["width"], &file["height"]), (&json!(7), &json!(9)));
}

async fn some_files(app: &TestApp, client: &Client) {
    for (name, size, content_type, bucket) in [
        ("Alpha.txt", 3, "text/plain", "documents"),
        ("beta_1.png", 2, "image/png", "images"),
        ("100%.csv", 1, "text/csv", "documents"),
        ("Ünïcode 회의.jpg", 5, "image/jpg", "images"),
    ] {
        let upload = app.stored(client, json!({ "filename": name, "contentType": content_type, "category": bucket }), &vec![b'x'; size]).await;
        let body = json!({ "s3Key": upload["key"], "originalName": name, "mimeType": content_type, "size": size });
        client.post("/v1/files", body).await.assert(201);
        app.wait(1);
    }
}

async fn names(client: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let list = client.query("/v1/files", query).await.assert(200);
    let names: Vec<String> = list["items"].as_array().unwrap().iter().map(|f| f["originalName"].as_str().unwrap().to_owned()).collect();
    let limited = query.iter().any(|(name, _)| matches!(*name, "limit" | "page"));
    assert!(limited || list["pagination"]["total"].as_u64() == Some(names.len() as u64));
    names
}

#[actix_web::test]
async fn lists_are_filtered_sorted_and_paged() {
    let (app, mina) = start().await;
    some_files(&app, &mina).await;
    let (alpha, beta, percent, unicode) = ("Alpha.txt", "beta_1.png", "100%.csv", "Ünïcode 회의.jpg");
    for (query, expected) in [
        (&[][..], &[unicode, percent, beta, alpha][..]),
        (&[("sortDirection", "asc")], &[alpha, beta, percent, unicode]),
        (&[("sortBy", "size"), ("sortDirection", "asc")], &[percent, beta, alpha, unicode]),
        (&[("sortBy", "originalName"), ("sortDirection", "asc")], &[percent, alpha, beta, unicode]),
        (&[("sortBy", "mimeType"), ("sortDirection", "desc")], &[alpha, percent, beta, unicode]),
        (&[("sortBy", "updatedAt")], &[unicode, percent, beta, alpha]),
        (&[("bucket", "images")], &[unicode, beta]),
        (&[("category", "images")], &[unicode, beta]),
        (&[("mimeType", "image/*")], &[unicode, beta]),
        (&[("mimeType", "IMAGE/JPEG")], &[unicode]),
        (&[("contentType", "text/plain")], &[alpha]),
        (&[("mimeType", "*/*"), ("bucket", "documents")], &[percent, alpha]),
        (&[("search", "ALPHA")], &[alpha]),
        (&[("search", "%")], &[percent]),
        (&[("search", "_")], &[beta]),
        (&[("search", "ünÏ")], &[unicode]),
        (&[("search", "회의")], &[unicode]),
        (&[("search", "a"), ("bucket", "images")], &[beta]),
        (&[("ownerId", mina.id.as_str()), ("ownerType", "user"), ("visibility", "private"), ("limit", "1"), ("page", "2")], &[percent]),
        (&[("ownerId", "nobody")], &[]),
        (&[("ownerType", "service")], &[]),
        (&[("page", "9")], &[]),
        (&[("limit", "1000"), ("anything", "x")], &[unicode, percent, beta, alpha]),
    ] {
        assert_eq!(names(&mina, query).await, expected, "{query:?}");
        assert_eq!(names(&app.secret(), query).await, expected, "{query:?} for an admin");
    }
    for (name, value) in [
        ("sortBy", "ownerId"),
        ("sortBy", "createdAt,size"),
        ("sortDirection", "up"),
        ("visibility", "secret"),
        ("ownerType", "god"),
        ("bucket", "x"),
        ("mimeType", "image"),
        ("mimeType", "*/png"),
        ("page", "0"),
        ("limit", "x"),
    ] {
        let error = mina.query("/v1/files", &[(name, value)]).await.assert_error(400, "common/invalid-parameters");
        assert!(error["message"].as_str().unwrap().contains(name), "{name}={value}: {error}");
    }
}

#[actix_web::test]
async fn equal_values_are_ordered_by_id_so_that_pages_never_overlap() {
    let (app, mina) = start().await;
    for visibility in ["public", "private", "protected", "public", "private"] {
        app.hello(&mina, json!({ "visibility": visibility })).await;
    }
    for direction in ["asc", "desc"] {
        let mut seen = Vec::new();
        for page in 1..=5 {
            let list = mina.get(&format!("/v1/files?sortBy=size&sortDirection={direction}&limit=1&page={page}")).await.assert(200);
            seen.push(list["items"][0]["id"].as_str().unwrap().to_owned());
        }
        let mut sorted = seen.clone();
        sorted.sort();
        if direction == "desc" {
            sorted.reverse();
        }
        assert_eq!(seen, sorted);
    }
}

#[actix_web::test]
async fn a_patch_merges_notes_replaces_shares_and_ignores_the_rest() {
    let (app, mina) = start().await;
    let file = app.hello(&mina, json!({ "metadata": { "alt": "a", "tags": ["x"], "custom": { "a": 1, "b": 2 } } })).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let same = mina.patch(&path, json!({})).await.assert(200);
    assert_eq!((&same["metadata"], &same["updatedAt"]), (&file["metadata"], &file["updatedAt"]), "an empty body changes nothing");
    assert_eq!(mina.send(Method::PATCH, &path, None).await.assert(200)["updatedAt"], file["updatedAt"]);
    app.wait(1);
    let change = json!({ "metadata": { "alt": null, "custom": { "c": 3 }, "new": true }, "mimeType": "image/png", "size": 1, "ownerId": "x", "s3Key": "y" });
    let changed = mina.patch(&path, change).await.assert(200);
    assert_eq!(changed["metadata"], json!({ "tags": ["x"], "custom": { "c": 3 }, "new": true }));
    for member in ["mimeType", "size", "ownerId", "s3Key", "createdAt"] {
        assert_eq!(changed[member], file[member]);
    }
    assert!(changed["updatedAt"].as_str() > file["updatedAt"].as_str());
    for bad in [json!({ "originalName": "" }), json!({ "originalName": "a/b" })] {
        mina.patch(&path, bad).await.assert_error(400, "file/invalid-name");
    }
    mina.patch(&path, json!({ "metadata": { "big": "x".repeat(16_350) } })).await.assert_error(400, "common/invalid-parameters");
    mina.patch(&path, json!({ "visibility": "x" })).await.assert_error(400, "common/invalid-parameters");
    mina.patch(&format!("{path}/visibility"), json!({})).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(mina.patch(&format!("{path}/visibility"), json!({ "visibility": "public", "bucket": "temp" })).await.assert(200)["bucket"], "attachments");
}

#[actix_web::test]
async fn a_change_of_visibility_acts_with_the_answer_and_signed_urls_stay() {
    let (app, mina) = start().await;
    let file = app.hello(&mina, json!({})).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let signed = app.path_of(&file["url"]);
    let plain = signed.split('?').next().unwrap().to_owned();
    for (visibility, status) in [("public", 200), ("private", 403), ("shared", 403), ("protected", 403)] {
        mina.patch(&path, json!({ "visibility": visibility })).await.assert(200);
        assert_eq!(get(&app.client(), &plain, &[]).await.status, status, "{visibility}");
        assert_eq!(get(&app.client(), &signed, &[]).await.status, 200);
    }
    app.wait(3601);
    get(&app.client(), &signed, &[]).await.assert_error(403, "file/url-expired");
}

#[actix_web::test]
async fn totals_are_of_the_environment_for_admins_and_of_their_own_files_for_users() {
    let (app, mina) = start().await;
    app.storage(|s| s.quota_bytes = 1_000_000).await;
    some_files(&app, &mina).await;
    app.hello(&app.secret(), json!({ "visibility": "public" })).await;
    for (who, files, size) in [(&mina.client, 4, 11), (&app.secret(), 5, 23), (&app.user("jun", "user").await.client, 0, 0)] {
        let stats = who.get("/v1/files/stats").await.assert(200);
        assert_eq!((&stats["totalFiles"], &stats["totalSize"], &stats["quotaBytes"]), (&json!(files), &json!(size), &json!(1_000_000)));
        let buckets = who.get("/v1/files/buckets").await.assert(200);
        assert_eq!((buckets["items"].as_array().unwrap().len(), &buckets["pagination"]["totalPages"]), (9, &json!(1)));
        let of = |name: &str| buckets["items"].as_array().unwrap().iter().find(|b| b["name"] == name).cloned().unwrap();
        assert_eq!(stats["byBucket"]["images"], json!({ "files": of("images")["files"], "size": of("images")["size"] }));
    }
    let stats = mina.get("/v1/files/stats").await.assert(200);
    assert_eq!(stats["byBucket"]["images"], json!({ "files": 2, "size": 7 }));
}

#[actix_web::test]
async fn a_download_url_is_plain_for_public_files_and_signed_for_a_time_else() {
    let (app, mina) = start().await;
    let file = app.hello(&mina, json!({})).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let link = mina.post(&format!("{path}/download-url"), json!({ "expiresIn": 60, "disposition": "inline" })).await.assert(200);
    assert!(link["url"].as_str().unwrap().contains("X-Bkend-Disposition=inline&"));
    let by_query = mina.get(&format!("{path}/download-url?expiresIn=604800&disposition=attachment")).await.assert(200);
    app.wait(61);
    get(&app.client(), &app.path_of(&link["url"]), &[]).await.assert_error(403, "file/url-expired");
    let answer = get(&app.client(), &app.path_of(&by_query["url"]), &[]).await;
    assert!(answer.status == 200 && answer.header("content-disposition").unwrap().starts_with("attachment;"));
    for bad in [json!({ "expiresIn": 59 }), json!({ "expiresIn": 604_801 }), json!({ "expiresIn": "x" }), json!({ "disposition": "both" })] {
        mina.post(&format!("{path}/download-url"), bad).await.assert_error(400, "common/invalid-parameters");
    }
    let download = mina.get(&format!("{path}/download")).await;
    assert_eq!(download.status, 302);
    let target = json!(download.header("location").unwrap());
    assert_eq!(get(&app.client(), &app.path_of(&target), &[]).await.text.as_bytes(), HELLO);
    mina.patch(&path, json!({ "visibility": "public" })).await.assert(200);
    let link = app.guest().post(&format!("{path}/download-url"), json!({})).await.assert(200);
    assert_eq!((&link["expiresAt"], &link["expires_at"]), (&Value::Null, &Value::Null));
    assert!(!link["url"].as_str().unwrap().contains('?'));
}

#[actix_web::test]
async fn every_older_dialect_is_understood() {
    let (app, mina) = start().await;
    for (name, content_type, size, bucket) in [("originalName", "mimeType", "size", "bucket"), ("fileName", "contentType", "fileSize", "category")] {
        let mut body = json!({ "namespace": "old" });
        (body[name], body[content_type], body[size], body[bucket]) = (json!("a.txt"), json!("text/plain"), json!(12), json!("temp"));
        let upload = app.stored(&mina, body.clone(), HELLO).await;
        assert_eq!((&upload["filename"], &upload["contentType"]), (&json!("a.txt"), &json!("text/plain")));
        body["key"] = upload["key"].clone();
        let file = mina.post("/v1/files", body).await.assert(201);
        assert_eq!((&file["originalName"], &file["bucket"]), (&json!("a.txt"), &json!("temp")));
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        let mut change = json!({});
        (change[name], change[bucket]) = (json!("b.txt"), json!("media"));
        let changed = mina.patch(&path, change).await.assert(200);
        assert_eq!((&changed["originalName"], &changed["bucket"]), (&json!("b.txt"), &json!("media")));
    }
    // The current name wins.
    let both = json!({ "filename": "a.txt", "originalName": "b.txt", "contentType": "text/plain", "mimeType": "image/png", "category": "temp", "bucket": "x" });
    assert_eq!(mina.post(PRESIGN, both).await.assert(200)["filename"], "a.txt");
    // Registration by id in the path: everything comes from the upload.
    let upload = app.stored(&mina, json!({ "filename": "c.txt", "contentType": "text/plain", "visibility": "public" }), HELLO).await;
    let path = format!("/v1/files/{}/complete", upload["fileId"].as_str().unwrap());
    let file = mina.send(Method::POST, &path, None).await.assert(200);
    assert_eq!((&file["originalName"], &file["visibility"], &file["size"]), (&json!("c.txt"), &json!("public"), &json!(12)));
    mina.post(&path, json!({})).await.assert_error(409, "file/s3-key-already-exists");
    mina.post("/v1/files/695f7c9c7a2e4c5d6e7f8091/complete", json!({})).await.assert_error(404, "file/not-found");
    // Multipart under its older paths, where the key is optional.
    let body = json!({ "fileName": "d.txt", "mimeType": "text/plain", "size": 12 });
    let upload = mina.post("/v1/files/multipart/initiate", body.clone()).await.assert(200);
    let path = format!("/v1/files/multipart/{}", upload["uploadId"].as_str().unwrap());
    let url = mina.post(&format!("{path}/part-url"), json!({ "partNumber": 1 })).await.assert(200);
    let etag = app.put_to(&url["url"], HELLO).await.header("etag").unwrap().to_owned();
    let parts = json!({ "parts": [{ "PartNumber": 1, "ETag": etag }] });
    assert_eq!(mina.post(&format!("{path}/complete"), parts).await.assert(200)["size"], 12);
    let upload = mina.post("/v1/files/multipart/initiate", body).await.assert(200);
    let path = format!("/v1/files/multipart/{}/abort", upload["uploadId"].as_str().unwrap());
    assert_eq!(mina.send(Method::POST, &path, None).await.assert(200), json!({ "success": true, "key": upload["key"] }));
}

#[actix_web::test]
async fn keys_may_be_handed_out_as_urls_and_are_accepted_back() {
    let (app, mina) = start().await;
    app.storage(|s| s.keys_as_urls = true).await;
    let upload = app.stored(&mina, named("hello.txt"), HELLO).await;
    let key = upload["key"].as_str().unwrap();
    assert!(key.starts_with(&format!("{}/storage/{}/", app.url, app.environment.id())), "{key}");
    let file = mina.post("/v1/files", registration(&upload, json!({ "visibility": "public" }))).await.assert(201);
    assert_eq!((&file["key"], &file["s3Key"], &file["url"]), (&upload["key"], &upload["key"], &upload["key"]));
    let (upload, parts) = app.in_parts(&mina, 12, &[(1, HELLO)]).await;
    assert!(upload["key"].as_str().unwrap().starts_with(&app.url));
    let open = mina.query("/v1/files/multipart", &[("key", upload["key"].as_str().unwrap())]).await.assert(200);
    assert_eq!(open["items"][0]["key"], upload["key"]);
    let done = mina.post("/v1/files/multipart/complete", crate::support::files::named(&upload, json!({ "parts": parts }))).await.assert(200);
    assert_eq!(done["key"], done["location"]);
    app.storage(|s| s.keys_as_urls = false).await;
    let body = json!({ "s3Key": upload["key"], "originalName": "two.txt", "mimeType": "text/plain", "size": 12 });
    assert!(mina.post("/v1/files", body).await.assert(201)["key"].as_str().unwrap().starts_with(app.environment.id()));
}

#[actix_web::test]
async fn an_object_directory_that_cannot_be_written_is_a_server_error_with_a_name() {
    let (app, mina) = start().await;
    let folder = app.backend.directory().environment(app.environment.id()).join("objects");
    std::fs::remove_dir_all(&folder).unwrap();
    // A disk that is gone is not replaced by an empty folder.
    mina.post(PRESIGN, named("a.txt")).await.assert_error(500, "file/bucket-not-configured");
    assert!(!folder.exists());
    std::fs::write(&folder, "in the way").unwrap();
    mina.post(PRESIGN, named("a.txt")).await.assert_error(500, "file/bucket-not-configured");
    let body = json!({ "filename": "a.txt", "contentType": "text/plain", "fileSize": 1 });
    mina.post("/v1/files/multipart/init", body).await.assert_error(500, "file/upload-init-failed");
    std::fs::remove_file(&folder).unwrap();
    let app = app.restart().await;
    app.secret().post(PRESIGN, named("a.txt")).await.assert(200);
}
