//! The worked examples of `04-users.md`.

use serde_json::{Value, json};

use crate::support::TestApp;

/// The names of an object's members, in their order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn example_1_and_2_a_profile_is_changed_by_its_user_only() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let path = format!("/v1/users/{}/profile", mina.id);
    let user = app.with(&mina.access).patch(&path, json!({ "name": "Mina Roh", "bio": null })).await.assert(200);
    assert_eq!((&user["name"], &user["bio"], &user["email"]), (&json!("Mina Roh"), &Value::Null, &json!("mina@harbor.test")));
    let every = [
        "id",
        "name",
        "nickname",
        "image",
        "createdAt",
        "bio",
        "socialLinks",
        "slug",
        "isPublic",
        "email",
        "emailVerified",
        "role",
        "mobile",
        "gender",
        "preferences",
        "onboardingStatus",
        "mfaEnabled",
        "isAnonymous",
        "lastLoginAt",
        "updatedAt",
        "accounts",
    ];
    assert_eq!(keys(&user), every);
    app.with(&joon.access).patch(&path, json!({ "name": "Mina Roh", "bio": null })).await.assert_error(403, "user/forbidden");
    app.guest().patch(&path, json!({ "name": "Mina Roh", "bio": null })).await.assert_error(401, "common/authentication-required");
    app.with(&mina.access).patch(&path, json!({ "name": "" })).await.assert_error(400, "user/invalid-name");
}

#[actix_web::test]
async fn example_3_others_see_the_public_fields() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let seen = app.with(&joon.access).get(&format!("/v1/users/{}", mina.id)).await.assert(200);
    assert_eq!(keys(&seen), ["id", "name", "nickname", "image", "createdAt"]);
    assert_eq!((&seen["id"], &seen["name"], &seen["nickname"], &seen["image"]), (&json!(mina.id), &json!("mina"), &Value::Null, &Value::Null));
}

#[actix_web::test]
async fn example_7_roles_are_given_by_admins() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let path = format!("/v1/users/{}/role", joon.id);
    app.secret().patch(&path, json!({ "role": "owner" })).await.assert_error(400, "user/invalid-role");
    app.with(&mina.access).patch(&path, json!({ "role": "admin" })).await.assert_error(403, "user/forbidden");
    let user = app.secret().patch(&path, json!({ "role": "admin" })).await.assert(200);
    assert_eq!((&user["role"], &user["banned"]), (&json!("admin"), &json!(false)));
}

#[actix_web::test]
async fn example_8_users_are_searched_by_name() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.access).patch("/v1/users/me", json!({ "name": "Mina Roh" })).await.assert(200);
    app.sign_up("joon", "tide42").await;
    let list = app.with(&mina.access).get("/v1/users?search=rOH&limit=5").await.assert(200);
    assert_eq!((&list["pagination"]["total"], &list["pagination"]["limit"], &list["items"][0]["id"]), (&json!(1), &json!(5), &json!(mina.id)));
    assert_eq!(keys(&list["items"][0]), ["id", "name", "nickname", "image", "createdAt"]);
    app.with(&mina.access).get("/v1/users?search=rOH&searchType=email").await.assert_error(403, "user/forbidden");
}

#[actix_web::test]
async fn example_9_a_slug_is_lower_cased_and_unique() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let settings = app.with(&mina.access).patch("/v1/users/me/public-settings", json!({ "slug": "Mina-R", "isPublic": true })).await.assert(200);
    assert_eq!(settings, json!({ "slug": "mina-r", "isPublic": true }));
    app.with(&joon.access).patch("/v1/users/me/public-settings", json!({ "slug": "MINA-r" })).await.assert_error(409, "user/slug-taken");
    assert_eq!(app.guest().get("/v1/users/slug/Mina-R").await.assert(200)["id"], mina.id.as_str());
}

#[actix_web::test]
async fn example_10_deletion_hides_at_once_and_admins_may_look() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = format!("/v1/users/{}", mina.id);
    assert!(app.with(&mina.access).delete(&path).await.assert(200)["message"].is_string());
    app.with(&mina.access).get(&path).await.assert_error(401, "auth/session-expired");
    app.secret().get(&path).await.assert_error(404, "user/not-found");
    let hidden = app.secret().get(&format!("{path}?includeDeleted=true")).await.assert(200);
    assert!(hidden["deletedAt"].is_string());
    app.secret().delete(&path).await.assert_error(404, "user/not-found");
}
