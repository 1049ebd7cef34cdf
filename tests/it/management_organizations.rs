//! Organizations, members and roles (`06-console.md` A7, B1, B3).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

const ORGANIZATIONS: &str = "/management/v1/organizations";

#[actix_web::test]
async fn the_creator_becomes_owner() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    assert_eq!(mina.get(ORGANIZATIONS).await.assert(200)["pagination"]["total"], 0);
    let made = mina.post(ORGANIZATIONS, json!({ "name": "Harbor Lights", "description": " " })).await.assert(201);
    assert_eq!((&made["slug"], &made["role"], &made["plan"]), (&json!("harbor-lights"), &json!("owner"), &json!("local")));
    assert_eq!((&made["status"], &made["description"]), (&json!("active"), &Value::Null));
    let path = format!("{ORGANIZATIONS}/{}", made["id"].as_str().unwrap());
    assert_eq!(mina.get(&path).await.assert(200), made);
    assert_eq!(mina.get(&format!("{ORGANIZATIONS}/harbor-lights")).await.assert(200)["id"], made["id"]);
    mina.post(ORGANIZATIONS, json!({ "name": "Other", "slug": "harbor-lights" })).await.assert_error(409, "organization/slug-taken");
    mina.post(ORGANIZATIONS, json!({ "name": "Other", "slug": "No Slug" })).await.assert_error(400, "common/invalid-parameters");
    mina.post(ORGANIZATIONS, json!({ "name": "x".repeat(65) })).await.assert_error(400, "common/invalid-parameters");
    assert!(mina.post(ORGANIZATIONS, json!({ "name": "항구" })).await.assert(201)["slug"].as_str().is_some_and(|s| s.len() >= 3));
}

#[actix_web::test]
async fn strangers_get_the_same_404_as_for_nothing() {
    let app = TestApp::start().await;
    let mina = app.developer("mina").await;
    let organization = app.organization_id().await;
    let foreign = mina.get(&format!("{ORGANIZATIONS}/{organization}")).await.assert_error(404, "organization/not-found");
    let nothing = mina.get(&format!("{ORGANIZATIONS}/nothing")).await.assert_error(404, "organization/not-found");
    assert_eq!(foreign["message"], nothing["message"]);
    mina.get(&app.project_path()).await.assert_error(404, "project/not-found");
    mina.get(&app.environment_path()).await.assert_error(404, "project/not-found");
    mina.delete(&format!("{ORGANIZATIONS}/{organization}?confirm=Personal")).await.assert_error(404, "organization/not-found");
    app.client().get(ORGANIZATIONS).await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn each_route_asks_for_its_role() {
    let app = TestApp::start().await;
    let organization = format!("{ORGANIZATIONS}/{}", app.organization_id().await);
    let (project, environment) = (app.project_path(), app.environment_path());
    let roles = ["billing", "member", "admin", "owner"];
    let mut people = Vec::new();
    for role in roles {
        people.push(app.member(role, role).await);
    }
    // From which place in `roles` on a call is allowed.
    let matrix: Vec<(&str, String, Option<Value>, usize)> = vec![
        ("GET", organization.clone(), None, 0),
        ("GET", format!("{organization}/members"), None, 0),
        ("GET", format!("{organization}/activities"), None, 1),
        ("GET", format!("{organization}/stats"), None, 1),
        ("GET", format!("{organization}/projects"), None, 1),
        ("GET", format!("{organization}/tokens"), None, 2),
        ("PATCH", organization.clone(), Some(json!({ "displayName": "P" })), 2),
        ("GET", project.clone(), None, 1),
        ("PATCH", project.clone(), Some(json!({ "description": "d" })), 2),
        ("GET", format!("{project}/cors"), None, 1),
        ("PUT", format!("{project}/cors"), Some(json!({ "origins": [] })), 1),
        ("GET", format!("{project}/activities"), None, 1),
        ("GET", format!("{project}/environments"), None, 1),
        ("POST", format!("{project}/environments"), Some(json!({ "environment": "dev" })), 2),
        ("GET", environment.clone(), None, 1),
        ("GET", format!("{environment}/stats"), None, 1),
        ("GET", format!("{environment}/checklist"), None, 1),
        ("GET", format!("{environment}/keys"), None, 1),
        ("GET", format!("{environment}/keys?type=secret"), None, 2),
        ("DELETE", format!("{organization}?confirm=wrong"), None, 3),
        ("DELETE", format!("{project}?confirm=wrong"), None, 2),
    ];
    for (method, path, body, from) in matrix {
        for (place, person) in people.iter().enumerate() {
            let answer = person.send(method.parse().unwrap(), &path, body.clone()).await;
            let denied = answer.body["error"]["code"] == "organization/permission-denied";
            assert_eq!(denied, place < from, "{method} {path} as {}: {}", roles[place], answer.text);
            assert!(!denied || answer.status == 403);
            assert!(denied || answer.status < 300 || answer.body["error"]["code"] == "management/confirmation-required", "{method} {path}: {}", answer.text);
        }
    }
}

#[actix_web::test]
async fn an_organization_is_deleted_with_its_projects_by_name_only() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let made = operator.post(ORGANIZATIONS, json!({ "name": "Harbor & Co" })).await.assert(201);
    let path = format!("{ORGANIZATIONS}/{}", made["id"].as_str().unwrap());
    let project = operator.post(&format!("{path}/projects"), json!({ "name": "Tides" })).await.assert(201);
    operator.delete(&path).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{path}?confirm=harbor")).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{path}?confirm=Harbor%20%26%20Co")).await.assert(204);
    operator.get(&path).await.assert_error(404, "organization/not-found");
    operator.get(&format!("/management/v1/projects/{}", project["id"].as_str().unwrap())).await.assert_error(404, "project/not-found");
    let key = project["publishableKey"].as_str().unwrap();
    assert!(app.backend.keys().resolve(app.backend.control(), key).await.is_err());
}

#[actix_web::test]
async fn members_are_searched_and_filtered() {
    let app = TestApp::start().await;
    let path = format!("{ORGANIZATIONS}/{}/members", app.organization_id().await);
    app.member("mina", "admin").await;
    app.member("jun", "member").await;
    let operator = app.operator();
    assert_eq!(column(&operator.get(&path).await.assert(200), "name"), ["Owner", "mina", "jun"]);
    assert_eq!(column(&operator.get(&format!("{path}?search=MINA")).await.assert(200), "role"), ["admin"]);
    assert_eq!(column(&operator.get(&format!("{path}?role=member")).await.assert(200), "name"), ["jun"]);
    assert_eq!(column(&operator.get(&format!("{path}?status=invited")).await.assert(200), "name"), Vec::<String>::new());
    operator.get(&format!("{path}?role=king")).await.assert_error(400, "common/invalid-parameters");
    operator.get(&format!("{path}?limit=x")).await.assert_error(400, "common/invalid-parameters");
    assert_eq!(column(&operator.get(&format!("{path}?sortBy=email&sortDirection=asc")).await.assert(200), "name"), ["jun", "mina", "Owner"]);
    assert_eq!(column(&operator.get(&format!("{path}?sortBy=email&limit=1")).await.assert(200), "name"), ["Owner"]);
    operator.get(&format!("{path}?sortDirection=up")).await.assert_error(400, "common/invalid-parameters");
    let page = operator.get(&format!("{path}?limit=2&page=2")).await.assert(200);
    assert_eq!((column(&page, "name"), &page["pagination"]["hasPrev"]), (vec!["jun".to_owned()], &json!(true)));
}

#[actix_web::test]
async fn only_owners_touch_admins_and_owners() {
    let app = TestApp::start().await;
    let path = format!("{ORGANIZATIONS}/{}/members", app.organization_id().await);
    let admin = app.member("admin", "admin").await;
    let other = app.member("other", "admin").await;
    let member = app.member("member", "member").await;
    let of = |id: &str| format!("{path}/{id}");
    assert_eq!(admin.patch(&of(&member.id), json!({ "role": "billing" })).await.assert(200)["role"], "billing");
    admin.patch(&of(&member.id), json!({ "role": "admin" })).await.assert_error(403, "member/role-too-high");
    admin.patch(&of(&other.id), json!({ "role": "member" })).await.assert_error(403, "member/role-too-high");
    admin.delete(&format!("{}?confirm={}", of(&other.id), other.email)).await.assert_error(403, "member/role-too-high");
    admin.patch(&of("nobody"), json!({ "role": "member" })).await.assert_error(404, "member/not-found");
    admin.patch(&of(&member.id), json!({ "role": "king" })).await.assert_error(400, "common/invalid-parameters");
    admin.patch(&of(&member.id), json!({})).await.assert_error(400, "common/invalid-parameters");
    member.patch(&of(&other.id), json!({ "role": "member" })).await.assert_error(403, "organization/permission-denied");
    let operator = app.operator();
    operator.patch(&of(&member.id), json!({ "role": "admin" })).await.assert(200);
    operator.delete(&of(&other.id)).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{}?confirm={}", of(&other.id), other.email)).await.assert(204);
    other.get(&app.project_path()).await.assert_error(404, "project/not-found");
}

#[actix_web::test]
async fn the_last_owner_stays() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let organization = format!("{ORGANIZATIONS}/{}", app.organization_id().await);
    let owner = operator.get("/management/v1/account").await.assert(200);
    let own = format!("{organization}/members/{}", owner["id"].as_str().unwrap());
    operator.patch(&own, json!({ "role": "member" })).await.assert_error(409, "organization/last-owner");
    operator.delete(&format!("{own}?confirm=owner@localhost")).await.assert_error(409, "organization/last-owner");
    operator.post(&format!("{organization}/leave?confirm=leave"), json!({})).await.assert_error(409, "organization/last-owner");
    let mina = app.member("mina", "member").await;
    let transfer = format!("{organization}/transfer");
    operator.post(&transfer, json!({ "tenantId": mina.id })).await.assert_error(400, "management/confirmation-required");
    operator.post(&format!("{transfer}?confirm=transfer"), json!({ "tenantId": "x" })).await.assert_error(404, "member/not-found");
    operator.post(&format!("{transfer}?confirm=transfer"), json!({})).await.assert_error(400, "common/invalid-parameters");
    mina.post(&format!("{transfer}?confirm=transfer"), json!({ "tenantId": mina.id })).await.assert_error(403, "organization/permission-denied");
    let after = operator.post(&format!("{transfer}?confirm=transfer"), json!({ "tenantId": mina.id })).await.assert(200);
    assert_eq!(after["role"], "admin");
    assert_eq!(mina.get(&organization).await.assert(200)["role"], "owner");
    operator.post(&format!("{organization}/leave"), json!({})).await.assert_error(400, "management/confirmation-required");
    operator.post(&format!("{organization}/leave?confirm=leave"), json!({})).await.assert(204);
    operator.get(&organization).await.assert_error(404, "organization/not-found");
    mina.post(&format!("{organization}/leave?confirm=leave"), json!({})).await.assert_error(409, "organization/last-owner");
}

#[actix_web::test]
async fn admins_see_and_revoke_members_tokens() {
    let app = TestApp::start().await;
    let path = format!("{ORGANIZATIONS}/{}/tokens", app.organization_id().await);
    let member = app.member("member", "member").await;
    app.developer("stranger").await;
    let admin = app.member("admin", "admin").await;
    let list = admin.get(&path).await.assert(200);
    assert_eq!(list["pagination"]["total"], 2);
    let of_member = list["items"].as_array().unwrap().iter().find(|t| t["tenantId"] == json!(member.id)).unwrap()["id"].as_str().unwrap().to_owned();
    admin.delete(&format!("{path}/{of_member}")).await.assert_error(403, "management/forbidden");
    app.operator().delete(&format!("{path}/{of_member}")).await.assert(204);
    app.operator().delete(&format!("{path}/{of_member}")).await.assert_error(404, "access-token/not-found");
    member.get("/management/v1/account").await.assert_error(401, "common/authentication-required");
}

#[actix_web::test]
async fn stats_count_what_an_organization_holds() {
    let app = TestApp::start().await;
    app.user("ann", "user").await;
    let stats = app.operator().get(&format!("{ORGANIZATIONS}/{}/stats", app.organization_id().await)).await.assert(200);
    assert_eq!((&stats["projects"], &stats["environments"], &stats["members"], &stats["users"]), (&json!(1), &json!(1), &json!(1), &json!(1)));
}
