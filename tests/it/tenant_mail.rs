//! Mail to developers: the server's mailbox and the relay (`06-console.md` B3, `GET /mailbox` and `/server/smtp`).

use bkend_local::domain::tenancy::Outgoing;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::smtp::MailServer;

const SMTP: &str = "/management/v1/server/smtp";

async fn ask_for_link(app: &TestApp) {
    let visitor = app.client().header("Origin", &app.url);
    visitor.post("/management/v1/auth/magic-link", json!({ "email": "mina@harbor.test" })).await.assert(202);
}

async fn newest(app: &TestApp) -> Value {
    app.operator().get("/management/v1/mailbox").await.assert(200)["items"][0].clone()
}

/// Waits until the newest mail is no longer in a state.
async fn settled(app: &TestApp, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let mail = newest(app).await;
        if is(&mail) {
            return mail;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{}", newest(app).await);
}

#[actix_web::test]
async fn the_relay_is_set_shown_without_its_password_tested_and_removed() {
    let (app, server) = (TestApp::start().await, MailServer::start(None).await);
    let owner = app.operator();
    assert_eq!(owner.get(SMTP).await.assert(200), json!({ "url": null, "from": null, "passwordSet": false, "source": null }));
    owner.post(&format!("{SMTP}/test"), json!({ "to": "a@b.test" })).await.assert_error(400, "server/smtp-failed");
    let url = format!("smtp://mina@127.0.0.1:{}", server.port);
    let set = owner.put(SMTP, json!({ "url": url, "from": "no-reply@harbor.test", "password": "open sesame" })).await.assert(200);
    assert_eq!((&set["passwordSet"], &set["source"], &set["from"]), (&json!(true), &json!("stored"), &json!("no-reply@harbor.test")));
    assert!(!set.to_string().contains("sesame"));
    // A later change that leaves the password out keeps it.
    owner.put(SMTP, json!({ "url": url, "from": "Harbor <no-reply@harbor.test>" })).await.assert(200);
    owner.post(&format!("{SMTP}/test"), json!({ "to": "mina@harbor.test" })).await.assert(200);
    let mail = server.first().await;
    assert_eq!(mail.login.as_deref(), Some("mina:open sesame"));
    assert!(mail.from.contains("no-reply@harbor.test") && mail.to.contains("mina@harbor.test") && mail.content.contains("Harbor"), "{mail:?}");
    let stored = std::fs::read(app.backend.data_dir().join("control.db")).unwrap();
    let log = std::fs::read(app.backend.data_dir().join("control.db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(6).any(|w| w == b"sesame");
    assert!(!holds(&stored) && !holds(&log));
    owner.delete(SMTP).await.assert(204);
    assert_eq!(owner.get(SMTP).await.assert(200)["url"], Value::Null);
}

#[actix_web::test]
async fn a_relay_that_refuses_is_quoted() {
    let (app, server) = (TestApp::start().await, MailServer::start(Some("550 5.1.1 No such mailbox here")).await);
    let owner = app.operator();
    owner.put(SMTP, json!({ "url": format!("smtp://127.0.0.1:{}", server.port), "from": "no-reply@harbor.test" })).await.assert(200);
    let refused = owner.post(&format!("{SMTP}/test"), json!({ "to": "mina@harbor.test" })).await.assert_error(400, "server/smtp-failed");
    assert!(refused["message"].as_str().unwrap().contains("No such mailbox here"), "{refused}");
    // A request for a link goes well all the same; the mailbox says what happened.
    ask_for_link(&app).await;
    let mail = settled(&app, |mail| mail["error"].is_string()).await;
    assert_eq!(mail["delivery"], "queued");
    assert!(mail["error"].as_str().unwrap().contains("No such mailbox here"));
}

#[actix_web::test]
async fn mail_goes_to_mailbox_and_relay() {
    let server = MailServer::start(None).await;
    let relay = Outgoing::parse(&format!("smtp://127.0.0.1:{}?from=no-reply@harbor.test", server.port)).unwrap();
    let app = TestApp::start_with(move |s| s.relay = Some(relay)).await;
    assert_eq!(app.operator().get(SMTP).await.assert(200)["source"], "environment");
    ask_for_link(&app).await;
    let mail = settled(&app, |mail| mail["delivery"] == "sent").await;
    assert_eq!((&mail["to"], &mail["from"], &mail["template"]), (&json!("mina@harbor.test"), &json!("no-reply@harbor.test"), &json!("magic_link")));
    let taken = server.first().await;
    assert!(taken.content.contains("text/plain") && taken.content.contains("text/html") && taken.content.contains("Your bkend-local sign-in link"));
}

#[actix_web::test]
async fn mailbox_and_relay_are_the_server_owners_in_person() {
    let app = TestApp::start().await;
    let token = app.operator().post("/management/v1/account/tokens", json!({ "name": "ci" })).await.assert(201);
    let token = app.bearer(token["token"].as_str().unwrap());
    let mina = app.member("mina", "owner").await;
    for caller in [&token, &mina.client] {
        caller.get("/management/v1/mailbox").await.assert_error(403, "management/forbidden");
        caller.put(SMTP, json!({ "url": "smtp://localhost", "from": "a@b.test" })).await.assert_error(403, "management/forbidden");
        caller.delete(SMTP).await.assert_error(403, "management/forbidden");
        caller.post(&format!("{SMTP}/test"), json!({ "to": "a@b.test" })).await.assert_error(403, "management/forbidden");
    }
    mina.get(SMTP).await.assert_error(403, "management/forbidden");
    app.client().get("/management/v1/mailbox").await.assert_error(401, "common/authentication-required");
    app.console(None).await.get("/management/v1/mailbox").await.assert(200);
}

#[actix_web::test]
async fn a_relay_that_is_none_is_refused_naming_the_field() {
    let app = TestApp::start().await;
    let bad = [
        (json!({ "url": "http://mail.test", "from": "a@b.test" }), "url"),
        (json!({ "url": "smtp://mail.test", "from": "nobody" }), "from"),
        (json!({ "url": "smtp://mail.test", "from": "a@b.test\r\nBcc: c@d.test" }), "from"),
        (json!({ "url": "smtp://mail.test", "from": "a@b.test", "password": "x" }), "url"),
        (json!({ "from": "a@b.test" }), "url"),
    ];
    for (body, field) in bad {
        let answer = app.operator().put(SMTP, body).await;
        assert_eq!(answer.details(), [format!("{field}/parameter")]);
        answer.assert_error(400, "common/invalid-parameters");
    }
}
