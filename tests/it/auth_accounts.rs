//! Linked accounts (`03-auth.md` §8), and anonymous users who become real ones by linking (§12).

use bkend_local::domain::users;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::auth::Tokens;
use crate::support::providers::REDIRECT;

#[actix_web::test]
async fn a_user_links_lists_and_unlinks_identities() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let account = app.link(&mina.access, "google", "other@elsewhere.test").await.assert(201);
    let members: Vec<&str> = account.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "userId", "type", "provider", "providerAccountId", "email", "connectedAt"]);
    assert_eq!((&account["userId"], &account["type"], &account["provider"]), (&json!(mina.id), &json!("oauth"), &json!("google")));
    assert_eq!(account["email"], "other@elsewhere.test");
    let client = app.with(&mina.access);
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["email"], "mina@harbor.test", "linking does not change the address");
    let list = client.get("/v1/auth/accounts").await.assert(200);
    let kinds: Vec<(&str, &str)> = list["items"].as_array().unwrap().iter().map(|a| (a["provider"].as_str().unwrap(), a["type"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("email", "credentials"), ("google", "oauth")]);
    assert_eq!((&list["items"][0]["providerAccountId"], &list["pagination"]["total"]), (&json!("mina@harbor.test"), &json!(2)));
    assert_eq!(client.get("/v1/auth/accounts?page=2&limit=1").await.assert(200)["items"][0]["provider"], "google");
    client.get("/v1/auth/accounts?page=0").await.assert_error(400, "common/invalid-parameters");
    // The linked identity signs in as this user, whatever its address.
    assert_eq!(app.social("google", "other@elsewhere.test", false).await.assert(200)["user"]["id"], mina.id.as_str());
    assert!(client.delete("/v1/auth/accounts/google").await.assert(200)["message"].is_string());
    client.delete("/v1/auth/accounts/google").await.assert_error(404, "auth/account-not-found");
    assert_eq!(app.social("google", "other@elsewhere.test", true).await.assert(200)["is_new_user"], true);
    let events = app.secret().get(&format!("/v1/auth/events?userId={}", mina.id)).await.assert(200);
    let types: Vec<&str> = events["items"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"account_linked") && types.contains(&"account_unlinked"), "{types:?}");
}

#[actix_web::test]
async fn example_24_the_last_way_of_signing_in_stays() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.access).delete("/v1/auth/accounts/email").await.assert_error(400, "auth/cannot-unlink-last-account");
    let joon = Tokens::of(&app.social("github", "joon@harbor.test", true).await.assert(200));
    app.with(&joon.access).delete("/v1/auth/accounts/github").await.assert_error(400, "auth/cannot-unlink-last-account");
    app.with(&joon.access).delete("/v1/auth/accounts/email").await.assert_error(404, "auth/account-not-found");
    app.with(&joon.access).delete("/v1/auth/accounts/facebook").await.assert_error(400, "auth/unsupported-provider");
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
}

#[actix_web::test]
async fn these_routes_need_a_user() {
    let app = TestApp::start().await;
    for client in [app.guest(), app.secret()] {
        client.get("/v1/auth/accounts").await.assert_error(401, "common/authentication-required");
        client.post("/v1/auth/accounts", json!({ "provider": "google" })).await.assert_error(401, "common/authentication-required");
        client.delete("/v1/auth/accounts/google").await.assert_error(401, "common/authentication-required");
    }
    app.client().post("/v1/auth/accounts/check", json!({})).await.assert_error(401, "auth/unauthorized");
}

#[actix_web::test]
async fn an_identity_of_anybody_or_a_second_of_one_provider_is_linked_already() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    app.link(&mina.access, "google", "g@elsewhere.test").await.assert(201);
    app.link(&mina.access, "google", "g@elsewhere.test").await.assert_error(409, "auth/account-already-linked");
    app.link(&mina.access, "google", "second@elsewhere.test").await.assert_error(409, "auth/account-already-linked");
    app.link(&joon.access, "google", "g@elsewhere.test").await.assert_error(409, "auth/account-already-linked");
    app.link(&mina.access, "github", "g@elsewhere.test").await.assert(201);
    // Of two who claim one identity at once, one gets it.
    let nari = app.sign_up("nari", "tide42").await;
    let (a, b) = tokio::join!(app.link(&joon.access, "google", "free@elsewhere.test"), app.link(&nari.access, "google", "free@elsewhere.test"));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[actix_web::test]
async fn linking_refuses_what_signing_in_refuses() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let link = async |body: Value| client.post("/v1/auth/accounts", body).await;
    link(json!({})).await.assert_error(400, "common/invalid-parameters");
    for provider in ["email", "facebook"] {
        link(json!({ "provider": provider, "code": "c" })).await.assert_error(400, "auth/unsupported-provider");
    }
    link(json!({ "provider": "google" })).await.assert_error(400, "common/invalid-parameters");
    link(json!({ "provider": "google", "code": 7 })).await.assert_error(400, "common/invalid-parameters");
    link(json!({ "provider": "google", "code": "c", "redirectUri": REDIRECT })).await.assert_error(401, "auth/invalid-oauth-code");
    link(json!({ "provider": "google", "idToken": "a.b.c" })).await.assert_error(401, "auth/invalid-oauth-code");
    app.auth(|c| c.oauth.google.enabled = false).await;
    link(json!({ "provider": "google", "code": "c", "redirectUri": REDIRECT })).await.assert_error(400, "auth/oauth-not-configured");
}

#[actix_web::test]
async fn without_a_redirect_uri_the_configured_one_is_assumed_and_id_tokens_do_as_well() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let body = json!({ "redirectUri": format!("{}/v1/auth/github/callback", app.url), "identity": { "email": "a@elsewhere.test" } });
    let code = app.approve("github", body).await["code"].clone();
    app.with(&mina.access).post("/v1/auth/accounts", json!({ "provider": "github", "code": code })).await.assert(201);
    let token = app.approve("google", json!({ "identity": { "email": "b@elsewhere.test" } })).await["idToken"].clone();
    app.with(&mina.access).post("/v1/auth/accounts", json!({ "provider": "google", "idToken": token })).await.assert(201);
}

#[actix_web::test]
async fn unlinking_email_takes_the_password_and_what_was_mailed_and_leaves_the_address() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.link(&mina.access, "google", "mina@harbor.test").await.assert(201);
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let reset = app.mailed_token("mina@harbor.test");
    let client = app.with(&mina.access);
    client.delete("/v1/auth/accounts/email").await.assert(200);
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["email"], "mina@harbor.test");
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    let confirm = json!({ "email": "mina@harbor.test", "token": reset, "newPassword": "ebb-and-flow" });
    app.guest().post("/v1/auth/password/reset/confirm", confirm).await.assert_error(404, "auth/verification-token-not-found");
    let link = json!({ "method": "magiclink", "email": "mina@harbor.test", "callbackUrl": "http://localhost:5173/in" });
    app.guest().post("/v1/auth/email/signin", link).await.assert_error(400, "auth/magiclink-not-available-for-social");
    client.delete("/v1/auth/accounts/google").await.assert_error(400, "auth/cannot-unlink-last-account");
    // A reset gives the method back.
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let confirm = json!({ "email": "mina@harbor.test", "token": app.mailed_token("mina@harbor.test"), "newPassword": "ebb-and-flow" });
    app.guest().post("/v1/auth/password/reset/confirm", confirm).await.assert(200);
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn two_unlinks_at_once_cannot_take_the_last_two_methods() {
    let app = TestApp::start().await;
    for n in 0..5 {
        let user = app.sign_up(&format!("user{n}"), "tide42").await;
        app.link(&user.access, "google", &format!("g{n}@elsewhere.test")).await.assert(201);
        let client = app.with(&user.access);
        let (a, b) = tokio::join!(client.delete("/v1/auth/accounts/email"), client.delete("/v1/auth/accounts/google"));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        assert_eq!(client.get("/v1/auth/accounts").await.assert(200)["pagination"]["total"], 1);
    }
}

#[actix_web::test]
async fn anybody_with_a_key_may_ask_whether_an_account_exists() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let account = app.link(&mina.access, "google", "g@elsewhere.test").await.assert(201);
    let id = account["providerAccountId"].as_str().unwrap();
    let ask = async |kind: &str, provider: &str, id: &str| {
        let body = json!({ "type": kind, "provider": provider, "providerAccountId": id });
        app.guest().post("/v1/auth/accounts/check", body).await
    };
    for (kind, provider, account, exists) in [
        ("credentials", "email", " MINA@harbor.test ", true),
        ("credentials", "email", "nobody@harbor.test", false),
        ("credentials", "email", "no address", false),
        ("oauth", "google", id, true),
        ("oauth", "github", id, false),
        ("oauth", "google", "1", false),
    ] {
        let answer = ask(kind, provider, account).await.assert(200);
        assert_eq!(answer, json!({ "exists": exists, "type": kind, "provider": provider }));
    }
    for (kind, provider) in [("oauth", "facebook"), ("oauth", "email"), ("credentials", "google")] {
        ask(kind, provider, "x").await.assert_error(400, "auth/unsupported-provider");
    }
    ask("other", "google", "x").await.assert_error(400, "common/invalid-parameters");
    let answer = app.guest().post("/v1/auth/accounts/check", json!({})).await;
    assert_eq!(answer.details(), ["type/required", "provider/required", "providerAccountId/required"]);
    app.auth(|c| c.email.disclose_accounts = false).await;
    ask("credentials", "email", "mina@harbor.test").await.assert_error(403, "auth/forbidden");
}

#[actix_web::test]
async fn asking_is_limited_by_peer() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.throttle_loopback = true).await;
    let body = json!({ "type": "credentials", "provider": "email", "providerAccountId": "mina@harbor.test" });
    for _ in 0..60 {
        app.guest().post("/v1/auth/accounts/check", body.clone()).await.assert(200);
    }
    app.guest().post("/v1/auth/accounts/check", body.clone()).await.assert_error(429, "auth/too-many-requests");
    app.wait(61);
    app.guest().post("/v1/auth/accounts/check", body).await.assert(200);
}

#[actix_web::test]
async fn an_anonymous_user_becomes_a_real_one_by_linking_and_keeps_id_and_data() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let anonymous = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    app.link(&anonymous.access, "google", "mina@harbor.test").await.assert(201);
    let me = app.with(&anonymous.access).get("/v1/auth/me").await.assert(200);
    assert_eq!((&me["id"], &me["role"], &me["isAnonymous"]), (&json!(anonymous.id), &json!("user"), &json!(false)));
    assert_eq!((&me["email"], &me["name"]), (&Value::Null, &json!("mina")), "linking gives no address");
    let back = app.social("google", "mina@harbor.test", true).await.assert(200);
    assert_eq!((&back["is_new_user"], &back["user"]["id"]), (&json!(false), &json!(anonymous.id)));
    // What cannot be linked changes nothing.
    let other = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({ "name": "Visitor" })).await.assert(201));
    app.link(&other.access, "google", "mina@harbor.test").await.assert_error(409, "auth/account-already-linked");
    app.auth(|c| c.email.signup_enabled = false).await;
    app.link(&other.access, "google", "joon@harbor.test").await.assert_error(403, "auth/signup-disabled");
    let me = app.with(&other.access).get("/v1/auth/me").await.assert(200);
    assert_eq!((&me["isAnonymous"], &me["role"], &me["name"], &me["accounts"]), (&json!(true), &json!("guest"), &json!("Visitor"), &json!([])));
    // Expired, its token is refused before anything is used up.
    app.auth(|c| c.email.signup_enabled = true).await;
    app.wait(3601);
    app.link(&other.access, "google", "joon@harbor.test").await.assert_error(401, "auth/token-expired");
}

#[actix_web::test]
async fn a_user_who_is_banned_or_gone_links_nothing() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let code = app.social_code("google", "g@elsewhere.test", true).await;
    let body = json!({ "provider": "google", "code": code, "redirectUri": REDIRECT });
    users::set_banned(&app.environment, &mina.id, true, None).await.unwrap();
    app.with(&mina.access).post("/v1/auth/accounts", body.clone()).await.assert_error(403, "auth/account-banned");
    users::set_banned(&app.environment, &mina.id, false, None).await.unwrap();
    app.with(&mina.access).delete("/v1/auth/withdraw").await.assert(200);
    app.with(&mina.access).post("/v1/auth/accounts", body).await.assert_error(401, "auth/session-expired");
}
