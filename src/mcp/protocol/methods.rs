//! The methods: each reads its parameters, calls one operation of the connection, and words the answer for the version.

use std::sync::Arc;

use rmcp::model::{CallToolRequestParams, CompleteRequestParams, ErrorCode, ErrorData, GetPromptRequestParams, ProtocolVersion};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Calls, Request, calls, fault, greeting, stateless};
use crate::mcp::Connection;

type Params = Map<String, Value>;

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    pub message: Value,
    /// Of the error, when it is one.
    pub error: Option<ErrorCode>,
}

/// Carries out a request.
pub async fn answer(connection: &Arc<Connection>, calls: &Calls, request: Request) -> Reply {
    let Request { id, method, params } = request;
    let is_stateless = connection.version == ProtocolVersion::V_2026_07_28;
    match run(connection, calls, &method, params).await {
        Ok(mut result) => {
            if is_stateless {
                stateless::complete(&method, &mut result)
            } else {
                stateless::reduce(&mut result)
            }
            Reply { message: json!({ "jsonrpc": "2.0", "id": id, "result": result }), error: None }
        }
        Err(error) => {
            let error = if is_stateless { stateless::error(error) } else { error };
            Reply { message: fault::error_message(&id, &error), error: Some(error.code) }
        }
    }
}

async fn run(connection: &Arc<Connection>, calls: &Calls, method: &str, params: Params) -> Result<Params, ErrorData> {
    let c = connection;
    let is_stateless = c.version == ProtocolVersion::V_2026_07_28;
    match method {
        "ping" if !is_stateless => Ok(Params::new()),
        "server/discover" if is_stateless => members(c, &greeting::discover(c)),
        "tools/list" => one_page(&params).and_then(|()| members(c, &c.tools())),
        "tools/call" => members(c, &calls.run(c, call_params(params)?).await?),
        "resources/list" => members(c, &c.resources(text(&params, "cursor")?).await?),
        "resources/templates/list" => one_page(&params).and_then(|()| members(c, &c.resource_templates())),
        "resources/read" => members(c, &c.read_resource(required(&params, "uri")?).await?),
        "prompts/list" => one_page(&params).and_then(|()| members(c, &c.prompts())),
        "prompts/get" => members(c, &c.prompt(prompt_params(params)?).await?),
        "completion/complete" => members(c, &c.complete(completion(params)?).await?),
        _ => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("There is no method {}", crate::domain::error::clip(method)), None)),
    }
}

fn members(connection: &Connection, result: &impl Serialize) -> Result<Params, ErrorData> {
    match serde_json::to_value(result) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(calls::internal(&connection.request_id, "the result is no object")),
        Err(error) => Err(calls::internal(&connection.request_id, error)),
    }
}

fn call_params(mut params: Params) -> Result<CallToolRequestParams, ErrorData> {
    let call = CallToolRequestParams::new(required(&params, "name")?.to_owned());
    Ok(match arguments(&mut params)? {
        Some(arguments) => call.with_arguments(arguments),
        None => call,
    })
}

fn prompt_params(mut params: Params) -> Result<GetPromptRequestParams, ErrorData> {
    let prompt = GetPromptRequestParams::new(required(&params, "name")?.to_owned());
    Ok(match arguments(&mut params)? {
        Some(arguments) => prompt.with_arguments(arguments),
        None => prompt,
    })
}

fn completion(params: Params) -> Result<CompleteRequestParams, ErrorData> {
    serde_json::from_value(Value::Object(params)).map_err(|error| invalid(format!("completion/complete needs ref and argument {{ name, value }}: {error}")))
}

fn arguments(params: &mut Params) -> Result<Option<Params>, ErrorData> {
    match params.remove("arguments") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(arguments)) => Ok(Some(arguments)),
        Some(_) => Err(invalid("arguments must be an object")),
    }
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, ErrorData> {
    params.get(name).and_then(Value::as_str).ok_or_else(|| invalid(format!("{name} is required and must be a text")))
}

fn text<'a>(params: &'a Params, name: &str) -> Result<Option<&'a str>, ErrorData> {
    match params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} must be a text"))),
    }
}

/// Lists that fit one page have no cursors.
fn one_page(params: &Params) -> Result<(), ErrorData> {
    match text(params, "cursor")? {
        None => Ok(()),
        Some(_) => Err(invalid("Unknown cursor; the whole list is one page, ask again without it")),
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> ErrorData {
    ErrorData::invalid_params(message, None)
}
