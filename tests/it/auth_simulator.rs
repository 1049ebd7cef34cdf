//! The stand-in for Google and GitHub (`03-auth.md` §6, "The simulator").

use base64::Engine as _;
use bkend_local::domain::auth::config::ProviderMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::providers::{REDIRECT, location, parameter};
use crate::support::{Answer, TestApp};

const GOOGLE: &str = "/v1/auth/simulator/google/o/oauth2/v2/auth";
const GITHUB: &str = "/v1/auth/simulator/github/login/oauth/authorize";

impl TestApp {
    fn sim_client(&self) -> String {
        format!("sim_{}_dev", self.project_id())
    }

    /// Opens the page with these parameters beside the usual ones, which they replace.
    async fn page(&self, path: &str, change: &[(&str, &str)]) -> Answer {
        let client = self.sim_client();
        let usual = [("client_id", client.as_str()), ("redirect_uri", REDIRECT), ("response_type", "code"), ("state", "s1")];
        let query: Vec<(&str, &str)> = usual.into_iter().filter(|(name, _)| !change.iter().any(|(own, _)| own == name)).chain(change.iter().copied()).collect();
        self.client().query(path, &query).await
    }

    /// Sends a form as the page does.
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client().request(Method::POST, path).header("Origin", &self.url).header("Content-Type", "application/x-www-form-urlencoded");
        Answer::of(request.body(body).send().await.unwrap()).await
    }

    /// Opens the page and decides; answers the code.
    async fn code(&self, path: &str, change: &[(&str, &str)], form: &[(&str, &str)]) -> String {
        let ticket = ticket(&self.page(path, change).await);
        let form: Vec<(&str, &str)> = [("ticket", ticket.as_str())].into_iter().chain(form.iter().copied()).collect();
        parameter(&location(&self.submit(path, &form).await), "code").unwrap()
    }

    async fn token(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request =
            self.client().request(Method::POST, path).header("Accept", "application/json").header("Content-Type", "application/x-www-form-urlencoded");
        Answer::of(request.body(body).send().await.unwrap()).await
    }
}

#[track_caller]
fn ticket(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text);
    let start = page.text.find(r#"name="ticket" value=""#).unwrap() + 21;
    page.text[start..start + 64].to_owned()
}

/// A 400 page that sends nobody anywhere.
#[track_caller]
fn refused_page(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (400, None), "{}", answer.text);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
}

fn claims(token: &str) -> Value {
    let text = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

const MINA: [(&str, &str); 3] = [("email", "Mina@Harbor.test"), ("name", "Mina"), ("email_verified", "true")];

#[actix_web::test]
async fn the_page_offers_three_identities_those_used_before_and_a_form() {
    let app = TestApp::start().await;
    for path in [GOOGLE, GITHUB] {
        let page = app.page(path, &[("login_hint", "hinted@harbor.test")]).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("script"), "{policy}");
        assert_eq!((page.header("cache-control"), page.header("x-frame-options")), (Some("no-store"), Some("DENY")));
        assert!(!page.text.contains("<script") && page.text.contains("my-blog") && page.text.contains("http:&#x2f;&#x2f;localhost:5173"));
        assert_eq!(page.text.matches(r#"class="identity""#).count(), 3);
        assert_eq!(page.text.matches("address unverified").count(), 1);
        assert!(page.text.contains(r#"value="hinted@harbor.test""#));
        app.code(path, &[], &MINA).await;
        let page = app.page(path, &[("login_hint", "mina@harbor.test")]).await;
        assert_eq!(page.text.matches(r#"class="identity""#).count(), 4);
        let first = page.text.find(r#"class="identity""#).unwrap();
        assert!(page.text[first..].find("mina@harbor.test").unwrap() < page.text[first..].find("mina.kim@example.com").unwrap(), "the hinted one comes first");
    }
}

#[actix_web::test]
async fn a_client_or_redirect_uri_that_is_no_good_is_a_page_and_never_a_redirect() {
    let app = TestApp::start().await;
    let project = app.project_id();
    let (nobody, elsewhere) = (format!("sim_{project}_nowhere"), format!("sim_{}_dev", "0".repeat(24)));
    for client in ["", "x", "sim_", "sim_x", "my-own-client", &nobody, &elsewhere, &project] {
        refused_page(&app.page(GOOGLE, &[("client_id", client)]).await);
    }
    for redirect in
        ["", "https://evil.example/x", "javascript:alert(1)", "http://localhost:5173/#x", "http://localhost:5173@evil.example/", "//localhost/x", "/x"]
    {
        refused_page(&app.page(GOOGLE, &[("redirect_uri", redirect)]).await);
        refused_page(&app.page(GITHUB, &[("redirect_uri", redirect)]).await);
    }
    app.auth(|c| c.urls.redirect_allow_list = vec!["myapp://*".into()]).await;
    app.page(GOOGLE, &[("redirect_uri", "myapp://cb")]).await.assert(200);
    // What a page shows of a request is text.
    let page = app.page(GOOGLE, &[("client_id", "<script>alert(1)</script>")]).await;
    assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>"));
}

#[actix_web::test]
async fn only_codes_are_given_and_only_s256_is_honoured() {
    let app = TestApp::start().await;
    let challenge = "a".repeat(43);
    let long = "s".repeat(3000);
    for (change, error) in [
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "")], "unsupported_response_type"),
        (vec![("code_challenge", &*challenge)], "invalid_request"),
        (vec![("code_challenge", &*challenge), ("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
        (vec![("code_challenge_method", "S256")], "invalid_request"),
        (vec![("nonce", &*long)], "invalid_request"),
    ] {
        let target = location(&app.page(GOOGLE, &change).await);
        assert_eq!((parameter(&target, "error").as_deref(), parameter(&target, "state").as_deref()), (Some(error), Some("s1")), "{change:?}");
        assert!(target.as_str().starts_with(REDIRECT));
    }
    app.page(GOOGLE, &[("prompt", "consent"), ("access_type", "offline"), ("hd", "x")]).await.assert(200);
}

#[actix_web::test]
async fn deciding_leads_back_with_code_and_state_or_access_denied() {
    let app = TestApp::start().await;
    for path in [GOOGLE, GITHUB] {
        let first = ticket(&app.page(path, &[("redirect_uri", "http://localhost:5173/auth?x=1")]).await);
        let answer = app.submit(path, &[&[("ticket", first.as_str())][..], &MINA].concat()).await;
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), (Some("no-store"), Some("no-referrer")));
        let target = location(&answer);
        assert!(target.as_str().starts_with("http://localhost:5173/auth?x=1&code=") && target.as_str().ends_with("&state=s1"), "{target}");
        let second = ticket(&app.page(path, &[]).await);
        let target = location(&app.submit(path, &[("ticket", &second), ("decision", "cancel")]).await);
        assert_eq!((parameter(&target, "error").as_deref(), parameter(&target, "state").as_deref()), (Some("access_denied"), Some("s1")));
        assert!(parameter(&target, "code").is_none());
        for used in [&first, &second] {
            refused_page(&app.submit(path, &[&[("ticket", used.as_str())][..], &MINA].concat()).await);
        }
    }
}

#[actix_web::test]
async fn a_ticket_decides_once_for_its_own_provider_and_from_its_own_origin() {
    let app = TestApp::start().await;
    let ticket = ticket(&app.page(GOOGLE, &[]).await);
    let form = [&[("ticket", ticket.as_str())][..], &MINA].concat();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let post = async |headers: &[(&str, &str)]| {
        let request = app.client().request(Method::POST, GOOGLE).header("Content-Type", "application/x-www-form-urlencoded").body(body.clone());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(request.send().await.unwrap()).await
    };
    for origin in ["null", "http://localhost:5173", "https://evil.example", "http://localhost.evil.example", ""] {
        let answer = post(&[("Origin", origin)]).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{origin}");
    }
    assert_eq!(post(&[("Sec-Fetch-Site", "cross-site")]).await.status, 403);
    refused_page(&app.submit(GITHUB, &form).await);
    for other in ["", "x", &"0".repeat(64)] {
        refused_page(&app.submit(GOOGLE, &[&[("ticket", other)][..], &MINA].concat()).await);
    }
    // None of that used it up; of two at once one wins.
    let (a, b) = tokio::join!(app.submit(GOOGLE, &form), app.submit(GOOGLE, &form));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [302, 400]);
    let json = app.client().header("Origin", &app.url).post(GOOGLE, json!({ "ticket": ticket })).await;
    assert_eq!(json.status, 415);
}

#[actix_web::test]
async fn what_cannot_be_used_may_be_corrected_with_the_same_ticket() {
    let app = TestApp::start().await;
    let ticket = ticket(&app.page(GOOGLE, &[]).await);
    for bad in [
        vec![("email", "<b>nobody")],
        vec![("email", "a@harbor.test"), ("picture", "javascript:alert(1)")],
        vec![("email", "a@harbor.test"), ("name", &*"x".repeat(101))],
        vec![],
    ] {
        let page = app.submit(GOOGLE, &[&[("ticket", ticket.as_str())][..], &bad].concat()).await;
        assert_eq!(page.status, 400, "{bad:?}");
        assert!(page.text.contains(r#"role="alert""#) && page.text.contains(&ticket) && !page.text.contains("<b>nobody"));
    }
    location(&app.submit(GOOGLE, &[&[("ticket", ticket.as_str())][..], &MINA].concat()).await);
}

#[actix_web::test]
async fn a_page_or_code_that_waited_too_long_is_gone() {
    let app = TestApp::start().await;
    let ticket = ticket(&app.page(GOOGLE, &[]).await);
    let code = app.social_code("google", "mina@harbor.test", true).await;
    app.wait(601);
    app.guest().post("/v1/auth/google/callback", json!({ "code": code, "redirectUri": REDIRECT })).await.assert_error(401, "auth/invalid-oauth-code");
    app.wait(3600);
    refused_page(&app.submit(GOOGLE, &[&[("ticket", ticket.as_str())][..], &MINA].concat()).await);
}

#[actix_web::test]
async fn a_code_is_bound_to_client_redirect_uri_and_challenge() {
    let app = TestApp::start().await;
    let verifier = "v".repeat(50);
    use sha2::Digest as _;
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes()));
    let code = app.code(GOOGLE, &[("code_challenge", &challenge), ("code_challenge_method", "S256")], &MINA).await;
    let post = async |provider: &str, body: Value| app.guest().post(&format!("/v1/auth/{provider}/callback"), body).await;
    for (provider, redirect, sent) in [
        ("github", REDIRECT, Some(&verifier)),
        ("google", "http://localhost:5173/auth/", Some(&verifier)),
        ("google", "http://localhost:5173/auth?", Some(&verifier)),
        ("google", REDIRECT, None),
        ("google", REDIRECT, Some(&"w".repeat(50))),
        ("google", REDIRECT, Some(&challenge)),
    ] {
        post(provider, json!({ "code": code, "redirectUri": redirect, "codeVerifier": sent })).await.assert_error(401, "auth/invalid-oauth-code");
    }
    post("google", json!({ "code": code, "redirectUri": REDIRECT, "codeVerifier": verifier })).await.assert(200);
    let token = "/v1/auth/simulator/google/token";
    let client = app.sim_client();
    let code = app.code(GOOGLE, &[], &MINA).await;
    let form = |client: &'static str| [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT), ("client_id", client)];
    assert_eq!(app.token(token, &form("somebody-else")).await.assert(401)["error"], "invalid_client");
    let good = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT), ("client_id", &client), ("client_secret", "anything")];
    let (a, b) = tokio::join!(app.token(token, &good), app.token(token, &good));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[actix_web::test]
async fn a_code_of_another_environment_is_worthless() {
    let app = TestApp::start().await;
    app.operator().post(&format!("{}/environments", app.project_path()), json!({ "environment": "staging" })).await.assert(201);
    let staging = app.client().header("X-Project-Id", &app.project_id()).header("X-Environment", "staging");
    let code = app.social_code("google", "mina@harbor.test", true).await;
    let body = json!({ "code": code, "redirectUri": REDIRECT });
    staging.post("/v1/auth/google/callback", body.clone()).await.assert_error(401, "auth/invalid-oauth-code");
    let id_token = app.approve("google", json!({ "identity": { "email": "mina@harbor.test" } })).await["idToken"].clone();
    staging.post("/v1/auth/google/callback", json!({ "idToken": id_token })).await.assert_error(401, "auth/invalid-oauth-code");
    app.guest().post("/v1/auth/google/callback", body).await.assert(200);
    // A state of one environment is the app's business in the other.
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s").await;
    let state = parameter(&url, "state").unwrap();
    staging
        .post("/v1/auth/google/callback", json!({ "code": "c", "redirectUri": REDIRECT, "state": state }))
        .await
        .assert_error(401, "auth/invalid-oauth-code");
    location(&app.client().query("/v1/auth/google/callback", &[("error", "access_denied"), ("state", &state)]).await);
}

#[actix_web::test]
async fn an_app_may_speak_oauth_and_oidc_with_the_simulator_by_itself() {
    let app = TestApp::start().await;
    let base = format!("{}/v1/auth/simulator/google", app.url);
    let discovery = app.client().get("/v1/auth/simulator/google/.well-known/openid-configuration").await.assert(200);
    assert_eq!((&discovery["issuer"], &discovery["jwks_uri"]), (&json!(base), &json!(format!("{base}/certs"))));
    assert_eq!((&discovery["authorization_endpoint"], &discovery["token_endpoint"]), (&json!(format!("{}{GOOGLE}", app.url)), &json!(format!("{base}/token"))));
    let code = app.code(GOOGLE, &[("nonce", "n1"), ("scope", "openid email profile")], &MINA).await;
    let client = app.sim_client();
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT), ("client_id", &client), ("client_secret", "x")];
    let answer = app.token("/v1/auth/simulator/google/token", &form).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.assert(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]), (&json!("Bearer"), &json!(3600), &json!("openid email profile")));
    let id_token = tokens["id_token"].as_str().unwrap();
    let said = claims(id_token);
    assert_eq!((&said["iss"], &said["aud"], &said["nonce"]), (&json!(base), &json!(client), &json!("n1")));
    assert_eq!((&said["email"], &said["email_verified"], &said["name"]), (&json!("mina@harbor.test"), &json!(true), &json!("Mina")));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 3600);
    let certs = app.client().get("/v1/auth/simulator/google/certs").await.assert(200);
    let key = &certs["keys"][0];
    assert_eq!((&key["alg"], &key["kty"], certs["keys"].as_array().unwrap().len()), (&json!("RS256"), &json!("RSA"), 1));
    let decoding = jsonwebtoken::DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[&client]);
    assert_eq!(jsonwebtoken::decode_header(id_token).unwrap().kid.as_deref(), key["kid"].as_str());
    jsonwebtoken::decode::<Value>(id_token, &decoding, &validation).unwrap();
    let bearer = |token: &str| app.client().header("Authorization", &format!("Bearer {token}"));
    let access = tokens["access_token"].as_str().unwrap();
    let who = bearer(access).get("/v1/auth/simulator/google/userinfo").await.assert(200);
    assert_eq!((&who["sub"], &who["email"], &who["email_verified"]), (&said["sub"], &json!("mina@harbor.test"), &json!(true)));
    for bad in ["x", id_token, &"0".repeat(64)] {
        bearer(bad).get("/v1/auth/simulator/google/userinfo").await.assert(401);
    }
    app.client().get("/v1/auth/simulator/google/userinfo").await.assert(401);
    bearer(access).get("/v1/auth/simulator/github/user").await.assert(401);
    app.wait(3601);
    bearer(access).get("/v1/auth/simulator/google/userinfo").await.assert(401);
    // The ID token signs in to the app's own backend, until it expires.
    app.guest().post("/v1/auth/google/callback", json!({ "idToken": id_token, "nonce": "n1" })).await.assert_error(401, "auth/invalid-oauth-code");
}

#[actix_web::test]
async fn the_token_endpoint_refuses_as_oauth_says() {
    let app = TestApp::start().await;
    let client = app.sim_client();
    let path = "/v1/auth/simulator/google/token";
    let code = app.code(GOOGLE, &[], &MINA).await;
    let all = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT), ("client_id", &client)];
    for (change, status, error) in [
        (("grant_type", ""), 400, "invalid_request"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("client_id", ""), 401, "invalid_client"),
        (("code", ""), 400, "invalid_request"),
        (("code", "x"), 400, "invalid_grant"),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("redirect_uri", "http://localhost:1/"), 400, "redirect_uri_mismatch"),
    ] {
        let form: Vec<(&str, &str)> = all.iter().map(|pair| if pair.0 == change.0 { change } else { *pair }).collect();
        let body = app.token(path, &form).await.assert(status);
        assert_eq!(body["error"], error, "{change:?}");
    }
    // JSON bodies and Basic credentials are read, too.
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{client}:secret"));
    let json = app.client().header("Authorization", &format!("Basic {basic}"));
    json.post(path, json!({ "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT })).await.assert(200);
    assert_eq!(json.get(path).await.status, 405);
}

#[actix_web::test]
async fn the_simulated_github_answers_like_github() {
    let app = TestApp::start().await;
    let client = app.sim_client();
    let path = "/v1/auth/simulator/github/login/oauth/access_token";
    let code = app.code(GITHUB, &[], &MINA).await;
    let form = [("code", &*code), ("redirect_uri", REDIRECT), ("client_id", &client), ("client_secret", "x")];
    let tokens = app.token(path, &form).await.assert(200);
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&json!("bearer"), &json!("read:user,user:email")));
    let again = app.token(path, &form).await.assert(200);
    assert_eq!(again["error"], "bad_verification_code");
    for scheme in ["Bearer", "token"] {
        let api = app.client().header("Authorization", &format!("{scheme} {}", tokens["access_token"].as_str().unwrap()));
        let user = api.get("/v1/auth/simulator/github/user").await.assert(200);
        assert_eq!((&user["login"], &user["name"], &user["email"]), (&json!("mina"), &json!("Mina"), &json!("mina@harbor.test")));
        assert!(user["id"].is_u64());
        let emails = api.get("/v1/auth/simulator/github/user/emails").await.assert(200);
        assert_eq!(emails, json!([{ "email": "mina@harbor.test", "primary": true, "verified": true, "visibility": "private" }]));
    }
    // A form unless JSON is asked for; no address without its scope.
    let code = app.code(GITHUB, &[("scope", "read:user")], &MINA).await;
    let body = format!("code={code}&redirect_uri={REDIRECT}&client_id={client}");
    let request = app.client().request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded").body(body);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert!(answer.header("content-type").unwrap().starts_with("application/x-www-form-urlencoded"));
    let token = url::form_urlencoded::parse(answer.text.as_bytes()).find(|(name, _)| name == "access_token").unwrap().1.into_owned();
    let api = app.client().header("Authorization", &format!("Bearer {token}"));
    assert_eq!(api.get("/v1/auth/simulator/github/user").await.assert(200)["email"], Value::Null);
    api.get("/v1/auth/simulator/github/user/emails").await.assert(404);
}

#[actix_web::test]
async fn scopes_decide_what_is_told() {
    let app = TestApp::start().await;
    let sign_in = async |provider: &str, path: &str, scope: &str, email: &str| {
        let code = app.code(path, &[("scope", scope)], &[("email", email), ("name", "Somebody"), ("email_verified", "on")]).await;
        app.guest().post(&format!("/v1/auth/{provider}/callback"), json!({ "code": code, "redirectUri": REDIRECT })).await.assert(200)
    };
    let user = sign_in("google", GOOGLE, "openid", "a@harbor.test").await["user"].clone();
    assert_eq!((&user["email"], &user["name"], &user["emailVerified"]), (&Value::Null, &Value::Null, &Value::Null));
    let user = sign_in("google", GOOGLE, "openid email", "b@harbor.test").await["user"].clone();
    assert_eq!((&user["email"], &user["name"]), (&json!("b@harbor.test"), &json!("b")));
    let user = sign_in("github", GITHUB, "read:user", "c@harbor.test").await["user"].clone();
    assert_eq!((&user["email"], &user["name"]), (&Value::Null, &json!("Somebody")));
    let user = sign_in("github", GITHUB, "read:user,user:email", "d@harbor.test").await["user"].clone();
    assert_eq!(user["email"], "d@harbor.test");
}

#[actix_web::test]
async fn the_same_address_is_the_same_account_next_time_and_another_one_elsewhere() {
    let app = TestApp::start().await;
    let id = |pair: &Value, provider: &str| {
        let accounts = pair["user"]["accounts"].as_array().unwrap();
        accounts.iter().find(|a| a["provider"] == provider).unwrap()["providerAccountId"].clone()
    };
    let first = app.social("google", "mina@harbor.test", true).await.assert(200);
    let second = app.social("google", " MINA@harbor.test ", true).await.assert(200);
    assert_eq!((id(&first, "google"), &first["user"]["id"]), (id(&second, "google"), &second["user"]["id"]));
    let elsewhere = app.social("github", "mina@harbor.test", true).await.assert(200);
    assert_ne!(id(&first, "google"), id(&elsewhere, "github"));
    assert!(id(&elsewhere, "github").as_str().unwrap().bytes().all(|b| b.is_ascii_digit()));
}

#[actix_web::test]
async fn a_program_with_a_secret_key_approves_without_a_page() {
    let app = TestApp::start().await;
    let path = |provider: &str| format!("/v1/auth/simulator/{provider}/approve");
    let identity = json!({ "email": "mina@harbor.test" });
    app.guest().post(&path("google"), json!({ "identity": identity })).await.assert_error(403, "auth/forbidden");
    let admin = app.user("admin", "admin").await;
    admin.post(&path("google"), json!({ "identity": identity })).await.assert_error(403, "auth/forbidden");
    let secret = app.secret();
    secret.post(&path("facebook"), json!({ "identity": identity })).await.assert_error(400, "auth/unsupported-provider");
    secret.post(&path("google"), json!({})).await.assert_error(400, "common/invalid-parameters");
    secret.post(&path("google"), json!({ "identity": {} })).await.assert_error(400, "common/invalid-parameters");
    secret.post(&path("google"), json!({ "identity": { "email": "x" } })).await.assert_error(400, "auth/invalid-email");
    let evil = json!({ "redirectUri": "https://evil.example/", "identity": identity });
    secret.post(&path("google"), evil).await.assert_error(400, "auth/invalid-url");
    let plain = json!({ "redirectUri": REDIRECT, "codeChallenge": "plain", "identity": identity });
    secret.post(&path("google"), plain).await.assert_error(400, "common/invalid-parameters");

    let all = app.approve("google", json!({ "redirectUri": REDIRECT, "state": "s 1", "nonce": "n", "identity": identity })).await;
    let code = all["code"].as_str().unwrap();
    assert_eq!(all["redirectTo"], format!("{REDIRECT}?code={code}&state=s+1"));
    let said = claims(all["idToken"].as_str().unwrap());
    assert_eq!((&said["nonce"], &said["aud"], &said["email_verified"]), (&json!("n"), &json!(app.sim_client()), &json!(true)));
    let names = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&app.approve("google", json!({ "identity": identity })).await), ["idToken"]);
    assert_eq!(names(&app.approve("github", json!({ "redirectUri": REDIRECT, "identity": identity })).await), ["code", "redirectTo"]);
    // With a state of ours the nonce need not be copied.
    let url = app.authorization_url("google", "http://localhost:5173/cb", "s1").await;
    let body = json!({ "redirectUri": parameter(&url, "redirect_uri"), "state": parameter(&url, "state"), "identity": identity });
    let back = app.approve("google", body).await["redirectTo"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
    assert!(parameter(&location(&app.client().get(&back).await), "accessToken").is_some());
}

#[actix_web::test]
async fn an_id_token_is_good_from_any_host_of_the_server_and_nobody_else() {
    let app = TestApp::start().await;
    let elsewhere = app.secret().header("Host", "my-laptop.localhost");
    let body = elsewhere.post("/v1/auth/simulator/google/approve", json!({ "identity": { "email": "mina@harbor.test" } })).await.assert(200);
    let token = body["idToken"].as_str().unwrap();
    assert_eq!(claims(token)["iss"], "http://my-laptop.localhost/v1/auth/simulator/google");
    let post = async |token: &str| app.guest().post("/v1/auth/google/callback", json!({ "idToken": token })).await;
    post(token).await.assert(200);
    let (head, rest) = token.split_once('.').unwrap();
    let mut said = claims(token);
    said["email"] = "admin@harbor.test".into();
    let forged = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(said.to_string());
    for bad in [format!("{head}.{forged}.{}", rest.split('.').nth(1).unwrap()), crate::support::providers::Key::new("k").sign(&said)] {
        post(&bad).await.assert_error(401, "auth/invalid-oauth-code");
    }
    app.wait(3601);
    post(token).await.assert_error(401, "auth/invalid-oauth-code");
}

#[actix_web::test]
async fn the_simulator_runs_on_loopback_only_unless_it_is_fixed() {
    let app = TestApp::start_with(|settings| settings.hosts = vec!["0.0.0.0".parse().unwrap()]).await;
    let authorize = "/v1/auth/google/authorize?redirect=http%3A%2F%2Flocalhost%3A5173%2F";
    app.guest().get(authorize).await.assert_error(400, "auth/oauth-not-configured");
    refused_page(&app.page(GOOGLE, &[]).await);
    let body = json!({ "redirectUri": REDIRECT, "identity": { "email": "mina@harbor.test" } });
    app.secret().post("/v1/auth/simulator/google/approve", body.clone()).await.assert_error(400, "auth/oauth-not-configured");
    app.auth(|c| c.oauth.google.mode = ProviderMode::Simulator).await;
    app.guest().get(authorize).await.assert(200);
    let ticket = ticket(&app.page(GOOGLE, &[]).await);
    app.social("google", "mina@harbor.test", true).await.assert(200);
    app.auth(|c| c.oauth.google.mode = ProviderMode::Auto).await;
    refused_page(&app.submit(GOOGLE, &[&[("ticket", ticket.as_str())][..], &MINA].concat()).await);
}

#[actix_web::test]
async fn a_configured_client_id_means_the_one_environment_that_has_it() {
    let app = TestApp::start().await;
    app.auth(|c| c.oauth.google.client_id = Some("my-own-client".into())).await;
    app.page(GOOGLE, &[("client_id", "my-own-client")]).await.assert(200);
    refused_page(&app.page(GITHUB, &[("client_id", "my-own-client")]).await);
    // A token made for it signs in, too.
    let code = app.code(GOOGLE, &[("client_id", "my-own-client")], &MINA).await;
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT), ("client_id", "my-own-client")];
    let tokens = app.token("/v1/auth/simulator/google/token", &form).await.assert(200);
    app.guest().post("/v1/auth/google/callback", json!({ "idToken": tokens["id_token"] })).await.assert(200);
    app.operator().post(&format!("{}/environments", app.project_path()), json!({ "environment": "staging" })).await.assert(201);
    let staging = app.backend.environment_named(&app.project_id(), "staging").await.unwrap();
    let mut config = (*staging.auth_config()).clone();
    config.oauth.google.client_id = Some("my-own-client".into());
    staging.set_auth_config(config).await.unwrap();
    refused_page(&app.page(GOOGLE, &[("client_id", "my-own-client")]).await);
}

#[actix_web::test]
async fn the_key_of_the_simulator_is_made_once_and_kept_for_this_user_only() {
    let app = TestApp::start().await;
    let file = app.backend.data_dir().join("secrets/simulator.pem");
    assert!(!file.exists(), "not before it is needed");
    let at_once = futures_util::future::join_all((0..3).map(|_| async { app.client().get("/v1/auth/simulator/google/certs").await.assert(200) })).await;
    assert!(at_once.iter().all(|certs| *certs == at_once[0]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let app = app.restart().await;
    assert_eq!(app.client().get("/v1/auth/simulator/google/certs").await.assert(200), at_once[0]);
}

#[actix_web::test]
async fn the_last_twenty_identities_are_remembered() {
    let app = TestApp::start().await;
    for n in 0..25 {
        app.approve("google", json!({ "identity": { "email": format!("u{n}@harbor.test") } })).await;
        app.wait(1);
    }
    let page = app.page(GOOGLE, &[]).await;
    assert_eq!(page.text.matches(r#"class="identity""#).count(), 23);
    assert!(page.text.contains("u24@harbor.test") && page.text.contains("u5@harbor.test") && !page.text.contains("u4@harbor.test"));
}
