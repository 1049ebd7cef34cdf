//! The second factor of `03-auth.md` §7: setup, every way of signing in with it, backup codes, throttling, races and secrets.

use bkend_local::domain::users;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::authenticator::Authenticator;
use crate::support::{Answer, TestApp};

async fn sign_in_with(app: &TestApp, name: &str, code: &str) -> Answer {
    app.guest().post("/v1/auth/email/signin", json!({ "email": format!("{name}@harbor.test"), "password": "tide42", "mfaCode": code })).await
}

async fn verify(app: &TestApp, token: &str, code: &str) -> Answer {
    app.guest().post("/v1/auth/mfa/verify", json!({ "mfaToken": token, "code": code })).await
}

/// Signs in by password up to the second factor.
async fn mfa_token(app: &TestApp, name: &str) -> String {
    let refused = app.sign_in(name, "tide42").await.assert_error(403, "auth/mfa-required");
    refused["error"]["mfaToken"].as_str().unwrap().to_owned()
}

/// The token of a link in a mail that was just asked for.
async fn magic_link(app: &TestApp, name: &str) -> String {
    let email = format!("{name}@harbor.test");
    app.guest().post("/v1/auth/email/signin", json!({ "method": "magiclink", "email": email, "callbackUrl": "http://localhost/in" })).await.assert(200);
    app.mailed_token(&email)
}

/// Values of PyPI's pyotp 2.12.1: another implementation of RFC 6238.
#[test]
fn codes_are_those_of_another_implementation() {
    for (secret, codes) in [
        ("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", [(0, "702218"), (30, "503347"), (1_764_108_029, "249433"), (4_102_444_800, "834481")]),
        ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", [(29, "755224"), (59, "287082"), (1_764_108_000, "722919"), (1_790_000_000, "144003")]),
        ("MFZWIZLTMFSHGYLTMRQXGZDTMFSGCZLT", [(0, "366939"), (30, "793860"), (1_764_108_029, "502052"), (4_102_444_800, "808194")]),
    ] {
        let authenticator = Authenticator::new(secret, Vec::new());
        for (seconds, code) in codes {
            assert_eq!(authenticator.at(seconds), code, "{secret} {seconds}");
        }
    }
}

#[actix_web::test]
async fn example_22_a_setup_shows_secret_address_picture_and_ten_codes_and_confirm_repeats_them() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let answer = client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let setup = answer.assert(200);
    let members: Vec<&str> = setup.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["secret", "qrCodeUrl", "backupCodes", "qrCode", "otpauth"]);
    let secret = setup["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32, "20 bytes in base32");
    assert_eq!(setup["qrCodeUrl"], format!("otpauth://totp/my-blog:mina%40harbor.test?secret={secret}&issuer=my-blog"));
    assert_eq!(setup["otpauth"], setup["qrCodeUrl"]);
    assert!(setup["qrCode"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    let codes = setup["backupCodes"].as_array().unwrap();
    assert!(codes.len() == 10 && codes.iter().all(|code| code.as_str().is_some_and(|c| c.len() == 8)));
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["mfaEnabled"], false);
    app.sign_in("mina", "tide42").await.assert(200);
    let code = Authenticator::new(secret, Vec::new()).code(&app, 0);
    let answer = client.post("/v1/auth/mfa/confirm", json!({ "code": code })).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.assert(200), json!({ "backupCodes": codes }));
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["mfaEnabled"], true);
}

#[actix_web::test]
async fn example_23_password_sign_in_asks_for_a_code_and_takes_each_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let setup = client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert(200);
    let codes: Vec<&str> = setup["backupCodes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let authenticator = Authenticator::new(setup["secret"].as_str().unwrap(), Vec::new());
    let code = authenticator.code(&app, 0);
    client.post("/v1/auth/mfa/confirm", json!({ "code": code })).await.assert(200);
    let asked = app.sign_in("mina", "tide42").await;
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    let token = asked.assert_error(403, "auth/mfa-required")["error"]["mfaToken"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 64);
    sign_in_with(&app, "mina", &code).await.assert_error(401, "auth/invalid-mfa-code");
    let dashed = format!("{}-{} ", codes[0][..4].to_uppercase(), &codes[0][4..]);
    let pair = sign_in_with(&app, "mina", &dashed).await.assert(200);
    assert!(pair["user"]["mfaEnabled"] == true && pair.get("is_new_user").is_none());
    sign_in_with(&app, "mina", &dashed).await.assert_error(401, "auth/invalid-mfa-code");
    app.wait(30);
    let spaced = authenticator.code(&app, 0);
    let spaced = format!("{} {}", &spaced[..3], &spaced[3..]);
    sign_in_with(&app, "mina", &spaced).await.assert(200);
    sign_in_with(&app, "mina", &spaced).await.assert_error(401, "auth/invalid-mfa-code");
    // A blank field of a form is no code.
    sign_in_with(&app, "mina", " ").await.assert_error(403, "auth/mfa-required");
}

#[actix_web::test]
async fn a_step_before_and_after_now_is_taken_and_none_before_the_last_one() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    app.wait(300);
    for far in [-3, 3] {
        sign_in_with(&app, "mina", &authenticator.code(&app, far)).await.assert_error(401, "auth/invalid-mfa-code");
    }
    sign_in_with(&app, "mina", &authenticator.code(&app, -1)).await.assert(200);
    app.wait(300);
    sign_in_with(&app, "mina", &authenticator.code(&app, 1)).await.assert(200);
    // Still within the tolerance, but before the step that was taken.
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert_error(401, "auth/invalid-mfa-code");
}

#[actix_web::test]
async fn mfa_verify_finishes_a_sign_in_once_within_five_minutes() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    verify(&app, &token, &authenticator.wrong(&app, 1)).await.assert_error(401, "auth/invalid-mfa-code");
    let answer = verify(&app, &token, &authenticator.code(&app, 0)).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = answer.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["user"]["id"]), (&json!(false), &json!(mina.id)));
    app.with(pair["accessToken"].as_str().unwrap()).get("/v1/auth/me").await.assert(200);
    app.wait(30);
    verify(&app, &token, &authenticator.code(&app, 0)).await.assert_error(401, "auth/invalid-token");
    let token = mfa_token(&app, "mina").await;
    app.wait(301);
    verify(&app, &token, &authenticator.code(&app, 0)).await.assert_error(401, "auth/token-expired");
    let (first, second) = (mfa_token(&app, "mina").await, mfa_token(&app, "mina").await);
    verify(&app, &first, &authenticator.code(&app, 0)).await.assert_error(401, "auth/invalid-token");
    verify(&app, &second, &authenticator.backup_codes[3]).await.assert(200);
    for bad in ["", "x", &"0".repeat(64), &"a".repeat(5000)] {
        verify(&app, bad, "418203").await.assert_error(401, "auth/invalid-token");
    }
    for body in [
        json!({}),
        json!({ "mfaToken": "a" }),
        json!({ "code": "418203" }),
        json!({ "mfaToken": 1, "code": "418203" }),
        json!({ "mfaToken": "a", "code": 418203 }),
    ] {
        app.guest().post("/v1/auth/mfa/verify", body).await.assert_error(400, "common/invalid-parameters");
    }
    app.client().post("/v1/auth/mfa/verify", json!({ "mfaToken": "a", "code": "b" })).await.assert_error(401, "auth/unauthorized");
    verify(&app, &second, &"1".repeat(65)).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn an_mfa_token_bears_five_wrong_codes_of_which_the_same_again_counts_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    for _ in 0..7 {
        verify(&app, &token, &authenticator.wrong(&app, 0)).await.assert_error(401, "auth/invalid-mfa-code");
    }
    for n in 1..5 {
        verify(&app, &token, &authenticator.wrong(&app, n)).await.assert_error(401, "auth/invalid-mfa-code");
    }
    // The account is locked now, whichever way, even for the right code.
    let refused = verify(&app, &token, &authenticator.code(&app, 0)).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    refused.assert_error(401, "auth/invalid-token");
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert_error(429, "auth/too-many-login-attempts");
    app.wait(901);
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert(200);
}

#[actix_web::test]
async fn right_passwords_in_between_do_not_make_room_for_more_guesses_of_a_code() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    for n in 0..5 {
        app.sign_in("mina", "tide42").await.assert_error(403, "auth/mfa-required");
        sign_in_with(&app, "mina", &authenticator.wrong(&app, n)).await.assert_error(401, "auth/invalid-mfa-code");
    }
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert_error(429, "auth/too-many-login-attempts");
    app.sign_in("mina", "tide42").await.assert_error(429, "auth/too-many-login-attempts");
}

#[actix_web::test]
async fn twenty_parallel_guesses_of_a_code_get_at_most_five_verdicts() {
    for by_token in [false, true] {
        let app = TestApp::start().await;
        let mina = app.sign_up("mina", "tide42").await;
        let authenticator = app.turn_mfa_on(&mina, "tide42").await;
        let token = mfa_token(&app, "mina").await;
        let guess = |n: u32| {
            let (app, token, code) = (&app, &token, authenticator.wrong(&app, n));
            async move { if by_token { verify(app, token, &code).await } else { sign_in_with(app, "mina", &code).await } }
        };
        let answers = join_all((0..20).map(guess)).await;
        let verdicts = answers.iter().filter(|a| a.body["error"]["code"] == "auth/invalid-mfa-code").count();
        assert_eq!(verdicts, 5, "by token: {by_token}");
        assert!(answers.iter().all(|a| a.status == 401 || a.status == 429));
    }
}

#[actix_web::test]
async fn one_code_sent_twice_at_once_signs_in_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    for code in [authenticator.code(&app, 0), authenticator.backup_codes[0].clone()] {
        let mut statuses: Vec<u16> = join_all((0..4).map(|_| sign_in_with(&app, "mina", &code))).await.iter().map(|a| a.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401], "{code}");
    }
    let token = mfa_token(&app, "mina").await;
    let codes = [&authenticator.backup_codes[1], &authenticator.backup_codes[2]];
    let mut statuses: Vec<u16> = join_all(codes.map(|code| verify(&app, &token, code))).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "one success per token");
}

#[actix_web::test]
async fn a_link_without_a_code_is_spent_and_the_token_carries_on() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let link = magic_link(&app, "mina").await;
    let asked = app.guest().post("/v1/auth/email/callback", json!({ "token": link })).await.assert_error(403, "auth/mfa-required");
    let token = asked["error"]["mfaToken"].as_str().unwrap();
    let spent = json!({ "token": link, "mfaCode": authenticator.code(&app, 0) });
    app.guest().post("/v1/auth/email/callback", spent).await.assert_error(401, "auth/invalid-token");
    let pair = verify(&app, token, &authenticator.code(&app, 0)).await.assert(200);
    assert!(pair["user"]["emailVerified"].is_string() && pair["is_new_user"] == false);
}

#[actix_web::test]
async fn a_link_or_mailed_code_comes_with_a_code_of_the_app() {
    let app = TestApp::start().await;
    app.auth(|c| c.email.email_code_enabled = true).await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let link = magic_link(&app, "mina").await;
    let callback = |body: Value| {
        let client = app.guest();
        async move { client.post("/v1/auth/email/callback", body).await }
    };
    // A wrong code spends a guess, not the link.
    callback(json!({ "token": link, "mfaCode": authenticator.wrong(&app, 0) })).await.assert_error(401, "auth/invalid-mfa-code");
    let pair = callback(json!({ "token": link, "mfaCode": authenticator.code(&app, 0) })).await.assert(200);
    assert_eq!(pair["is_new_user"], false);
    callback(json!({ "token": link, "mfaCode": authenticator.backup_codes[0] })).await.assert_error(401, "auth/invalid-token");
    app.guest().post("/v1/auth/email/signin", json!({ "method": "otp", "email": "mina@harbor.test" })).await.assert(200);
    let code = app.mail("mina@harbor.test").code.unwrap();
    let pair = callback(json!({ "email": "mina@harbor.test", "code": code, "mfaCode": authenticator.backup_codes[0] })).await.assert(200);
    assert_eq!(pair["is_new_user"], false);
    let link = magic_link(&app, "mina").await;
    for n in 0..5 {
        callback(json!({ "token": link, "mfaCode": authenticator.wrong(&app, n) })).await.assert_error(401, "auth/invalid-mfa-code");
    }
    callback(json!({ "token": link, "mfaCode": authenticator.backup_codes[1] })).await.assert_error(429, "auth/too-many-login-attempts");
    // Whoever has no second factor is asked for none.
    let link = magic_link(&app, "joon").await;
    assert_eq!(callback(json!({ "token": link, "mfaCode": "418203" })).await.assert(200)["is_new_user"], true);
}

#[actix_web::test]
async fn backup_codes_work_once_each_and_say_when_they_are_exhausted() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    for code in &authenticator.backup_codes {
        sign_in_with(&app, "mina", code).await.assert(200);
    }
    sign_in_with(&app, "mina", &authenticator.backup_codes[0]).await.assert_error(400, "auth/mfa-backup-codes-exhausted");
    sign_in_with(&app, "mina", "123456789").await.assert_error(401, "auth/invalid-mfa-code");
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert(200);
}

#[actix_web::test]
async fn backup_codes_are_live_from_confirm_and_of_the_newest_setup() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let enable = || async { client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert(200) };
    let (first, second) = (enable().await, enable().await);
    assert_ne!(first["secret"], second["secret"]);
    let code = |setup: &Value| Authenticator::new(setup["secret"].as_str().unwrap(), Vec::new()).code(&app, 0);
    let confirm = |code: String| {
        let client = client.clone();
        async move { client.post("/v1/auth/mfa/confirm", json!({ "code": code })).await }
    };
    confirm(code(&first)).await.assert_error(401, "auth/invalid-mfa-code");
    confirm(second["backupCodes"][0].as_str().unwrap().to_owned()).await.assert_error(401, "auth/invalid-mfa-code");
    assert_eq!(confirm(code(&second)).await.assert(200)["backupCodes"], second["backupCodes"]);
    sign_in_with(&app, "mina", first["backupCodes"][0].as_str().unwrap()).await.assert_error(401, "auth/invalid-mfa-code");
    sign_in_with(&app, "mina", second["backupCodes"][0].as_str().unwrap()).await.assert(200);
}

#[actix_web::test]
async fn a_setup_waits_ten_minutes_and_is_confirmed_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    client.post("/v1/auth/mfa/confirm", json!({ "code": "418203" })).await.assert_error(400, "auth/mfa-setup-expired");
    let enable = || async {
        let setup = client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert(200);
        Authenticator::new(setup["secret"].as_str().unwrap(), Vec::new())
    };
    let authenticator = enable().await;
    app.wait(601);
    client.post("/v1/auth/mfa/confirm", json!({ "code": authenticator.code(&app, 0) })).await.assert_error(400, "auth/mfa-setup-expired");
    let authenticator = enable().await;
    app.wait(590);
    let code = authenticator.code(&app, 0);
    let answers = join_all((0..3).map(|_| client.post("/v1/auth/mfa/confirm", json!({ "code": code })))).await;
    let mut codes: Vec<&str> = answers.iter().map(|a| a.body["error"]["code"].as_str().unwrap_or("confirmed")).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["auth/mfa-already-enabled", "auth/mfa-already-enabled", "confirmed"]);
    client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert_error(400, "auth/mfa-already-enabled");
    client.post("/v1/auth/mfa/confirm", json!({ "code": code })).await.assert_error(400, "auth/mfa-already-enabled");
}

#[actix_web::test]
async fn enabling_wants_the_password_of_a_user_who_has_one() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    client.post("/v1/auth/mfa/enable", json!({})).await.assert_error(400, "common/invalid-parameters");
    client.post("/v1/auth/mfa/enable", json!({ "password": "wrong" })).await.assert_error(401, "auth/invalid-credentials");
    app.guest().post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert_error(401, "common/authentication-required");
    app.secret().post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert_error(401, "common/authentication-required");
    for n in 0..4 {
        client.post("/v1/auth/mfa/enable", json!({ "password": format!("wrong{n}") })).await.assert_error(401, "auth/invalid-credentials");
    }
    client.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert_error(429, "auth/too-many-login-attempts");
    let joon = app.user("joon", "user").await;
    joon.post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert_error(404, "auth/account-not-found");
}

#[actix_web::test]
async fn disabling_wants_the_password_and_checks_a_code_that_comes() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let disable = |body: Value| {
        let client = client.clone();
        async move { client.post("/v1/auth/mfa/disable", body).await }
    };
    disable(json!({ "password": "tide42" })).await.assert_error(400, "auth/mfa-not-enabled");
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    disable(json!({})).await.assert_error(400, "common/invalid-parameters");
    disable(json!({ "password": "wrong" })).await.assert_error(401, "auth/invalid-credentials");
    disable(json!({ "password": "wrong", "code": authenticator.code(&app, 0) })).await.assert_error(401, "auth/invalid-credentials");
    disable(json!({ "password": "tide42", "code": authenticator.wrong(&app, 0) })).await.assert_error(401, "auth/invalid-mfa-code");
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["mfaEnabled"], true);
    assert_eq!(disable(json!({ "password": "tide42", "code": authenticator.code(&app, 0) })).await.assert(200), json!({}));
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["mfaEnabled"], false);
    verify(&app, &token, &authenticator.backup_codes[0]).await.assert_error(401, "auth/invalid-token");
    app.sign_in("mina", "tide42").await.assert(200);
    // New codes with the next setup; the old ones are gone.
    let next = app.turn_mfa_on(&mina, "tide42").await;
    sign_in_with(&app, "mina", &authenticator.backup_codes[0]).await.assert_error(401, "auth/invalid-mfa-code");
    sign_in_with(&app, "mina", &next.backup_codes[0]).await.assert(200);
    disable(json!({ "password": "tide42" })).await.assert(200);
}

#[actix_web::test]
async fn without_a_password_disabling_wants_a_code() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let id = mina.id.clone();
    app.environment.data().write::<_, bkend_local::store::StoreError, _>(move |tx| tx.remove_password(&id)).await.unwrap();
    let client = app.with(&mina.access);
    client.post("/v1/auth/mfa/disable", json!({})).await.assert_error(400, "common/invalid-parameters");
    client.post("/v1/auth/mfa/disable", json!({ "password": "tide42" })).await.assert_error(400, "common/invalid-parameters");
    client.post("/v1/auth/mfa/disable", json!({ "code": authenticator.wrong(&app, 0) })).await.assert_error(401, "auth/invalid-mfa-code");
    client.post("/v1/auth/mfa/disable", json!({ "code": authenticator.backup_codes[0] })).await.assert(200);
    client.post("/v1/auth/mfa/disable", json!({})).await.assert_error(400, "auth/mfa-not-enabled");
}

#[actix_web::test]
async fn a_new_password_leaves_the_second_factor_on_and_ends_what_waits_for_it() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let body = json!({ "email": "mina@harbor.test", "token": app.mailed_token("mina@harbor.test"), "newPassword": "ebb-and-flow" });
    app.guest().post("/v1/auth/password/reset/confirm", body).await.assert(200);
    verify(&app, &token, &authenticator.backup_codes[0]).await.assert_error(401, "auth/invalid-token");
    app.sign_in("mina", "ebb-and-flow").await.assert_error(403, "auth/mfa-required");
    let body = json!({ "email": "mina@harbor.test", "password": "ebb-and-flow", "mfaCode": authenticator.code(&app, 0) });
    app.guest().post("/v1/auth/email/signin", body).await.assert(200);
}

#[actix_web::test]
async fn bans_and_wrong_passwords_come_before_the_second_factor_and_impersonation_goes_without() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    app.sign_in("mina", "wrong").await.assert_error(401, "auth/invalid-credentials");
    app.secret().post("/v1/auth/impersonate", json!({ "userId": mina.id })).await.assert(200);
    let token = mfa_token(&app, "mina").await;
    users::set_banned(&app.environment, &mina.id, true, None).await.unwrap();
    sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert_error(403, "auth/account-banned");
    let banned = verify(&app, &token, &authenticator.code(&app, 0)).await;
    assert!(matches!(banned.body["error"]["code"].as_str(), Some("auth/account-banned" | "auth/invalid-token")), "{}", banned.text);
}

#[actix_web::test]
async fn leaving_forgets_the_second_factor() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    app.with(&mina.access).delete("/v1/auth/withdraw").await.assert(200);
    verify(&app, &token, "418203").await.assert_error(401, "auth/invalid-token");
    app.sign_up("mina", "tide42").await;
    app.sign_in("mina", "tide42").await.assert(200);
}

#[actix_web::test]
async fn the_name_in_the_app_is_the_configured_issuer() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.mfa_issuer = Some("Harbor: 항구 & Co".into())).await;
    let mina = app.sign_up("mina", "tide42").await;
    let setup = app.with(&mina.access).post("/v1/auth/mfa/enable", json!({ "password": "tide42" })).await.assert(200);
    let address = url::Url::parse(setup["qrCodeUrl"].as_str().unwrap()).unwrap();
    assert_eq!((address.scheme(), address.host_str()), ("otpauth", Some("totp")));
    assert_eq!(address.query_pairs().find(|(name, _)| name == "issuer").unwrap().1, "Harbor: 항구 & Co");
    assert_eq!(address.path(), "/Harbor%3A%20%ED%95%AD%EA%B5%AC%20%26%20Co:mina%40harbor.test");
}

#[actix_web::test]
async fn developers_reset_the_second_factor_of_who_lost_it() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.turn_mfa_on(&mina, "tide42").await;
    let path = |id: &str| format!("{}/users/{id}/mfa/reset", app.environment_path());
    app.client().post(&path(&mina.id), json!({})).await.assert_error(401, "common/authentication-required");
    let operator = app.operator();
    operator.post(&path("nobody"), json!({})).await.assert_error(404, "user/not-found");
    assert_eq!(operator.post(&path(&mina.id), json!({})).await.status, 204);
    operator.post(&path(&mina.id), json!({})).await.assert_error(400, "auth/mfa-not-enabled");
    app.sign_in("mina", "tide42").await.assert(200);
    let events = app.secret().get("/v1/auth/events?type=mfa_disabled").await.assert(200);
    assert_eq!(events["items"][0]["userId"], mina.id.as_str());
}

#[actix_web::test]
async fn the_second_factor_survives_a_restart() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let app = app.restart().await;
    app.wait(90);
    sign_in_with(&app, "mina", &authenticator.backup_codes[0]).await.assert(200);
    let pair = sign_in_with(&app, "mina", &authenticator.code(&app, 0)).await.assert(200);
    assert_eq!(Tokens::of(&pair).id, mina.id);
}

#[actix_web::test]
async fn events_tell_of_the_second_factor_and_no_secret_of_it_shows_anywhere() {
    let app = TestApp::start().await;
    let body = json!({ "requestLogBodies": "all" });
    app.operator().patch(&app.project_path(), json!({ "settings": body })).await.assert(200);
    let mina = app.sign_up("mina", "tide42").await;
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let token = mfa_token(&app, "mina").await;
    let (wrong, right) = (authenticator.wrong(&app, 918_273), authenticator.code(&app, 0));
    verify(&app, &token, &wrong).await.assert(401);
    verify(&app, &token, &right).await.assert(200);
    sign_in_with(&app, "mina", &authenticator.backup_codes[0]).await.assert(200);
    app.with(&mina.access).post("/v1/auth/mfa/disable", json!({ "password": "tide42", "code": authenticator.backup_codes[1] })).await.assert(200);
    let events = app.with(&mina.access).get("/v1/auth/events?limit=100").await.assert(200);
    let kinds: Vec<(&str, &str)> =
        events["items"].as_array().unwrap().iter().rev().map(|e| (e["type"].as_str().unwrap(), e["code"].as_str().unwrap_or("-"))).collect();
    let wanted = [
        ("signup", "-"),
        ("mfa_enabled", "-"),
        ("signin_failed", "auth/mfa-required"),
        ("signin_failed", "auth/invalid-mfa-code"),
        ("signin", "-"),
        ("signin", "-"),
        ("mfa_disabled", "-"),
    ];
    assert_eq!(kinds, wanted);
    let requests = app.operator().get(&format!("{}/requests?limit=100", app.environment_path())).await.assert(200);
    let mut texts = vec![events.to_string(), requests.to_string()];
    for request in requests["items"].as_array().unwrap() {
        let path = format!("{}/requests/{}", app.environment_path(), request["id"].as_str().unwrap());
        texts.push(app.operator().get(&path).await.assert(200).to_string());
    }
    assert!(texts.iter().any(|text| text.contains("\"requestBody\"") && text.contains("mfa/verify")), "bodies are logged");
    texts.push(app.operator().get(&format!("{}/activities?limit=100", app.project_path())).await.assert(200).to_string());
    for table in ["users", "sessions", "accounts"] {
        texts.push(app.secret().get(&format!("/v1/data/{table}")).await.assert(200).to_string());
    }
    for secret in [&token, &authenticator.secret, &authenticator.backup_codes[0], &authenticator.backup_codes[1], &wrong, &right] {
        let shown = texts.iter().find(|text| text.contains(secret.as_str()));
        assert!(shown.is_none(), "{secret} shows in {}", shown.unwrap());
    }
    let database = std::fs::read(app.backend.data_dir().join("env").join(app.environment.id()).join("data.db")).unwrap();
    let wal = std::fs::read(app.backend.data_dir().join("env").join(app.environment.id()).join("data.db-wal")).unwrap_or_default();
    for secret in [&authenticator.secret, &authenticator.backup_codes[2], &token] {
        let found = [&database, &wal].iter().any(|file| file.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!found, "{secret} rests in clear");
    }
}
