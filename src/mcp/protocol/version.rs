//! Versions of the protocol: which are spoken, and which one a client gets.

use rmcp::model::{ErrorData, ProtocolVersion};
use serde_json::Value;

use super::fault::Fault;
use super::message::{Body, Message};

/// Every version the server speaks, newest first.
pub const SUPPORTED: [ProtocolVersion; 5] =
    [ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_03_26, ProtocolVersion::V_2024_11_05];

/// What a client that names no version speaks.
pub const UNNAMED: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// How the calls of a client belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize` opens a session, and later calls follow its version.
    Sessions,
    /// `2026-07-28`: every call stands for itself.
    Stateless,
}

/// The version with this name, if the server speaks it.
pub fn known(name: &str) -> Option<ProtocolVersion> {
    SUPPORTED.into_iter().find(|version| version.as_str() == name)
}

/// The version `initialize` answers: the one asked for, else the newest with sessions.
pub fn negotiate(asked: Option<&Value>) -> ProtocolVersion {
    let Some(asked) = asked else { return UNNAMED };
    let asked = asked.as_str().and_then(known).filter(|version| *version != ProtocolVersion::V_2026_07_28);
    asked.unwrap_or(ProtocolVersion::V_2025_11_25)
}

/// Whether the version of a session allows batches.
pub fn allows_batches(version: &ProtocolVersion) -> bool {
    *version == ProtocolVersion::V_2024_11_05 || *version == ProtocolVersion::V_2025_03_26
}

/// How a call is to be treated, from the version header and its body; `has_session` is whether it names a session.
///
/// # Errors
/// `-32022` for a version nobody speaks, `-32020` when header and body disagree about `2026-07-28`.
pub fn era(header: Option<&str>, body: &Body, has_session: bool) -> Result<Era, Fault> {
    let request = match body {
        Body::One(Message::Request(request)) => Some(request),
        _ => None,
    };
    let id = request.map_or(Value::Null, |request| request.id.clone());
    let stateless = ProtocolVersion::V_2026_07_28;
    if let Some(unknown) = header.filter(|header| known(header).is_none()) {
        return Err(unsupported(id, unknown));
    }
    if let Some(named) = request.and_then(|request| request.named_version()) {
        if let Some(header) = header.filter(|header| *header != named && (*header == stateless.as_str() || named == stateless.as_str())) {
            let message = format!("MCP-Protocol-Version says {header}, _meta says {named}");
            return Err(Fault::refused(id, ErrorData::header_mismatch(message, None)));
        }
        return match known(named) {
            None => Err(unsupported(id, named)),
            Some(version) if version == stateless => Ok(Era::Stateless),
            Some(_) => Ok(Era::Sessions),
        };
    }
    let probes = request.is_some_and(|request| request.method == "server/discover") && !has_session;
    Ok(if probes || header == Some(stateless.as_str()) { Era::Stateless } else { Era::Sessions })
}

/// `-32022` with what the server speaks and what was asked for.
pub fn unsupported(id: Value, requested: &str) -> Fault {
    let data = serde_json::json!({ "supported": SUPPORTED, "requested": requested });
    let message = format!("This server does not speak version {} of the protocol", crate::domain::error::clip(requested));
    Fault::refused(id, ErrorData::new(rmcp::model::ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, message, Some(data)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::message;
    use super::*;

    #[test]
    fn initialize_echoes_a_version_with_sessions_and_answers_anything_else_with_the_newest() {
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            assert_eq!(negotiate(Some(&json!(version))).as_str(), version);
        }
        for asked in [json!("2026-07-28"), json!("1.0"), json!(7), json!(null)] {
            assert_eq!(negotiate(Some(&asked)).as_str(), "2025-11-25", "{asked}");
        }
        assert_eq!(negotiate(None).as_str(), "2025-03-26");
    }

    #[test]
    fn header_or_meta_say_that_a_call_stands_for_itself() {
        let plain = message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).unwrap();
        let meta =
            message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#);
        let meta = meta.unwrap();
        assert_eq!(era(None, &plain, true), Ok(Era::Sessions));
        assert_eq!(era(Some("2026-07-28"), &plain, true), Ok(Era::Stateless));
        assert_eq!(era(None, &meta, true), Ok(Era::Stateless));
        assert_eq!(era(Some("2025-06-18"), &meta, true).unwrap_err().error.code.0, -32020);
        assert_eq!(era(Some("2030-01-01"), &plain, true).unwrap_err().error.code.0, -32022);
    }
}
