//! Invitations to an organization, and what removal does (`06-console.md` A7, B3 "Organizations and team").

use bkend_local::domain::error::Error;
use bkend_local::domain::time;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

const ACCEPT: &str = "/management/v1/invitations/accept";
const REJECT: &str = "/management/v1/invitations/reject";
const LOOKUP: &str = "/management/v1/invitations/lookup";

async fn path(app: &TestApp) -> String {
    format!("/management/v1/organizations/{}/invitations", app.organization_id().await)
}

async fn invite(app: &TestApp, email: &str, role: &str) -> Value {
    app.operator().post(&path(app).await, json!({ "email": email, "name": "Mina", "role": role })).await.assert(201)
}

fn token(invitation: &Value) -> String {
    invitation["link"].as_str().unwrap().split_once("/console/invite#").unwrap().1.to_owned()
}

#[actix_web::test]
async fn an_invitation_is_mailed_looked_up_and_accepted_once() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    let invitation = invite(&app, "Mina@harbor.test", "member").await;
    assert_eq!((&invitation["status"], &invitation["role"], &invitation["email"]), (&json!("pending"), &json!("member"), &json!("mina@harbor.test")));
    assert_eq!(invitation["invitedBy"]["name"], "Owner");
    let mail = app.operator().get("/management/v1/mailbox").await.assert(200)["items"][0].clone();
    assert_eq!((&mail["template"], &mail["link"], &mail["subject"]), (&json!("invitation"), &invitation["link"], &json!("Owner invites you to Personal")));
    let token = json!({ "token": token(&invitation) });
    let seen = app.client().post(LOOKUP, token.clone()).await.assert(200);
    assert_eq!(
        (&seen["organization"]["name"], &seen["inviter"], &seen["role"], &seen["email"]),
        (&json!("Personal"), &json!("Owner"), &json!("member"), &json!("mina@harbor.test"))
    );
    app.client().post(ACCEPT, token.clone()).await.assert_error(401, "common/authentication-required");
    let (a, b) = futures_util::future::join(mina.post(ACCEPT, token.clone()), mina.post(ACCEPT, token.clone())).await;
    let (won, lost) = if a.status == 200 { (a, b) } else { (b, a) };
    assert_eq!(won.assert(200)["role"], "member");
    lost.assert_error(400, "invitation/invalid");
    app.client().post(LOOKUP, token).await.assert_error(400, "invitation/invalid");
    let list = app.operator().get(&path(&app).await).await.assert(200);
    assert_eq!((column(&list, "status"), &list["items"][0]["link"]), (vec!["accepted".to_owned()], &Value::Null));
    app.operator().post(&path(&app).await, json!({ "email": "mina@harbor.test", "role": "member" })).await.assert_error(409, "member/already-member");
}

#[actix_web::test]
async fn an_invitation_is_for_its_own_address_only() {
    let app = TestApp::start().await;
    let ann = app.developer("ann").await;
    let token = json!({ "token": token(&invite(&app, "mina@harbor.test", "member").await) });
    let refused = ann.post(ACCEPT, token.clone()).await.assert_error(403, "invitation/email-mismatch");
    assert!(refused["message"].as_str().unwrap().contains("mina@harbor.test"));
    ann.post(REJECT, token.clone()).await.assert_error(403, "invitation/email-mismatch");
    let mina = app.developer("mina").await;
    mina.post(REJECT, token.clone()).await.assert(204);
    mina.post(ACCEPT, token).await.assert_error(400, "invitation/invalid");
    mina.get(&format!("/management/v1/organizations/{}", app.organization_id().await)).await.assert_error(404, "organization/not-found");
}

#[actix_web::test]
async fn an_invitation_is_sent_again_or_cancelled_while_it_waits() {
    let app = TestApp::start().await;
    let first = invite(&app, "mina@harbor.test", "member").await;
    app.operator().post(&path(&app).await, json!({ "email": "mina@harbor.test", "role": "member" })).await.assert_error(409, "invitation/pending");
    let one = format!("{}/{}", path(&app).await, first["id"].as_str().unwrap());
    let second = app.operator().post(&format!("{one}/resend"), json!({})).await.assert(200);
    assert_ne!(first["link"], second["link"]);
    // The list shows the link that is in force.
    assert_eq!(app.operator().get(&path(&app).await).await.assert(200)["items"][0]["link"], second["link"]);
    app.client().post(LOOKUP, json!({ "token": token(&first) })).await.assert_error(400, "invitation/invalid");
    app.client().post(LOOKUP, json!({ "token": token(&second) })).await.assert(200);
    app.operator().delete(&one).await.assert(204);
    app.operator().delete(&one).await.assert_error(409, "invitation/not-pending");
    app.operator().post(&format!("{one}/resend"), json!({})).await.assert_error(409, "invitation/not-pending");
    app.operator().delete(&format!("{}/{}", path(&app).await, "f".repeat(24))).await.assert_error(404, "invitation/not-found");
    app.client().post(LOOKUP, json!({ "token": token(&second) })).await.assert_error(400, "invitation/invalid");
    invite(&app, "mina@harbor.test", "billing").await;
}

#[actix_web::test]
async fn after_seven_days_an_invitation_has_expired_until_it_is_sent_again() {
    let app = TestApp::start().await;
    let invitation = invite(&app, "mina@harbor.test", "member").await;
    let (organization, id) = (app.organization_id().await, invitation["id"].as_str().unwrap().to_owned());
    let expires = time::parse(invitation["expiresAt"].as_str().unwrap()).unwrap() - time::parse(invitation["createdAt"].as_str().unwrap()).unwrap();
    assert_eq!(expires, 7 * 24 * 60 * 60 * 1000);
    let at = id.clone();
    let age = app.backend.control().write::<_, Error, _>(move |tx| {
        let mut row = tx.reader().invitation(&organization, &at)?.unwrap();
        row.expires_at = time::now() - 1;
        Ok(tx.update_invitation(&row)?)
    });
    age.await.unwrap();
    app.client().post(LOOKUP, json!({ "token": token(&invitation) })).await.assert_error(400, "invitation/expired");
    app.developer("mina").await.post(ACCEPT, json!({ "token": token(&invitation) })).await.assert_error(400, "invitation/expired");
    assert_eq!(column(&app.operator().get(&path(&app).await).await.assert(200), "status"), ["expired"]);
    let renewed = app.operator().post(&format!("{}/{id}/resend", path(&app).await), json!({})).await.assert(200);
    assert_eq!(renewed["status"], "pending");
    app.client().post(LOOKUP, json!({ "token": token(&renewed) })).await.assert(200);
}

#[actix_web::test]
async fn admins_invite_members_and_billing_only_owners_invite_admins() {
    let app = TestApp::start().await;
    let (admin, member) = (app.member("admin", "admin").await, app.member("member", "member").await);
    let path = path(&app).await;
    for role in ["member", "billing"] {
        admin.post(&path, json!({ "email": format!("{role}1@harbor.test"), "role": role })).await.assert(201);
    }
    for role in ["admin", "owner"] {
        admin.post(&path, json!({ "email": "x@harbor.test", "role": role })).await.assert_error(403, "member/role-too-high");
        let high = app.operator().post(&path, json!({ "email": format!("{role}2@harbor.test"), "role": role })).await.assert(201);
        admin.delete(&format!("{path}/{}", high["id"].as_str().unwrap())).await.assert_error(403, "member/role-too-high");
    }
    member.get(&path).await.assert_error(403, "organization/permission-denied");
    member.post(&path, json!({ "email": "x@harbor.test", "role": "member" })).await.assert_error(403, "organization/permission-denied");
    app.developer("stranger").await.get(&path).await.assert_error(404, "organization/not-found");
    for bad in [json!({ "email": "x@harbor.test" }), json!({ "email": "x@harbor.test", "role": "king" }), json!({ "email": "x", "role": "member" })] {
        admin.post(&path, bad).await.assert_error(400, "common/invalid-parameters");
    }
}

#[actix_web::test]
async fn removal_bites_on_the_next_request_of_the_members_tokens() {
    let app = TestApp::start().await;
    let mina = app.member("mina", "member").await;
    let organization = format!("/management/v1/organizations/{}", app.organization_id().await);
    mina.get(&app.project_path()).await.assert(200);
    app.operator().delete(&format!("{organization}/members/{}?confirm={}", mina.id, mina.email)).await.assert(204);
    mina.get(&app.project_path()).await.assert_error(404, "project/not-found");
    mina.get(&organization).await.assert_error(404, "organization/not-found");
}

#[actix_web::test]
async fn an_invited_person_may_sign_up_where_sign_up_is_closed() {
    let app = TestApp::start_with(|s| s.hosts = vec!["0.0.0.0".parse().unwrap()]).await;
    let token = token(&invite(&app, "mina@harbor.test", "member").await);
    let visitor = app.client().header("Origin", &app.url);
    let sign_up =
        async |email: &str, token: &str| visitor.post("/management/v1/auth/signup", json!({ "email": email, "name": "M", "invitation": token })).await;
    sign_up("eve@harbor.test", &token).await.assert_error(403, "tenant/signup-closed");
    sign_up("mina@harbor.test", "x").await.assert_error(400, "invitation/invalid");
    sign_up("mina@harbor.test", &token).await.assert(200);
}
