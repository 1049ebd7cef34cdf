//! What an AI tool's configuration says of this server, and which entries are of it or of the cloud.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::places::Tool;
use crate::cli::context::Context;
use crate::cli::exit::{Failure, Result};
use crate::cli::{inprocess, serve};

/// Names under which older documentation put the server.
const OLDER_NAME: &str = "mcp-bkend";
const CLOUD: &str = "bkend.ai";

/// How a tool is to reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Http { url: String },
    Stdio { command: String, arguments: Vec<String> },
}

impl Way {
    /// The way to the server a command acts on.
    pub fn of(context: &Context, stdio: bool) -> Result<Self> {
        if stdio {
            let program: PathBuf = std::env::current_exe().map_err(|e| Failure::unexpected("The path of this program cannot be found", e))?;
            return Ok(Self::Stdio { command: program.to_string_lossy().into_owned(), arguments: relay_arguments(context) });
        }
        let base = match &context.url {
            Some(url) => url.value.as_str().trim_end_matches('/').to_owned(),
            None => match inprocess::server_info(&context.data_dir.value) {
                Some(server) => server.url,
                None => serve::usual_url(context)?,
            },
        };
        Ok(Self::Http { url: format!("{base}/mcp") })
    }

    /// The entry in the form a tool reads.
    pub fn entry(&self, tool: Tool) -> Value {
        match (self, tool) {
            (Self::Http { url }, Tool::Cursor) => json!({ "url": url }),
            (Self::Http { url }, _) => json!({ "type": "http", "url": url }),
            (Self::Stdio { command, arguments }, Tool::Vscode) => json!({ "type": "stdio", "command": command, "args": arguments }),
            (Self::Stdio { command, arguments }, _) => json!({ "command": command, "args": arguments }),
        }
    }
}

fn relay_arguments(context: &Context) -> Vec<String> {
    match &context.url {
        Some(url) => vec!["mcp".to_owned(), "--url".to_owned(), url.value.as_str().trim_end_matches('/').to_owned()],
        None => vec!["mcp".to_owned(), "--data-dir".to_owned(), context.data_dir.value.to_string_lossy().into_owned()],
    }
}

/// Whether an entry leads to the cloud, which is switched off: by address, or through a program that is given it.
pub fn is_of_the_cloud(entry: &Value) -> bool {
    let leads_there = |text: &str| {
        let host = url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
        host.is_some_and(|host| host == CLOUD || host.strip_suffix(CLOUD).is_some_and(|rest| rest.ends_with('.')))
    };
    let texts = ["url", "serverUrl", "httpUrl"].into_iter().filter_map(|member| entry[member].as_str());
    let arguments = entry["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.chain(arguments).any(leads_there)
}

/// Whether an entry of this name is this server's, when removing.
pub fn is_named(entry: &str, name: &str) -> bool {
    entry == name || entry == OLDER_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_cloud_are_known_by_their_address() {
        for cloud in [
            json!({ "url": "https://api.bkend.ai/mcp" }),
            json!({ "type": "http", "url": "https://API.bkend.ai/mcp" }),
            json!({ "command": "npx", "args": ["-y", "mcp-remote", "https://api.bkend.ai/mcp"] }),
        ] {
            assert!(is_of_the_cloud(&cloud), "{cloud}");
        }
        for other in [json!({ "url": "http://localhost:4300/mcp" }), json!({ "url": "https://notbkend.ai/mcp" }), json!({ "args": ["bkend.ai"] }), json!(7)] {
            assert!(!is_of_the_cloud(&other), "{other}");
        }
    }
}
