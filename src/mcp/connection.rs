//! One caller's view of the server over MCP: what transports dispatch messages to.

use std::sync::Arc;

use rmcp::model::ProtocolVersion;

use super::Narrowing;
use crate::domain::backend::Backend;
use crate::domain::oauth::McpAccess;

/// Who calls, from where, in which version of the protocol.
pub struct Connection {
    pub backend: Arc<Backend>,
    /// `None` where nobody signs in: documentation only.
    pub access: Option<McpAccess>,
    /// Address of this server as the caller knows it, without a slash at its end.
    pub base: String,
    /// Version of the call; before `2025-06-18` there are no titles, output schemas and structured results.
    pub version: ProtocolVersion,
    pub narrowing: Narrowing,
    pub request_id: String,
}

impl Connection {
    /// What a model is told on connecting; at most 600 characters.
    pub fn instructions(&self) -> String {
        format!(
            "bkend is a backend with tables, users, files and a REST API at {}/v1. Call get_context first: it names organization, projects, tables, \
             keys and the rules for generated code. Call search_docs before writing app code: auth, storage and data access of apps go over REST, \
             not through these tools. Ids are 24 characters and called id; never guess one, look it up.",
            self.base
        )
    }
}
