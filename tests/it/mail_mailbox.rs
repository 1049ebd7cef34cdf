//! The mailbox of an environment: what is written, who reads it, and what is kept.

use bkend_local::domain::error::{Code, Error};
use bkend_local::domain::mail::{Outgoing, Template};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

const LINK: &str = "http://localhost:5173/in?x=1&token=9f3c";

fn magic_link(to: &str) -> Outgoing {
    Outgoing::link(Template::MagicLink, to, LINK, "9f3c", 900)
}

/// Writes a mail in a transaction of its own; answers its id.
async fn put(app: &TestApp, mail: Outgoing) -> String {
    let environment = app.environment.clone();
    app.environment.data().write::<_, Error, _>(move |tx| environment.put_mail(tx, &mail)).await.unwrap()
}

fn mailbox(app: &TestApp) -> String {
    format!("{}/mailbox", app.environment_path())
}

#[actix_web::test]
async fn a_mail_has_every_member_of_its_record() {
    let app = TestApp::start().await;
    let id = put(&app, magic_link("mina@harbor.test").user(Some("Mina"), None)).await;
    let mail = app.operator().get(&format!("{}/{id}", mailbox(&app))).await.assert(200);
    let members: Vec<&str> = mail.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["id", "template", "to", "from", "subject", "html", "text", "variables", "link", "token", "code", "delivery", "error", "read", "createdAt"];
    assert_eq!(members, expected);
    assert_eq!((&mail["template"], &mail["to"]), (&json!("magic_link"), &json!("mina@harbor.test")));
    assert_eq!(mail["from"], "my-blog <no-reply@bkend.local>");
    assert_eq!(mail["subject"], "Your my-blog sign-in link");
    assert_eq!((&mail["link"], &mail["token"], &mail["code"]), (&json!(LINK), &json!("9f3c"), &Value::Null));
    assert_eq!((&mail["delivery"], &mail["error"], &mail["read"]), (&json!("local"), &Value::Null, &json!(false)));
    assert!(mail["html"].as_str().unwrap().contains("http://localhost:5173/in?x=1&amp;token=9f3c"));
    assert!(mail["text"].as_str().unwrap().contains(LINK) && mail["text"].as_str().unwrap().contains("15 minutes"));
    let variables = &mail["variables"];
    assert_eq!((&variables["userName"], &variables["userEmail"], &variables["appName"]), (&json!("Mina"), &json!("mina@harbor.test"), &json!("my-blog")));
    assert_eq!((&variables["expiresIn"], &variables["magicLink"], &variables["token"]), (&json!("15 minutes"), &json!(LINK), &json!("9f3c")));
    assert_eq!((&variables["brandColor"], &variables["senderName"], &variables["logoUrl"]), (&json!("#4F46E5"), &json!("my-blog"), &Value::Null));
}

#[actix_web::test]
async fn a_mail_is_written_in_the_transaction_of_its_secret() {
    let app = TestApp::start().await;
    let environment = app.environment.clone();
    let undone = app.environment.data().write::<(), Error, _>(move |tx| {
        environment.put_mail(tx, &magic_link("mina@harbor.test"))?;
        Err(Error::new(Code::INVALID_PARAMETERS, "the rest failed"))
    });
    assert!(undone.await.is_err());
    assert_eq!(app.operator().get(&mailbox(&app)).await.assert(200)["pagination"]["total"], 0);
}

#[actix_web::test]
async fn the_language_is_that_of_the_user_else_the_default() {
    let app = TestApp::start().await;
    for (locale, subject) in [(Some("ko-KR"), "my-blog 로그인 링크입니다"), (Some("de"), "Your my-blog sign-in link"), (None, "Your my-blog sign-in link")]
    {
        let id = put(&app, magic_link("mina@harbor.test").user(None, locale)).await;
        let mail = app.operator().get(&format!("{}/{id}", mailbox(&app))).await.assert(200);
        assert_eq!(mail["subject"], subject);
        assert_eq!(mail["variables"]["userName"], "mina");
        assert_eq!(mail["variables"]["expiresIn"], if locale == Some("ko-KR") { "15분" } else { "15 minutes" });
    }
}

#[actix_web::test]
async fn the_mailbox_is_searched_by_address_template_text_and_unread_newest_first() {
    let app = TestApp::start().await;
    let first = put(&app, magic_link("mina@harbor.test")).await;
    let second = put(&app, Outgoing::code("joon@harbor.test", "418203", 600)).await;
    let third = put(&app, Outgoing::link(Template::PasswordReset, "mina@harbor.test", "http://localhost/r", "t", 86_400)).await;
    let operator = app.operator();
    let find = async |query: &str| column(&operator.get(&format!("{}?{query}", mailbox(&app))).await.assert(200), "id");
    assert_eq!(find("").await, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(find("to=%20MINA@harbor.test").await, [third.clone(), first.clone()]);
    assert_eq!(find("to=mina").await, [""; 0]);
    assert_eq!(find("template=email_code").await, std::slice::from_ref(&second));
    assert_eq!(find("search=418203").await, std::slice::from_ref(&second));
    assert_eq!(find("search=NEW%20password").await, std::slice::from_ref(&third));
    assert_eq!(find("search=%25").await, [""; 0]);
    assert_eq!(find("limit=1&page=2").await, std::slice::from_ref(&second));
    let marked = operator.patch(&format!("{}/{first}", mailbox(&app)), json!({ "read": true })).await.assert(200);
    assert_eq!(marked["read"], true);
    assert_eq!(find("unread=true").await, [third.clone(), second.clone()]);
    assert_eq!(find("unread=false").await, std::slice::from_ref(&first));
    operator.patch(&format!("{}/{first}", mailbox(&app)), json!({ "read": false })).await.assert(200);
    assert_eq!(find("unread=true&to=mina@harbor.test").await, [third, first]);
    for bad in ["unread=maybe", "limit=0", &format!("search={}", "x".repeat(101))] {
        operator.get(&format!("{}?{bad}", mailbox(&app))).await.assert_error(400, "common/invalid-parameters");
    }
    operator.patch(&format!("{}/{second}", mailbox(&app)), json!({ "read": "yes" })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn mail_is_deleted_one_by_one_by_filter_or_all_at_once() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let first = put(&app, magic_link("a@harbor.test")).await;
    for to in ["a@harbor.test", "b@harbor.test", "c@harbor.test"] {
        put(&app, magic_link(to)).await;
    }
    let one = format!("{}/{first}", mailbox(&app));
    assert_eq!(operator.delete(&one).await.status, 204);
    operator.delete(&one).await.assert_error(404, "mail/not-found");
    operator.get(&one).await.assert_error(404, "mail/not-found");
    operator.patch(&one, json!({ "read": true })).await.assert_error(404, "mail/not-found");
    assert_eq!(operator.delete(&format!("{}?to=b@harbor.test", mailbox(&app))).await.status, 204);
    assert_eq!(column(&operator.get(&mailbox(&app)).await.assert(200), "to"), ["c@harbor.test", "a@harbor.test"]);
    assert_eq!(operator.delete(&mailbox(&app)).await.status, 204);
    assert_eq!(operator.get(&mailbox(&app)).await.assert(200)["pagination"]["total"], 0);
}

#[actix_web::test]
async fn the_newest_1_000_are_kept() {
    let app = TestApp::start().await;
    let environment = app.environment.clone();
    let write =
        move |tx: &mut bkend_local::store::Tx<'_>| (0..1_003).try_for_each(|n| environment.put_mail(tx, &magic_link(&format!("u{n}@harbor.test"))).map(drop));
    app.environment.data().write::<_, Error, _>(write).await.unwrap();
    let newest = app.operator().get(&format!("{}?limit=1", mailbox(&app))).await.assert(200);
    assert_eq!((&newest["pagination"]["total"], &newest["items"][0]["to"]), (&json!(1_000), &json!("u1002@harbor.test")));
    let oldest = app.operator().get(&format!("{}?limit=1&page=1000", mailbox(&app))).await.assert(200);
    assert_eq!(oldest["items"][0]["to"], "u3@harbor.test");
}

#[actix_web::test]
async fn only_developers_who_are_members_read_mail() {
    let app = TestApp::start().await;
    put(&app, magic_link("mina@harbor.test")).await;
    let path = mailbox(&app);
    for client in [app.guest(), app.secret(), app.client(), app.user("mina", "admin").await.client] {
        client.get(&path).await.assert_error(401, "common/authentication-required");
    }
    app.developer("stranger").await.get(&path).await.assert_error(404, "project/not-found");
    app.member("biller", "billing").await.get(&path).await.assert_error(403, "organization/permission-denied");
    app.member("member", "member").await.get(&path).await.assert(200);
    let elsewhere = json!({ "environment": "staging" });
    app.operator().post(&format!("{}/environments", app.project_path()), elsewhere).await.assert(201);
    let other = app.operator().get(&format!("{}/environments/staging/mailbox", app.project_path())).await.assert(200);
    assert_eq!(other["pagination"]["total"], 0);
}

#[actix_web::test]
async fn names_bring_neither_html_nor_headers_into_a_mail() {
    let app = TestApp::start().await;
    let invitation = Outgoing::link(Template::Invitation, "mina@harbor.test", "http://localhost/i?token=1", "1", 604_800)
        .user(Some("<script>alert(1)</script>{{token}}"), None)
        .with("inviterName", "Joon\r\nBcc: all@harbor.test")
        .with("resourceName", "\"><img src=x onerror=alert(1)>");
    let id = put(&app, invitation).await;
    let mail = app.operator().get(&format!("{}/{id}", mailbox(&app))).await.assert(200);
    let (subject, html) = (mail["subject"].as_str().unwrap(), mail["html"].as_str().unwrap());
    assert_eq!(subject, "Joon Bcc: all@harbor.test invites you to \"><img src=x onerror=alert(1)>");
    assert!(!html.contains("<script>") && !html.contains("<img src=x"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;{{token}}"), "{html}");
}

#[actix_web::test]
async fn an_ai_client_reads_mail_without_html_and_waits_for_it() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let place = |more: Value| {
        let mut place = json!({ "projectId": app.project_id(), "environment": "dev" });
        place.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        place
    };
    let none = tools.ok("backend_mail_list", place(json!({ "to": "mina@harbor.test", "wait": 0 }))).await;
    assert_eq!(none["items"], json!([]));
    let waiting = tools.ok("backend_mail_list", place(json!({ "to": "mina@harbor.test", "template": "magic_link", "wait": 30 })));
    let arriving = async {
        put(&app, magic_link("joon@harbor.test")).await;
        put(&app, magic_link("mina@harbor.test")).await
    };
    let (list, id) = futures_util::future::join(waiting, arriving).await;
    let mail = &list["items"][0];
    assert_eq!((&mail["id"], &mail["link"], &mail["token"]), (&json!(id), &json!(LINK), &json!("9f3c")));
    assert!(mail.get("html").is_none() && mail["text"].as_str().unwrap().contains(LINK), "{mail}");
    let one = tools.ok("backend_mail_list", place(json!({ "mailId": id }))).await;
    assert_eq!((&one["id"], one.get("html")), (&json!(id), None));
    assert_eq!(tools.ok("backend_mail_list", place(json!({ "since": "2999-01-01" }))).await["items"], json!([]));
    for bad in [json!({ "wait": 31 }), json!({ "wait": -1 }), json!({ "since": "yesterday" })] {
        tools.fails("backend_mail_list", place(bad), "common/invalid-parameters").await;
    }
    tools.fails("backend_mail_list", place(json!({ "mailId": "nothing" })), "mail/not-found").await;
    app.tools_of_member("bill", "billing").await.fails("backend_mail_list", place(json!({})), "organization/permission-denied").await;
}
