//! `doctor --config`: each setting, its value and where it comes from.

use serde_json::{Value, json};

use super::context::Context;
use super::exit::Result;
use super::output::items;
use super::settings::{self, Name};

/// Settings that no global flag resolves, with their defaults.
const OF_SERVE: &[(Name, &str)] = &[
    (settings::PORT, "4300"),
    (settings::HOST, "127.0.0.1"),
    (settings::PUBLIC_URL, ""),
    (settings::ALLOW_HOST, ""),
    (settings::TRUST_PROXY, ""),
    (settings::LOG_FORMAT, "pretty on a terminal, else json"),
    (settings::LOG_LEVEL, "info"),
];

pub fn run(context: &Context) -> Result<()> {
    // What `serve` would refuse is refused here too, with the same words.
    super::serve::check(context)?;
    let entries = entries(context);
    context.output.result(&items(&entries), |output| {
        let row = |entry: &Value| ["setting", "value", "origin"].map(|member| super::output::text(&entry[member])).to_vec();
        output.table(&["SETTING", "VALUE", "ORIGIN"], entries.iter().map(row).collect())
    })
}

fn entries(context: &Context) -> Vec<Value> {
    let entry = |name: &str, value: &str, origin: &str| json!({ "setting": name, "value": value, "origin": origin });
    let text = |name: Name, default: &str| match context.sources.texts(name, Vec::new()) {
        Some(found) => entry(name.flag, &found.value.join(", "), &found.origin.to_string()),
        None => entry(name.flag, default, "default"),
    };
    let mut entries = vec![entry("data-dir", &context.data_dir.value.display().to_string(), &context.data_dir.origin.to_string())];
    entries.extend(context.url.iter().map(|url| entry("url", url.value.as_str(), &url.origin.to_string())));
    entries.extend(context.token.iter().map(|token| entry("token", "(set)", &token.origin.to_string())));
    entries.push(match &context.project {
        Some(project) => entry("project", &project.value, &project.origin.to_string()),
        None => entry("project", "the only project", "default"),
    });
    entries.push(entry("env", &context.env.value, &context.env.origin.to_string()));
    entries.extend(OF_SERVE.iter().map(|(name, default)| text(*name, default)));
    entries.extend(context.sources.file.iter().flat_map(|file| {
        ["project.schema", "project.seed", "project.schema_sync", "types.ts", "types.zod", "types.dart"].into_iter().filter_map(|key| {
            let found = file.get(key)?;
            Some(entry(key, &found.texts.join(", "), &format!("{}:{}", file.path.display(), found.line)))
        })
    }));
    entries
}
