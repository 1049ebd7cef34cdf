//! What a message says of how to send it over HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Headers that repeat a message (`01-mcp.md` §2); servers of earlier versions do not look at them.
pub fn headers(message: &Value) -> Vec<(&'static str, String)> {
    let Some(method) = message["method"].as_str() else { return Vec::new() };
    let mut headers = vec![("Mcp-Method", header_value(method))];
    let name = match method {
        "tools/call" | "prompts/get" => message["params"]["name"].as_str(),
        "resources/read" => message["params"]["uri"].as_str(),
        _ => None,
    };
    headers.extend(name.map(|name| ("Mcp-Name", header_value(name))));
    headers
}

/// The protocol version a message of `2026-07-28` or later names.
pub fn version(message: &Value) -> Option<&str> {
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
}

/// Text as it may stand in a header: in base64 form where it could not survive as it is.
fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|b| matches!(b, b' '..=b'~')) && text.trim() == text && !text.starts_with("=?base64?");
    if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

/// The ids of a message that want an answer; of a batch, all of them.
pub fn ids(message: &Value) -> Vec<Value> {
    let of = |message: &Value| message.get("id").filter(|_| message["method"].is_string()).cloned();
    match message {
        Value::Array(items) => items.iter().filter_map(of).collect(),
        message => of(message).into_iter().collect(),
    }
}

/// An error that answers `id`.
pub fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_header_text_are_encoded() {
        let call = |name: &str| headers(&json!({ "method": "tools/call", "params": { "name": name } }))[1].1.clone();
        assert_eq!(call("get_context"), "get_context");
        assert_eq!(call("café"), "=?base64?Y2Fmw6k=?=");
        assert_eq!(call(" x"), "=?base64?IHg=?=");
        assert_eq!(call("=?base64?eA==?="), "=?base64?PT9iYXNlNjQ/ZUE9PT89?=");
    }

    #[test]
    fn responses_and_notifications_want_no_answer() {
        assert_eq!(ids(&json!([{ "id": 1, "method": "a" }, { "method": "b" }, { "id": 3, "result": {} }])), [json!(1)]);
    }
}
