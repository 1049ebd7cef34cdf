//! The list of tools as clients get it (`01-mcp.md` §4.1, §4.2, §4.4, §4.6).

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use super::rows::ROWS;
use crate::support::TestApp;
use crate::support::tools::Tools;

/// Capabilities of chapters this server does not serve yet.
const ABSENT: &[&str] = &[];

fn listed(tools: &Tools) -> Vec<Value> {
    serde_json::to_value(tools.connection.tools()).unwrap()["tools"].as_array().unwrap().clone()
}

fn names(tools: &Tools) -> Vec<String> {
    listed(tools).iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn names_titles_descriptions_and_hints_are_those_of_the_contract_in_its_order() {
    let app = TestApp::start().await;
    let tools = listed(&app.tools().await);
    let rows: Vec<_> = ROWS.iter().filter(|row| !ABSENT.contains(&row.0)).collect();
    assert_eq!(tools.len(), rows.len());
    for (name, title, hints, description, _) in rows {
        let tool = tools.iter().find(|tool| tool["name"] == *name).unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!(tool["title"], *title, "{name}");
        assert_eq!(tool["description"], *description, "{name}");
        let expected = json!({
            "title": title,
            "readOnlyHint": hints.contains('R'),
            "destructiveHint": hints.contains('D'),
            "idempotentHint": hints.contains('R') || hints.contains('I'),
            "openWorldHint": false,
        });
        assert_eq!(tool["annotations"], expected, "{name}");
    }
}

#[actix_web::test]
async fn a_call_without_the_scope_of_its_row_is_refused_naming_it() {
    let app = TestApp::start().await;
    let none = app.tools_with("").await;
    for (name, _, _, _, scope) in ROWS.iter().filter(|row| !ABSENT.contains(&row.0) && !row.4.is_empty()) {
        let error = none.fails(name, json!({}), "auth/insufficient-scope").await;
        assert_eq!(error["requiredScope"], *scope, "{name}");
        assert!(error["message"].as_str().unwrap().contains(scope), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("connect again"), "{error}");
    }
    for (name, arguments) in
        [("get_context", json!({})), ("search_docs", json!({ "query": "auth" })), ("get_operation_schema", json!({ "operation": "get_context" }))]
    {
        assert!(!none.reply_to(name, arguments).await.is_error, "{name} needs no scope");
    }
}

/// Walks a schema; answers what every model provider would not take.
fn faults(place: &str, schema: &Value, out: &mut Vec<String>) {
    let Some(map) = schema.as_object() else { return out.push(format!("{place}: no object")) };
    for key in ["anyOf", "oneOf", "allOf", "$ref", "not", "additionalProperties"] {
        if map.contains_key(key) {
            out.push(format!("{place}: {key}"));
        }
    }
    if !map["type"].is_string() {
        out.push(format!("{place}: type list"));
    }
    if map["type"] == "array" {
        match map.get("items") {
            Some(items) => faults(&format!("{place}[]"), items, out),
            None => out.push(format!("{place}: array without items")),
        }
    }
    let properties = map.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, property) in &properties {
        if property["description"].as_str().is_none_or(str::is_empty) {
            out.push(format!("{place}.{name}: not described"));
        }
        faults(&format!("{place}.{name}"), property, out);
    }
    for name in map.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !properties.contains_key(name.as_str().unwrap()) {
            out.push(format!("{place}: requires {name}, which it does not have"));
        }
    }
}

#[actix_web::test]
async fn input_schemas_are_plain_enough_for_every_model_provider() {
    let app = TestApp::start().await;
    let mut found = Vec::new();
    for tool in listed(&app.tools().await) {
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert!(tool["inputSchema"]["properties"].is_object());
        faults(tool["name"].as_str().unwrap(), &tool["inputSchema"], &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

#[actix_web::test]
async fn required_arguments_are_those_set_in_bold() {
    let app = TestApp::start().await;
    let tools = listed(&app.tools().await);
    let required = |name: &str| {
        let schema = &tools.iter().find(|t| t["name"] == name).unwrap()["inputSchema"];
        (schema["required"].clone(), schema["properties"]["body"]["required"].clone())
    };
    for (name, top, body) in [
        ("get_context", Value::Null, Value::Null),
        ("search_docs", json!(["query"]), Value::Null),
        ("backend_org_get", json!(["organizationId"]), Value::Null),
        ("backend_project_create", json!(["body"]), json!(["name"])),
        ("backend_project_update", json!(["projectId"]), Value::Null),
        ("backend_env_create", json!(["body"]), json!(["projectId", "environment"])),
        ("backend_env_get", Value::Null, Value::Null),
        ("backend_table_create", json!(["body"]), json!(["projectId", "environment", "tableName"])),
        ("backend_table_get", Value::Null, Value::Null),
        ("backend_schema_version_apply", json!(["versionId"]), Value::Null),
        ("backend_data_create", json!(["data"]), Value::Null),
        ("backend_data_update", json!(["recordId", "data"]), Value::Null),
        ("backend_data_seed", json!(["tables"]), Value::Null),
    ] {
        assert_eq!(required(name), (top, body), "{name}");
    }
}

#[actix_web::test]
async fn output_schemas_are_open_objects_and_markdown_has_none() {
    let app = TestApp::start().await;
    for tool in listed(&app.tools().await) {
        let name = tool["name"].as_str().unwrap();
        match name {
            "get_context" | "search_docs" => assert!(tool.get("outputSchema").is_none()),
            _ => {
                assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
                assert!(tool["outputSchema"].get("additionalProperties").is_none() && tool["outputSchema"].get("required").is_none(), "{name}");
            }
        }
    }
}

#[actix_web::test]
async fn versions_before_2025_06_18_know_no_titles_output_schemas_and_structured_results() {
    let app = TestApp::start().await;
    for version in [ProtocolVersion::V_2024_11_05, ProtocolVersion::V_2025_03_26] {
        let tools = app.tools().await.in_version(version);
        assert!(listed(&tools).iter().all(|t| t.get("title").is_none() && t.get("outputSchema").is_none() && t["annotations"]["title"].is_string()));
        let reply = tools.reply_to("backend_project_list", json!({})).await;
        assert!(!reply.is_error && reply.structured.is_none());
        let error = tools.raw("backend_project_get", json!({})).await.unwrap();
        assert_eq!(error["isError"], true, "argument errors are results in every version");
    }
}

#[actix_web::test]
async fn the_address_narrows_what_is_offered() {
    let app = TestApp::start().await;
    assert_eq!(names(&app.tools().await.at("tools=core")), ["get_context", "search_docs", "get_operation_schema"]);
    let reading = app.tools().await.at("readOnly=true");
    let expected: Vec<&str> = ROWS.iter().filter(|row| row.2 == "R" && !ABSENT.contains(&row.0)).map(|row| row.0).collect();
    let mut found = names(&reading);
    found.sort();
    let mut expected = expected;
    expected.sort_unstable();
    assert_eq!(found, expected);
    let error = reading.raw("backend_project_create", json!({ "name": "x" })).await.unwrap_err();
    assert_eq!(error["code"], -32602, "what is not offered is not there");
    let data = names(&app.tools().await.at("tools=core,data"));
    assert!(data.contains(&"backend_data_list".to_owned()) && !data.iter().any(|n| n.starts_with("backend_table")));
}

#[actix_web::test]
async fn an_unknown_tool_is_a_protocol_error_with_the_nearest_name() {
    let app = TestApp::start().await;
    let error = app.tools().await.raw("backend_projects_list", json!({})).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("did you mean backend_project_list?"), "{error}");
}

#[actix_web::test]
async fn tools_call_and_list_over_http_and_a_schema_can_be_looked_up() {
    let app = TestApp::start().await;
    let session = app.mcp("2025-11-25").await;
    let call = |name: &str, arguments: Value| crate::support::mcp::rpc(1, "tools/call", json!({ "name": name, "arguments": arguments }));
    let answer = session.post("/mcp", call("get_operation_schema", json!({ "operation": "backend_table_get", "schemaType": "both" }))).await.assert(200);
    let schema = &answer["result"]["structuredContent"];
    let list = session.post("/mcp", crate::support::mcp::rpc(2, "tools/list", json!({}))).await.assert(200);
    let tool = list["result"]["tools"].as_array().unwrap().iter().find(|t| t["name"] == "backend_table_get").unwrap().clone();
    assert_eq!((&schema["operation"], &schema["input"], &schema["output"]), (&json!("backend_table_get"), &tool["inputSchema"], &tool["outputSchema"]));
}

#[actix_web::test]
async fn the_schema_of_a_tool_is_its_output_unless_asked_otherwise() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let schema = tools.ok("get_operation_schema", json!({ "operation": "backend_project_list" })).await;
    assert!(schema.get("output").is_some() && schema.get("input").is_none());
    let schema = tools.ok("5_get_operation_schema", json!({ "operation": "backend_schema_rollback", "schemaType": "input" })).await;
    assert_eq!(schema["operation"], "backend_schema_version_apply");
    assert!(schema.get("output").is_none() && schema["input"]["properties"]["versionId"].is_object());
    assert!(tools.ok("get_operation_schema", json!({ "operation": "get_context", "schemaType": "both" })).await.get("output").is_none());
    let error = tools.fails("get_operation_schema", json!({ "operation": "backend_tables" }), "common/invalid-parameters").await;
    assert!(error["message"].as_str().unwrap().contains("backend_table_"), "{error}");
    tools.fails("get_operation_schema", json!({ "operation": "get_context", "schemaType": "all" }), "common/invalid-parameters").await;
    tools.fails("get_operation_schema", json!({}), "common/invalid-parameters").await;
}
