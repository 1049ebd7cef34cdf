//! JSON-RPC 2.0 messages as clients send them.

use rmcp::model::ErrorData;
use serde_json::{Map, Value};

use super::fault::Fault;

/// Messages one batch may hold.
const BATCH_LIMIT: usize = 50;
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// What one body holds.
#[derive(Debug, PartialEq)]
pub enum Body {
    One(Message),
    /// A fault stands for an item that is no message.
    Batch(Vec<Result<Message, Fault>>),
}

#[derive(Debug, PartialEq)]
pub enum Message {
    Request(Request),
    /// Nothing answers it, and nothing depends on it.
    Notification,
    /// Of a request this server never made.
    Response,
}

/// A message that wants an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// A text or a number, answered as it came.
    pub id: Value,
    pub method: String,
    pub params: Map<String, Value>,
}

impl Request {
    /// The protocol version in `_meta`.
    pub fn named_version(&self) -> Option<&str> {
        self.params.get("_meta")?.get(VERSION_KEY)?.as_str()
    }
}

/// Reads a body.
///
/// # Errors
/// `-32700` for what is no JSON, `-32600` for what is no JSON-RPC message and for batches that are empty, too long or
/// contain `initialize`.
pub fn parse(bytes: &[u8]) -> Result<Body, Fault> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let message =
            if text.starts_with("recursion limit") { "The body is nested too deeply".to_owned() } else { format!("The body is not valid JSON: {text}") };
        Fault::refused(Value::Null, ErrorData::parse_error(message, None))
    })?;
    let Value::Array(items) = value else { return message(value).map(Body::One) };
    if items.is_empty() || items.len() > BATCH_LIMIT {
        return Err(invalid(Value::Null, format!("A batch holds 1 to {BATCH_LIMIT} messages, this one has {}", items.len())));
    }
    if items.iter().any(|item| item["method"] == "initialize") {
        return Err(invalid(Value::Null, "initialize has to be sent by itself, not in a batch"));
    }
    Ok(Body::Batch(items.into_iter().map(message).collect()))
}

fn message(value: Value) -> Result<Message, Fault> {
    let Value::Object(mut members) = value else {
        return Err(invalid(Value::Null, "A message is a JSON object with jsonrpc, method and id"));
    };
    let id = members.remove("id");
    let known_id = id.clone().filter(is_id).unwrap_or(Value::Null);
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid(known_id, "jsonrpc must be \"2.0\""));
    }
    let Some(method) = members.remove("method") else {
        let is_response = id.is_some() && (members.contains_key("result") || members.contains_key("error"));
        return if is_response { Ok(Message::Response) } else { Err(invalid(known_id, "The message has no method")) };
    };
    let Value::String(method) = method else { return Err(invalid(known_id, "method must be a text")) };
    let Some(id) = id else { return Ok(Message::Notification) };
    if !is_id(&id) {
        return Err(invalid(Value::Null, "id must be a text or a whole number"));
    }
    let params = match members.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(Fault::answered(id, ErrorData::invalid_params("params must be an object", None))),
    };
    Ok(Message::Request(Request { id, method, params }))
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_number()
}

fn invalid(id: Value, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::refused(id, ErrorData::invalid_request(message, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> (i32, Value, bool) {
        let fault = parse(text.as_bytes()).unwrap_err();
        (fault.error.code.0, fault.id, fault.in_band)
    }

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        let request = Request { id: "a".into(), method: "ping".into(), params: Map::new() };
        assert_eq!(parse(br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#), Ok(Body::One(Message::Request(request))));
        assert_eq!(parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Ok(Body::One(Message::Notification)));
        assert_eq!(parse(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Ok(Body::One(Message::Response)));
    }

    #[test]
    fn what_is_no_json_and_what_is_no_message_differ() {
        assert_eq!(code("{"), (-32700, Value::Null, false));
        assert_eq!(code(""), (-32700, Value::Null, false));
        assert_eq!(code(&"[".repeat(100_000)), (-32700, Value::Null, false));
        assert_eq!(code("1"), (-32600, Value::Null, false));
        assert_eq!(code(r#"{"id":3,"method":"ping"}"#), (-32600, 3.into(), false));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":3}"#), (-32600, 3.into(), false));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#), (-32600, Value::Null, false));
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":3,"method":"ping","params":[]}"#), (-32602, 3.into(), true));
    }

    #[test]
    fn a_batch_holds_1_to_50_messages_and_no_initialize() {
        let batch = |n: usize| format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#; n].join(","));
        assert!(matches!(parse(batch(50).as_bytes()), Ok(Body::Batch(items)) if items.len() == 50));
        for refused in [batch(0), batch(51), r#"[{"jsonrpc":"2.0","id":1,"method":"initialize"}]"#.to_owned()] {
            assert_eq!(code(&refused).0, -32600);
        }
    }
}
