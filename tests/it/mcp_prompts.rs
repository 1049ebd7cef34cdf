//! Prompts and completion (`01-mcp.md` §8).

use rmcp::model::{CompleteRequestParams, GetPromptRequestParams};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::tools::Tools;

async fn prompt(tools: &Tools, name: &str, arguments: Value) -> Result<String, Value> {
    let params = GetPromptRequestParams::new(name).with_arguments(arguments.as_object().cloned().unwrap());
    let answer = tools.connection.prompt(params).await.map_err(|error| serde_json::to_value(error).unwrap())?;
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!((answer["messages"].as_array().unwrap().len(), &answer["messages"][0]["role"]), (1, &json!("user")));
    Ok(answer["messages"][0]["content"]["text"].as_str().unwrap().to_owned())
}

async fn complete(tools: &Tools, reference: Value, name: &str, value: &str, context: Value) -> Result<Value, Value> {
    let mut params = json!({ "ref": reference, "argument": { "name": name, "value": value } });
    if !context.is_null() {
        params["context"] = json!({ "arguments": context });
    }
    let params: CompleteRequestParams = serde_json::from_value(params).unwrap();
    let answer = tools.connection.complete(params).await.map_err(|error| serde_json::to_value(error).unwrap())?;
    Ok(serde_json::to_value(answer).unwrap()["completion"].clone())
}

#[actix_web::test]
async fn four_prompts_are_listed_with_their_arguments() {
    let app = TestApp::start().await;
    let list = serde_json::to_value(app.tools().await.connection.prompts()).unwrap();
    let rows: Vec<(String, Vec<String>)> = list["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let arguments = p["arguments"].as_array().unwrap().iter();
            let named = arguments.map(|a| format!("{}{}", a["name"].as_str().unwrap(), if a["required"] == true { "!" } else { "" }));
            (p["name"].as_str().unwrap().to_owned(), named.collect())
        })
        .collect();
    let expected = [
        ("build-feature", vec!["feature!", "framework", "projectId", "environment"]),
        ("design-schema", vec!["description!", "projectId", "environment"]),
        ("test-auth", vec!["projectId!", "environment!", "flow"]),
        ("port-from-cloud", vec!["projectId", "environment"]),
    ];
    let expected: Vec<(String, Vec<String>)> = expected.into_iter().map(|(n, a)| (n.to_owned(), a.into_iter().map(str::to_owned).collect())).collect();
    assert_eq!(rows, expected);
}

#[actix_web::test]
async fn a_prompt_is_one_short_message_with_ids_and_address_filled_in() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let wish = "A cookbook ".repeat(400);
    for (name, arguments) in [
        ("build-feature", json!({ "feature": wish, "framework": "Flutter" })),
        ("design-schema", json!({ "description": wish })),
        ("test-auth", json!({ "projectId": app.project_id(), "environment": "dev", "flow": "magic-link" })),
        ("port-from-cloud", json!({})),
    ] {
        let text = prompt(&tools, name, arguments).await.unwrap();
        assert!(text.chars().count() <= 2_000, "{name}: {}", text.chars().count());
        assert!(
            text.contains(&app.url) && text.contains(&tools.organization()) && text.contains(&app.project_id()) && text.contains("get_context"),
            "{name}: {text}"
        );
    }
    let text = prompt(&tools, "test-auth", json!({ "projectId": "p1", "environment": "qa" })).await.unwrap();
    assert!(text.contains("project p1, environment qa") && text.contains("\"signup\""), "{text}");
}

#[actix_web::test]
async fn unknown_prompts_missing_and_wrong_arguments_are_protocol_errors() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    for (name, arguments) in [
        ("nothing", json!({})),
        ("build-feature", json!({})),
        ("build-feature", json!({ "feature": "  " })),
        ("build-feature", json!({ "feature": 1 })),
        ("test-auth", json!({ "projectId": "p", "environment": "dev", "flow": "other" })),
    ] {
        assert_eq!(prompt(&tools, name, arguments).await.unwrap_err()["code"], -32602, "{name}");
    }
}

#[actix_web::test]
async fn arguments_and_template_variables_are_completed_by_id_prefix_or_part_of_the_name() {
    let app = TestApp::start().await;
    let tools = app.tools().await;
    let other = tools.ok("backend_project_create", json!({ "name": "Coffee Shop" })).await;
    tools.ok("backend_env_create", json!({ "projectId": other["id"], "environment": "staging" })).await;
    let table = app.table(json!({ "tableName": "posts", "schema": {} })).await.id.clone();
    let of_prompt = json!({ "type": "ref/prompt", "name": "build-feature" });
    let values = async |reference: Value, name: &str, value: &str, context: Value| complete(&tools, reference, name, value, context).await.unwrap();
    let found = values(of_prompt.clone(), "projectId", "coffee", Value::Null).await;
    assert_eq!(found, json!({ "values": [other["id"]], "total": 1, "hasMore": false }));
    assert_eq!(values(of_prompt.clone(), "projectId", &app.project_id()[..12], Value::Null).await["values"][0], app.project_id());
    assert_eq!(values(of_prompt.clone(), "environment", "", Value::Null).await["values"], json!(["dev", "staging"]));
    assert_eq!(values(of_prompt.clone(), "environment", "sta", json!({ "projectId": app.project_id() })).await["total"], 0);
    assert_eq!(values(json!({ "type": "ref/prompt", "name": "test-auth" }), "flow", "m", Value::Null).await["values"], json!(["magic-link"]));
    let template = |uri: &str| json!({ "type": "ref/resource", "uri": uri });
    assert_eq!(values(template("bkend://tables/{tableId}"), "tableId", "post", Value::Null).await["values"], json!([table]));
    assert_eq!(values(template("bkend://organizations/{organizationId}"), "organizationId", "", Value::Null).await["values"], json!([tools.organization()]));
    assert_eq!(values(template("bkend://environments/{environmentId}"), "environmentId", "staging", Value::Null).await["total"], 1);
    assert_eq!(
        values(template("bkend://access-tokens/{accessTokenId}"), "accessTokenId", "default", Value::Null).await["total"].as_u64().map(|n| n >= 2),
        Some(true)
    );
    let pages = values(template("bkend://docs/{+pageId}"), "pageId", "", Value::Null).await;
    assert!(pages["values"].as_array().unwrap().len() <= 100 && pages["total"].as_u64().unwrap() > 20);
    assert_eq!(values(template("bkend://docs/{+pageId}"), "pageId", "database/08", Value::Null).await["values"], json!(["database/08-filtering"]));
    for (reference, name) in [(json!({ "type": "ref/prompt", "name": "nothing" }), "x"), (of_prompt, "nothing"), (template("bkend://what/{x}"), "x")] {
        assert_eq!(complete(&tools, reference, name, "", Value::Null).await.unwrap_err()["code"], -32602);
    }
    let none = app.tools_with("").await;
    assert_eq!(complete(&none, json!({ "type": "ref/prompt", "name": "build-feature" }), "projectId", "", Value::Null).await.unwrap()["total"], 0);
}
