//! Files, settings of storage and copies of files on the management API (`06-console.md` B3, `05-storage.md` §9).

use std::io::{Cursor, Read};

use serde_json::{Value, json};

use crate::support::developers::column;
use crate::support::pictures::{self, jpeg, png};
use crate::support::{Answer, Client, TestApp, http_client};

fn files(app: &TestApp) -> String {
    format!("{}/files", app.environment_path())
}

async fn stored(app: &TestApp, name: &str, visibility: &str) -> Value {
    pictures::store(&app.secret(), name, "text/plain", visibility, name.as_bytes()).await
}

/// A finished job.
async fn bulk(app: &TestApp, body: Value) -> Value {
    let job = app.operator().post(&format!("{}/bulk?wait=30", files(app)), body).await.assert(200);
    assert_eq!((&job["status"], &job["kind"]), (&json!("succeeded"), &json!("files")), "{job}");
    job
}

/// The activities about files, once there are so many: the audit follows the change.
async fn told(app: &TestApp, count: usize) -> Value {
    for _ in 0..200 {
        let list = app.operator().get(&format!("{}/activities?entityType=file", app.project_path())).await.assert(200);
        if list["items"].as_array().unwrap().len() >= count {
            return list;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("fewer than {count} activities");
}

async fn import(app: &TestApp, path: &str, metadata: &str, bytes: &[u8]) -> Answer {
    send(app, &format!("{path}/import"), metadata, bytes).await
}

/// A form with a file and what is to be known of it.
async fn send(app: &TestApp, path: &str, metadata: &str, bytes: &[u8]) -> Answer {
    let part = |head: &str, body: &[u8]| [b"--border\r\nContent-Disposition: form-data; ", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat();
    let form = [part("name=\"metadata\"", metadata.as_bytes()), part("name=\"file\"; filename=\"x\"", bytes), b"--border--\r\n".to_vec()].concat();
    let token = format!("Bearer {}", app.backend.operator_token());
    let request = http_client().post(format!("{}{path}", app.url)).header("Authorization", token);
    Answer::of(request.header("Content-Type", "multipart/form-data; boundary=border").body(form).send().await.unwrap()).await
}

#[actix_web::test]
async fn the_routes_of_files_work_with_the_rights_of_an_admin() {
    let app = TestApp::start().await;
    let (client, at) = (app.member("mei", "member").await, files(&app));
    let body = json!({ "filename": "a.png", "contentType": "image/png", "visibility": "private" });
    let upload = client.post(&format!("{at}/presigned-url"), body).await.assert(200);
    pictures::put(&upload, &png(8, 8)).await.assert(200);
    let size = png(8, 8).len();
    let file = json!({ "s3Key": upload["key"], "originalName": "a.png", "mimeType": "image/png", "size": size });
    let file = client.post(&at, file).await.assert(201);
    assert_eq!((&file["ownerType"], &file["ownerId"], &file["width"]), (&json!("service"), &Value::Null, &json!(8)));
    let one = format!("{at}/{}", file["id"].as_str().unwrap());
    assert_eq!(client.get(&one).await.assert(200)["id"], file["id"]);
    let mina = app.user("mina", "user").await;
    pictures::store(&mina, "hers.txt", "text/plain", "private", b"hers").await;
    assert_eq!(column(&client.get(&format!("{at}?sortBy=originalName&sortDirection=asc")).await.assert(200), "originalName"), ["a.png", "hers.txt"]);
    assert_eq!(client.patch(&one, json!({ "visibility": "public", "metadata": { "alt": "x" } })).await.assert(200)["metadata"]["alt"], "x");
    for method in ["GET", "POST"] {
        let answer = client.send(method.parse().unwrap(), &format!("{one}/download-url"), None).await.assert(200);
        assert_eq!(answer["expiresAt"], Value::Null);
    }
    assert!(client.get(&format!("{one}/download")).await.header("location").unwrap().contains("/storage/"));
    assert_eq!(client.get(&format!("{at}/stats")).await.assert(200)["totalFiles"], 2);
    assert_eq!(client.get(&format!("{at}/buckets")).await.assert(200)["items"].as_array().unwrap().len(), 9);
    assert_eq!(client.delete(&one).await.assert(200), json!({}));
    client.delete(&one).await.assert_error(404, "file/not-found");
    assert_eq!(column(&told(&app, 3).await, "event"), ["file_deleted", "file_updated", "file_created"]);
}

#[actix_web::test]
async fn uploads_in_parts_work_too() {
    let app = TestApp::start().await;
    let (client, at) = (app.operator(), format!("{}/multipart", files(&app)));
    let upload = client.post(&format!("{at}/init"), json!({ "filename": "two.txt", "contentType": "text/plain", "fileSize": 24 })).await.assert(200);
    let named = json!({ "key": upload["key"], "uploadId": upload["uploadId"], "partNumbers": [1, 2] });
    let urls = client.post(&format!("{at}/presigned-url"), named.clone()).await.assert(200);
    let mut parts = Vec::new();
    for (part, text) in urls["items"].as_array().unwrap().iter().zip(["first half, ", "second half\n"]) {
        let answer = http_client().put(part["url"].as_str().unwrap()).body(text).send().await.unwrap();
        parts.push(json!({ "partNumber": part["partNumber"], "etag": answer.headers()["etag"].to_str().unwrap() }));
    }
    assert_eq!(client.get(&at).await.assert(200)["pagination"]["total"], 1);
    let shown = client.get(&format!("{at}/{}", upload["uploadId"].as_str().unwrap())).await.assert(200);
    assert_eq!(shown["parts"].as_array().unwrap().len(), 2);
    let body = json!({ "key": upload["key"], "uploadId": upload["uploadId"], "parts": parts });
    assert_eq!(client.post(&format!("{at}/complete"), body).await.assert(200)["etag"], "6498bbf4c6535be210b224d9898de39d-2");
    client.post(&format!("{at}/abort"), named).await.assert_error(409, "file/upload-conflict");
}

#[actix_web::test]
async fn roles_and_scopes_count() {
    let app = TestApp::start().await;
    let at = files(&app);
    app.client().get(&at).await.assert_error(401, "common/authentication-required");
    app.developer("stranger").await.get(&at).await.assert_error(404, "project/not-found");
    app.member("bill", "billing").await.get(&at).await.assert_error(403, "organization/permission-denied");
    let member = app.member("mei", "member").await;
    let settings = format!("{}/storage/settings", app.environment_path());
    member.get(&settings).await.assert(200);
    member.patch(&settings, json!({ "orphanHours": 48 })).await.assert_error(403, "organization/permission-denied");
    app.member("ada", "admin").await.patch(&settings, json!({ "orphanHours": 48 })).await.assert(200);
}

#[actix_web::test]
async fn settings_are_shown_merged_checked_and_versioned() {
    let app = TestApp::start().await;
    let (client, path) = (app.operator(), format!("{}/storage/settings", app.environment_path()));
    let first = client.get(&path).await;
    let etag = first.header("etag").unwrap().to_owned();
    let settings = first.assert(200);
    for (field, value) in
        [("maxImageBytes", json!(10 * 1024 * 1024)), ("uploadUrlTtl", json!(900)), ("readUnregisteredByUrl", json!(true)), ("keysAsUrls", json!(false))]
    {
        assert_eq!(settings[field], value);
    }
    let changed = client.header("If-Match", &etag).patch(&path, json!({ "quotaBytes": 1000, "allowedMimeTypes": ["image/*"], "unknown": 1 })).await.assert(200);
    assert_eq!((&changed["quotaBytes"], &changed["allowedMimeTypes"], &changed["uploadUrlTtl"]), (&json!(1000), &json!(["image/*"]), &json!(900)));
    client.header("If-Match", &etag).patch(&path, json!({ "quotaBytes": 5 })).await.assert_error(412, "management/version-conflict");
    for bad in [
        json!({ "quotaBytes": -1 }),
        json!({ "quotaBytes": "much" }),
        json!({ "uploadUrlTtl": 59 }),
        json!({ "downloadUrlTtl": 604_801 }),
        json!({ "orphanHours": 0 }),
        json!({ "keysAsUrls": "yes" }),
        json!({ "blockedMimeTypes": "text/html" }),
        json!({ "allowedMimeTypes": ["nonsense"] }),
        json!({ "maxImageBytes": 1.5 }),
    ] {
        client.patch(&path, bad).await.assert_error(400, "common/invalid-parameters");
    }
    let presign = json!({ "filename": "a.txt", "contentType": "text/plain" });
    app.secret().post("/v1/files/presigned-url", presign.clone()).await.assert_error(400, "file/invalid-format");
    assert_eq!(client.patch(&path, json!({ "allowedMimeTypes": null })).await.assert(200)["allowedMimeTypes"], json!(["*/*"]));
    app.secret().post("/v1/files/presigned-url", presign).await.assert(200);
    let app = app.restart().await;
    assert_eq!(app.operator().get(&path).await.assert(200)["quotaBytes"], 1000);
}

#[actix_web::test]
async fn what_an_app_shows_without_registering_it_is_listed_and_can_be_registered_or_deleted() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let mut ids = Vec::new();
    for name in ["a.jpg", "b.jpg", "c.jpg"] {
        let upload = pictures::upload(&mina, json!({ "filename": name, "contentType": "image/jpeg" }), &jpeg(8, 8)).await;
        app.bytes(&format!("/img/4x4/{}", upload["key"].as_str().unwrap()), &[]).await.assert(200);
        ids.push(upload);
    }
    mina.post("/v1/files/presigned-url", json!({ "filename": "pending.txt", "contentType": "text/plain" })).await.assert(200);
    let at = format!("{}/unregistered", files(&app));
    let list = app.operator().get(&format!("{at}?limit=2")).await.assert(200);
    assert_eq!((column(&list, "filename"), &list["pagination"]["total"]), (vec!["c.jpg".to_owned(), "b.jpg".to_owned()], &json!(3)));
    let item = &list["items"][0];
    assert_eq!((&item["uploaderId"], &item["size"], item["fetchedAt"].is_string()), (&json!(mina.id), &json!(jpeg(8, 8).len()), true));
    app.bytes(item["url"].as_str().unwrap(), &[]).await.assert(200);
    let file = json!({ "s3Key": ids[0]["key"], "originalName": "a.jpg", "mimeType": "image/jpeg", "size": jpeg(8, 8).len() });
    assert_eq!(app.operator().post(&files(&app), file).await.assert(201)["ownerId"], json!(mina.id));
    let id = |at: usize| ids[at]["fileId"].as_str().unwrap();
    app.operator().delete(&format!("{at}/{}", id(0))).await.assert_error(404, "file/not-found");
    app.operator().delete(&format!("{at}/{}", id(1))).await.assert(204);
    app.operator().delete(&format!("{at}/{}", id(1))).await.assert_error(404, "file/not-found");
    app.bytes(&format!("/storage/{}", ids[1]["key"].as_str().unwrap()), &[]).await.assert_error(404, "file/not-found");
    assert_eq!(column(&app.operator().get(&at).await.assert(200), "filename"), ["c.jpg"]);
}

#[actix_web::test]
async fn many_files_are_deleted_or_shown_in_one_job_with_one_activity() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(stored(&app, &format!("{n}.txt"), "private").await);
    }
    let list: Vec<&Value> = ids.iter().map(|file| &file["id"]).collect();
    let job = bulk(&app, json!({ "ids": [list[0], list[1], list[0], "nobody"], "action": "visibility", "visibility": "public" })).await;
    assert_eq!(job["result"], json!({ "files": 2, "missing": ["nobody"] }));
    app.bytes(&format!("/storage/{}", ids[0]["key"].as_str().unwrap()), &[]).await.assert(200);
    app.bytes(&format!("/storage/{}", ids[2]["key"].as_str().unwrap()), &[]).await.assert(403);
    assert_eq!(bulk(&app, json!({ "ids": list[..4], "action": "delete" })).await["result"]["files"], 4);
    assert_eq!(column(&app.secret().get("/v1/files").await.assert(200), "originalName"), ["4.txt"]);
    app.bytes(&format!("/storage/{}", ids[0]["key"].as_str().unwrap()), &[]).await.assert_error(404, "file/not-found");
    let told = told(&app, 2).await;
    assert_eq!((column(&told, "event"), &told["items"][0]["metadata"]["files"]), (vec!["file_deleted".to_owned(), "file_updated".to_owned()], &json!(4)));
    for bad in [
        json!({ "ids": [], "action": "delete" }),
        json!({ "ids": ["a"], "action": "burn" }),
        json!({ "ids": ["a"], "action": "visibility" }),
        json!({ "ids": ["a"], "action": "visibility", "visibility": "secret" }),
        json!({ "ids": (0..1001).map(|n| n.to_string()).collect::<Vec<_>>(), "action": "delete" }),
    ] {
        app.operator().post(&format!("{}/bulk", files(&app)), bad).await.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn files_are_packed_into_one_archive() {
    let app = TestApp::start().await;
    let (a, b, c) = (
        stored(&app, "회의.txt", "private").await,
        stored(&app, "회의.txt", "public").await,
        pictures::store(&app.secret(), "p.png", "image/png", "private", &png(8, 8)).await,
    );
    let job = bulk(&app, json!({ "ids": [a["id"], b["id"], c["id"], "nobody"], "action": "zip" })).await;
    assert_eq!((&job["result"]["files"], &job["result"]["missing"], &job["result"]["filename"]), (&json!(3), &json!(["nobody"]), &json!("dev-files.zip")));
    let path = format!("/management/v1/jobs/{}/artifact", job["id"].as_str().unwrap());
    let token = format!("Bearer {}", app.backend.operator_token());
    let answer = app.bytes(&path, &[("Authorization", &token)]).await.assert(200);
    assert_eq!(
        (answer.header("content-disposition"), answer.body.len() as u64),
        ("attachment; filename=\"dev-files.zip\"", job["result"]["sizeBytes"].as_u64().unwrap())
    );
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.body)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["회의.txt", "회의 (2).txt", "p.png"]);
    let mut bytes = Vec::new();
    archive.by_name("p.png").unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, png(8, 8));
    app.developer("stranger").await.get(&path).await.assert_error(404, "job/not-found");
    let other = bulk(&app, json!({ "ids": [a["id"]], "action": "delete" })).await;
    app.operator().get(&format!("/management/v1/jobs/{}/artifact", other["id"].as_str().unwrap())).await.assert_error(404, "job/not-found");
}

#[actix_web::test]
async fn an_import_keeps_id_key_owner_and_times_and_skips_the_limits() {
    let app = TestApp::start().await;
    let metadata = json!({
        "id": "data_1-2", "s3Key": "uploads/2024/휴가 사진 #1.html", "originalName": "휴가.html", "mimeType": "text/html", "visibility": "public", "bucket": "images",
        "ownerType": "user", "ownerId": "old-user", "metadata": { "tags": ["x"] }, "createdAt": "2024-01-02T03:04:05.006Z", "updatedAt": "2024-02-02T03:04:05.006Z"
    });
    let file = import(&app, &files(&app), &metadata.to_string(), b"<p>hello</p>").await.assert(201);
    for field in ["id", "s3Key", "originalName", "mimeType", "visibility", "bucket", "ownerType", "ownerId", "metadata", "createdAt", "updatedAt"] {
        assert_eq!(file[field], metadata[field], "{field}");
    }
    assert_eq!((&file["size"], file.get("replacedKey")), (&json!(12), None));
    let answer = app.bytes(file["url"].as_str().unwrap(), &[]).await.assert(200);
    assert_eq!((answer.body, answer.headers["content-type"].to_str().unwrap()), (b"<p>hello</p>".to_vec(), "text/html"));
    app.secret().get("/v1/files/data_1-2").await.assert(200);
    import(&app, &files(&app), &metadata.to_string(), b"<p>hello</p>").await.assert_error(409, "file/s3-key-already-exists");
    let app = app.restart().await;
    app.bytes(&format!("{}/storage/uploads/2024/%ED%9C%B4%EA%B0%80%20%EC%82%AC%EC%A7%84%20%231.html", app.url), &[]).await.assert(200);
}

#[actix_web::test]
async fn what_an_import_leaves_out_is_made_up_and_what_is_wrong_refused() {
    let app = TestApp::start().await;
    let at = files(&app);
    let file = import(&app, &at, "{}", &png(8, 4)).await.assert(201);
    assert_eq!(
        (&file["visibility"], &file["ownerType"], &file["width"], &file["originalName"]),
        (&json!("private"), &json!("service"), &json!(8), &json!("file"))
    );
    assert!(file["s3Key"].as_str().unwrap().starts_with(app.environment.id()));
    for word in ["stats", "upload", "buckets", "multipart", "presigned-url", "bulk", "import", "unregistered"] {
        import(&app, &at, &json!({ "id": word }).to_string(), b"x").await.assert_error(400, "common/invalid-parameters");
    }
    import(&app, &at, &json!({ "id": "a/b" }).to_string(), b"x").await.assert_error(400, "common/invalid-parameters");
    import(&app, &at, &json!({ "createdAt": "yesterday" }).to_string(), b"x").await.assert_error(400, "common/invalid-parameters");
    import(&app, &at, &json!({ "size": 5 }).to_string(), b"x").await.assert_error(400, "file/size-mismatch");
    import(&app, &at, "{", b"x").await.assert_error(400, "common/invalid-json");
    app.operator().post(&format!("{at}/import"), json!({})).await.assert_error(415, "common/unsupported-media-type");
    assert_eq!(app.secret().get("/v1/files").await.assert(200)["pagination"]["total"], 1);
}

/// A second environment: its id, its path, a client with its secret key.
async fn second(app: &TestApp, name: &str) -> (String, String, Client) {
    let made = app.operator().post(&format!("{}/environments", app.project_path()), json!({ "environment": name })).await.assert(201);
    let path = format!("{}/environments/{name}", app.project_path());
    let key = app.operator().post(&format!("{path}/keys"), json!({ "type": "secret", "name": "s" })).await.assert(201);
    (made["id"].as_str().unwrap().to_owned(), path, app.client().header("X-API-Key", key["key"].as_str().unwrap()))
}

#[actix_web::test]
async fn a_key_that_another_environment_holds_is_replaced_and_reported() {
    let app = TestApp::start().await;
    let (id, path, secret) = second(&app, "staging").await;
    let metadata = json!({ "id": "one", "s3Key": "shared/key.txt", "originalName": "key.txt" }).to_string();
    import(&app, &files(&app), &metadata, b"here").await.assert(201);
    let copy = import(&app, &format!("{path}/files"), &metadata, b"there").await.assert(201);
    assert_eq!(copy["replacedKey"], "shared/key.txt");
    assert!(copy["s3Key"].as_str().unwrap().starts_with(&format!("{id}/one-")));
    assert_eq!(secret.get("/v1/files/one").await.assert(200)["s3Key"], copy["s3Key"]);
}

#[actix_web::test]
async fn of_two_environments_that_import_one_key_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let (_, path, _) = second(&app, "staging").await;
    for n in 0..8 {
        let metadata = json!({ "id": format!("id{n}"), "s3Key": format!("race/{n}.txt"), "originalName": "key.txt" }).to_string();
        let (here, there) = (files(&app), format!("{path}/files"));
        let (one, other) = tokio::join!(import(&app, &here, &metadata, b"here"), import(&app, &there, &metadata, b"there"));
        let replaced = [one.assert(201), other.assert(201)].iter().filter(|file| file.get("replacedKey").is_some()).count();
        assert_eq!(replaced, 1);
    }
}

#[actix_web::test]
async fn a_key_that_no_client_could_ask_for_is_replaced_and_reported() {
    let app = TestApp::start().await;
    for key in ["a/../b.png", "..", "./a.png", "a/."] {
        let file = import(&app, &files(&app), &json!({ "s3Key": key, "originalName": "a.png" }).to_string(), b"x").await.assert(201);
        assert_eq!(file["replacedKey"], key);
        assert!(file["s3Key"].as_str().unwrap().starts_with(app.environment.id()));
    }
    for key in ["a/b..png", "...", ".hidden/a.png"] {
        let file = import(&app, &files(&app), &json!({ "s3Key": key, "originalName": "a.png", "visibility": "public" }).to_string(), b"x").await.assert(201);
        assert_eq!((&file["s3Key"], file.get("replacedKey")), (&json!(key), None));
        app.bytes(file["url"].as_str().unwrap(), &[]).await.assert(200);
    }
}

/// Two files with a table that names them in every way; the keys.
async fn with_records(app: &TestApp) -> (String, String) {
    let own = stored(app, "own.txt", "public").await["key"].as_str().unwrap().to_owned();
    let metadata = json!({ "id": "old", "s3Key": "uploads/old.txt", "originalName": "old.txt", "visibility": "public" }).to_string();
    import(app, &files(app), &metadata, b"old").await.assert(201);
    app.table(json!({ "tableName": "posts", "schema": { "cover": "string" } })).await;
    let post = json!({
        "cover": own, "plain": format!("{}/storage/{own}?download=1", app.url), "picture": format!("/img/10x10/{}", own.replace('/', "%2F")),
        "nested": { "list": [format!("see {own} and {own}"), 7, null] }, "old": "uploads/old.txt", "other": format!("{}/nothing", app.environment.id()), "n": 1.5
    });
    app.secret().post("/v1/data/posts", post).await.assert(201);
    (own, app.environment.id().to_owned())
}

/// The records and files of a copy are its own.
async fn check_copy(app: &TestApp, secret: &Client, id: &str, own: &str, from: &str) {
    let key = own.replace(from, id);
    let post = secret.get("/v1/data/posts").await.assert(200)["items"][0].clone();
    assert_eq!((&post["cover"], &post["plain"]), (&json!(key), &json!(format!("{}/storage/{key}?download=1", app.url))));
    assert_eq!(post["picture"], format!("/img/10x10/{}", key.replace('/', "%2F")));
    assert_eq!(post["nested"], json!({ "list": [format!("see {key} and {key}"), 7, null] }));
    assert_eq!((&post["old"], &post["other"], &post["n"]), (&json!("uploads/old.txt"), &json!(format!("{from}/nothing")), &json!(1.5)));
    let old = secret.get("/v1/files/old").await.assert(200);
    assert!(old["s3Key"].as_str().unwrap().starts_with(&format!("{id}/old-")), "a key of another shape is replaced");
    assert_eq!(app.bytes(old["url"].as_str().unwrap(), &[]).await.assert(200).body, b"old");
    assert_eq!(app.bytes(&format!("/storage/{key}"), &[]).await.assert(200).body, b"own.txt");
}

#[actix_web::test]
async fn a_clone_gets_keys_of_its_own_in_files_and_records() {
    let app = TestApp::start().await;
    let (own, from) = with_records(&app).await;
    let job = app.operator().post(&format!("{}/clone?wait=30", app.environment_path()), json!({ "environment": "staging" })).await.assert(200);
    assert_eq!(job["status"], "succeeded", "{job}");
    let id = job["result"]["id"].as_str().unwrap();
    let key = app.operator().post(&format!("{}/environments/staging/keys", app.project_path()), json!({ "type": "secret", "name": "s" })).await.assert(201);
    let secret = app.client().header("X-API-Key", key["key"].as_str().unwrap());
    check_copy(&app, &secret, id, &own, &from).await;
    // Each lives and dies for itself.
    let file = secret.get("/v1/files?search=own").await.assert(200)["items"][0]["id"].as_str().unwrap().to_owned();
    secret.delete(&format!("/v1/files/{file}")).await.assert(200);
    app.bytes(&format!("/storage/{}", own.replace(&from, id)), &[]).await.assert_error(404, "file/not-found");
    assert_eq!(app.bytes(&format!("/storage/{own}"), &[]).await.assert(200).body, b"own.txt");
    assert_eq!(app.secret().get("/v1/data/posts").await.assert(200)["items"][0]["cover"], own);
}

#[actix_web::test]
async fn so_does_a_restore_into_another_environment_and_one_into_the_same_changes_none() {
    let app = TestApp::start().await;
    let (own, from) = with_records(&app).await;
    let taken = app.operator().post(&format!("{}/snapshots?wait=30", app.environment_path()), json!({ "name": "s" })).await.assert(200);
    let snapshot = taken["result"]["id"].as_str().unwrap();
    let (id, path, secret) = second(&app, "staging").await;
    for _ in 0..2 {
        let job = app.operator().post(&format!("{path}/snapshots/{snapshot}/restore?confirm=staging&wait=30"), json!({})).await.assert(200);
        assert_eq!(job["status"], "succeeded", "{job}");
        check_copy(&app, &secret, &id, &own, &from).await;
    }
    let file = app.secret().get("/v1/files?search=own").await.assert(200)["items"][0]["id"].as_str().unwrap().to_owned();
    app.secret().delete(&format!("/v1/files/{file}")).await.assert(200);
    let job = app.operator().post(&format!("{}/snapshots/{snapshot}/restore?confirm=dev&wait=30", app.environment_path()), json!({})).await.assert(200);
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(app.secret().get("/v1/data/posts").await.assert(200)["items"][0]["cover"], own);
    assert_eq!(app.bytes(&format!("/storage/{own}"), &[]).await.assert(200).body, b"own.txt");
}

#[actix_web::test]
async fn a_copy_without_files_keeps_what_its_records_say() {
    let app = TestApp::start().await;
    let (own, _) = with_records(&app).await;
    let job = app.operator().post(&format!("{}/clone?wait=30", app.environment_path()), json!({ "environment": "staging", "files": false })).await.assert(200);
    assert_eq!(job["status"], "succeeded", "{job}");
    let guest = app.client().header("X-API-Key", job["result"]["publishableKey"].as_str().unwrap());
    assert_eq!(guest.get("/v1/data/posts").await.assert(200)["items"][0]["cover"], own);
}

#[actix_web::test]
async fn a_developer_uploads_a_file_in_one_call() {
    let app = TestApp::start().await;
    let at = format!("{}/upload", files(&app));
    let file = send(&app, &at, r#"{"tags":["greeting"]}"#, b"hello bkend\n").await.assert(201);
    assert_eq!((&file["ownerType"], &file["ownerId"], &file["size"]), (&json!("service"), &Value::Null, &json!(12)), "{file}");
    assert_eq!(file["metadata"], json!({ "tags": ["greeting"] }));
    assert_eq!(app.operator().get(&files(&app)).await.assert(200)["items"][0]["id"], file["id"]);
    send(&app, &at, "{", b"x").await.assert_error(400, "common/invalid-parameters");
    assert_eq!(app.operator().get(&files(&app)).await.assert(200)["pagination"]["total"], 1);
}
