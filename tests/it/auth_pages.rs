//! The built-in pages behind mailed links (`03-auth.md` §5, §9): a new password, an invitation.

use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::{Answer, TestApp};

/// The link of the newest mail to an address, as a path of the server.
fn link(app: &TestApp, to: &str) -> String {
    app.mail(to).link.unwrap().strip_prefix(&app.url).unwrap().to_owned()
}

async fn ask_for_reset(app: &TestApp, name: &str) -> String {
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": format!("{name}@harbor.test") })).await.assert(200);
    link(app, &format!("{name}@harbor.test"))
}

async fn send_reset(app: &TestApp, name: &str, password: &str) -> Answer {
    let email = format!("{name}@harbor.test");
    let fields = [("token", app.mailed_token(&email)), ("email", email), ("newPassword", password.to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.browser().post("/v1/auth/pages/reset", &fields).await
}

async fn invite(app: &TestApp, name: &str, role: &str) -> String {
    let body = json!({ "resourceType": "project", "resourceId": app.project_id(), "resourceRole": role, "email": format!("{name}@harbor.test"),
        "resourceName": "<b>Pier</b>", "inviterName": "Mina & \"Co\"" });
    app.secret().post("/v1/auth/invitations", body).await.assert(201);
    link(app, &format!("{name}@harbor.test"))
}

async fn answer(app: &TestApp, name: &str, answer: &str) -> Answer {
    let email = format!("{name}@harbor.test");
    app.browser().post("/v1/auth/pages/invitation", &[("token", &app.mailed_token(&email)), ("email", &email), ("answer", answer)]).await
}

/// The headers that every such page has, and nothing from elsewhere in it.
#[track_caller]
fn assert_guarded(page: &Answer) {
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), (Some("no-referrer"), Some("no-store")));
    assert_eq!((page.header("x-content-type-options"), page.header("x-frame-options")), (Some("nosniff"), Some("DENY")));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.matches("<h1").count() == 1 && page.text.contains("<main") && page.text.contains("name=\"viewport\""), "{}", page.text);
    assert!(!page.text.contains("<script") && !page.text.contains("style=") && !page.text.contains("://") && !page.text.contains("<a "), "{}", page.text);
}

#[actix_web::test]
async fn a_forgotten_password_is_chosen_on_the_built_in_page() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = ask_for_reset(&app, "mina").await;
    let page = app.browser().get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_guarded(&page);
    assert!(
        page.text.contains("lang=\"en\"") && page.text.contains("Choose a new password · my-blog") && page.text.contains("at least 6 characters"),
        "{}",
        page.text
    );
    assert!(page.text.contains("autocomplete=\"new-password\"") && page.text.contains("value=\"mina@harbor.test\""));
    assert!(page.text.contains(&app.mailed_token("mina@harbor.test")));
    // Looking at it changes nothing, however often.
    assert_eq!(app.client().send(reqwest::Method::HEAD, &path, None).await.status, 200);
    app.sign_in("mina", "tide42").await.assert(200);
    let done = send_reset(&app, "mina", "ebb-and-flow").await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_guarded(&done);
    assert!(done.text.contains("Password changed") && !done.text.contains("<form"), "{}", done.text);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
    let used = send_reset(&app, "mina", "another-one").await;
    assert!(used.status == 404 && used.text.contains("was used already"), "{}", used.text);
    assert_guarded(&used);
    let used = app.browser().get(&path).await;
    assert!(used.status == 404 && used.text.contains("This link does not work"), "{}", used.text);
}

#[actix_web::test]
async fn policy_errors_are_shown_in_place_and_keep_the_link() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    app.auth(|c| {
        c.email.password_policy.require_numbers = true;
        c.email.password_policy.require_uppercase = true;
        c.email.password_policy.check_common_passwords = true;
    })
    .await;
    let path = ask_for_reset(&app, "mina").await;
    assert!(app.browser().get(&path).await.text.contains("at least 6 characters, an upper-case letter, a digit"));
    for (password, text) in [
        ("abc", "The password needs at least 6 characters."),
        ("abcdef", "The password needs an upper-case letter."),
        ("", "The password needs a digit."),
        ("Password1", "most common passwords"),
    ] {
        let page = send_reset(&app, "mina", password).await;
        assert_eq!(page.status, 400, "{password}: {}", page.text);
        assert_guarded(&page);
        assert!(page.text.contains(text) && page.text.contains("aria-invalid=\"true\"") && page.text.contains("<form"), "{password}: {}", page.text);
        assert!(page.text.contains(&app.mailed_token("mina@harbor.test")) && (password.is_empty() || !page.text.contains(&format!("\"{password}\""))));
    }
    app.auth(|c| *c = Default::default()).await;
    let page = send_reset(&app, "mina", "tide42").await;
    assert!(page.status == 400 && page.text.contains("the password you have already"), "{}", page.text);
    let page = send_reset(&app, "mina", "ebb-and-flow").await;
    assert_eq!(page.status, 200, "{}", page.text);
}

#[actix_web::test]
async fn links_that_lead_nowhere_say_so_and_nothing_else() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    ask_for_reset(&app, "mina").await;
    let token = app.mailed_token("mina@harbor.test");
    for (query, status) in [
        (String::new(), 404),
        ("?token=&email=".to_owned(), 404),
        (format!("?token={}&email=mina%40harbor.test", "0".repeat(64)), 404),
        (format!("?token={token}&email=joon%40harbor.test"), 404),
        (format!("?token={token}&email=%3Cscript%3Ealert(1)%3C%2Fscript%3E"), 401),
        ("?token=%3Cscript%3E&email=%00".to_owned(), 404),
        (format!("?token={}", "a".repeat(5000)), 404),
    ] {
        let page = app.browser().get(&format!("/v1/auth/pages/reset{query}")).await;
        assert_eq!(page.status, status, "{query}: {}", page.text);
        assert_guarded(&page);
        assert!(!page.text.contains("<form"), "{}", page.text);
        let page = app.browser().get(&format!("/v1/auth/pages/invitation{query}")).await;
        assert_eq!(page.status, 401, "{query}: {}", page.text);
        assert_guarded(&page);
    }
    // Neither is a form that is none, or too large.
    let json = app.client().post("/v1/auth/pages/reset", json!({ "token": token })).await;
    assert_eq!(json.status, 415, "{}", json.text);
    assert_guarded(&json);
    let large = app.browser().post("/v1/auth/pages/reset", &[("token", &"x".repeat(20_000))]).await;
    assert_eq!(large.status, 413, "{}", large.text);
    app.client().delete("/v1/auth/pages/reset").await.assert_error(405, "common/method-not-allowed");
    app.wait(25 * 3600);
    let page = app.browser().get(&link(&app, "mina@harbor.test")).await;
    assert!(page.status == 401 && page.text.contains("has expired"), "{}", page.text);
    app.auth(|c| c.email.enabled = false).await;
    ask(&app, 400).await;
}

/// Any reset link while signing in by e-mail is off.
async fn ask(app: &TestApp, status: u16) {
    let page = app.browser().get(&link(app, "mina@harbor.test")).await;
    assert!(page.status == status && page.text.contains("switched off"), "{}", page.text);
}

#[actix_web::test]
async fn an_invitation_is_accepted_or_declined_by_a_button() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    let path = invite(&app, "joon", "editor").await;
    let page = app.browser().get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_guarded(&page);
    for text in ["Mina &amp; &quot;Co&quot; invites you to &lt;b&gt;Pier", "editor", "joon@harbor.test", "value=\"accept\"", "value=\"decline\""] {
        assert!(page.text.contains(text), "{text} is missing in {}", page.text);
    }
    let odd = answer(&app, "joon", "maybe").await;
    assert_eq!(odd.status, 400, "{}", odd.text);
    let done = answer(&app, "joon", "accept").await;
    assert!(done.status == 200 && done.text.contains("Invitation accepted") && done.text.contains("joon@harbor.test"), "{}", done.text);
    assert_guarded(&done);
    assert!(done.headers.get("set-cookie").is_none(), "acceptance never signs in");
    let again = answer(&app, "joon", "decline").await;
    assert!(again.status == 400 && again.text.contains("accepted already"), "{}", again.text);
    let page = app.browser().get(&path).await;
    assert!(page.status == 400 && page.text.contains("accepted already"), "{}", page.text);
    // The button has verified nobody.
    let joon = app.sign_up("joon", "tide42").await;
    assert_eq!(app.with(&joon.access).get("/v1/auth/me").await.assert(200)["role"], "user");
    let path = invite(&app, "ann", "editor").await;
    let done = answer(&app, "ann", "decline").await;
    assert!(done.status == 200 && done.text.contains("You have declined"), "{}", done.text);
    let page = app.browser().get(&path).await;
    assert!(page.status == 404 && page.text.contains("declined or taken back"), "{}", page.text);
    let path = invite(&app, "kim", "editor").await;
    app.wait(8 * 86_400);
    let page = app.browser().get(&path).await;
    assert!(page.status == 400 && page.text.contains("has expired"), "{}", page.text);
}

#[actix_web::test]
async fn pages_speak_korean_to_who_prefers_it() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let reset = ask_for_reset(&app, "mina").await;
    let invitation = invite(&app, "joon", "user").await;
    let korean = || app.browser().header("Accept-Language", "ko-KR,ko;q=0.9,en;q=0.5");
    let page = korean().get(&reset).await;
    assert!(page.text.contains("lang=\"ko\"") && page.text.contains("새 비밀번호 설정") && page.text.contains("6자 이상"), "{}", page.text);
    assert_guarded(&page);
    let (token, email) = (app.mailed_token("mina@harbor.test"), "mina@harbor.test");
    let page = korean().post("/v1/auth/pages/reset", &[("token", &token), ("email", email), ("newPassword", "abc")]).await;
    assert!(page.status == 400 && page.text.contains("비밀번호 조건: 6자 이상."), "{}", page.text);
    let page = korean().get(&invitation).await;
    assert!(page.text.contains("초대했습니다") && page.text.contains(">수락<"), "{}", page.text);
    assert_eq!(page.header("vary").map(|v| v.contains("Accept-Language")), Some(true));
}

#[actix_web::test]
async fn the_token_of_a_page_stands_in_no_log() {
    let app = TestApp::start().await;
    app.operator().patch(&app.project_path(), json!({ "settings": { "requestLogBodies": "all" } })).await.assert(200);
    app.sign_up("mina", "tide42").await;
    let path = ask_for_reset(&app, "mina").await;
    let token = app.mailed_token("mina@harbor.test");
    app.browser().get(&path).await;
    send_reset(&app, "mina", "abc").await;
    send_reset(&app, "mina", "a-password-to-find").await;
    let invitation = invite(&app, "joon", "user").await;
    let other = app.mailed_token("joon@harbor.test");
    app.browser().get(&invitation).await;
    answer(&app, "joon", "accept").await;
    let requests = app.operator().get(&format!("{}/requests?limit=100", app.environment_path())).await.assert(200);
    let logged: Vec<&str> = requests["items"].as_array().unwrap().iter().filter_map(|r| r["path"].as_str()).collect();
    assert_eq!(logged.iter().filter(|path| path.starts_with("/v1/auth/pages/")).count(), 5, "{logged:?}");
    let mut texts = vec![requests.to_string()];
    for request in requests["items"].as_array().unwrap() {
        let path = format!("{}/requests/{}", app.environment_path(), request["id"].as_str().unwrap());
        texts.push(app.operator().get(&path).await.assert(200).to_string());
    }
    for secret in [token.as_str(), other.as_str(), "a-password-to-find"] {
        let shown = texts.iter().find(|text| text.contains(secret));
        assert!(shown.is_none(), "{secret} shows in {}", shown.unwrap());
    }
}

#[actix_web::test]
async fn a_link_works_from_another_environment_of_the_server_and_a_second_factor_stays_on() {
    let app = TestApp::start().await;
    app.operator().post(&format!("{}/environments", app.project_path()), json!({ "environment": "staging" })).await.assert(201);
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let path = ask_for_reset(&app, "mina").await;
    assert_eq!(app.browser().get(&path).await.status, 200);
    assert_eq!(send_reset(&app, "mina", "ebb-and-flow").await.status, 200);
    app.sign_in("mina", "ebb-and-flow").await.assert_error(403, "auth/mfa-required");
    let body = json!({ "email": "mina@harbor.test", "password": "ebb-and-flow", "mfaCode": authenticator.code(&app, 0) });
    let pair: Value = app.guest().post("/v1/auth/email/signin", body).await.assert(200);
    assert_eq!(Tokens::of(&pair).id, mina.id);
}
