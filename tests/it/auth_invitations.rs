//! Invitations of `03-auth.md` §9: who may invite, what is granted to whom, answers, ends, races and limits.

use bkend_local::domain::auth::config::Inviters;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::auth::Tokens;
use crate::support::{Answer, TestApp};

/// The body of an invitation of `name` to the project itself.
fn to_project(app: &TestApp, name: &str, role: &str) -> Value {
    json!({ "resourceType": "project", "resourceId": app.project_id(), "resourceRole": role, "email": format!("{name}@harbor.test") })
}

/// The body of an invitation to something of the app's own.
fn to_workspace(name: &str, id: &str) -> Value {
    json!({ "resourceType": "organization", "resourceId": id, "resourceName": "Pier", "resourceRole": "crew", "email": format!("{name}@harbor.test") })
}

async fn invite(app: &TestApp, inviter: &Tokens, body: Value) -> Value {
    app.with(&inviter.access).post("/v1/auth/invitations", body).await.assert(201)
}

async fn accept(app: &TestApp, token: &str) -> Answer {
    app.guest().post("/v1/auth/invitations/accept", json!({ "token": token })).await
}

async fn role_of(app: &TestApp, id: &str) -> String {
    let id = id.to_owned();
    let role = app.environment.data().read::<_, bkend_local::store::StoreError, _>(move |r| r.role_of_user(&id)).await.unwrap();
    role.unwrap()
}

async fn sign_up_with(app: &TestApp, name: &str, token: &str) -> Answer {
    let body = json!({ "email": format!("{name}@harbor.test"), "password": "tide42", "name": name, "invitationToken": token });
    app.guest().post("/v1/auth/email/signup", body).await
}

#[actix_web::test]
async fn example_25_users_give_no_more_than_they_have_and_an_invitation_is_accepted_once() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    client.post("/v1/auth/invitations", to_project(&app, "joon", "admin")).await.assert_error(403, "auth/forbidden");
    let invitation = invite(&app, &mina, to_project(&app, "joon", "user")).await;
    let members: Vec<&str> = invitation.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "id",
        "resourceType",
        "resourceId",
        "resourceName",
        "resourceRole",
        "email",
        "name",
        "status",
        "expiresAt",
        "invitedBy",
        "inviterName",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(members, wanted);
    assert_eq!((&invitation["status"], &invitation["invitedBy"], &invitation["inviterName"]), (&json!("pending"), &json!(mina.id), &json!("mina")));
    assert!(invitation["name"].is_null() && invitation["resourceName"].is_null());
    let token = app.mailed_token("joon@harbor.test");
    let accepted = accept(&app, &token).await.assert(200);
    assert_eq!((&accepted["status"], &accepted["id"]), (&json!("accepted"), &invitation["id"]));
    accept(&app, &token).await.assert_error(400, "auth/invitation-already-accepted");
    app.guest().post("/v1/auth/invitations/reject", json!({ "token": token })).await.assert_error(400, "auth/invitation-already-accepted");
    let path = format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap());
    client.delete(&path).await.assert_error(400, "auth/invitation-already-accepted");
    assert_eq!(client.get(&path).await.assert(200)["status"], "accepted");
}

#[actix_web::test]
async fn the_mail_names_inviter_and_resource_and_its_link_leads_where_the_settings_say() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    invite(&app, &mina, to_workspace("joon", "w1")).await;
    let mail = app.mail("joon@harbor.test");
    assert_eq!((mail.template.as_str(), mail.subject.as_str()), ("invitation", "mina invites you to Pier"));
    let token = mail.token.unwrap();
    assert!(token.len() == 64 && !mail.subject.contains(&token));
    assert_eq!(mail.link.unwrap(), format!("{}/v1/auth/pages/invitation?token={token}&email=joon%40harbor.test", app.url));
    let variables: Value = serde_json::from_str(&mail.variables).unwrap();
    assert_eq!((&variables["inviterName"], &variables["resourceName"], &variables["expiresIn"]), (&json!("mina"), &json!("Pier"), &json!("7 days")));
    app.auth(|c| c.urls.invitation_url = Some("https://harbor.test/join?a=1".into())).await;
    let mut body = to_workspace("ann", "w1");
    body["inviterName"] = json!("Harbor crew");
    body["name"] = json!("Ann");
    invite(&app, &mina, body.clone()).await;
    let mail = app.mail("ann@harbor.test");
    assert!(mail.link.unwrap().starts_with("https://harbor.test/join?a=1&token="));
    assert_eq!(mail.subject, "Harbor crew invites you to Pier");
    assert!(mail.text.contains("Ann"), "{}", mail.text);
    body["callbackUrl"] = json!("http://localhost:5173/join");
    invite(&app, &mina, body.clone()).await;
    assert!(app.mail("ann@harbor.test").link.unwrap().starts_with("http://localhost:5173/join?token="));
    body["callbackUrl"] = json!("https://evil.example/");
    app.with(&mina.access).post("/v1/auth/invitations", body).await.assert_error(400, "auth/invalid-url");
    // Without names, the project's stands for them.
    app.secret().post("/v1/auth/invitations", to_project(&app, "kim", "user")).await.assert(201);
    assert_eq!(app.mail("kim@harbor.test").subject, "my-blog invites you to my-blog");
}

#[actix_web::test]
async fn what_is_missing_mistyped_or_too_long_is_named() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let client = app.with(&mina.access);
    let with = |field: &str, value: Value| {
        let mut body = to_workspace("joon", "w1");
        body[field] = value;
        body
    };
    for (body, code) in [
        (json!({}), "common/invalid-parameters"),
        (with("resourceType", json!("team")), "common/invalid-parameters"),
        (with("resourceType", json!(7)), "common/invalid-parameters"),
        (with("resourceId", json!(" ")), "common/invalid-parameters"),
        (with("resourceId", json!("x".repeat(101))), "common/invalid-parameters"),
        (with("resourceName", json!("x".repeat(101))), "common/invalid-parameters"),
        (with("resourceName", json!("a\r\nBcc: x@y.z")), "common/invalid-parameters"),
        (with("resourceRole", json!("x".repeat(51))), "common/invalid-parameters"),
        (with("email", json!("nobody")), "auth/invalid-email"),
        (with("email", json!(null)), "common/invalid-parameters"),
        (with("name", json!("a\nb")), "user/invalid-name"),
        (with("inviterName", json!("x".repeat(101))), "user/invalid-name"),
        (to_project(&app, "joon", "captain"), "user/invalid-role"),
    ] {
        client.post("/v1/auth/invitations", body.clone()).await.assert_error(400, code);
    }
    let missing = client.post("/v1/auth/invitations", json!({})).await;
    assert_eq!(missing.details(), ["resourceType/required", "resourceId/required", "email/required", "resourceRole/required"]);
    assert!(app.mails("joon@harbor.test").is_empty());
    app.guest().post("/v1/auth/invitations", to_workspace("joon", "w1")).await.assert_error(401, "common/authentication-required");
    app.guest().get("/v1/auth/invitations").await.assert_error(401, "common/authentication-required");
    app.client().post("/v1/auth/invitations", to_workspace("joon", "w1")).await.assert_error(401, "auth/unauthorized");
    for query in ["status=open", "resourceType=team", "page=0", "limit=x"] {
        client.get(&format!("/v1/auth/invitations?{query}")).await.assert_error(400, "common/invalid-parameters");
    }
    for body in [json!({}), json!({ "token": 7 })] {
        app.guest().post("/v1/auth/invitations/accept", body.clone()).await.assert_error(400, "common/invalid-parameters");
        app.guest().post("/v1/auth/invitations/reject", body).await.assert_error(400, "common/invalid-parameters");
    }
    app.guest().post("/v1/auth/invitations/accept", json!({ "token": "a", "email": "x" })).await.assert_error(400, "auth/invalid-email");
}

#[actix_web::test]
async fn only_admins_invite_where_the_setting_says_so_and_give_any_role() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    let (mina, boss) = (app.sign_up("mina", "tide42").await, app.user("boss", "admin").await);
    app.with(&mina.access).post("/v1/auth/invitations", to_project(&app, "joon", "editor")).await.assert_error(403, "auth/forbidden");
    app.with(&mina.access).post("/v1/auth/invitations", to_project(&app, "joon", "guest")).await.assert(201);
    // Elsewhere a role is only a word.
    let mut elsewhere = to_project(&app, "joon", "admin");
    elsewhere["resourceId"] = json!("another");
    app.with(&mina.access).post("/v1/auth/invitations", elsewhere).await.assert(201);
    for role in ["editor", "admin"] {
        boss.post("/v1/auth/invitations", to_project(&app, "joon", role)).await.assert(201);
        let invitation = app.secret().post("/v1/auth/invitations", to_project(&app, "ann", role)).await.assert(201);
        assert!(invitation["invitedBy"].is_null());
    }
    app.auth(|c| c.invitations.inviters = Inviters::Admins).await;
    app.with(&mina.access).post("/v1/auth/invitations", to_workspace("kim", "w1")).await.assert_error(403, "auth/forbidden");
    boss.post("/v1/auth/invitations", to_workspace("kim", "w1")).await.assert(201);
    app.secret().post("/v1/auth/invitations", to_workspace("kim", "w2")).await.assert(201);
}

#[actix_web::test]
async fn a_role_is_given_once_the_address_is_verified() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.custom_roles = vec!["editor".into(), "crew".into()]).await;
    let invite = |name: &str, role: &str| {
        let (client, body) = (app.secret(), to_project(&app, name, role));
        async move { client.post("/v1/auth/invitations", body).await.assert(201) }
    };
    // Accepted by whoever has the mail, for an account whose address is not verified: nothing yet.
    let mina = app.sign_up("mina", "tide42").await;
    invite("mina", "editor").await;
    accept(&app, &app.mailed_token("mina@harbor.test")).await.assert(200);
    assert_eq!(role_of(&app, &mina.id).await, "user");
    // Once it is, the role follows.
    app.guest().post("/v1/auth/email/verify/send", json!({ "email": "mina@harbor.test" })).await.assert(200);
    let body = json!({ "email": "mina@harbor.test", "token": app.mailed_token("mina@harbor.test") });
    app.guest().post("/v1/auth/email/verify/confirm", body).await.assert(200);
    assert_eq!(role_of(&app, &mina.id).await, "editor");
    assert_eq!(app.with(&mina.access).get("/v1/auth/me").await.assert(200)["role"], "editor");
    // At once for a verified one; what was given already is not given again.
    invite("mina", "crew").await;
    accept(&app, &app.mailed_token("mina@harbor.test")).await.assert(200);
    assert_eq!(role_of(&app, &mina.id).await, "crew");
    // At once, too, for the account that accepts; that verifies it.
    let joon = app.sign_up("joon", "tide42").await;
    invite("joon", "editor").await;
    app.with(&joon.access).post("/v1/auth/invitations/accept", json!({ "token": app.mailed_token("joon@harbor.test") })).await.assert(200);
    let me = app.with(&joon.access).get("/v1/auth/me").await.assert(200);
    assert!(me["role"] == "editor" && me["emailVerified"].is_string());
    // Somebody else's session accepts, but gets nothing.
    let ann = app.sign_up("ann", "tide42").await;
    invite("ann", "editor").await;
    app.with(&joon.access).post("/v1/auth/invitations/accept", json!({ "token": app.mailed_token("ann@harbor.test") })).await.assert(200);
    assert_eq!(role_of(&app, &ann.id).await, "user");
    // An address without account gets its role with the account, as soon as that is verified.
    invite("kim", "crew").await;
    accept(&app, &app.mailed_token("kim@harbor.test")).await.assert(200);
    let ask = json!({ "method": "magiclink", "email": "kim@harbor.test", "callbackUrl": "http://localhost/" });
    app.guest().post("/v1/auth/email/signup", ask).await.assert(201);
    let pair = app.guest().post("/v1/auth/email/callback", json!({ "token": app.mailed_token("kim@harbor.test") })).await.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["user"]["role"]), (&json!(true), &json!("crew")));
    // By an admin who vouches for the address.
    let bo = app.sign_up("bo", "tide42").await;
    invite("bo", "editor").await;
    accept(&app, &app.mailed_token("bo@harbor.test")).await.assert(200);
    app.secret().patch(&format!("/v1/users/{}", bo.id), json!({ "emailVerified": true })).await.assert(200);
    assert_eq!(role_of(&app, &bo.id).await, "editor");
    // By a reset of the password, too.
    invite("ann", "crew").await;
    accept(&app, &app.mailed_token("ann@harbor.test")).await.assert(200);
    app.guest().post("/v1/auth/password/reset/request", json!({ "email": "ann@harbor.test" })).await.assert(200);
    let body = json!({ "email": "ann@harbor.test", "token": app.mailed_token("ann@harbor.test"), "newPassword": "ebb-and-flow" });
    app.guest().post("/v1/auth/password/reset/confirm", body).await.assert(200);
    assert_eq!(role_of(&app, &ann.id).await, "crew");
    let changes = app.secret().get(&format!("/v1/auth/events?type=role_changed&userId={}", mina.id)).await.assert(200);
    assert_eq!(changes["pagination"]["total"], 2);
}

#[actix_web::test]
async fn an_admin_stays_admin_and_other_resources_grant_nothing() {
    let app = TestApp::start().await;
    let boss = app.user("boss", "admin").await;
    app.secret().post("/v1/auth/invitations", to_project(&app, "boss", "user")).await.assert(201);
    boss.post("/v1/auth/invitations/accept", json!({ "token": app.mailed_token("boss@harbor.test") })).await.assert(200);
    assert_eq!(role_of(&app, &boss.id).await, "admin");
    let mina = app.sign_up("mina", "tide42").await;
    let mut body = to_workspace("mina", "w1");
    body["resourceRole"] = json!("admin");
    app.secret().post("/v1/auth/invitations", body).await.assert(201);
    app.with(&mina.access).post("/v1/auth/invitations/accept", json!({ "token": app.mailed_token("mina@harbor.test") })).await.assert(200);
    assert_eq!(role_of(&app, &mina.id).await, "user");
}

#[actix_web::test]
async fn signing_up_with_the_token_accepts_verifies_and_works_while_sign_up_is_closed() {
    let app = TestApp::start().await;
    app.auth(|c| {
        c.users.custom_roles = vec!["editor".into()];
        c.email.require_email_verification = true;
        c.email.signup_enabled = false;
    })
    .await;
    let invitation = app.secret().post("/v1/auth/invitations", to_project(&app, "joon", "editor")).await.assert(201);
    let token = app.mailed_token("joon@harbor.test");
    sign_up_with(&app, "ann", &token).await.assert_error(401, "auth/invalid-token");
    sign_up_with(&app, "joon", &"0".repeat(64)).await.assert_error(401, "auth/invalid-token");
    sign_up_with(&app, "joon", "").await.assert_error(401, "auth/invalid-token");
    let body = json!({ "email": "joon@harbor.test", "password": "tide42", "name": "Joon" });
    app.guest().post("/v1/auth/email/signup", body).await.assert_error(403, "auth/signup-disabled");
    let pair = sign_up_with(&app, "joon", &token).await.assert(201);
    assert!(pair["user"]["emailVerified"].is_string() && pair["user"]["role"] == "editor" && pair["accessToken"].is_string(), "{pair}");
    let path = format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap());
    assert_eq!(app.secret().get(&path).await.assert(200)["status"], "accepted");
    sign_up_with(&app, "joon", &token).await.assert_error(409, "auth/email-already-exists");
    // A refused invitation leaves no user behind.
    app.secret().post("/v1/auth/invitations", to_project(&app, "kim", "user")).await.assert(201);
    let token = app.mailed_token("kim@harbor.test");
    app.guest().post("/v1/auth/invitations/reject", json!({ "token": token })).await.assert(200);
    sign_up_with(&app, "kim", &token).await.assert_error(404, "auth/invitation-not-found");
    app.sign_in("kim", "tide42").await.assert_error(401, "auth/invalid-credentials");
}

#[actix_web::test]
async fn signing_up_by_link_with_the_token_accepts_when_the_link_is_used() {
    let app = TestApp::start().await;
    app.auth(|c| {
        c.users.custom_roles = vec!["editor".into()];
        c.email.signup_enabled = false;
    })
    .await;
    let ask = |name: &str, token: &str| {
        let email = format!("{name}@harbor.test");
        let body = json!({ "method": "magiclink", "email": email, "callbackUrl": "http://localhost/", "invitationToken": token });
        let client = app.guest();
        async move { client.post("/v1/auth/email/signup", body).await }
    };
    let invitation = app.secret().post("/v1/auth/invitations", to_project(&app, "joon", "editor")).await.assert(201);
    let path = format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap());
    let token = app.mailed_token("joon@harbor.test");
    ask("ann", &token).await.assert_error(401, "auth/invalid-token");
    ask("joon", &token).await.assert(201);
    assert_eq!(app.secret().get(&path).await.assert(200)["status"], "pending");
    let pair = app.guest().post("/v1/auth/email/callback", json!({ "token": app.mailed_token("joon@harbor.test") })).await.assert(200);
    assert_eq!((&pair["is_new_user"], &pair["user"]["role"]), (&json!(true), &json!("editor")));
    assert_eq!(app.secret().get(&path).await.assert(200)["status"], "accepted");
    ask("joon", &token).await.assert_error(400, "auth/invitation-already-accepted");
    // Taken back before the link is used, it opens nothing.
    let invitation = app.secret().post("/v1/auth/invitations", to_project(&app, "kim", "user")).await.assert(201);
    ask("kim", &app.mailed_token("kim@harbor.test")).await.assert(201);
    let link = app.mailed_token("kim@harbor.test");
    app.secret().delete(&format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap())).await.assert(200);
    app.guest().post("/v1/auth/email/callback", json!({ "token": link })).await.assert_error(404, "auth/invitation-not-found");
}

#[actix_web::test]
async fn an_invitation_expires_is_declined_or_taken_back_and_stays_so() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let path = |invitation: &Value| format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap());
    let reject = |token: String| {
        let client = app.guest();
        async move { client.post("/v1/auth/invitations/reject", json!({ "token": token })).await }
    };
    let expired = invite(&app, &mina, to_workspace("joon", "w1")).await;
    let token = app.mailed_token("joon@harbor.test");
    app.wait(7 * 86_400 + 1);
    let client = app.with(&Tokens::of(&app.sign_in("mina", "tide42").await.assert(200)).access);
    accept(&app, &token).await.assert_error(400, "auth/invitation-expired");
    reject(token.clone()).await.assert_error(400, "auth/invitation-expired");
    client.delete(&path(&expired)).await.assert_error(400, "auth/invitation-expired");
    sign_up_with(&app, "joon", &token).await.assert_error(400, "auth/invitation-expired");
    assert_eq!(client.get(&path(&expired)).await.assert(200)["status"], "expired");
    let create = |name: &'static str| {
        let client = client.clone();
        async move { client.post("/v1/auth/invitations", to_workspace(name, "w2")).await.assert(201) }
    };
    let declined = create("ann").await;
    let token = app.mailed_token("ann@harbor.test");
    let wrong = json!({ "token": token, "email": "kim@harbor.test" });
    app.guest().post("/v1/auth/invitations/reject", wrong.clone()).await.assert_error(401, "auth/invalid-token");
    app.guest().post("/v1/auth/invitations/accept", wrong).await.assert_error(401, "auth/invalid-token");
    let right = json!({ "token": token, "email": " Ann@Harbor.test" });
    assert_eq!(app.guest().post("/v1/auth/invitations/reject", right).await.assert(200), json!({}));
    let revoked = create("kim").await;
    assert!(client.delete(&path(&revoked)).await.assert(200)["message"].is_string());
    for (invitation, name, status) in [(&declined, "ann", "rejected"), (&revoked, "kim", "revoked")] {
        let token = app.mailed_token(&format!("{name}@harbor.test"));
        accept(&app, &token).await.assert_error(404, "auth/invitation-not-found");
        reject(token).await.assert_error(404, "auth/invitation-not-found");
        client.delete(&path(invitation)).await.assert_error(404, "auth/invitation-not-found");
        assert_eq!(client.get(&path(invitation)).await.assert(200)["status"], status);
    }
    for bad in ["", "x", &"0".repeat(64), "' OR 1=1 --", &"f".repeat(9000)] {
        accept(&app, bad).await.assert_error(401, "auth/invalid-token");
        reject(bad.to_owned()).await.assert_error(401, "auth/invalid-token");
    }
    client.delete("/v1/auth/invitations/nonsense").await.assert_error(404, "auth/invitation-not-found");
}

#[actix_web::test]
async fn inviting_again_to_the_same_resource_revokes_the_pending_one_only() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    invite(&app, &mina, to_workspace("joon", "w1")).await;
    let first = app.mailed_token("joon@harbor.test");
    invite(&app, &mina, to_workspace("joon", "w2")).await;
    let other = app.mailed_token("joon@harbor.test");
    invite(&app, &mina, to_workspace("Joon", "w1")).await;
    let second = app.mailed_token("joon@harbor.test");
    accept(&app, &first).await.assert_error(404, "auth/invitation-not-found");
    accept(&app, &other).await.assert(200);
    accept(&app, &second).await.assert(200);
}

#[actix_web::test]
async fn lists_show_ones_own_and_admins_all() {
    let app = TestApp::start().await;
    let (mina, joon) = (app.sign_up("mina", "tide42").await, app.sign_up("joon", "tide42").await);
    let first = invite(&app, &mina, to_workspace("ann", "w1")).await;
    invite(&app, &mina, to_workspace("kim", "w2")).await;
    invite(&app, &joon, to_workspace("ann", "w3")).await;
    app.secret().post("/v1/auth/invitations", to_project(&app, "joon", "user")).await.assert(201);
    let total = |answer: Value| answer["pagination"]["total"].as_u64().unwrap();
    let list = app.with(&mina.access).get("/v1/auth/invitations?limit=1").await.assert(200);
    assert_eq!((&list["items"][0]["email"], total(list.clone())), (&json!("kim@harbor.test"), 2));
    assert_eq!(total(app.secret().get("/v1/auth/invitations").await.assert(200)), 4);
    assert_eq!(total(app.secret().get("/v1/auth/invitations?resourceType=project").await.assert(200)), 1);
    assert_eq!(total(app.secret().get("/v1/auth/invitations?resourceId=w1&status=pending").await.assert(200)), 1);
    accept(&app, &app.mails("ann@harbor.test").last().unwrap().token.clone().unwrap()).await.assert(200);
    assert_eq!(total(app.secret().get("/v1/auth/invitations?status=accepted").await.assert(200)), 1);
    app.wait(8 * 86_400);
    assert_eq!(total(app.secret().get("/v1/auth/invitations?status=expired").await.assert(200)), 3);
    assert_eq!(total(app.secret().get("/v1/auth/invitations?status=pending").await.assert(200)), 0);
    // One of them: for who sent it, whom it is for, and admins.
    let again = |name: &'static str| app.sign_in(name, "tide42");
    let (mina, joon) = (Tokens::of(&again("mina").await.assert(200)), Tokens::of(&again("joon").await.assert(200)));
    let ann = app.sign_up("ann", "tide42").await;
    let path = format!("/v1/auth/invitations/{}", first["id"].as_str().unwrap());
    for token in [&mina.access, &ann.access] {
        assert_eq!(app.with(token).get(&path).await.assert(200)["status"], "accepted");
    }
    app.secret().get(&path).await.assert(200);
    app.with(&joon.access).get(&path).await.assert_error(404, "auth/invitation-not-found");
    app.with(&joon.access).delete(&path).await.assert_error(404, "auth/invitation-not-found");
    app.with(&ann.access).delete(&path).await.assert_error(404, "auth/invitation-not-found");
    app.guest().get(&path).await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn accepting_and_revoking_at_once_has_one_winner() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    for n in 0..8 {
        let name = format!("u{n}");
        let invitation = invite(&app, &mina, to_workspace(&name, "w1")).await;
        let token = app.mailed_token(&format!("{name}@harbor.test"));
        let (client, path) = (app.with(&mina.access), format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap()));
        let (accepted, revoked) = futures_util::join!(accept(&app, &token), client.delete(&path));
        let status = client.get(&path).await.assert(200)["status"].as_str().unwrap().to_owned();
        match (accepted.status, revoked.status) {
            (200, 400) => assert_eq!(status, "accepted"),
            (404, 200) => assert_eq!(status, "revoked"),
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn one_token_accepted_or_signed_up_with_twice_at_once_has_one_winner() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    invite(&app, &mina, to_workspace("joon", "w1")).await;
    let token = app.mailed_token("joon@harbor.test");
    let mut statuses: Vec<u16> = join_all((0..4).map(|_| accept(&app, &token))).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400]);
    app.auth(|c| c.email.signup_enabled = false).await;
    invite(&app, &mina, to_project(&app, "kim", "user")).await;
    let token = app.mailed_token("kim@harbor.test");
    let answers = join_all((0..4).map(|_| sign_up_with(&app, "kim", &token))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[actix_web::test]
async fn what_somebody_who_leaves_has_sent_is_revoked() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    invite(&app, &mina, to_workspace("joon", "w1")).await;
    invite(&app, &mina, to_workspace("ann", "w1")).await;
    accept(&app, &app.mailed_token("ann@harbor.test")).await.assert(200);
    app.with(&mina.access).delete("/v1/auth/withdraw").await.assert(200);
    accept(&app, &app.mailed_token("joon@harbor.test")).await.assert_error(404, "auth/invitation-not-found");
    let list = app.secret().get("/v1/auth/invitations").await.assert(200);
    let statuses: Vec<&str> = list["items"].as_array().unwrap().iter().map(|i| i["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["accepted", "revoked"]);
}

#[actix_web::test]
async fn a_person_sends_50_invitations_an_hour_and_5_in_15_minutes_to_one_address() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    for n in 0..5 {
        invite(&app, &mina, to_workspace("joon", &format!("w{n}"))).await;
    }
    app.secret().post("/v1/auth/invitations", to_workspace("joon", "w9")).await.assert_error(429, "auth/too-many-code-requests");
    for n in 5..50 {
        invite(&app, &mina, to_workspace(&format!("u{n}"), "w1")).await;
    }
    let refused = app.with(&mina.access).post("/v1/auth/invitations", to_workspace("u50", "w1")).await;
    assert!(refused.header("retry-after").is_some() && refused.header("x-ratelimit-limit") == Some("50"));
    refused.assert_error(429, "auth/too-many-requests");
    app.secret().post("/v1/auth/invitations", to_workspace("u51", "w1")).await.assert(201);
    app.wait(3601);
    let mina = Tokens::of(&app.refresh(&mina.refresh).await.assert(200));
    invite(&app, &mina, to_workspace("u50", "w1")).await;
}

#[actix_web::test]
async fn events_tell_of_invitations_and_the_token_shows_in_the_mail_only() {
    let app = TestApp::start().await;
    app.operator().patch(&app.project_path(), json!({ "settings": { "requestLogBodies": "all" } })).await.assert(200);
    let mina = app.sign_up("mina", "tide42").await;
    let mut tokens = Vec::new();
    for (name, answer) in [("ann", "accept"), ("kim", "reject"), ("joon", "")] {
        let invitation = invite(&app, &mina, to_workspace(name, "w1")).await;
        let token = app.mailed_token(&format!("{name}@harbor.test"));
        assert!(!invitation.to_string().contains(&token));
        if answer.is_empty() {
            app.with(&mina.access).delete(&format!("/v1/auth/invitations/{}", invitation["id"].as_str().unwrap())).await.assert(200);
        } else {
            app.guest().post(&format!("/v1/auth/invitations/{answer}"), json!({ "token": token })).await.assert(200);
        }
        tokens.push(token);
    }
    let events = app.secret().get("/v1/auth/events?limit=100").await.assert(200);
    for (kind, count) in [("created", 3), ("accepted", 1), ("rejected", 1), ("revoked", 1)] {
        let found = events["items"].as_array().unwrap().iter().filter(|e| e["type"] == format!("invitation_{kind}")).count();
        assert_eq!(found, count, "{kind}");
    }
    let requests = app.operator().get(&format!("{}/requests?limit=100", app.environment_path())).await.assert(200);
    let mut texts = vec![events.to_string(), requests.to_string(), app.secret().get("/v1/auth/invitations").await.assert(200).to_string()];
    for request in requests["items"].as_array().unwrap() {
        let path = format!("{}/requests/{}", app.environment_path(), request["id"].as_str().unwrap());
        texts.push(app.operator().get(&path).await.assert(200).to_string());
    }
    for token in &tokens {
        assert!(!texts.iter().any(|text| text.contains(token.as_str())), "{token} shows");
    }
}
