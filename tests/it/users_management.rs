//! The users of an environment over the management API (`06-console.md` B3).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::auth::Tokens;

/// The activities about an entity, newest first, once there are so many.
pub async fn activities(app: &TestApp, entity: &str, count: usize) -> Vec<Value> {
    let path = format!("{}/activities?entityType={entity}&limit=100", app.project_path());
    for _ in 0..200 {
        let items = app.operator().get(&path).await.assert(200)["items"].as_array().cloned().unwrap();
        if items.len() >= count {
            return items;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("fewer than {count} activities about {entity}");
}

#[actix_web::test]
async fn a_member_administers_users_as_an_admin_and_every_change_is_an_activity() {
    let app = TestApp::start().await;
    let (member, users) = (app.member("joon", "member").await, format!("{}/users", app.environment_path()));
    let made = member.post(&users, json!({ "name": "Mina", "email": "mina@harbor.test", "password": "tide42", "emailVerified": true })).await.assert(201);
    assert_eq!((&made["role"], &made["banned"]), (&json!("user"), &json!(false)));
    assert!(made["emailVerified"].is_string());
    let one = format!("{users}/{}", made["id"].as_str().unwrap());
    let token = Tokens::of(&app.sign_in("mina", "tide42").await.assert(200));
    assert_eq!(
        member.get(&format!("{users}?searchType=email&search=MINA@&includeAccounts=true")).await.assert(200)["items"][0]["accounts"][0]["provider"],
        "email"
    );
    assert_eq!(member.patch(&format!("{one}/role"), json!({ "role": "admin" })).await.assert(200)["role"], "admin");
    assert_eq!(member.patch(&one, json!({ "banned": true, "banReason": "spam" })).await.assert(200)["banReason"], "spam");
    app.with(&token.access).get("/v1/auth/me").await.assert_error(403, "auth/account-banned");
    assert_eq!(member.patch(&one, json!({ "banned": false })).await.assert(200)["banReason"], Value::Null);
    assert_eq!(member.patch(&format!("{one}/profile"), json!({ "bio": "hi" })).await.assert(200)["bio"], "hi");
    assert_eq!(member.get(&format!("{one}/profile")).await.assert(200)["email"], "mina@harbor.test");
    assert_eq!(member.patch(&format!("{one}/preferences"), json!({ "theme": "dark" })).await.assert(200)["theme"], "dark");
    assert_eq!(member.get(&format!("{one}/preferences")).await.assert(200)["theme"], "dark");
    assert_eq!(member.patch(&format!("{one}/notifications"), json!({ "sms": true })).await.assert(200)["sms"], true);
    assert_eq!(member.get(&format!("{one}/notifications")).await.assert(200)["sms"], true);
    assert_eq!(member.patch(&format!("{one}/onboarding"), json!({ "onboardingStatus": "skipped" })).await.assert(200)["status"], "skipped");
    assert_eq!(member.get(&format!("{one}/onboarding")).await.assert(200)["onboardingStatus"], "skipped");
    let public = member.patch(&format!("{one}/public-settings"), json!({ "slug": "mina", "isPublic": true })).await.assert(200);
    assert_eq!(member.get(&format!("{one}/public-settings")).await.assert(200), public);
    assert_eq!(member.get(&format!("{users}/slug/mina")).await.assert(200)["bio"], "hi");
    assert_eq!(member.delete(&one).await.status, 204);
    member.get(&one).await.assert_error(404, "user/not-found");
    assert!(member.get(&format!("{one}?includeDeleted=true")).await.assert(200)["deletedAt"].is_string());
    assert_eq!(member.delete(&format!("{one}?purge=true")).await.status, 204);
    member.get(&format!("{one}?includeDeleted=true")).await.assert_error(404, "user/not-found");
    let log = activities(&app, "user", 11).await;
    let events: Vec<&str> = log.iter().rev().map(|a| a["action"].as_str().unwrap()).collect();
    assert_eq!(events, [vec!["created"], vec!["updated"; 8], vec!["deleted"; 2]].concat());
    assert!(log.iter().all(|a| a["actor"]["name"] == "test" && a["environment"] == "dev" && a["entityId"] == made["id"]));
    assert!(!serde_json::to_string(&log).unwrap().contains("tide42"));
    // What changes nothing is no activity; nor is what `/v1` does.
    assert_eq!(log.len(), 11);
}

#[actix_web::test]
async fn sessions_of_a_user_are_seen_and_ended() {
    let app = TestApp::start().await;
    let first = app.sign_up("mina", "tide42").await;
    let second = Tokens::of(&app.sign_in("mina", "tide42").await.assert(200));
    let path = format!("{}/users/{}/sessions", app.environment_path(), first.id);
    let list = app.operator().get(&path).await.assert(200);
    assert_eq!((&list["pagination"]["total"], &list["items"][0]["current"]), (&json!(2), &json!(false)));
    app.operator().delete(&format!("{path}/{}", "0".repeat(24))).await.assert_error(404, "auth/session-not-found");
    let ids: Vec<&str> = list["items"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(app.operator().delete(&format!("{path}/{}", ids[0])).await.status, 204);
    assert_eq!(app.operator().get(&path).await.assert(200)["pagination"]["total"], 1);
    assert_eq!(app.operator().delete(&path).await.status, 204);
    for token in [&first.access, &second.access] {
        app.with(token).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    }
    let events = app.secret().get("/v1/auth/events?type=session_revoked").await.assert(200);
    assert_eq!(events["pagination"]["total"], 2);
    let log = activities(&app, "session", 2).await;
    assert!(log.iter().all(|a| a["event"] == "session_revoked" && a["metadata"]["userId"] == first.id.as_str()));
}

#[actix_web::test]
async fn the_ways_a_user_signs_in_are_listed() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let list = app.operator().get(&format!("{}/users/{}/accounts", app.environment_path(), mina.id)).await.assert(200);
    assert_eq!(list["pagination"]["total"], 1);
    let account = &list["items"][0];
    assert_eq!((&account["userId"], &account["type"], &account["provider"]), (&json!(mina.id), &json!("credentials"), &json!("email")));
    assert_eq!(account["providerAccountId"], "mina@harbor.test");
}

#[actix_web::test]
async fn a_developer_acts_as_a_user_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = format!("{}/users/{}/impersonate", app.environment_path(), mina.id);
    let pair = app.operator().post(&path, json!({})).await.assert(200);
    assert_eq!((&pair["expiresIn"], pair.get("refreshToken")), (&json!(900), None));
    assert_eq!(app.with(pair["accessToken"].as_str().unwrap()).get("/v1/auth/me").await.assert(200)["id"], mina.id.as_str());
    assert_eq!(app.operator().post(&path, json!({ "expiresIn": 60 })).await.assert(200)["expiresIn"], 60);
    for seconds in [59, 3601] {
        app.operator().post(&path, json!({ "expiresIn": seconds })).await.assert_error(400, "common/invalid-parameters");
    }
    let log = activities(&app, "user", 2).await;
    assert!(log.iter().all(|a| a["event"] == "user_impersonated"));
    app.secret().patch(&format!("/v1/users/{}", mina.id), json!({ "banned": true })).await.assert(200);
    app.operator().post(&path, json!({})).await.assert_error(403, "auth/account-banned");
    app.operator().post(&path.replace(&mina.id, "nobody"), json!({})).await.assert_error(404, "user/not-found");
}

#[actix_web::test]
async fn a_developer_sends_a_user_the_mails_it_could_ask_for() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.auth(|c| c.email.email_code_enabled = true).await;
    let send = |template: &str| format!("{}/users/{}/send/{template}", app.environment_path(), mina.id);
    for template in ["signup_confirmation", "email_verification", "password_reset", "email_code"] {
        assert_eq!(app.operator().post(&send(template), json!({})).await.status, 204, "{template}");
        assert_eq!(app.mail("mina@harbor.test").template, template);
    }
    app.operator().post(&send("magic_link"), json!({})).await.assert_error(400, "common/invalid-parameters");
    app.operator().post(&send("magic_link"), json!({ "callbackUrl": "https://evil.example" })).await.assert_error(400, "auth/invalid-url");
    assert_eq!(app.operator().post(&send("magic_link"), json!({ "callbackUrl": "http://localhost:5173/in" })).await.status, 204);
    let token = app.mailed_token("mina@harbor.test");
    app.guest().post("/v1/auth/email/callback", json!({ "token": token })).await.assert(200);
    app.operator().post(&send("nonsense"), json!({})).await.assert_error(404, "auth/template-not-found");
    app.operator().post(&send("invitation"), json!({})).await.assert_error(400, "common/invalid-parameters");
    app.secret().patch(&format!("/v1/users/{}", mina.id), json!({ "banned": true })).await.assert(200);
    app.operator().post(&send("password_reset"), json!({})).await.assert_error(403, "auth/account-banned");
}

#[actix_web::test]
async fn strangers_and_readers_change_nothing() {
    let app = TestApp::start().await;
    let (mina, users) = (app.sign_up("mina", "tide42").await, format!("{}/users", app.environment_path()));
    let one = format!("{users}/{}", mina.id);
    app.client().get(&users).await.assert_error(401, "common/authentication-required");
    app.secret().get(&users).await.assert_error(401, "common/authentication-required");
    app.developer("stranger").await.get(&users).await.assert_error(404, "project/not-found");
    app.member("bill", "billing").await.get(&users).await.assert_error(403, "organization/permission-denied");
    app.operator().patch(&one, json!({ "email": "nonsense" })).await.assert_error(400, "auth/invalid-email");
    app.operator().get(&format!("{users}/nobody")).await.assert_error(404, "user/not-found");
    app.operator().get(&format!("{users}/me")).await.assert_error(401, "common/authentication-required");
    app.operator().post(&users, json!({ "email": "MINA@harbor.test", "name": "M" })).await.assert_error(409, "auth/email-already-exists");
}

#[actix_web::test]
async fn an_ai_tool_lists_and_searches_users_as_admins_see_them() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.sign_up("joon", "tide42").await;
    let place = |mut more: Value| {
        more["projectId"] = app.project_id().into();
        more["environment"] = "dev".into();
        more
    };
    let tools = app.tools().await;
    let list = tools.ok("backend_user_list", place(json!({ "search": "MINA@", "role": "user" }))).await;
    assert_eq!((&list["pagination"]["total"], &list["items"][0]["id"], &list["items"][0]["email"]), (&json!(1), &json!(mina.id), &json!("mina@harbor.test")));
    assert_eq!((&list["items"][0]["banned"], list["items"][0].get("bio")), (&json!(false), None));
    assert_eq!(tools.ok("backend_user_list", place(json!({ "limit": 1 }))).await["pagination"]["hasNext"], true);
    assert_eq!(tools.ok("backend_user_list", place(json!({ "role": "admin" }))).await["items"], json!([]));
    tools.fails("backend_user_list", place(json!({ "role": "owner" })), "user/invalid-role").await;
    tools.fails("backend_user_list", place(json!({ "page": 0 })), "common/invalid-parameters").await;
    app.tools_of_member("bill", "billing").await.fails("backend_user_list", place(json!({})), "organization/permission-denied").await;
}
