//! Using tokens on `/mcp`, and the connections people see and revoke (`01-mcp.md` §3.5, `06-console.md` A7, B3).

use serde_json::{Value, json};

use crate::support::developers::column;
use crate::support::{Answer, Client, TestApp};

async fn call(client: &Client) -> Answer {
    client.stateless("tools/list", json!({})).await
}

/// A 401 of `/mcp` with `error="invalid_token"`; its description.
#[track_caller]
fn invalid_token(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.body["error"]["code"].as_i64()), (401, Some(-32001)), "{}", answer.text);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("resource_metadata=\"http") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    let description = challenge.split("error_description=\"").nth(1).unwrap();
    assert!(!description.contains("scope=") && !description.contains("error="));
    answer.body["error"]["message"].as_str().unwrap().to_owned()
}

async fn connections(app: &TestApp, client: &Client) -> Value {
    client.get(&format!("/management/v1/organizations/{}/connections", app.organization_id().await)).await.assert(200)
}

#[actix_web::test]
async fn an_access_token_acts_as_its_tenant_in_its_organization_with_its_scopes() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let (tool, browser) = (app.tool().await, app.console(Some(&mina.email)).await);
    let page = tool.consent(&browser, &[("scope", "project:read")]).await.with("production", "1");
    let code = crate::support::oauth::sent_back(&page.authorize(&browser).await).1.remove("code").unwrap();
    let (token, _) = crate::support::oauth::pair(&tool.redeem(&code).await.assert(200));
    let access = app.backend.mcp_access(&token, Some("ignored"), &app.url).await.unwrap();
    assert_eq!((access.tenant.id.as_str(), access.organization_id), (mina.id.as_str(), app.organization_id().await));
    assert!(access.allow_prod && access.scopes.to_string() == "project:read");
    assert_eq!(access.tenant.actor()["client"], "Harbor Tool");
    let (token, _) = tool.connect(&browser).await;
    assert!(!app.backend.mcp_access(&token, None, &app.url).await.unwrap().allow_prod, "unless ticked, production is read-only");
}

#[actix_web::test]
async fn the_audience_is_any_name_this_server_answers_to() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let by_address = format!("http://127.0.0.1:{}/mcp", app.port());
    let (token, _) = tool.connect_for(&browser, &[("resource", &by_address)]).await;
    assert_eq!(call(&app.bearer(&token)).await.status, 200);
    let host = format!("127.0.0.1:{}", app.port());
    assert_eq!(call(&app.bearer(&token).header("Host", &host)).await.status, 200);
}

#[actix_web::test]
async fn a_token_of_another_server_or_for_another_server_is_none() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (token, _) = other.tool().await.connect(&other.console(None).await).await;
    assert!(invalid_token(&call(&app.bearer(&token)).await).contains("not issued by this server"));
    // The same secret at another address.
    let (tool, browser) = (app.tool().await, app.console(None).await);
    tool.connect(&browser).await;
    let code = tool.code(&browser).await;
    app.tamper("UPDATE oauth_grants SET resource = 'https://elsewhere.test/mcp'");
    let (token, _) = crate::support::oauth::pair(&tool.redeem(&code).await.assert(200));
    assert!(invalid_token(&call(&app.bearer(&token)).await).contains("for another server"));
}

#[actix_web::test]
async fn a_damaged_or_unsigned_token_is_none() {
    let app = TestApp::start().await;
    let (token, _) = app.tool().await.connect(&app.console(None).await).await;
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let mut other = parts[1].to_owned();
    other.replace_range(10..11, if &other[10..11] == "A" { "B" } else { "A" });
    for bad in [unsigned, format!("{}.{other}.{}", parts[0], parts[2]), format!("{}.{}.x", parts[0], parts[1]), "a.b.c".to_owned(), "..".to_owned()] {
        invalid_token(&call(&app.bearer(&bad)).await);
    }
    assert_eq!(call(&app.bearer(&token)).await.status, 200);
}

#[actix_web::test]
async fn keys_and_user_tokens_are_invalid_and_the_message_names_what_makes_a_usable_one() {
    let app = TestApp::start().await;
    let user = app.user("juno", "user").await;
    for wrong in [&app.publishable_key, &app.secret_key, &user.token, &"nonsense".to_owned()] {
        let message = invalid_token(&call(&app.bearer(wrong)).await);
        assert!(message.contains("bkend-local token create"), "{message}");
    }
    for (wrong, kind) in [(&app.publishable_key, "pk_"), (&app.secret_key, "sk_"), (&user.token, "/v1")] {
        assert!(invalid_token(&call(&app.bearer(wrong)).await).contains(kind));
    }
}

#[actix_web::test]
async fn oauth_tokens_are_for_mcp_alone() {
    let app = TestApp::start().await;
    let (token, refresh) = app.tool().await.connect(&app.console(None).await).await;
    app.bearer(&token).get("/management/v1/organizations").await.assert_error(401, "common/authentication-required");
    app.guest().header("Authorization", &format!("Bearer {token}")).get("/v1/data/posts").await.assert_error(401, "auth/invalid-token");
    invalid_token(&call(&app.bearer(&refresh)).await);
    let in_query = app.client().post(&format!("/mcp?access_token={token}"), json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await;
    assert_eq!(in_query.status, 401);
    assert!(!in_query.header("www-authenticate").unwrap().contains("error="), "no token was sent");
}

#[actix_web::test]
async fn a_removed_member_is_out_with_the_next_request() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let (token, _) = app.tool().await.connect(&app.console(Some(&mina.email)).await).await;
    assert_eq!(call(&app.bearer(&token)).await.status, 200);
    assert_eq!(connections(&app, &app.operator()).await["pagination"]["total"], 1);
    let path = format!("/management/v1/organizations/{}/members/{}?confirm={}", app.organization_id().await, mina.id, mina.email);
    app.operator().delete(&path).await.assert(204);
    assert!(invalid_token(&call(&app.bearer(&token)).await).contains("no longer a member"));
    assert_eq!(connections(&app, &app.operator()).await["pagination"]["total"], 0);
}

#[actix_web::test]
async fn a_connection_says_who_lets_what_do_what() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let (tool, browser) = (app.tool().await, app.console(Some(&mina.email)).await);
    let unredeemed = tool.code(&browser).await;
    assert_eq!(connections(&app, &mina).await["items"], json!([]), "a code is no connection yet");
    let (token, _) = tool.connect_for(&browser, &[("scope", "project:read table:*")]).await;
    let list = connections(&app, &mina).await;
    let one = &list["items"][0];
    assert_eq!((&one["clientName"], &one["redirectHost"]), (&json!("Harbor Tool"), &json!("localhost:49190")));
    assert_eq!(one["tenant"], json!({ "id": mina.id, "name": "mina", "email": mina.email }));
    assert_eq!((&one["organizationId"], &one["scopes"]), (&json!(app.organization_id().await), &json!(["project:read", "table:*"])));
    assert_eq!((&one["lastUsedAt"], &one["lastTool"], &one["calls24h"]), (&Value::Null, &Value::Null, &json!(0)));
    assert!(one["createdAt"].is_string());
    let id = one["id"].as_str().unwrap();
    app.backend.note_mcp_call(id, "get_context");
    app.backend.note_mcp_call(id, "backend_table_list");
    app.backend.note_mcp_call("nothing", "get_context");
    let one = connections(&app, &mina).await["items"][0].clone();
    assert_eq!((&one["lastTool"], &one["calls24h"]), (&json!("backend_table_list"), &json!(2)));
    assert!(one["lastUsedAt"].is_string());
    app.tamper("UPDATE oauth_calls SET hour = hour - 25");
    assert_eq!(connections(&app, &mina).await["items"][0]["calls24h"], 0);
    app.bearer(&token).stateless("tools/call", json!({ "name": "get_context", "arguments": {} })).await.assert(200);
    let one = connections(&app, &mina).await["items"][0].clone();
    assert_eq!((&one["lastTool"], &one["calls24h"]), (&json!("get_context"), &json!(1)), "a real call is noted too");
    tool.redeem(&unredeemed).await.assert(200);
}

#[actix_web::test]
async fn members_see_and_revoke_their_own_connections_and_admins_all() {
    let app = TestApp::start().await;
    let (mina, noor, ada) = (app.member("mina", "member").await, app.member("noor", "billing").await, app.member("ada", "admin").await);
    let stranger = app.developer("tariq").await;
    let tool = app.tool().await;
    let (of_mina, refresh) = tool.connect(&app.console(Some(&mina.email)).await).await;
    let (of_noor, _) = tool.connect(&app.console(Some(&noor.email)).await).await;
    let organization = app.organization_id().await;
    let at = |id: &str| format!("/management/v1/organizations/{organization}/connections/{id}");
    let ids = |list: Value| column(&list, "id");
    let (minas, noors) = (ids(connections(&app, &mina).await).remove(0), ids(connections(&app, &noor).await).remove(0));
    assert_ne!(minas, noors);
    assert_eq!(ids(connections(&app, &ada).await), [noors.clone(), minas.clone()]);
    mina.delete(&at(&noors)).await.assert_error(404, "connection/not-found");
    stranger.get(&at("")).await.assert_error(404, "common/not-found");
    stranger.delete(&at(&minas)).await.assert_error(404, "organization/not-found");
    assert_eq!(call(&app.bearer(&of_noor)).await.status, 200);
    mina.delete(&at(&minas)).await.assert(204);
    assert!(invalid_token(&call(&app.bearer(&of_mina)).await).contains("revoked"));
    tool.refresh(&refresh).await.assert_refused(400, "invalid_grant");
    mina.delete(&at(&minas)).await.assert_error(404, "connection/not-found");
    ada.delete(&at(&noors)).await.assert(204);
    invalid_token(&call(&app.bearer(&of_noor)).await);
    assert_eq!(connections(&app, &ada).await["items"], json!([]));
    let activities = ada.get(&format!("/management/v1/organizations/{organization}/activities?entityType=connection")).await.assert(200);
    assert_eq!(column(&activities, "event"), ["connection_revoked", "connection_revoked", "connection_created", "connection_created"]);
    assert_eq!(activities["items"][0]["entityName"], "Harbor Tool");
    assert!(!activities.to_string().contains(&of_mina) && activities["items"][3]["metadata"]["scope"].is_string());
}

#[actix_web::test]
async fn the_connections_of_an_organization_go_with_it() {
    let app = TestApp::start().await;
    app.developer("noor").await;
    let (tool, browser) = (app.tool().await, app.console(Some("noor@harbor.test")).await);
    let page = tool.consent(&browser, &[]).await.without("organization_name", "").with("organization_name", "Noor");
    let code = crate::support::oauth::sent_back(&page.authorize(&browser).await).1.remove("code").unwrap();
    let (token, _) = crate::support::oauth::pair(&tool.redeem(&code).await.assert(200));
    let own = browser.get("/management/v1/organizations").await.assert(200)["items"][0]["id"].as_str().unwrap().to_owned();
    browser.delete(&format!("/management/v1/organizations/{own}?confirm=Noor")).await.assert(204);
    invalid_token(&call(&app.bearer(&token)).await);
}
