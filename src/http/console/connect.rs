//! How to connect tools and apps, with the server's real address and a publishable key, never a secret one
//! (`06-console.md` A8, "Connect").

use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize)]
pub struct Tool {
    pub name: &'static str,
    pub steps: Vec<Step>,
}

/// What to do, and the text to copy for it.
#[derive(Debug, Serialize)]
pub struct Step {
    pub what: String,
    pub text: String,
}

pub fn tools(base: &str, key: &str, data_dir: &str) -> Vec<Tool> {
    let mcp = format!("{base}/mcp");
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    vec![
        Tool {
            name: "Claude Code",
            steps: vec![
                step("In a terminal:", format!("claude mcp add --scope user --transport http bkend {mcp}")),
                step("Or for one project, in .mcp.json:", pretty(json!({ "mcpServers": { "bkend": { "type": "http", "url": mcp } } }))),
            ],
        },
        Tool {
            name: "Claude Desktop",
            steps: vec![step(
                "In claude_desktop_config.json, which takes programs only:",
                pretty(json!({ "mcpServers": { "bkend": { "command": "bkend-local", "args": ["mcp", "--data-dir", data_dir] } } })),
            )],
        },
        Tool { name: "Cursor", steps: vec![step("In .cursor/mcp.json:", pretty(json!({ "mcpServers": { "bkend": { "url": mcp } } })))] },
        Tool { name: "VS Code", steps: vec![step("In .vscode/mcp.json:", pretty(json!({ "servers": { "bkend": { "type": "http", "url": mcp } } })))] },
        Tool { name: "curl", steps: vec![step("List the records of a table:", format!("curl '{base}/v1/data/posts?limit=20' -H 'X-API-Key: {key}'"))] },
        Tool { name: "JavaScript", steps: vec![step("A helper that reads both forms of an answer:", helper(&format!("'{base}/v1'"), &format!("'{key}'")))] },
        Tool {
            name: "Next.js",
            steps: vec![
                step("In .env.local:", format!("NEXT_PUBLIC_BKEND_API_URL={base}/v1\nNEXT_PUBLIC_BKEND_PUBLISHABLE_KEY={key}")),
                step("In lib/bkend.js:", helper("process.env.NEXT_PUBLIC_BKEND_API_URL", "process.env.NEXT_PUBLIC_BKEND_PUBLISHABLE_KEY")),
            ],
        },
        Tool {
            name: "Flutter",
            steps: vec![step(
                "A simulator on this machine reaches the server as below; the Android emulator reaches it as 10.0.2.2 in place of localhost:",
                format!("class BkendConfig {{\n  static const apiUrl = '{base}/v1';\n  static const publishableKey = '{key}';\n}}"),
            )],
        },
    ]
}

fn step(what: &str, text: String) -> Step {
    Step { what: what.to_owned(), text }
}

fn helper(url: &str, key: &str) -> String {
    format!(
        "export async function bkend(path, options = {{}}) {{\n  const response = await fetch({url} + path, {{\n    ...options,\n    headers: {{ 'Content-Type': 'application/json', 'X-API-Key': {key}, ...options.headers }},\n  }});\n  const body = response.status === 204 ? null : await response.json();\n  if (!response.ok) throw new Error(body.message);\n  return body && body.success === true && 'data' in body ? body.data : body;\n}}\n\nconst posts = await bkend('/data/posts?limit=20');"
    )
}
