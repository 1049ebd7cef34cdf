//! What the server says of itself: the answers to `initialize` and `server/discover`.

use rmcp::model::{DiscoverResult, Implementation, InitializeResult, JsonObject, PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability};
use serde_json::{Map, Value};

use super::version;
use crate::mcp::Connection;

/// What a client says of itself; both may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    pub name: String,
    pub version: String,
}

impl Client {
    /// Out of the parameters of `initialize`, cut to what is worth keeping.
    pub fn of(params: &Map<String, Value>) -> Self {
        let info = params.get("clientInfo");
        let member = |name: &str| info.and_then(|info| info[name].as_str()).unwrap_or_default().chars().take(100).collect();
        Self { name: member("name"), version: member("version") }
    }
}

/// Name, title and version of this server.
pub fn server_info() -> Implementation {
    Implementation::new("bkend", env!("CARGO_PKG_VERSION")).with_title("bkend-local")
}

/// The result of `initialize`, in the version of the connection.
pub fn initialize(connection: &Connection) -> InitializeResult {
    let mut result = InitializeResult::new(capabilities(connection)).with_server_info(server_info()).with_instructions(connection.instructions());
    result.protocol_version = connection.version.clone();
    result
}

/// The result of `server/discover`.
pub fn discover(connection: &Connection) -> DiscoverResult {
    let mut result = DiscoverResult::new(version::SUPPORTED.to_vec(), capabilities(connection));
    result.instructions = Some(connection.instructions());
    result
}

/// Documentation alone has tools and resources that never change.
fn capabilities(connection: &Connection) -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = Some(ToolsCapability::default());
    let mut resources = ResourcesCapability::default();
    if connection.access.is_some() {
        resources.list_changed = Some(true);
        capabilities.prompts = Some(PromptsCapability::default());
        capabilities.completions = Some(JsonObject::new());
    }
    capabilities.resources = Some(resources);
    capabilities
}
