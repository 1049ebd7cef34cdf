//! Documentation, and the schemas of tools.

use serde_json::{Value, json};

use super::call::Call;
use super::catalog::{INDEX_ROLLBACK, Tool};
use super::input::Input;
use crate::domain::docs::{self, Placeholders};
use crate::domain::error::{Error, Result, clip};
use crate::mcp::Connection;

/// Documentation with the reader's own addresses, project and key in it.
pub async fn search_docs(call: &Call<'_>) -> Result<String> {
    let reader = call.connection.reader(call.access).await;
    search(call.connection, &call.input, reader).await
}

/// The answer of `search_docs`.
///
/// # Errors
/// `common/invalid-parameters` for a limit that is none.
pub async fn search(connection: &Connection, input: &Input, reader: Placeholders) -> Result<String> {
    let limit = match input.whole("limit") {
        None => None,
        Some(limit) if limit >= 1 => Some(u32::try_from(limit).unwrap_or(u32::MAX)),
        Some(limit) => return Err(Error::invalid_parameter("limit", format!("limit must be 1 to 5, not {limit}"))),
    };
    let query = input.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
    let lang = input.owned("lang");
    let values = Placeholders { base: connection.base.clone(), ..reader };
    // The index is made at its first use, which takes longer than a request thread may be held.
    tokio::task::spawn_blocking(move || docs::search::answer(&query, limit, lang.as_deref(), &values)).await.map_err(Error::internal)
}

/// The published schemas of one tool.
pub fn operation_schema(call: &Call<'_>) -> Result<Value> {
    let name = call.input.needed("operation")?;
    let tool = Tool::named(name).filter(|tool| tool.name != INDEX_ROLLBACK || name == "backend_index_rollback").ok_or_else(|| {
        let near = super::catalog::listed().map(|tool| (strsim::damerau_levenshtein(tool.name, name), tool.name)).min();
        let near = near.map_or_else(String::new, |(_, near)| format!("; the nearest is {near}"));
        Error::invalid_parameter("operation", format!("operation must be the name of a tool, not \"{}\"{near}", clip(name)))
    })?;
    let (input, output) = match call.input.text("schemaType").unwrap_or("output") {
        "input" => (true, false),
        "output" => (false, true),
        "both" => (true, true),
        other => return Err(Error::invalid_parameter("schemaType", format!("schemaType must be input, output or both, not \"{}\"", clip(other)))),
    };
    let mut answer = json!({ "operation": tool.name });
    if input {
        answer["input"] = Value::Object(tool.input_schema());
    }
    if let Some(schema) = tool.output_schema().filter(|_| output) {
        answer["output"] = Value::Object(schema);
    }
    Ok(answer)
}
