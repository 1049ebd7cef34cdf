//! Signing in through Google and GitHub (`03-auth.md` §6): examples 19 to 21, who signs in, and the real providers.

use std::time::Duration;

use bkend_local::domain::auth::Secret;
use bkend_local::domain::auth::config::ProviderMode;
use bkend_local::domain::users;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::providers::{Key, REDIRECT, StandIn, google_claims, location, parameter};
use crate::support::{Answer, TestApp};

async fn post(app: &TestApp, provider: &str, body: Value) -> Answer {
    app.guest().post(&format!("/v1/auth/{provider}/callback"), body).await
}

/// Goes through the simulator's approval with what an authorization URL asks for, and follows the way back.
async fn approve_and_return(app: &TestApp, provider: &str, url: &url::Url, email: &str) -> Answer {
    let body = json!({
        "redirectUri": parameter(url, "redirect_uri"), "state": parameter(url, "state"), "nonce": parameter(url, "nonce"),
        "codeChallenge": parameter(url, "code_challenge"), "identity": { "email": email },
    });
    let approved = app.approve(provider, body).await;
    let back = approved["redirectTo"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
    app.client().get(&back).await
}

#[actix_web::test]
async fn example_19_the_server_drives_a_sign_in_and_hands_tokens_to_the_app() {
    let app = TestApp::start().await;
    for provider in ["google", "github"] {
        let url = app.authorization_url(provider, "http://localhost:5173/cb?x=1", "s1").await;
        assert!(url.as_str().starts_with(&format!("{}/v1/auth/simulator/{provider}/", app.url)), "{url}");
        assert!(parameter(&url, "client_id").unwrap().starts_with("sim_") && parameter(&url, "state").unwrap().len() == 64);
        let answer = approve_and_return(&app, provider, &url, &format!("{provider}@harbor.test")).await;
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), (Some("no-store"), Some("no-referrer")));
        let target = location(&answer);
        assert!(target.as_str().starts_with("http://localhost:5173/cb?x=1&accessToken="), "{target}");
        assert_eq!((parameter(&target, "expiresIn").as_deref(), parameter(&target, "isNewUser").as_deref()), (Some("3600"), Some("true")));
        assert_eq!(parameter(&target, "state").as_deref(), Some("s1"));
        let me = app.with(&parameter(&target, "accessToken").unwrap()).get("/v1/auth/me").await.assert(200);
        assert_eq!(me["email"], format!("{provider}@harbor.test"));
        app.refresh(&parameter(&target, "refreshToken").unwrap()).await.assert(200);
    }
}

#[actix_web::test]
async fn example_20_an_app_finishes_with_a_code_once_or_with_an_id_token() {
    let app = TestApp::start().await;
    let code = app.social_code("google", "mina@harbor.test", true).await;
    let body = json!({ "code": code, "redirectUri": REDIRECT, "state": "app-made" });
    let answer = post(&app, "google", body.clone()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = answer.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["tokenType"], &pair["user"]["email"]), (&json!(true), &json!("Bearer"), &json!("mina@harbor.test")));
    post(&app, "google", body).await.assert_error(401, "auth/invalid-oauth-code");
    let id_token = app.approve("google", json!({ "identity": { "email": "mina@harbor.test" } })).await["idToken"].clone();
    let again = post(&app, "google", json!({ "idToken": id_token })).await.assert(200);
    assert_eq!((&again["is_new_user"], &again["user"]["id"]), (&json!(false), &pair["user"]["id"]));
}

#[actix_web::test]
async fn example_21_an_unverified_address_is_not_taken_over_and_other_providers_do_not_exist() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    app.social("google", "mina@harbor.test", true).await.assert_error(409, "auth/account-exists-different-provider");
    post(&app, "facebook", json!({ "code": "x" })).await.assert_error(400, "auth/unsupported-provider");
    for provider in ["facebook", "email", "simulator", "Google"] {
        app.guest().get(&format!("/v1/auth/{provider}/authorize")).await.assert_error(400, "auth/unsupported-provider");
    }
    app.client().post("/v1/auth/google/callback", json!({})).await.assert_error(401, "auth/unauthorized");
}

#[actix_web::test]
async fn authorize_checks_where_it_leads_and_what_it_carries() {
    let app = TestApp::start().await;
    let ask = async |query: &[(&str, &str)]| app.guest().query("/v1/auth/google/authorize", query).await;
    ask(&[]).await.assert_error(400, "common/invalid-parameters");
    for bad in
        ["https://evil.example/x", "javascript:alert(1)", "http://localhost:5173/#x", "/cb", "http://localhost@evil.example/", "myapp://cb", "data:text/html,x"]
    {
        ask(&[("redirect", bad)]).await.assert_error(400, "auth/invalid-url");
    }
    for alias in ["redirect", "callbackUrl", "redirectUri"] {
        ask(&[(alias, "http://localhost:5173/cb")]).await.assert(200);
    }
    let (most, more) = ("가".repeat(512), "가".repeat(513));
    ask(&[("redirect", "http://localhost:1/"), ("state", &most)]).await.assert(200);
    ask(&[("redirect", "http://localhost:1/"), ("state", &more)]).await.assert_error(400, "common/invalid-parameters");
    ask(&[("redirect", "http://localhost:1/"), ("responseMode", "form_post")]).await.assert_error(400, "common/invalid-parameters");
    app.client().get("/v1/auth/google/authorize?redirect=http%3A%2F%2Flocalhost%2F").await.assert_error(401, "auth/unauthorized");
}

#[actix_web::test]
async fn the_authorization_url_carries_the_configured_redirect_scopes_pkce_and_a_nonce() {
    let (app, stand_in) = TestApp::start_real().await;
    app.auth(|c| c.oauth.google.redirect_uri = Some("https://app.example/return".into())).await;
    let google = app.authorization_url("google", "http://localhost:1/", "s").await;
    assert!(google.as_str().starts_with(&format!("{}/google/auth?", stand_in.url)));
    for (name, value) in [
        ("client_id", "client-1"),
        ("redirect_uri", "https://app.example/return"),
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&google, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!((parameter(&google, "code_challenge").unwrap().len(), parameter(&google, "nonce").unwrap().len()), (43, 43));
    let github = app.authorization_url("github", "http://localhost:1/", "s").await;
    assert_eq!(parameter(&github, "scope").as_deref(), Some("read:user user:email"));
    assert_eq!(parameter(&github, "redirect_uri"), Some(format!("{}/v1/auth/github/callback", app.url)));
    assert!(parameter(&github, "nonce").is_none() && parameter(&github, "state") != parameter(&google, "state"));
}

#[actix_web::test]
async fn response_mode_fragment_keeps_tokens_from_servers() {
    let app = TestApp::start().await;
    let query = [("redirect", "http://localhost:5173/cb?x=1"), ("state", "a b"), ("responseMode", "fragment")];
    let body = app.guest().query("/v1/auth/google/authorize", &query).await.assert(200);
    let url = url::Url::parse(body["authorizationUrl"].as_str().unwrap()).unwrap();
    let target = location(&approve_and_return(&app, "google", &url, "mina@harbor.test").await);
    assert_eq!(target.query(), Some("x=1"));
    let fragment = target.fragment().unwrap();
    assert!(fragment.starts_with("accessToken=") && fragment.contains("&isNewUser=true") && fragment.ends_with("&state=a+b"), "{fragment}");
}

#[actix_web::test]
async fn an_unknown_used_or_expired_state_is_a_page_and_never_a_redirect() {
    let app = TestApp::start().await;
    let page = |answer: &Answer| {
        assert_eq!((answer.status, answer.header("location")), (400, None), "{}", answer.text);
        assert!(answer.header("content-type").unwrap().starts_with("text/html") && answer.text.contains("auth&#x2f;invalid-oauth-state"));
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    };
    let unknown = "0".repeat(64);
    for state in ["", "x", unknown.as_str(), "<script>"] {
        page(&app.client().query("/v1/auth/google/callback", &[("code", "c"), ("state", state)]).await);
    }
    page(&app.client().get("/v1/auth/google/callback").await);

    let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
    let (state, path) = (parameter(&url, "state").unwrap(), "/v1/auth/google/callback");
    // Another provider's, and whoever only looks, leave it as it was.
    page(&app.client().query("/v1/auth/github/callback", &[("code", "c"), ("state", &state)]).await);
    assert_eq!(app.client().send(Method::HEAD, &format!("{path}?state={state}&code=c"), None).await.status, 200);
    location(&app.client().query(path, &[("error", "access_denied"), ("state", &state)]).await);
    page(&app.client().query(path, &[("code", "c"), ("state", &state)]).await);
    page(&app.guest().query(path, &[("code", "c"), ("state", &state)]).await);

    let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
    app.wait(601);
    page(&app.client().query(path, &[("code", "c"), ("state", &parameter(&url, "state").unwrap())]).await);
}

#[actix_web::test]
async fn a_refusal_goes_back_to_the_app_with_its_state() {
    let app = TestApp::start().await;
    let cases = [
        (vec![("error", "access_denied")], "access_denied"),
        (vec![("error", "server_error")], "auth/oauth-callback-failed"),
        (vec![("code", "nonsense")], "auth/invalid-oauth-code"),
        (vec![], "auth/invalid-oauth-code"),
    ];
    for (given, expected) in cases {
        let url = app.authorization_url("google", "http://localhost:5173/cb", "s1").await;
        let state = parameter(&url, "state").unwrap();
        let query: Vec<(&str, &str)> = given.into_iter().chain([("state", state.as_str())]).collect();
        let target = location(&app.client().query("/v1/auth/google/callback", &query).await);
        assert_eq!((parameter(&target, "error").as_deref(), parameter(&target, "state").as_deref()), (Some(expected), Some("s1")));
        assert!(parameter(&target, "errorMessage").is_some_and(|m| !m.is_empty()) && parameter(&target, "accessToken").is_none());
    }
    // So does everything that keeps a user out.
    app.sign_up("mina", "tide42").await;
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s1").await;
    let target = location(&approve_and_return(&app, "google", &url, "mina@harbor.test").await);
    assert_eq!(parameter(&target, "error").as_deref(), Some("auth/account-exists-different-provider"));
}

#[actix_web::test]
async fn a_state_of_ours_is_checked_and_used_up_by_an_app_that_posts_it() {
    let app = TestApp::start().await;
    let started = async || {
        let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
        let (state, redirect) = (parameter(&url, "state").unwrap(), parameter(&url, "redirect_uri").unwrap());
        let body = json!({ "redirectUri": redirect, "state": state, "nonce": parameter(&url, "nonce"), "codeChallenge": parameter(&url, "code_challenge"),
            "identity": { "email": "mina@harbor.test" } });
        let code = app.approve("google", body).await["code"].clone();
        json!({ "code": code, "redirectUri": redirect, "state": state })
    };
    // It supplies verifier and nonce: the app knows neither.
    let body = started().await;
    post(&app, "google", body.clone()).await.assert(200);
    post(&app, "google", body).await.assert_error(401, "auth/invalid-oauth-state");
    let body = started().await;
    post(&app, "github", body.clone()).await.assert_error(401, "auth/invalid-oauth-state");
    app.wait(601);
    post(&app, "google", body).await.assert_error(401, "auth/invalid-oauth-state");
    // One of two at once wins.
    let body = started().await;
    let mut statuses: Vec<u16> = futures_util::future::join_all((0..2).map(|_| post(&app, "google", body.clone()))).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[actix_web::test]
async fn get_with_a_key_answers_what_post_does() {
    let app = TestApp::start().await;
    let code = app.social_code("google", "mina@harbor.test", true).await;
    let query = [("code", code.as_str()), ("redirectUri", REDIRECT), ("state", "app-made")];
    let pair = app.guest().query("/v1/auth/google/callback", &query).await.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["user"]["email"]), (&json!(true), &json!("mina@harbor.test")));
    app.guest().query("/v1/auth/google/callback", &query).await.assert_error(401, "auth/invalid-oauth-code");
    app.guest().get("/v1/auth/google/callback").await.assert_error(400, "common/invalid-parameters");
    let project = app.client().header("X-Project-Id", &app.project_id());
    let code = app.social_code("github", "mina@harbor.test", true).await;
    project.query("/v1/auth/github/callback", &[("code", &code), ("redirectUri", REDIRECT)]).await.assert(200);
}

#[actix_web::test]
async fn a_field_that_is_missing_mistyped_or_too_long_is_named() {
    let app = TestApp::start().await;
    let long = "x".repeat(20_000);
    for (provider, body) in [
        ("google", json!({})),
        ("google", json!({ "accessToken": "t" })),
        ("google", json!({ "code": "c" })),
        ("google", json!({ "code": 7, "redirectUri": REDIRECT })),
        ("google", json!({ "code": long, "redirectUri": REDIRECT })),
        ("google", json!({ "idToken": long })),
        ("google", json!({ "code": "c", "redirectUri": REDIRECT, "nonce": long })),
        ("github", json!({ "idToken": "a.b.c" })),
    ] {
        let answer = post(&app, provider, body).await;
        assert!(!answer.details().is_empty(), "{}", answer.text);
        answer.assert_error(400, "common/invalid-parameters");
    }
    for token in ["", "a.b.c", "not a token"] {
        let answer = post(&app, "google", json!({ "idToken": token, "code": "" })).await;
        assert!(matches!(answer.status, 400 | 401), "{}", answer.text);
    }
}

#[actix_web::test]
async fn an_identity_linked_already_is_that_user_and_never_overwrites_name_or_image() {
    let app = TestApp::start().await;
    let identity =
        |name: &str, picture: &str| json!({ "redirectUri": REDIRECT, "identity": { "email": "mina@harbor.test", "name": name, "picture": picture } });
    let sign_in = async |body: Value| {
        let code = app.approve("google", body).await["code"].clone();
        post(&app, "google", json!({ "code": code, "redirectUri": REDIRECT })).await.assert(200)
    };
    let first = sign_in(identity("Mina", "https://pictures.test/1.png")).await;
    assert_eq!((&first["user"]["name"], &first["user"]["image"]), (&json!("Mina"), &json!("https://pictures.test/1.png")));
    assert!(first["user"]["emailVerified"].is_string() && first["user"]["role"] == "user" && first["user"]["lastLoginAt"].is_string());
    let second = sign_in(identity("Somebody Else", "https://pictures.test/2.png")).await;
    assert_eq!((&second["is_new_user"], &second["user"]["id"]), (&json!(false), &first["user"]["id"]));
    assert_eq!((&second["user"]["name"], &second["user"]["image"]), (&json!("Mina"), &json!("https://pictures.test/1.png")));
    // A user without a name gets the local part of the address; an unverified address stays so.
    let nameless = app.social("github", "joon@harbor.test", false).await.assert(200);
    assert_eq!((&nameless["user"]["name"], &nameless["user"]["emailVerified"], &nameless["user"]["image"]), (&json!("joon"), &Value::Null, &Value::Null));
}

#[actix_web::test]
async fn an_address_verified_on_both_sides_is_linked_and_any_other_is_not() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.social("google", "mina@harbor.test", true).await.assert_error(409, "auth/account-exists-different-provider");
    let verify = json!({ "email": "mina@harbor.test" });
    app.guest().post("/v1/auth/email/verify/send", verify).await.assert(200);
    let token = app.mailed_token("mina@harbor.test");
    app.guest().post("/v1/auth/email/verify/confirm", json!({ "email": "mina@harbor.test", "token": token })).await.assert(200);
    app.social("google", "mina@harbor.test", false).await.assert_error(409, "auth/account-exists-different-provider");
    app.auth(|c| c.oauth.google.auto_link_verified_email = false).await;
    app.social("google", "mina@harbor.test", true).await.assert_error(409, "auth/account-exists-different-provider");
    app.auth(|c| c.oauth.google.auto_link_verified_email = true).await;
    let pair = app.social("google", "mina@harbor.test", true).await.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["user"]["id"]), (&json!(false), &json!(mina.id)));
    let providers: Vec<&str> = pair["user"]["accounts"].as_array().unwrap().iter().map(|a| a["provider"].as_str().unwrap()).collect();
    assert_eq!(providers, ["email", "google"]);
    // Linked for good: an unverified identity of the same account signs in now.
    app.social("google", "mina@harbor.test", false).await.assert(200);
    app.sign_in("mina", "tide42").await.assert(200);
    let events = app.secret().get("/v1/auth/events?type=account_linked").await.assert(200);
    assert_eq!(events["pagination"]["total"], 1);
}

#[actix_web::test]
async fn a_banned_user_gains_nothing_not_even_a_link() {
    let app = TestApp::start().await;
    let mina = Tokens::of(&app.social("google", "mina@harbor.test", true).await.assert(200));
    users::set_banned(&app.environment, &mina.id, true, None).await.unwrap();
    app.social("google", "mina@harbor.test", true).await.assert_error(403, "auth/account-banned");
    app.social("github", "mina@harbor.test", true).await.assert_error(403, "auth/account-banned");
    users::set_banned(&app.environment, &mina.id, false, None).await.unwrap();
    let pair = app.social("google", "mina@harbor.test", true).await.assert(200);
    assert_eq!(pair["user"]["accounts"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_new_user_needs_open_sign_up_and_where_required_a_verified_address() {
    let app = TestApp::start().await;
    app.social("google", "mina@harbor.test", true).await.assert(200);
    app.auth(|c| c.email.signup_enabled = false).await;
    app.social("google", "joon@harbor.test", true).await.assert_error(403, "auth/signup-disabled");
    app.social("google", "mina@harbor.test", true).await.assert(200);
    app.auth(|c| (c.email.signup_enabled, c.email.require_email_verification) = (true, true)).await;
    app.social("google", "nari@harbor.test", true).await.assert(200);
    app.social("github", "sora@harbor.test", false).await.assert_error(403, "auth/email-not-verified");
    // The mail that confirms the address lets the same identity in.
    let token = app.mailed_token("sora@harbor.test");
    app.client().get(&format!("/v1/auth/signup/email/confirm?token={token}&email=sora%40harbor.test")).await.assert(200);
    assert_eq!(app.social("github", "sora@harbor.test", false).await.assert(200)["is_new_user"], false);
}

#[actix_web::test]
async fn a_deleted_user_comes_back_as_somebody_new() {
    let app = TestApp::start().await;
    let before = Tokens::of(&app.social("google", "mina@harbor.test", true).await.assert(200));
    app.with(&before.access).delete("/v1/auth/withdraw").await.assert(200);
    let after = app.social("google", "mina@harbor.test", true).await.assert(200);
    assert_eq!(after["is_new_user"], true);
    assert_ne!(after["user"]["id"], before.id.as_str());
}

#[actix_web::test]
async fn two_first_callbacks_at_once_create_one_user() {
    let app = TestApp::start().await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(app.social_code("google", "mina@harbor.test", true).await);
    }
    let answers = futures_util::future::join_all(codes.iter().map(|code| post(&app, "google", json!({ "code": code, "redirectUri": REDIRECT })))).await;
    let bodies: Vec<Value> = answers.into_iter().map(|answer| answer.assert(200)).collect();
    assert_eq!(bodies.iter().filter(|body| body["is_new_user"] == true).count(), 1);
    assert!(bodies.iter().all(|body| body["user"]["id"] == bodies[0]["user"]["id"]));
    // Two providers at once with one verified address: the second is linked to the user of the first.
    let (google, github) = (app.social_code("google", "joon@harbor.test", true).await, app.social_code("github", "joon@harbor.test", true).await);
    let (a, b) = tokio::join!(
        post(&app, "google", json!({ "code": google, "redirectUri": REDIRECT })),
        post(&app, "github", json!({ "code": github, "redirectUri": REDIRECT }))
    );
    assert_eq!(a.assert(200)["user"]["id"], b.assert(200)["user"]["id"]);
}

#[actix_web::test]
async fn a_provider_that_is_off_or_without_credentials_is_not_configured() {
    let app = TestApp::start().await;
    let refused = async || {
        let (authorize, code) = ("/v1/auth/google/authorize?redirect=http%3A%2F%2Flocalhost%2F", json!({ "code": "c", "redirectUri": REDIRECT }));
        app.guest().get(authorize).await.assert_error(400, "auth/oauth-not-configured");
        post(&app, "google", code).await.assert_error(400, "auth/oauth-not-configured");
    };
    app.auth(|c| c.oauth.google.enabled = false).await;
    refused().await;
    app.auth(|c| (c.oauth.google.enabled, c.oauth.google.mode) = (true, ProviderMode::Real)).await;
    refused().await;
    app.auth(|c| c.oauth.google.client_id = Some("client-1".into())).await;
    refused().await;
    post(&app, "google", json!({ "idToken": "a.b.c" })).await.assert_error(401, "auth/invalid-oauth-code");
    // The other one does not care.
    app.guest().get("/v1/auth/github/authorize?redirect=http%3A%2F%2Flocalhost%2F").await.assert(200);
}

#[actix_web::test]
async fn a_real_code_of_google_is_exchanged_with_secret_and_verifier() {
    let (app, google) = TestApp::start_real().await;
    let key = Key::new("k1");
    google.answer("/google/certs", 200, json!({ "keys": [key.jwk] }));
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
    let mut claims = google_claims(app.environment.now());
    claims["nonce"] = parameter(&url, "nonce").into();
    google.answer("/google/token", 200, json!({ "access_token": "at", "id_token": key.sign(&claims) }));
    let query = [("code", "4/abc"), ("state", &*parameter(&url, "state").unwrap())];
    let target = location(&app.client().query("/v1/auth/google/callback", &query).await);
    assert_eq!(parameter(&target, "isNewUser").as_deref(), Some("true"), "{target}");
    let me = app.with(&parameter(&target, "accessToken").unwrap()).get("/v1/auth/me").await.assert(200);
    assert_eq!((&me["email"], &me["name"], &me["image"]), (&json!("mina@harbor.test"), &json!("Mina"), &json!("https://pictures.test/mina.png")));
    assert_eq!(me["accounts"][0]["providerAccountId"], "110169484474386276334");
    let seen = google.seen("/google/token");
    let form: std::collections::HashMap<String, String> = url::form_urlencoded::parse(seen[0].body.as_bytes()).into_owned().collect();
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str(), form["client_id"].as_str()), ("authorization_code", "4/abc", "client-1"));
    assert_eq!((form["client_secret"].as_str(), &form["redirect_uri"]), ("s3cret-of-the-provider", &format!("{}/v1/auth/google/callback", app.url)));
    use sha2::Digest as _;
    let challenge = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, sha2::Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(Some(challenge), parameter(&url, "code_challenge"), "the verifier fits the challenge (RFC 7636 §4.6)");
    // A token for another sign-in does not do: the nonce differs.
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
    let query = [("code", "4/abd"), ("state", &*parameter(&url, "state").unwrap())];
    let target = location(&app.client().query("/v1/auth/google/callback", &query).await);
    assert_eq!(parameter(&target, "error").as_deref(), Some("auth/invalid-oauth-code"));
}

#[actix_web::test]
async fn an_id_token_of_google_has_to_be_right_in_everything() {
    let (app, google) = TestApp::start_real().await;
    let (key, foreign) = (Key::new("k1"), Key::new("k1"));
    google.answer("/google/certs", 200, json!({ "keys": [key.jwk] }));
    app.auth(|c| c.oauth.google.additional_client_ids = vec!["ios-client".into()]).await;
    let claims = google_claims(app.environment.now());
    let with = |change: Value| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims
    };
    let now = app.environment.now() / 1000;
    for good in [json!({}), json!({ "iss": "accounts.google.com" }), json!({ "aud": "ios-client" }), json!({ "aud": ["client-1"] }), json!({ "nonce": "n" })] {
        post(&app, "google", json!({ "idToken": key.sign(&with(good)) })).await.assert(200);
    }
    post(&app, "google", json!({ "idToken": key.sign(&with(json!({ "nonce": "n" }))), "nonce": "n", "accessToken": "ya29" })).await.assert(200);
    for bad in [
        json!({ "iss": "https://accounts.google.com.evil.example" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "client-2" }),
        json!({ "aud": ["client-1", "client-2"] }),
        json!({ "exp": now - 1, "iat": now - 3601 }),
        json!({ "iat": now + 300, "exp": now + 3900 }),
        json!({ "sub": 7 }),
    ] {
        post(&app, "google", json!({ "idToken": key.sign(&with(bad.clone())) })).await.assert_error(401, "auth/invalid-oauth-code");
    }
    for nonce in ["m", "N"] {
        post(&app, "google", json!({ "idToken": key.sign(&with(json!({ "nonce": "n" }))), "nonce": nonce })).await.assert_error(401, "auth/invalid-oauth-code");
    }
    post(&app, "google", json!({ "idToken": key.sign(&claims), "nonce": "n" })).await.assert_error(401, "auth/invalid-oauth-code");
    post(&app, "google", json!({ "idToken": foreign.sign(&claims) })).await.assert_error(401, "auth/invalid-oauth-code");
    // Neither unsigned nor signed with the public key as a secret (RFC 8725 §2.1).
    let hmac = jsonwebtoken::EncodingKey::from_secret(key.jwk["n"].as_str().unwrap().as_bytes());
    let header = jsonwebtoken::Header { kid: Some("k1".into()), ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256) };
    let hs256 = jsonwebtoken::encode(&header, &claims, &hmac).unwrap();
    let signed = key.sign(&claims);
    let none = format!("eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{}.", signed.split('.').nth(1).unwrap());
    for token in [hs256, none, format!("{signed}x"), Key::new("k2").sign(&claims)] {
        post(&app, "google", json!({ "idToken": token })).await.assert_error(401, "auth/invalid-oauth-code");
    }
}

#[actix_web::test]
async fn keys_of_google_are_read_once_a_day_and_again_for_a_new_one() {
    let (app, google) = TestApp::start_real().await;
    let (old, new) = (Key::new("old"), Key::new("new"));
    let sign_in = async |key: &Key| post(&app, "google", json!({ "idToken": key.sign(&google_claims(app.environment.now())) })).await;
    let fetched = || google.seen("/google/certs").len();
    google.answer("/google/certs", 500, "");
    sign_in(&old).await.assert_error(500, "auth/oauth-callback-failed");
    google.answer("/google/certs", 200, json!({ "keys": [old.jwk] }));
    let before = fetched();
    for _ in 0..3 {
        sign_in(&old).await.assert(200);
    }
    assert_eq!(fetched(), before + 1);
    // An unknown key is looked for, but nobody can make the server ask all the time.
    google.answer("/google/certs", 200, json!({ "keys": [new.jwk] }));
    sign_in(&new).await.assert_error(401, "auth/invalid-oauth-code");
    assert_eq!(fetched(), before + 1);
    app.wait(61);
    sign_in(&new).await.assert(200);
    sign_in(&old).await.assert_error(401, "auth/invalid-oauth-code");
    assert_eq!(fetched(), before + 2);
    app.wait(24 * 3600);
    google.answer("/google/certs", 200, json!({ "keys": [] }));
    sign_in(&new).await.assert_error(401, "auth/invalid-oauth-code");
    assert_eq!(fetched(), before + 3);
}

#[actix_web::test]
async fn a_real_code_of_github_becomes_a_profile_with_its_primary_address() {
    let (app, github) = TestApp::start_real().await;
    github.answer("/github/token", 200, json!({ "access_token": "gho_1", "token_type": "bearer", "scope": "read:user,user:email" }));
    github.answer(
        "/github/user",
        200,
        json!({ "id": 583_231, "login": "mina-k", "name": null, "avatar_url": "https://pictures.test/m.png", "email": "public@harbor.test" }),
    );
    let addresses =
        json!([{ "email": "other@harbor.test", "primary": false, "verified": true }, { "email": "Mina@Harbor.test", "primary": true, "verified": true }]);
    github.answer("/github/emails", 200, addresses);
    let body = |code: &str| json!({ "code": code, "redirectUri": REDIRECT, "codeVerifier": "v".repeat(43) });
    let pair = post(&app, "github", body("c1")).await.assert(200);
    let user = &pair["user"];
    assert_eq!((&user["email"], &user["name"], &user["image"]), (&json!("mina@harbor.test"), &json!("mina"), &json!("https://pictures.test/m.png")));
    assert!(user["emailVerified"].is_string() && user["accounts"][0]["providerAccountId"] == "583231");
    assert!(github.seen("/github/token")[0].body.contains(&format!("code_verifier={}", "v".repeat(43))));
    assert_eq!(github.seen("/github/user")[0].authorization, "Bearer gho_1");
    // Without the scope for addresses there is none, and the user name serves.
    github.answer("/github/user", 200, json!({ "id": 2, "login": "joon", "name": "", "avatar_url": "" }));
    github.answer("/github/emails", 404, json!({ "message": "Not Found" }));
    let pair = post(&app, "github", body("c2")).await.assert(200);
    assert_eq!((&pair["user"]["email"], &pair["user"]["name"], &pair["user"]["image"]), (&Value::Null, &json!("joon"), &Value::Null));
    // It refuses with 200.
    github.answer("/github/token", 200, json!({ "error": "bad_verification_code" }));
    post(&app, "github", body("c3")).await.assert_error(401, "auth/invalid-oauth-code");
}

#[actix_web::test]
async fn a_provider_that_refuses_is_401_and_one_that_fails_is_500() {
    let (app, provider) = TestApp::start_real().await;
    let body = json!({ "code": "c", "redirectUri": REDIRECT });
    for error in ["invalid_grant", "redirect_uri_mismatch", "invalid_client"] {
        provider.answer("/google/token", 400, json!({ "error": error }));
        post(&app, "google", body.clone()).await.assert_error(401, "auth/invalid-oauth-code");
    }
    for (status, answer) in [(200, "<html>"), (200, "{}"), (200, "[]"), (500, "{}"), (302, ""), (200, &"x".repeat(2 * 1024 * 1024))] {
        provider.answer("/google/token", status, answer);
        let failed = post(&app, "google", body.clone()).await;
        assert!(!failed.text.contains("127.0.0.1"), "an error tells nothing of the inside: {}", failed.text);
        failed.assert_error(500, "auth/oauth-callback-failed");
    }
    provider.answer("/github/token", 200, json!({ "access_token": "t" }));
    for (status, answer) in [(401, "{}"), (200, "{}"), (200, r#"{"id":"x","login":"l"}"#), (503, "")] {
        provider.answer("/github/user", status, answer);
        post(&app, "github", body.clone()).await.assert_error(500, "auth/oauth-callback-failed");
    }
}

#[actix_web::test]
async fn a_provider_that_does_not_answer_in_time_or_at_all_has_failed() {
    let slow = StandIn::start();
    slow.take(Duration::from_secs(600));
    for (endpoints, limit) in [(slow.endpoints(), 300), (StandIn::start().endpoints(), 10_000)] {
        let mut endpoints = endpoints;
        endpoints.limit = Duration::from_millis(limit);
        if limit > 1000 {
            // Nobody listens there.
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            endpoints.google_token = format!("http://{free}/token");
        }
        let app = TestApp::start_with(|settings| settings.providers = endpoints).await;
        app.auth(|c| (c.oauth.google.client_id, c.oauth.google.client_secret) = (Some("client-1".into()), Some(Secret::new("x")))).await;
        post(&app, "google", json!({ "code": "c", "redirectUri": REDIRECT })).await.assert_error(500, "auth/oauth-callback-failed");
    }
}

#[actix_web::test]
async fn codes_and_tokens_of_one_mode_are_worthless_in_the_other() {
    let (app, google) = TestApp::start_real().await;
    google.answer("/google/certs", 200, json!({ "keys": [Key::new("k1").jwk] }));
    google.answer("/google/token", 400, json!({ "error": "invalid_grant" }));
    app.auth(|c| c.oauth.google.mode = ProviderMode::Simulator).await;
    let approved = app.approve("google", json!({ "redirectUri": REDIRECT, "identity": { "email": "mina@harbor.test" } })).await;
    let real = Key::new("k1").sign(&google_claims(app.environment.now()));
    post(&app, "google", json!({ "idToken": real })).await.assert_error(401, "auth/invalid-oauth-code");
    post(&app, "google", json!({ "code": "4/real", "redirectUri": REDIRECT })).await.assert_error(401, "auth/invalid-oauth-code");
    app.auth(|c| c.oauth.google.mode = ProviderMode::Auto).await;
    post(&app, "google", json!({ "idToken": approved["idToken"] })).await.assert_error(401, "auth/invalid-oauth-code");
    post(&app, "google", json!({ "code": approved["code"], "redirectUri": REDIRECT })).await.assert_error(401, "auth/invalid-oauth-code");
    let body = json!({ "redirectUri": REDIRECT, "identity": { "email": "mina@harbor.test" } });
    app.secret().post("/v1/auth/simulator/google/approve", body).await.assert_error(400, "auth/oauth-not-configured");
}

#[actix_web::test]
async fn secrets_of_providers_rest_encrypted_and_are_never_shown() {
    let (app, _provider) = TestApp::start_real().await;
    post(&app, "google", json!({ "code": "c", "redirectUri": REDIRECT })).await;
    let app = app.restart().await;
    assert_eq!(app.environment.auth_config().oauth.google.client_secret.as_ref().map(Secret::reveal), Some("s3cret-of-the-provider"));
    fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    for file in files(app.backend.data_dir()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(22).any(|window| window == b"s3cret-of-the-provider"), "{}", file.display());
    }
}

#[actix_web::test]
async fn whoever_only_looks_at_a_callback_signs_nobody_in_and_leaves_the_code() {
    let app = TestApp::start().await;
    for provider in ["google", "github"] {
        let code = app.social_code(provider, &format!("{provider}@harbor.test"), true).await;
        let path = format!("/v1/auth/{provider}/callback?code={code}&redirectUri={REDIRECT}");
        let users = async || app.secret().get("/v1/data/users").await.assert(200)["pagination"]["total"].clone();
        let before = users().await;
        for _ in 0..2 {
            app.guest().send(Method::HEAD, &path, None).await.assert(200);
        }
        assert_eq!(users().await, before);
        assert_eq!(app.guest().get(&path).await.assert(200)["is_new_user"], true, "{provider}");
    }
}

#[actix_web::test]
async fn guesses_of_codes_are_counted_by_peer() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.throttle_loopback = true).await;
    let body = json!({ "code": "c", "redirectUri": REDIRECT });
    for _ in 0..60 {
        post(&app, "google", body.clone()).await.assert_error(401, "auth/invalid-oauth-code");
    }
    let refused = post(&app, "google", body).await;
    assert_eq!((refused.header("x-ratelimit-limit"), refused.header("retry-after").is_some()), (Some("60"), true));
    refused.assert_error(429, "auth/too-many-requests");
}

#[actix_web::test]
async fn a_second_factor_is_asked_for_after_the_provider_has_vouched() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.link(&mina.access, "google", "mina@harbor.test").await.assert(201);
    let authenticator = app.turn_mfa_on(&mina, "tide42").await;
    let refused = app.social("google", "mina@harbor.test", true).await.assert_error(403, "auth/mfa-required");
    let verify = async |token: &str, code: String| app.guest().post("/v1/auth/mfa/verify", json!({ "mfaToken": token, "code": code })).await;
    let pair = verify(refused["error"]["mfaToken"].as_str().unwrap(), authenticator.code(&app, 0)).await.assert(200);
    assert_eq!((&pair["user"]["id"], &pair["is_new_user"]), (&json!(mina.id), &json!(false)));
    // In the browser the app gets the token in its address.
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s1").await;
    let target = location(&approve_and_return(&app, "google", &url, "mina@harbor.test").await);
    assert_eq!(parameter(&target, "error").as_deref(), Some("auth/mfa-required"));
    assert!(parameter(&target, "accessToken").is_none());
    app.wait(30);
    verify(&parameter(&target, "mfaToken").unwrap(), authenticator.code(&app, 0)).await.assert(200);
}
