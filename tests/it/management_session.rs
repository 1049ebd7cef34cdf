//! Signing in, cookies, CSRF, origins and personal access tokens (`06-console.md` B1, B3 "Session and account").

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

const SESSION: &str = "/management/v1/auth/session";
const LINK: &str = "/management/v1/auth/link";
const TOKENS: &str = "/management/v1/account/tokens";

#[actix_web::test]
async fn nobody_signed_in_gets_a_session_without_tenant() {
    let app = TestApp::start().await;
    let session = app.client().get(SESSION).await.assert(200);
    assert_eq!((&session["tenant"], &session["csrfToken"]), (&Value::Null, &Value::Null));
    assert_eq!(session["organizations"], json!([]));
    assert_eq!(session["server"]["id"], app.backend.server_id());
    assert_eq!(session["server"]["publicUrl"], app.url);
}

#[actix_web::test]
async fn a_login_link_signs_in_once() {
    let app = TestApp::start().await;
    let token = app.login_token(None).await;
    let browser = app.client().header("Origin", &app.url);
    let answer = browser.post(LINK, json!({ "token": token })).await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with(&format!("bkend_session_{}=", &app.backend.server_id()[..8])), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"));
    let session = answer.assert(200);
    assert_eq!(session["tenant"]["email"], "owner@localhost");
    assert_eq!(session["organizations"][0]["slug"], "personal");
    browser.post(LINK, json!({ "token": token })).await.assert_error(400, "tenant/link-used");
    browser.post(LINK, json!({ "token": "f".repeat(64) })).await.assert_error(400, "tenant/link-invalid");
    browser.post(LINK, json!({})).await.assert_error(400, "common/invalid-parameters");
    browser.post(LINK, json!({ "token": 7 })).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_new_login_link_voids_the_tenants_earlier_ones() {
    let app = TestApp::start().await;
    let (first, second) = (app.login_token(None).await, app.login_token(None).await);
    let browser = app.client().header("Origin", &app.url);
    browser.post(LINK, json!({ "token": first })).await.assert_error(400, "tenant/link-invalid");
    browser.post(LINK, json!({ "token": second })).await.assert(200);
}

#[actix_web::test]
async fn an_expired_login_link_says_so() {
    let app = TestApp::start().await;
    let token = app.login_token(None).await;
    let hash = bkend_local::domain::keys::sha256(&token);
    let link = bkend_local::store::control::TenantLinkRow { hash: [7; 32], ..read_link(&app, hash).await };
    let expired = bkend_local::store::control::TenantLinkRow {
        hash: bkend_local::domain::keys::sha256("old"),
        expires_at: bkend_local::domain::time::now() - 1,
        voided: false,
        ..link
    };
    let control = app.backend.control();
    control.write::<_, bkend_local::domain::error::Error, _>(move |tx| Ok(tx.insert_tenant_link(&expired)?)).await.unwrap();
    app.client().header("Origin", &app.url).post(LINK, json!({ "token": "old" })).await.assert_error(400, "tenant/link-expired");
}

async fn read_link(app: &TestApp, hash: [u8; 32]) -> bkend_local::store::control::TenantLinkRow {
    app.backend.control().read::<_, bkend_local::domain::error::Error, _>(move |r| Ok(r.tenant_link(&hash)?)).await.unwrap().unwrap()
}

#[actix_web::test]
async fn login_links_go_to_known_tenants_and_carry_next() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    app.operator().post("/management/v1/server/login-links", json!({ "email": "nobody@harbor.test" })).await.assert_error(404, "tenant/not-found");
    mina.post("/management/v1/server/login-links", json!({})).await.assert_error(403, "management/forbidden");
    for (next, expected) in [("/console/orgs/a", json!("/console/orgs/a")), ("https://evil.test/", Value::Null)] {
        let link = app.operator().post("/management/v1/server/login-links", json!({ "email": mina.email, "next": next })).await.assert(201);
        let token = link["url"].as_str().unwrap().split_once("/console/link#").unwrap().1.to_owned();
        let session = app.client().header("Origin", &app.url).post(LINK, json!({ "token": token })).await.assert(200);
        assert_eq!(session["tenant"]["id"], json!(mina.id));
        assert_eq!(session["next"], expected);
    }
}

#[actix_web::test]
async fn twenty_bad_links_from_one_address_are_enough() {
    let app = TestApp::start().await;
    let browser = app.client().header("Origin", &app.url);
    for _ in 0..20 {
        browser.post(LINK, json!({ "token": "nonsense" })).await.assert_error(400, "tenant/link-invalid");
    }
    let refused = browser.post(LINK, json!({ "token": "nonsense" })).await;
    assert!(refused.header("retry-after").is_some());
    refused.assert_error(429, "tenant/too-many-attempts");
}

#[actix_web::test]
async fn cookie_calls_need_csrf_token_and_own_origin() {
    let app = TestApp::start().await;
    let console = app.console(None).await;
    let path = "/management/v1/account";
    console.patch(path, json!({ "name": "Captain" })).await.assert(200);
    console.header("X-CSRF-Token", "wrong").patch(path, json!({})).await.assert_error(403, "management/csrf-failed");
    console.header("Origin", "http://evil.test").patch(path, json!({})).await.assert_error(403, "common/origin-denied");
    console.header("Origin", "http://localhost:1").get(path).await.assert_error(403, "common/origin-denied");
    console.header("Origin", "null").patch(path, json!({})).await.assert_error(403, "common/origin-denied");
    assert_eq!(console.get(path).await.assert(200)["name"], "Captain");
    let session = console.get(SESSION).await.assert(200);
    assert!(session["csrfToken"].as_str().is_some_and(|t| t.len() == 64));
}

#[actix_web::test]
async fn sign_in_must_come_from_the_consoles_own_origin() {
    let app = TestApp::start().await;
    let token = app.login_token(None).await;
    app.client().post(LINK, json!({ "token": token })).await.assert_error(403, "common/origin-denied");
    app.client().header("Origin", "http://evil.test").post(LINK, json!({ "token": token })).await.assert_error(403, "common/origin-denied");
    app.client().header("Origin", &app.url).post(LINK, json!({ "token": token })).await.assert(200);
}

#[actix_web::test]
async fn sessions_are_listed_and_revoked() {
    let app = TestApp::start().await;
    let (one, other) = (app.console(None).await, app.console(None).await);
    let list = one.get("/management/v1/account/sessions").await.assert(200);
    assert_eq!(list["pagination"]["total"], 2);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.iter().filter(|s| s["current"] == true).count(), 1);
    assert!(!list.to_string().contains("hash"));
    let foreign = items.iter().find(|s| s["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    one.delete(&format!("/management/v1/account/sessions/{foreign}")).await.assert(204);
    one.delete(&format!("/management/v1/account/sessions/{foreign}")).await.assert_error(404, "session/not-found");
    other.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
    one.post("/management/v1/auth/signout", json!({})).await.assert(204);
    one.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn signing_out_everywhere_ends_every_session() {
    let app = TestApp::start().await;
    let (one, other) = (app.console(None).await, app.console(None).await);
    let answer = one.post("/management/v1/auth/signout", json!({ "all": true })).await;
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    answer.assert(204);
    other.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn the_account_is_patched_by_key() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    app.developer("jun").await;
    let path = "/management/v1/account";
    let body = json!({ "name": " Mina ", "email": "MINA@new.test", "preferences": { "theme": "dark", "language": "ko" }, "unknown": 1 });
    let account = mina.patch(path, body).await.assert(200);
    assert_eq!((&account["name"], &account["email"]), (&json!("Mina"), &json!("mina@new.test")));
    let account = mina.patch(path, json!({ "preferences": { "theme": null }, "image": "https://x.test/a.png" })).await.assert(200);
    assert_eq!(account["preferences"], json!({ "language": "ko" }));
    assert_eq!(mina.patch(path, json!({ "image": null })).await.assert(200)["image"], Value::Null);
    mina.patch(path, json!({ "email": "jun@harbor.test" })).await.assert_error(409, "tenant/email-exists");
    mina.patch(path, json!({ "email": "nonsense" })).await.assert_error(400, "common/invalid-parameters");
    let wrong = mina.patch(path, json!({ "name": 5 })).await;
    assert_eq!(wrong.details(), ["name/parameter"]);
    wrong.assert_error(400, "common/invalid-parameters");
    app.client().get(path).await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn tokens_are_shown_once_and_live_90_days_by_default() {
    let app = TestApp::start().await;
    let console = app.console(None).await;
    let made = console.post(TOKENS, json!({ "name": "ci" })).await.assert(201);
    let value = made["token"].as_str().unwrap().to_owned();
    assert!(value.len() == 68 && value.starts_with("pat_"));
    assert_eq!((&made["scope"], &made["allowProd"], &made["status"]), (&json!("write"), &json!(false), &json!("active")));
    assert!(made["expiresAt"].is_string());
    let list = console.get(TOKENS).await;
    assert!(!list.text.contains(&value) && !list.text.contains("\"token\":"));
    assert_eq!(column(&list.assert(200), "name"), ["ci"]);
    let token = app.bearer(&value);
    assert_eq!(token.get("/management/v1/account").await.assert(200)["email"], "owner@localhost");
    let eternal = console.post(TOKENS, json!({ "name": "forever", "expiresAt": null })).await.assert(201);
    assert_eq!(eternal["expiresAt"], Value::Null);
    let id = made["id"].as_str().unwrap();
    console.delete(&format!("{TOKENS}/{id}")).await.assert(204);
    console.delete(&format!("{TOKENS}/{id}")).await.assert_error(404, "access-token/not-found");
    token.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
    assert_eq!(column(&console.get(TOKENS).await.assert(200), "name"), ["forever"]);
    assert_eq!(column(&console.get(&format!("{TOKENS}?status=revoked")).await.assert(200), "name"), ["ci"]);
}

#[actix_web::test]
async fn a_token_body_is_checked() {
    let app = TestApp::start().await;
    let operator = app.operator();
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "a", "scope": "admin" }), "scope"),
        (json!({ "name": "a", "expiresAt": "yesterday" }), "expiresAt"),
        (json!({ "name": "a", "expiresAt": "2020-01-01" }), "expiresAt"),
        (json!({ "name": "a", "allowProd": "yes" }), "allowProd"),
    ] {
        let answer = operator.post(TOKENS, body).await;
        assert_eq!(answer.details(), [format!("{field}/parameter")]);
        answer.assert_error(400, "common/invalid-parameters");
    }
    operator.post(TOKENS, json!({ "name": "a", "organizationId": "nope" })).await.assert_error(404, "organization/not-found");
    operator.post(TOKENS, json!({ "name": "a", "projectId": "nope" })).await.assert_error(404, "project/not-found");
}

#[actix_web::test]
async fn a_token_never_manages_tokens_or_sessions() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    mina.get(TOKENS).await.assert_error(403, "management/forbidden");
    mina.post(TOKENS, json!({ "name": "more" })).await.assert_error(403, "management/forbidden");
    mina.get("/management/v1/account/sessions").await.assert_error(403, "management/forbidden");
    mina.post("/management/v1/auth/signout", json!({})).await.assert_error(403, "management/forbidden");
}

#[actix_web::test]
async fn a_read_token_changes_nothing() {
    let app = TestApp::start().await;
    let made = app.operator().post(TOKENS, json!({ "name": "look", "scope": "read" })).await.assert(201);
    let look = app.bearer(made["token"].as_str().unwrap());
    look.get(&app.project_path()).await.assert(200);
    look.patch(&app.project_path(), json!({ "name": "x" })).await.assert_error(403, "auth/insufficient-scope");
    look.patch("/management/v1/account", json!({ "name": "x" })).await.assert_error(403, "auth/insufficient-scope");
    look.post("/management/v1/organizations", json!({ "name": "x" })).await.assert_error(403, "auth/insufficient-scope");
    look.post(&format!("{}/keys", app.environment_path()), json!({ "name": "x" })).await.assert_error(403, "auth/insufficient-scope");
}

#[actix_web::test]
async fn for_a_restricted_token_all_else_is_404() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let organization = app.organization_id().await;
    let other = operator.post("/management/v1/organizations", json!({ "name": "Other" })).await.assert(201);
    let other = other["id"].as_str().unwrap();
    let second = operator.post(&format!("/management/v1/organizations/{organization}/projects"), json!({ "name": "Second" })).await.assert(201);
    let second = format!("/management/v1/projects/{}", second["id"].as_str().unwrap());
    let tied = operator.post(TOKENS, json!({ "name": "tied", "projectId": app.project_id() })).await.assert(201);
    assert_eq!(tied["organizationId"], json!(organization));
    let tied = app.bearer(tied["token"].as_str().unwrap());
    tied.patch(&app.project_path(), json!({ "description": "mine" })).await.assert(200);
    tied.get(&second).await.assert_error(404, "project/not-found");
    tied.get(&format!("/management/v1/organizations/{other}")).await.assert_error(404, "organization/not-found");
    assert_eq!(column(&tied.get("/management/v1/organizations").await.assert(200), "id"), std::slice::from_ref(&organization));
    let projects = tied.get(&format!("/management/v1/organizations/{organization}/projects")).await.assert(200);
    assert_eq!(column(&projects, "id"), [app.project_id()]);
    tied.get(&format!("/management/v1/organizations/{organization}/members")).await.assert_error(404, "organization/not-found");
    tied.post(&format!("/management/v1/organizations/{organization}/projects"), json!({ "name": "n" })).await.assert_error(404, "organization/not-found");
    tied.post("/management/v1/organizations", json!({ "name": "n" })).await.assert_error(403, "auth/insufficient-scope");
    tied.get("/management/v1/server").await.assert_error(403, "management/forbidden");
}

#[actix_web::test]
async fn other_credentials_are_refused_with_401_naming_what_to_use() {
    let app = TestApp::start().await;
    let user = app.user("ann", "user").await;
    for token in [app.publishable_key.as_str(), app.secret_key.as_str(), user.token.as_str(), "op_nonsense", "x", "pat_short"] {
        let body = app.bearer(token).get("/management/v1/account").await.assert_error(401, "common/authentication-required");
        assert!(body["message"].as_str().unwrap().contains("bkend-local token create"), "{body}");
    }
    app.client().header("Authorization", "Basic eDp5").get("/management/v1/account").await.assert_error(401, "common/authentication-required");
    app.client().header("X-API-Key", &app.secret_key).get("/management/v1/account").await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn the_operator_acts_as_the_server_owner() {
    let app = TestApp::start().await;
    assert_eq!(app.operator().get("/management/v1/account").await.assert(200)["serverOwner"], true);
    let server = app.operator().get("/management/v1/server").await.assert(200);
    assert_eq!(server["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(server["address"], app.url);
    assert_eq!(server["lock"]["held"], true);
    assert!(server["dataSizeBytes"].as_u64().unwrap() > 0 && server["uptimeSeconds"].as_i64().unwrap() >= 0);
    app.developer("mina").await.get("/management/v1/server").await.assert_error(403, "management/forbidden");
}

#[actix_web::test]
async fn behind_https_the_cookie_is_secure_and_both_origins_are_own() {
    let app = TestApp::start_with(|s| s.public_url = Some("https://dev.example.com".into())).await;
    for origin in ["https://dev.example.com", &app.url.clone()] {
        let token = app.login_token(None).await;
        let answer = app.client().header("Origin", origin).post(LINK, json!({ "token": token })).await;
        assert!(answer.header("set-cookie").unwrap().contains("Secure"));
        answer.assert(200);
    }
}

#[actix_web::test]
async fn the_console_pages_have_a_strict_policy() {
    let app = TestApp::start().await;
    let root = app.client().get("/").await;
    assert_eq!((root.status, root.header("location")), (302, Some("/console")));
    for path in ["/console/signin", "/console/link"] {
        let page = app.client().get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert!(!page.text.contains("style=") && !page.text.contains("<script>"));
        page.assert(200);
    }
    for (path, kind) in [("console.css", "text/css"), ("link.js", "text/javascript"), ("mark.svg", "image/svg+xml")] {
        let asset = app.client().get(&format!("/console/assets/{path}")).await;
        assert!(asset.header("content-type").unwrap().starts_with(kind));
        asset.assert(200);
    }
    assert_eq!(app.client().get("/console/nothing/here").await.status, 404);
}
