//! The token and the revocation endpoint (`01-mcp.md` §3.4).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::oauth::{CALLBACK, Tool, VERIFIER, pair};
use crate::support::{Answer, Client, TestApp};

const TOKEN: &str = "/mcp/oauth/token";

/// Whether an access token opens `/mcp`.
async fn works(app: &TestApp, access: &str) -> bool {
    let status = app.bearer(access).stateless("tools/list", json!({})).await.status;
    assert!(matches!(status, 200 | 401), "{status}");
    status == 200
}

async fn owner(app: &TestApp) -> Client {
    app.console(None).await
}

#[actix_web::test]
async fn a_code_becomes_a_pair_of_tokens_that_no_cache_keeps() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let answer = tool.redeem(&tool.code(&owner(&app).await).await).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.assert(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let (access, refresh) = pair(&tokens);
    assert!(!refresh.contains('.'), "opaque");
    use base64::Engine;
    let claims: Value = serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let mcp = format!("{}/mcp", app.url);
    assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some(mcp.as_str()), Some(mcp.as_str())));
    assert_eq!((&claims["client_id"], &claims["organizationId"]), (&json!(tool.id), &json!(app.organization_id().await)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(["sub", "jti", "scope", "grantId"].iter().all(|name| claims[name].as_str().is_some_and(|v| !v.is_empty())));
    let stored = std::fs::read(app.backend.data_dir().join("control.db-wal")).unwrap_or_default();
    assert!(!stored.windows(refresh.len()).any(|w| w == refresh.as_bytes()), "only hashes are kept");
}

#[actix_web::test]
async fn the_request_may_be_a_form_or_json_and_the_client_the_user_of_basic() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, owner(&app).await);
    let code = tool.code(&browser).await;
    let body = json!({ "grant_type": "authorization_code", "client_id": tool.id, "code": code, "code_verifier": VERIFIER, "redirect_uri": CALLBACK, "resource": null });
    let refresh = pair(&app.client().post(TOKEN, body).await.assert(200)).1;
    let request =
        app.client().request(Method::POST, TOKEN).basic_auth(&tool.id, Some("")).header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
    let answer = Answer::of(request.body(format!("grant_type=refresh_token&refresh_token={refresh}")).send().await.unwrap()).await;
    let refresh = pair(&answer.assert(200)).1;
    let other = app.client().request(Method::POST, TOKEN).basic_auth("dyn-other", Some(""));
    let other = other
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("grant_type=refresh_token&refresh_token={refresh}&client_id={}", tool.id));
    Answer::of(other.send().await.unwrap()).await.assert_refused(400, "invalid_request");
    let unknown = app.client().request(Method::POST, TOKEN).basic_auth("nobody", None::<&str>).header("Content-Type", "application/x-www-form-urlencoded");
    let unknown = Answer::of(unknown.body(format!("grant_type=refresh_token&refresh_token={refresh}")).send().await.unwrap()).await;
    assert!(unknown.header("www-authenticate").unwrap().starts_with("Basic"));
    unknown.assert_refused(401, "invalid_client");
}

#[actix_web::test]
async fn an_unusable_request_is_named() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let code = tool.code(&owner(&app).await).await;
    let whole = [("grant_type", "authorization_code"), ("client_id", tool.id.as_str()), ("code", &code), ("code_verifier", VERIFIER)];
    for missing in ["grant_type", "client_id", "code", "code_verifier"] {
        let fields: Vec<_> = whole.iter().copied().filter(|(name, _)| *name != missing).collect();
        let description = app.client().form(TOKEN, &fields).await.assert_refused(400, "invalid_request");
        assert!(description.contains(missing), "{description}");
    }
    for repeated in whole.iter().chain(&[("redirect_uri", CALLBACK), ("resource", "x")]) {
        let mut fields = whole.to_vec();
        fields.push(*repeated);
        fields.push(*repeated);
        let description = app.client().form(TOKEN, &fields).await.assert_refused(400, "invalid_request");
        assert!(description.contains(repeated.0), "{description}");
    }
    for grant in ["password", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "implicit"] {
        tool.token(&[("grant_type", grant)]).await.assert_refused(400, "unsupported_grant_type");
    }
    for text in ["", "{", "[]", "{\"grant_type\":1}", "{\"grant_type\":\"refresh_token\",\"grant_type\":\"refresh_token\"}"] {
        app.client().send_text(Method::POST, TOKEN, text).await.assert_refused(400, "invalid_request");
    }
    let xml = app.client().request(Method::POST, TOKEN).header("Content-Type", "text/xml").body("<x/>");
    Answer::of(xml.send().await.unwrap()).await.assert_refused(400, "invalid_request");
    tool.redeem(&code).await.assert(200);
}

#[actix_web::test]
async fn an_unknown_client_is_401_so_that_tools_register_again() {
    let app = TestApp::start().await;
    let fields = [("grant_type", "authorization_code"), ("client_id", "dyn-gone"), ("code", "x"), ("code_verifier", VERIFIER)];
    app.client().form(TOKEN, &fields).await.assert_refused(401, "invalid_client");
    let fields = [("grant_type", "refresh_token"), ("client_id", "dyn-gone"), ("refresh_token", "x")];
    app.client().form(TOKEN, &fields).await.assert_refused(401, "invalid_client");
}

#[actix_web::test]
async fn a_code_is_for_its_client_its_redirect_uri_and_ten_minutes() {
    let app = TestApp::start().await;
    let (tool, other, browser) = (app.tool().await, app.tool().await, owner(&app).await);
    let code = tool.code(&browser).await;
    tool.redeem("0123").await.assert_refused(400, "invalid_grant");
    other.redeem(&code).await.assert_refused(400, "invalid_grant");
    for elsewhere in ["http://localhost:49191/callback", "http://localhost:49190/", "https://evil.test"] {
        let moved = Tool { app: &app, id: tool.id.clone(), callback: elsewhere.into() };
        moved.redeem(&code).await.assert_refused(400, "invalid_grant");
    }
    tool.redeem(&code).await.assert(200);
    let late = tool.code(&browser).await;
    app.tamper("UPDATE oauth_codes SET expires_at = expires_at - 600001 WHERE used_at IS NULL");
    tool.redeem(&late).await.assert_refused(400, "invalid_grant");
}

#[actix_web::test]
async fn four_wrong_verifiers_are_forgiven_and_the_fifth_burns_the_code() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, owner(&app).await);
    let guess = |code: String| {
        let tool = &tool;
        async move {
            let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", "wrong"), ("redirect_uri", CALLBACK)];
            tool.token(&fields).await.assert_refused(400, "invalid_grant");
        }
    };
    let (forgiven, burnt) = (tool.code(&browser).await, tool.code(&browser).await);
    for _ in 0..4 {
        guess(forgiven.clone()).await;
        guess(burnt.clone()).await;
    }
    tool.redeem(&forgiven).await.assert(200);
    guess(burnt.clone()).await;
    tool.redeem(&burnt).await.assert_refused(400, "invalid_grant");
}

#[actix_web::test]
async fn a_code_used_again_revokes_everything_issued_from_it() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, owner(&app).await);
    let (untouched, _) = tool.connect(&browser).await;
    let code = tool.code(&browser).await;
    let (access, refresh) = pair(&tool.redeem(&code).await.assert(200));
    let (newer, newest) = pair(&tool.refresh(&refresh).await.assert(200));
    assert!(works(&app, &access).await && works(&app, &newer).await);
    tool.redeem(&code).await.assert_refused(400, "invalid_grant");
    assert!(!works(&app, &access).await && !works(&app, &newer).await);
    tool.refresh(&newest).await.assert_refused(400, "invalid_grant");
    assert!(works(&app, &untouched).await, "another connection of the same client goes on");
}

#[actix_web::test]
async fn of_20_redemptions_at_once_exactly_one_wins() {
    let app = TestApp::start_with(|s| s.workers = Some(4)).await;
    let tool = app.tool().await;
    let code = tool.code(&owner(&app).await).await;
    let answers = futures_util::future::join_all((0..20).map(|_| tool.redeem(&code))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.assert_refused(400, "invalid_grant");
    }
}

#[actix_web::test]
async fn a_refresh_token_changes_with_every_use_and_works_60_seconds_more() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let (_, first) = tool.connect(&owner(&app).await).await;
    let (_, second) = pair(&tool.refresh(&first).await.assert(200));
    assert_ne!(first, second);
    // Several processes of one tool share a token and race.
    let pairs = futures_util::future::join_all((0..8).map(|_| tool.refresh(&first))).await;
    let mut fresh: Vec<String> = pairs.into_iter().map(|answer| pair(&answer.assert(200)).1).collect();
    fresh.sort();
    fresh.dedup();
    assert_eq!(fresh.len(), 8);
    app.tamper("UPDATE oauth_refresh_tokens SET rotated_at = rotated_at - 55000 WHERE rotated_at IS NOT NULL");
    tool.refresh(&first).await.assert(200);
    let (access, third) = pair(&tool.refresh(&second).await.assert(200));
    assert!(works(&app, &access).await);
    tool.refresh(&third).await.assert(200);
}

#[actix_web::test]
async fn a_refresh_token_used_again_later_revokes_the_whole_grant() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let (access, first) = tool.connect(&owner(&app).await).await;
    let (newer, second) = pair(&tool.refresh(&first).await.assert(200));
    app.tamper("UPDATE oauth_refresh_tokens SET rotated_at = rotated_at - 61000 WHERE rotated_at IS NOT NULL");
    tool.refresh(&first).await.assert_refused(400, "invalid_grant");
    assert!(!works(&app, &access).await && !works(&app, &newer).await);
    tool.refresh(&second).await.assert_refused(400, "invalid_grant");
}

#[actix_web::test]
async fn a_refresh_token_is_for_its_client_and_30_days_from_its_issue() {
    let app = TestApp::start().await;
    let (tool, other) = (app.tool().await, app.tool().await);
    let (_, refresh) = tool.connect(&owner(&app).await).await;
    tool.refresh("rt_unknown").await.assert_refused(400, "invalid_grant");
    other.refresh(&refresh).await.assert_refused(400, "invalid_grant");
    app.tamper("UPDATE oauth_refresh_tokens SET expires_at = expires_at - 29 * 86400000");
    let (_, next) = pair(&tool.refresh(&refresh).await.assert(200));
    app.tamper("UPDATE oauth_refresh_tokens SET expires_at = expires_at - 29 * 86400000 WHERE rotated_at IS NULL");
    let (_, last) = pair(&tool.refresh(&next).await.assert(200));
    app.tamper("UPDATE oauth_refresh_tokens SET expires_at = expires_at - 30 * 86400000 - 1000 WHERE rotated_at IS NULL");
    tool.refresh(&last).await.assert_refused(400, "invalid_grant");
}

#[actix_web::test]
async fn the_scope_may_narrow_but_never_widen() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let (_, refresh) = tool.connect_for(&owner(&app).await, &[("scope", "project:* table:read")]).await;
    let refreshed = |token: String, scope: &'static str| {
        let tool = &tool;
        async move { tool.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
    };
    let narrow = refreshed(refresh.clone(), "project:read nonsense").await.assert(200);
    assert_eq!(narrow["scope"], "project:read");
    let access = app.backend.mcp_access(narrow["access_token"].as_str().unwrap(), None, &app.url).await.unwrap();
    assert!(access.scopes.allow("project:read") && !access.scopes.allow("project:create") && !access.scopes.allow("table:read"));
    let next = narrow["refresh_token"].as_str().unwrap().to_owned();
    for wider in ["table:data:read", "project:read mail:read", "*:*", "table:*"] {
        refreshed(next.clone(), wider).await.assert_refused(400, "invalid_scope");
    }
    assert_eq!(tool.refresh(&next).await.assert(200)["scope"], "project:* table:read", "a narrow token does not narrow the grant");
}

#[actix_web::test]
async fn a_foreign_resource_is_an_invalid_target_and_costs_nothing() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let code = tool.code(&owner(&app).await).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
        ("resource", "https://elsewhere.test/mcp"),
    ];
    tool.token(&fields).await.assert_refused(400, "invalid_target");
    let (_, refresh) = pair(&tool.redeem(&code).await.assert(200));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("resource", "https://elsewhere.test/mcp")];
    tool.token(&fields).await.assert_refused(400, "invalid_target");
    tool.refresh(&refresh).await.assert(200);
}

#[actix_web::test]
async fn revoking_either_token_ends_the_whole_grant_at_once_and_is_always_200() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, owner(&app).await);
    for which in ["access", "refresh"] {
        let (access, refresh) = tool.connect(&browser).await;
        let token = if which == "access" { &access } else { &refresh };
        for _ in 0..2 {
            app.client().form("/mcp/oauth/revoke", &[("token", token), ("token_type_hint", "nonsense"), ("client_id", &tool.id)]).await.assert(200);
        }
        assert!(!works(&app, &access).await, "{which}");
        tool.refresh(&refresh).await.assert_refused(400, "invalid_grant");
    }
    for strange in ["x", "a.b.c", &app.secret_key, app.backend.operator_token()] {
        app.client().post("/mcp/oauth/revoke", json!({ "token": strange })).await.assert(200);
    }
    app.operator().get("/management/v1/organizations").await.assert(200);
    app.client().form("/mcp/oauth/revoke", &[]).await.assert_refused(400, "invalid_request");
}

#[actix_web::test]
async fn whoever_is_no_longer_a_member_gets_no_tokens() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let (tool, browser) = (app.tool().await, app.console(Some(&mina.email)).await);
    let (_, refresh) = tool.connect(&browser).await;
    let code = tool.code(&browser).await;
    let organization = app.organization_id().await;
    app.operator().delete(&format!("/management/v1/organizations/{organization}/members/{}?confirm={}", mina.id, mina.email)).await.assert(204);
    tool.redeem(&code).await.assert_refused(400, "invalid_grant");
    tool.refresh(&refresh).await.assert_refused(400, "invalid_grant");
}
