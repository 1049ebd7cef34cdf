//! What is answered instead of a result.

use rmcp::model::ErrorData;
use serde_json::{Value, json};

/// A JSON-RPC error and the message it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Null when the message has none that can be read.
    pub id: Value,
    pub error: Box<ErrorData>,
    /// An answer like any other; otherwise the transport itself refuses.
    pub in_band: bool,
}

impl Fault {
    /// The transport refuses the message.
    pub fn refused(id: Value, error: ErrorData) -> Self {
        Self { id, error: Box::new(error), in_band: false }
    }

    /// The message was understood and is answered with an error.
    pub fn answered(id: Value, error: ErrorData) -> Self {
        Self { id, error: Box::new(error), in_band: true }
    }

    pub fn to_message(&self) -> Value {
        error_message(&self.id, &self.error)
    }
}

/// The message that answers `id` with an error.
pub fn error_message(id: &Value, error: &ErrorData) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}
