//! Resources (`01-mcp.md` §7).

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::tools::Tools;

async fn read(tools: &Tools, uri: &str) -> Result<Value, Value> {
    let answer = tools.connection.read_resource(uri).await.map_err(|error| serde_json::to_value(error).unwrap())?;
    let answer = serde_json::to_value(answer).unwrap();
    let content = &answer["contents"][0];
    assert_eq!(content["uri"], uri);
    match content["mimeType"].as_str().unwrap() {
        "application/json" => Ok(serde_json::from_str(content["text"].as_str().unwrap()).unwrap()),
        _ => Ok(content["text"].clone()),
    }
}

#[actix_web::test]
async fn each_address_reads_what_the_matching_tool_answers() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let table = app.table(json!({ "tableName": "posts", "schema": { "title": "string" } })).await.id.clone();
    let (organization, project, environment) = (tools.organization(), app.project_id(), app.environment.id().to_owned());
    let token = tools.ok("backend_access_token_list", json!({})).await["items"][0]["id"].as_str().unwrap().to_owned();
    let place = json!({ "projectId": project, "environment": "dev", "tableName": "posts" });
    let rows = [
        ("bkend://organizations".to_owned(), "backend_org_list", json!({})),
        (format!("bkend://organizations/{organization}"), "backend_org_get", json!({ "organizationId": organization })),
        ("bkend://projects".to_owned(), "backend_project_list", json!({ "limit": 100 })),
        (format!("bkend://organizations/{organization}/projects"), "backend_project_list", json!({ "limit": 100 })),
        (format!("bkend://projects/{project}"), "backend_project_get", json!({ "projectId": project })),
        ("bkend://environments".to_owned(), "backend_env_list", json!({ "limit": 100 })),
        (format!("bkend://environments/{environment}"), "backend_env_get", json!({ "environmentId": environment })),
        (format!("bkend://projects/{project}/environments"), "backend_env_list", json!({ "limit": 100 })),
        (format!("bkend://projects/{project}/environments/dev"), "backend_env_get", json!({ "environmentId": environment })),
        ("bkend://tables".to_owned(), "backend_table_list", json!({ "limit": 100 })),
        (format!("bkend://tables/{table}"), "backend_table_get", place.clone()),
        (format!("bkend://projects/{project}/environments/dev/tables"), "backend_table_list", json!({ "limit": 100 })),
        (format!("bkend://projects/{project}/environments/dev/tables/posts"), "backend_table_get", place.clone()),
        (format!("bkend://tables/{table}/schema/versions"), "backend_schema_version_list", json!({ "tableId": table, "limit": 100 })),
        (format!("bkend://tables/{table}/indexes/versions"), "backend_index_version_list", json!({ "tableId": table, "limit": 100 })),
        (
            format!("bkend://projects/{project}/environments/dev/tables/posts/schema/versions"),
            "backend_schema_version_list",
            json!({ "tableId": table, "limit": 100 }),
        ),
        (
            format!("bkend://projects/{project}/environments/dev/tables/posts/indexes/versions"),
            "backend_index_version_list",
            json!({ "tableId": table, "limit": 100 }),
        ),
        ("bkend://access-tokens".to_owned(), "backend_access_token_list", json!({ "limit": 100 })),
        (format!("bkend://access-tokens/{token}"), "backend_access_token_get", json!({ "accessTokenId": token })),
    ];
    for (uri, tool, arguments) in rows {
        assert_eq!(read(&tools, &uri).await.unwrap(), tools.ok(tool, arguments).await, "{uri}");
    }
    for (uri, tool) in [
        ("bkend://orgs".to_owned(), "backend_org_list"),
        (format!("bkend://orgs/{organization}/projects"), "backend_project_list"),
        (format!("bkend://orgs/{organization}/projects/{project}/environments"), "backend_env_list"),
        (format!("bkend://orgs/{organization}/projects/{project}/environments/{environment}/tables"), "backend_table_list"),
    ] {
        assert_eq!(read(&tools, &uri).await.unwrap(), tools.ok(tool, json!({})).await["items"], "{uri} is a bare array");
    }
}

#[actix_web::test]
async fn a_read_sees_every_write_answered_before_it() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for i in 1..=20 {
        app.table(json!({ "tableName": format!("t{i}"), "schema": {} })).await;
        assert_eq!(read(&tools, "bkend://tables").await.unwrap()["pagination"]["total"], i);
    }
}

#[actix_web::test]
async fn list_resources_hold_100_items_and_take_page_and_limit() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for i in 0..105 {
        app.table(json!({ "tableName": format!("t{i}"), "schema": {} })).await;
    }
    assert_eq!(read(&tools, "bkend://tables").await.unwrap()["items"].as_array().unwrap().len(), 100);
    assert_eq!(read(&tools, "bkend://tables?page=2").await.unwrap()["items"].as_array().unwrap().len(), 5);
    assert_eq!(read(&tools, "bkend://tables?page=2&limit=10").await.unwrap()["items"][0]["tableName"], "t10");
    assert_eq!(read(&tools, "bkend://tables?page=x").await.unwrap_err()["code"], -32602);

    let first = serde_json::to_value(tools.connection.resources(None).await.unwrap()).unwrap();
    assert_eq!(first["resources"].as_array().unwrap().len(), 100);
    let uris: Vec<&str> = first["resources"].as_array().unwrap().iter().take(5).map(|r| r["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["bkend://organizations", "bkend://projects", "bkend://environments", "bkend://tables", "bkend://access-tokens"]);
    assert_eq!(first["resources"][7]["name"], "my-blog / dev / t0");
    let second = serde_json::to_value(tools.connection.resources(first["nextCursor"].as_str()).await.unwrap()).unwrap();
    assert_eq!(second["resources"].as_array().unwrap().len(), 12);
    assert!(second.get("nextCursor").is_none());
    for cursor in ["", "x", "r1", "r-100"] {
        assert_eq!(serde_json::to_value(tools.connection.resources(Some(cursor)).await.unwrap_err()).unwrap()["code"], -32602, "{cursor}");
    }
}

#[actix_web::test]
async fn templates_are_the_parameterized_addresses_of_the_first_column() {
    let app = TestApp::start().await;
    let list = serde_json::to_value(app.tools().await.connection.resource_templates()).unwrap();
    let uris: Vec<&str> = list["resourceTemplates"].as_array().unwrap().iter().map(|t| t["uriTemplate"].as_str().unwrap()).collect();
    let expected = [
        "bkend://organizations/{organizationId}",
        "bkend://projects/{projectId}",
        "bkend://environments/{environmentId}",
        "bkend://tables/{tableId}",
        "bkend://tables/{tableId}/schema/versions",
        "bkend://tables/{tableId}/indexes/versions",
        "bkend://access-tokens/{accessTokenId}",
        "bkend://docs/{+pageId}",
    ];
    assert_eq!(uris, expected);
}

#[actix_web::test]
async fn pages_of_the_documentation_are_read_whole_by_id_or_alias() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let page = read(&tools, "bkend://docs/database/08-filtering").await.unwrap();
    let page = page.as_str().unwrap();
    assert!(page.starts_with("# ") && page.contains(&app.url) && page.contains("andFilters") && !page.contains("@@"), "{page}");
    assert!(read(&tools, "bkend://docs/4_howto_implement_data_crud").await.is_ok());
    assert_eq!(read(&tools, "bkend://docs/nothing/at-all").await.unwrap_err()["code"], -32002);
}

#[actix_web::test]
async fn what_is_not_there_or_not_granted_is_told_apart() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for uri in [
        "bkend://nothing",
        "bkend://tables/0123456789abcdef01234567",
        "bkend://projects/x/environments",
        "http://localhost/",
        "",
        "bkend://orgs/other/projects",
    ] {
        let error = read(&tools, uri).await.unwrap_err();
        assert_eq!((&error["code"], &error["data"]["uri"]), (&json!(-32002), &json!(uri)));
    }
    let error = read(&app.tools_with("project:read").await, "bkend://tables").await.unwrap_err();
    assert_eq!((&error["code"], &error["data"]["requiredScope"]), (&json!(-32001), &json!("table:read")));
    assert_eq!(read(&app.tools_of_member("bill", "billing").await, "bkend://projects").await.unwrap_err()["code"], -32001);
}

#[actix_web::test]
async fn the_endpoint_without_sign_in_offers_documentation_only() {
    let app = TestApp::start().await;
    let mut tools = app.tools().await;
    tools.connection.access = None;
    assert!(tools.markdown("search_docs", json!({ "query": "filter records" })).await.contains("## Search Results"));
    assert_eq!(tools.raw("get_context", json!({})).await.unwrap_err()["code"], -32602);
    assert!(read(&tools, "bkend://docs/database/08-filtering").await.is_ok());
    assert_eq!(read(&tools, "bkend://tables").await.unwrap_err()["code"], -32002);
    let list = serde_json::to_value(tools.connection.tools()).unwrap();
    assert_eq!(list["tools"].as_array().unwrap().len(), 1);
    assert_eq!(serde_json::to_value(tools.connection.resource_templates()).unwrap()["resourceTemplates"].as_array().unwrap().len(), 1);
}
