//! The rules of `04-users.md` beyond its examples: who may do what, fields, lists, bans, deletion, settings, roles, races.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::auth::Tokens;
use crate::support::developers::column;

const NOBODY: &str = "665000000000000000000099";

#[actix_web::test]
async fn checks_run_401_403_404_400_so_that_strangers_learn_nothing() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let routes = ["", "/profile", "/preferences", "/notifications", "/onboarding", "/public-settings", "/role"];
    for id in [&mina.id, NOBODY, "no%00body", "a%20b", &"x".repeat(5000)] {
        for route in routes {
            let path = format!("/v1/users/{id}{route}");
            // What is in the body is not even read.
            app.guest().send_text(Method::PATCH, &path, "{").await.assert_error(401, "common/authentication-required");
            app.with(&joon.access).send_text(Method::PATCH, &path, "{").await.assert_error(403, "user/forbidden");
        }
        app.with(&joon.access).delete(&format!("/v1/users/{id}")).await.assert_error(403, "user/forbidden");
        app.guest().delete(&format!("/v1/users/{id}")).await.assert_error(401, "common/authentication-required");
        app.guest().get(&format!("/v1/users/{id}")).await.assert_error(401, "common/authentication-required");
    }
    for id in [NOBODY, "no%00body", "a%20b"] {
        for route in routes {
            app.secret().send_text(Method::PATCH, &format!("/v1/users/{id}{route}"), "{").await.assert_error(404, "user/not-found");
        }
        app.with(&joon.access).get(&format!("/v1/users/{id}")).await.assert_error(404, "user/not-found");
        app.with(&joon.access).get(&format!("/v1/users/{id}/profile")).await.assert_error(404, "user/not-found");
        app.secret().delete(&format!("/v1/users/{id}")).await.assert_error(404, "user/not-found");
    }
    for route in routes {
        app.secret().send_text(Method::PATCH, &format!("/v1/users/{}{route}", mina.id), "{").await.assert_error(400, "common/invalid-json");
        app.secret().send_text(Method::PATCH, &format!("/v1/users/{}{route}", mina.id), "[1]").await.assert_error(400, "common/invalid-parameters");
    }
    for route in ["/preferences", "/notifications", "/onboarding", "/public-settings"] {
        app.with(&joon.access).get(&format!("/v1/users/{}{route}", mina.id)).await.assert_error(403, "user/forbidden");
    }
    app.guest().get("/v1/users").await.assert_error(401, "common/authentication-required");
    app.with(&joon.access).post("/v1/users", json!({})).await.assert_error(403, "user/forbidden");
    app.guest().post("/v1/users", json!({})).await.assert_error(401, "common/authentication-required");
    app.client().get("/v1/users").await.assert_error(401, "auth/unauthorized");
    app.with("damaged").get("/v1/users/me").await.assert_error(401, "auth/invalid-token");
    app.secret().get("/v1/users/me").await.assert_error(401, "common/authentication-required");
    app.secret().put("/v1/users/me", json!({})).await.assert_error(405, "common/method-not-allowed");
}

#[actix_web::test]
async fn a_secret_key_with_a_token_acts_as_an_admin_who_is_that_user() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let both = app.secret().header("Authorization", &format!("Bearer {}", mina.access));
    assert_eq!(both.get("/v1/users/me").await.assert(200)["banned"], false);
    assert_eq!(both.patch("/v1/users/me", json!({ "role": "admin" })).await.assert(200)["role"], "admin");
    // The token alone is an admin now, who can neither demote nor ban itself; the key can.
    let admin = app.with(&mina.access);
    admin.patch("/v1/users/me", json!({ "role": "user" })).await.assert_error(403, "user/forbidden");
    admin.patch("/v1/users/me/role", json!({ "role": "user" })).await.assert_error(403, "user/forbidden");
    admin.patch("/v1/users/me", json!({ "banned": true })).await.assert_error(403, "user/forbidden");
    // What is the same already is no change.
    admin.patch("/v1/users/me", json!({ "role": "admin", "banned": false, "bannedUntil": null, "banReason": null })).await.assert(200);
    admin.patch("/v1/users/me/role", json!({ "role": "admin" })).await.assert(200);
    assert_eq!(app.secret().patch(&format!("/v1/users/{}", mina.id), json!({ "banned": true })).await.assert(200)["banned"], true);
}

#[actix_web::test]
async fn fields_of_admins_are_refused_by_name_unless_they_are_equal() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    for (field, value) in [
        ("role", json!("admin")),
        ("role", Value::Null),
        ("email", json!("other@harbor.test")),
        ("email", Value::Null),
        ("email", json!(7)),
        ("emailVerified", json!(true)),
        ("emailVerified", json!("2025-01-01T00:00:00.000Z")),
        ("banned", json!(true)),
        ("bannedUntil", json!("2099-01-01T00:00:00.000Z")),
        ("banReason", json!("x")),
        ("deletedAt", json!("2025-01-01T00:00:00.000Z")),
        ("password", json!("tide42")),
    ] {
        for path in ["/v1/users/me", "/v1/users/me/profile"] {
            // A refusal goes before what else is wrong, and changes nothing.
            let error = client.patch(path, json!({ "nickname": "x", "name": "", field: value })).await.assert_error(403, "user/forbidden");
            assert!(error["message"].as_str().unwrap().contains(field), "{field}: {error}");
        }
    }
    let before = client.get("/v1/users/me").await.assert(200);
    assert_eq!(before["nickname"], Value::Null);
    // Clients send whole objects back.
    let mut whole = before.clone();
    whole["nickname"] = json!("mi");
    let after = client.patch("/v1/users/me", whole).await.assert(200);
    assert_eq!((&after["nickname"], &after["email"]), (&json!("mi"), &before["email"]));
    client.patch("/v1/users/me", json!({ "email": " MINA@Harbor.test", "role": "user", "emailVerified": false, "bannedUntil": null })).await.assert(200);
    let mut admins = app.secret().get(&format!("/v1/users/{}", mina.id)).await.assert(200);
    assert_eq!(app.secret().patch(&format!("/v1/users/{}", mina.id), admins.clone()).await.assert(200), admins);
    admins["emailVerified"] = json!(true);
    assert!(app.secret().patch(&format!("/v1/users/{}", mina.id), admins).await.assert(200)["emailVerified"].is_string());
}

#[actix_web::test]
async fn a_patch_writes_what_came_and_nothing_else() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let all = json!({
        "name": " Mina Roh ", "nickname": "mi", "image": "https://pics.test/m.png?x=1", "bio": "<b>two</b>\nlines 🙂", "mobile": "+82 (10) 1234-5678", "gender": "etc",
        "socialLinks": { "github": "https://github.test/m", "myspace": "x" }, "slug": "Mina", "isPublic": true, "onboardingStatus": "in_progress",
        "preferences": { "locale": "pt-BR", "timezone": "Asia/Seoul", "theme": "system" }, "unknown": 1, "id": "x", "createdAt": "x", "mfaEnabled": true,
    });
    let user = client.patch("/v1/users/me", all).await.assert(200);
    for (field, value) in [
        ("id", json!(mina.id)),
        ("name", json!("Mina Roh")),
        ("nickname", json!("mi")),
        ("image", json!("https://pics.test/m.png?x=1")),
        ("bio", json!("<b>two</b>\nlines 🙂")),
        ("mobile", json!("+821012345678")),
        ("gender", json!("etc")),
        ("socialLinks", json!({ "github": "https://github.test/m" })),
        ("slug", json!("mina")),
        ("isPublic", json!(true)),
        ("onboardingStatus", json!("in_progress")),
        ("preferences", json!({ "locale": "pt-BR", "timezone": "Asia/Seoul", "theme": "system" })),
        ("mfaEnabled", json!(false)),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    // Nothing, and the same again, move nothing; something moves updatedAt.
    app.wait(5);
    for same in [json!({}), json!({ "name": "Mina Roh", "slug": "MINA" }), json!({ "socialLinks": {} }), json!({ "preferences": { "theme": "system" } })] {
        assert_eq!(client.patch("/v1/users/me", same.clone()).await.assert(200)["updatedAt"], user["updatedAt"], "{same}");
    }
    assert_eq!(client.send_text(Method::PATCH, "/v1/users/me", "").await.assert(200)["updatedAt"], user["updatedAt"], "an empty body is an empty object");
    let cleared = json!({ "nickname": null, "image": null, "bio": null, "mobile": null, "gender": null, "socialLinks": { "github": null, "linkedin": "https://in.test" }, "slug": null });
    let user = client.patch("/v1/users/me", cleared).await.assert(200);
    for field in ["nickname", "image", "bio", "mobile", "gender", "slug"] {
        assert_eq!(user[field], Value::Null, "{field}");
    }
    assert_eq!(user["socialLinks"], json!({ "linkedin": "https://in.test" }));
    assert_eq!(client.patch("/v1/users/me/profile", json!({ "socialLinks": null })).await.assert(200)["socialLinks"], json!({}));
    // A route takes its own fields only.
    let user = client
        .patch("/v1/users/me/profile", json!({ "slug": "other", "isPublic": false, "preferences": {}, "onboardingStatus": "completed" }))
        .await
        .assert(200);
    assert_eq!((&user["slug"], &user["isPublic"], &user["onboardingStatus"]), (&Value::Null, &json!(true), &json!("in_progress")));
    // Oneself is shown the same elsewhere.
    assert_eq!(client.get("/v1/auth/me").await.assert(200)["preferences"], user["preferences"]);
}

#[actix_web::test]
async fn what_breaks_a_rule_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let before = client.get("/v1/users/me").await.assert(200);
    let long = "가".repeat(501);
    for (field, value, code) in [
        ("name", Value::Null, "user/invalid-name"),
        ("name", json!("가".repeat(101)), "user/invalid-name"),
        ("name", json!("a\nb"), "user/invalid-name"),
        ("name", json!(7), "user/invalid-name"),
        ("nickname", json!("가".repeat(51)), "user/invalid-nickname"),
        ("nickname", json!("\u{1}"), "user/invalid-nickname"),
        ("nickname", json!(["x"]), "user/invalid-nickname"),
        ("bio", json!(long), "common/invalid-parameters"),
        ("bio", json!("\u{0}"), "common/invalid-parameters"),
        ("bio", json!(1), "common/invalid-parameters"),
        ("image", json!("javascript:alert(1)"), "common/invalid-parameters"),
        ("image", json!("data:image/png;base64,AA"), "common/invalid-parameters"),
        ("image", json!("/relative.png"), "common/invalid-parameters"),
        ("image", json!(format!("https://a.test/{}", "x".repeat(2048))), "common/invalid-parameters"),
        ("mobile", json!("010-1234-5678"), "common/invalid-parameters"),
        ("gender", json!("MALE"), "common/invalid-parameters"),
        ("socialLinks", json!("x"), "common/invalid-parameters"),
        ("socialLinks", json!({ "github": "ftp://x.test" }), "common/invalid-parameters"),
        ("slug", json!("a"), "common/invalid-parameters"),
        ("slug", json!("me/../x"), "common/invalid-parameters"),
        ("isPublic", json!("true"), "common/invalid-parameters"),
        ("isPublic", Value::Null, "common/invalid-parameters"),
        ("preferences", json!({ "timezone": "Mars/Base" }), "common/invalid-parameters"),
        ("preferences", json!([]), "common/invalid-parameters"),
        ("onboardingStatus", json!("done"), "common/invalid-parameters"),
    ] {
        let body = json!({ "bio": "changed", "nickname": "changed", field: value });
        client.patch("/v1/users/me", body).await.assert_error(400, code);
    }
    let many = client.patch("/v1/users/me", json!({ "gender": 1, "isPublic": 2, "preferences": { "theme": "pink" } })).await;
    assert_eq!(many.details(), ["gender/parameter", "isPublic/parameter", "preferences.theme/parameter"]);
    assert_eq!(client.get("/v1/users/me").await.assert(200), before);
    let huge = json!({ "bio": "x".repeat(2 * 1024 * 1024) });
    client.patch("/v1/users/me", huge).await.assert_error(413, "common/payload-too-large");
    // Limits count characters.
    let fits = json!({ "name": "가".repeat(100), "nickname": "가".repeat(50), "bio": "가".repeat(500) });
    client.patch("/v1/users/me", fits).await.assert(200);
}

#[actix_web::test]
async fn others_see_bio_links_and_slug_of_public_users_only() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let (one, other) = (format!("/v1/users/{}", mina.id), app.with(&joon.access));
    let links = json!({ "github": "https://github.test/m" });
    let all = json!({ "bio": "hi", "socialLinks": links, "slug": "mina", "mobile": "+821012345678", "gender": "female" });
    app.with(&mina.access).patch("/v1/users/me", all).await.assert(200);
    let hidden = json!({ "id": mina.id, "name": "mina", "nickname": null, "email": null, "mobile": null, "gender": null, "bio": null, "socialLinks": {}, "image": null });
    assert_eq!(other.get(&format!("{one}/profile")).await.assert(200), hidden);
    app.guest().get("/v1/users/slug/mina").await.assert_error(404, "user/not-found");
    app.with(&mina.access).patch("/v1/users/me/public-settings", json!({ "isPublic": true })).await.assert(200);
    let seen = other.get(&one).await.assert(200);
    assert_eq!(seen.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "nickname", "image", "createdAt", "bio", "socialLinks", "slug"]);
    assert_eq!((&seen["bio"], &seen["socialLinks"], &seen["slug"]), (&json!("hi"), &links, &json!("mina")));
    let profile = other.get(&format!("{one}/profile")).await.assert(200);
    assert_eq!((&profile["bio"], &profile["email"], &profile["mobile"]), (&json!("hi"), &Value::Null, &Value::Null));
    // A key alone, and a token that is no good, are enough for a slug.
    assert_eq!(app.guest().get("/v1/users/slug/MINA").await.assert(200), seen);
    assert_eq!(app.with("stale").get("/v1/users/slug/mina").await.assert(200), seen);
    app.client().get("/v1/users/slug/mina").await.assert_error(401, "auth/unauthorized");
    for bad in ["nobody", "%00", "mina%20", "%25"] {
        app.guest().get(&format!("/v1/users/slug/{bad}")).await.assert_error(404, "user/not-found");
    }
    let own = app.with(&mina.access).get("/v1/users/me/profile").await.assert(200);
    assert_eq!((&own["email"], &own["mobile"], &own["gender"]), (&json!("mina@harbor.test"), &json!("+821012345678"), &json!("female")));
    assert_eq!(app.secret().get(&format!("{one}/profile")).await.assert(200), own);
}

#[actix_web::test]
async fn the_list_filters_sorts_and_pages() {
    let app = TestApp::start().await;
    app.auth(|c| {
        c.users.anonymous_enabled = true;
        c.users.custom_roles = vec!["editor".into()];
    })
    .await;
    let sk = app.secret();
    let make = async |name: &str, nickname: Value, role: &str| {
        let body =
            json!({ "name": name, "email": format!("{}@harbor.test", name.to_lowercase().replace([' ', '%', '_'], "-")), "nickname": nickname, "role": role });
        sk.post("/v1/users", body).await.assert(201)["id"].as_str().unwrap().to_owned()
    };
    let ann = make("Ann", json!("Zed"), "admin").await;
    let ben = make("Ben 100%", json!("_x"), "editor").await;
    let eva = make("ÉVA", Value::Null, "user").await;
    app.guest().post("/v1/auth/anonymous", json!({ "name": "Ghost" })).await.assert(201);
    let ids = async |query: &str| column(&sk.get(&format!("/v1/users?{query}")).await.assert(200), "id");
    assert_eq!(ids("sortBy=name&sortDirection=asc&searchType=name&search=n").await, [ann.clone(), ben.clone()]);
    assert_eq!(ids("search=%C3%A9va").await, std::slice::from_ref(&eva), "case is ignored beyond ASCII");
    assert_eq!(ids("search=%25").await, std::slice::from_ref(&ben), "% is literal");
    assert_eq!(ids("search=_").await, std::slice::from_ref(&ben), "_ is literal");
    assert_eq!(ids("search=zED").await, std::slice::from_ref(&ann));
    assert_eq!(ids("search=zed&searchType=name").await, Vec::<String>::new());
    assert_eq!(ids("search=harbor&searchType=email&sortBy=email&sortDirection=asc").await, [ann.clone(), ben.clone(), eva.clone()]);
    assert_eq!(ids("search=nn&searchType=nickname").await, Vec::<String>::new());
    assert_eq!(ids("role=editor").await, std::slice::from_ref(&ben));
    assert_eq!(ids("role=guest").await.len(), 1);
    assert_eq!(ids("provider=email").await.len(), 3);
    assert_eq!(ids("provider=github").await.len(), 0);
    sk.patch(
        &format!("/v1/users/{eva}"),
        json!({ "emailVerified": true, "banned": true, "bannedUntil": bkend_local::domain::time::iso(app.environment.now() + 60_000) }),
    )
    .await
    .assert(200);
    assert_eq!(ids("emailVerified=true").await, std::slice::from_ref(&eva));
    assert_eq!(ids("emailVerified=false&role=admin").await, std::slice::from_ref(&ann));
    assert_eq!(ids("banned=true").await, std::slice::from_ref(&eva));
    app.wait(61);
    assert_eq!(ids("banned=true").await, Vec::<String>::new(), "a ban whose time has passed is none");
    assert_eq!(ids("banned=false").await.len(), 4);
    sk.delete(&format!("/v1/users/{ben}")).await.assert(200);
    assert_eq!(ids("role=editor").await, Vec::<String>::new());
    assert_eq!(ids("role=editor&includeDeleted=true").await, std::slice::from_ref(&ben));
    let list = sk.get("/v1/users?limit=2&page=2&sortBy=role&sortDirection=asc").await.assert(200);
    assert_eq!((&list["pagination"]["total"], &list["pagination"]["hasNext"], list["items"].as_array().unwrap().len()), (&json!(3), &json!(false), 1));
    assert!(list["items"][0].get("accounts").is_none() && list["items"][0]["banned"].is_boolean());
    assert!(sk.get("/v1/users?includeAccounts=true").await.assert(200)["items"][0]["accounts"].is_array());
    assert_eq!(sk.get("/v1/users?limit=500").await.assert(200)["pagination"]["limit"], 100);
    assert_eq!(sk.get("/v1/users?page=99").await.assert(200)["items"], json!([]));
    for bad in [
        "page=0",
        "limit=x",
        "sortBy=bio",
        "sortDirection=up",
        "searchType=bio",
        "includeAccounts=1",
        "banned=maybe",
        "provider=facebook",
        &format!("search={}", "x".repeat(101)),
    ] {
        sk.get(&format!("/v1/users?{bad}")).await.assert_error(400, "common/invalid-parameters");
    }
    sk.get("/v1/users?role=owner").await.assert_error(400, "user/invalid-role");
    sk.get(&format!("/v1/users?search={}", "%F0%9F%99%82".repeat(100))).await.assert(200);
    // A custom role that is no longer declared counts as user, also for the filter.
    let fay = make("Fay", Value::Null, "editor").await;
    app.auth(|c| c.users.custom_roles.clear()).await;
    assert_eq!(sk.get(&format!("/v1/users/{fay}")).await.assert(200)["role"], "user");
    assert!(ids("role=user").await.contains(&fay));
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    assert_eq!(sk.get(&format!("/v1/users/{fay}")).await.assert(200)["role"], "editor");
}

#[actix_web::test]
async fn users_list_each_other_by_public_fields_and_without_admins_filters() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let mina = app.sign_up("mina", "tide42").await;
    app.sign_up("zoe", "tide42").await;
    app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201);
    let client = app.with(&mina.access);
    let list = client.get("/v1/users?sortBy=name&sortDirection=asc").await.assert(200);
    assert_eq!(column(&list, "name"), ["mina", "zoe"], "anonymous users are left out");
    assert!(list["items"].as_array().unwrap().iter().all(|u| u.get("email").is_none() && u.get("role").is_none()));
    assert_eq!(client.get("/v1/users?search=harbor").await.assert(200)["items"], json!([]), "addresses are not searched");
    client.get("/v1/users?sortBy=updatedAt&includeAccounts=false&includeDeleted=false&role=").await.assert(200);
    for refused in [
        "searchType=email",
        "sortBy=email",
        "sortBy=role",
        "includeAccounts=true",
        "role=user",
        "role=nonsense",
        "provider=email",
        "emailVerified=true",
        "banned=false",
        "includeDeleted=true",
        "includeDeleted=x",
        "sortBy=role&limit=x",
    ] {
        client.get(&format!("/v1/users?{refused}")).await.assert_error(403, "user/forbidden");
    }
    client.get(&format!("/v1/users/{}?includeDeleted=true", mina.id)).await.assert_error(403, "user/forbidden");
}

#[actix_web::test]
async fn an_admin_makes_users_who_come_in_with_or_without_a_password() {
    let app = TestApp::start().await;
    let sk = app.secret();
    let user = sk
        .post(
            "/v1/users",
            json!({ "name": "Mina", "email": " Mina@Harbor.test", "password": "tide42", "nickname": "mi", "role": "admin", "emailVerified": true }),
        )
        .await
        .assert(201);
    assert_eq!(
        (&user["email"], &user["role"], &user["nickname"], &user["accounts"][0]["provider"]),
        (&json!("mina@harbor.test"), &json!("admin"), &json!("mi"), &json!("email"))
    );
    let admin = app.with(app.sign_in("mina", "tide42").await.assert(200)["accessToken"].as_str().unwrap());
    let joon = admin.post("/v1/users", json!({ "name": "Joon", "email": "joon@harbor.test" })).await.assert(201);
    assert_eq!((&joon["role"], &joon["emailVerified"]), (&json!("user"), &Value::Null));
    assert!(app.mails("joon@harbor.test").is_empty(), "no mail is sent");
    app.sign_in("joon", "").await.assert_error(401, "auth/invalid-credentials");
    app.guest()
        .post("/v1/auth/email/signin", json!({ "method": "magiclink", "email": "joon@harbor.test", "callbackUrl": "http://localhost:5173/in" }))
        .await
        .assert(200);
    let signed_in = app.guest().post("/v1/auth/email/callback", json!({ "token": app.mailed_token("joon@harbor.test") })).await.assert(200);
    assert_eq!((&signed_in["user"]["id"], &signed_in["is_new_user"]), (&joon["id"], &json!(false)));
    for (body, code, status) in [
        (json!({ "name": "X", "email": "MINA@harbor.test" }), "auth/email-already-exists", 409),
        (json!({ "name": "X", "email": "x" }), "auth/invalid-email", 400),
        (json!({ "name": "", "email": "x@harbor.test" }), "user/invalid-name", 400),
        (json!({ "name": "X", "email": "x@harbor.test", "nickname": "" }), "user/invalid-nickname", 400),
        (json!({ "name": "X", "email": "x@harbor.test", "role": "owner" }), "user/invalid-role", 400),
        (json!({ "name": "X", "email": "x@harbor.test", "password": "ab1" }), "auth/invalid-password-format", 400),
        (json!({ "name": "X", "email": "x@harbor.test", "emailVerified": "soon" }), "common/invalid-parameters", 400),
        (json!({ "email": "x@harbor.test" }), "common/invalid-parameters", 400),
        (json!({}), "common/invalid-parameters", 400),
    ] {
        sk.post("/v1/users", body).await.assert_error(status, code);
    }
}

#[actix_web::test]
async fn an_admins_new_address_switches_at_once_and_voids_what_was_mailed() {
    let app = TestApp::start().await;
    let (mina, sk) = (app.sign_up("mina", "tide42").await, app.secret());
    app.sign_up("joon", "tide42").await;
    let one = format!("/v1/users/{}", mina.id);
    assert!(sk.patch(&one, json!({ "emailVerified": true })).await.assert(200)["emailVerified"].is_string());
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let reset = app.mailed_token("mina@harbor.test");
    sk.patch(&one, json!({ "email": "JOON@harbor.test" })).await.assert_error(409, "auth/email-already-exists");
    let moved = sk.patch(&one, json!({ "email": "new@harbor.test" })).await.assert(200);
    assert_eq!(
        (&moved["email"], &moved["emailVerified"], &moved["accounts"][0]["providerAccountId"]),
        (&json!("new@harbor.test"), &Value::Null, &json!("new@harbor.test"))
    );
    for email in ["mina@harbor.test", "new@harbor.test"] {
        let body = json!({ "email": email, "token": reset, "newPassword": "ebb-and-flow" });
        app.guest().post("/v1/auth/password/reset/confirm", body).await.assert_error(404, "auth/verification-token-not-found");
    }
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    app.sign_in("new", "tide42").await.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    let kept = sk.patch(&one, json!({ "email": "mina@harbor.test", "emailVerified": "2025-01-01T00:00:00.000Z" })).await.assert(200);
    assert_eq!(kept["emailVerified"], "2025-01-01T00:00:00.000Z");
    sk.patch(&one, json!({ "email": null })).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(app.secret().get(&format!("/v1/auth/events?userId={}&type=email_changed", mina.id)).await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn an_admins_new_password_is_checked_and_ends_all_sessions() {
    let app = TestApp::start().await;
    let (mina, sk) = (app.sign_up("mina", "tide42").await, app.secret());
    let one = format!("/v1/users/{}", mina.id);
    sk.patch(&one, json!({ "password": "ab1" })).await.assert_error(400, "auth/invalid-password-format");
    sk.patch(&one, json!({ "password": 7 })).await.assert_error(400, "common/invalid-parameters");
    app.with(&mina.access).get("/v1/auth/me").await.assert(200);
    let text = sk.patch(&one, json!({ "password": "ebb-and-flow" })).await;
    assert!(!text.text.contains("ebb-and-flow") && !text.text.contains("argon2"));
    text.assert(200);
    app.with(&mina.access).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.sign_in("mina", "tide42").await.assert_error(401, "auth/invalid-credentials");
    app.sign_in("mina", "ebb-and-flow").await.assert(200);
}

#[actix_web::test]
async fn an_anonymous_user_becomes_a_real_one_by_an_admins_address() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.anonymous_enabled = true).await;
    let ghost = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    let one = format!("/v1/users/{}", ghost.id);
    app.secret().patch(&one, json!({ "password": "tide42" })).await.assert_error(400, "common/invalid-parameters");
    app.secret().patch(&one, json!({ "emailVerified": true })).await.assert_error(400, "common/invalid-parameters");
    let user = app.secret().patch(&one, json!({ "email": "ghost@harbor.test", "password": "tide42" })).await.assert(200);
    assert_eq!((&user["isAnonymous"], &user["accounts"][0]["provider"]), (&json!(false), &json!("email")));
    assert_eq!(app.sign_in("ghost", "tide42").await.assert(200)["user"]["id"], ghost.id.as_str());
}

#[actix_web::test]
async fn a_ban_ends_sessions_voids_secrets_and_is_lifted_by_hand_or_time() {
    let app = TestApp::start().await;
    let (mina, sk) = (app.sign_up("mina", "tide42").await, app.secret());
    let one = format!("/v1/users/{}", mina.id);
    let link = json!({ "method": "magiclink", "email": "mina@harbor.test", "callbackUrl": "http://localhost:5173/in" });
    app.guest().post("/v1/auth/email/signin", link).await.assert(200);
    let (token, now) = (app.mailed_token("mina@harbor.test"), app.environment.now());
    let at = |ms: i64| bkend_local::domain::time::iso(now + ms);
    for bad in [
        json!({ "banned": true, "bannedUntil": at(-1) }),
        json!({ "banned": true, "bannedUntil": "soon" }),
        json!({ "banned": "yes" }),
        json!({ "banned": true, "banReason": "x".repeat(201) }),
        json!({ "banned": true, "banReason": "a\nb" }),
        json!({ "bannedUntil": at(60_000) }),
        json!({ "banReason": "x" }),
        json!({ "banned": false, "bannedUntil": at(60_000) }),
    ] {
        sk.patch(&one, bad).await.assert_error(400, "common/invalid-parameters");
    }
    let banned = sk.patch(&one, json!({ "banned": true, "bannedUntil": at(60_000), "banReason": "spam" })).await.assert(200);
    assert_eq!((&banned["banned"], &banned["bannedUntil"], &banned["banReason"]), (&json!(true), &json!(at(60_000)), &json!("spam")));
    app.with(&mina.access).get("/v1/users/me").await.assert_error(403, "auth/account-banned");
    app.sign_in("mina", "tide42").await.assert_error(403, "auth/account-banned");
    app.refresh(&mina.refresh).await.assert(403);
    app.guest().post("/v1/auth/email/callback", json!({ "token": token })).await.assert_error(401, "auth/invalid-token");
    assert_eq!(sk.patch(&one, json!({ "banReason": "ads" })).await.assert(200)["banReason"], "ads");
    app.wait(61);
    let free = sk.get(&one).await.assert(200);
    assert_eq!((&free["banned"], &free["bannedUntil"], &free["banReason"]), (&json!(false), &Value::Null, &Value::Null));
    app.with(&mina.access).get("/v1/users/me").await.assert_error(401, "auth/session-expired");
    app.sign_in("mina", "tide42").await.assert(200);
    // A second ban starts anew.
    let again = sk.patch(&one, json!({ "banned": true })).await.assert(200);
    assert_eq!((&again["bannedUntil"], &again["banReason"]), (&Value::Null, &Value::Null));
    sk.patch(&one, json!({ "banned": false })).await.assert(200);
    app.sign_in("mina", "tide42").await.assert(200);
    let count = async |kind: &str| sk.get(&format!("/v1/auth/events?type={kind}")).await.assert(200)["pagination"]["total"].clone();
    assert_eq!((count("user_banned").await, count("user_unbanned").await), (json!(2), json!(1)));
    // The sweep notes a ban whose time has passed.
    sk.patch(&one, json!({ "banned": true, "bannedUntil": bkend_local::domain::time::iso(app.environment.now() + 1000) })).await.assert(200);
    app.wait(2);
    bkend_local::domain::auth::sweep::sweep(&app.environment).await.unwrap();
    assert_eq!(count("user_unbanned").await, json!(2));
}

#[actix_web::test]
async fn deletion_frees_address_and_slug_and_purge_erases() {
    let app = TestApp::start().await;
    let (mina, sk) = (app.sign_up("mina", "tide42").await, app.secret());
    let one = format!("/v1/users/{}", mina.id);
    app.with(&mina.access).patch("/v1/users/me", json!({ "slug": "mina", "isPublic": true })).await.assert(200);
    app.with(&mina.access).delete("/v1/users/me?purge=true").await.assert_error(403, "user/forbidden");
    sk.delete(&format!("{one}?purge=1")).await.assert_error(400, "common/invalid-parameters");
    app.with(&mina.access).delete("/v1/users/me").await.assert(200);
    app.guest().get("/v1/users/slug/mina").await.assert_error(404, "user/not-found");
    sk.patch(&one, json!({ "name": "X" })).await.assert_error(404, "user/not-found");
    sk.get(&format!("{one}/profile")).await.assert_error(404, "user/not-found");
    assert_eq!(sk.get("/v1/users").await.assert(200)["items"], json!([]));
    assert_eq!(sk.get("/v1/data/users").await.assert(200)["items"], json!([]));
    let again = app.sign_up("mina", "other42").await;
    assert_ne!(again.id, mina.id);
    app.with(&again.access).patch("/v1/users/me", json!({ "slug": "mina" })).await.assert(200);
    let hidden = sk.get("/v1/users?includeDeleted=true&sortDirection=asc").await.assert(200);
    assert_eq!(column(&hidden, "id"), [mina.id.clone(), again.id.clone()]);
    assert!(hidden["items"][0]["deletedAt"].is_string() && hidden["items"][1]["deletedAt"].is_null());
    sk.delete(&format!("{one}?purge=true")).await.assert(200);
    sk.get(&format!("{one}?includeDeleted=true")).await.assert_error(404, "user/not-found");
    sk.delete(&format!("{one}?purge=true")).await.assert_error(404, "user/not-found");
    sk.delete(&format!("/v1/users/{}?purge=true", again.id)).await.assert(200);
    assert_eq!(sk.get("/v1/users?includeDeleted=true").await.assert(200)["items"], json!([]));
    assert_eq!(sk.get("/v1/auth/events?type=user_deleted").await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn deleted_users_are_swept_after_their_time_and_idle_anonymous_ones_after_30_days() {
    let app = TestApp::start().await;
    app.auth(|c| {
        c.users.anonymous_enabled = true;
        c.users.deleted_user_retention_days = 10;
    })
    .await;
    let mina = app.sign_up("mina", "tide42").await;
    let ghost = Tokens::of(&app.guest().post("/v1/auth/anonymous", json!({})).await.assert(201));
    app.with(&mina.access).delete("/v1/users/me").await.assert(200);
    let path = format!("/v1/users/{}?includeDeleted=true", mina.id);
    let sweep = async || bkend_local::domain::auth::sweep::sweep(&app.environment).await.unwrap().users;
    app.wait(9 * 86_400);
    assert_eq!(sweep().await, 0);
    app.secret().get(&path).await.assert(200);
    app.wait(86_401);
    assert_eq!(sweep().await, 1);
    app.secret().get(&path).await.assert_error(404, "user/not-found");
    app.wait(21 * 86_400);
    assert_eq!(sweep().await, 1);
    app.secret().get(&format!("/v1/users/{}", ghost.id)).await.assert_error(404, "user/not-found");
}

#[actix_web::test]
async fn settings_have_defaults_merge_and_answer_as_a_whole() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let at = |name: &str| format!("/v1/users/{}/{name}", mina.id);
    assert_eq!(client.get(&at("preferences")).await.assert(200), json!({ "locale": null, "timezone": null, "theme": null }));
    assert_eq!(
        client.patch(&at("preferences"), json!({ "locale": "ko", "theme": "dark" })).await.assert(200),
        json!({ "locale": "ko", "timezone": null, "theme": "dark" })
    );
    assert_eq!(
        client.patch(&at("preferences"), json!({ "theme": null, "timezone": "Asia/Seoul" })).await.assert(200),
        json!({ "locale": "ko", "timezone": "Asia/Seoul", "theme": null })
    );
    let defaults = json!({ "service": true, "marketing": false, "push": true, "email": true, "sms": false, "nightTime": false, "securityAlerts": true });
    assert_eq!(client.get(&at("notifications")).await.assert(200), defaults);
    let changed = client.patch(&at("notifications"), json!({ "email": false, "nightTime": true })).await.assert(200);
    assert_eq!((&changed["email"], &changed["nightTime"], &changed["push"]), (&json!(false), &json!(true), &json!(true)));
    let onboarding = client.get(&at("onboarding")).await.assert(200);
    assert_eq!(onboarding, json!({ "status": "pending", "onboardingStatus": "pending", "step": null, "data": {}, "completedAt": null, "updatedAt": null }));
    let done = client.patch(&at("onboarding"), json!({ "onboardingStatus": "completed", "step": "last", "data": { "a": [1, 2.5, null] } })).await.assert(200);
    assert_eq!((&done["status"], &done["step"], &done["data"]), (&json!("completed"), &json!("last"), &json!({ "a": [1, 2.5, null] })));
    assert!(done["completedAt"].is_string() && done["completedAt"] == done["updatedAt"]);
    app.wait(5);
    let later = client.patch(&at("onboarding"), json!({ "status": "completed", "data": {} })).await.assert(200);
    assert_eq!((&later["completedAt"], &later["data"], &later["step"]), (&done["completedAt"], &json!({}), &json!("last")));
    assert_eq!(client.patch(&at("onboarding"), json!({ "status": "skipped", "step": null })).await.assert(200)["completedAt"], Value::Null);
    assert_eq!(client.get(&at("public-settings")).await.assert(200), json!({ "slug": null, "isPublic": false }));
    for (name, bad) in [
        ("preferences", json!({ "theme": "dark", "locale": "not a locale" })),
        ("preferences", json!({ "locale": "ko_KR" })),
        ("preferences", json!({ "locale": 7 })),
        ("preferences", json!({ "timezone": "Nowhere" })),
        ("preferences", json!({ "theme": "Dark" })),
        ("notifications", json!({ "sms": true, "push": "yes" })),
        ("notifications", json!({ "push": null })),
        ("onboarding", json!({ "step": "x", "status": "done" })),
        ("onboarding", json!({ "status": null })),
        ("onboarding", json!({ "step": "x".repeat(101) })),
        ("onboarding", json!({ "data": [] })),
        ("onboarding", json!({ "data": { "a": "x".repeat(16 * 1024) } })),
        ("public-settings", json!({ "isPublic": true, "slug": "-x-" })),
        ("public-settings", json!({ "isPublic": 1 })),
    ] {
        let before = client.get(&at(name)).await.assert(200);
        client.patch(&at(name), bad.clone()).await.assert_error(400, "common/invalid-parameters");
        assert_eq!(client.get(&at(name)).await.assert(200), before, "{bad}");
    }
    assert_eq!(app.secret().patch(&at("preferences"), json!({ "locale": "en" })).await.assert(200)["locale"], "en");
}

#[actix_web::test]
async fn the_locale_picks_the_language_of_mails() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.with(&mina.access).patch("/v1/users/me/preferences", json!({ "locale": "ko-KR" })).await.assert(200);
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "mina@harbor.test" })).await.assert(200);
    assert!(app.mail("mina@harbor.test").subject.chars().any(|c| ('가'..='힣').contains(&c)));
}

#[actix_web::test]
async fn a_role_bites_on_the_next_request_of_an_open_session() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    app.table(json!({ "tableName": "news", "schema": { "title": "string" } })).await;
    app.permissions("news", json!({ "expressionPermissions": { "create": "role:editor", "list": "role:editor" } })).await;
    let (client, role) = (app.with(&mina.access), format!("/v1/users/{}/role", mina.id));
    let list = async || client.get("/v1/data/news").await.status;
    client.get("/v1/users?role=user").await.assert_error(403, "user/forbidden");
    assert_eq!(list().await, 403);
    app.secret().patch(&role, json!({ "role": "editor" })).await.assert(200);
    assert_eq!(list().await, 200);
    client.post("/v1/data/news", json!({ "title": "hi" })).await.assert(201);
    client.get("/v1/users?role=user").await.assert_error(403, "user/forbidden");
    // No longer declared, it is `user` in effect; declared again, it is back.
    app.auth(|c| c.users.custom_roles.clear()).await;
    assert_eq!((list().await, client.get("/v1/users/me").await.assert(200)["role"].clone()), (403, json!("user")));
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    assert_eq!(list().await, 200);
    app.secret().patch(&role, json!({ "role": "admin" })).await.assert(200);
    client.get("/v1/users?role=user").await.assert(200);
    assert_eq!(list().await, 200);
    app.secret().patch(&role, json!({ "role": "guest" })).await.assert(200);
    assert_eq!(list().await, 403);
    client.patch("/v1/users/me", json!({ "bio": "still me" })).await.assert(200);
    for (bad, code) in [
        (json!({}), "common/invalid-parameters"),
        (json!({ "role": null }), "user/invalid-role"),
        (json!({ "role": "Editor" }), "user/invalid-role"),
        (json!({ "role": 1 }), "user/invalid-role"),
    ] {
        app.secret().patch(&role, bad).await.assert_error(400, code);
    }
    let events = app.secret().get(&format!("/v1/auth/events?type=role_changed&userId={}", mina.id)).await.assert(200);
    assert_eq!(events["pagination"]["total"], 3);
}

#[actix_web::test]
async fn parallel_patches_of_different_fields_all_hold() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let patches = [
        json!({ "name": "M" }),
        json!({ "nickname": "n" }),
        json!({ "bio": "b" }),
        json!({ "gender": "none" }),
        json!({ "mobile": "+821012345678" }),
        json!({ "slug": "mina" }),
        json!({ "socialLinks": { "github": "https://g.test" } }),
        json!({ "socialLinks": { "twitter": "https://t.test" } }),
        json!({ "preferences": { "theme": "dark" } }),
        json!({ "preferences": { "locale": "ko" } }),
    ];
    for answer in join_all(patches.iter().map(|patch| client.patch("/v1/users/me", patch.clone()))).await {
        answer.assert(200);
    }
    let user = client.get("/v1/users/me").await.assert(200);
    assert_eq!(
        (&user["name"], &user["nickname"], &user["bio"], &user["gender"], &user["mobile"], &user["slug"]),
        (&json!("M"), &json!("n"), &json!("b"), &json!("none"), &json!("+821012345678"), &json!("mina"))
    );
    assert_eq!(user["socialLinks"].as_object().unwrap().len(), 2);
    assert_eq!(user["preferences"], json!({ "locale": "ko", "timezone": null, "theme": "dark" }));
}

#[actix_web::test]
async fn of_two_claims_to_a_slug_one_wins() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for n in 0..5 {
        people.push(app.sign_up(&format!("user{n}"), "tide42").await);
    }
    let clients: Vec<_> = people.iter().map(|p| app.with(&p.access)).collect();
    let answers = join_all(clients.iter().map(|c| c.patch("/v1/users/me/public-settings", json!({ "slug": "Prize", "isPublic": true })))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    app.guest().get("/v1/users/slug/prize").await.assert(200);
}

#[actix_web::test]
async fn a_ban_or_deletion_during_a_sign_in_leaves_no_session() {
    let app = TestApp::start().await;
    for (n, act) in ["ban", "delete"].into_iter().enumerate() {
        let name = format!("mina{n}");
        let user = app.sign_up(&name, "tide42").await;
        let path = format!("/v1/users/{}", user.id);
        let sk = app.secret();
        let acting = async {
            match act {
                "ban" => sk.patch(&path, json!({ "banned": true })).await,
                _ => sk.delete(&path).await,
            }
        };
        let (acted, signed_in) = futures_util::future::join(acting, join_all((0..4).map(|_| app.sign_in(&name, "tide42")))).await;
        acted.assert(200);
        for answer in signed_in {
            // Whoever came in before was put out again; whoever came later was refused.
            if answer.status == 200 {
                let token = answer.body["accessToken"].as_str().unwrap().to_owned();
                assert!(app.with(&token).get("/v1/auth/me").await.status >= 401);
            } else {
                assert!(matches!(answer.body["error"]["code"].as_str(), Some("auth/account-banned" | "auth/invalid-credentials")), "{}", answer.text);
            }
        }
        let left = user.id.clone();
        let sessions = app.environment.data().read_blocking::<_, bkend_local::store::StoreError, _>(|r| r.sessions_of(&left, 0)).unwrap();
        assert!(sessions.is_empty(), "{act}: {} sessions are left", sessions.len());
    }
}

#[actix_web::test]
async fn the_system_table_of_users_stays_true() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    app.secret().patch(&format!("/v1/users/{}", mina.id), json!({ "nickname": "mi", "slug": "mina", "isPublic": true, "bio": "hi", "onboardingStatus": "skipped", "socialLinks": { "github": "https://g.test" }, "preferences": { "locale": "ko" } })).await.assert(200);
    let row = app.secret().get(&format!("/v1/data/users/{}", mina.id)).await.assert(200);
    let user = app.secret().get(&format!("/v1/users/{}", mina.id)).await.assert(200);
    for (field, value) in user.as_object().unwrap() {
        if !matches!(field.as_str(), "accounts" | "deletedAt") {
            assert_eq!(row[field], *value, "{field}");
        }
    }
    assert!(!row.to_string().contains("argon2"));
    let found = app.secret().query("/v1/data/users", &[("andFilters", r#"{"slug":"mina","isPublic":true,"banned":false}"#)]).await.assert(200);
    assert_eq!(column(&found, "id"), [mina.id.as_str()]);
    app.secret().patch(&format!("/v1/users/{}", mina.id), json!({ "banned": true })).await.assert(200);
    assert_eq!(app.secret().get(&format!("/v1/data/users/{}", mina.id)).await.assert(200)["banned"], true);
}

#[actix_web::test]
async fn environments_are_strangers_to_each_other() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = format!("{}/environments", app.project_path());
    let made = app.operator().post(&path, json!({ "environment": "prod", "environmentType": "prod" })).await.assert(201);
    let key = made["publishableKey"].as_str().map(str::to_owned).or_else(|| made["publishableKey"]["key"].as_str().map(str::to_owned)).unwrap();
    let client = app.client().header("X-API-Key", &key).header("Authorization", &format!("Bearer {}", mina.access));
    client.get("/v1/users/me").await.assert_error(401, "auth/invalid-token");
    app.operator().get(&format!("{path}/prod/users/{}", mina.id)).await.assert_error(404, "user/not-found");
}
