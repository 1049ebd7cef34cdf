//! The schema document, `bkend.schema.json` or `.yaml` (`08-cli.md` §5): reading it, and saying where in it a mistake is.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::exit::{Exit, Failure, Result};

/// What a table of the document may have.
const TABLE_KEYS: &[&str] = &[
    "displayName",
    "description",
    "fields",
    "indexes",
    "permissions",
    "expressionPermissions",
    "columnPermissions",
    "rowFilters",
    "rowFilterScope",
    "additionalFields",
];

/// A document whose outline is right: version 1, tables, and per table only known keys. Definitions are the server's to check.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
    pub tables: Vec<Table>,
}

#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub definition: Map<String, Value>,
}

impl Table {
    pub fn fields(&self) -> Map<String, Value> {
        self.definition.get("fields").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub fn indexes(&self) -> Vec<Value> {
        self.definition.get("indexes").and_then(Value::as_array).cloned().unwrap_or_default()
    }
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
        let root = read(path, &text)?;
        let mut document = Self { path: path.to_owned(), text, tables: Vec::new() };
        let tables = document.outline(&root)?;
        for (name, definition) in tables {
            let table = document.table(name, definition)?;
            document.tables.push(table);
        }
        Ok(document)
    }

    fn outline<'a>(&self, root: &'a Value) -> Result<&'a Map<String, Value>> {
        let members = root.as_object().ok_or_else(|| self.complain(&[], "the document has to be an object with version and tables"))?;
        if let Some(unknown) = members.keys().find(|key| !matches!(key.as_str(), "version" | "tables" | "$schema")) {
            return Err(self.complain(&[unknown], "unknown key; a document has version and tables"));
        }
        if members.get("version") != Some(&Value::from(1)) {
            return Err(self.complain(&["version"], "has to be 1"));
        }
        members.get("tables").and_then(Value::as_object).ok_or_else(|| self.complain(&["tables"], "has to be an object of tables by name"))
    }

    fn table(&self, name: &str, definition: &Value) -> Result<Table> {
        let members = definition.as_object().ok_or_else(|| self.complain(&["tables", name], "has to be an object with fields"))?;
        if let Some(unknown) = members.keys().find(|key| !TABLE_KEYS.contains(&key.as_str())) {
            let closest = TABLE_KEYS.iter().min_by_key(|known| strsim::damerau_levenshtein(known, unknown)).unwrap_or(&"fields");
            return Err(self.complain(&["tables", name, unknown], &format!("unknown key; the closest known one is {closest}")));
        }
        for (key, fits) in [("fields", Value::is_object as fn(&Value) -> bool), ("indexes", Value::is_array)] {
            if members.get(key).is_some_and(|value| !fits(value)) {
                let form = if key == "fields" { "an object of fields by name" } else { "a list of indexes" };
                return Err(self.complain(&["tables", name, key], &format!("has to be {form}")));
            }
        }
        if let Some(fields) = members.get("fields").and_then(Value::as_object)
            && let Some(empty) = fields.iter().find(|(_, definition)| definition.is_null())
        {
            return Err(self.complain(&["tables", name, "fields", empty.0], "has no definition; a field has at least a type"));
        }
        Ok(Table { name: name.to_owned(), definition: members.clone() })
    }

    fn complain(&self, path: &[&str], why: &str) -> Failure {
        let place = if path.is_empty() { String::new() } else { format!("{}: ", path.join(".")) };
        Failure::new(Exit::Data, "schema/invalid", format!("{}:{}: {place}{why}", self.path.display(), line_of(&self.text, path)))
    }

    /// A refusal of the server, with file and line of what it is about.
    pub fn locate(&self, table: &str, part: &str, failure: Failure) -> Failure {
        if !matches!(failure.exit, Exit::Data | Exit::Usage) {
            return failure;
        }
        let field = failure.details.first().and_then(|detail| detail["field"].as_str()).unwrap_or_default().to_owned();
        let inner = field.split('.').filter(|segment| !matches!(*segment, "" | "schema" | "properties" | "fields" | "fieldsToAddOrUpdate"));
        let mut path = vec!["tables", table, part];
        path.extend(inner);
        path.retain(|segment| !segment.is_empty());
        let message = format!("{}:{}: {}: {}", self.path.display(), line_of(&self.text, &path), path.join("."), failure.message);
        Failure { exit: Exit::Data, message, ..failure }
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
    use serde_json::json;

    const JSON: &str = r#"{ "version": 1,
  "tables": {
    "posts": {
      "fields": {
        "title": { "type": "string" } } } } }"#;

    fn parse(name: &str, text: &str) -> Result<Document> {
        Document::parse(Path::new(name), text.to_owned())
    }

    fn complaint(name: &str, text: &str) -> String {
        let failure = parse(name, text).unwrap_err();
        assert_eq!((failure.exit, failure.code.as_str()), (Exit::Data, "schema/invalid"));
        failure.message
    }

    #[test]
    fn json_and_yaml_are_read_alike() {
        let yaml = "version: 1\ntables:\n  posts:\n    fields:\n      title: { type: string }\n";
        for document in [parse("s.json", JSON).unwrap(), parse("s.yaml", yaml).unwrap()] {
            assert_eq!(document.tables[0].name, "posts");
            assert_eq!(Value::Object(document.tables[0].fields()), json!({ "title": { "type": "string" } }));
        }
    }

    #[test]
    fn an_invalid_document_names_file_line_path_and_reason() {
        assert_eq!(complaint("s.json", "{\"tables\":{}}"), "s.json:1: version: has to be 1");
        assert_eq!(
            complaint("s.json", &JSON.replace("\"fields\"", "\"feilds\"")),
            "s.json:4: tables.posts.feilds: unknown key; the closest known one is fields"
        );
        assert!(complaint("s.json", "{\n  oops").starts_with("s.json:2: not JSON"));
        assert!(complaint("s.yaml", "version: 1\ntables: [\n").starts_with("s.yaml:"));
        assert!(complaint("s.json", "[]").contains("has to be an object"));
    }

    #[test]
    fn a_refusal_of_the_server_is_located() {
        let document = parse("s.json", JSON).unwrap();
        let refusal = Failure::new(Exit::Data, "table/schema-validation-failed", "unknown type").details(vec![json!({ "field": "title.type" })]);
        assert_eq!(document.locate("posts", "fields", refusal).message, "s.json:5: tables.posts.fields.title.type: unknown type");
    }
}
