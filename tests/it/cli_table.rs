//! `table list|spec|openapi|apply|delete`.

use serde_json::Value;

use crate::support::cli::Folder;

const DOCUMENT: &str = r#"{ "version": 1,
  "tables": {
    "posts": {
      "description": "Articles",
      "fields": {
        "title": { "type": "string", "required": true, "maxLength": 200 },
        "authorId": { "type": "reference", "table": "profiles" },
        "status": { "type": "string", "enum": ["draft", "live"], "default": "draft" } },
      "indexes": [ { "name": "idx_status", "fields": { "status": 1, "createdAt": -1 } } ],
      "permissions": { "guest": { "read": true, "list": true } } } } }"#;

fn actions(outcome: &Value) -> Vec<String> {
    let change = |c: &Value| format!("{} {}.{}", c["action"].as_str().unwrap(), c["table"].as_str().unwrap(), c["path"].as_str().unwrap());
    outcome["changes"].as_array().unwrap().iter().map(change).collect()
}

#[test]
fn apply_creates_what_is_missing_and_a_second_time_changes_nothing() {
    let folder = Folder::new();
    let _server = folder.serve("");
    folder.write("bkend.schema.json", DOCUMENT);
    let plan = folder.run("table apply bkend.schema.json --dry-run --json").expect(0).json();
    assert_eq!((&plan["applied"], actions(&plan)), (&Value::Bool(false), vec!["add posts.".to_owned()]));
    folder.run("table spec posts").expect(3);
    assert!(folder.run("table apply bkend.schema.json").expect(0).stdout.starts_with("Applied"));
    let again = folder.run("table apply bkend.schema.json --json").expect(0).json();
    assert_eq!((&again["applied"], actions(&again)), (&Value::Bool(false), vec![]));
    let spec = folder.run("table spec posts --json").expect(0).json();
    assert_eq!(spec["schema"]["properties"]["title"]["maxLength"], 200);
    assert_eq!(spec["schema"]["properties"]["authorId"]["ref"], "profiles");
    assert!(spec["indexes"].as_array().unwrap().iter().any(|index| index["name"] == "idx_status"));
}

#[test]
fn apply_adds_and_changes_fields_indexes_and_permissions_and_keeps_the_rest() {
    let folder = Folder::new();
    let _server = folder.serve("");
    folder.write("a.json", DOCUMENT);
    folder.run("table apply a.json").expect(0);
    folder.write(
        "b.yaml",
        "version: 1\ntables:\n  posts:\n    description: Notes\n    fields:\n      title: { type: string, required: true }\n      subtitle: { type: string }\n\
         \x20     state: { type: string, renamedFrom: status }\n    indexes:\n      - { name: idx_title, fields: { title: 1 } }\n    permissions:\n      user: { create: true, read: true }\n",
    );
    let dry = folder.run("table apply b.yaml --dry-run").expect(0).stdout;
    for line in ["~ posts.title", "+ posts.subtitle", "~ posts.status → state", "+ posts.indexes.idx_title", "~ posts.permissions", "~ posts.description"] {
        assert!(dry.lines().any(|found| found == line), "{line}: {dry}");
    }
    folder.run("table apply b.yaml").expect(0);
    let spec = folder.run("table spec posts --json").expect(0).json();
    let fields = spec["schema"]["properties"].as_object().unwrap();
    assert!(fields.contains_key("authorId") && fields.contains_key("state") && !fields.contains_key("status"), "{spec}");
    assert!(fields["title"].get("maxLength").is_none(), "a document is the whole definition of its fields");
    assert_eq!(spec["schema"]["required"], serde_json::json!(["title"]));
    assert_eq!(actions(&folder.run("table apply b.yaml --json").expect(0).json()), Vec::<String>::new());
}

#[test]
fn an_invalid_document_is_exit_6_with_file_line_path_and_reason() {
    let folder = Folder::new();
    let _server = folder.serve("");
    folder.write("bad.json", "{ \"version\": 1,\n  \"tables\": { \"posts\": { \"felds\": {} } } }");
    let outcome = folder.run("table apply bad.json").expect(6);
    assert!(outcome.stderr.starts_with("bad.json:2: tables.posts.felds"), "{outcome:?}");
    folder.write("type.json", &DOCUMENT.replace("\"maxLength\": 200", "\"maxLength\": \"long\""));
    let outcome = folder.run("table apply type.json").expect(6);
    assert!(outcome.stderr.starts_with("type.json:6: tables.posts.fields.title.maxLength"), "{outcome:?}");
    assert_eq!(folder.run("table apply type.json --json").expect(6).json_error()["code"], "schema/invalid");
    folder.write("broken.yaml", "tables: [");
    assert!(folder.run("table apply broken.yaml").expect(6).stderr.starts_with("broken.yaml:"));
    folder.run("table apply nowhere.json").expect(3);
    assert_eq!(folder.run("table list --json").expect(0).json()["items"].as_array().unwrap().iter().filter(|t| t["system"] != true).count(), 0);
}

#[test]
fn values_that_cannot_convert_are_exit_6_with_examples_and_nothing_is_changed() {
    let folder = Folder::new();
    let server = folder.serve("");
    folder.write("a.json", DOCUMENT);
    folder.run("table apply a.json").expect(0);
    let (status, _) = server.post("/v1/data/posts", &[("X-API-Key", server.ready["secretKey"].as_str().unwrap())], r#"{"title":"no number"}"#);
    assert_eq!(status, 201);
    folder.write("b.json", &DOCUMENT.replace(r#""type": "string", "required": true, "maxLength": 200"#, r#""type": "integer", "required": true"#));
    for line in ["table apply b.json", "table apply b.json --dry-run"] {
        let outcome = folder.run(line).expect(6);
        assert!(outcome.stderr.contains("no number") && outcome.stderr.contains("nothing was changed"), "{outcome:?}");
    }
    assert_eq!(folder.run("table apply b.json --json").expect(6).json_error()["code"], "schema/incompatible-values");
    assert_eq!(folder.run("table spec posts --json").expect(0).json()["schema"]["properties"]["title"]["bsonType"], "string");
    // A rule that stored values break is a warning in the plan.
    folder.write("c.json", &DOCUMENT.replace(r#""maxLength": 200"#, r#""maxLength": 3"#));
    let plan = folder.run("table apply c.json --dry-run").expect(0).stdout;
    assert!(plan.lines().any(|line| line == "~ posts.title") && plan.lines().any(|line| line.starts_with("! ")), "{plan}");
}

#[test]
fn tables_are_listed_described_and_deleted_by_name() {
    let folder = Folder::new();
    let server = folder.serve("");
    folder.write("a.json", DOCUMENT);
    folder.run("table apply a.json").expect(0);
    assert!(folder.run("table list").expect(0).stdout.lines().any(|line| line.starts_with("posts ")));
    let spec = folder.run("table spec posts").expect(0).stdout;
    for expected in ["FIELD", "title", "→ profiles", "maxLength=200", "idx_status", "createdAt desc", "guest"] {
        assert!(spec.contains(expected), "{expected}: {spec}");
    }
    let openapi = folder.run("table openapi posts").expect(0).json();
    assert_eq!(openapi["openapi"], "3.0.0");
    folder.run("table delete posts").expect(5);
    folder.run("table delete posts --confirm posts").expect(0);
    folder.run("table delete posts --confirm posts").expect(3);
    folder.run("table spec posts").expect(3);
    server.stop().expect(0);
    // The same on the directory itself.
    folder.run("table apply a.json").expect(0);
    assert_eq!(folder.run("table openapi posts --json").expect(0).json()["servers"][0]["url"].as_str().map(|url| url.contains("localhost:4300")), Some(true));
}
