//! Settings of users (`04-users.md` §5), and whole objects that are sent back as they came.

use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::{Client, TestApp};

/// So many objects, one in the other.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

async fn updated_at(client: &Client) -> Value {
    client.get("/v1/users/me").await.assert(200)["updatedAt"].clone()
}

#[actix_web::test]
async fn data_about_getting_started_has_64_levels_at_most_and_can_always_be_read_again() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    mina.patch("/v1/users/me/onboarding", json!({ "data": nested(64) })).await.assert(200);
    for levels in [65, 100, 126] {
        let answer = mina.patch("/v1/users/me/onboarding", json!({ "data": nested(levels) })).await;
        assert_eq!(answer.details(), ["data/parameter"], "{levels}");
        answer.assert_error(400, "common/invalid-parameters");
    }
    let lists = (0..64).fold(json!(1), |inner, _| json!([inner]));
    mina.patch("/v1/users/me/onboarding", json!({ "data": { "a": lists } })).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(mina.get("/v1/users/me/onboarding").await.assert(200)["data"], nested(64));
    mina.get("/v1/users/me").await.assert(200);
    let entry = |levels| json!({ "email": format!("u{levels}@harbor.test"), "name": "U", "onboarding": { "data": nested(levels) } });
    let report = app.secret().post("/v1/users/import", json!({ "users": [entry(64), entry(65)] })).await.assert(200);
    assert_eq!((&report["created"], &report["errors"][0]["code"]), (&json!(1), &json!("common/invalid-parameters")));
}

#[actix_web::test]
async fn a_patch_that_changes_nothing_leaves_the_time_of_change() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let before = updated_at(&mina).await;
    for part in ["preferences", "notifications", "onboarding", "public-settings"] {
        let path = format!("/v1/users/me/{part}");
        mina.patch(&path, json!({})).await.assert(200);
        assert_eq!(updated_at(&mina).await, before, "{part}");
        let whole = mina.get(&path).await.assert(200);
        assert_eq!(mina.patch(&path, whole.clone()).await.assert(200), whole);
        assert_eq!(updated_at(&mina).await, before, "{part} as it was");
    }
    let whole = mina.get("/v1/users/me").await.assert(200);
    assert_eq!(mina.patch("/v1/users/me", whole.clone()).await.assert(200), whole);
    // What is set moves it, also when that is the default again.
    mina.patch("/v1/users/me/preferences", json!({ "theme": "dark" })).await.assert(200);
    let dark = updated_at(&mina).await;
    assert_ne!(dark, before);
    mina.patch("/v1/users/me/preferences", json!({ "theme": null })).await.assert(200);
    assert_ne!(updated_at(&mina).await, dark);
}

#[actix_web::test]
async fn a_user_without_a_name_may_send_its_whole_object_back() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let guest = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    for client in [app.with(&guest.access), app.secret()] {
        for path in [format!("/v1/users/{}", guest.id), format!("/v1/users/{}/profile", guest.id)] {
            let whole = client.get(&path).await.assert(200);
            assert_eq!(whole["name"], Value::Null);
            client.patch(&path, whole).await.assert(200);
        }
    }
    let mina = app.user("mina", "user").await;
    mina.patch("/v1/users/me", json!({ "name": null })).await.assert_error(400, "user/invalid-name");
}
