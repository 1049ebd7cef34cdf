//! Tools as one AI client calls them, with scopes of its own.

use std::sync::Arc;

use bkend_local::domain::caller::{Connection as Grant, Via};
use bkend_local::domain::oauth::{McpAccess, Scopes};
use bkend_local::mcp::{Connection, Narrowing};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use serde_json::{Map, Value};

use super::TestApp;

/// One AI client.
pub struct Tools {
    pub connection: Connection,
}

/// What a call was answered.
#[derive(Debug)]
pub struct Reply {
    pub is_error: bool,
    pub text: String,
    pub structured: Option<Value>,
}

impl TestApp {
    /// A client the owner approved with every scope.
    pub async fn tools(&self) -> Tools {
        self.tools_with(&Scopes::default_set().to_string()).await
    }

    /// A client the owner approved with these scopes, separated by spaces.
    pub async fn tools_with(&self, scopes: &str) -> Tools {
        let owner = self.backend.mcp_access(self.backend.operator_token(), None, &self.url).await.unwrap();
        self.tools_of(granted(owner, scopes))
    }

    /// A client approved by a member of the first organization.
    pub async fn tools_of_member(&self, name: &str, role: &str) -> Tools {
        let developer = self.member(name, role).await;
        let mut access = self.backend.mcp_access(self.backend.operator_token(), None, &self.url).await.unwrap();
        access.tenant.id = developer.id.clone();
        access.tenant.email = developer.email.clone();
        access.tenant.is_server_owner = false;
        self.tools_of(granted(access, &Scopes::default_set().to_string()))
    }

    pub fn tools_of(&self, access: McpAccess) -> Tools {
        Tools {
            connection: Connection {
                backend: Arc::clone(&self.backend),
                access: Some(access),
                base: self.url.clone(),
                version: ProtocolVersion::V_2025_11_25,
                narrowing: Narrowing::default(),
                request_id: "req-1".into(),
            },
        }
    }
}

fn granted(mut access: McpAccess, scopes: &str) -> McpAccess {
    access.scopes = Scopes::known(scopes);
    access.allow_prod = false;
    access.tenant.via = Via::Mcp(Arc::new(Grant {
        id: "grant".into(),
        client: "Test Client".into(),
        organization_id: access.organization_id.clone(),
        scopes: access.scopes.clone(),
        allow_prod: false,
    }));
    access
}

impl Tools {
    /// The same client at another address of the endpoint.
    pub fn at(mut self, query: &str) -> Self {
        self.connection.narrowing = Narrowing::parse(query).unwrap();
        self
    }

    pub fn in_version(mut self, version: ProtocolVersion) -> Self {
        self.connection.version = version;
        self
    }

    pub fn allowing_prod(mut self) -> Self {
        if let Some(access) = &mut self.connection.access {
            access.allow_prod = true;
        }
        self
    }

    pub fn organization(&self) -> String {
        self.connection.access.as_ref().unwrap().organization_id.clone()
    }

    /// As the protocol sees it.
    pub async fn raw(&self, tool: &str, arguments: Value) -> Result<Value, Value> {
        let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let answer = self.connection.call_tool(params).await;
        answer.map(|result| serde_json::to_value(result).unwrap()).map_err(|error| serde_json::to_value(error).unwrap())
    }

    #[track_caller]
    fn reply(result: &Value) -> Reply {
        assert_eq!(result["content"].as_array().map(Vec::len), Some(1), "one text block: {result}");
        let text = result["content"][0]["text"].as_str().unwrap().to_owned();
        Reply { is_error: result["isError"] == true, text, structured: result.get("structuredContent").cloned() }
    }

    pub async fn reply_to(&self, tool: &str, arguments: Value) -> Reply {
        let result = self.raw(tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
        Self::reply(&result)
    }

    /// The object a call answers; its text and its structured form are the same.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.reply_to(tool, arguments).await;
        assert!(!reply.is_error, "{tool}: {}", reply.text);
        let value: Value = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(value.to_string(), reply.text, "minified JSON");
        assert_eq!(reply.structured.as_ref(), Some(&value), "{tool}");
        value
    }

    /// The Markdown a call answers.
    pub async fn markdown(&self, tool: &str, arguments: Value) -> String {
        let reply = self.reply_to(tool, arguments).await;
        assert!(!reply.is_error && reply.structured.is_none(), "{tool}: {}", reply.text);
        reply.text
    }

    /// The `error` of a call that fails with this code: a result a model can act on.
    pub async fn fails(&self, tool: &str, arguments: Value, code: &str) -> Value {
        let reply = self.reply_to(tool, arguments.clone()).await;
        assert!(reply.is_error && reply.structured.is_none(), "{tool} {arguments}: {}", reply.text);
        let body: Value = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(body["error"]["code"], code, "{tool} {arguments}: {body}");
        assert_eq!(body["requestId"], "req-1");
        for member in ["message", "hint"] {
            assert!(body["error"][member].as_str().is_some_and(|text| !text.is_empty()), "{tool}: {body}");
        }
        body["error"].clone()
    }
}
