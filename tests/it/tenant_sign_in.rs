//! Signing up and in as a developer: password, mailed link, simulated provider, forgotten password
//! (`06-console.md` A6, B3 "Session and account", rulings 10 and 11).

use bkend_local::domain::error::Error;
use bkend_local::domain::keys::sha256;
use bkend_local::domain::time;
use bkend_local::http::server::Settings;
use bkend_local::store::control::TenantLinkRow;
use serde_json::{Value, json};

use crate::support::pages::Terminal;
use crate::support::{Answer, Client, TestApp};

const AUTH: &str = "/management/v1/auth";
const PASSWORD: &str = "correct horse battery";

fn visitor(app: &TestApp) -> Client {
    app.client().header("Origin", &app.url)
}

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    visitor(app).post(&format!("{AUTH}{path}"), body).await
}

async fn sign_up(app: &TestApp, name: &str) -> Client {
    let answer = post(app, "/signup", json!({ "email": format!("{name}@harbor.test"), "name": name, "password": PASSWORD })).await;
    signed_in(app, answer)
}

/// The client that keeps the session an answer opened.
fn signed_in(app: &TestApp, answer: Answer) -> Client {
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{}", answer.text)).split(';').next().unwrap().to_owned();
    let session = answer.assert(200);
    visitor(app).header("Cookie", &cookie).header("X-CSRF-Token", session["csrfToken"].as_str().unwrap())
}

async fn newest_mail(app: &TestApp) -> Value {
    app.operator().get("/management/v1/mailbox").await.assert(200)["items"][0].clone()
}

fn reachable(settings: &mut Settings) {
    settings.hosts = vec!["0.0.0.0".parse().unwrap()];
}

#[actix_web::test]
async fn signing_up_makes_an_account_and_signs_it_in() {
    let app = TestApp::start().await;
    let session = visitor(&app).get("/management/v1/auth/session").await.assert(200);
    assert_eq!((&session["server"]["signupOpen"], &session["server"]["simulatedProviders"]), (&json!(true), &json!(["google", "github"])));
    let mina = sign_up(&app, "mina").await;
    let account = mina.get("/management/v1/account").await.assert(200);
    assert_eq!((&account["email"], &account["hasPassword"], &account["serverOwner"]), (&json!("mina@harbor.test"), &json!(true), &json!(false)));
    assert_eq!(mina.get("/management/v1/organizations").await.assert(200)["items"], json!([]));
    post(&app, "/signup", json!({ "email": "MINA@harbor.test", "name": "Other" })).await.assert_error(409, "tenant/email-exists");
    post(&app, "/signup", json!({ "email": "ann@harbor.test", "name": "Ann", "password": "123456789" })).await.assert_error(400, "tenant/weak-password");
    for bad in [json!({}), json!({ "email": "ann", "name": "Ann" }), json!({ "email": "ann@harbor.test", "name": "" }), json!({ "email": 7, "name": "Ann" })] {
        post(&app, "/signup", bad).await.assert_error(400, "common/invalid-parameters");
    }
    app.client().post(&format!("{AUTH}/signup"), json!({ "email": "x@y.test", "name": "X" })).await.assert_error(403, "common/origin-denied");
}

#[actix_web::test]
async fn wrong_credentials_give_one_message_for_all_causes() {
    let app = TestApp::start().await;
    sign_up(&app, "mina").await;
    let wrong = [("mina@harbor.test", "wrong password"), ("nobody@harbor.test", PASSWORD), ("owner@localhost", PASSWORD), ("not an address", "")];
    let mut messages = Vec::new();
    for (email, password) in wrong {
        let body = post(&app, "/signin", json!({ "email": email, "password": password })).await.assert_error(401, "tenant/invalid-credentials");
        messages.push(body["message"].clone());
    }
    assert!(messages.windows(2).all(|pair| pair[0] == pair[1]), "{messages:?}");
    let answer = post(&app, "/signin", json!({ "email": " Mina@Harbor.Test", "password": PASSWORD })).await;
    assert_eq!(signed_in(&app, answer).get("/management/v1/account").await.assert(200)["name"], "mina");
}

#[actix_web::test]
async fn of_twenty_guesses_at_once_five_are_looked_at() {
    let app = TestApp::start().await;
    sign_up(&app, "mina").await;
    let guesses = (0..20).map(|n| post(&app, "/signin", json!({ "email": "mina@harbor.test", "password": format!("guess number {n}") })));
    let answers = futures_util::future::join_all(guesses).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(401), count(429)), (5, 15));
    let refused = post(&app, "/signin", json!({ "email": "mina@harbor.test", "password": PASSWORD })).await;
    assert!(refused.header("retry-after").is_some() && refused.header("x-ratelimit-limit") == Some("5"));
    refused.assert_error(429, "tenant/too-many-attempts");
    // A link is a way in that the guesses do not close.
    post(&app, "/magic-link", json!({ "email": "mina@harbor.test" })).await.assert(202);
}

#[actix_web::test]
async fn a_sixth_link_for_an_address_or_a_twenty_first_try_from_one_machine_is_too_many() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        post(&app, "/magic-link", json!({ "email": "mina@harbor.test" })).await.assert(202);
    }
    post(&app, "/magic-link", json!({ "email": "mina@harbor.test" })).await.assert_error(429, "tenant/too-many-attempts");
    for n in 0..15 {
        post(&app, "/magic-link", json!({ "email": format!("user{n}@harbor.test") })).await.assert(202);
    }
    post(&app, "/magic-link", json!({ "email": "one.more@harbor.test" })).await.assert_error(429, "tenant/too-many-attempts");
}

#[actix_web::test]
async fn a_magic_link_creates_the_tenant_lands_on_next_and_works_once() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    post(&app, "/magic-link", json!({ "email": "Mina@Harbor.test", "next": "/console/orgs/a?b=c" })).await.assert(202);
    let link = terminal.mail("magic_link", "mina@harbor.test");
    let token = link.strip_prefix(&format!("{}/console/link#", app.url)).unwrap().to_owned();
    let mail = newest_mail(&app).await;
    assert_eq!((&mail["link"], &mail["token"], &mail["delivery"]), (&json!(link), &json!(token), &json!("local")));
    let redeem = || post(&app, "/link", json!({ "token": token }));
    let both = futures_util::future::join(redeem(), redeem()).await;
    let (won, lost) = if both.0.status == 200 { both } else { (both.1, both.0) };
    lost.assert_error(400, "tenant/link-used");
    let session = won.assert(200);
    assert_eq!((&session["tenant"]["email"], &session["next"]), (&json!("mina@harbor.test"), &json!("/console/orgs/a?b=c")));
    // A path of another site is dropped.
    post(&app, "/magic-link", json!({ "email": "mina@harbor.test", "next": "//evil.test/console/" })).await.assert(202);
    let token = newest_mail(&app).await["token"].as_str().unwrap().to_owned();
    assert_eq!(post(&app, "/link", json!({ "token": token })).await.assert(200)["next"], Value::Null);
}

#[actix_web::test]
async fn used_expired_superseded_and_unknown_links_each_get_their_own_sentence() {
    let app = TestApp::start().await;
    let token = async |email: &str| {
        post(&app, "/magic-link", json!({ "email": email })).await.assert(202);
        newest_mail(&app).await["token"].as_str().unwrap().to_owned()
    };
    let used = token("mina@harbor.test").await;
    post(&app, "/link", json!({ "token": used })).await.assert(200);
    let superseded = token("ann@harbor.test").await;
    token("ann@harbor.test").await;
    let expired = TenantLinkRow {
        hash: sha256("old"),
        purpose: "sign_in".into(),
        email: "old@harbor.test".into(),
        tenant_id: None,
        next: None,
        expires_at: time::now() - 1,
        used_at: None,
        voided: false,
        created_at: 0,
    };
    app.backend.control().write::<_, Error, _>(move |tx| Ok(tx.insert_tenant_link(&expired)?)).await.unwrap();
    let mut sentences = Vec::new();
    for (token, code) in
        [(used.as_str(), "tenant/link-used"), (&superseded, "tenant/link-invalid"), ("old", "tenant/link-expired"), ("x", "tenant/link-invalid")]
    {
        let body = post(&app, "/link", json!({ "token": token })).await.assert_error(400, code);
        let message = body["message"].as_str().unwrap().to_owned();
        assert!(message.contains("bkend-local login-link"), "{message}");
        sentences.push(message);
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 4);
}

#[actix_web::test]
async fn a_link_to_an_address_the_account_no_longer_has_opens_nothing() {
    let app = TestApp::start().await;
    let mina = sign_up(&app, "mina").await;
    post(&app, "/magic-link", json!({ "email": "mina@harbor.test" })).await.assert(202);
    let token = newest_mail(&app).await["token"].clone();
    mina.patch("/management/v1/account", json!({ "email": "mina@pier.test" })).await.assert(200);
    post(&app, "/link", json!({ "token": token })).await.assert_error(400, "tenant/link-invalid");
}

#[actix_web::test]
async fn a_simulated_provider_signs_in_with_the_code_from_the_terminal() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    let started = post(&app, "/simulated/google", json!({ "email": "mina@harbor.test", "name": "Mina" })).await.assert(202);
    let code = terminal.mail("simulated_google", "mina@harbor.test");
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    let body = json!({ "challengeId": started["challengeId"], "code": code });
    // A code of one provider is none of the other.
    post(&app, "/simulated/github/confirm", body.clone()).await.assert_error(401, "tenant/invalid-code");
    let confirm = || post(&app, "/simulated/google/confirm", body.clone());
    let both = futures_util::future::join(confirm(), confirm()).await;
    let (won, lost) = if both.0.status == 200 { both } else { (both.1, both.0) };
    lost.assert_error(401, "tenant/invalid-code");
    let tenant = won.assert(200)["tenant"].clone();
    assert_eq!((&tenant["name"], &tenant["providers"]), (&json!("Mina"), &json!(["google"])));
    // The same identity is the same account.
    let again = post(&app, "/simulated/google", json!({ "email": "mina@harbor.test", "name": "Other" })).await.assert(202);
    let code = terminal.mail("simulated_google", "mina@harbor.test");
    let session = post(&app, "/simulated/google/confirm", json!({ "challengeId": again["challengeId"], "code": code })).await.assert(200);
    assert_eq!(session["tenant"]["id"], tenant["id"]);
    post(&app, "/simulated/gitlab", json!({ "email": "mina@harbor.test" })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn after_five_wrong_codes_the_right_one_counts_no_more() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    let started = post(&app, "/simulated/github", json!({ "email": "ann@harbor.test", "name": "Ann" })).await.assert(202);
    let code = terminal.mail("simulated_github", "ann@harbor.test");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        post(&app, "/simulated/github/confirm", json!({ "challengeId": started["challengeId"], "code": wrong })).await.assert_error(401, "tenant/invalid-code");
    }
    post(&app, "/simulated/github/confirm", json!({ "challengeId": started["challengeId"], "code": code })).await.assert_error(401, "tenant/invalid-code");
}

#[actix_web::test]
async fn beyond_loopback_neither_sign_up_nor_simulated_sign_in_exist_and_the_log_keeps_links_back() {
    let (terminal, app) = (Terminal::open(), TestApp::start_with(reachable).await);
    let server = visitor(&app).get("/management/v1/auth/session").await.assert(200)["server"].clone();
    assert_eq!((&server["signupOpen"], &server["simulatedProviders"]), (&json!(false), &json!([])));
    post(&app, "/signup", json!({ "email": "eve@harbor.test", "name": "Eve" })).await.assert_error(403, "tenant/signup-closed");
    post(&app, "/simulated/google", json!({ "email": "eve@harbor.test", "name": "Eve" })).await.assert_error(403, "tenant/simulated-disabled");
    // A stranger gets the same answer as a tenant, and no mail.
    post(&app, "/magic-link", json!({ "email": "eve@harbor.test" })).await.assert(202);
    assert_eq!(app.operator().get("/management/v1/mailbox").await.assert(200)["items"], json!([]));
    post(&app, "/magic-link", json!({ "email": "owner@localhost" })).await.assert(202);
    let mail = newest_mail(&app).await;
    assert_eq!(mail["to"], "owner@localhost");
    let log = terminal.text();
    assert!(log.contains("mail  magic_link → owner@localhost") && !log.contains(mail["token"].as_str().unwrap()), "{log}");
}

#[actix_web::test]
async fn a_host_of_somebody_else_does_not_get_into_mailed_links() {
    let app = TestApp::start_with(reachable).await;
    let foreign = app.client().header("Host", "192.0.2.1:4300").header("Origin", "http://192.0.2.1:4300");
    foreign.post(&format!("{AUTH}/password/forgot"), json!({ "email": "owner@localhost" })).await.assert(202);
    let link = newest_mail(&app).await["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("http://127.0.0.1:{}/", app.port())), "{link}");
}

#[actix_web::test]
async fn a_password_is_set_and_changed_and_ends_other_sessions() {
    let app = TestApp::start().await;
    let (one, other) = (app.console(None).await, app.console(None).await);
    let path = "/management/v1/account/password";
    one.put(path, json!({ "password": "too short" })).await.assert_error(400, "tenant/weak-password");
    one.put(path, json!({ "password": PASSWORD })).await.assert(204);
    other.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
    one.put(path, json!({ "password": "another long one" })).await.assert_error(401, "tenant/invalid-credentials");
    one.put(path, json!({ "current": "wrong password", "password": "another long one" })).await.assert_error(401, "tenant/invalid-credentials");
    one.put(path, json!({ "current": PASSWORD, "password": "another long one" })).await.assert(204);
    post(&app, "/signin", json!({ "email": "owner@localhost", "password": "another long one" })).await.assert(200);
    app.developer("mina").await.put(path, json!({ "password": PASSWORD })).await.assert_error(403, "management/forbidden");
}

#[actix_web::test]
async fn a_forgotten_password_is_chosen_anew_with_a_link_that_works_once() {
    let app = TestApp::start().await;
    let mina = sign_up(&app, "mina").await;
    for email in ["nobody@harbor.test", "mina@harbor.test"] {
        assert_eq!(post(&app, "/password/forgot", json!({ "email": email })).await.assert(202), json!({}));
    }
    let mail = newest_mail(&app).await;
    assert_eq!((&mail["template"], &mail["to"]), (&json!("password_reset"), &json!("mina@harbor.test")));
    assert_eq!(app.operator().get("/management/v1/mailbox").await.assert(200)["pagination"]["total"], 1);
    let token = mail["token"].as_str().unwrap();
    assert!(mail["link"].as_str().unwrap().contains("/console/reset#"));
    // Too short a password does not cost the link, nor does the link sign in.
    post(&app, "/password/reset", json!({ "token": token, "password": "short" })).await.assert_error(400, "tenant/weak-password");
    post(&app, "/link", json!({ "token": token })).await.assert_error(400, "tenant/link-invalid");
    let reset = |password: &str| post(&app, "/password/reset", json!({ "token": token, "password": password }));
    let (a, b) = futures_util::future::join(reset("a brand new one"), reset("the other one!")).await;
    assert_eq!([a.status, b.status].iter().filter(|s| **s == 200).count(), 1);
    reset("a third password").await.assert_error(400, "tenant/link-used");
    post(&app, "/password/reset", json!({ "token": "x", "password": PASSWORD })).await.assert_error(400, "tenant/link-invalid");
    mina.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
    post(&app, "/signin", json!({ "email": "mina@harbor.test", "password": PASSWORD })).await.assert_error(401, "tenant/invalid-credentials");
}
