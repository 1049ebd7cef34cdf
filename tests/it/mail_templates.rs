//! The texts of mails: built-in, own, previewed.

use bkend_local::domain::error::Error;
use bkend_local::domain::mail::{Outgoing, Template};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

fn templates(app: &TestApp) -> String {
    format!("{}/auth/templates", app.environment_path())
}

async fn latest(app: &TestApp) -> Value {
    app.operator().get(&format!("{}/mailbox?limit=1", app.environment_path())).await.assert(200)["items"][0].clone()
}

#[actix_web::test]
async fn six_templates_exist_in_english_and_korean() {
    let app = TestApp::start().await;
    let list = app.operator().get(&templates(&app)).await.assert(200);
    assert_eq!(list["pagination"]["total"], 12);
    let ids: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|t| format!("{}/{}", t["template"].as_str().unwrap(), t["locale"].as_str().unwrap())).collect();
    let names = ["signup_confirmation", "email_verification", "password_reset", "magic_link", "email_code", "invitation"];
    let expected: Vec<String> = names.iter().flat_map(|name| [format!("{name}/en"), format!("{name}/ko")]).collect();
    assert_eq!(ids, expected);
    for template in list["items"].as_array().unwrap() {
        assert_eq!((&template["customized"], &template["unknownVariables"]), (&json!(false), &json!([])));
        assert!(template["variables"].as_array().unwrap().contains(&json!("expiresIn")));
    }
}

#[actix_web::test]
async fn an_own_text_is_saved_read_and_reset() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let path = format!("{}/magic_link/en", templates(&app));
    let saved = operator.put(&path, json!({ "subject": "In  to\n{{appName}}", "body": "<p>{{magicLink}} {{nmae}}</p>" })).await.assert(200);
    assert_eq!((&saved["customized"], &saved["subject"], &saved["unknownVariables"]), (&json!(true), &json!("In to {{appName}}"), &json!(["nmae"])));
    // What is absent stays; other languages stay, too.
    let saved = operator.put(&path, json!({ "subject": "Hello" })).await.assert(200);
    assert_eq!((&saved["subject"], &saved["body"]), (&json!("Hello"), &json!("<p>{{magicLink}} {{nmae}}</p>")));
    let list = operator.get(&templates(&app)).await.assert(200);
    let own: Vec<&Value> = list["items"].as_array().unwrap().iter().filter(|t| t["customized"] == true).collect();
    assert_eq!((own.len(), &own[0]["locale"]), (1, &json!("en")));
    assert_eq!(operator.delete(&path).await.status, 204);
    assert_eq!(operator.delete(&path).await.status, 204);
    let list = operator.get(&templates(&app)).await.assert(200);
    assert!(list["items"].as_array().unwrap().iter().all(|t| t["customized"] == false));
    let path = format!("{}/activities?entityType=template", app.project_path());
    let mut events = Vec::new();
    // Activities leave the outbox after the commit.
    for _ in 0..500 {
        events = column(&operator.get(&path).await.assert(200), "event");
        if events.len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(events, ["template_reset", "template_updated", "template_updated"]);
}

#[actix_web::test]
async fn an_unknown_template_or_language_is_not_found() {
    let app = TestApp::start().await;
    for name in ["welcome/en", "magic_link/de", "magic_link/EN", "MAGIC_LINK/en"] {
        let path = format!("{}/{name}", templates(&app));
        app.operator().put(&path, json!({ "subject": "x" })).await.assert_error(404, "auth/template-not-found");
        app.operator().delete(&path).await.assert_error(404, "auth/template-not-found");
        app.operator().post(&format!("{path}/preview"), json!({})).await.assert_error(404, "auth/template-not-found");
    }
}

#[actix_web::test]
async fn a_subject_has_200_characters_and_a_body_256_kib() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/email_code/ko", templates(&app)));
    operator.put(&path, json!({ "subject": "글".repeat(200), "body": "x".repeat(256 * 1024) })).await.assert(200);
    for (bad, detail) in [
        (json!({ "subject": "글".repeat(201) }), "subject/length"),
        (json!({ "subject": " \n " }), "subject/length"),
        (json!({ "body": "x".repeat(256 * 1024 + 1) }), "body/length"),
        (json!({ "body": "" }), "body/length"),
        (json!({ "body": "{{code}}".repeat(501) }), "body/variables"),
    ] {
        let answer = operator.put(&path, bad.clone()).await;
        assert_eq!(answer.details(), [detail]);
        answer.assert_error(400, "common/invalid-parameters");
        operator.post(&format!("{path}/preview"), bad).await.assert_error(400, "common/invalid-parameters");
    }
    operator.put(&path, json!({ "subject": 7 })).await.assert_error(400, "common/invalid-parameters");
    operator.put(&path, json!({ "body": "x".repeat(1024 * 1024) })).await.assert_error(413, "common/payload-too-large");
}

#[actix_web::test]
async fn a_text_that_changed_meanwhile_is_not_overwritten() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/email_code/en", templates(&app)));
    let answer = operator.put(&path, json!({ "subject": "one" })).await;
    let etag = answer.header("etag").unwrap().to_owned();
    operator.put(&path, json!({ "subject": "two" })).await.assert(200);
    operator.header("If-Match", &etag).put(&path, json!({ "subject": "three" })).await.assert_error(412, "management/version-conflict");
    operator.header("If-Match", &etag).delete(&path).await.assert_error(412, "management/version-conflict");
}

#[actix_web::test]
async fn a_preview_shows_given_or_saved_text_with_sample_or_given_values() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/invitation/en/preview", templates(&app)));
    let built_in = operator.post(&path, json!({})).await.assert(200);
    assert_eq!(built_in["subject"], "Joon invites you to Harbor");
    assert!(built_in["htmlBody"].as_str().unwrap().contains("Hello Mina,") && built_in["textBody"].as_str().unwrap().contains("Hello Mina,"));
    let given = json!({ "subject": "{{inviterName}}!", "body": "<b>{{inviterName}}</b>{{expiresIn}}{{nobody}}", "variables": { "inviterName": "<i>" } });
    let preview = operator.post(&path, given).await.assert(200);
    assert_eq!(preview, json!({ "subject": "<i>!", "htmlBody": "<b>&lt;i&gt;</b>7 days", "textBody": "<i>7 days\n" }));
    let bad =
        [json!({ "variables": { "a": "x".repeat(2_049) } }), json!({ "variables": { "a": [] } }), json!({ "variables": [] }), json!({ "sendTo": "nobody" })];
    for bad in bad {
        operator.post(&path, bad).await.assert(400);
    }
    assert_eq!(operator.get(&format!("{}/mailbox", app.environment_path())).await.assert(200)["pagination"]["total"], 0);
}

#[actix_web::test]
async fn a_preview_is_sent_to_the_mailbox_on_request() {
    let app = TestApp::start().await;
    let path = format!("{}/email_code/ko/preview", templates(&app));
    let preview = app.operator().post(&path, json!({ "body": "<p>{{code}} {{userName}}</p>", "sendTo": " Dev@Harbor.test" })).await.assert(200);
    let mail = latest(&app).await;
    assert_eq!((&mail["to"], &mail["code"], &mail["html"]), (&json!("dev@harbor.test"), &json!("123456"), &json!("<p>123456 Mina</p>")));
    assert_eq!((&mail["subject"], &mail["text"]), (&preview["subject"], &preview["textBody"]));
}

#[actix_web::test]
async fn a_read_only_token_previews_and_neither_saves_nor_sends() {
    let app = TestApp::start().await;
    let made = app.operator().post("/management/v1/account/tokens", json!({ "name": "r", "scope": "read" })).await.assert(201);
    let reader = app.bearer(made["token"].as_str().unwrap());
    let path = format!("{}/email_code/en", templates(&app));
    reader.post(&format!("{path}/preview"), json!({})).await.assert(200);
    reader.post(&format!("{path}/preview"), json!({ "sendTo": "a@harbor.test" })).await.assert_error(403, "auth/insufficient-scope");
    reader.put(&path, json!({ "subject": "x" })).await.assert_error(403, "auth/insufficient-scope");
    reader.delete(&path).await.assert_error(403, "auth/insufficient-scope");
    assert_eq!(latest(&app).await, Value::Null);
}

#[actix_web::test]
async fn own_texts_are_not_sent_while_override_defaults_is_off() {
    let app = TestApp::start().await;
    app.operator().put(&format!("{}/magic_link/en", templates(&app)), json!({ "subject": "Own" })).await.assert(200);
    let environment = app.environment.clone();
    let mail = Outgoing::link(Template::MagicLink, "mina@harbor.test", "http://localhost/", "t", 900);
    app.environment.data().write::<_, Error, _>(move |tx| environment.put_mail(tx, &mail)).await.unwrap();
    assert_eq!(latest(&app).await["subject"], "Your my-blog sign-in link");
}
