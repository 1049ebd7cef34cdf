//! The rules of `03-auth.md` beyond its examples: sessions, throttling, verification, codes, additions, keys, hostile input.

use base64::Engine as _;
use bkend_local::domain::auth::config::{Algorithm, ReuseRevokes};
use bkend_local::domain::users;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::auth::Tokens;

fn claims(token: &str) -> (Value, Value) {
    let part = |at: usize| {
        let text = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}

#[actix_web::test]
async fn an_access_token_says_who_where_and_until_when() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let (header, body) = claims(&mina.access);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("JWT")));
    assert!(header["kid"].is_string());
    assert_eq!((body["sub"].as_str(), body["env"].as_str(), body["project"].as_str()), (Some(mina.id.as_str()), Some("dev"), Some(&*app.project_id())));
    assert_eq!((&body["role"], &body["iss"], &body["aud"]), (&json!("user"), &json!("bkend-local"), &json!(format!("{}:dev", app.project_id()))));
    assert_eq!(body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap(), 3600);
    assert!(body.get("act").is_none() && body.get("typ").is_none() && body["jti"].is_string() && body["sid"].is_string());
    assert_eq!(claims(&mina.refresh).1["typ"], "refresh");
}

#[actix_web::test]
async fn tokens_are_not_interchangeable_and_damage_is_noticed() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.refresh).get("/v1/auth/me").await.assert_error(401, "auth/invalid-token");
    app.refresh(&mina.access).await.assert_error(401, "auth/invalid-refresh-token");
    let (head, rest) = mina.access.split_once('.').unwrap();
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let damaged = format!("{head}.{}x", rest);
    for bad in [&damaged, &format!("{none}.{rest}"), &format!("{none}.{}.", rest.split('.').next().unwrap()), "a.b.c", ""] {
        app.guest().header("Authorization", &format!("Bearer {bad}")).get("/v1/auth/me").await.assert_error(401, "auth/invalid-token");
        app.refresh(bad).await.assert_error(401, "auth/invalid-refresh-token");
    }
    app.guest().post("/v1/auth/refresh", json!({})).await.assert_error(400, "common/invalid-parameters");
    app.guest().post("/v1/auth/refresh", json!({ "refreshToken": 7 })).await.assert_error(400, "common/invalid-parameters");
    app.wait(3601);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/token-expired");
    app.wait(604_800);
    app.refresh(&mina.refresh).await.assert_error(401, "auth/session-expired");
}

#[actix_web::test]
async fn reuse_may_be_limited_to_its_session() {
    let app = TestApp::start().await;
    app.auth(|c| c.tokens.reuse_revokes = ReuseRevokes::Session).await;
    let first = app.sign_up("mina", "tide42").await;
    let other = Tokens::of(&app.sign_in("mina", "tide42").await.assert(200));
    app.wait(11);
    app.refresh(&first.refresh).await.assert(200);
    app.wait(11);
    app.refresh(&first.refresh).await.assert_error(401, "auth/invalid-refresh-token");
    app.with(&first.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.with(&other.access).get("/v1/auth/me").await.assert(200);
    let events = app.secret().get("/v1/auth/events?type=refresh_reused").await.assert(200);
    assert_eq!(events["pagination"]["total"], 1);
}

#[actix_web::test]
async fn an_enveloped_refresh_carries_its_members_at_both_levels() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.guest().header("X-Bkend-Envelope", "envelope");
    let body = client.post("/v1/auth/refresh", json!({ "refreshToken": mina.refresh })).await.assert(200);
    assert_eq!(body["success"], true);
    for member in ["accessToken", "refreshToken", "tokenType", "expiresIn"] {
        assert!(!body[member].is_null() && body[member] == body["data"][member], "{member}");
    }
    let body = client.post("/v1/auth/email/signin", json!({ "email": "mina@harbor.test", "password": "tide42" })).await.assert(200);
    assert!(body.get("accessToken").is_none() && body["data"]["accessToken"].is_string());
}

#[actix_web::test]
async fn a_ban_bites_on_the_next_request_and_is_told_only_to_who_knows_the_password() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    users::set_banned(&app.environment, &mina.id, true, None).await.unwrap();
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(403, "auth/account-banned");
    app.refresh(&mina.refresh).await.assert_error(403, "auth/account-banned");
    app.sign_in("mina", "tide42").await.assert_error(403, "auth/account-banned");
    app.sign_in("mina", "wrong").await.assert_error(401, "auth/invalid-credentials");
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    assert!(app.mails("mina@harbor.test").is_empty(), "banned users get no mail");
    users::set_banned(&app.environment, &mina.id, true, Some(app.environment.now() + 60_000)).await.unwrap();
    app.wait(61);
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn a_user_keeps_at_most_50_sessions_and_sees_and_ends_them() {
    let app = TestApp::start().await;
    let first = app.sign_up("mina", "tide42").await;
    for _ in 0..50 {
        app.wait(1);
        users::open_session(&app.environment, &first.id).await.unwrap();
    }
    app.with(&first.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    let agent = app.guest().header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0");
    let mina = Tokens::of(&agent.post("/v1/auth/email/signin", json!({ "email": "mina@harbor.test", "password": "tide42" })).await.assert(200));
    let list = app.with(&mina.access).get("/v1/auth/sessions?limit=1").await.assert(200);
    assert_eq!((&list["pagination"]["total"], list["items"].as_array().unwrap().len()), (&json!(50), 1));
    let session = &list["items"][0];
    assert_eq!((&session["current"], &session["deviceInfo"], &session["impersonated"]), (&json!(true), &json!("Firefox on Linux"), &json!(false)));
    assert_eq!(session["userId"], mina.id.as_str());
    assert_eq!(app.with(&mina.access).delete("/v1/auth/sessions").await.assert(200), json!({ "revoked": 49 }));
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
}

#[actix_web::test]
async fn switching_organization_rotates_for_the_projects_own_only() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    client.post("/v1/auth/switch-organization", json!({ "organizationId": "other" })).await.assert_error(403, "auth/forbidden");
    let own = app.environment.project().organization_id.clone();
    let pair = client.post("/v1/auth/switch-organization", json!({ "organizationId": own })).await.assert(200);
    assert_ne!(pair["refreshToken"], mina.refresh.as_str());
    assert_eq!(app.refresh(&mina.refresh).await.assert(200)["refreshToken"], pair["refreshToken"]);
}

#[actix_web::test]
async fn the_same_wrong_password_counts_once_and_a_success_clears_the_counter() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    for _ in 0..7 {
        app.sign_in("mina", "wrong").await.assert_error(401, "auth/invalid-credentials");
    }
    for n in 0..3 {
        app.sign_in("mina", &format!("wrong{n}")).await.assert(401);
    }
    app.sign_in("mina", "tide42").await.assert(200);
    for n in 0..4 {
        app.sign_in("mina", &format!("again{n}")).await.assert(401);
    }
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn five_mails_of_a_purpose_in_15_minutes_known_or_not_and_a_cooldown() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    for name in ["mina", "nobody"] {
        let body = json!({ "email": format!("{name}@harbor.test") });
        for _ in 0..5 {
            app.guest().post("/v1/auth/password/reset/request", body.clone()).await.assert(200);
        }
        let refused = app.guest().post("/v1/auth/password/reset/request", body.clone()).await;
        assert!(refused.header("retry-after").is_some());
        refused.assert_error(429, "auth/too-many-code-requests");
        app.guest().post("/v1/auth/email/verify/send", body).await.assert(200);
    }
    app.auth(|c| c.email.resend_cooldown_seconds = 60).await;
    let body = json!({ "email": "joon@harbor.test" });
    app.guest().post("/v1/auth/password/reset/request", body.clone()).await.assert(200);
    app.guest().post("/v1/auth/password/reset/request", body.clone()).await.assert_error(429, "auth/too-many-code-requests");
    app.wait(61);
    app.guest().post("/v1/auth/password/reset/request", body).await.assert(200);
}

#[actix_web::test]
async fn peers_on_this_machine_are_counted_only_when_asked_for() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.throttle_loopback = true).await;
    for n in 0..30 {
        let body = json!({ "method": "magiclink", "email": format!("u{n}@harbor.test"), "callbackUrl": "http://localhost/" });
        app.guest().post("/v1/auth/email/signin", body).await.assert(200);
    }
    let body = json!({ "method": "magiclink", "email": "u31@harbor.test", "callbackUrl": "http://localhost/" });
    app.guest().post("/v1/auth/email/signin", body).await.assert_error(429, "auth/too-many-code-requests");
}

#[actix_web::test]
async fn a_mailed_code_signs_in_once_and_dies_with_the_fifth_wrong_guess() {
    let app = TestApp::start().await;
    let ask = || async { app.guest().post("/v1/auth/email/signin", json!({ "method": "otp", "email": "joon@harbor.test" })).await };
    let enter = |code: String| {
        let (client, body) = (app.guest(), json!({ "email": "joon@harbor.test", "code": code }));
        async move { client.post("/v1/auth/email/callback", body).await }
    };
    ask().await.assert_error(400, "auth/magiclink-disabled");
    app.auth(|c| c.email.email_code_enabled = true).await;
    ask().await.assert(200);
    let code = app.mail("joon@harbor.test").code.unwrap();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
    let wrong = |n: u32| format!("{:06}", (code.parse::<u32>().unwrap() + 1 + n) % 1_000_000);
    for n in 0..4 {
        enter(wrong(n)).await.assert_error(401, "auth/invalid-token");
        // The same one again counts once.
        enter(wrong(n)).await.assert_error(401, "auth/invalid-token");
    }
    assert_eq!(enter(code.clone()).await.assert(200)["is_new_user"], true);
    enter(code.clone()).await.assert_error(401, "auth/invalid-token");
    ask().await.assert(200);
    let second = app.mail("joon@harbor.test").code.unwrap();
    for n in 0..5 {
        enter(format!("{:06}", (second.parse::<u32>().unwrap() + 1 + n) % 1_000_000)).await.assert_error(401, "auth/invalid-token");
    }
    enter(second).await.assert_error(401, "auth/invalid-token");
    ask().await.assert(200);
    app.wait(601);
    enter(app.mail("joon@harbor.test").code.unwrap()).await.assert_error(401, "auth/token-expired");
}

#[actix_web::test]
async fn a_newer_link_voids_the_earlier_and_another_address_is_refused() {
    let app = TestApp::start().await;
    let ask = json!({ "email": "joon@harbor.test", "callbackUrl": "myapp://in" });
    app.guest().post("/v1/auth/email/signin", ask.clone()).await.assert_error(400, "auth/invalid-url");
    app.auth(|c| c.urls.redirect_allow_list = vec!["myapp://*".into()]).await;
    app.guest().post("/v1/auth/email/signin", ask.clone()).await.assert(200);
    let first = app.mailed_token("joon@harbor.test");
    app.guest().post("/v1/auth/email/signup", ask).await.assert(201);
    let second = app.mailed_token("joon@harbor.test");
    app.guest().post("/v1/auth/email/callback", json!({ "token": first })).await.assert_error(401, "auth/invalid-token");
    let other = json!({ "token": second, "email": "mina@harbor.test" });
    app.guest().post("/v1/auth/email/callback", other).await.assert_error(401, "auth/invalid-token");
    app.guest().post("/v1/auth/email/callback", json!({ "token": second, "email": "Joon@harbor.test" })).await.assert(200);
    app.guest().post("/v1/auth/email/callback", json!({})).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn what_was_said_at_sign_up_by_link_is_kept_until_the_link_is_used() {
    let app = TestApp::start().await;
    let ask = json!({ "method": "magiclink", "email": "joon@harbor.test", "callbackUrl": "http://localhost/", "name": "Joon", "nickname": "jj" });
    app.guest().post("/v1/auth/email/signup", ask).await.assert(201);
    let pair = app.guest().post("/v1/auth/email/callback", json!({ "token": app.mailed_token("joon@harbor.test") })).await.assert(200);
    assert_eq!((&pair["user"]["name"], &pair["user"]["nickname"]), (&json!("Joon"), &json!("jj")));
}

#[actix_web::test]
async fn closed_sign_up_mails_nothing_to_strangers_and_registers_nobody() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let ask = |name: &str| {
        let (client, body) = (app.guest(), json!({ "method": "magiclink", "email": format!("{name}@harbor.test"), "callbackUrl": "http://localhost/" }));
        async move { client.post("/v1/auth/email/signin", body).await }
    };
    ask("early").await.assert(200);
    app.auth(|c| c.email.signup_enabled = false).await;
    ask("nobody").await.assert(200);
    ask("mina").await.assert(200);
    assert!(app.mails("nobody@harbor.test").is_empty() && app.mails("mina@harbor.test").len() == 1);
    let token = app.mailed_token("early@harbor.test");
    app.guest().post("/v1/auth/email/callback", json!({ "token": token })).await.assert_error(403, "auth/signup-disabled");
    let body = json!({ "email": "x@harbor.test", "password": "tide42", "name": "X" });
    app.guest().post("/v1/auth/email/signup", body).await.assert_error(403, "auth/signup-disabled");
    app.auth(|c| c.email.enabled = false).await;
    app.sign_in("mina", "tide42").await.assert_error(400, "auth/unsupported-provider");
}

#[actix_web::test]
async fn verification_tokens_belong_to_one_address_and_one_family() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let address = json!({ "email": "mina@harbor.test" });
    app.guest().post("/v1/auth/signup/email/resend", address.clone()).await.assert(200);
    let signup = app.mailed_token("mina@harbor.test");
    let confirm = |token: &str, email: &str| {
        let (client, body) = (app.guest(), json!({ "token": token, "email": email }));
        async move { client.post("/v1/auth/email/verify/confirm", body).await }
    };
    confirm(&signup, "mina@harbor.test").await.assert_error(401, "auth/invalid-token");
    app.guest().post("/v1/auth/email/verify/send", address.clone()).await.assert(200);
    let contact = app.mailed_token("mina@harbor.test");
    confirm(&contact, "joon@harbor.test").await.assert_error(401, "auth/invalid-token");
    confirm(&contact, "mina@harbor.test").await.assert(200);
    confirm(&contact, "mina@harbor.test").await.assert(200);
    app.guest().post("/v1/auth/email/verify/send", address.clone()).await.assert_error(400, "auth/already-verified");
    app.auth(|c| c.email.disclose_accounts = false).await;
    app.guest().post("/v1/auth/email/verify/resend", address).await.assert(200);
    let client = app.with(&mina.access);
    app.sign_up("joon", "tide42").await;
    client.post("/v1/auth/email/verify/send", json!({ "email": "joon@harbor.test" })).await.assert_error(409, "auth/email-already-exists");
    client.post("/v1/auth/email/verify/send", json!({ "email": "new@harbor.test" })).await.assert(200);
    let token = app.mailed_token("new@harbor.test");
    app.sign_up("new", "tide42").await;
    confirm(&token, "new@harbor.test").await.assert_error(409, "auth/email-already-exists");
    app.wait(3601);
    client.post("/v1/auth/email/verify/send", json!({ "email": "other@harbor.test" })).await.assert_error(401, "auth/token-expired");
}

#[actix_web::test]
async fn links_opened_in_a_browser_answer_as_it_prefers() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    app.guest().post("/v1/auth/signup/email/resend", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let link = app.mail("mina@harbor.test").link.unwrap();
    let path = link.strip_prefix(&app.url).unwrap();
    let bad = "/v1/auth/signup/email/confirm?token=0000&email=mina%40harbor.test";
    app.client().get(bad).await.assert_error(401, "auth/invalid-token");
    app.client().get("/v1/auth/signup/email/confirm").await.assert_error(400, "common/invalid-parameters");
    let away = app.client().get(&format!("{bad}&callbackUrl=http%3A%2F%2Flocalhost%2Fok")).await;
    let location = away.header("location").unwrap().to_owned();
    assert!(location.starts_with("http://localhost/ok?verified=false&error=auth%2Finvalid-token&errorMessage="), "{location}");
    app.client().get(&format!("{bad}&callbackUrl=https%3A%2F%2Fevil.example")).await.assert_error(400, "auth/invalid-url");
    let browser = app.client().header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
    let page = browser.get("/v1/auth/signup/email/confirm?token=x&email=%3Cscript%3E%40x").await;
    assert_eq!((page.status, page.header("content-type")), (400, Some("text/html; charset=utf-8")));
    assert!(!page.text.contains("<script>") && page.header("content-security-policy").is_some());
    let page = browser.get(path).await;
    assert_eq!(page.status, 200);
    assert_eq!(app.client().get(path).await.assert(200), json!({ "verified": true, "email": "mina@harbor.test" }));
}

#[actix_web::test]
async fn an_expired_password_is_replaced_by_mail_and_never_by_guessing() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    app.auth(|c| c.email.password_policy.expiration_days = Some(1)).await;
    app.sign_in("mina", "tide42").await.assert(200);
    app.wait(86_400);
    app.sign_in("mina", "tide42").await.assert_error(403, "auth/password-expired");
    app.sign_in("mina", "wrong").await.assert_error(401, "auth/invalid-credentials");
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let body = json!({ "email": "mina@harbor.test", "token": app.mailed_token("mina@harbor.test"), "newPassword": "ebb-and-flow" });
    app.guest().post("/v1/auth/password/reset/confirm", body).await.assert(200);
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn anonymous_users_become_real_ones_with_id_and_session() {
    let app = TestApp::start().await;
    app.guest().post("/v1/auth/anonymous", json!({})).await.assert_error(400, "auth/anonymous-disabled");
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let answer = app.guest().request(Method::POST, "/v1/auth/anonymous").send().await.unwrap();
    let ghost = crate::support::Answer::of(answer).await.assert(201);
    assert_eq!((&ghost["user"]["role"], &ghost["user"]["isAnonymous"], &ghost["user"]["email"]), (&json!("guest"), &json!(true), &json!(null)));
    let ghost = Tokens::of(&ghost);
    app.wait(3601);
    let body = json!({ "email": "mina@harbor.test", "password": "tide42", "name": "Mina" });
    app.with(&ghost.access).post("/v1/auth/email/signup", body.clone()).await.assert_error(401, "auth/token-expired");
    let fresh = Tokens::of(&app.refresh(&ghost.refresh).await.assert(200));
    let mina = app.with(&fresh.access).post("/v1/auth/email/signup", body).await.assert(201);
    assert_eq!((mina["user"]["id"].as_str(), &mina["user"]["role"]), (Some(ghost.id.as_str()), &json!("user")));
    assert_eq!(mina["user"]["isAnonymous"], false);
    app.sign_in("mina", "tide42").await.assert(200);
    let idle = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({ "name": "Idle" })).await.assert(201));
    app.wait(31 * 86_400);
    let swept = bkend_local::domain::auth::sweep::sweep(&app.environment).await.unwrap();
    assert_eq!(swept.users, 1);
    app.with(&idle.access).get("/v1/auth/me").await.assert_error(401, "auth/token-expired");
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn impersonation_is_short_known_and_for_secret_keys() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let body = json!({ "email": "mina@harbor.test", "expiresIn": 60 });
    app.guest().post("/v1/auth/impersonate", body.clone()).await.assert_error(403, "auth/forbidden");
    app.with(&mina.access).post("/v1/auth/impersonate", body.clone()).await.assert_error(403, "auth/forbidden");
    let pair = app.secret().post("/v1/auth/impersonate", body).await.assert(200);
    assert!(pair.get("refreshToken").is_none() && pair["expiresIn"] == 60);
    let token = pair["accessToken"].as_str().unwrap();
    assert_eq!(claims(token).1["act"], json!({ "sub": "admin" }));
    let sessions = app.with(token).get("/v1/auth/sessions").await.assert(200);
    assert!(sessions["items"].as_array().unwrap().iter().any(|s| s["impersonated"] == true && s["current"] == true));
    app.secret().post("/v1/auth/impersonate", json!({ "userId": "nobody" })).await.assert_error(404, "user/not-found");
    app.secret().post("/v1/auth/impersonate", json!({ "userId": mina.id, "expiresIn": 59 })).await.assert_error(400, "common/invalid-parameters");
    users::set_banned(&app.environment, &mina.id, true, None).await.unwrap();
    app.secret().post("/v1/auth/impersonate", json!({ "userId": mina.id })).await.assert_error(403, "auth/account-banned");
}

#[actix_web::test]
async fn events_tell_what_happened_to_whom_it_happened_and_to_admins() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    app.sign_in("mina", "wrong").await.assert(401);
    app.sign_in("mina", "tide42").await.assert(200);
    let own = app.with(&mina.access).get("/v1/auth/events").await.assert(200);
    let kinds: Vec<&str> = own["items"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["signin", "signin_failed", "signup"]);
    assert_eq!((&own["items"][1]["success"], &own["items"][1]["code"]), (&json!(false), &json!("auth/invalid-credentials")));
    app.with(&mina.access).get(&format!("/v1/auth/events?userId={}", joon.id)).await.assert_error(403, "auth/forbidden");
    app.guest().get("/v1/auth/events").await.assert_error(401, "common/authentication-required");
    assert_eq!(app.secret().get("/v1/auth/events").await.assert(200)["pagination"]["total"], 4);
    assert_eq!(app.secret().get(&format!("/v1/auth/events?userId={}&type=signup", joon.id)).await.assert(200)["pagination"]["total"], 1);
    app.secret().get("/v1/auth/events?from=yesterday").await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn another_algorithm_is_a_rotation_and_publishes_its_key() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = format!("/.well-known/jwks.json?project={}&environment=dev", app.project_id());
    let none = app.client().get(&path).await;
    assert_eq!(none.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(none.assert(200), json!({ "keys": [] }));
    app.client().get("/.well-known/jwks.json?project=x&environment=dev").await.assert_error(404, "common/not-found");
    app.auth(|c| c.tokens.algorithm = Algorithm::ES256).await;
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    app.wait(11);
    let next = Tokens::of(&app.refresh(&mina.refresh).await.assert(200));
    assert_eq!(app.refresh(&mina.refresh).await.assert(200)["refreshToken"], next.refresh.as_str());
    let (header, _) = claims(&next.access);
    assert_eq!(header["alg"], "ES256");
    let keys = app.client().get(&path).await.assert(200);
    let key = &keys["keys"][0];
    assert_eq!((&key["kid"], &key["kty"], &key["crv"], &key["alg"]), (&header["kid"], &json!("EC"), &json!("P-256"), &json!("ES256")));
    let decoding = jsonwebtoken::DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[format!("{}:dev", app.project_id())]);
    jsonwebtoken::decode::<Value>(&next.access, &decoding, &validation).unwrap();
    let environment = std::sync::Arc::clone(&app.environment);
    let rotate = move |tx: &mut bkend_local::store::Tx<'_>| environment.rotate_signing_key(tx, Algorithm::ES256, true);
    app.environment.data().write::<_, bkend_local::domain::error::Error, _>(rotate).await.unwrap();
    app.with(&next.access).get("/v1/auth/me").await.assert_error(401, "auth/invalid-token");
    app.refresh(&next.refresh).await.assert_error(401, "auth/invalid-refresh-token");
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn sessions_keys_and_secrets_survive_a_restart() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.auth(|c| c.oauth.google.client_secret = Some(bkend_local::domain::auth::Secret::new("hush-hush-hush"))).await;
    let app = app.restart().await;
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    assert_eq!(app.environment.auth_config().oauth.google.client_secret.as_ref().unwrap().reveal(), "hush-hush-hush");
}

#[actix_web::test]
async fn hostile_input_is_refused_with_a_clear_error() {
    let app = TestApp::start().await;
    let guest = app.guest();
    let long = "x".repeat(5_000);
    for body in [
        json!({ "email": 7, "password": "tide42", "name": "A" }),
        json!({ "password": "tide42", "name": "A" }),
        json!({ "email": "a@harbor.test", "name": "A", "method": "password" }),
        json!({ "email": "a@harbor.test", "password": "tide42" }),
        json!({ "email": "a@harbor.test", "password": "tide42", "name": "A", "method": "carrier pigeon" }),
        json!([]),
    ] {
        guest.post("/v1/auth/email/signup", body).await.assert_error(400, "common/invalid-parameters");
    }
    for (body, code) in [
        (json!({ "email": long, "password": "tide42", "name": "A" }), "auth/invalid-email"),
        (json!({ "email": "a@harbor.test", "password": long, "name": "A" }), "auth/invalid-password-format"),
        (json!({ "email": "a@harbor.test", "password": "tide42", "name": "a\nb" }), "user/invalid-name"),
        (json!({ "email": "a@harbor.test", "password": "tide42", "name": "A", "nickname": long }), "user/invalid-nickname"),
        (json!({ "email": "a@harbor.test\r\nBcc: x@y.z", "password": "tide42", "name": "A" }), "auth/invalid-email"),
    ] {
        guest.post("/v1/auth/email/signup", body).await.assert_error(400, code);
    }
    guest.send_text(Method::POST, "/v1/auth/email/signin", "{").await.assert_error(400, "common/invalid-json");
    guest.post("/v1/auth/email/signin", json!({ "email": "a@harbor.test", "password": long })).await.assert_error(400, "common/invalid-parameters");
    guest.post("/v1/auth/email/callback", json!({ "token": "' OR 1=1 --" })).await.assert_error(401, "auth/invalid-token");
    guest.post("/v1/auth/email/signup", json!({ "email": "a@harbor.test", "password": "tide42", "displayName": "A", "termsAccepted": true })).await.assert(201);
    app.auth(|c| c.email.password_policy.check_common_passwords = true).await;
    guest.post("/v1/auth/email/signup", json!({ "email": "b@harbor.test", "password": "LetMeIn", "name": "B" })).await.assert_error(400, "auth/weak-password");
}

#[actix_web::test]
async fn a_body_nested_too_deep_has_a_code_of_its_own_under_v1_data_only() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "posts", "schema": {} })).await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for (method, path) in [
        (Method::POST, "/v1/auth/email/signin"),
        (Method::POST, "/v1/auth/password/reset/request"),
        (Method::POST, "/v1/users"),
        (Method::POST, "/v1/users/import"),
        (Method::PUT, "/v1/auth/providers/email"),
    ] {
        let answer = app.secret().send_text(method, path, deep.clone()).await;
        assert_eq!(answer.details(), ["body/depth"], "{path}");
        answer.assert_error(400, "common/invalid-parameters");
    }
    for path in ["/v1/data/posts", "/v1/posts"] {
        app.secret().send_text(Method::POST, path, deep.clone()).await.assert_error(400, "data/validation-error");
    }
}

#[actix_web::test]
async fn no_secret_is_left_in_events_request_log_or_database() {
    let app = TestApp::start().await;
    app.auth(|c| c.email.email_code_enabled = true).await;
    let mina = app.sign_up("mina", "a-password-to-find").await;
    app.sign_in("mina", "a-wrong-one-to-find").await.assert(401);
    app.guest().post("/v1/auth/email/signin", json!({ "email": "mina@harbor.test", "callbackUrl": "http://localhost/" })).await.assert(200);
    let token = app.mailed_token("mina@harbor.test");
    app.guest().post("/v1/auth/email/callback", json!({ "token": token })).await.assert(200);
    app.guest().post("/v1/auth/signup/email/resend", json!({ "email": "mina@harbor.test" })).await.assert_error(400, "auth/already-verified");
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let reset = app.mailed_token("mina@harbor.test");
    app.client().get(&format!("/v1/auth/signup/email/confirm?token={reset}&email=mina%40harbor.test")).await.assert(401);
    app.refresh(&mina.refresh).await.assert(200);
    let secrets =
        [mina.access.clone(), mina.refresh.clone(), token, reset, "a-password-to-find".to_owned(), "a-wrong-one-to-find".to_owned(), "$argon2id$".to_owned()];
    let requests = app.operator().get(&format!("{}/requests?limit=100", app.environment_path())).await.assert(200);
    assert!(requests["pagination"]["total"].as_u64().unwrap() >= 7, "{requests}");
    let mut texts = vec![requests.to_string(), app.secret().get("/v1/auth/events?limit=100").await.assert(200).to_string()];
    for request in requests["items"].as_array().unwrap() {
        let path = format!("{}/requests/{}", app.environment_path(), request["id"].as_str().unwrap());
        texts.push(app.operator().get(&path).await.assert(200).to_string());
    }
    for table in ["users", "sessions", "accounts"] {
        texts.push(app.secret().get(&format!("/v1/data/{table}")).await.assert(200).to_string());
    }
    for secret in &secrets {
        assert!(!texts.iter().any(|text| text.contains(secret.as_str())), "{secret} shows");
    }
}
