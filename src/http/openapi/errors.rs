//! Errors in the document: one schema, one response per status, from the table of public errors.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use crate::domain::error::{Code, Detail};

/// Adds `Error`, `ErrorCode` and `ErrorDetail`.
pub fn add_schemas(schemas: &mut Map<String, Value>) {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.name).collect();
    names.dedup();
    let mut meanings = "Code of an error, `domain/slug`.\n\n| code | status | meaning |\n| --- | --- | --- |\n".to_owned();
    for code in Code::ALL {
        let _ = writeln!(meanings, "| `{}` | {} | {} |", code.name, code.status, code.meaning);
    }
    schemas.insert("ErrorCode".into(), json!({ "type": "string", "enum": names, "description": meanings }));
    schemas.insert("ErrorDetail".into(), serde_json::to_value(Detail::schema()).unwrap_or_else(|_| json!({ "type": "object" })));
    schemas.insert(
        "Error".into(),
        json!({
            "type": "object",
            "description": "The form of every error; known clients read it at the top level or inside `error`.",
            "required": ["success", "statusCode", "message", "error", "requestId"],
            "properties": {
                "success": { "type": "boolean", "const": false },
                "statusCode": { "type": "integer", "description": "The status of the answer." },
                "message": { "type": "string", "description": "What to do about it, in one English sentence; the same as `error.message`." },
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": { "$ref": "#/components/schemas/ErrorCode" },
                        "message": { "type": "string" },
                        "details": {
                            "type": "array", "items": { "$ref": "#/components/schemas/ErrorDetail" },
                            "description": "Only where there is more than one thing to say.",
                        },
                    },
                    "additionalProperties": true,
                },
                "requestId": { "type": "string", "description": "As in `X-Request-Id`; the log has it too." },
            },
        }),
    );
}

/// One response per status that has codes: `Error404` and so on.
pub fn responses() -> Map<String, Value> {
    by_status().into_iter().map(|(status, codes)| (format!("Error{status}"), response(status, &codes))).collect()
}

fn by_status() -> BTreeMap<u16, Vec<&'static Code>> {
    let mut all: BTreeMap<u16, Vec<&'static Code>> = BTreeMap::new();
    for code in Code::ALL {
        all.entry(code.status).or_default().push(code);
    }
    all
}

fn response(status: u16, codes: &[&Code]) -> Value {
    let mut description = String::new();
    for code in codes {
        let _ = writeln!(description, "- `{}`: {}", code.name, code.meaning);
    }
    let mut headers = json!({ "X-Request-Id": { "schema": { "type": "string" } } });
    if matches!(status, 429 | 503) {
        headers["Retry-After"] = json!({ "schema": { "type": "integer" }, "description": "Seconds to wait." });
    }
    if status == 429 {
        headers["X-RateLimit-Limit"] = json!({ "schema": { "type": "integer" } });
        headers["X-RateLimit-Remaining"] = json!({ "schema": { "type": "integer" } });
    }
    if status == 405 {
        headers["Allow"] = json!({ "schema": { "type": "string" } });
    }
    json!({ "description": description, "headers": headers, "content": content() })
}

/// What an error is made of.
pub fn content() -> Value {
    json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } })
}
