//! Delivery by SMTP: sent, refused, tried again, also after a restart.

use bkend_local::domain::error::Error;
use bkend_local::domain::mail::{Outgoing, Template};
use bkend_local::store::data::MailRow;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::smtp::MailServer;

async fn set_smtp(app: &TestApp, smtp: Value) {
    let path = format!("{}/auth/config", app.environment_path());
    app.operator().patch(&path, json!({ "mail": { "senderEmail": "no-reply@harbor.test", "smtp": smtp } })).await.assert(200);
}

async fn put(app: &TestApp, mail: Outgoing) {
    let environment = app.environment.clone();
    app.environment.data().write::<_, Error, _>(move |tx| environment.put_mail(tx, &mail)).await.unwrap();
}

fn magic_link() -> Outgoing {
    Outgoing::link(Template::MagicLink, "mina@harbor.test", "http://localhost:5173/?token=9f3c", "9f3c", 900)
}

/// The newest mail, once it is as wanted.
async fn settled(app: &TestApp, is: impl Fn(&Value) -> bool) -> Value {
    let mut newest = Value::Null;
    for _ in 0..500 {
        newest = app.operator().get(&format!("{}/mailbox?limit=1", app.environment_path())).await.assert(200)["items"][0].clone();
        if is(&newest) {
            return newest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{newest}");
}

#[actix_web::test]
async fn mail_goes_to_the_mailbox_and_by_smtp_in_both_parts() {
    let (app, server) = (TestApp::start().await, MailServer::start(None).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "username": "mina", "password": "open sesame", "security": "none" })).await;
    put(&app, magic_link()).await;
    let mail = settled(&app, |mail| mail["delivery"] == "sent").await;
    assert_eq!((&mail["error"], &mail["from"]), (&Value::Null, &json!("my-blog <no-reply@harbor.test>")));
    let taken = server.first().await;
    assert_eq!(taken.login.as_deref(), Some("mina:open sesame"));
    assert!(taken.from.contains("no-reply@harbor.test") && taken.to.contains("mina@harbor.test"), "{taken:?}");
    assert!(taken.content.contains("text/plain") && taken.content.contains("text/html") && taken.content.contains("Subject: Your my-blog sign-in link"));
}

#[actix_web::test]
async fn an_address_of_unusual_characters_gets_its_mail_and_nobody_else_does() {
    let (app, server) = (TestApp::start().await, MailServer::start(None).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "security": "none" })).await;
    for (n, local) in ["a\"b", "a,b", "a(b)", "a:b", "<x>;\\", "a..b"].into_iter().enumerate() {
        let email = format!("{local}@harbor.test");
        let body = json!({ "email": email, "password": "tide42", "name": "Mina" });
        assert_eq!(app.guest().post("/v1/auth/email/signup", body).await.assert(201)["user"]["email"], email.as_str());
        app.guest().post("/v1/auth/password/reset/request", json!({ "email": email })).await.assert(200);
        settled(&app, |mail| mail["delivery"] == "sent" && mail["to"] == email.as_str()).await;
        let taken = server.nth(n).await;
        let quoted = format!("\"{}\"@harbor.test", local.replace('\\', "\\\\").replace('"', "\\\""));
        assert!(taken.to.contains(&format!("RCPT TO:<{quoted}>")), "{taken:?}");
        assert!(taken.content.contains(&format!("To: {quoted}\n")), "{taken:?}");
    }
}

#[actix_web::test]
async fn a_header_cannot_be_smuggled_in() {
    let (app, server) = (TestApp::start().await, MailServer::start(None).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "security": "none" })).await;
    let invitation = Outgoing::link(Template::Invitation, "mina@harbor.test", "http://localhost/", "t", 604_800)
        .with("inviterName", "Joon\r\nBcc: all@harbor.test\r\n\r\nbody")
        .with("resourceName", "a\nX-Evil: 1");
    put(&app, invitation).await;
    settled(&app, |mail| mail["delivery"] == "sent").await;
    let taken = server.first().await;
    let head = taken.content.split("\n\n").next().unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("X-Evil:") || line == "body"), "{head}");
}

#[actix_web::test]
async fn a_refusal_is_told_and_does_not_fail_what_the_mail_belongs_to() {
    let (app, server) = (TestApp::start().await, MailServer::start(Some("550 5.1.1 No such mailbox here")).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "security": "none" })).await;
    put(&app, magic_link()).await;
    let mail = settled(&app, |mail| mail["error"].is_string()).await;
    assert_eq!(mail["delivery"], "queued", "it is tried again");
    assert!(mail["error"].as_str().unwrap().contains("No such mailbox here"), "{mail}");
}

/// Moves the clock ahead and has the sender look at it.
async fn later(app: &TestApp, seconds: i64) {
    app.wait(seconds);
    put(app, Outgoing::code("joon@harbor.test", "123456", 600)).await;
}

/// A mail once this many attempts to send it have ended.
async fn attempted(app: &TestApp, id: &str, attempts: u32) -> MailRow {
    for _ in 0..500 {
        let id = id.to_owned();
        let mail = app.environment.data().read::<_, Error, _>(move |r| Ok(r.mail(&id)?)).await.unwrap().unwrap();
        let between = mail.due_at.is_some_and(|due| due > app.environment.now() + 50_000) && mail.error.is_some();
        if mail.attempts == attempts && (between || mail.delivery == "failed") {
            return mail;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{attempts} attempts were never made");
}

#[actix_web::test]
async fn three_retries_follow_after_1_5_and_25_minutes_and_then_the_mail_has_failed() {
    let (app, server) = (TestApp::start().await, MailServer::start(Some("451 4.7.1 Come back later")).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "security": "none" })).await;
    put(&app, magic_link()).await;
    let id = app.mail("mina@harbor.test").id;
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 25)] {
        let mail = attempted(&app, &id, attempt).await;
        let left = mail.due_at.unwrap() - app.environment.now();
        assert!(left > (minutes - 1) * 60_000 && left <= minutes * 60_000, "{left} ms after attempt {attempt}");
        later(&app, minutes * 60 + 1).await;
    }
    let mail = attempted(&app, &id, 4).await;
    assert_eq!((mail.delivery.as_str(), mail.due_at), ("failed", None));
    assert!(mail.error.unwrap().contains("Come back later"));
}

#[actix_web::test]
async fn a_mail_server_that_cannot_be_reached_fails_no_request() {
    let app = TestApp::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": closed, "security": "none" })).await;
    let link = json!({ "method": "magiclink", "email": "mina@harbor.test", "callbackUrl": "http://localhost:5173/in" });
    app.guest().post("/v1/auth/email/signin", link).await.assert(200);
    assert_eq!(app.mail("mina@harbor.test").delivery, "queued");
    let token = app.mailed_token("mina@harbor.test");
    app.guest().post("/v1/auth/email/callback", json!({ "token": token })).await.assert(200);
}

#[actix_web::test]
async fn without_tls_where_tls_is_asked_for_nothing_is_sent() {
    let (app, server) = (TestApp::start().await, MailServer::start(None).await);
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "username": "mina", "password": "open sesame", "security": "starttls" })).await;
    put(&app, magic_link()).await;
    let mail = settled(&app, |mail| mail["error"].is_string()).await;
    assert_eq!(mail["delivery"], "queued");
    assert!(!mail.to_string().contains("open sesame"));
}

#[actix_web::test]
async fn a_retry_survives_a_restart_and_a_mail_without_server_stays_local() {
    let app = TestApp::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": closed, "security": "none" })).await;
    put(&app, magic_link()).await;
    settled(&app, |mail| mail["error"].is_string()).await;
    let server = MailServer::start(None).await;
    set_smtp(&app, json!({ "host": "127.0.0.1", "port": server.port, "security": "none" })).await;
    // Its next minute has come while nothing ran.
    let due = app.environment.data().read::<_, Error, _>(|r| Ok(r.queued_mails(10)?)).await.unwrap();
    assert_eq!((due.len(), due[0].attempts), (1, 1));
    let hurried = bkend_local::store::data::MailRow { due_at: Some(0), ..due[0].clone() };
    app.environment.data().write::<_, Error, _>(move |tx| Ok(tx.set_mail_delivery(&hurried)?)).await.unwrap();
    let app = app.restart().await;
    let mail = settled(&app, |mail| mail["delivery"] == "sent").await;
    assert_eq!(mail["error"], Value::Null);
    server.first().await;
    set_smtp(&app, Value::Null).await;
    put(&app, magic_link()).await;
    settled(&app, |mail| mail["delivery"] == "local").await;
}
