//! The pages at `/console`, used as a browser without JavaScript uses them (`06-console.md` A4–A8).

use serde_json::json;

use crate::support::TestApp;
use crate::support::pages::{Browser, Terminal, hidden};

const PASSWORD: &str = "correct horse battery";

async fn sign_up(app: &TestApp, name: &str) -> Browser {
    let mut browser = app.browser();
    let fields = [("email", format!("{name}@harbor.test")), ("name", name.to_owned()), ("password", PASSWORD.to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = browser.submit("/console/signup", "/console/signup", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console")), "{}", answer.text);
    browser
}

/// A browser signed in as the server owner.
async fn owner(app: &TestApp) -> Browser {
    app.console(None).await.put("/management/v1/account/password", json!({ "password": PASSWORD })).await.assert(204);
    let mut browser = app.browser();
    let answer = browser.submit("/console/signin", "/console/signin", &[("how", "password"), ("email", "owner@localhost"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    browser
}

#[actix_web::test]
async fn every_page_has_a_strict_policy_and_nothing_inline() {
    let app = TestApp::start().await;
    let mut browser = owner(&app).await;
    for path in [
        "/console",
        "/console/signin",
        "/console/signup",
        "/console/forgot",
        "/console/reset",
        "/console/link",
        "/console/invite",
        "/console/simulated/google",
        "/console/welcome",
        "/console/nothing",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, if path.ends_with("nothing") { 404 } else { 200 }, "{path}: {}", page.text);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((page.header("x-content-type-options"), page.header("cache-control")), (Some("nosniff"), Some("no-store")));
        assert!(page.text.matches("<h1").count() == 1 && page.text.contains("<main") && page.text.contains("lang=\"en\""), "{path}");
        assert!(!page.text.contains("style=") && !page.text.contains("<script>") && !page.text.contains("onclick"), "{path}");
        assert!(!page.text.contains("//fonts") && !page.text.contains("https://"), "{path} loads from elsewhere");
    }
}

#[actix_web::test]
async fn signing_in_offers_providers_link_and_password_and_says_what_is_simulated() {
    let app = TestApp::start().await;
    let page = app.browser().get("/console/signin?next=/console/orgs/a").await.text;
    for text in ["Continue with Google", "Continue with GitHub", "simulated", "Send login link", "Use a password", "/console/signup?next=%2Fconsole%2Forgs%2Fa"]
    {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    let remote = TestApp::start_with(|s| s.hosts = vec!["0.0.0.0".parse().unwrap()]).await;
    let page = remote.browser().get("/console/signin").await.text;
    assert!(!page.contains("simulated") && !page.contains("Sign up") && page.contains("Send login link"));
    assert!(remote.browser().get("/console/signup").await.text.contains("Sign-up is closed on this server"));
    assert!(remote.browser().get("/console/simulated/google").await.text.contains("listens on loopback"));
}

#[actix_web::test]
async fn a_login_link_is_asked_for_and_the_page_says_where_the_mail_is() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    let mut browser = app.browser();
    let next = "/mcp/oauth/authorize?client_id=a";
    let page = browser.submit("/console/signin", "/console/signin", &[("how", "link"), ("email", "mina@harbor.test"), ("next", next)]).await;
    assert!(page.text.contains("terminal") && page.text.contains("bkend-local login-link --email mina@harbor.test"), "{}", page.text);
    let token = terminal.mail("magic_link", "mina@harbor.test").split_once('#').unwrap().1.to_owned();
    let session = app.client().header("Origin", &app.url).post("/management/v1/auth/link", json!({ "token": token })).await.assert(200);
    assert_eq!(session["next"], next);
    let wrong = browser.submit("/console/signin", "/console/signin", &[("how", "link"), ("email", "not an address")]).await;
    assert!(wrong.status == 400 && wrong.text.contains("aria-invalid=\"true\"") && wrong.text.contains("value=\"not an address\""), "{}", wrong.text);
}

#[actix_web::test]
async fn next_leads_to_own_pages_only() {
    let app = TestApp::start().await;
    sign_up(&app, "mina").await;
    for (next, expected) in [
        ("/console/orgs/a?b=c", "/console/orgs/a?b=c"),
        ("/mcp/oauth/authorize?x=1", "/mcp/oauth/authorize?x=1"),
        ("//evil.test", "/console"),
        ("https://evil.test/console/", "/console"),
        ("/\\evil.test", "/console"),
        ("/console/../v1", "/console"),
        ("javascript:alert(1)", "/console"),
    ] {
        let fields = [("how", "password"), ("email", "mina@harbor.test"), ("password", PASSWORD), ("next", next)];
        let answer = app.browser().submit("/console/signin", "/console/signin", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)), "{next}");
        let encoded = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let page = app.browser().get(&format!("/console/signin?{encoded}")).await.text;
        assert_eq!(page.contains("name=\"next\""), expected == next, "{next}");
    }
}

#[actix_web::test]
async fn a_form_without_csrf_token_or_from_another_origin_does_nothing() {
    let app = TestApp::start().await;
    let fields = [("email", "mina@harbor.test"), ("name", "Mina")];
    let mut browser = app.browser();
    browser.get("/console/signup").await;
    for csrf in ["", "wrong"] {
        let answer = browser.post("/console/signup", &[&fields[..], &[("csrf", csrf)]].concat()).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    // The token of one browser is worth nothing in another.
    let stolen = hidden(&app.browser().get("/console/signup").await.text, "csrf");
    assert_eq!(browser.post("/console/signup", &[&fields[..], &[("csrf", stolen.as_str())]].concat()).await.status, 403);
    for origin in ["http://evil.test", "http://localhost:1", "null"] {
        let mut foreign = app.browser().header("Origin", origin);
        assert_eq!(foreign.submit("/console/signup", "/console/signup", &fields).await.status, 403, "{origin}");
    }
    let mut owner = owner(&app).await;
    owner.get("/console").await;
    assert_eq!(owner.post("/console/tokens", &[("action", "create"), ("name", "x"), ("scope", "write")]).await.status, 403);
    assert_eq!(owner.post("/console/signout", &[]).await.status, 403);
    assert_eq!(app.operator().get("/management/v1/account/tokens").await.assert(200)["pagination"]["total"], 0);
    app.client().header("Origin", &app.url).post("/management/v1/auth/signup", json!({ "email": "mina@harbor.test", "name": "Mina" })).await.assert(200);
}

#[actix_web::test]
async fn a_page_reached_from_another_site_loads_itself_again_before_it_concludes_that_nobody_is_signed_in() {
    let app = TestApp::start().await;
    let mut foreign = app.browser().header("Sec-Fetch-Site", "cross-site");
    let page = foreign.get("/console/signin?next=/console/a").await.text.replace("&#x2f;", "/");
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("/console/signin?next=/console/a"), "{page}");
    let answer = app.browser().header("Sec-Fetch-Site", "same-origin").get("/console").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console/signin")));
}

#[actix_web::test]
async fn a_simulated_provider_says_what_it_is_and_remembers_identities() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    let mut browser = app.browser();
    let path = "/console/simulated/github";
    let page = browser.submit(path, path, &[("step", "start"), ("email", "mina@harbor.test"), ("name", "Mina")]).await.text;
    assert!(page.contains("This is not GitHub") && page.contains("Six-digit code"), "{page}");
    let challenge = hidden(&page, "challenge");
    let fields = |code: &'static str| [("step", "confirm"), ("challenge", ""), ("email", "mina@harbor.test"), ("name", "Mina"), ("code", code)];
    let mut wrong = fields("12345x");
    wrong[1].1 = &challenge;
    let page = browser.submit(path, path, &wrong).await;
    assert!(page.status == 401 && hidden(&page.text, "challenge") == challenge, "{}", page.text);
    let code = terminal.mail("simulated_github", "mina@harbor.test");
    let right = [("step", "confirm"), ("challenge", challenge.as_str()), ("email", "mina@harbor.test"), ("name", "Mina"), ("code", code.as_str())];
    let answer = browser.submit(path, path, &right).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console")), "{}", answer.text);
    assert!(browser.get(path).await.text.contains("Identities this browser has used"));
    assert!(!app.browser().get(path).await.text.contains("Identities this browser has used"));
}

#[actix_web::test]
async fn a_person_without_organizations_creates_one_and_becomes_its_owner() {
    let app = TestApp::start().await;
    let mut mina = sign_up(&app, "mina").await;
    assert_eq!(mina.get("/console").await.header("location"), Some("/console/welcome"));
    let taken = mina.submit("/console/welcome", "/console/welcome", &[("name", "Harbor"), ("slug", "personal")]).await;
    assert!(taken.status == 409 && taken.text.contains("value=\"Harbor\""), "{}", taken.text);
    let answer = mina.submit("/console/welcome", "/console/welcome", &[("name", "<b>Harbor</b> & \"Co\""), ("slug", "")]).await;
    assert_eq!(answer.header("location"), Some("/console"));
    let page = mina.get("/console").await.text;
    assert!(page.contains("Owner") && !page.contains("<b>Harbor") && page.contains("&lt;b&gt;Harbor"), "{page}");
}

#[actix_web::test]
async fn the_start_page_shows_addresses_keys_and_snippets_and_never_a_secret_key() {
    let app = TestApp::start().await;
    let page = owner(&app).await.get("/console").await.text.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'");
    for text in [
        format!("{}/v1", app.url),
        format!("claude mcp add --scope user --transport http bkend {}/mcp", app.url),
        app.publishable_key.clone(),
        format!("NEXT_PUBLIC_BKEND_PUBLISHABLE_KEY={}", app.publishable_key),
        "10.0.2.2".to_owned(),
        "mcpServers".to_owned(),
        "my-blog".to_owned(),
        app.project_id(),
    ] {
        assert!(page.contains(&text), "{text} is missing in {page}");
    }
    assert!(!page.contains("sk_"));
}

#[actix_web::test]
async fn tokens_are_made_shown_once_and_revoked_on_the_page() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = owner.submit("/console", "/console/tokens", &[("action", "create"), ("name", "ci <x>"), ("scope", "read"), ("days", "7")]).await.text;
    let token = page.split("pat_").nth(1).unwrap()[..64].to_owned();
    app.bearer(&format!("pat_{token}")).get("/management/v1/account").await.assert(200);
    assert!(page.contains("ci &lt;x&gt;") && !page.contains("ci <x>"));
    let page = owner.get("/console").await.text;
    assert!(!page.contains(&token));
    let id = app.operator().get("/management/v1/account/tokens").await.assert(200)["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        owner.submit("/console", "/console/tokens", &[("action", "revoke"), ("id", &id)]).await.header("location"),
        Some("/console?done=revoked#tokens")
    );
    app.bearer(&format!("pat_{token}")).get("/management/v1/account").await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn an_invitation_is_sent_from_the_page_and_answered_on_its_own() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let actions = format!("/console/organizations/{}", app.organization_id().await);
    let page =
        owner.submit("/console", &actions, &[("action", "invite"), ("email", "mina@harbor.test"), ("name", "<i>Mina</i>"), ("role", "member")]).await.text;
    let token = page.replace("&#x2f;", "/").split("/console/invite#").nth(1).unwrap()[..64].to_owned();
    let again = owner.submit("/console", &actions, &[("action", "invite"), ("email", "mina@harbor.test"), ("role", "member")]).await;
    assert!(again.status == 409 && again.text.contains("is invited already"), "{}", again.text);
    // Somebody else is told whose invitation it is.
    let mut ann = sign_up(&app, "ann").await;
    let page = ann.submit("/console/invite", "/console/invite", &[("token", &token)]).await.text;
    assert!(page.contains("You are signed in as <strong>ann@harbor.test</strong>") && !page.contains("value=\"accept\""), "{page}");
    let refused = ann.submit("/console/invite", "/console/invite", &[("token", &token), ("how", "accept")]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    // The invited person signs up and accepts on the same page.
    let mut mina = app.browser();
    let page = mina.submit("/console/invite", "/console/invite", &[("token", &token)]).await.text;
    assert!(page.contains("Join Personal") && page.contains("I am new here") && !page.contains("<i>Mina"), "{page}");
    let fields = [("token", token.as_str()), ("how", "signup"), ("email", "mina@harbor.test"), ("name", "Mina"), ("password", "")];
    let page = mina.submit("/console/invite", "/console/invite", &fields).await.text;
    assert!(page.contains("value=\"accept\"") && page.contains("value=\"decline\""), "{page}");
    let answer = mina.submit("/console/invite", "/console/invite", &[("token", &token), ("how", "accept")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console?done=joined")), "{}", answer.text);
    assert!(mina.get("/console").await.text.contains("my-blog"));
    let over = mina.submit("/console/invite", "/console/invite", &[("token", &token)]).await;
    assert!(over.status == 400 && over.text.contains("This invitation is unknown"), "{}", over.text);
}

#[actix_web::test]
async fn the_last_owner_stays_and_the_page_says_why() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let actions = format!("/console/organizations/{}", app.organization_id().await);
    let id = app.operator().get("/management/v1/account").await.assert(200)["id"].as_str().unwrap().to_owned();
    for fields in [[("action", "role"), ("id", id.as_str()), ("role", "member")], [("action", "remove"), ("id", id.as_str()), ("confirm", "owner@localhost")]] {
        let answer = owner.submit("/console", &actions, &fields).await;
        assert!(answer.status == 409 && answer.text.contains("This is the last owner"), "{}", answer.text);
    }
}

#[actix_web::test]
async fn a_forgotten_password_is_chosen_anew_on_its_page() {
    let (terminal, app) = (Terminal::open(), TestApp::start().await);
    sign_up(&app, "mina").await;
    let mut browser = app.browser();
    let page = browser.submit("/console/forgot", "/console/forgot", &[("email", "mina@harbor.test")]).await.text;
    assert!(page.contains("Link to a new password"), "{page}");
    let token = terminal.mail("password_reset", "mina@harbor.test").split_once("/console/reset#").unwrap().1.to_owned();
    let short = browser.submit("/console/reset", "/console/reset", &[("token", &token), ("password", "short")]).await;
    assert!(short.status == 400 && hidden(&short.text, "token") == token, "{}", short.text);
    let answer = browser.submit("/console/reset", "/console/reset", &[("token", &token), ("password", "a brand new one")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console")), "{}", answer.text);
    let used = browser.submit("/console/reset", "/console/reset", &[("token", &token), ("password", "a brand new one")]).await;
    assert!(used.text.contains("was used already"), "{}", used.text);
}

#[actix_web::test]
async fn signing_out_ends_the_session() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    assert_eq!(owner.submit("/console", "/console/signout", &[]).await.header("location"), Some("/console/signin"));
    assert_eq!(owner.get("/console").await.header("location"), Some("/console/signin"));
}
