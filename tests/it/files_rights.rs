//! Who may do what with files (`05-storage.md` §2): the table, row by row.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::files::{HELLO, registration};
use crate::support::{Client, TestApp, User};

const PUBLIC_FIELDS: [&str; 14] =
    ["id", "s3Key", "key", "originalName", "mimeType", "size", "width", "height", "visibility", "bucket", "url", "urlExpiresAt", "createdAt", "updatedAt"];

/// Mina's four files, one of each visibility; the shared one is shared with jun.
async fn cast(app: &TestApp) -> (User, User, User, Vec<(String, Value)>) {
    let (mina, jun, ara) = (app.user("mina", "user").await, app.user("jun", "user").await, app.user("ara", "user").await);
    let mut files = Vec::new();
    for visibility in ["public", "private", "protected", "shared"] {
        let file = app.hello(&mina, json!({ "visibility": visibility, "sharedWith": [jun.id] })).await;
        files.push((format!("/v1/files/{}", file["id"].as_str().unwrap()), file));
    }
    (mina, jun, ara, files)
}

fn ids(list: &Value) -> Vec<String> {
    let mut ids: Vec<String> = list["items"].as_array().unwrap().iter().map(|f| f["visibility"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[actix_web::test]
async fn guests_begin_register_and_upload_nothing() {
    let app = TestApp::start().await;
    let guest = app.guest();
    for path in ["presigned-url", "multipart/init", "multipart/presigned-url", "multipart/complete", "multipart/abort", "multipart/initiate", "x/complete", ""]
    {
        let path = format!("/v1/files/{path}");
        let path = path.trim_end_matches('/');
        guest.post(path, json!({})).await.assert_error(401, "common/authentication-required");
        // Also before the body is looked at.
        guest.send_text(Method::POST, path, "{").await.assert_error(401, "common/authentication-required");
    }
    for path in ["multipart", "multipart/x", "stats", "buckets"] {
        guest.get(&format!("/v1/files/{path}")).await.assert_error(401, "common/authentication-required");
    }
    guest.post("/v1/files/upload", json!({})).await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn an_upload_belongs_to_whoever_began_it_and_to_admins() {
    let app = TestApp::start().await;
    let (mina, jun, boss) = (app.user("mina", "user").await, app.user("jun", "user").await, app.user("boss", "admin").await);
    let body = json!({ "filename": "hello.txt", "contentType": "text/plain" });
    let upload = app.stored(&mina, body.clone(), HELLO).await;
    jun.post("/v1/files", registration(&upload, json!({}))).await.assert_error(403, "file/access-denied");
    let file = boss.post("/v1/files", registration(&upload, json!({}))).await.assert(201);
    assert_eq!((&file["ownerType"], &file["ownerId"]), (&json!("user"), &json!(mina.id)), "whoever asked for the URL owns it");
    let upload = app.stored(&app.secret(), body, HELLO).await;
    mina.post("/v1/files", registration(&upload, json!({}))).await.assert_error(403, "file/access-denied");
    let (parts, _) = app.in_parts(&mina, 12, &[]).await;
    for (path, more) in [("presigned-url", json!({ "partNumber": 1 })), ("complete", json!({ "parts": [] })), ("abort", json!({}))] {
        let path = format!("/v1/files/multipart/{path}");
        jun.post(&path, crate::support::files::named(&parts, more)).await.assert_error(403, "file/access-denied");
    }
    let path = format!("/v1/files/multipart/{}", parts["uploadId"].as_str().unwrap());
    jun.get(&path).await.assert_error(403, "file/access-denied");
    assert_eq!(jun.get("/v1/files/multipart").await.assert(200)["pagination"]["total"], 0);
    assert_eq!(boss.get("/v1/files/multipart").await.assert(200)["pagination"]["total"], 1);
}

#[actix_web::test]
async fn lists_hold_what_the_caller_sees() {
    let app = TestApp::start().await;
    let (mina, jun, ara, _) = cast(&app).await;
    let all = ["private", "protected", "public", "shared"];
    for (who, expected) in [
        (app.guest(), &["public"][..]),
        (mina.client.clone(), &all),
        (jun.client.clone(), &["protected", "public", "shared"]),
        (ara.client.clone(), &["protected", "public"]),
        (app.secret(), &all),
        (app.user("boss", "admin").await.client, &all),
        (app.user("anon", "guest").await.client, &["protected", "public"]),
    ] {
        let list = who.get("/v1/files").await.assert(200);
        assert_eq!((ids(&list), list["pagination"]["total"].as_u64()), (expected.iter().map(ToString::to_string).collect(), Some(expected.len() as u64)));
        for visibility in all {
            let filtered = who.get(&format!("/v1/files?visibility={visibility}")).await.assert(200);
            let count = u64::from(expected.contains(&visibility));
            assert_eq!(filtered["pagination"]["total"], count, "{visibility}");
        }
    }
}

#[actix_web::test]
async fn reading_needs_visibility_ownership_or_admin_rights() {
    let app = TestApp::start().await;
    let (mina, jun, ara, files) = cast(&app).await;
    let boss = app.user("boss", "admin").await;
    let anonymous = app.user("anon", "guest").await;
    for (path, file) in &files {
        let visibility = file["visibility"].as_str().unwrap();
        let expect = |ok: bool| if ok { 200 } else { 403 };
        for (who, ok) in [
            (&mina.client, true),
            (&boss.client, true),
            (&app.secret(), true),
            (&jun.client, visibility != "private"),
            (&ara.client, matches!(visibility, "public" | "protected")),
            (&anonymous.client, matches!(visibility, "public" | "protected")),
        ] {
            for route in ["", "/download-url"] {
                let answer = who.get(&format!("{path}{route}")).await;
                assert_eq!(answer.status, expect(ok), "{visibility}{route}");
                if !ok {
                    answer.assert_error(403, "file/access-denied");
                }
            }
            assert_eq!(who.get(&format!("{path}/download")).await.status, if ok { 302 } else { 403 }, "{visibility}");
        }
        let guest = app.guest().get(path).await;
        if visibility == "public" { drop(guest.assert(200)) } else { drop(guest.assert_error(401, "common/authentication-required")) }
    }
}

#[actix_web::test]
async fn changing_and_deleting_are_for_owner_and_admins() {
    let app = TestApp::start().await;
    let (mina, jun, _, files) = cast(&app).await;
    for (path, _) in &files {
        app.guest().patch(path, json!({})).await.assert_error(401, "common/authentication-required");
        app.guest().delete(path).await.assert_error(401, "common/authentication-required");
        jun.patch(path, json!({ "visibility": "public" })).await.assert_error(403, "file/access-denied");
        jun.patch(&format!("{path}/visibility"), json!({ "visibility": "public" })).await.assert_error(403, "file/access-denied");
        jun.delete(path).await.assert_error(403, "file/access-denied");
    }
    mina.patch(&files[0].0, json!({ "bucket": "media" })).await.assert(200);
    app.secret().patch(&files[1].0, json!({ "bucket": "media" })).await.assert(200);
    app.user("boss", "admin").await.delete(&files[2].0).await.assert(200);
    app.secret().delete(&files[3].0).await.assert(200);
}

#[actix_web::test]
async fn others_see_the_public_fields_only_in_lists_too() {
    let app = TestApp::start().await;
    let (mina, jun, _, files) = cast(&app).await;
    let fields = |file: &Value| file.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for who in [&app.guest(), &jun.client] {
        assert_eq!(fields(&who.get(&files[0].0).await.assert(200)), PUBLIC_FIELDS);
        for item in who.get("/v1/files").await.assert(200)["items"].as_array().unwrap() {
            assert_eq!(fields(item), PUBLIC_FIELDS);
        }
    }
    for who in [&mina.client, &app.secret()] {
        assert_eq!(fields(&who.get(&files[0].0).await.assert(200)).len(), 19);
    }
}

#[actix_web::test]
async fn a_missing_a_malformed_and_a_foreign_id_are_all_404_before_any_right() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let unregistered = app.stored(&mina, json!({ "filename": "a.txt", "contentType": "text/plain" }), HELLO).await;
    let id = unregistered["fileId"].as_str().unwrap().to_owned();
    for id in ["695f7c9c7a2e4c5d6e7f8091", "no-such", "%00", "..%2f..", &id, &"x".repeat(300), "한글"] {
        for who in [&app.guest(), &mina.client, &app.secret()] {
            for (method, route) in [
                (Method::GET, ""),
                (Method::PATCH, ""),
                (Method::DELETE, ""),
                (Method::GET, "/download-url"),
                (Method::GET, "/download"),
                (Method::PATCH, "/visibility"),
            ] {
                who.send(method, &format!("/v1/files/{id}{route}"), None).await.assert_error(404, "file/not-found");
            }
        }
    }
}

#[actix_web::test]
async fn ownership_comes_from_the_upload_and_only_admins_may_say_otherwise() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let said = json!({ "ownerType": "session", "ownerId": "somebody" });
    let file = app.hello(&mina, said.clone()).await;
    assert_eq!((&file["ownerType"], &file["ownerId"]), (&json!("user"), &json!(mina.id)));
    let file = app.hello(&app.secret(), json!({})).await;
    assert_eq!((&file["ownerType"], &file["ownerId"]), (&json!("service"), &Value::Null));
    let acting: Client = app.secret().header("Authorization", &format!("Bearer {}", mina.token));
    let file = app.hello(&acting, json!({})).await;
    assert_eq!((&file["ownerType"], &file["ownerId"]), (&json!("user"), &json!(mina.id)));
    let file = app.hello(&app.secret(), said).await;
    assert_eq!((&file["ownerType"], &file["ownerId"]), (&json!("session"), &json!("somebody")));
    let upload = app.stored(&app.secret(), json!({ "filename": "a.txt", "contentType": "text/plain" }), HELLO).await;
    app.secret().post("/v1/files", registration(&upload, json!({ "ownerType": "god" }))).await.assert_error(400, "common/invalid-parameters");
    app.secret().post("/v1/files", registration(&upload, json!({ "ownerId": "a b" }))).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_file_is_shared_while_it_is_shared_and_the_user_exists() {
    let app = TestApp::start().await;
    let (mina, jun) = (app.user("mina", "user").await, app.user("jun", "user").await);
    let file = app.hello(&mina, json!({ "sharedWith": [jun.id, jun.id] })).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(file["sharedWith"], json!([jun.id]));
    jun.get(&path).await.assert_error(403, "file/access-denied");
    mina.patch(&path, json!({ "visibility": "shared" })).await.assert(200);
    jun.get(&path).await.assert(200);
    mina.patch(&path, json!({ "sharedWith": [] })).await.assert(200);
    jun.get(&path).await.assert_error(403, "file/access-denied");
    mina.patch(&path, json!({ "sharedWith": [jun.id, mina.id] })).await.assert(200);
    for wrong in [json!(["695f7c9c7a2e4c5d6e7f8091"]), json!([7]), json!("x"), json!(vec![jun.id.clone(); 101])] {
        mina.patch(&path, json!({ "sharedWith": wrong })).await.assert_error(400, "common/invalid-parameters");
    }
    jun.delete("/v1/auth/withdraw").await.assert(200);
    assert_eq!(mina.get(&path).await.assert(200)["sharedWith"], json!([mina.id]));
    mina.patch(&path, json!({ "sharedWith": [jun.id] })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn files_of_a_deleted_user_keep_their_owner() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let file = app.hello(&mina, json!({ "visibility": "public" })).await;
    mina.delete("/v1/auth/withdraw").await.assert(200);
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(app.secret().get(&path).await.assert(200)["ownerId"], mina.id.as_str());
    app.guest().get(&path).await.assert(200);
}
