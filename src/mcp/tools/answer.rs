//! Results as clients get them: minified JSON with the identical object beside it, Markdown, or an error a model can act
//! on (`01-mcp.md` §4.2, §4.3).

use rmcp::model::{CallToolResult, ContentBlock, ErrorCode, ErrorData};
use serde_json::{Map, Value, json};

use crate::domain::error::{Code, Error};
use crate::mcp::Connection;

/// Characters of a list from which on long strings in it are shortened, and of a string that stays.
const LONG_LIST: usize = 60_000;
const LONG_STRING: usize = 500;

/// What a tool answers.
#[derive(Debug)]
pub enum Answer {
    Json(Value),
    Markdown(String),
}

impl Connection {
    /// Whether the protocol of this call knows titles, output schemas and structured results.
    pub(in crate::mcp) fn is_structured(&self) -> bool {
        self.version.as_str() >= "2025-06-18"
    }

    /// A result that went well.
    pub(super) fn success(&self, answer: Answer, warnings: Vec<String>) -> CallToolResult {
        let value = match answer {
            Answer::Markdown(text) => return CallToolResult::success(vec![ContentBlock::text(text)]),
            Answer::Json(value) => finished(value, warnings),
        };
        if self.is_structured() { CallToolResult::structured(value) } else { CallToolResult::success(vec![ContentBlock::text(value.to_string())]) }
    }

    /// An error as a result, so that the model sees it; `hint` is the next call to make.
    pub fn refusal(&self, error: &Error, hint: &str) -> CallToolResult {
        let mut body = Map::from_iter([("code".to_owned(), error.code().name.into()), ("message".to_owned(), error.message().into())]);
        if !error.detail_list().is_empty() {
            body.insert("details".to_owned(), json!(error.detail_list()));
        }
        body.extend(error.more().clone());
        if let Some(seconds) = error.retry_after() {
            body.insert("retryAfter".to_owned(), seconds.into());
        }
        body.insert("hint".to_owned(), hint.into());
        let text = json!({ "error": body, "requestId": self.request_id }).to_string();
        CallToolResult::error(vec![ContentBlock::text(text)])
    }

    /// A bug: logged here, and told by its request id.
    pub(in crate::mcp) fn bug(&self, error: &Error) -> ErrorData {
        tracing::error!(request_id = self.request_id, cause = error.cause(), "an MCP call failed inside");
        ErrorData::new(ErrorCode::INTERNAL_ERROR, error.message().to_owned(), Some(json!({ "requestId": self.request_id })))
    }

    /// An error outside of tools.
    pub(in crate::mcp) fn protocol_error(&self, error: &Error) -> ErrorData {
        if error.code() == Code::INTERNAL_ERROR {
            return self.bug(error);
        }
        ErrorData::new(ErrorCode::INVALID_PARAMS, error.message().to_owned(), Some(json!({ "code": error.code().name })))
    }
}

/// The object that is answered: warnings added, a list that is too long shortened.
fn finished(mut value: Value, warnings: Vec<String>) -> Value {
    let is_list = value.get("items").is_some_and(Value::is_array);
    if is_list && value.to_string().chars().count() > LONG_LIST {
        shorten(&mut value);
        value["truncated"] = true.into();
    }
    if !warnings.is_empty() {
        value["warnings"] = json!(warnings);
    }
    value
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            let count = text.chars().count();
            if count > LONG_STRING {
                let start: String = text.chars().take(LONG_STRING).collect();
                *text = format!("{start}…[+{} characters]", count - LONG_STRING);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A list as tools answer it.
pub fn list(items: Vec<Value>, page: crate::domain::page::Page) -> Value {
    let list = crate::domain::page::List::slice(items, page);
    json!({ "items": list.items, "pagination": list.pagination })
}

/// `{ id, deleted: true }`, with the copy that was taken before.
pub fn deleted(id: &str, snapshot: Option<String>) -> Value {
    let mut answer = json!({ "id": id, "deleted": true });
    if let Some(snapshot) = snapshot {
        answer["undoSnapshotId"] = snapshot.into();
    }
    answer
}

/// Members without a value are omitted, at every depth of what the server itself says.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The same at the top only: what is inside may be the user's.
pub fn without_null_members(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|_, inner| !inner.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_over_60000_characters_shortens_strings_beyond_500() {
        let long = "é".repeat(700);
        let items: Vec<Value> = (0..100).map(|i| json!({ "id": i.to_string(), "text": long, "short": "s" })).collect();
        let value = finished(json!({ "items": items, "pagination": {} }), vec!["w".into()]);
        assert_eq!(value["truncated"], true);
        assert_eq!(value["warnings"], json!(["w"]));
        assert_eq!(value["items"][7]["text"], format!("{}…[+200 characters]", "é".repeat(500)));
        assert_eq!(value["items"][7]["short"], "s");
        let few = finished(json!({ "items": [{ "text": long }], "pagination": {} }), Vec::new());
        assert!(few.get("truncated").is_none() && few.get("warnings").is_none() && few["items"][0]["text"] == long);
        assert!(finished(json!({ "text": "x".repeat(70_000) }), Vec::new()).get("truncated").is_none(), "one record is answered whole");
    }
}
