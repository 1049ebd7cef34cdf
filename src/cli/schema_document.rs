//! The schema document, `bkend.schema.json` or `.yaml` (`08-cli.md` §5): reading it, and saying where in it a mistake is.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exit::{Exit, Failure, Result};

/// A document that can be read. What it says is the server's to check.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
    pub value: Value,
}

impl Document {
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Failure::not_found(format!("There is no file {}", path.display())),
            _ => Failure::new(Exit::Data, "schema/invalid", format!("{} cannot be read: {e}", path.display())),
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self> {
        let value = read(path, &text)?;
        Ok(Self { path: path.to_owned(), text, value })
    }

    /// A refusal of the server, with file and line of what it is about. Details name paths in the document.
    pub fn locate(&self, failure: Failure) -> Failure {
        if failure.code != "schema/invalid" {
            return failure;
        }
        let mut details = failure.details.clone();
        for detail in &mut details {
            let (field, message) = (detail["field"].as_str().unwrap_or_default(), detail["message"].as_str().unwrap_or_default());
            let path: Vec<_> = field.split('.').filter(|segment| !segment.is_empty()).collect();
            let named = if message.starts_with(field) { message.to_owned() } else { format!("{field}: {message}") };
            detail["message"] = json!(format!("{}:{}: {named}", self.path.display(), line_of(&self.text, &path)));
        }
        let message = details.first().and_then(|detail| detail["message"].as_str()).map_or_else(|| failure.message.clone(), str::to_owned);
        Failure { message, details, ..failure }
    }
}

fn read(path: &Path, text: &str) -> Result<Value> {
    let invalid = |line: u64, why: String| Failure::new(Exit::Data, "schema/invalid", format!("{}:{line}: {why}", path.display()));
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    if is_yaml {
        return serde_saphyr::from_str(text).map_err(|e| {
            let line = e.location().map_or(1, |location| location.line());
            let reason = e.to_string();
            invalid(line, reason.lines().next().unwrap_or("not YAML").to_owned())
        });
    }
    serde_json::from_str(text).map_err(|e| invalid(e.line() as u64, format!("not JSON: {e}")))
}

/// The line, from 1, on which the last key of a path stands: each key is looked for behind the one before. As far as it goes.
fn line_of(text: &str, path: &[&str]) -> usize {
    let mut at = 0;
    for key in path {
        let Some(found) = key_after(&text[at..], key) else { break };
        at += found;
    }
    text[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Where `key` stands as a key (`"key":` or `key:`), as an offset just behind it.
fn key_after(text: &str, key: &str) -> Option<usize> {
    text.match_indices(key).find_map(|(start, _)| {
        let end = start + key.len();
        let before = text[..start].chars().next_back();
        let starts = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let rest = text[end..].trim_start_matches(['"', '\'']).trim_start();
        (starts && rest.starts_with(':')).then_some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{ "version": 1,
  "tables": {
    "posts": {
      "fields": {
        "title": { "type": "string" } } } } }"#;

    fn parse(name: &str, text: &str) -> Result<Document> {
        Document::parse(Path::new(name), text.to_owned())
    }

    #[test]
    fn json_and_yaml_are_read_alike() {
        let yaml = "version: 1\ntables:\n  posts:\n    fields:\n      title: { type: string }\n";
        assert_eq!(parse("s.json", JSON).unwrap().value, parse("s.yaml", yaml).unwrap().value);
    }

    #[test]
    fn what_cannot_be_read_names_file_and_line() {
        let complaint = |name: &str, text: &str| {
            let failure = parse(name, text).unwrap_err();
            assert_eq!((failure.exit, failure.code.as_str()), (Exit::Data, "schema/invalid"));
            failure.message
        };
        assert!(complaint("s.json", "{\n  oops").starts_with("s.json:2: not JSON"));
        assert!(complaint("s.yaml", "version: 1\ntables: [\n").starts_with("s.yaml:"));
    }

    #[test]
    fn a_refusal_of_the_server_is_located() {
        let document = parse("s.json", JSON).unwrap();
        let detail = json!({ "field": "tables.posts.fields.title.type", "message": "tables.posts.fields.title.type: unknown type" });
        let refusal = Failure::new(Exit::Data, "schema/invalid", "unknown type").details(vec![detail]);
        assert_eq!(document.locate(refusal).message, "s.json:5: tables.posts.fields.title.type: unknown type");
    }
}
