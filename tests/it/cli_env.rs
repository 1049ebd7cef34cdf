//! `env` with its states: clone, snapshot, restore, reset, compare, promote (`08-cli.md` §4).

use serde_json::{Value, json};

use crate::support::cli::Folder;

const SCHEMA: &str = r#"{ "version": 1, "tables": { "notes": { "fields": { "title": { "type": "string" }, "extra": { "type": "number" } } } } }"#;

/// A folder with a table and three records in `dev`.
fn filled() -> Folder {
    let folder = Folder::new();
    folder.write("s.json", SCHEMA);
    let server = folder.serve("");
    folder.run("table apply s.json").expect(0);
    let key = folder.run("key create shell --type secret --json").expect(0).json()["key"].as_str().unwrap().to_owned();
    let rows = json!([{ "title": "a", "extra": 1 }, { "title": "b" }, { "title": "c" }]).to_string();
    let (status, text) = server.post("/v1/data/notes", &[("X-API-Key", &key), ("Content-Type", "application/json")], &rows);
    assert_eq!(status, 201, "{text}");
    server.stop().expect(0);
    folder
}

fn rows(folder: &Folder, environment: &str) -> Value {
    let list = folder.run("env list --json").expect(0).json();
    let found = list["items"].as_array().unwrap().iter().find(|e| e["environment"] == environment).cloned().unwrap();
    found["stats"]["rows"].clone()
}

#[test]
fn a_snapshot_is_restored_and_the_undo_command_is_printed() {
    let folder = filled();
    let taken = folder.run("env snapshot before --json").expect(0).json();
    assert_eq!((&taken["name"], &taken["rows"]), (&json!("before"), &json!(3)));
    let refused = folder.run("env reset --json").expect(5);
    assert_eq!(refused.json_error()["code"], "cli/confirmation-required");
    folder.run("env reset --confirm staging").expect(5);
    assert_eq!(rows(&folder, "dev"), 3);
    let reset = folder.run("env reset --confirm dev").expect(0).stdout;
    assert!(reset.contains("Reset dev: 1 tables, 0 rows") && reset.contains("Undo: bkend-local env restore "), "{reset}");
    assert_eq!(rows(&folder, "dev"), 0);
    let restored = folder.run("env restore before --confirm dev --json").expect(0).json();
    assert_eq!((&restored["rows"], restored["undoSnapshotId"].is_string()), (&json!(3), true));
    assert_eq!(rows(&folder, "dev"), 3);
    folder.run("env restore nothing --confirm dev").expect(3);
    let listed = folder.run("env snapshots").expect(0).stdout;
    for expected in ["before", "manual", "before-reset", "before-restore"] {
        assert!(listed.contains(expected), "{listed}");
    }
    let bare = folder.run("env reset --confirm dev --schema --keep-users --no-snapshot --json").expect(0).json();
    assert_eq!((&bare["tables"], bare.get("undoSnapshotId")), (&json!(0), None));
}

#[test]
fn a_clone_prints_its_own_key_and_leaves_out_what_it_is_told_to() {
    let folder = filled();
    let clone = folder.run("env clone dev review --json").expect(0).json();
    assert!(clone["publishableKey"].as_str().unwrap().starts_with("pk_"));
    assert_eq!((rows(&folder, "review"), rows(&folder, "dev")), (json!(3), json!(3)));
    folder.run("env clone dev bare --no-data --no-users --no-files").expect(0);
    assert_eq!(rows(&folder, "bare"), 0);
    folder.run("env create shape --from dev --schema-only").expect(0);
    assert_eq!(rows(&folder, "shape"), 0);
    folder.run("env clone dev review").expect(5);
    folder.run("env clone nothing x").expect(3);
    folder.run("env delete review --confirm review").expect(0);
}

#[test]
fn environments_are_compared_and_promoted() {
    let folder = filled();
    folder.run("env create prod").expect(0);
    let differ = folder.run("env compare dev prod").expect(0).stdout;
    assert!(differ.contains("+ notes"), "{differ}");
    folder.run("env compare dev prod --exit-code").expect(6);
    folder.run("env promote dev prod --dry-run").expect(0);
    folder.run("env compare dev prod --exit-code").expect(6);
    assert_eq!(folder.run("env promote dev prod --json").expect(0).json()["applied"], true);
    folder.run("env compare dev prod --exit-code").expect(0);
    folder.write("s.json", &SCHEMA.replace("\"extra\"", "\"more\""));
    folder.run("table apply s.json --env prod --allow-destructive").expect(0);
    let plan = folder.run("env compare prod dev --json").expect(0).json();
    let paths: Vec<&str> = plan["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["fields.more"], "{plan}");
    folder.run("env create bare").expect(0);
    assert_eq!(folder.run("env promote bare dev --json").expect(5).json_error()["code"], "schema/destructive");
    assert_eq!(rows(&folder, "dev"), 3);
    folder.run("env promote bare dev --allow-destructive").expect(0);
    folder.run("env compare bare dev --exit-code").expect(0);
    folder.run("env promote prod nothing").expect(3);
    folder.run("env promote prod dev --parts colour").expect(2);
}
