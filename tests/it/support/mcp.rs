//! AI tools on `/mcp`: sessions and calls as a client without a library makes them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Client, TestApp};

/// An open session; dereferences to a client that names it.
pub struct Session {
    pub client: Client,
    pub id: String,
}

impl std::ops::Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A JSON-RPC request.
pub fn rpc(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// The parameters of `initialize`.
pub fn hello(version: &str) -> Value {
    rpc(0, "initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "tests", "version": "1" } }))
}

/// What every request of `2026-07-28` carries in `_meta`.
pub fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "tests", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {}
    })
}

impl TestApp {
    /// A session of the server's owner.
    pub async fn mcp(&self, version: &str) -> Session {
        self.operator().mcp(version).await
    }
}

impl Client {
    /// Opens a session with whatever this client proves who it is.
    pub async fn mcp(&self, version: &str) -> Session {
        let answer = self.post("/mcp", hello(version)).await;
        let id = answer.header("mcp-session-id").unwrap_or_else(|| panic!("no session: {}", answer.text)).to_owned();
        assert_eq!(answer.assert(200)["result"]["protocolVersion"], version);
        Session { client: self.header("Mcp-Session-Id", &id), id }
    }

    /// One request of `2026-07-28`, with its headers and `_meta`.
    pub async fn stateless(&self, method: &str, mut params: Value) -> Answer {
        params["_meta"] = meta();
        let named = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        let client = self.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", method);
        let client = match named {
            Some(name) if matches!(method, "tools/call" | "prompts/get" | "resources/read") => client.header("Mcp-Name", &name),
            _ => client,
        };
        client.post("/mcp", rpc(1, method, params)).await
    }
}

impl Session {
    /// The whole answer to a request.
    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        self.client.post("/mcp", rpc(1, method, params)).await
    }

    /// The result of a request.
    #[track_caller]
    pub fn result(&self, method: &str, params: Value) -> impl Future<Output = Value> + use<'_> {
        let place = std::panic::Location::caller();
        let (method, asked) = (method.to_owned(), rpc(1, method, params));
        async move {
            let answer = self.client.post("/mcp", asked).await;
            assert!(answer.status == 200 && answer.body["result"].is_object(), "{place}: {method}: {}", answer.text);
            answer.body["result"].clone()
        }
    }

    /// The result of a tool.
    #[track_caller]
    pub fn call(&self, tool: &str, arguments: Value) -> impl Future<Output = Value> + use<'_> {
        self.result("tools/call", json!({ "name": tool, "arguments": arguments }))
    }
}

impl Answer {
    /// The error of a JSON-RPC answer with this HTTP status and code.
    #[track_caller]
    pub fn assert_rpc(self, status: u16, code: i64) -> Value {
        assert_eq!((self.status, self.body["error"]["code"].as_i64()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.body["jsonrpc"], "2.0");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.body.as_object().unwrap().contains_key("id") && self.body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
        self.body["error"].clone()
    }
}

/// A POST of exactly this text.
pub async fn post_text(client: &Client, text: impl Into<reqwest::Body>) -> Answer {
    client.send_text(Method::POST, "/mcp", text).await
}
