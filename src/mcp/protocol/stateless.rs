//! `2026-07-28`: what every call has to carry, and what every result does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CacheScope, ErrorCode, ErrorData, ProtocolVersion, RequestMetaObject, ResultType};
use serde_json::{Map, Value, json};

use super::greeting::server_info;
use super::{Fault, Request};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Milliseconds for which lists that are the same for everybody stay fresh.
const TTL: u64 = 300_000;

/// The headers that repeat the body, as text.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// `MCP-Protocol-Version`.
    pub version: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`, maybe in base64 form.
    pub name: Option<String>,
}

/// Holds a request against its headers and the `_meta` it has to have.
///
/// # Errors
/// `-32602` for missing `_meta`, `-32020` for a header that is absent or unlike the body.
pub fn check(headers: &Headers, request: &Request) -> Result<(), Fault> {
    let mismatch = |message: String| Err(Fault::refused(request.id.clone(), ErrorData::header_mismatch(message, None)));
    let meta = request.params.get("_meta").cloned().unwrap_or_else(|| json!({}));
    let meta: RequestMetaObject = serde_json::from_value(meta).unwrap_or_default();
    if headers.version.is_none() && request.named_version().is_some() {
        return mismatch("MCP-Protocol-Version is missing; it has to repeat the version in _meta".to_owned());
    }
    let missing = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28);
    if !missing.is_empty() {
        let message = format!("params._meta lacks {}", missing.join(" and "));
        return Err(Fault::refused(request.id.clone(), ErrorData::invalid_params(message, Some(json!({ "missing": missing })))));
    }
    match headers.method.as_deref() {
        Some(method) if method == request.method => {}
        Some(_) => return mismatch(format!("Mcp-Method is unlike the method of the body, {}", request.method)),
        None => return mismatch(format!("Mcp-Method is missing; it has to be {}", request.method)),
    }
    let Some(named) = name_of(request) else { return Ok(()) };
    match headers.name.as_deref().map(decoded) {
        Some(Some(name)) if name == named => Ok(()),
        Some(_) => mismatch("Mcp-Name is unlike the name or uri of the body".to_owned()),
        None => mismatch("Mcp-Name is missing; it has to repeat the name or uri of the body".to_owned()),
    }
}

/// What `Mcp-Name` repeats of a request.
fn name_of(request: &Request) -> Option<&str> {
    let member = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return None,
    };
    request.params.get(member)?.as_str()
}

/// A header value out of `=?base64?…?=`, or as it stands.
fn decoded(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else { return Some(value.to_owned()) };
    String::from_utf8(STANDARD.decode(inner).ok()?).ok()
}

/// Adds what results of this version carry.
pub fn complete(method: &str, result: &mut Map<String, Value>) {
    result.insert("resultType".to_owned(), json!(ResultType::COMPLETE));
    let hints = match method {
        "server/discover" | "tools/list" | "prompts/list" | "resources/templates/list" => Some((TTL, CacheScope::Public)),
        "resources/list" | "resources/read" => Some((0, CacheScope::Private)),
        _ => None,
    };
    if let Some((ttl, scope)) = hints {
        result.insert("ttlMs".to_owned(), ttl.into());
        result.insert("cacheScope".to_owned(), json!(scope));
    }
    let meta = result.entry("_meta").or_insert_with(|| json!({}));
    meta[SERVER_INFO] = json!(server_info());
}

/// Takes away what results of earlier versions did not have.
pub fn reduce(result: &mut Map<String, Value>) {
    for member in ["resultType", "ttlMs", "cacheScope"] {
        result.shift_remove(member);
    }
}

/// An error as this version words it: an unknown resource is an invalid parameter.
pub fn error(mut error: ErrorData) -> ErrorData {
    if error.code == ErrorCode::RESOURCE_NOT_FOUND {
        error.code = ErrorCode::INVALID_PARAMS;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(params: Value) -> Request {
        let Value::Object(params) = params else { unreachable!() };
        Request { id: 1.into(), method: "tools/call".into(), params }
    }

    fn headers(name: &str) -> Headers {
        Headers { version: Some("2026-07-28".into()), method: Some("tools/call".into()), name: Some(name.into()) }
    }

    #[test]
    fn the_name_may_come_in_base64() {
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
        let request = request(json!({ "name": "café", "_meta": meta }));
        assert_eq!(check(&headers("=?base64?Y2Fmw6k=?="), &request), Ok(()));
        for wrong in ["cafe", "=?base64?Y2FmZQ==?=", "=?base64?%%?="] {
            assert_eq!(check(&headers(wrong), &request).unwrap_err().error.code.0, -32020, "{wrong}");
        }
    }

    #[test]
    fn what_meta_lacks_is_named() {
        let fault = check(&headers("x"), &request(json!({ "name": "x", "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } }))).unwrap_err();
        assert_eq!((fault.error.code.0, fault.in_band), (-32602, false));
        assert!(fault.error.message.contains("clientCapabilities"), "{}", fault.error.message);
    }
}
