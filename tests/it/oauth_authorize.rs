//! Approval: what a request may hold, who decides, and how the tool hears of it (`01-mcp.md` §3.3, `06-console.md` A6).

use reqwest::Method;
use serde_json::json;

use crate::support::oauth::{CHALLENGE, Consent, Tool, readable, sent_back};
use crate::support::{Answer, Client, TestApp};

const AUTHORIZE: &str = "/mcp/oauth/authorize";

async fn ask(browser: &Client, tool: &Tool<'_>, changes: &[(&str, &str)]) -> Answer {
    browser.query(AUTHORIZE, &tool.asking(changes)).await
}

/// The `error` a request is sent back with.
async fn error_of(browser: &Client, tool: &Tool<'_>, changes: &[(&str, &str)]) -> String {
    let answer = ask(browser, tool, changes).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let (target, parameters) = sent_back(&answer);
    assert_eq!(target, tool.callback);
    assert_eq!(parameters["iss"], format!("{}/mcp", tool.app.url));
    assert_eq!(parameters.get("state").map(String::as_str), Some("st"));
    assert!(!parameters["error_description"].is_empty() && !parameters.contains_key("code"));
    parameters["error"].clone()
}

/// A page that redirects nowhere and says what to do.
fn assert_dead_end(answer: &Answer, saying: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.header("location").is_none() && answer.header("content-type").unwrap().starts_with("text/html"));
    assert!(readable(&answer.text).contains(saying), "{}", answer.text);
}

#[actix_web::test]
async fn an_unknown_client_or_redirect_uri_is_a_page_that_says_what_to_clear() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    for changes in [
        [("client_id", "nobody")],
        [("redirect_uri", "https://evil.test/cb")],
        [("redirect_uri", "http://localhost:1/other")],
        [("redirect_uri", "javascript://x")],
    ] {
        assert_dead_end(&ask(&browser, &tool, &changes).await, "What to clear in the tool");
    }
    assert_dead_end(&ask(&browser, &tool, &[("client_id", "")]).await, "client_id is missing");
    let repeated = format!("{AUTHORIZE}?client_id={}&redirect_uri={}&redirect_uri=https://evil.test", tool.id, tool.callback);
    assert_dead_end(&browser.get(&repeated).await, "redirect_uri came more than once");
    // Nothing a stranger sends is run or shown as anything but text.
    let hostile = ask(&browser, &tool, &[("client_id", "<script>alert(1)</script>")]).await;
    assert!(!hostile.text.contains("<script"));
}

#[actix_web::test]
async fn the_redirect_uri_may_be_left_out_if_exactly_one_is_registered() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[("redirect_uri", "")]).await;
    assert_eq!(sent_back(&page.authorize(&browser).await).0, tool.callback);
    let two = app.client().post("/mcp/oauth/register", json!({ "redirect_uris": [&tool.callback, "https://a.test/cb"] })).await.assert(201);
    let two = Tool { app: &app, id: two["client_id"].as_str().unwrap().into(), callback: tool.callback.clone() };
    assert_dead_end(&ask(&browser, &two, &[("redirect_uri", "")]).await, "redirect_uri is missing");
}

#[actix_web::test]
async fn what_is_wrong_with_a_request_is_told_to_the_tool() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let long = "a".repeat(129);
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", long.as_str(), "invalid_request"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("resource", "https://elsewhere.test/mcp", "invalid_target"),
        ("resource", "nonsense", "invalid_target"),
    ] {
        assert_eq!(error_of(&browser, &tool, &[(name, value)]).await, error, "{name}={value}");
    }
    let mut twice = tool.parameters();
    twice.push(("scope", "project:read"));
    twice.push(("scope", "project:read"));
    assert_eq!(sent_back(&browser.query(AUTHORIZE, &twice).await).1["error"], "invalid_request");
    // Nobody has to be signed in for that.
    assert_eq!(error_of(&app.client(), &tool, &[("response_type", "token")]).await, "unsupported_response_type");
}

#[actix_web::test]
async fn the_resource_is_any_name_of_this_server() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let port = app.port();
    for resource in [
        "http://localhost:{}/mcp",
        "http://localhost:{}",
        "http://LOCALHOST:{}/mcp/",
        "http://127.0.0.1:{}/mcp",
        "http://[::1]:{}/",
        "http://localhost:{}/mcp?tools=core",
    ] {
        let resource = resource.replace("{}", &port.to_string());
        assert_eq!(ask(&browser, &tool, &[("resource", &resource)]).await.status, 200, "{resource}");
    }
    let other_port = format!("http://localhost:{}/mcp", port ^ 1);
    assert_eq!(error_of(&browser, &tool, &[("resource", &other_port)]).await, "invalid_target");
}

#[actix_web::test]
async fn the_state_comes_back_byte_for_byte_up_to_4_kib() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let odd = "a b+c&d=e%\u{1F600}\"'<>/?#[]@!$'()*,;~";
    let page = tool.consent(&browser, &[("state", odd)]).await;
    assert_eq!(sent_back(&page.authorize(&browser).await).1["state"], odd);
    let longest = "x".repeat(4_096);
    let page = tool.consent(&browser, &[("state", &longest)]).await;
    assert_eq!(sent_back(&page.authorize(&browser).await).1["state"], longest);
    let beyond = sent_back(&ask(&browser, &tool, &[("state", &"x".repeat(4_097))]).await).1;
    assert_eq!((beyond["error"].as_str(), beyond.get("state")), ("invalid_request", None));
    // Bytes that are no text.
    let raw = format!(
        "{AUTHORIZE}?client_id={}&redirect_uri={}&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&state=%FF%00%7f",
        tool.id, tool.callback
    );
    let answer = Consent::read(browser.get(&raw).await.text).authorize(&browser).await;
    assert!(answer.header("location").unwrap().contains("state=%FF%00%7F"), "{answer:?}");
    let page = tool.consent(&browser, &[("state", "")]).await;
    assert!(!sent_back(&page.authorize(&browser).await).1.contains_key("state"));
}

#[actix_web::test]
async fn the_page_says_who_asks_for_what_and_where_it_returns_to() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let answer = ask(&browser, &tool, &[]).await;
    let policy = answer.header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("form-action") && !policy.contains("unsafe")
    );
    assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), (Some("nosniff"), Some("no-store")));
    let text = readable(&answer.text);
    for part in [
        "Authorize API access for",
        "Harbor Tool",
        "localhost:49190",
        "unverified",
        "Organization",
        "Project",
        "Environment",
        "Table Schema",
        "Table Data",
        "Access Token",
        "Users",
        "Mail",
        "Request Log",
        "May change production environments",
        "owner@localhost",
        "Switch account",
        ">Decline<",
        ">Authorize<",
        "table:data:delete",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=") && !text.contains("onclick"));
    let page = Consent::read(answer.text);
    let groups = page.fields.iter().filter(|(name, _)| name == "group").count();
    assert_eq!(groups, 9, "every group is ticked");
    assert!(!page.fields.iter().any(|(name, _)| name == "production"), "production is not");
    assert_eq!(page.field("organization"), app.organization_id().await);
    let narrow = tool.consent(&browser, &[("scope", "project:read table:data:*")]).await;
    let groups: Vec<_> = narrow.fields.iter().filter(|(name, _)| name == "group").map(|(_, value)| value.as_str()).collect();
    assert_eq!(groups, ["project", "table:data"], "only what was asked for is shown");
    assert_eq!(ask(&browser, &tool, &[]).await.status, 200, "always shown, even for a known client");
}

#[actix_web::test]
async fn a_hostile_client_name_is_text_on_one_line() {
    let app = TestApp::start().await;
    let name = "<img src=x onerror=alert(1)>\"'\u{202e}evil\n";
    let client = app.client().post("/mcp/oauth/register", json!({ "redirect_uris": ["http://localhost/cb"], "client_name": name })).await.assert(201);
    let tool = Tool { app: &app, id: client["client_id"].as_str().unwrap().into(), callback: "http://localhost/cb".into() };
    let page = tool.consent(&app.console(None).await, &[]).await;
    assert!(!page.text.contains("<img") && page.text.contains("&lt;img") && !page.text.contains('\u{202e}'));
}

#[actix_web::test]
async fn unticked_permissions_are_not_granted() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[("scope", "project:* table:read mail:read openid")]).await.without("group", "mail");
    let code = sent_back(&page.authorize(&browser).await).1.remove("code").unwrap();
    assert_eq!(tool.redeem(&code).await.assert(200)["scope"], "project:* table:read");
    let none = tool.consent(&browser, &[]).await.without("group", "").authorize(&browser).await;
    assert_eq!(none.status, 400);
    assert!(none.text.contains("Tick at least one permission"));
    // The page that comes back can be used at once.
    let again = Consent::read(none.text).with("group", "project");
    assert_eq!(again.authorize(&browser).await.status, 303);
}

#[actix_web::test]
async fn declining_tells_the_tool_and_ends_the_request() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[]).await;
    let answer = page.press(&browser, "decline").await;
    assert_eq!(answer.status, 303);
    let (target, parameters) = sent_back(&answer);
    assert_eq!((target.as_str(), parameters["error"].as_str(), parameters["state"].as_str()), (tool.callback.as_str(), "access_denied", "st"));
    assert_eq!(parameters["iss"], format!("{}/mcp", app.url));
    assert_dead_end(&page.authorize(&browser).await, "This request is over");
}

#[actix_web::test]
async fn a_second_click_sends_the_browser_to_the_same_place() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[]).await;
    let first = page.authorize(&browser).await.header("location").unwrap().to_owned();
    assert_eq!(page.authorize(&browser).await.header("location"), Some(first.as_str()));
    let list = app.operator().get(&format!("/management/v1/organizations/{}/activities?entityType=connection", app.organization_id().await)).await.assert(200);
    assert_eq!(list["pagination"]["total"], 1);
}

#[actix_web::test]
async fn the_form_is_taken_from_this_server_with_its_token_only() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[]).await;
    for origin in ["https://evil.test", "null", "http://localhost:1", "http://127.0.0.1"] {
        assert_eq!(page.authorize(&browser.header("Origin", origin)).await.status, 403, "{origin}");
    }
    let cookie = app.console(None).await;
    let no_origin = cookie.header("Origin", "");
    assert_eq!(page.authorize(&no_origin).await.status, 403);
    let forged = tool.consent(&browser, &[]).await.without("csrf", "").with("csrf", "0000");
    let answer = forged.authorize(&browser).await;
    assert_eq!((answer.status, answer.header("location")), (403, None));
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(page.authorize(&browser).await.status, 303, "none of that has harmed the request");
}

#[actix_web::test]
async fn whoever_is_not_signed_in_is_asked_to_and_comes_back() {
    let app = TestApp::start().await;
    let tool = app.tool().await;
    let stranger = app.client();
    // Strict cookies do not come along from another site: the page loads itself once more from here.
    let first = ask(&stranger, &tool, &[]).await;
    assert_eq!(first.status, 200);
    let text = readable(&first.text);
    let own = text.split("0;url=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(own.starts_with(&format!("{AUTHORIZE}?pending=")), "{own}");
    let second = stranger.get(&own).await;
    assert_eq!(second.status, 303);
    let (page, parameters) = sent_back(&second);
    assert_eq!(page, "/console/signin");
    let next = parameters["next"].clone();
    assert!(next.starts_with(AUTHORIZE));
    // With a session, the first of them is the page already.
    let browser = app.console(None).await;
    assert!(browser.get(&own).await.text.contains("Harbor Tool"));
    // A one-time link leads on to it, and the request still waits.
    let link = app.operator().post("/management/v1/server/login-links", json!({ "next": next })).await.assert(201);
    let token = link["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let session = app.client().header("Origin", &app.url).post("/management/v1/auth/link", json!({ "token": token })).await;
    let cookie = session.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let session = session.assert(200);
    assert_eq!(session["next"], next.as_str());
    let browser = app.client().header("Origin", &app.url).header("Cookie", &cookie);
    let page = Consent::read(browser.get(&next).await.text);
    assert_eq!(page.field("csrf"), session["csrfToken"]);
    assert_eq!(sent_back(&page.authorize(&browser).await).0, tool.callback);
}

#[actix_web::test]
async fn a_pending_request_lives_10_minutes() {
    let app = TestApp::start().await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[]).await;
    app.tamper("UPDATE oauth_requests SET expires_at = expires_at - 9 * 60000");
    let address = format!("{AUTHORIZE}?pending={}", page.field("pending"));
    assert_eq!(browser.get(&address).await.status, 200);
    app.tamper("UPDATE oauth_requests SET expires_at = expires_at - 61000");
    assert_dead_end(&browser.get(&address).await, "This request is over");
    assert_dead_end(&page.authorize(&browser).await, "This request is over");
    assert_dead_end(&page.press(&browser, "decline").await, "This request is over");
    assert_dead_end(&browser.get(&format!("{AUTHORIZE}?pending=none")).await, "This request is over");
}

#[actix_web::test]
async fn switching_the_account_signs_out_and_keeps_the_request() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let (tool, browser) = (app.tool().await, app.console(None).await);
    let page = tool.consent(&browser, &[]).await;
    let answer = page.press(&browser, "switch").await;
    assert_eq!(answer.status, 303);
    let (target, parameters) = sent_back(&answer);
    assert_eq!(target, "/console/signin");
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(browser.get("/management/v1/auth/session").await.assert(200)["tenant"], serde_json::Value::Null);
    let other = app.console(Some(&mina.email)).await;
    let page = Consent::read(other.get(&parameters["next"]).await.text);
    assert!(page.text.contains("mina@harbor.test"));
    assert_eq!(page.authorize(&other).await.status, 303);
}

#[actix_web::test]
async fn somebody_without_an_organization_makes_one_on_the_way() {
    let app = TestApp::start().await;
    app.developer("noor").await;
    let (tool, browser) = (app.tool().await, app.console(Some("noor@harbor.test")).await);
    let page = tool.consent(&browser, &[]).await;
    assert!(!page.text.contains("<select"));
    let page = page.without("organization_name", "");
    let empty = page.authorize(&browser).await;
    assert_eq!(empty.status, 400);
    assert!(empty.text.contains("name must have"), "{}", empty.text);
    let code = sent_back(&page.with("organization_name", "Noor & Co").authorize(&browser).await).1.remove("code").unwrap();
    let access = tool.redeem(&code).await.assert(200);
    let own = browser.get("/management/v1/organizations").await.assert(200);
    assert_eq!((&own["items"][0]["name"], &own["items"][0]["role"]), (&json!("Noor & Co"), &json!("owner")));
    let reached = app.backend.mcp_access(access["access_token"].as_str().unwrap(), None, &app.url).await.unwrap();
    assert_eq!(reached.organization_id, own["items"][0]["id"].as_str().unwrap());
    // A name whose slug is taken is no obstacle.
    app.developer("tariq").await;
    let second = app.console(Some("tariq@harbor.test")).await;
    let page = tool.consent(&second, &[]).await.without("organization_name", "").with("organization_name", "Noor & Co");
    assert_eq!(page.authorize(&second).await.status, 303);
}

#[actix_web::test]
async fn nobody_approves_for_an_organization_of_others() {
    let app = TestApp::start().await;
    app.developer("noor").await;
    let (tool, browser) = (app.tool().await, app.console(Some("noor@harbor.test")).await);
    let page = tool.consent(&browser, &[]).await.without("organization_name", "").with("organization", &app.organization_id().await);
    let answer = page.authorize(&browser).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
    let other = app.console(None).await;
    let page = tool.consent(&other, &[]).await;
    page.authorize(&other).await;
    let stolen = Consent { text: String::new(), fields: page.fields.clone() }.without("csrf", "").with("csrf", tool.consent(&browser, &[]).await.field("csrf"));
    assert_dead_end(&stolen.authorize(&browser).await, "This request is over");
}

#[actix_web::test]
async fn nothing_sent_to_the_page_is_a_500() {
    let app = TestApp::start().await;
    let browser = app.console(None).await;
    for query in ["", "?", "?client_id", "?%", "?client_id=%FF&redirect_uri=%00", "?pending=", "?pending=%27%20OR%201=1", "?client_id[]=x", "?&&&=&="] {
        let answer = browser.get(&format!("{AUTHORIZE}{query}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/html; charset=utf-8")), "{query}");
    }
    for body in [&b""[..], b"%", b"\xff\xfe", b"decision=authorize", b"pending=x&pending=y&csrf&decision=authorize"] {
        let request = browser.request(Method::POST, AUTHORIZE).body(body);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
}
