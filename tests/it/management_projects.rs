//! Projects, environments, keys, CORS and the audit log (`06-console.md` A8, B2, B3).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

async fn projects_path(app: &TestApp) -> String {
    format!("/management/v1/organizations/{}/projects", app.organization_id().await)
}

#[actix_web::test]
async fn a_project_comes_with_dev_and_a_publishable_key() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), projects_path(&app).await);
    let made = operator.post(&path, json!({ "name": "Tide Tables", "description": "Tides" })).await.assert(201);
    assert_eq!((&made["slug"], &made["status"], &made["primaryCloud"]), (&json!("tide-tables"), &json!("active"), &json!("local")));
    assert_eq!((&made["environmentCount"], &made["environments"][0]["environment"]), (&json!(1), &json!("dev")));
    assert_eq!(made["settings"], json!({ "responseEnvelope": "bare", "requestLogBodies": "dev", "dataRateLimit": null }));
    let key = made["publishableKey"].as_str().unwrap();
    assert_eq!(app.backend.keys().resolve(app.backend.control(), key).await.unwrap().name, "Default");
    let shown = operator.get(&format!("/management/v1/projects/{}", made["id"].as_str().unwrap())).await.assert(200);
    assert!(shown.get("publishableKey").is_none());
    operator.post(&path, json!({ "name": "Tide Tables" })).await.assert_error(409, "project/already-exists");
    operator.post(&path, json!({ "name": "Other", "slug": "tide-tables" })).await.assert_error(409, "project/already-exists");
    operator.post(&path, json!({})).await.assert_error(400, "common/invalid-parameters");
    operator.post(&path, json!({ "name": "x", "slug": "A" })).await.assert_error(400, "common/invalid-parameters");
    app.member("mina", "member").await.post(&path, json!({ "name": "n" })).await.assert_error(403, "organization/permission-denied");
    assert_eq!(column(&operator.get(&path).await.assert(200), "slug"), ["my-blog", "tide-tables"]);
}

#[actix_web::test]
async fn settings_are_merged_by_key_and_apply_at_once() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), app.project_path());
    let body = json!({ "name": "Blog", "settings": { "responseEnvelope": "envelope", "unknown": 1 } });
    let patched = operator.patch(&path, body).await.assert(200);
    assert_eq!(patched["name"], "Blog");
    assert_eq!(patched["settings"], json!({ "responseEnvelope": "envelope", "requestLogBodies": "dev", "dataRateLimit": null }));
    let cached = app.environment.project().settings();
    assert_eq!(cached.response_envelope, bkend_local::domain::project::Envelope::Envelope);
    let patched = operator.patch(&path, json!({ "settings": { "dataRateLimit": 60, "requestLogBodies": "none" } })).await.assert(200);
    assert_eq!(patched["settings"], json!({ "responseEnvelope": "envelope", "requestLogBodies": "none", "dataRateLimit": 60 }));
    for (body, field) in [
        (json!({ "settings": { "responseEnvelope": "paper" } }), "settings.responseEnvelope"),
        (json!({ "settings": { "dataRateLimit": 0 } }), "settings.dataRateLimit"),
        (json!({ "settings": { "dataRateLimit": "many" } }), "settings.dataRateLimit"),
        (json!({ "settings": { "requestLogBodies": true } }), "settings.requestLogBodies"),
        (json!({ "settings": [] }), "settings"),
        (json!({ "name": null, "slug": "?" }), "slug"),
    ] {
        let answer = operator.patch(&path, body).await;
        assert_eq!(answer.details(), [format!("{field}/parameter")]);
        answer.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn changes_are_refused_when_if_match_names_another_version() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), app.project_path());
    let first = operator.get(&path).await.header("etag").unwrap().to_owned();
    let answer = operator.header("If-Match", &first).patch(&path, json!({ "description": "one" })).await;
    let second = answer.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    answer.assert(200);
    let conflict = operator.header("If-Match", &first).patch(&path, json!({ "description": "two" })).await;
    let body = conflict.assert_error(412, "management/version-conflict");
    assert_eq!(body["error"]["details"][0]["current"]["description"], "one");
    operator.header("If-Match", &format!("W/{second}")).patch(&path, json!({})).await.assert_error(412, "management/version-conflict");
    operator.header("If-Match", "nonsense").patch(&path, json!({})).await.assert_error(400, "data/invalid-header");
    operator.header("If-Match", &format!("{first}, {second}")).patch(&path, json!({ "description": "two" })).await.assert(200);
    operator.header("If-Match", "*").patch(&path, json!({ "description": "three" })).await.assert(200);
}

#[actix_web::test]
async fn a_slug_can_be_changed_unless_taken() {
    let app = TestApp::start().await;
    let operator = app.operator();
    operator.post(&projects_path(&app).await, json!({ "name": "Second" })).await.assert(201);
    assert_eq!(operator.patch(&app.project_path(), json!({ "slug": "renamed" })).await.assert(200)["slug"], "renamed");
    operator.patch(&app.project_path(), json!({ "slug": "second" })).await.assert_error(409, "project/already-exists");
}

#[actix_web::test]
async fn a_deleted_project_is_gone_with_its_keys_and_directories() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let made = operator.post(&projects_path(&app).await, json!({ "name": "Doomed" })).await.assert(201);
    let path = format!("/management/v1/projects/{}", made["id"].as_str().unwrap());
    operator.get(&format!("{path}/environments/dev")).await.assert(200);
    let directory = app.backend.data_dir().join("env").join(made["environments"][0]["id"].as_str().unwrap());
    assert!(directory.exists());
    operator.delete(&path).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{path}?confirm=Doomed")).await.assert(204);
    assert!(!directory.exists());
    operator.get(&path).await.assert_error(404, "project/not-found");
    let key = made["publishableKey"].as_str().unwrap();
    assert_eq!(app.backend.keys().resolve(app.backend.control(), key).await.unwrap_err().code().name, "auth/invalid-api-key");
}

#[actix_web::test]
async fn at_most_three_full_origins_are_listed() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/cors", app.project_path()));
    assert_eq!(operator.get(&path).await.assert(200), json!({ "origins": [] }));
    let body = json!({ "origins": ["HTTPS://Shop.Example/", "http://10.0.0.2:8080"] });
    let set = operator.put(&path, body).await.assert(200);
    assert_eq!(set, json!({ "origins": ["https://shop.example", "http://10.0.0.2:8080"] }));
    assert!(app.environment.project().allows_origin("https://shop.example"));
    let tag = operator.get(&path).await.header("etag").unwrap().to_owned();
    operator.header("If-Match", "\"old\"").put(&path, json!({ "origins": [] })).await.assert_error(412, "management/version-conflict");
    operator.header("If-Match", &tag).put(&path, json!({ "origins": [] })).await.assert(200);
    assert!(!app.environment.project().allows_origin("https://shop.example"));
    let four: Vec<String> = (0..4).map(|i| format!("https://a{i}.example")).collect();
    operator.put(&path, json!({ "origins": four })).await.assert_error(400, "project/too-many-origins");
    for bad in ["*", "https://*.example", "https://a.example/x", "a.example"] {
        operator.put(&path, json!({ "origins": [bad] })).await.assert_error(400, "project/invalid-origin");
    }
    operator.put(&path, json!({})).await.assert_error(400, "common/invalid-parameters");
    operator.put(&path, json!({ "origins": "https://a.example" })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn environments_are_made_once_and_never_the_last_one_deleted() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/environments", app.project_path()));
    operator.delete(&format!("{path}/dev?confirm=dev")).await.assert_error(409, "environment/last-environment");
    let made = operator.post(&path, json!({ "environment": "staging" })).await.assert(201);
    assert_eq!((&made["environmentType"], &made["status"]), (&json!("staging"), &json!("active")));
    assert!(made.get("alreadyExisted").is_none());
    let key = made["publishableKey"].as_str().unwrap();
    assert_eq!(app.backend.keys().resolve(app.backend.control(), key).await.unwrap().environment_id, made["id"].as_str().unwrap());
    let again = operator.post(&path, json!({ "environment": "staging", "environmentType": "staging" })).await.assert(200);
    assert_eq!((&again["alreadyExisted"], &again["id"], &again["publishableKey"]), (&json!(true), &made["id"], &made["publishableKey"]));
    operator.post(&path, json!({ "environment": "staging", "environmentType": "prod" })).await.assert_error(409, "environment/already-exists");
    operator.post(&path, json!({ "environment": "Staging" })).await.assert_error(400, "environment/invalid-name");
    operator.post(&path, json!({ "environment": "x", "environmentType": "moon" })).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(operator.post(&path, json!({ "environment": "pr-12" })).await.assert(201)["environmentType"], "custom");
    assert_eq!(column(&operator.get(&path).await.assert(200), "environment"), ["dev", "staging", "pr-12"]);
    let directory = app.backend.data_dir().join("env").join(made["id"].as_str().unwrap());
    assert!(directory.exists());
    operator.delete(&format!("{path}/staging")).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{path}/{}?confirm=staging", made["id"].as_str().unwrap())).await.assert(204);
    assert!(!directory.exists());
    operator.get(&format!("{path}/staging")).await.assert_error(404, "data/environment-not-found");
    app.client().header("X-API-Key", key).get("/v1/data/x").await.assert_error(401, "auth/invalid-api-key");
}

#[actix_web::test]
async fn an_environment_shows_what_it_holds_and_what_is_left_to_do() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), app.environment_path());
    app.user("ann", "user").await;
    let environment = operator.get(&path).await.assert(200);
    assert_eq!((&environment["stats"]["users"], &environment["stats"]["rows"], &environment["stats"]["tables"]), (&json!(1), &json!(0), &json!(0)));
    let stats = operator.get(&format!("{path}/stats")).await.assert(200);
    assert!(stats["sizeBytes"].as_u64().unwrap() > 0);
    let steps = operator.get(&format!("{path}/checklist")).await.assert(200);
    let done: Vec<&str> = steps.as_array().unwrap().iter().filter(|s| s["done"] == true).map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(done, ["sign-up-user"]);
}

#[actix_web::test]
async fn publishable_keys_stay_visible_and_secret_ones_are_shown_once() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/keys", app.environment_path()));
    let list = operator.get(&path).await.assert(200);
    assert_eq!(column(&list, "key"), [app.publishable_key.as_str(), ""]);
    let secret = operator.post(&path, json!({ "type": "secret", "name": "Server", "scopes": ["posts:read"] })).await.assert(201);
    let value = secret["key"].as_str().unwrap();
    assert!(value.starts_with("sk_") && value.len() == 67);
    assert_eq!((&secret["scopes"], &secret["status"]), (&json!(["posts:read"]), &json!("active")));
    assert_eq!(secret["createdBy"]["type"], "cli");
    assert!(!operator.get(&path).await.text.contains(value));
    let made = operator.post(&path, json!({ "name": "Web", "expiresAt": "2999-01-01T00:00:00Z" })).await.assert(201);
    assert_eq!((&made["type"], &made["expiresAt"]), (&json!("publishable"), &json!("2999-01-01T00:00:00.000Z")));
    let mina = app.member("mina", "member").await;
    assert_eq!(column(&mina.get(&path).await.assert(200), "type"), ["publishable", "publishable"]);
    mina.post(&path, json!({ "type": "secret", "name": "S" })).await.assert_error(403, "organization/permission-denied");
    mina.post(&path, json!({ "type": "publishable", "name": "P" })).await.assert(201);
    let of_secret = format!("{path}/{}", secret["id"].as_str().unwrap());
    mina.delete(&format!("{of_secret}?confirm=Server")).await.assert_error(403, "organization/permission-denied");
}

#[actix_web::test]
async fn key_bodies_are_checked() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/keys", app.environment_path()));
    operator.post(&path, json!({ "name": "Default" })).await.assert_error(409, "key/name-taken");
    operator.post(&path, json!({ "name": "a", "value": app.publishable_key })).await.assert_error(409, "key/value-taken");
    for value in ["pk_short", &format!("pk_{}", "F".repeat(64)), &format!("xx_{}", "f".repeat(64))] {
        operator.post(&path, json!({ "name": "a", "value": value })).await.assert_error(400, "key/invalid-value");
    }
    let value = format!("sk_{}", "0".repeat(64));
    operator.post(&path, json!({ "name": "a", "type": "publishable", "value": value })).await.assert_error(400, "key/invalid-value");
    for body in [
        json!({}),
        json!({ "name": "a", "type": "gold" }),
        json!({ "name": "a", "scopes": ["posts:fly"] }),
        json!({ "name": "a", "scopes": "posts:read" }),
        json!({ "name": "a", "expiresAt": "2001-01-01" }),
    ] {
        operator.post(&path, body).await.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn an_existing_value_is_adopted_and_shown_masked() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/keys", app.environment_path()));
    let value = format!("pk_{}", "a1".repeat(32));
    let made = operator.post(&path, json!({ "name": "Cloud", "value": value })).await.assert(201);
    assert!(made.get("key").is_none() && made["maskedKey"].as_str().unwrap().contains('…'));
    assert_eq!(app.backend.keys().resolve(app.backend.control(), &value).await.unwrap().name, "Cloud");
}

#[actix_web::test]
async fn a_deleted_key_is_refused_from_the_next_request_on() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/keys", app.environment_path()));
    let made = operator.post(&path, json!({ "type": "secret", "name": "Old" })).await.assert(201);
    let value = made["key"].as_str().unwrap();
    let with_key = app.client().header("X-API-Key", value);
    with_key.get("/v1/data/nothing").await.assert_error(404, "data/table-not-found");
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(operator.patch(&own, json!({ "name": "Older" })).await.assert(200)["name"], "Older");
    operator.patch(&own, json!({ "name": "Default" })).await.assert_error(409, "key/name-taken");
    operator.delete(&own).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{own}?confirm=Older")).await.assert(204);
    with_key.get("/v1/data/nothing").await.assert_error(401, "auth/api-key-revoked");
    operator.delete(&format!("{own}?confirm=Older")).await.assert_error(404, "access-token/not-found");
    operator.patch(&own, json!({ "name": "x" })).await.assert_error(404, "access-token/not-found");
    assert!(!column(&operator.get(&path).await.assert(200), "name").contains(&"Older".to_owned()));
    assert_eq!(column(&operator.get(&format!("{path}?status=revoked")).await.assert(200), "name"), ["Older"]);
    operator.post(&path, json!({ "type": "secret", "name": "Older" })).await.assert(201);
    operator.post(&path, json!({ "type": "secret", "name": "Back", "value": value })).await.assert_error(409, "key/value-taken");
}

#[actix_web::test]
async fn each_successful_change_writes_one_activity() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/activities", app.project_path()));
    let before = operator.get(&path).await.assert(200)["pagination"]["total"].as_u64().unwrap();
    operator.patch(&app.project_path(), json!({ "name": "Blog" })).await.assert(200);
    operator.patch(&app.project_path(), json!({ "slug": "?" })).await.assert_error(400, "common/invalid-parameters");
    let key = operator.post(&format!("{}/keys", app.environment_path()), json!({ "type": "secret", "name": "S" })).await.assert(201);
    let list = operator.get(&path).await;
    assert!(!list.text.contains(key["key"].as_str().unwrap()));
    let list = list.assert(200);
    assert_eq!(list["pagination"]["total"].as_u64().unwrap(), before + 2);
    assert_eq!(column(&list, "event")[..2], ["access_token_created", "project_updated"]);
    let newest = &list["items"][0];
    assert_eq!((&newest["actor"]["type"], &newest["environment"]), (&json!("cli"), &json!("dev")));
    assert_eq!(newest["entityId"], key["id"]);
}

#[actix_web::test]
async fn activities_are_filtered() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), format!("{}/activities", app.project_path()));
    operator.patch(&app.project_path(), json!({ "name": "Lighthouse" })).await.assert(200);
    operator.post(&format!("{}/keys", app.environment_path()), json!({ "name": "Web" })).await.assert(201);
    let events = async |query: &str| column(&operator.get(&format!("{path}?{query}")).await.assert(200), "event");
    assert_eq!(events("entityType=project").await, ["project_updated"]);
    assert_eq!(events("action=created").await, ["access_token_created"]);
    assert_eq!(events("environment=dev").await, ["access_token_created"]);
    assert_eq!(events("search=LIGHTHOUSE").await, ["project_updated"]);
    assert_eq!(events("actor=nobody").await, Vec::<String>::new());
    assert_eq!(events("actor=Owner&limit=1").await.len(), 1);
    assert_eq!(events("to=2001-01-01").await, Vec::<String>::new());
    assert_eq!(events("from=2001-01-01").await.len(), 2);
    operator.get(&format!("{path}?from=yesterday")).await.assert_error(400, "common/invalid-parameters");
    let organization = format!("/management/v1/organizations/{}/activities", app.organization_id().await);
    assert_eq!(operator.get(&organization).await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn bodies_that_are_no_objects_of_json_are_named() {
    let app = TestApp::start().await;
    let path = projects_path(&app).await;
    let send = async |text: &'static str, kind: &str| {
        let request = app.operator().request(reqwest::Method::POST, &path).header("Content-Type", kind).body(text);
        crate::support::Answer::of(request.send().await.unwrap()).await
    };
    send("{", "application/json").await.assert_error(400, "common/invalid-json");
    send("[]", "application/json").await.assert_error(400, "common/invalid-parameters");
    send("name=x", "application/x-www-form-urlencoded").await.assert_error(415, "common/unsupported-media-type");
    app.operator().put(&path, Value::Null).await.assert_error(405, "common/method-not-allowed");
    app.operator().get("/management/v1/nothing").await.assert_error(404, "common/not-found");
}
