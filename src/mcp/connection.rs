//! One caller's view of the server over MCP: what transports dispatch messages to.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, CompleteRequestParams, CompleteResult, CompletionInfo, ErrorCode, ErrorData, GetPromptRequestParams,
    GetPromptResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, ProtocolVersion, ReadResourceResult,
};

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

    pub fn tools(&self) -> ListToolsResult {
        ListToolsResult::default()
    }

    /// # Errors
    /// `-32602` for an unknown tool.
    pub async fn call_tool(&self, params: CallToolRequestParams) -> Result<CallToolResult, ErrorData> {
        Err(ErrorData::invalid_params(format!("There is no tool \"{}\"", params.name), None))
    }

    /// # Errors
    /// `-32602` for an unknown cursor.
    pub async fn resources(&self, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
        match cursor {
            None => Ok(ListResourcesResult::default()),
            Some(_) => Err(ErrorData::invalid_params("Unknown cursor; ask again without one", None)),
        }
    }

    pub fn resource_templates(&self) -> ListResourceTemplatesResult {
        ListResourceTemplatesResult::default()
    }

    /// # Errors
    /// `-32002` with `data.uri` for an unknown resource, `-32001` with `data.requiredScope` for one outside the scope.
    pub async fn read_resource(&self, uri: &str) -> Result<ReadResourceResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::RESOURCE_NOT_FOUND, "No such resource", Some(serde_json::json!({ "uri": uri }))))
    }

    pub fn prompts(&self) -> ListPromptsResult {
        ListPromptsResult::default()
    }

    /// # Errors
    /// `-32602` for an unknown prompt and for a missing argument.
    pub async fn prompt(&self, params: GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
        Err(ErrorData::invalid_params(format!("There is no prompt \"{}\"", params.name), None))
    }

    /// # Errors
    /// `-32602` for what cannot be completed.
    pub async fn complete(&self, _params: CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::new(CompletionInfo::default()))
    }
}
