//! The worked examples of `03-auth.md` about signing up, in and out, and passwords.

use serde_json::json;

use crate::support::TestApp;
use crate::support::auth::Tokens;

#[actix_web::test]
async fn example_1_and_2_sign_up_and_five_at_once() {
    let app = TestApp::start().await;
    let body = json!({ "method": "password", "email": " Mina@Harbor.test ", "password": "tide42", "name": "Mina" });
    let answer = app.guest().post("/v1/auth/email/signup", body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = answer.assert(201);
    assert_eq!((pair["tokenType"].as_str(), pair["expiresIn"].as_i64()), (Some("Bearer"), Some(3600)));
    let user = &pair["user"];
    assert_eq!((user["email"].as_str(), user["role"].as_str()), (Some("mina@harbor.test"), Some("user")));
    assert!(user["emailVerified"].is_null() && user.as_object().unwrap().contains_key("emailVerified"));
    let members: Vec<&str> = user.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "id",
        "role",
        "name",
        "nickname",
        "email",
        "emailVerified",
        "image",
        "mobile",
        "gender",
        "bio",
        "socialLinks",
        "preferences",
        "onboardingStatus",
        "mfaEnabled",
        "isAnonymous",
        "accounts",
        "lastLoginAt",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(members, wanted);
    assert_eq!(user["accounts"], json!([{ "provider": "email", "providerAccountId": "mina@harbor.test" }]));
    assert!(app.mails("mina@harbor.test").is_empty(), "no mail unless verification is required");

    let sign_up = |client: crate::support::Client| async move {
        let body = json!({ "method": "password", "email": "MINA@free.test", "password": "tide42", "name": "Mina" });
        client.post("/v1/auth/email/signup", body).await.status
    };
    let mut statuses = futures_util::future::join_all((0..5).map(|_| sign_up(app.guest()))).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
    let again = json!({ "email": "MINA@harbor.test", "password": "tide42", "name": "Mina" });
    app.guest().post("/v1/auth/email/signup", again).await.assert_error(409, "auth/email-already-exists");
}

#[actix_web::test]
async fn example_3_a_short_password_names_the_broken_rule() {
    let app = TestApp::start().await;
    let body = json!({ "email": "a@harbor.test", "password": "ab1", "name": "A" });
    let body = app.guest().post("/v1/auth/email/signup", body).await.assert_error(400, "auth/invalid-password-format");
    assert_eq!(body["error"]["details"], json!([{ "field": "password", "rule": "minLength", "message": "password needs at least 6 characters" }]));
}

#[actix_web::test]
async fn example_4_a_stale_token_does_not_stand_in_the_way_of_signing_in() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.wait(3601);
    for authorization in [format!("Bearer {}", mina.access), "Bearer x.y.z".to_owned(), "Basic abc".to_owned(), "nonsense".to_owned()] {
        let client = app.guest().header("Authorization", &authorization);
        client.post("/v1/auth/email/signin", json!({ "email": "mina@harbor.test", "password": "tide42" })).await.assert(200);
    }
}

#[actix_web::test]
async fn example_5_five_wrong_passwords_close_an_account_whether_it_exists_or_not() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    for name in ["nobody", "mina"] {
        for n in 0..5 {
            app.sign_in(name, &format!("x{n}")).await.assert_error(401, "auth/invalid-credentials");
        }
        app.wait(3);
        let refused = app.sign_in(name, "tide42").await;
        let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        // 15 minutes after the first of them, however slowly this machine hashes.
        assert!((600..=897).contains(&seconds), "{seconds}");
        assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), (Some("5"), Some("0")));
        refused.assert_error(429, "auth/too-many-login-attempts");
    }
    app.wait(900);
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn example_6_me_needs_a_user() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.guest().get("/v1/auth/me").await.assert_error(401, "common/authentication-required");
    assert_eq!(app.with(&mina.access).get("/v1/auth/me").await.assert(200)["id"], mina.id.as_str());
    app.client().get("/v1/auth/me").await.assert_error(401, "auth/unauthorized");
    let acting = app.secret().header("Authorization", &format!("Bearer {}", mina.access));
    assert_eq!(acting.get("/v1/auth/me").await.assert(200)["id"], mina.id.as_str());
}

#[actix_web::test]
async fn example_7_refreshing_rotates_once_and_repeats_within_the_grace() {
    let app = TestApp::start().await;
    let first = app.sign_up("mina", "tide42").await;
    let now = app.refresh(&first.refresh).await;
    assert_eq!(now.header("cache-control"), Some("no-store"));
    let now = now.assert(200);
    assert_eq!(now["refreshToken"], first.refresh.as_str());
    assert_ne!(now["accessToken"], first.access.as_str());
    assert!(now.get("user").is_none());
    app.wait(11);
    let (a, b) = (app.refresh(&first.refresh).await.assert(200), app.refresh(&first.refresh).await.assert(200));
    assert_ne!(a["refreshToken"], first.refresh.as_str());
    assert_eq!(a["refreshToken"], b["refreshToken"]);
    assert_ne!(a["accessToken"], b["accessToken"]);
}

#[actix_web::test]
async fn example_8_an_old_refresh_token_ends_every_session_of_the_user() {
    let app = TestApp::start().await;
    let first = app.sign_up("mina", "tide42").await;
    let other = Tokens::of(&app.sign_in("mina", "tide42").await.assert(200));
    app.wait(11);
    let second = Tokens::of(&app.refresh(&first.refresh).await.assert(200));
    app.wait(11);
    let third = Tokens::of(&app.refresh(&second.refresh).await.assert(200));
    app.refresh(&first.refresh).await.assert_error(401, "auth/invalid-refresh-token");
    app.refresh(&third.refresh).await.assert_error(401, "auth/invalid-refresh-token");
    for token in [&first.access, &third.access, &other.access] {
        app.with(token).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    }
}

#[actix_web::test]
async fn example_9_signing_out_ends_the_session_at_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let message = app.with(&mina.access).post("/v1/auth/signout", json!({})).await.assert(200);
    assert_eq!(message, json!({ "message": "Signed out." }));
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.refresh(&mina.refresh).await.assert_error(401, "auth/invalid-refresh-token");
}

#[actix_web::test]
async fn example_10_sessions_of_others_do_not_exist() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let sessions = app.with(&joon.access).get("/v1/auth/sessions").await.assert(200);
    let theirs = sessions["items"][0]["id"].as_str().unwrap();
    app.with(&mina.access).delete(&format!("/v1/auth/sessions/{theirs}")).await.assert_error(404, "auth/session-not-found");
    app.with(&mina.access).delete("/v1/auth/sessions/nonsense").await.assert_error(404, "auth/session-not-found");
    app.with(&joon.access).get("/v1/auth/me").await.assert(200);
    app.with(&joon.access).delete(&format!("/v1/auth/sessions/{theirs}")).await.assert(200);
    app.with(&joon.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
}

#[actix_web::test]
async fn example_11_and_12_a_magic_link_registers_signs_in_once_and_expires() {
    let app = TestApp::start().await;
    let ask = json!({ "method": "magiclink", "email": "joon@harbor.test", "callbackUrl": "http://localhost:5173/in?x=1" });
    let answer = app.guest().post("/v1/auth/email/signin", ask.clone()).await.assert(200);
    assert_eq!(answer["email"], "joon@harbor.test");
    let mail = app.mail("joon@harbor.test");
    let token = mail.token.unwrap();
    assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    assert_eq!(mail.link.unwrap(), format!("http://localhost:5173/in?x=1&token={token}"));
    let use_it = |token: String| {
        let (client, body) = (app.guest(), json!({ "token": token }));
        async move { client.post("/v1/auth/email/callback", body).await }
    };
    let (a, b) = futures_util::join!(use_it(token.clone()), use_it(token.clone()));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let pair = if a.status == 200 { a.body } else { b.body };
    assert_eq!(pair["is_new_user"], true);
    assert!(pair["user"]["emailVerified"].is_string());
    use_it(token).await.assert_error(401, "auth/invalid-token");
    app.guest().post("/v1/auth/email/signin", ask.clone()).await.assert(200);
    let second = app.mailed_token("joon@harbor.test");
    assert_eq!(use_it(second).await.assert(200)["is_new_user"], false);
    app.guest().post("/v1/auth/email/signin", ask).await.assert(200);
    app.wait(16 * 60);
    use_it(app.mailed_token("joon@harbor.test")).await.assert_error(401, "auth/token-expired");
    app.guest().get("/v1/auth/email/callback").await.assert_error(405, "common/method-not-allowed");
}

#[actix_web::test]
async fn example_13_links_lead_to_allowed_places_only() {
    let app = TestApp::start().await;
    for url in ["https://evil.example/x", "javascript:alert(1)", "/relative", "http://localhost.evil.example/"] {
        let body = json!({ "method": "magiclink", "email": "joon@harbor.test", "callbackUrl": url });
        app.guest().post("/v1/auth/email/signin", body).await.assert_error(400, "auth/invalid-url");
    }
    assert!(app.mails("joon@harbor.test").is_empty());
}

#[actix_web::test]
async fn example_14_a_confirmation_link_redirects_and_may_be_opened_again() {
    let app = TestApp::start().await;
    app.auth(|c| c.email.require_email_verification = true).await;
    let body = json!({ "email": "mina@harbor.test", "password": "tide42", "name": "Mina", "callbackUrl": "http://localhost:5173/ok" });
    let answer = app.guest().post("/v1/auth/email/signup", body).await.assert(201);
    assert_eq!((&answer["verificationRequired"], &answer["email"]), (&json!(true), &json!("mina@harbor.test")));
    assert!(answer.get("accessToken").is_none());
    app.sign_in("mina", "tide42").await.assert_error(403, "auth/email-not-verified");
    let mail = app.mail("mina@harbor.test");
    assert_eq!(mail.template, "signup_confirmation");
    let link = mail.link.unwrap();
    let path = link.strip_prefix(&app.url).unwrap().to_owned();
    let head = app.client().send(reqwest::Method::HEAD, &path, None).await;
    assert_eq!(head.status, 302);
    app.sign_in("mina", "tide42").await.assert_error(403, "auth/email-not-verified");
    for _ in 0..2 {
        let opened = app.client().get(&path).await;
        assert_eq!((opened.status, opened.header("location")), (302, Some("http://localhost:5173/ok?verified=true&email=mina%40harbor.test")));
    }
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn example_15_an_address_changes_once_the_new_one_is_confirmed() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    client.post("/v1/auth/email/verify/send", json!({ "email": "mina.new@harbor.test" })).await.assert(200);
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["email"], "mina@harbor.test");
    let confirm = json!({ "email": "mina.new@harbor.test", "token": app.mailed_token("mina.new@harbor.test") });
    let answer = app.guest().post("/v1/auth/email/verify/confirm", confirm).await.assert(200);
    assert_eq!(answer["verified"], true);
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    app.sign_in("mina.new", "tide42").await.assert(200);
    let me = client.get("/v1/auth/me").await.assert(200);
    assert_eq!((&me["email"], &me["accounts"][0]["providerAccountId"]), (&json!("mina.new@harbor.test"), &json!("mina.new@harbor.test")));
    assert!(me["emailVerified"].is_string());
}

#[actix_web::test]
async fn example_16_a_reset_for_an_unknown_address_answers_alike_and_mails_nothing() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let ask = |email: &str| {
        let (client, body) = (app.guest(), json!({ "email": email }));
        async move { client.post("/v1/auth/password/reset/request", body).await }
    };
    let unknown = ask("nobody@harbor.test").await.assert(200);
    assert_eq!(unknown, ask("mina@harbor.test").await.assert(200));
    assert!(app.mails("nobody@harbor.test").is_empty());
    assert_eq!(app.mail("mina@harbor.test").template, "password_reset");
}

#[actix_web::test]
async fn example_17_a_reset_token_works_once_for_24_hours() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let ask = || async { app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await };
    let reset = |token: String, password: &'static str| {
        let client = app.guest();
        let body = json!({ "email": "mina@harbor.test", "token": token, "newPassword": password });
        async move { client.post("/v1/auth/password/reset/confirm", body).await }
    };
    ask().await.assert(200);
    let link = app.mail("mina@harbor.test").link.unwrap();
    let token = app.mailed_token("mina@harbor.test");
    assert_eq!(link, format!("{}/v1/auth/pages/reset?token={token}&email=mina%40harbor.test", app.url));
    reset(token.clone(), "x").await.assert_error(400, "auth/invalid-password-format");
    reset(token.clone(), "tide42").await.assert_error(400, "auth/same-as-previous-password");
    reset(token.clone(), "ebb-and-flow").await.assert(200);
    reset(token, "another-one").await.assert_error(404, "auth/verification-token-not-found");
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    assert!(app.sign_in("mina", "ebb-and-flow").await.assert(200)["user"]["emailVerified"].is_string());
    ask().await.assert(200);
    app.wait(25 * 3600);
    reset(app.mailed_token("mina@harbor.test"), "another-one").await.assert_error(401, "auth/verification-token-expired");
}

#[actix_web::test]
async fn example_18_changing_the_password_ends_every_session() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let change = |current: &str, new: &str| {
        let (client, body) = (app.with(&mina.access), json!({ "currentPassword": current, "newPassword": new }));
        async move { client.post("/v1/auth/password/change", body).await }
    };
    change("tide42", "tide42").await.assert_error(400, "auth/same-as-previous-password");
    change("wrong", "ebb-and-flow").await.assert_error(401, "auth/invalid-password");
    change("tide42", "ebb-and-flow").await.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn example_26_leaving_frees_the_address_for_a_new_user() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.access).delete("/v1/auth/withdraw").await.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.refresh(&mina.refresh).await.assert_error(401, "auth/invalid-refresh-token");
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    assert_ne!(app.sign_up("mina", "tide42").await.id, mina.id);
}
