//! What strangers with a publishable key, or with none, cannot do to those who have an account (`03-auth.md` §4, §13): send
//! their mail elsewhere, cancel what they wait for, guess without end.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::support::providers::parameter;
use crate::support::{Answer, Client, TestApp};

/// Addresses that are set aside for documentation (RFC 5737, RFC 3849), and so are of no machine.
const FORGED: [&str; 3] = ["203.0.113.5", "203.0.113.5:4300", "[2001:db8::1]:4300"];

async fn link_to(client: &Client, email: &str, callback: &str) -> Answer {
    client.post("/v1/auth/email/signin", json!({ "method": "magiclink", "email": email, "callbackUrl": callback })).await
}

#[actix_web::test]
async fn links_in_mail_lead_to_this_server_whatever_host_a_request_names() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    app.auth(|c| c.email.require_email_verification = true).await;
    let (mina, own) = (json!({ "email": "mina@harbor.test" }), format!("http://127.0.0.1:{}/v1/auth/", app.port()));
    for (n, host) in FORGED.into_iter().enumerate() {
        let stranger = app.guest().header("Host", host);
        for path in ["/v1/auth/password/reset/request", "/v1/auth/email/verify/send", "/v1/auth/signup/email/resend"] {
            stranger.post(path, mina.clone()).await.assert(200);
            let link = app.mail("mina@harbor.test").link.unwrap();
            assert!(link.starts_with(&own), "{path}: {link}");
        }
        let joon = format!("joon{n}@harbor.test");
        stranger.post("/v1/auth/email/signup", json!({ "email": joon, "password": "tide42", "name": "Joon" })).await.assert(201);
        let invitation = json!({ "resourceType": "project", "resourceId": app.project_id(), "resourceRole": "user", "email": format!("kim{n}@harbor.test") });
        app.secret().header("Host", host).post("/v1/auth/invitations", invitation).await.assert(201);
        for email in [joon, format!("kim{n}@harbor.test")] {
            let link = app.mail(&email).link.unwrap();
            assert!(link.starts_with(&own), "{link}");
        }
    }
    // Names of this machine are its own, and lead back to where the request came.
    for host in [format!("127.0.0.1:{}", app.port()), format!("my-app.localhost:{}", app.port())] {
        app.guest().header("Host", &host).post("/v1/auth/email/verify/send", mina.clone()).await.assert(200);
        let link = app.mail("mina@harbor.test").link.unwrap();
        assert!(link.starts_with(&format!("http://{host}/v1/auth/")), "{link}");
    }
}

#[actix_web::test]
async fn a_browser_is_sent_to_no_origin_that_only_the_request_names() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    for host in FORGED {
        let (stranger, steal) = (app.guest().header("Host", host), format!("http://{host}/steal"));
        link_to(&stranger, "mina@harbor.test", &steal).await.assert_error(400, "auth/invalid-url");
        let reset = json!({ "email": "mina@harbor.test", "callbackUrl": steal });
        stranger.post("/v1/auth/password/reset/request", reset).await.assert_error(400, "auth/invalid-url");
        stranger.query("/v1/auth/google/authorize", &[("redirect", &steal)]).await.assert_error(400, "auth/invalid-url");
        let confirm = [("token", "0"), ("email", "mina@harbor.test"), ("callbackUrl", &*steal)];
        app.client().header("Host", host).query("/v1/auth/signup/email/confirm", &confirm).await.assert_error(400, "auth/invalid-url");
    }
    assert!(app.mails("mina@harbor.test").is_empty());
    let here = format!("my-app.localhost:{}", app.port());
    link_to(&app.guest().header("Host", &here), "mina@harbor.test", &format!("http://{here}/in")).await.assert(200);
    // What the server hands out goes by the request all the same.
    let started = app.guest().header("Host", FORGED[1]).query("/v1/auth/google/authorize", &[("redirect", "http://localhost/")]).await.assert(200);
    let url = url::Url::parse(started["authorizationUrl"].as_str().unwrap()).unwrap();
    assert_eq!(parameter(&url, "redirect_uri").unwrap(), format!("http://{}/v1/auth/google/callback", FORGED[1]));
}

#[actix_web::test]
async fn a_stranger_who_asks_for_mail_cancels_no_pending_change_of_address() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let new = json!({ "email": "mina.new@harbor.test" });
    app.with(&mina.access).post("/v1/auth/email/verify/send", new.clone()).await.assert(200);
    let token = app.mailed_token("mina.new@harbor.test");
    for path in ["/v1/auth/email/verify/send", "/v1/auth/email/verify/resend", "/v1/auth/signup/email/resend", "/v1/auth/password/reset/request"] {
        app.guest().post(path, new.clone()).await.assert(200);
    }
    assert_eq!(app.mails("mina.new@harbor.test").len(), 1, "nobody has this address yet");
    app.guest().post("/v1/auth/email/verify/confirm", json!({ "email": "mina.new@harbor.test", "token": token })).await.assert(200);
    assert_eq!(app.with(&mina.access).get("/v1/auth/me").await.assert(200)["email"], "mina.new@harbor.test");
}

#[actix_web::test]
async fn a_stranger_who_asks_for_mail_voids_no_link_of_somebody_invited() {
    let app = TestApp::start().await;
    app.auth(|c| (c.email.signup_enabled, c.email.email_code_enabled) = (false, true)).await;
    let invitation = json!({ "resourceType": "project", "resourceId": app.project_id(), "resourceRole": "user", "email": "joon@harbor.test" });
    app.secret().post("/v1/auth/invitations", invitation).await.assert(201);
    let invited = app.mailed_token("joon@harbor.test");
    let ask = json!({ "method": "magiclink", "email": "joon@harbor.test", "callbackUrl": "http://localhost/", "invitationToken": invited });
    app.guest().post("/v1/auth/email/signup", ask).await.assert(201);
    let link = app.mailed_token("joon@harbor.test");
    link_to(&app.guest(), "joon@harbor.test", "http://localhost/").await.assert(200);
    app.guest().post("/v1/auth/email/signin", json!({ "method": "otp", "email": "joon@harbor.test" })).await.assert(200);
    assert_eq!(app.mails("joon@harbor.test").len(), 2, "the invitation and the link");
    assert_eq!(app.guest().post("/v1/auth/email/callback", json!({ "token": link })).await.assert(200)["is_new_user"], true);
}

#[track_caller]
fn assert_limited(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 429, "{what}: {}", answer.text);
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), (Some("60"), Some("0")), "{what}");
    let wait: u32 = answer.header("retry-after").unwrap_or_default().parse().unwrap_or_default();
    assert!((1..=60).contains(&wait), "{what}: {wait}");
}

/// Routes that need no key, with a token that is none.
fn open_routes() -> [String; 5] {
    let token = "5e".repeat(32);
    [
        format!("/v1/auth/signup/email/confirm?token={token}&email=mina%40harbor.test"),
        format!("/v1/auth/email/verify/confirm?token={token}&email=mina%40harbor.test"),
        format!("/v1/auth/pages/reset?token={token}&email=mina%40harbor.test"),
        format!("/v1/auth/pages/invitation?token={token}&email=mina%40harbor.test"),
        format!("/v1/auth/google/callback?state={token}&code=c"),
    ]
}

#[actix_web::test]
async fn guesses_on_open_routes_count_before_their_environment_is_known_and_pages_say_when_to_come_back() {
    let app = TestApp::start_with(|s| s.trust_proxy = vec!["127.0.0.0/8".parse().unwrap()]).await;
    for (n, path) in open_routes().iter().enumerate() {
        let peer = app.client().header("X-Forwarded-For", &format!("203.0.113.{n}")).header("Accept", "text/html");
        for _ in 0..60 {
            let answer = peer.get(path).await;
            assert!(matches!(answer.status, 400 | 401 | 404), "{path}: {}", answer.text);
        }
        let refused = peer.get(path).await;
        assert_limited(&refused, path);
        assert!(refused.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
    // One peer is counted over all of them, and in every form of the answer.
    let peer = app.client().header("X-Forwarded-For", "203.0.113.0");
    for path in open_routes() {
        assert_limited(&peer.get(&path).await, &path);
    }
    let back = peer.get(&format!("{}&callbackUrl=http%3A%2F%2Flocalhost%2Fok", open_routes()[0])).await;
    assert!(back.status == 302 && back.header("location").unwrap().contains("error=auth%2Ftoo-many-requests"), "{}", back.text);
}

#[actix_web::test]
async fn guesses_from_this_machine_are_free_unless_an_environment_counts_them() {
    let app = TestApp::start().await;
    let [confirm, _, reset, ..] = open_routes();
    for _ in 0..61 {
        app.client().get(&confirm).await.assert_error(401, "auth/invalid-token");
    }
    app.auth(|c| c.users.throttle_loopback = true).await;
    for _ in 0..60 {
        assert_eq!(app.client().get(&reset).await.status, 404);
    }
    assert_limited(&app.client().get(&reset).await, &reset);
    app.client().get(&confirm).await.assert_error(429, "auth/too-many-requests");
}

#[actix_web::test]
async fn an_authorization_that_is_no_text_is_a_damaged_token() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let damaged = HeaderValue::from_bytes("Bearer ü".as_bytes()).unwrap();
    let send = async |method: Method, path: &str, body: Value| {
        let request = app.guest().request(method, path).header("Authorization", damaged.clone()).header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    };
    send(Method::POST, "/v1/auth/email/signin", json!({ "email": "mina@harbor.test", "password": "tide42" })).await.assert(200);
    send(Method::GET, "/v1/auth/me", json!({})).await.assert_error(401, "auth/invalid-token");
    send(Method::GET, "/v1/users/me", json!({})).await.assert_error(401, "auth/invalid-token");
    let address = json!({ "email": "mina@harbor.test" });
    send(Method::POST, "/v1/auth/email/verify/send", address).await.assert_error(401, "auth/invalid-token");
}
