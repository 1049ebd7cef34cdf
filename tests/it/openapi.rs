//! `/openapi.json` and `/docs` (`00-conventions.md`, `06-console.md` B1).

use std::collections::{BTreeSet, HashSet};

use bkend_local::domain::error::Code;
use bkend_local::http::{openapi, routing};
use serde_json::Value;

use crate::support::TestApp;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |(path, item): (&String, &Value)| {
        let one = |method: &&str| item.get(method).map(|o| (method.to_ascii_uppercase(), path.clone(), o.clone()));
        METHODS.iter().filter_map(one).collect::<Vec<_>>()
    };
    paths.flat_map(methods).collect()
}

/// Every value under a key, at any depth.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            if name == key {
                found.push(member);
            }
            under(member, key, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn every_route_of_the_server_is_in_the_document_and_the_other_way_round() {
    let app = TestApp::start().await;
    let document = app.client().get("/openapi.json").await.assert(200);
    let documented: BTreeSet<String> = operations(&document).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    // A path with a slash at its end is the one without it.
    let registered = routing::registered().into_iter().filter(|r| r.documented).map(|r| format!("{} {}", r.method, r.path.trim_end_matches('/')));
    let registered: BTreeSet<String> = registered.collect();
    let missing: Vec<_> = registered.difference(&documented).collect();
    let surplus: Vec<_> = documented.difference(&registered).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "not documented: {missing:#?}\nnot served: {surplus:#?}");
}

#[actix_web::test]
async fn the_document_is_openapi_3_1_and_names_the_server_of_the_request() {
    let app = TestApp::start().await;
    let document = app.client().get("/openapi.json").await.assert(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], app.url);
    let behind = TestApp::start_with(|s| s.public_url = Some("https://api.harbor.test/".into())).await;
    assert_eq!(behind.client().get("/openapi.json").await.assert(200)["servers"][0]["url"], "https://api.harbor.test");
}

#[test]
fn operation_ids_are_unique_and_every_operation_is_complete() {
    let document = openapi::document("http://localhost:4300");
    let mut ids = HashSet::new();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap_or_default().to_owned()), "the id of {name} stands twice");
        assert!(operation["tags"].as_array().is_some_and(|t| t.len() == 1 && tags.contains(&t[0])), "{name} has no tag");
        assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{name} has no summary");
        assert!(operation["security"].is_array(), "{name} says nothing of credentials");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|s| s.starts_with(['2', '3'])), "{name} never succeeds");
        assert!(answers.contains_key("500"), "{name} has no errors");
        assert!(answers.values().all(|a| a.get("$ref").is_some() || a["description"].as_str().is_some_and(|d| !d.is_empty())), "{name}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let declared: BTreeSet<_> = parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap().to_owned()).collect();
        let wanted: BTreeSet<_> = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).map(str::to_owned).collect();
        assert_eq!(declared, wanted, "{name}");
        let all: Vec<_> = parameters.iter().map(|p| (p["in"].to_string(), p["name"].to_string(), p["$ref"].to_string())).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{name} has a parameter twice");
    }
}

#[test]
fn every_reference_has_a_target() {
    let document = openapi::document("http://localhost:4300");
    let mut references = Vec::new();
    under(&document, "$ref", &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    assert_eq!(openapi::ambiguous_schemas(), Vec::<String>::new(), "one name for different schemas");
}

#[test]
fn every_public_error_code_is_in_the_document() {
    let document = openapi::document("http://localhost:4300");
    let known = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    assert!(Code::ALL.iter().all(|code| known.iter().any(|k| k == code.name)));
    for code in Code::ALL {
        let response = &document["components"]["responses"][format!("Error{}", code.status)];
        assert!(response["description"].as_str().is_some_and(|d| d.contains(code.name)), "{}", code.name);
    }
    for scheme in ["apiKey", "accessToken", "projectId", "session", "personalAccessToken"] {
        assert!(document["components"]["securitySchemes"][scheme].is_object());
    }
}

#[actix_web::test]
async fn the_api_reference_comes_from_this_server_alone() {
    let app = TestApp::start().await;
    let page = app.client().get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(!page.text.contains("<style") && !page.text.contains("style=") && !page.text.contains("onclick"));
    for asset in ["/docs/reference.js", "/docs/reference.css"] {
        assert!(page.text.contains(asset));
        let asset = app.client().get(asset).await;
        assert_eq!(asset.status, 200);
        assert!(!asset.text.contains("innerHTML") && !asset.text.contains("https://"));
    }
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
}
