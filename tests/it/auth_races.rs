//! Requests of end users that arrive at once (`03-auth.md` §1: "of two competing requests exactly one wins").

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::{Answer, TestApp};

/// Several threads, so that requests really meet.
async fn busy() -> TestApp {
    TestApp::start_with(|settings| settings.workers = Some(4)).await
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut all: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    all.sort_unstable();
    all
}

/// Posts bodies at once.
async fn at_once(app: &TestApp, path: &str, bodies: Vec<Value>) -> Vec<Answer> {
    join_all(bodies.into_iter().map(|body| async move { app.guest().post(path, body).await })).await
}

async fn link_for(app: &TestApp, name: &str) -> String {
    let email = format!("{name}@harbor.test");
    app.guest().post("/v1/auth/email/signin", json!({ "email": email, "callbackUrl": "http://localhost/" })).await.assert(200);
    app.mailed_token(&email)
}

#[actix_web::test]
async fn refreshing_at_once_in_any_order_ends_with_one_refresh_token() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.wait(11);
    let answers = futures_util::future::join_all((0..10).map(|_| app.refresh(&mina.refresh))).await;
    let tokens: std::collections::BTreeSet<String> = answers.into_iter().map(|a| Tokens::of(&a.assert(200)).refresh).collect();
    assert_eq!(tokens.len(), 1);
    let newest = tokens.into_iter().next().unwrap();
    assert_eq!(app.refresh(&newest).await.assert(200)["refreshToken"], newest.as_str());
}

#[actix_web::test]
async fn twenty_parallel_guesses_get_at_most_five_verdicts() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let names = (0..20).map(|n| format!("wrong{n}")).collect::<Vec<_>>();
    let answers = futures_util::future::join_all(names.iter().map(|password| app.sign_in("mina", password))).await;
    let verdicts = answers.iter().filter(|a| a.status == 401).count();
    assert_eq!((verdicts, answers.iter().filter(|a| a.status == 429).count()), (5, 15));
}

#[actix_web::test]
async fn right_passwords_in_parallel_are_all_let_in() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let answers = futures_util::future::join_all((0..12).map(|_| app.sign_in("mina", "tide42"))).await;
    assert!(answers.iter().all(|a| a.status == 200));
}

#[actix_web::test]
async fn five_sign_ups_with_one_address_make_one_user() {
    let app = busy().await;
    let body = |email: &str| json!({ "email": email, "password": "tide42", "name": "Mina" });
    let spellings = ["mina@harbor.test", "MINA@harbor.test", " mina@HARBOR.test ", "Mina@Harbor.Test", "mina@harbor.TEST"];
    let answers = at_once(&app, "/v1/auth/email/signup", spellings.map(body).to_vec()).await;
    assert_eq!(statuses(&answers), [201, 409, 409, 409, 409]);
    assert!(answers.iter().filter(|a| a.status == 409).all(|a| a.body["error"]["code"] == "auth/email-already-exists"));
    assert_eq!(app.secret().get("/v1/data/users").await.assert(200)["pagination"]["total"], 1);
}

#[actix_web::test]
async fn two_refreshes_at_once_agree_and_revoke_nothing() {
    let app = busy().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.wait(11);
    let (one, other) = join(app.refresh(&mina.refresh), app.refresh(&mina.refresh)).await;
    let (one, other) = (Tokens::of(&one.assert(200)), Tokens::of(&other.assert(200)));
    assert_eq!(one.refresh, other.refresh);
    assert_ne!(one.access, other.access);
    for token in [&mina.access, &one.access, &other.access] {
        app.with(token).get("/v1/auth/me").await.assert(200);
    }
}

#[actix_web::test]
async fn two_redemptions_of_one_link_let_one_in() {
    let app = busy().await;
    app.sign_up("mina", "tide42").await;
    for name in ["mina", "stranger"] {
        let token = link_for(&app, name).await;
        let answers = at_once(&app, "/v1/auth/email/callback", vec![json!({ "token": token }); 2]).await;
        assert_eq!(statuses(&answers), [200, 401], "{name}");
        let refused = answers.into_iter().find(|a| a.status == 401).unwrap();
        refused.assert_error(401, "auth/invalid-token");
    }
    assert_eq!(app.secret().get("/v1/data/users").await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn one_reset_token_changes_the_password_once() {
    let app = busy().await;
    app.sign_up("mina", "tide42").await;
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let token = app.mailed_token("mina@harbor.test");
    let body = |n: usize| json!({ "email": "mina@harbor.test", "token": token, "newPassword": format!("ebb-and-flow-{n}") });
    let answers = at_once(&app, "/v1/auth/password/reset/confirm", (0..4).map(body).collect()).await;
    assert_eq!(statuses(&answers), [200, 404, 404, 404]);
    let won = answers.iter().position(|a| a.status == 200).unwrap();
    for n in 0..4 {
        let status = app.sign_in("mina", &format!("ebb-and-flow-{n}")).await.status;
        assert_eq!(status == 200, n == won, "{status}");
    }
}

#[actix_web::test]
async fn a_code_takes_five_guesses_however_many_come_at_once() {
    let app = busy().await;
    app.auth(|c| c.email.email_code_enabled = true).await;
    app.guest().post("/v1/auth/email/signin", json!({ "method": "otp", "email": "mina@harbor.test" })).await.assert(200);
    let code: u32 = app.mail("mina@harbor.test").code.unwrap().parse().unwrap();
    let body = |n: u32| json!({ "email": "mina@harbor.test", "code": format!("{:06}", (code + n) % 1_000_000) });
    let answers = at_once(&app, "/v1/auth/email/callback", (1..=20).map(body).collect()).await;
    assert!(answers.iter().all(|a| matches!(a.status, 401 | 429)), "{:?}", statuses(&answers));
    assert_ne!(app.guest().post("/v1/auth/email/callback", body(0)).await.status, 200, "the fifth wrong one voids the code");
}

/// Starts sign-ins with the old credentials and, while they hash, something that ends every session; answers the tokens
/// that were given out.
async fn signed_in_meanwhile(app: &TestApp, end: impl Future<Output = Answer>) -> Vec<String> {
    let sign_ins = join_all((0..12).map(|_| app.sign_in("mina", "tide42")));
    let (answers, ended) = join(sign_ins, end).await;
    ended.assert(200);
    answers.into_iter().filter(|a| a.status == 200).map(|a| Tokens::of(&a.body).access).collect()
}

#[actix_web::test]
async fn a_deletion_during_a_sign_in_leaves_no_session() {
    let app = busy().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    for token in signed_in_meanwhile(&app, client.delete("/v1/auth/withdraw")).await {
        app.with(&token).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    }
    // Those that came too late were failures.
    app.wait(901);
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    let sessions = app.environment.data().read::<_, bkend_local::domain::error::Error, _>(move |r| Ok(r.sessions_of(&mina.id, 0)?)).await.unwrap();
    assert!(sessions.is_empty());
}

#[actix_web::test]
async fn a_password_changed_during_a_sign_in_leaves_no_session_of_the_old_one() {
    let app = busy().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let change = client.post("/v1/auth/password/change", json!({ "currentPassword": "tide42", "newPassword": "ebb-and-flow" }));
    for token in signed_in_meanwhile(&app, change).await {
        app.with(&token).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    }
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn two_users_cannot_move_to_one_address_at_once() {
    let app = busy().await;
    let mut confirmations = Vec::new();
    for name in ["mina", "joon"] {
        let user = app.sign_up(name, "tide42").await;
        app.with(&user.access).post("/v1/auth/email/verify/send", json!({ "email": "shared@harbor.test" })).await.assert(200);
        confirmations.push(json!({ "email": "shared@harbor.test", "token": app.mailed_token("shared@harbor.test") }));
    }
    let answers = at_once(&app, "/v1/auth/email/verify/confirm", confirmations).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1, "{:?}", statuses(&answers));
    let listed = app.secret().get("/v1/data/users").await.assert(200);
    let holders = listed["items"].as_array().unwrap().iter().filter(|user| user["email"] == "shared@harbor.test").count();
    assert_eq!(holders, 1);
}

#[actix_web::test]
async fn an_anonymous_user_becomes_a_real_one_once() {
    let app = busy().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let guest = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    let client = app.with(&guest.access);
    let body = |n: usize| json!({ "email": format!("mina{n}@harbor.test"), "password": "tide42", "name": "Mina" });
    let answers = join_all((0..4).map(|n| client.post("/v1/auth/email/signup", body(n)))).await;
    let upgraded = answers.iter().filter(|a| a.status == 201 && a.body["user"]["id"] == guest.id.as_str()).count();
    assert_eq!((upgraded, statuses(&answers)), (1, vec![201, 409, 409, 409]));
    assert!(answers.iter().filter(|a| a.status == 409).all(|a| a.body["error"]["code"] == "auth/account-already-linked"));
    assert_eq!(app.secret().get("/v1/data/users").await.assert(200)["pagination"]["total"], 1, "nobody else was made");
}

#[actix_web::test]
async fn an_upgrade_sent_twice_finds_the_address_taken_and_one_whose_user_has_gone_finds_no_session() {
    let app = busy().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let body = json!({ "email": "mina@harbor.test", "password": "tide42", "name": "Mina" });
    let guest = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    let client = app.with(&guest.access);
    let answers = join_all((0..3).map(|_| client.post("/v1/auth/email/signup", body.clone()))).await;
    assert_eq!(statuses(&answers), [201, 409, 409]);
    assert!(answers.iter().filter(|a| a.status == 409).all(|a| a.body["error"]["code"] == "auth/email-already-exists"));
    let other = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    let client = app.with(&other.access);
    let body = json!({ "email": "joon@harbor.test", "password": "tide42", "name": "Joon" });
    let (upgrade, gone) = join(client.post("/v1/auth/email/signup", body), client.delete("/v1/auth/withdraw")).await;
    gone.assert(200);
    // Either may have come first: then it was upgraded before it went, or its token stood for nobody any more.
    if upgrade.status != 201 {
        upgrade.assert_error(401, "auth/session-expired");
    }
}

#[actix_web::test]
async fn an_imported_password_lets_sign_ins_in_that_replace_its_hash_at_once() {
    let app = busy().await;
    // Of `tide42`.
    let hash = "$2b$04$pLKDHF.l29P0WkgMPxFA.OuXX7zhXYcMZL0avrzhOwSB8wT0oO45S";
    let users: Vec<Value> = (0..5).map(|n| json!({ "id": format!("u{n}"), "email": format!("u{n}@harbor.test"), "name": "U", "passwordHash": hash })).collect();
    app.secret().post("/v1/users/import", json!({ "users": users })).await.assert(200);
    for n in 0..4 {
        let name = format!("u{n}");
        let answers = join_all((0..6).map(|_| app.sign_in(&name, "tide42"))).await;
        assert_eq!(statuses(&answers), [200; 6], "{name}");
    }
    // Nor does a new password mind.
    let session = bkend_local::domain::users::open_session(&app.environment, "u4").await.unwrap();
    let client = app.with(&session.access_token);
    let body = json!({ "currentPassword": "tide42", "newPassword": "ebb-and-flow" });
    let (_, changed) = join(join_all((0..4).map(|_| app.sign_in("u4", "tide42"))), client.post("/v1/auth/password/change", body)).await;
    changed.assert(200);
    app.sign_in("u4", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn what_ends_a_session_bites_on_the_very_next_request() {
    let app = busy().await;
    app.table(json!({ "tableName": "notes", "schema": { "title": "string" }, "permissions": { "user": { "list": true } } })).await;
    for round in 0..20 {
        let mina = Tokens::of(&match round {
            0 => app.guest().post("/v1/auth/email/signup", json!({ "email": "mina@harbor.test", "password": "tide42", "name": "Mina" })).await.assert(201),
            _ => app.sign_in("mina", "tide42").await.assert(200),
        });
        let client = app.with(&mina.access);
        for _ in 0..3 {
            client.get("/v1/data/notes").await.assert(200);
        }
        client.post("/v1/auth/signout", json!({})).await.assert(200);
        client.get("/v1/data/notes").await.assert_error(401, "auth/session-expired");
    }
}

#[actix_web::test]
async fn a_key_that_is_forgotten_takes_its_remembered_tokens_along() {
    let app = busy().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    let rotate = format!("{}/auth/rotate-secret?confirm=dev", app.environment_path());
    app.operator().post(&rotate, json!({})).await.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    app.operator().post(&rotate, json!({ "immediate": true })).await.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/invalid-token");
}
