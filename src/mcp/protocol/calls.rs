//! Tool calls: how many a minute, and how long one may take. Both limits answer as results, so that the model sees them.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ErrorData};
use serde_json::json;

use crate::domain::caller::Via;
use crate::domain::error::Error;
use crate::domain::rate_limit::RateLimiter;
use crate::mcp::Connection;

/// Calls a minute and token.
const LIMIT: u32 = 1_200;
/// A call is cut off after this long.
const CUT_OFF: Duration = Duration::from_secs(50);

/// Counts calls by token.
#[derive(Default)]
pub struct Calls(RateLimiter);

impl Calls {
    /// Runs a tool. It goes on by itself when the client leaves or the time is over, so that nothing is half done.
    ///
    /// # Errors
    /// `-32602` for an unknown tool, `-32603` for a bug.
    pub async fn run(&self, connection: &Arc<Connection>, params: CallToolRequestParams) -> Result<CallToolResult, ErrorData> {
        if let Err(error) = self.0.count_for(&caller(connection), LIMIT, "tool calls") {
            return Ok(refusal(&error, &connection.request_id, "Wait, then repeat the call."));
        }
        let running = tokio::spawn({
            let connection = Arc::clone(connection);
            async move { connection.call_tool(params).await }
        });
        match tokio::time::timeout(CUT_OFF, running).await {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(internal(&connection.request_id, failed)),
            Err(_) => {
                let error = Error::unavailable(format!("The call took longer than {} s and was cut off; it may still be carried out", CUT_OFF.as_secs()));
                Ok(refusal(&error, &connection.request_id, "Check what was done, then repeat with less at once."))
            }
        }
    }
}

/// Whose calls are counted together.
fn caller(connection: &Connection) -> String {
    match connection.access.as_ref().map(|access| (&access.tenant.via, &access.tenant.id)) {
        None => "documentation".to_owned(),
        Some((Via::Token { id, .. }, _)) => format!("token {id}"),
        Some((Via::Mcp(grant), _)) => format!("grant {}", grant.id),
        Some((Via::Operator | Via::Session(_), tenant)) => format!("tenant {tenant}"),
    }
}

fn refusal(error: &Error, request_id: &str, hint: &str) -> CallToolResult {
    let body = json!({ "error": { "code": error.code().name, "message": error.message(), "hint": hint }, "requestId": request_id });
    CallToolResult::error(vec![ContentBlock::text(body.to_string())])
}

/// `-32603`, logged with the id it names.
pub fn internal(request_id: &str, cause: impl std::fmt::Display) -> ErrorData {
    tracing::error!(request_id, %cause, "an MCP call failed");
    ErrorData::internal_error("Something went wrong inside the server; its log has the details under this requestId", Some(json!({ "requestId": request_id })))
}
