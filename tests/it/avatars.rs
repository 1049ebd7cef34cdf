//! Avatars of users (`04-users.md` §4, `05-storage.md` §9).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::pictures::{self, gif, jpeg, png, webp};
use crate::support::{Client, TestApp, User};

async fn begin(client: &Client, user: &str, body: Value) -> Value {
    client.post(&format!("/v1/users/{user}/avatar/upload-url"), body).await.assert(200)
}

/// An avatar that is uploaded, but not registered; its key.
async fn uploaded(user: &User, name: &str, bytes: &[u8]) -> String {
    let upload = begin(user, &user.id, json!({ "filename": name })).await;
    pictures::put_as(&upload, None, bytes).await.assert(200);
    upload["key"].as_str().unwrap().to_owned()
}

/// Ids of the user's files in the bucket of avatars.
async fn kept(app: &TestApp) -> Vec<String> {
    let list = app.secret().get("/v1/files?bucket=avatars").await.assert(200);
    crate::support::developers::column(&list, "id")
}

fn objects(app: &TestApp) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&app.backend.data_dir().join("env").join(app.environment.id()).join("objects"))
}

#[actix_web::test]
async fn worked_example_4() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let upload = begin(&mina, &mina.id, json!({ "filename": "me.webp" })).await;
    assert_eq!(upload["url"], upload["uploadUrl"]);
    assert!(upload["expiresAt"].is_string() && upload.as_object().unwrap().len() == 4);
    let plain = upload["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
    assert!(plain.ends_with(upload["key"].as_str().unwrap()) && plain.ends_with("/me.webp"));
    pictures::put_as(&upload, Some("image/webp"), &webp(40, 40)).await.assert(200);
    app.bytes(&plain, &[]).await.assert(200);
    let user = mina.patch(&format!("/v1/users/{}/avatar", mina.id), json!({ "s3Key": upload["key"] })).await.assert(200);
    assert_eq!((user["image"].as_str(), user["id"].as_str()), (Some(plain.as_str()), Some(mina.id.as_str())));
    assert!(user["email"].is_string(), "the whole user");
    let file = mina.get(&format!("/v1/files/{}", kept(&app).await[0])).await.assert(200);
    assert_eq!(
        (&file["visibility"], &file["bucket"], &file["ownerType"], &file["ownerId"]),
        (&json!("public"), &json!("avatars"), &json!("user"), &json!(mina.id))
    );
    assert_eq!((&file["width"], &file["height"]), (&json!(40), &json!(40)));
}

#[actix_web::test]
async fn worked_example_5() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let key = uploaded(&mina, "me.webp", &webp(40, 40)).await;
    for query in ["", "?X-Bkend-Expires=1&X-Bkend-Signature=00"] {
        let body = json!({ "name": "Mina", "image": format!("{}/storage/{key}{query}", app.url) });
        let user = mina.patch(&format!("/v1/users/{}/profile", mina.id), body).await.assert(200);
        assert_eq!((&user["image"], &user["name"]), (&json!(format!("{}/storage/{key}", app.url)), &json!("Mina")));
    }
    assert_eq!(kept(&app).await.len(), 1, "registered once");
}

#[actix_web::test]
async fn worked_example_6() {
    let app = TestApp::start().await;
    let (mina, other) = (app.user("mina", "user").await, app.user("other", "user").await);
    let upload = begin(&mina, "me", json!({ "filename": "me.png" })).await;
    let avatar = format!("/v1/users/{}/avatar", mina.id);
    mina.patch(&avatar, json!({ "s3Key": upload["key"] })).await.assert_error(409, "file/upload-incomplete");
    let foreign = uploaded(&other, "o.png", &png(8, 8)).await;
    mina.patch(&avatar, json!({ "s3Key": foreign })).await.assert_error(403, "file/access-denied");
    mina.patch(&avatar, json!({ "s3Key": "69577a001b7d4e8f90a1b2c3/nothing/a.png" })).await.assert_error(400, "file/invalid-path");
    mina.patch(&avatar, json!({})).await.assert_error(400, "common/invalid-parameters");
    mina.patch(&avatar, json!({ "s3Key": 7 })).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(mina.get("/v1/users/me").await.assert(200)["image"], Value::Null);
}

#[actix_web::test]
async fn self_and_admins_only() {
    let app = TestApp::start().await;
    let (mina, other, boss) = (app.user("mina", "user").await, app.user("other", "user").await, app.user("boss", "admin").await);
    let (path, body) = (format!("/v1/users/{}/avatar/upload-url", mina.id), json!({ "filename": "a.png" }));
    app.guest().post(&path, body.clone()).await.assert_error(401, "common/authentication-required");
    other.post(&path, body.clone()).await.assert_error(403, "user/forbidden");
    other.post("/v1/users/nobody/avatar/upload-url", body.clone()).await.assert_error(403, "user/forbidden");
    app.secret().post("/v1/users/nobody/avatar/upload-url", body.clone()).await.assert_error(404, "user/not-found");
    other.delete(&format!("/v1/users/{}/avatar", mina.id)).await.assert_error(403, "user/forbidden");
    other.patch(&format!("/v1/users/{}/avatar", mina.id), json!({ "key": "x" })).await.assert_error(403, "user/forbidden");
    // Whoever asks, the upload belongs to the user.
    for client in [&boss.client, &app.secret()] {
        let upload = begin(client, &mina.id, body.clone()).await;
        pictures::put_as(&upload, None, &png(8, 8)).await.assert(200);
        let user = client.patch(&format!("/v1/users/{}/avatar", mina.id), json!({ "key": upload["key"] })).await.assert(200);
        assert!(user["image"].as_str().unwrap().ends_with("/a.png"));
        boss.patch("/v1/users/me/avatar", json!({ "s3Key": upload["key"] })).await.assert_error(403, "file/access-denied");
    }
    let file = mina.get(&format!("/v1/files/{}", kept(&app).await[0])).await.assert(200);
    assert_eq!(file["ownerId"], json!(mina.id));
}

#[actix_web::test]
async fn the_four_types_and_no_others() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let path = "/v1/users/me/avatar/upload-url";
    for (name, kind) in [("a", "image/jpeg"), ("a.bin", "image/png"), ("a.txt", "image/gif"), ("a", "image/webp"), ("a", "IMAGE/JPG")] {
        mina.post(path, json!({ "filename": name, "contentType": kind })).await.assert(200);
    }
    for (name, kind) in [("a.png", "image/svg+xml"), ("a.png", "text/html"), ("a.png", "image/bmp"), ("a.png", "png"), ("a.png", "application/octet-stream")] {
        mina.post(path, json!({ "filename": name, "contentType": kind })).await.assert_error(400, "file/invalid-format");
    }
    for name in ["a.svg", "a.txt", "a.pdf", "a.html"] {
        mina.post(path, json!({ "filename": name })).await.assert_error(400, "file/invalid-format");
    }
    mina.post(path, json!({ "filename": "a/b.png" })).await.assert_error(400, "file/invalid-name");
    mina.post(path, json!({ "filename": "" })).await.assert_error(400, "file/invalid-name");
    mina.post(path, json!({ "filename": "x".repeat(256) })).await.assert_error(400, "file/original-name-too-long");
    mina.post(path, json!({})).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn without_a_known_extension_the_put_decides() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let upload = begin(&mina, "me", json!({ "filename": "picture" })).await;
    pictures::put_as(&upload, Some("text/plain"), b"hello").await.assert(400);
    pictures::put_as(&upload, Some("image/png"), &png(8, 8)).await.assert(200);
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": upload["key"] })).await.assert(200);
    let stated = begin(&mina, "me", json!({ "filename": "me.png" })).await;
    pictures::put_as(&stated, Some("image/jpeg"), &jpeg(8, 8)).await.assert(403);
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let other = begin(&mina, "me", json!({ "filename": "picture" })).await;
    pictures::put_as(&other, Some("image/png"), &large).await.assert(400);
}

#[actix_web::test]
async fn what_does_not_begin_like_a_picture_is_refused() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for bytes in [&b"<script>alert(1)</script>"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF", b""] {
        let key = uploaded(&mina, "me.png", bytes).await;
        mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert_error(400, "file/invalid-format");
        mina.patch("/v1/users/me/profile", json!({ "image": format!("{}/storage/{key}", app.url) })).await.assert_error(400, "file/invalid-format");
    }
    assert!(kept(&app).await.is_empty());
    // The bytes count, whatever the name says.
    let key = uploaded(&mina, "me.png", &gif(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
}

#[actix_web::test]
async fn the_former_avatar_is_deleted() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = uploaded(&mina, "me.png", &png(8, 8)).await;
        mina.patch("/v1/users/me/avatar", json!({ "s3Key": format!("{}/storage/{key}", app.url) })).await.assert(200);
        app.bytes(&format!("/img/4x4/{key}"), &[]).await.assert(200);
        keys.push(key);
    }
    app.bytes(&format!("/storage/{}", keys[0]), &[]).await.assert_error(404, "file/not-found");
    app.bytes(&format!("/img/4x4/{}", keys[0]), &[]).await.assert_error(404, "file/not-found");
    assert_eq!((kept(&app).await.len(), objects(&app)), (1, 1));
    // Registering the current one again changes nothing.
    let before = mina.get("/v1/users/me").await.assert(200);
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": keys[1] })).await.assert(200);
    assert_eq!(mina.get("/v1/users/me").await.assert(200), before);
    mina.patch("/v1/users/me/profile", json!({ "image": "https://cdn.harbor.test/me.png" })).await.assert(200);
    assert_eq!((kept(&app).await.len(), objects(&app)), (0, 0));
}

#[actix_web::test]
async fn delete_clears_the_picture_also_when_there_is_none() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
    for _ in 0..2 {
        assert!(mina.delete("/v1/users/me/avatar").await.assert(200)["message"].is_string());
        assert_eq!(mina.get("/v1/users/me").await.assert(200)["image"], Value::Null);
    }
    assert_eq!((kept(&app).await.len(), objects(&app)), (0, 0));
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
    assert_eq!(mina.patch("/v1/users/me", json!({ "image": null })).await.assert(200)["image"], Value::Null);
    assert_eq!(objects(&app), 0);
}

#[actix_web::test]
async fn other_urls_are_kept_as_they_came_and_other_schemes_refused() {
    let app = TestApp::start().await;
    let (mina, other) = (app.user("mina", "user").await, app.user("other", "user").await);
    let foreign = uploaded(&other, "o.png", &png(8, 8)).await;
    for image in ["https://cdn.harbor.test/me.png", "http://localhost:1/storage/nothing/here.png", &format!("{}/storage/{foreign}", app.url)] {
        let user = mina.patch("/v1/users/me/profile", json!({ "image": image })).await.assert(200);
        assert_eq!(user["image"], image);
    }
    for image in ["data:image/png;base64,AA==", "javascript:alert(1)", "/storage/x", "ftp://h/a.png"] {
        mina.patch("/v1/users/me/profile", json!({ "image": image })).await.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn a_url_of_another_server_is_no_avatar_though_it_names_the_key_of_one() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    for origin in ["https://evil.example", "http://localhost:1", "http://localhost.evil.example", &format!("http://evil.example:{}", app.port())] {
        let image = format!("{origin}/storage/{key}");
        assert_eq!(mina.patch("/v1/users/me/profile", json!({ "image": image })).await.assert(200)["image"], image);
        assert!(kept(&app).await.is_empty(), "{image}");
    }
    // This machine has more than one name.
    for (name, query) in [("127.0.0.1", ""), ("[::1]", "?v=2"), ("localhost", "")] {
        let image = format!("http://{name}:{}/storage/{key}{query}", app.port());
        let user = mina.patch("/v1/users/me/profile", json!({ "image": image })).await.assert(200);
        assert_eq!(user["image"], format!("{}/storage/{key}", app.url), "{name}");
        assert_eq!(kept(&app).await.len(), 1, "{name}");
    }
}

#[actix_web::test]
async fn an_avatar_of_a_server_with_a_public_address_is_known_by_that_and_by_names_of_its_machine() {
    let app = TestApp::start_with(|s| s.public_url = Some("https://dev.harbor.test".into())).await;
    let mina = app.user("mina", "user").await;
    for origin in ["https://dev.harbor.test", &app.url] {
        let upload = begin(&mina, &mina.id, json!({ "filename": "me.png" })).await;
        let path = upload["url"].as_str().unwrap().strip_prefix("https://dev.harbor.test").unwrap().to_owned();
        crate::support::storage::put(&app.client(), &path, png(8, 8), &[]).await.assert(200);
        let key = upload["key"].as_str().unwrap();
        let user = mina.patch("/v1/users/me/profile", json!({ "image": format!("{origin}/storage/{key}") })).await.assert(200);
        assert_eq!(user["image"], format!("https://dev.harbor.test/storage/{key}"), "{origin}");
        assert_eq!(kept(&app).await.len(), 1, "{origin}");
    }
}

#[actix_web::test]
async fn the_key_is_stored_and_the_address_built_for_each_answer() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
    let elsewhere = format!("127.0.0.1:{}", app.port());
    let through = mina.header("Host", &elsewhere);
    let image = format!("http://{elsewhere}/storage/{key}");
    for path in ["/v1/users/me", "/v1/auth/me", "/v1/users/me/profile"] {
        assert_eq!(through.get(path).await.assert(200)["image"], image, "{path}");
        assert_eq!(mina.get(path).await.assert(200)["image"], format!("{}/storage/{key}", app.url), "{path}");
    }
    let other = app.user("other", "user").await;
    assert_eq!(other.header("Host", &elsewhere).get(&format!("/v1/users/{}", mina.id)).await.assert(200)["image"], image);
    let list = other.header("Host", &elsewhere).get("/v1/users").await.assert(200);
    assert!(list["items"].as_array().unwrap().iter().any(|user| user["image"] == image));
}

#[actix_web::test]
async fn of_two_registrations_at_once_one_image_remains_and_no_object_without_a_file() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for _ in 0..5 {
        let mut keys = Vec::new();
        for _ in 0..4 {
            keys.push(uploaded(&mina, "me.png", &png(8, 8)).await);
        }
        let mut answers = join_all(keys.iter().map(|key| mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let last = answers.pop().map(|answer| answer.body["image"].clone());
        assert!(last.is_some());
        let image = mina.get("/v1/users/me").await.assert(200)["image"].as_str().unwrap().to_owned();
        app.bytes(&image, &[]).await.assert(200);
        assert_eq!((kept(&app).await.len(), objects(&app)), (1, 1));
    }
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    let twice = join_all((0..4).map(|_| mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })))).await;
    assert!(twice.iter().all(|answer| answer.status == 200), "the same one, again");
    assert_eq!((kept(&app).await.len(), objects(&app)), (1, 1));
}

#[actix_web::test]
async fn a_file_the_user_keeps_elsewhere_becomes_public_and_outlives_the_avatar() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let file = pictures::store(&mina, "holiday.jpg", "image/jpeg", "private", &jpeg(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": file["key"] })).await.assert(200);
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(mina.get(&path).await.assert(200)["visibility"], "public");
    mina.delete("/v1/users/me/avatar").await.assert(200);
    mina.get(&path).await.assert(200);
}

#[actix_web::test]
async fn purging_a_user_erases_the_avatar_and_deleting_leaves_it_for_the_sweep() {
    let app = TestApp::start().await;
    for purge in [true, false] {
        let mina = app.user(if purge { "mina" } else { "nina" }, "user").await;
        let key = uploaded(&mina, "me.png", &png(8, 8)).await;
        mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
        app.secret().delete(&format!("/v1/users/{}?purge={purge}", mina.id)).await.assert(200);
        assert_eq!(objects(&app), usize::from(!purge));
        if !purge {
            app.environment.clock().advance(31 * 24 * 60 * 60 * 1000);
            bkend_local::domain::auth::sweep::sweep(&app.environment).await.unwrap();
            assert_eq!(objects(&app), 0);
        }
    }
}

#[actix_web::test]
async fn a_copy_of_the_environment_has_avatars_of_its_own() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let key = uploaded(&mina, "me.png", &png(8, 8)).await;
    mina.patch("/v1/users/me/avatar", json!({ "s3Key": key })).await.assert(200);
    let job = app.operator().post(&format!("{}/clone?wait=30", app.environment_path()), json!({ "environment": "staging" })).await.assert(200);
    let (id, publishable) = (job["result"]["id"].as_str().unwrap(), job["result"]["publishableKey"].as_str().unwrap());
    let copy = app.backend.environment(id).await.unwrap();
    let session = bkend_local::domain::users::open_session(&copy, &mina.id).await.unwrap();
    let client = app.client().header("X-API-Key", publishable).header("Authorization", &format!("Bearer {}", session.access_token));
    let image = client.get("/v1/users/me").await.assert(200)["image"].as_str().unwrap().to_owned();
    assert_eq!(image, format!("{}/storage/{}", app.url, key.replace(app.environment.id(), id)));
    mina.delete("/v1/users/me/avatar").await.assert(200);
    app.bytes(&image, &[]).await.assert(200);
}
