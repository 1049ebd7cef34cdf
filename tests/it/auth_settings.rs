//! The settings of authentication: on the management API, and on `/v1/auth` as earlier documentation had them.

use bkend_local::domain::error::Error;
use bkend_local::domain::mail::{Outgoing, Template};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

fn config(app: &TestApp) -> String {
    format!("{}/auth/config", app.environment_path())
}

fn providers(app: &TestApp) -> String {
    format!("{}/auth/providers", app.environment_path())
}

#[actix_web::test]
async fn the_defaults_are_those_of_the_contract() {
    let app = TestApp::start().await;
    let settings = app.operator().get(&config(&app)).await.assert(200);
    let google = json!({
        "provider": "google", "enabled": true, "mode": "auto", "clientId": null, "clientSecretSet": false, "additionalClientIds": [],
        "redirectUri": format!("{}/v1/auth/google/callback", app.url),
        "scopes": ["openid", "email", "profile"], "autoLinkVerifiedEmail": true,
    });
    assert_eq!(settings["oauth"]["google"], google);
    assert_eq!(settings["oauth"]["github"]["scopes"], json!(["read:user", "user:email"]));
    let expected = json!({
        "email": {
            "enabled": true, "signupEnabled": true, "requireEmailVerification": false, "magicLinkEnabled": true, "magicLinkExpirationMinutes": 15,
            "emailCodeEnabled": false, "discloseAccounts": true, "resendCooldownSeconds": 0,
            "passwordPolicy": { "minLength": 6, "requireUppercase": false, "requireLowercase": false, "requireNumbers": false, "requireSpecialChars": false,
                "expirationDays": null, "checkCommonPasswords": false },
        },
        "tokens": { "accessTokenSeconds": 3600, "refreshTokenSeconds": 604_800, "refreshGraceSeconds": 10, "reuseRevokes": "user", "algorithm": "HS256" },
        "urls": { "redirectAllowList": [], "passwordResetUrl": null, "invitationUrl": null },
        "users": { "customRoles": [], "anonymousEnabled": false, "deletedUserRetentionDays": 30, "mfaIssuer": "my-blog", "throttleLoopback": false },
        "invitations": { "inviters": "users", "invitationExpirationDays": 7 },
        "mail": { "senderEmail": "no-reply@bkend.local", "senderName": "my-blog", "logoUrl": null, "brandColor": "#4F46E5", "overrideDefaults": false,
            "defaultLocale": "en", "smtp": null },
    });
    for (section, value) in expected.as_object().unwrap() {
        assert_eq!(&settings[section], value, "{section}");
    }
}

#[actix_web::test]
async fn a_patch_changes_what_it_names_and_survives_a_restart() {
    let app = TestApp::start().await;
    let patch = json!({ "email": { "passwordPolicy": { "minLength": 10 } }, "users": { "customRoles": ["editor"] }, "mail": { "senderName": "Harbor" },
        "tokens": { "algorithm": "ES256" }, "oauth": { "google": { "enabled": false } }, "unknown": 1 });
    let after = app.operator().patch(&config(&app), patch).await.assert(200);
    assert_eq!((&after["email"]["passwordPolicy"]["minLength"], &after["email"]["enabled"]), (&json!(10), &json!(true)));
    assert_eq!((&after["users"]["customRoles"], &after["tokens"]["algorithm"]), (&json!(["editor"]), &json!("ES256")));
    assert_eq!(after["oauth"]["google"]["enabled"], true, "providers have a route of their own");
    assert!(app.environment.knows_role("editor"), "settings hold from the next request on");
    let before = app.url.clone();
    let app = app.restart().await;
    let restarted = app.operator().get(&config(&app)).await.assert(200);
    assert_eq!(restarted.to_string().replace(&app.url, &before), after.to_string(), "the callbacks are at another port");
}

#[actix_web::test]
async fn everything_out_of_range_or_of_a_wrong_type_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let before = operator.get(&config(&app)).await.assert(200);
    let wide = json!({ "email": { "magicLinkExpirationMinutes": 0 }, "tokens": { "accessTokenSeconds": 59 }, "mail": { "brandColor": "red" } });
    let answer = operator.patch(&config(&app), wide).await;
    let fields: Vec<String> = answer.details().iter().map(|d| d.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(fields, ["email.magicLinkExpirationMinutes", "tokens.accessTokenSeconds", "mail.brandColor"]);
    answer.assert_error(400, "common/invalid-parameters");
    for bad in [
        json!({ "email": { "enabled": "yes" } }),
        json!({ "email": null }),
        json!({ "email": [] }),
        json!({ "users": { "customRoles": ["A"] } }),
        json!({ "mail": { "logoUrl": "javascript:alert(1)" } }),
        json!({ "mail": { "senderEmail": "a@b.test\r\nBcc: c@d.test" } }),
        json!({ "mail": { "senderName": "a\nb" } }),
        json!({ "mail": { "defaultLocale": "de" } }),
        json!({ "mail": { "smtp": { "host": "" } } }),
        json!({ "mail": { "smtp": { "host": "mail.test", "port": 25, "password": "x" } } }),
        json!({ "mail": { "smtp": { "host": "mail.test", "port": 25, "security": "maybe" } } }),
        json!({ "urls": { "redirectAllowList": ["javascript:*"] } }),
    ] {
        operator.patch(&config(&app), bad).await.assert_error(400, "common/invalid-parameters");
    }
    operator.send_text(reqwest::Method::PATCH, &config(&app), "[]").await.assert_error(400, "common/invalid-parameters");
    assert_eq!(operator.get(&config(&app)).await.assert(200), before);
}

#[actix_web::test]
async fn a_wrong_type_is_told_in_plain_words() {
    let app = TestApp::start().await;
    for (path, value, told) in [
        ("email.passwordPolicy", json!(null), "email.passwordPolicy must be an object, not null"),
        ("email", json!(7), "email must be an object, not 7"),
        ("email.enabled", json!("yes"), "email.enabled must be true or false, not \"yes\""),
        ("email.passwordPolicy.minLength", json!("ten"), "email.passwordPolicy.minLength must be a whole number from 0 to 4294967295, not \"ten\""),
        ("users.customRoles", json!("editor"), "users.customRoles must be a list, not \"editor\""),
        ("mail.senderEmail", json!({}), "mail.senderEmail must be text, not an object"),
        ("tokens.algorithm", json!("RS256"), "tokens.algorithm must be HS256 or ES256, not \"RS256\""),
    ] {
        let refused = app.operator().patch(&config(&app), patch_of(path, value)).await.assert_error(400, "common/invalid-parameters");
        assert_eq!(refused["message"], told);
    }
    let refused = app.guest().post("/v1/auth/email/signin", json!({ "email": 5 })).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(refused["message"], "email must be text, not 5");
}

/// A patch of one field: `path` is `section.field` or `section.part.field`.
fn patch_of(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |inner, name| json!({ name: inner }))
}

#[actix_web::test]
async fn every_range_includes_its_ends_and_nothing_beyond() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let ranges = [
        ("email.passwordPolicy.minLength", 4, 128),
        ("email.passwordPolicy.expirationDays", 1, 3_650),
        ("email.magicLinkExpirationMinutes", 1, 1_440),
        ("email.resendCooldownSeconds", 0, 300),
        ("tokens.accessTokenSeconds", 60, 86_400),
        ("tokens.refreshTokenSeconds", 3_600, 31_536_000),
        ("tokens.refreshGraceSeconds", 0, 60),
        ("users.deletedUserRetentionDays", 0, 365),
        ("invitations.invitationExpirationDays", 1, 90),
    ];
    for (path, lowest, highest) in ranges {
        for end in [lowest, highest] {
            let after = operator.patch(&config(&app), patch_of(path, json!(end))).await.assert(200);
            assert_eq!(after.pointer(&format!("/{}", path.replace('.', "/"))), Some(&json!(end)), "{path}");
        }
        for beyond in [json!(lowest - 1), json!(highest + 1), json!(1.5), json!("7"), json!(10_000_000_000_000_i64)] {
            let answer = operator.patch(&config(&app), patch_of(path, beyond)).await;
            assert!(answer.details().iter().all(|d| d.starts_with(path)) && !answer.details().is_empty(), "{path}: {}", answer.text);
            answer.assert_error(400, "common/invalid-parameters");
        }
    }
    for (path, values) in
        [("tokens.reuseRevokes", ["user", "session"]), ("tokens.algorithm", ["ES256", "HS256"]), ("invitations.inviters", ["admins", "users"])]
    {
        for value in values {
            operator.patch(&config(&app), patch_of(path, json!(value))).await.assert(200);
        }
        operator.patch(&config(&app), patch_of(path, json!("none"))).await.assert_error(400, "common/invalid-parameters");
    }
    let list = |length: usize| patch_of("urls.redirectAllowList", (0..length).map(|n| json!(format!("https://a{n}.harbor.test/*"))).collect());
    operator.patch(&config(&app), list(50)).await.assert(200);
    operator.patch(&config(&app), list(51)).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_callback_that_is_the_servers_own_is_not_kept() {
    let app = TestApp::start().await;
    let (google, own) = (format!("{}/google", providers(&app)), format!("{}/v1/auth/google/callback", app.url));
    let set = |uri: &str| json!({ "redirectUri": uri });
    assert_eq!(app.operator().put(&google, set("https://api.harbor.test/back")).await.assert(200)["redirectUri"], "https://api.harbor.test/back");
    assert_eq!(app.operator().put(&google, set(&own)).await.assert(200)["redirectUri"], own);
    assert_eq!(app.environment.auth_config().oauth.google.redirect_uri, None);
    app.secret().put("/v1/auth/providers/oauth/google", set(&own)).await.assert(200);
    assert_eq!(app.environment.auth_config().oauth.google.redirect_uri, None);
}

#[actix_web::test]
async fn settings_that_changed_meanwhile_are_not_overwritten() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let etag = operator.get(&config(&app)).await.header("etag").unwrap().to_owned();
    let careful = operator.header("If-Match", &etag);
    careful.patch(&config(&app), json!({ "email": { "emailCodeEnabled": true } })).await.assert(200);
    careful.patch(&config(&app), json!({ "email": { "emailCodeEnabled": false } })).await.assert_error(412, "management/version-conflict");
}

#[actix_web::test]
async fn secrets_go_in_and_never_come_out() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let smtp = json!({ "mail": { "smtp": { "host": "mail.test", "port": 587, "username": "mina", "password": "open-sesame-1" } } });
    let mut answers = vec![operator.patch(&config(&app), smtp).await.assert(200)];
    assert_eq!(answers[0]["mail"]["smtp"], json!({ "host": "mail.test", "port": 587, "username": "mina", "passwordSet": true, "security": "starttls" }));
    let google = format!("{}/google", providers(&app));
    let set = operator.put(&google, json!({ "clientId": "id", "clientSecret": "open-sesame-2" })).await.assert(200);
    assert_eq!((&set["clientSecretSet"], &set["clientId"]), (&json!(true), &json!("id")));
    assert_eq!(operator.put(&google, json!({ "mode": "real" })).await.assert(200)["clientSecretSet"], true, "a PUT without one keeps it");
    answers.extend([operator.get(&config(&app)).await.assert(200), operator.get(&providers(&app)).await.assert(200)]);
    for path in ["", "/email", "/oauth", "/oauth/google"] {
        answers.push(app.secret().get(&format!("/v1/auth/providers{path}")).await.assert(200));
    }
    let mut activities = Value::Null;
    for _ in 0..500 {
        activities = operator.get(&format!("{}/activities", app.project_path())).await.assert(200);
        if column(&activities, "event").iter().filter(|event| *event == "provider_updated").count() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(column(&activities, "event").contains(&"environment_updated".to_owned()), "{activities}");
    answers.push(activities);
    for answer in &answers {
        assert!(!answer.to_string().contains("open-sesame"), "{answer}");
    }
    let folder = app.backend.data_dir().join("env").join(app.environment.id());
    for file in ["data.db", "data.db-wal", "log.db", "log.db-wal"] {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        assert!(!bytes.windows(11).any(|part| part == b"open-sesame"), "{file} holds a secret in the open");
    }
    assert_eq!(operator.put(&google, json!({ "clientSecret": null })).await.assert(200)["clientSecretSet"], false);
}

#[actix_web::test]
async fn a_copy_of_an_environment_knows_no_mail_server_and_no_secret() {
    let app = TestApp::start().await;
    let operator = app.operator();
    operator
        .patch(&config(&app), json!({ "mail": { "senderName": "Harbor", "smtp": { "host": "mail.test", "port": 25, "security": "none" } } }))
        .await
        .assert(200);
    operator.put(&format!("{}/github", providers(&app)), json!({ "clientId": "id", "clientSecret": "s" })).await.assert(200);
    operator.put(&format!("{}/auth/templates/magic_link/en", app.environment_path()), json!({ "subject": "Own" })).await.assert(200);
    let clone = json!({ "environment": "copy", "environmentType": "custom" });
    let job = operator.post(&format!("{}/clone?wait=30", app.environment_path()), clone).await;
    assert!(matches!(job.status, 200 | 202), "{}", job.text);
    let copy = format!("{}/environments/copy", app.project_path());
    let settings = operator.get(&format!("{copy}/auth/config")).await.assert(200);
    assert_eq!((&settings["mail"]["senderName"], &settings["mail"]["smtp"]), (&json!("Harbor"), &Value::Null));
    assert_eq!(settings["oauth"]["github"]["clientSecretSet"], false);
    let templates = operator.get(&format!("{copy}/auth/templates")).await.assert(200);
    assert!(templates["items"].as_array().unwrap().iter().any(|t| t["customized"] == true), "own texts are settings");
}

#[actix_web::test]
async fn providers_are_google_and_github() {
    let app = TestApp::start().await;
    let operator = app.operator();
    assert_eq!(column(&operator.get(&providers(&app)).await.assert(200), "provider"), ["google", "github"]);
    for unknown in ["facebook", "email", "Google"] {
        operator.put(&format!("{}/{unknown}", providers(&app)), json!({})).await.assert_error(400, "auth/unsupported-provider");
        operator.delete(&format!("{}/{unknown}", providers(&app))).await.assert_error(400, "auth/unsupported-provider");
    }
    let github = format!("{}/github", providers(&app));
    operator.put(&github, json!({ "enabled": false, "scopes": ["read:user"] })).await.assert(200);
    for bad in [json!({ "scopes": "all" }), json!({ "mode": "fake" }), json!({ "redirectUri": "ftp://x" }), json!({ "clientSecret": 7 })] {
        operator.put(&github, bad).await.assert_error(400, "common/invalid-parameters");
    }
    assert_eq!(operator.delete(&github).await.status, 204);
    let back = operator.get(&config(&app)).await.assert(200);
    assert_eq!((&back["oauth"]["github"]["enabled"], &back["oauth"]["github"]["scopes"]), (&json!(true), &json!(["read:user", "user:email"])));
}

#[actix_web::test]
async fn the_signing_secret_is_rotated_by_admins_who_confirm() {
    let app = TestApp::start().await;
    let path = format!("{}/auth/rotate-secret", app.environment_path());
    let mina = app.user("mina", "user").await;
    app.operator().post(&path, json!({})).await.assert_error(400, "management/confirmation-required");
    app.member("m", "member").await.post(&format!("{path}?confirm=dev"), json!({})).await.assert_error(403, "organization/permission-denied");
    let admin = app.member("a", "admin").await;
    let first = admin.post(&format!("{path}?confirm=dev"), json!({})).await.assert(200)["kid"].clone();
    assert!(first.as_str().is_some_and(|kid| !kid.is_empty()));
    let second = admin.post(&format!("{path}?confirm=dev"), json!({ "immediate": true })).await.assert(200)["kid"].clone();
    assert_ne!(first, second);
    assert_ne!(mina.get("/v1/data/nothing").await.status, 404, "every session has ended");
}

#[actix_web::test]
async fn a_rotation_cuts_no_token_short_that_was_issued_while_they_lived_longer() {
    const DAY: i64 = 24 * 60 * 60;
    let app = TestApp::start().await;
    app.auth(|c| c.tokens.refresh_token_seconds = 30 * DAY).await;
    let mina = app.sign_up("mina", "tide42").await;
    app.auth(|c| c.tokens.refresh_token_seconds = 3_600).await;
    app.operator().post(&format!("{}/auth/rotate-secret?confirm=dev", app.environment_path()), json!({})).await.assert(200);
    app.wait(29 * DAY);
    app.refresh(&mina.refresh).await.assert(200);
}

#[actix_web::test]
async fn a_read_only_token_and_a_stranger_change_nothing() {
    let app = TestApp::start().await;
    let made = app.operator().post("/management/v1/account/tokens", json!({ "name": "r", "scope": "read" })).await.assert(201);
    let reader = app.bearer(made["token"].as_str().unwrap());
    reader.get(&config(&app)).await.assert(200);
    reader.patch(&config(&app), json!({})).await.assert_error(403, "auth/insufficient-scope");
    reader.put(&format!("{}/google", providers(&app)), json!({})).await.assert_error(403, "auth/insufficient-scope");
    app.developer("stranger").await.get(&config(&app)).await.assert_error(404, "project/not-found");
    app.secret().get(&config(&app)).await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn earlier_routes_answer_secret_keys_only() {
    let app = TestApp::start().await;
    let reads = [
        "providers",
        "providers/email",
        "providers/oauth",
        "providers/oauth/google",
        "email-templates/config",
        "email-templates",
        "email-templates/magic_link",
        "email-templates/preview/magic_link",
    ];
    let admin = app.user("mina", "admin").await;
    for path in reads {
        let path = format!("/v1/auth/{path}");
        app.secret().get(&path).await.assert(200);
        app.guest().get(&path).await.assert_error(403, "auth/forbidden");
        admin.get(&path).await.assert_error(403, "auth/forbidden");
        app.client().get(&path).await.assert_error(401, "auth/unauthorized");
    }
    for path in ["providers/email", "providers/oauth/google", "email-templates/config", "email-templates/magic_link"] {
        app.guest().put(&format!("/v1/auth/{path}"), json!({})).await.assert_error(403, "auth/forbidden");
    }
    app.guest().delete("/v1/auth/providers/oauth/google").await.assert_error(403, "auth/forbidden");
    // Who may not ask does not learn what there is.
    let unknown = "/v1/auth/providers/oauth/facebook";
    app.guest().get(unknown).await.assert_error(403, "auth/forbidden");
    app.guest().put(unknown, json!({})).await.assert_error(403, "auth/forbidden");
    app.guest().delete(unknown).await.assert_error(403, "auth/forbidden");
    app.secret().get(unknown).await.assert_error(400, "auth/unsupported-provider");
}

#[actix_web::test]
async fn earlier_routes_have_the_same_field_names() {
    let app = TestApp::start().await;
    let secret = app.secret();
    let email = secret.put("/v1/auth/providers/email", json!({ "passwordPolicy": { "minLength": 8 } })).await.assert(200);
    assert_eq!((&email["passwordPolicy"]["minLength"], &email["magicLinkEnabled"]), (&json!(8), &json!(true)));
    let google = secret.put("/v1/auth/providers/oauth/google", json!({ "clientId": "id", "clientSecret": "s" })).await.assert(200);
    assert!(google.get("clientSecret").is_none() && google["clientSecretSet"] == true);
    assert_eq!(secret.put("/v1/auth/providers/oauth/google", json!({ "clientId": "id2" })).await.assert(200)["clientSecretSet"], true);
    secret.delete("/v1/auth/providers/oauth/google").await.assert(200);
    assert_eq!(secret.get("/v1/auth/providers/oauth/google").await.assert(200)["clientId"], Value::Null);
    secret.get("/v1/auth/providers/oauth/facebook").await.assert_error(400, "auth/unsupported-provider");
    let mail = secret
        .put("/v1/auth/email-templates/config", json!({ "senderName": "Harbor", "defaultLocale": "ko", "smtp": { "host": "x", "port": 1 } }))
        .await
        .assert(200);
    assert_eq!((&mail["senderName"], mail.get("smtp")), (&json!("Harbor"), None));
    assert_eq!(app.operator().get(&config(&app)).await.assert(200)["mail"]["smtp"], Value::Null);
    let template = secret.get("/v1/auth/email-templates/magic_link").await.assert(200);
    let members: Vec<&str> = template.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "name", "category", "subject", "body", "customized", "locale"]);
    assert_eq!(template["locale"], "ko", "absent: defaultLocale");
    let saved = secret.put("/v1/auth/email-templates/magic_link?locale=en", json!({ "subject": "Own {{appName}}" })).await.assert(200);
    assert_eq!((&saved["customized"], &saved["locale"]), (&json!(true), &json!("en")));
    assert_eq!(secret.get("/v1/auth/email-templates/preview/magic_link?locale=en").await.assert(200)["subject"], "Own my-blog");
    assert_eq!(secret.get("/v1/auth/email-templates").await.assert(200)["items"].as_array().unwrap().len(), 6);
    for unknown in ["/v1/auth/email-templates/welcome", "/v1/auth/email-templates/magic_link?locale=de", "/v1/auth/email-templates/preview/welcome"] {
        secret.get(unknown).await.assert_error(404, "auth/template-not-found");
    }
    let enveloped = secret.header("X-Bkend-Envelope", "envelope").get("/v1/auth/providers").await.assert(200);
    assert_eq!(enveloped["success"], true);
}

#[actix_web::test]
async fn own_texts_are_sent_while_override_defaults_is_on_in_sender_and_colour_of_the_settings() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let mail = json!({ "mail": { "overrideDefaults": true, "senderName": "Harbor, Inc.", "senderEmail": "hi@harbor.test", "brandColor": "#123456",
        "logoUrl": "https://harbor.test/logo.png", "defaultLocale": "ko" } });
    operator.patch(&config(&app), mail).await.assert(200);
    operator.put(&format!("{}/auth/templates/magic_link/en", app.environment_path()), json!({ "subject": "Own\n{{senderName}}" })).await.assert(200);
    for (locale, subject) in [(Some("en"), "Own Harbor, Inc."), (None, "my-blog 로그인 링크입니다")] {
        let environment = app.environment.clone();
        let mail = Outgoing::link(Template::MagicLink, "mina@harbor.test", "http://localhost/", "t", 900).user(None, locale);
        app.environment.data().write::<_, Error, _>(move |tx| environment.put_mail(tx, &mail)).await.unwrap();
        let latest = operator.get(&format!("{}/mailbox?limit=1", app.environment_path())).await.assert(200)["items"][0].clone();
        assert_eq!((&latest["subject"], &latest["from"]), (&json!(subject), &json!("\"Harbor, Inc.\" <hi@harbor.test>")));
        let html = latest["html"].as_str().unwrap();
        assert!(html.contains("#123456") && html.contains("https://harbor.test/logo.png"), "{html}");
    }
}

#[actix_web::test]
async fn developers_read_the_events_of_an_environment() {
    let app = TestApp::start().await;
    let body = json!({ "method": "password", "email": "mina@harbor.test", "password": "tide42", "name": "Mina" });
    let user = app.guest().post("/v1/auth/email/signup", body).await.assert(201)["user"]["id"].clone();
    let events = format!("{}/auth/events", app.environment_path());
    let all = app.operator().get(&events).await.assert(200);
    assert!(column(&all, "type").contains(&"signup".to_owned()), "{all}");
    assert_eq!(all["items"][0]["userId"], user);
    assert_eq!(app.operator().get(&format!("{events}?type=signin_failed")).await.assert(200)["items"], json!([]));
    assert_eq!(app.operator().get(&format!("{events}?userId=nobody")).await.assert(200)["items"], json!([]));
    app.operator().get(&format!("{events}?from=yesterday")).await.assert_error(400, "common/invalid-parameters");
    app.secret().get(&events).await.assert_error(401, "common/authentication-required");
}
